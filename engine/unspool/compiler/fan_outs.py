"""Reads `for_each`, `matrix` and `join`: how many instances there may be, and what can never be met."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

from unspool.compiler.emissions import emitted_by, rules_of, substitute_of
from unspool.compiler.flatten import Flat, Role, asks_each
from unspool.compiler.places import value_at
from unspool.compiler.stand_ins import check_circles, check_substitute
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.plan import DEFAULT_MOST_INSTANCES, FanOut

_MOST_COUNTED = 10_000  # combinations of a matrix that are gone through to count those that `exclude` drops

CODES = {
    "UNS185": "a `batch` stands where no instances can share an attempt",
    "UNS163": "`join` asks for more than `depends_on` names",
    "UNS164": "a task has both `for_each` and `matrix`",
    "UNS165": "two instances would have one name",
    "UNS168": "nothing uses a template",
    "UNS169": "a list has more items than its own `max` allows",
}


def check_fan_outs(flat: Flat) -> tuple[dict[str, FanOut], list[Diagnostic]]:
    """Give the fan-out of each task that has one, and say what is wrong with how tasks multiply and join."""
    found: list[Diagnostic] = []
    fans: dict[str, FanOut] = {}
    for name, body in flat.readable.document["tasks"].items():
        path: Path = ("tasks", name)
        if "join" in body:
            found += _check_join(name, _written(flat, name, body), path)
        if "batch" in body:
            found += _check_batch(name, body, path)
        if "for_each" in body or "matrix" in body:
            if "for_each" in body and "matrix" in body:
                message = f"task {quote(name)} has both `for_each` and `matrix`"
                found.append(Diagnostic("UNS164", message, (*path, "matrix"), on_key=True, hint="keep one of them"))
            reader = _Reader(flat, flat.role(name), body)
            fans[name] = reader.for_each(body["for_each"]) if "for_each" in body else reader.matrix(body["matrix"])
            found += _check_items(name, body, fans[name], path)
    return fans, found + _check_policies(flat)


def _count(axes: dict[str, list[Any]], exclude: list[dict[str, Any]]) -> int:
    """Count the combinations that are left of a matrix that is written out."""
    rows = (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
    return sum(not any(_drops(drop, row) for drop in exclude) for row in rows)


def _drops(drop: dict[str, Any], row: dict[str, Any]) -> bool:
    """Whether a row matches, where no boolean equals a number."""
    return all(
        name in row and row[name] == value and isinstance(row[name], bool) == isinstance(value, bool)
        for name, value in drop.items()
    )


class _Reader:
    """Finds out how many instances there may be."""

    def __init__(self, flat: Flat, role: Role, body: dict[str, Any]) -> None:
        self._inputs = flat.readable.document.get("inputs", {}) if role.inputs is None else role.inputs
        self._each = asks_each(body)

    def for_each(self, value: Any) -> FanOut:
        keys = value if isinstance(value, dict) else {"items": value}
        items = keys["items"]
        length = self._length(items)
        most = int(keys["max"]) if "max" in keys else length[0]
        parallel = keys.get("max_parallel")
        return FanOut(items, keys.get("key"), None if parallel is None else int(parallel), most, length[1], self._each)

    def matrix(self, value: dict[str, Any]) -> FanOut:
        axes = {name: values for name, values in value.items() if name not in ("include", "exclude")}
        include, exclude = value.get("include", []), value.get("exclude", [])
        lengths = [self._length(values) for values in axes.values()]
        most = (prod(length for length, _ in lengths) if axes else 0) + len(include)
        is_open = any(is_open for _, is_open in lengths)
        if not is_open and exclude and most <= _MOST_COUNTED and "${{" not in repr(value):
            most = _count(axes, exclude) + len(include)
        return FanOut(None, None, None, most, is_open, self._each, axes, tuple(include), tuple(exclude))

    def _length(self, items: Any) -> tuple[int, bool]:
        """Give how long a list may be, and whether that is only a bound."""
        if isinstance(items, list):
            return len(items), False
        name = items.strip().removeprefix("${{").removesuffix("}}").strip().removeprefix("inputs.")
        schema = self._inputs.get(name)
        most = schema.get("maxItems") if isinstance(schema, dict) else None
        return (DEFAULT_MOST_INSTANCES if most is None else int(most)), True


def _check_batch(name: str, body: dict[str, Any], path: Path) -> list[Diagnostic]:
    wrong = next((key for key in ("cache", "compensate", "success_when") if key in body), None)
    if "for_each" not in body and "matrix" not in body:
        message = f"task {quote(name)} has a `batch` but no instances to share it"
        return [Diagnostic("UNS185", message, (*path, "batch"), on_key=True, hint="add `for_each`, or remove it")]
    if wrong is None and body.keys() & {"run", "python", "http"}:
        return []
    message = f"`batch` of task {quote(name)} does not go with {quote(wrong or 'an action without an attempt')}"
    return [Diagnostic("UNS185", message, (*path, "batch"), on_key=True, hint="remove one of them")]


def _written(flat: Flat, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give a task as its author wrote it; in a group its gate was added to what it waits for."""
    found = value_at(flat.source, flat.paths[name]) if flat.role(name).scope else None
    return found if isinstance(found, dict) else body


def _check_join(name: str, body: dict[str, Any], path: Path) -> list[Diagnostic]:
    join, count = body["join"], len(body.get("depends_on", ()))
    if isinstance(join, str) and (count or join == "all"):
        return []
    if not isinstance(join, str) and join <= count:
        return []
    message = f"`join` of task {quote(name)} asks for {join}, and `depends_on` names {count or 'nobody'}"
    most = f"a number from 1 to {count}, `any`" if count > 1 else "`any`"
    hint = f"write {most} or `all`, or name more in `depends_on`" if count else "remove it, or add `depends_on`"
    return [Diagnostic("UNS163", message, (*path, "join"), hint=hint)]


def _check_items(name: str, body: dict[str, Any], fan: FanOut, path: Path) -> list[Diagnostic]:
    if not isinstance(fan.items, list):
        return []
    if len(fan.items) > fan.most:
        message = f"the list of task {quote(name)} has {len(fan.items)} items, more than its own `max` ({fan.most})"
        return [Diagnostic("UNS169", message, (*path, "for_each", "max"), hint=f"raise it to {len(fan.items)}")]
    if fan.key is not None:
        return []
    seen: set[str] = set()
    for number, item in enumerate(fan.items):
        key = str(item) if isinstance(item, str | int | float) else str(number)
        if key in seen and "${{" not in key:
            at = (
                (*path, "for_each", "items", number)
                if isinstance(body["for_each"], dict)
                else (*path, "for_each", number)
            )
            message = f"the list of task {quote(name)} holds {quote(key)} twice"
            hint = "remove one, or give the instances a `key`, such as `{items: [...], key: '${{ index }}'}`"
            return [Diagnostic("UNS165", message, at, hint=hint)]
        seen.add(key)
    return []


def _templates(flat: Flat) -> set[str]:
    return {name for name, role in flat.roles.items() if role.template and flat.paths[name] == ("templates", name)}


def _check_policies(flat: Flat) -> list[Diagnostic]:
    templates = _templates(flat)
    found: list[Diagnostic] = []
    for name, body in flat.readable.document["tasks"].items():
        policy = body.get("on_failure")
        if isinstance(policy, dict) and "substitute" in policy:
            found += check_substitute(flat, name, policy, templates)
    return found + check_circles(flat, templates) if templates else found


def check_unused_templates(flat: Flat) -> list[Diagnostic]:
    """Warn of templates of which no task is ever made; only of a document in which nothing else is wrong."""
    if flat.source.get("open"):  # anybody may submit one
        return []
    used: set[str | None] = set()
    for name, body in flat.readable.document["tasks"].items():
        used.add(substitute_of(body))
        used.update(each for rule in rules_of(flat.source, name, body) for each in emitted_by(rule.keys))
    hint = "name it in a rule, `on_result: [{emit: ...}]`, or an `on_failure: {substitute: ...}`; or remove it"
    found = [(f"nothing uses the template {quote(name)}", name) for name in sorted(_templates(flat) - used)]
    return [
        Diagnostic("UNS168", message, ("tasks", name), on_key=True, hint=hint, severity="warning")
        for message, name in found
    ]

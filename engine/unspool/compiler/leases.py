"""What `lease.NAME` stands for in a task, and what is wrong with one that stands for nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from unspool.compiler.graph import similar_name
from unspool.compiler.resources import task_uses
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Path

if TYPE_CHECKING:
    from unspool.compiler.members import Problem, Steps
    from unspool.compiler.scope import Spot

CODES = {
    "UNS124": "an expression names a lease that its task does not have",
    "UNS125": "an expression names a lease of a resource that has no items",
}

_ITEM_FIELDS = ("run", "http", "stdin", "with", "env", "cwd")


def lease_problem(document: Mapping[str, Any], holes: Collection[Path], rest: Steps, spot: Spot) -> Problem | None:
    """Say what is wrong with `lease` and what follows it, in a field of a task."""
    field, name = str(spot.path[2]), str(spot.path[1])
    if field not in _ITEM_FIELDS:
        message = f"`lease` is not known in {quote(field)}, which is decided before anything is leased"
        return "UNS064", message, "use it in the action, `env` or `cwd` of the task"
    if any(hole in holes for hole in (("resources",), ("defaults",), ("tasks", name, "uses"))):
        return None
    task = document["tasks"][name]
    uses = task_uses(document, task)
    if not rest:
        return None if _leased(document, uses) else _nothing_leased(name, uses)
    wanted = str(rest[0])
    resource = document.get("resources", {}).get(wanted)
    if wanted not in uses:
        return "UNS124", f"task {quote(name)} does not use {quote(wanted)}", _uses_hint(document, uses, wanted)
    if resource is None:
        return None  # the `uses` has been told of it
    if "items" not in resource:
        message = f"`lease.{wanted}` has no value: {quote(wanted)} has no `items` of which one could be leased"
        return "UNS125", message, f"name its things, as in `{wanted}: {{items: [a, b]}}`, or remove the expression"
    return _members(wanted, uses[wanted], rest)


def lease_type(document: Mapping[str, Any], task: Mapping[str, Any], rest: Steps) -> str | None:
    """Give the JSON type of a sound `lease...`, None where that is not known."""
    if not rest:
        return "object"
    count = task_uses(document, task).get(str(rest[0]), 1)
    if count > 1 and len(rest) == 1:
        return "array"
    items = document.get("resources", {}).get(str(rest[0]), {}).get("items", [None])
    return "string" if all(isinstance(item, str) for item in items) else _number(items)


def _number(items: list[Any]) -> str | None:
    return "number" if all(isinstance(item, int | float) for item in items) else None


def _members(name: str, count: int, rest: Steps) -> Problem | None:
    holder = f"lease.{name}"
    if count == 1 and len(rest) > 1:
        return "UNS069", f"`{holder}` is one item and has no members", f"write `{holder}`"
    if count > 1 and len(rest) > 1 and not (len(rest) == 2 and isinstance(rest[1], int) and -count <= rest[1] < count):
        hint = f"write `{holder}[0]` to `{holder}[{count - 1}]`, or `{holder}` for the list"
        return "UNS069", f"`{holder}` is a list of {count} items", hint
    return None


def _leased(document: Mapping[str, Any], uses: Mapping[str, int]) -> bool:
    return any("items" in document.get("resources", {}).get(name, {"items": []}) for name in uses)


def _nothing_leased(name: str, uses: Mapping[str, int]) -> Problem:
    if not uses:
        return "UNS124", f"task {quote(name)} uses no resource", "name one with `items` under `uses`, or remove `lease`"
    used = ", ".join(map(quote, uses))
    return "UNS125", f"nothing that task {quote(name)} uses has `items` (it uses {used})", "give one of them `items`"


def _uses_hint(document: Mapping[str, Any], uses: Mapping[str, int], wanted: str) -> str:
    similar = similar_name(wanted, [name for name in uses if "items" in document.get("resources", {}).get(name, {})])
    if similar is not None:
        return f"did you mean `lease.{similar}`?"
    if wanted in document.get("resources", {}):
        return f"add it to its `uses`, as in `uses: [{', '.join([*uses, wanted])}]`"
    return f"declare {quote(wanted)} under `resources` with `items`, and name it under `uses` of the task"

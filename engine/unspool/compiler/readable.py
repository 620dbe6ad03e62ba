"""What can still be checked of a document some parts of which are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from unspool.model.diagnostics import Path


class Readable(NamedTuple):
    """The well-formed parts of a document.

    Attributes:
        document: only what has the right type and no finding in it; it always has `tasks`.
        holes: the maps and lists whose content is not known: `("inputs",)`, `("env",)`, `("secrets",)`,
            `("resources",)`, `("defaults",)`, `("templates",)`, `("rulesets",)`, and of a task, wherever it stands, its
            path and `"outputs"`, `"depends_on"`, `"uses"`, `"for_each"` (how it multiplies), `"compensate"`, `"inputs"`
            (of a template) or `"mode"` (of its group); of a compensation its path and `"env"`, `"cwd"` or `"uses"`.
            Nothing may be called unknown or missing for want of what stood there.
    """

    document: dict[str, Any]
    holes: frozenset[Path]


def whole(document: dict[str, Any]) -> Readable:
    """Wrap a document in which nothing is wrong."""
    return Readable(document, frozenset())


def salvage(value: Any, broken: Iterable[Path]) -> Readable | None:
    """Keep the parts of a faulty document that are safe to look into.

    Args:
        value: what the text held.
        broken: the paths of the findings so far.

    Returns:
        None where there are no tasks to look at.
    """
    if not isinstance(value, dict) or not isinstance(value.get("tasks"), dict):
        return None
    faults = _Faults(broken)
    document: dict[str, Any] = {"tasks": {}}
    holes: set[Path] = set()
    for key in ("inputs", "env"):
        if _is_map_of_text_keys(value.get(key)) and (key,) not in faults.places:
            document[key] = _kept_names(value[key], (key,), faults)
        if key not in document and (key in value or faults.has_stray_key(())):
            holes.add((key,))
    _salvage_resources(value, document, faults, holes)
    for key, fits in _WHOLE.items():
        if key in value and fits(value[key]) and (key,) not in faults.touched:
            document[key] = value[key]
    reader = _Tasks(faults, holes)
    document["tasks"] = reader.tasks(value["tasks"], ("tasks",))
    for key in ("templates", "finally"):
        if isinstance(value.get(key), dict):
            document[key] = reader.tasks(value[key], (key,))
    unread = (key for key in ("secrets", "defaults", "templates", "rulesets") if key not in document)
    holes.update((key,) for key in unread if key in value or faults.has_stray_key(()))
    return Readable(document, frozenset(holes))


class _Faults:
    """The places of findings, asked for by place, by ancestor and by parent."""

    def __init__(self, broken: Iterable[Path]) -> None:
        self.places = frozenset(broken)
        self.touched = frozenset(path[:length] for path in self.places for length in range(len(path) + 1))
        self._parents = frozenset(path[:-1] for path in self.places if path and path[-1] not in _KNOWN)

    def has_stray_key(self, path: Path) -> bool:
        """Whether the map at `path` holds a key that may be another one misspelt."""
        return path in self._parents


def _is_map_of_text_keys(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_condition(value: Any) -> bool:
    return isinstance(value, str | bool)


def _is_action(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, _SCALARS) for item in value))


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_map(value: Any) -> bool:
    return isinstance(value, dict)


def _is_environment(value: Any) -> bool:
    return _is_map_of_text_keys(value) and all(isinstance(item, _SCALARS) for item in value.values())


def _is_declarations(value: Any) -> bool:
    return _is_map_of_text_keys(value) and all(isinstance(item, dict) for item in value.values())


def _is_needs(value: Any) -> bool:
    items = value if isinstance(value, list) else value.items() if isinstance(value, dict) else None
    if items is None:
        return False
    return all(isinstance(text, str) for item in items for text in (item if isinstance(item, tuple) else (item,)))


def _is_uses(value: Any) -> bool:
    counts = value.values() if isinstance(value, dict) else ()
    return (isinstance(value, list) or _is_map_of_text_keys(value)) and (
        all(isinstance(name, str) for name in value) and all(isinstance(count, int | float) for count in counts)
    )


def _is_text_or_map(value: Any) -> bool:
    return isinstance(value, str) or _is_map_of_text_keys(value)


def _is_rules(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_rule, value))


def _is_rule(value: Any) -> bool:
    if not _is_map_of_text_keys(value) or not _is_map_of_text_keys(value.get("with", {})):
        return False
    emit = value.get("emit", "")
    return isinstance(emit, str) or _is_names(emit)


def _is_interpreter(value: Any) -> bool:
    return isinstance(value, str) or (_is_map_of_text_keys(value) and all(map(_is_map_of_text_keys, value.values())))


def _is_rulesets(value: Any) -> bool:
    return _is_map_of_text_keys(value) and all(map(_is_rules, value.values()))


def _is_join(value: Any) -> bool:
    return value in ("all", "any") if isinstance(value, str) else isinstance(value, int | float)


def _is_policy(value: Any) -> bool:
    if not isinstance(value, dict):
        return isinstance(value, str)
    if "rollback" in value:
        return isinstance(value["rollback"], dict)
    return isinstance(value.get("substitute"), str) and _is_map_of_text_keys(value.get("with", {}))


def _is_fan_out(value: Any) -> bool:
    items = value.get("items") if isinstance(value, dict) else value
    return isinstance(items, str | list)


def _is_matrix(value: Any) -> bool:
    return _is_map_of_text_keys(value) and all(isinstance(axis, str | list) for axis in value.values())


_SCALARS = (str, int, float)
_WHOLE: dict[str, Callable[[Any], bool]] = {
    "secrets": _is_names,
    "outputs": _is_map,
    "defaults": _is_map,
    "rulesets": _is_rulesets,
    "import": _is_names,
    "open": lambda value: isinstance(value, bool),
}
_TASK_FIELDS: dict[str, Callable[[Any], bool]] = {
    "run": _is_action,
    "python": _is_text,
    "http": _is_map_of_text_keys,
    "shell": _is_text,
    "stdin": _is_text,
    "with": _is_map_of_text_keys,
    "env": _is_environment,
    "cwd": _is_text,
    "depends_on": _is_needs,
    "when": _is_condition,
    "success_when": _is_condition,
    "outputs": _is_declarations,
    "on_failure": _is_policy,
    "join": _is_join,
    "wait": _is_text_or_map,
    "approval": _is_text_or_map,
    "cache": _is_map_of_text_keys,
    "uses": _is_uses,
    "on_result": _is_rules,
    "interpret": _is_interpreter,
}
_RESERVED = frozenset("./[]")  # what whole names are made with
_KNOWN = frozenset(
    (
        *_TASK_FIELDS,
        *("unspool", "name", "description", "inputs", "defaults", "limits", "tasks", "secrets", "resources"),
        *("tags", "timeout", "idle_timeout", "grace", "retry", "priority", "estimate", "on_crash"),
        *("templates", "finally", "rulesets", "for_each", "matrix", "group", "compensate"),
    )
)


def _kept_names(names: dict[str, Any], path: Path, faults: _Faults) -> dict[str, Any]:
    """Keep every name, but put an empty map where the given value is wrong."""
    kept = {name: {} if (*path, name) in faults.touched else value for name, value in names.items()}
    if path[-1] == "inputs":
        return {name: value if isinstance(value, dict) else {} for name, value in kept.items()}
    return kept


def _salvage_resources(value: dict[str, Any], document: dict[str, Any], faults: _Faults, holes: set[Path]) -> None:
    """Keep the resources where nothing is wrong with any of them."""
    if _is_declarations(value.get("resources")) and ("resources",) not in faults.touched:
        document["resources"] = value["resources"]
    elif "resources" in value or faults.has_stray_key(()):
        holes.add(("resources",))


class _Tasks:
    """Keeps the readable fields of tasks, wherever they stand."""

    def __init__(self, faults: _Faults, holes: set[Path]) -> None:
        self._faults = faults
        self._holes = holes

    def tasks(self, tasks: dict[str, Any], path: Path) -> dict[str, Any]:
        """Keep what can be read of each task; a name that reads as a way to another task is none."""
        names = (name for name in tasks if isinstance(name, str) and not _RESERVED.intersection(name))
        return {name: self.task(tasks[name], (*path, name)) for name in names}

    def task(self, body: Any, path: Path) -> dict[str, Any]:
        kept = self._fields(body, path)
        is_stray = not isinstance(body, dict) or self._faults.has_stray_key(path)
        is_template = path[0] == "templates" and len(path) == 2
        if isinstance(body, dict):
            self._add_parts(kept, body, path)
            if (
                is_template
                and _is_map_of_text_keys(body.get("inputs"))
                and (*path, "inputs") not in self._faults.places
            ):
                kept["inputs"] = _kept_names(body["inputs"], (*path, "inputs"), self._faults)
        known = ("depends_on", "outputs", "uses", "compensate", *(("inputs",) if is_template else ()))
        for key in known:
            if key not in kept and (is_stray or key in body):
                self._holes.add((*path, key))
        if is_stray and "for_each" not in kept and "matrix" not in kept:
            self._holes.add((*path, "for_each"))
        return kept

    def _fields(self, body: Any, path: Path) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        if isinstance(body, dict):
            for key, fits in _TASK_FIELDS.items():
                if key in body and (*path, key) not in self._faults.touched and fits(body[key]):
                    kept[key] = body[key]
        return kept

    def _add_parts(self, kept: dict[str, Any], body: dict[str, Any], path: Path) -> None:
        """Keep what nests. That a task multiplies or can be undone is known even where it is not said well how."""
        touched = self._faults.touched
        if "for_each" in body:
            is_sound = _is_fan_out(body["for_each"]) and (*path, "for_each") not in touched
            kept["for_each"] = body["for_each"] if is_sound else []
        if "matrix" in body:
            is_sound = _is_matrix(body["matrix"]) and (*path, "matrix") not in touched
            kept["matrix"] = body["matrix"] if is_sound else {}
        if "compensate" in body:
            kept["compensate"] = self._fields(body["compensate"], (*path, "compensate"))
            self._note_unread(kept["compensate"], body["compensate"], (*path, "compensate"))
        group = body.get("group")
        if isinstance(group, dict) and isinstance(group.get("tasks"), dict):
            kept["group"] = self._group(group, (*path, "group"))

    def _note_unread(self, kept: dict[str, Any], body: Any, path: Path) -> None:
        """Know which of what a compensation would take over it may have itself."""
        is_stray = not isinstance(body, dict) or self._faults.has_stray_key(path)
        unread = (key for key in ("env", "cwd", "uses") if key not in kept)
        self._holes.update((*path, key) for key in unread if is_stray or key in body)

    def _group(self, group: dict[str, Any], path: Path) -> dict[str, Any]:
        kept: dict[str, Any] = {"tasks": self.tasks(group["tasks"], (*path, "tasks"))}
        for key in ("mode", "aggregate"):
            if key in group and (*path, key) not in self._faults.touched:
                kept[key] = group[key]
        if "mode" not in kept and ("mode" in group or self._faults.has_stray_key(path)):
            kept["mode"] = "dag"  # the one in which any dependency may stand
            self._holes.add((*path[:-1], "mode"))
        return kept

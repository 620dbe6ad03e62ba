"""What stands at a path of a document: the kind of each map, list and value, found from its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unspool.model.diagnostics import Path

_ANY = "*"
_SCHEMA = {
    "items": "schema",
    "additionalProperties": "schema",
    "properties": "schemas",
    "anyOf": "schemas",
    "oneOf": "schemas",
    "allOf": "schemas",
    "type": "type",
    "default": "any",
    "const": "any",
    "enum": "any",
    "examples": "any",
}

# Kind of a container -> its keys -> the kind of what stands there; keys not listed are kinds themselves.
_CHILDREN: dict[str, dict[str, str]] = {
    "document": {"outputs": "values"},
    "resources": {_ANY: "resource"},
    "resource": {"items": "things"},
    "things": {_ANY: "thing"},
    "uses": {_ANY: "use"},
    "tasks": {_ANY: "task"},
    "finally": {_ANY: "task"},
    "templates": {_ANY: "template"},
    "task": {"with": "values"},
    "template": {"with": "values"},
    "compensate": {"with": "values"},
    "for_each": {"items": "each", "key": "instance_key", "max_parallel": "max_parallel", "max": "max", _ANY: "any"},
    "each": {_ANY: "any"},
    "matrix": {"include": "combinations", "exclude": "combinations", _ANY: "axis"},
    "axis": {_ANY: "any"},
    "combinations": {_ANY: "combination"},
    "combination": {_ANY: "any"},
    "approval": {"default": "verdict"},
    "reduce": {"with": "values"},
    "workflow": {"path": "document_path", "inputs": "values"},
    "batch": {"size": "batch_size"},
    "on_failure": {"with": "values"},
    "on_result": {_ANY: "rule"},
    "rulesets": {_ANY: "on_result"},
    "rule": {"with": "values", "for_each": "each", "key": "instance_key", "max": "max", "retry": "again"},
    "cache": {"inputs": "globs", "files": "globs"},
    "globs": {_ANY: "glob"},
    "inputs": {_ANY: "schema"},
    "env": {_ANY: "variable"},
    "values": {_ANY: "any"},
    "any": {_ANY: "any"},
    "again": {"after": "after"},
    "run": {_ANY: "argument"},
    "tags": {_ANY: "tag"},
    "secrets": {_ANY: "secret"},
    "depends_on": {_ANY: "need"},
    "outputs": {_ANY: "output"},
    "on": {_ANY: "filter"},
    "never": {_ANY: "filter"},
    "exit_code": {_ANY: "code"},
    "status": {_ANY: "status_code"},
    "expect": {_ANY: "status_code"},
    "headers": {_ANY: "variable"},
    "http": {"json": "any"},
    "schemas": {_ANY: "schema"},
    "schema": _SCHEMA,
    "output": {**_SCHEMA, "from": "source"},
    "type": {_ANY: "type"},
    "required": {_ANY: "member"},
}

BOOLEANS = frozenset(("when", "success_when", "jitter", "uniqueItems", "open"))
NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "max_cost_usd"))
INTEGERS = frozenset(
    "max_attempts concurrency queue max_tasks max_depth max_tokens max_bytes code status_code batch_size slots "
    "failures successes use minLength maxLength minItems maxItems max max_parallel attempts".split()
)
DURATIONS = frozenset(
    (
        "timeout",
        "idle_timeout",
        "grace",
        "delay",
        "max_delay",
        "max_elapsed",
        "estimate",
        "ttl",
        "reset_after",
        "within",
        "after",
        "idle",
    )
)
TEXTS = frozenset(
    "name description document_path cwd stdin python run url body title format pattern path file tag member need "
    "filter key glob until prompt substitute instance_key emit fail note ruleset event".split()
)


# The kinds of maps that have an action.
TASKS = frozenset(("task", "template"))
ACTORS = TASKS | {"compensate"}


def kind_of(path: Path) -> str:
    """Give the kind of what stands at a path: `document`, `task`, `timeout`, `variable`, ..."""
    kind = "document"
    for key in path:
        children = _CHILDREN.get(kind, {})
        kind = children.get(str(key)) or children.get(_ANY, str(key))
    return kind


def all_tasks(document: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give each task that stands anywhere in a document, with its path; whatever else stands there is passed over."""
    if isinstance(document, dict):
        for key in ("tasks", "templates", "finally"):
            yield from _tasks_in(document.get(key), (key,))


def _tasks_in(tasks: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for name, body in tasks.items() if isinstance(tasks, dict) else ():
        if isinstance(body, dict):
            yield (*path, name), body
            if "group" in body and isinstance(body["group"], dict):
                yield from _tasks_in(body["group"].get("tasks"), (*path, name, "group", "tasks"))


def value_at(value: Any, path: Path) -> Any:
    """Give the value at a path, None where the path leads nowhere."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def under_extension(path: Path) -> bool:
    """Whether a path lies under a top-level `x-` key, which unspool does not read."""
    return bool(path) and str(path[0]).startswith("x-")

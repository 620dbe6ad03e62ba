"""Words for diagnostics about a document's shape: how places, values and lists of choices are called."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unspool.model.diagnostics import Path

_PLAIN = re.compile(r"(?:[A-Za-z_./](?:[A-Za-z0-9_./ -]|:(?=[A-Za-z_]))*(?<! )|[0-9]+(?:ms|s|m|h|d))")
_READ_OTHERWISE = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_LONGEST_SNIPPET = 120
_LONGEST_QUOTE = 60

TYPE_PHRASES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}


def task_name(path: Path) -> str | None:
    """Give the name of the task at a path, with the groups around it: `deploy.push`; None where no task stands."""
    match path:
        case ("tasks" | "finally" | "templates", str(name)):
            return name
        case (*outer, "group", "tasks", str(name)):
            holder = task_name(tuple(outer))
            return None if holder is None else f"{holder}.{name}"
    return None


def place(path: Path) -> str:
    """Name the value at a path as an author would: `timeout` of task `build`."""
    if not path:
        return "the document"
    task = task_name(path)
    if task is not None:
        return f"{'template' if path[0] == 'templates' and len(path) == 2 else 'task'} {quote(task)}"
    *outer, key = path
    holder = tuple(outer)
    if isinstance(key, int):
        return f"item {key + 1} of {place(holder)}"
    return _declared(holder, key) or (f"{quote(key)} of {place(holder)}" if holder else quote(key))


def _declared(holder: Path, name: str) -> str | None:
    """Name what is declared under a name: an input, an output, a resource."""
    if holder in (("inputs",), ("resources",)):
        return f"{str(holder[0]).removesuffix('s')} {quote(name)}"
    if holder == ("outputs",):
        return f"output {quote(name)} of the workflow"
    if holder[-1:] == ("outputs",) and task_name(holder[:-1]) is not None:
        return f"output {quote(name)} of {place(holder[:-1])}"
    if holder[-1:] == ("inputs",) and len(holder) == 3 and holder[0] == "templates":
        return f"input {quote(name)} of {place(holder[:-1])}"
    return None


def inside(path: Path) -> str:
    """Say in which map a key stands: "in task `build`", "at the top level"."""
    return f"in {place(path)}" if path else "at the top level"


def found(value: Any) -> str:
    """Say what was found where something else belongs."""
    match value:
        case None:
            return "null"
        case bool():
            return f"`{flow(value)}`"
        case int() | float():
            return f"the number {_shortened(flow(value))}"
        case str():
            return f"the text {quote(value)}" if value else "an empty text"
        case list():
            return "a list" if value else "an empty list"
        case _:
            return "a map" if value else "an empty map"


def quote(text: str) -> str:
    """Put text in backticks, on one line and shortened."""
    shown = text if text.isprintable() else json.dumps(text)[1:-1]
    return f"`{_shortened(shown)}`"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE] + "..."


def flow(value: Any) -> str:
    """Write a JSON value on one line as YAML that reads back as the same value."""
    match value:
        case str():
            return value if _reads_plain(value) else json.dumps(value, ensure_ascii=False)
        case list():
            return "[" + ", ".join(map(flow, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
        case _:
            return json.dumps(value)


def _reads_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _READ_OTHERWISE and not text.startswith(".")


def snippet(key: str, value: Any) -> str | None:
    """Write `key: value` in backticks, or None where it would be too long for a hint."""
    text = f"{key if key.isidentifier() else flow(key)}: {flow(value)}"
    return f"`{text}`" if len(text) <= _LONGEST_SNIPPET else None


def write(key: str, value: Any) -> str | None:
    """Ask for `key: value`, or None where it would be too long for a hint."""
    text = snippet(key, value)
    return text and f"write {text}"


def choices(words: Iterable[Any]) -> str:
    """List what is allowed: `a`, `b` or `c`."""
    shown = [f"`{flow(word)}`" for word in words]
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " or " + shown[-1]


def either(phrases: Iterable[str]) -> str:
    """Join descriptions of what fits: text, a list, or true or false."""
    *most, last = dict.fromkeys(phrases)
    comma = "," if " or " in last or len(most) > 1 else ""
    return f"{', '.join(most)}{comma} or {last}" if most else last

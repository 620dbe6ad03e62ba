"""Check the shape of a rehearsal: every key known, every value of the right form."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from unspool.compiler.wording import choices, found, quote
from unspool.model.diagnostics import Diagnostic
from unspool.model.resources import schema_text

if TYPE_CHECKING:
    import jsonschema_rs

    from unspool.compiler.faults import Fault
    from unspool.model.diagnostics import Path

_MOST_FAULTS = 50
_CODES = {
    "additionalProperties": "UNS020",
    "required": "UNS022",
    "enum": "UNS024",
    "minimum": "UNS028",
    "maximum": "UNS028",
    "minLength": "UNS029",
    "minItems": "UNS029",
    "minProperties": "UNS029",
}
_STARTERS = {
    "unspool_rehearsal": "add `unspool_rehearsal: 1` as the first line",
    "cases": "add cases, such as `cases: {all_goes_well: {expect: {state: completed}}}`",
    "class": "add it, such as `class: connection`",
}


def check_rehearsal_shape(value: dict[str, Any]) -> list[Diagnostic]:
    """Say everything that is wrong with the shape of a rehearsal; at most 50 faults, in no particular order.

    Args:
        value: the rehearsal as plain JSON values.
    """
    try:
        if _acceptor().is_valid(value):
            return []
    except ValueError:
        pass  # text that is no Unicode: the slow validator decides
    from unspool.compiler.faults import document_faults

    diagnostics: list[Diagnostic] = []
    for fault in document_faults(value, _MOST_FAULTS, "rehearsal"):
        diagnostics += _explained(fault)
    return list(dict.fromkeys(diagnostics))[:_MOST_FAULTS]


@cache
def _acceptor() -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs  # 20 ms, and `unspool --help` does not need it

    return jsonschema_rs.Draft202012Validator(schema_text("rehearsal"), offline=True)


def _explained(fault: Fault) -> list[Diagnostic]:
    path = fault.path
    if fault.about_name:
        return [_bad_name(path, fault.value)]
    if fault.rule == "additionalProperties":
        known = list(fault.schema["properties"])
        strange = [key for key in fault.value if key not in known and not (path == () and key.startswith("x-"))]
        return [_unknown(path, key, known) for key in strange]
    if fault.rule == "required":
        missing = [key for key in fault.bound if key not in fault.value]
        return [
            Diagnostic("UNS022", f"`{key}` is missing {_inside(path)}", path, hint=_STARTERS.get(key, "add it"))
            for key in missing
        ]
    if fault.rule == "const":
        message = f"version {found(fault.value)} of rehearsals is not supported by this version of unspool"
        return [Diagnostic("UNS032", message, path, hint="write `unspool_rehearsal: 1`")]
    complaint, hint = _complaint(fault)
    code = _CODES.get(fault.rule, "UNS023")
    return [Diagnostic(code, f"{_named(path)} {complaint}", path, hint=hint)]


def _complaint(fault: Fault) -> tuple[str, str]:
    from unspool.compiler.value_schemas import worded

    if fault.rule == "anyOf" and fault.path[2:3] == ("stubs",):
        hint = "write what an attempt gives, such as `{exit_code: 1}`, or a list with one such map for each attempt"
        return f"must be a map or a list of maps, not {found(fault.value)}", hint
    if fault.rule == "anyOf":
        hint = "write a state, such as `completed`, or a map, such as `{state: failed, reason: timeout}`"
        return f"must be a state or a map, not {found(fault.value)}", hint
    if fault.rule in ("minLength", "minItems", "minProperties"):
        return "must not be empty", "write something, or remove it"
    if fault.rule == "enum":
        return worded(fault), _suggestion(str(fault.value), list(map(str, fault.bound)))
    return worded(fault), "correct it"


def _bad_name(path: Path, name: Any) -> Diagnostic:
    if not name:
        return Diagnostic("UNS029", f"a name {_inside(path)} is empty", path, hint="write one")
    rule = "lower-case letters, digits and `_`, beginning with a letter, at most 64 in all"
    message = f"{quote(str(name))} {_inside(path)} is no name"
    return Diagnostic("UNS025", message, (*path, str(name)), on_key=True, hint=f"use {rule}")


def _unknown(path: Path, key: str, known: list[str]) -> Diagnostic:
    message = f"unknown key {quote(key)} {_inside(path)}"
    return Diagnostic("UNS020", message, (*path, key), on_key=True, hint=_suggestion(key, known))


def _suggestion(word: str, known: list[str]) -> str:
    from unspool.compiler.graph import similar_name

    close = similar_name(word, known)
    return f"did you mean {quote(close)}?" if close else f"write {choices(known)}"


def _inside(path: Path) -> str:
    """Say in which map a key stands."""
    match path:
        case ("cases", case):
            return f"in case {quote(str(case))}"
        case ("cases", case, "stubs", task, *_):
            return f"in the stub of {quote(str(task))} in case {quote(str(case))}"
        case ("cases", case, "expect", "tasks", task, *_):
            return f"in what is expected of {quote(str(task))} in case {quote(str(case))}"
        case ("cases", case, part, *_):
            return f"under {quote(str(part))} of case {quote(str(case))}"
        case (part,):
            return f"under {quote(str(part))}"
    return "at the top level"


def _named(path: Path) -> str:
    """Name the value at a path."""
    match path:
        case ("cases", case):
            return f"case {quote(str(case))}"
        case ("cases", case, "stubs", task):
            return f"the stub of {quote(str(task))} in case {quote(str(case))}"
        case ("cases", case, "stubs", task, int(number)):
            return f"stub {number + 1} of {quote(str(task))} in case {quote(str(case))}"
        case (*holder, int(number)):
            return f"item {number + 1} {_inside((*holder, ''))}"
        case (*holder, key):
            return f"{quote(str(key))} {_inside(tuple(holder))}"
    return "the rehearsal"

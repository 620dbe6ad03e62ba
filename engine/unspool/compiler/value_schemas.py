"""Check the schemas that a document declares its inputs and outputs with, and values against them."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

from unspool.compiler.faults import Fault, value_fault
from unspool.compiler.places import all_tasks
from unspool.compiler.wording import TYPE_PHRASES, choices, either, flow, found, place, quote, write
from unspool.model.diagnostics import Diagnostic
from unspool.model.patterns import is_usable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from unspool.model.diagnostics import Path

_NOT_SCHEMA = frozenset(("from", "path", "max_bytes"))
_LISTS = ("anyOf", "oneOf", "allOf")


def check_value_schemas(value: Any, fits: Callable[[str, Any], bool] | None = None) -> list[Diagnostic]:
    """Say which declared schemas cannot be used: patterns that do not compile, defaults that do not fit.

    Args:
        value: the document.
        fits: for a faulty document, whether a value fits a definition in the schema of documents; declared schemas
            that have faults of shape are left alone.
    """
    found: list[Diagnostic] = []
    usable: set[str] = set()  # thousands of tasks tend to declare the same few schemas
    for path, schema in _declared(value):
        text = repr(schema)
        if text in usable or (fits and not fits("ValueSchema" if path[-2] == "inputs" else "Output", schema)):
            continue
        faults = _check(path, schema)
        found += faults
        if not faults:
            usable.add(text)
    return found


def misfit(schema: Mapping[str, Any], value: Any) -> str | None:
    """Say why a value does not fit a declared schema, None if it does.

    Args:
        schema: JSON Schema keywords of the subset that documents may use; `from`, `path` and `max_bytes` are ignored.
        value: plain JSON.

    Returns:
        the rest of a sentence that begins with the value's name, such as "must be a whole number, not the text `x`".
    """
    plain = {key: part for key, part in schema.items() if key not in _NOT_SCHEMA}
    return None if _surely_fits(plain, value) else _complaint(plain, value)


def _declared(value: Any) -> Iterator[tuple[Path, Any]]:
    if not isinstance(value, dict):
        return
    yield from _members(("inputs",), value)
    for path, task in all_tasks(value):
        if "inputs" in task and path[0] == "templates" and len(path) == 2:
            yield from _members((*path, "inputs"), task)
        if "outputs" in task:
            yield from _members((*path, "outputs"), task)


def _members(path: Path, holder: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    declared = holder.get(str(path[-1]))
    if isinstance(declared, dict):
        for name, schema in declared.items():
            yield (*path, name), schema


def _check(path: Path, schema: Mapping[str, Any]) -> list[Diagnostic]:
    faults = list(_unusable_patterns(path, schema))
    return faults or list(_unfitting_defaults(path, schema))


def _unusable_patterns(path: Path, schema: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for at, part in _parts(path, schema):
        complaint = _pattern_fault(part["pattern"]) if "pattern" in part else None
        if complaint is not None:
            message = f"the pattern {quote(part['pattern'])} of {place(at)} is not a regular expression: {complaint}"
            yield Diagnostic("UNS035", message, (*at, "pattern"), hint=_pattern_hint(part["pattern"]))


def _pattern_hint(pattern: str) -> str:
    literal = write("pattern", re.escape(pattern)) if len(pattern) <= 40 else None
    return f"correct it; to find just this text, {literal}" if literal else "correct it"


def _pattern_fault(pattern: str) -> str | None:
    if is_usable(pattern):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            re.compile(pattern)
        except re.error as error:
            return error.msg + ("" if error.pos is None else f" at character {error.pos + 1}")
        except (RecursionError, OverflowError):
            return "it is too large"
    return "it is too large, or of a kind that only Python knows"


def _unfitting_defaults(path: Path, schema: Mapping[str, Any]) -> Iterator[Diagnostic]:
    for at, part in _parts(path, schema):
        complaint = misfit(part, part["default"]) if "default" in part else None
        if complaint is not None:
            message = f"the default of {place(at)} does not fit its own schema: it {complaint}"
            yield Diagnostic("UNS036", message, (*at, "default"), hint=_default_hint(part))


def _default_hint(schema: Mapping[str, Any]) -> str:
    for guess in _guesses(schema):
        if misfit(schema, guess) is None:
            asked = write("default", guess)
            return f"{asked}, or change the schema" if asked else "change the schema or the default"
    return "change the schema or remove the default"


def _guesses(schema: Mapping[str, Any]) -> Iterator[Any]:
    default, wanted = schema["default"], schema.get("type")
    yield from schema.get("enum", ())[:1]
    if isinstance(default, str):
        yield from _parsed(default)
    elif wanted == "string" and isinstance(default, int | float):
        yield flow(default)
    if wanted == "array":
        yield [default]
    yield from (schema[bound] for bound in ("minimum", "maximum") if bound in schema)


def _parsed(text: str) -> Iterator[Any]:
    if re.fullmatch(r"-?[0-9]{1,15}", text):
        yield int(text)
    elif re.fullmatch(r"-?[0-9]{1,15}\.[0-9]{1,15}", text):
        yield float(text)
    elif text in ("true", "false"):
        yield text == "true"


def _parts(path: Path, schema: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Walk through a schema and the schemas inside it."""
    yield path, schema
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from _parts((*path, key), schema[key])
    for name, part in schema.get("properties", {}).items():
        yield from _parts((*path, "properties", name), part)
    for key in _LISTS:
        for index, part in enumerate(schema.get(key, ())):
            yield from _parts((*path, key, index), part)


def _surely_fits(schema: Mapping[str, Any], value: Any) -> bool:
    """Ask the quick validator, whose no is not final: it knows fewer regular expressions than Python."""
    import jsonschema_rs

    try:
        return jsonschema_rs.Draft202012Validator(dict(schema), offline=True).is_valid(value)
    except (ValueError, jsonschema_rs.ValidationError):
        return False


def _complaint(schema: Mapping[str, Any], value: Any) -> str | None:
    fault = value_fault(schema, value)
    if fault is None:
        return None
    complaint = worded(fault)
    where = "".join(f"/{key}" for key in fault.path)
    return f"is wrong at {quote(where)}: the value there {complaint}" if where else complaint


def worded(fault: Fault) -> str:
    """Say what is wrong with the value of a fault: the rest of a sentence that begins with its name."""
    wording = _WORDINGS.get(fault.rule)
    return wording(fault) if wording else f"does not fit `{fault.rule}`"


def _type(fault: Fault) -> str:
    names = [fault.bound] if isinstance(fault.bound, str) else fault.bound
    return f"must be {either(TYPE_PHRASES[name] for name in names)}, not {found(fault.value)}"


def _missing(fault: Fault) -> str:
    return f"has no `{next(key for key in fault.bound if key not in fault.value)}`"


def _stray(fault: Fault) -> str:
    known = fault.schema.get("properties", {})
    return f"has the unknown member {quote(next(key for key in fault.value if key not in known))}"


def _count(words: str) -> Callable[[Fault], str]:
    return lambda fault: f"must have {words.format(fault.bound)}, not {len(fault.value)}"


def _bound(words: str) -> Callable[[Fault], str]:
    return lambda fault: f"must be {words} {flow(fault.bound)}, not {flow(fault.value)}"


_WORDINGS: dict[str, Callable[[Fault], str]] = {
    "type": _type,
    "enum": lambda fault: f"must be {choices(fault.bound)}, not {found(fault.value)}",
    "const": lambda fault: f"must be `{flow(fault.bound)}`, not {found(fault.value)}",
    "pattern": lambda fault: f"does not match the pattern {quote(fault.bound)}: {found(fault.value)}",
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("greater than"),
    "exclusiveMaximum": _bound("less than"),
    "multipleOf": _bound("a multiple of"),
    "minLength": _count("at least {} characters"),
    "maxLength": _count("at most {} characters"),
    "minItems": _count("at least {} items"),
    "maxItems": _count("at most {} items"),
    "uniqueItems": lambda _: "must not hold an item twice",
    "required": _missing,
    "additionalProperties": _stray,
    "anyOf": lambda _: "fits none of the schemas in `anyOf`",
    "oneOf": lambda _: "must fit exactly one of the schemas in `oneOf`",
}

"""Whether a value fits a JSON Schema: the common one-type schemas here, the rest by the library."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_SILENT = frozenset(("type", "description", "default", "title", "examples"))


def fits(value: Any, schema: dict[str, Any]) -> str | None:
    """Give what is wrong with `value`, or None where it fits `schema`."""
    if schema.keys() <= _SILENT:
        wanted = schema.get("type")
        if wanted is None:
            return None
        if isinstance(wanted, str):
            return _check_type(value, wanted)
    return None if _surely_fits(value, schema) else _complaint(value, schema)


def _surely_fits(value: Any, schema: dict[str, Any]) -> bool:
    """Ask the quick validator, whose no is not final: it knows fewer regular expressions than Python."""
    import jsonschema_rs  # a schema with more than a type is rare, the library costs 20 ms

    try:
        return jsonschema_rs.Draft202012Validator(schema, offline=True).is_valid(value)
    except (ValueError, jsonschema_rs.ValidationError):
        return False


def _complaint(value: Any, schema: dict[str, Any]) -> str | None:
    from jsonschema import Draft202012Validator  # 90 ms, for a value that is refused

    from unspool.model.patterns import bounded

    problem = next(bounded(Draft202012Validator)(schema).iter_errors(value), None)
    return None if problem is None else str(problem.message)


def _check_type(value: Any, wanted: str) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if wanted == "integer":
        matches = is_number and (isinstance(value, int) or value.is_integer())
    elif wanted == "number":
        matches = is_number
    else:
        matches = isinstance(value, _TYPES[wanted])
    return None if matches else f"{_shown(value)} is not of type {wanted}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "..."

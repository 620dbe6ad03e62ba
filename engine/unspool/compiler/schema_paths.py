"""What a declared schema says about a member that an expression asks for."""

from __future__ import annotations

from typing import Any

_PHRASES = {"string": "text", "integer": "a number", "number": "a number", "boolean": "true or false", "null": "null"}


def wrong_member(schema: dict[str, Any], path: tuple[str | int, ...]) -> tuple[int, str] | None:
    """Find the first step of a path that no value of the schema has.

    Only what is sure is reported: a type that has no members, or a closed map without this one.

    Returns:
        the number of the step and what the value before it is; None if the path may exist.
    """
    for at, key in enumerate(path):
        kind = schema.get("type")
        if not isinstance(kind, str) or not schema.keys().isdisjoint(("anyOf", "oneOf", "allOf")):
            return None
        if kind == "array":
            inner = schema.get("items")
            if isinstance(key, str):
                return at, "a list"
        elif kind == "object":
            properties = schema.get("properties") or {}
            inner = properties.get(str(key), schema.get("additionalProperties"))
            if inner is False:
                return at, "a map"
        else:
            # One character of a text may be asked for by its number.
            return None if kind == "string" and isinstance(key, int) else (at, _PHRASES.get(kind, kind))
        if not isinstance(inner, dict):
            return None
        schema = inner
    return None


def type_at(schema: dict[str, Any], path: tuple[str | int, ...]) -> str | None:
    """Give the one type that a member has by its schema; None where there is none or several."""
    for key in path:
        inner = schema.get("items") if isinstance(key, int) else (schema.get("properties") or {}).get(key)
        if not isinstance(inner, dict):
            return None
        schema = inner
    kind = schema.get("type")
    return kind if isinstance(kind, str) else None

"""Which inputs and leases answer a warning about a script: none of their values can do the harm."""

from __future__ import annotations

import re
from typing import Any

_ITEM = r"(?:\\[wd]|[A-Za-z0-9]-[A-Za-z0-9]|[A-Za-z0-9_/.@+ ,:=%])"
# The first character of what fits is one of a few, and a minus is none of them. A choice (`|`) could begin otherwise.
_FIRST_IS_PLAIN = re.compile(rf"\^(?:\(\?!-\)|(?:\\[wd]|[A-Za-z0-9_/]|\[{_ITEM}+\])(?![?*]|\{{0))[^|]*")


def harmless(inputs: dict[str, Any], resources: dict[str, Any] | None = None) -> dict[str, frozenset[str]]:
    """Give for each code of a warning the expressions that it need not be told of.

    Args:
        inputs: their schemas by name, as the document has them.
        resources: by name, the same; their items are the document's own words.
    """
    chosen = {f"inputs.{name}" for name, schema in inputs.items() if schema.get("enum")}
    plain = {f"inputs.{name}" for name, schema in inputs.items() if _is_plain(schema)}
    for name, resource in (resources or {}).items():
        items = resource.get("items", ())
        chosen.add(f"lease.{name}")
        if not any(str(item).startswith("-") for item in items):
            plain.add(f"lease.{name}")
    return {"UNS101": frozenset(chosen), "UNS102": frozenset(plain)}


def _is_plain(schema: dict[str, Any]) -> bool:
    """Whether no value that fits begins with a minus."""
    if "enum" in schema:
        return not any(str(value).startswith("-") for value in schema["enum"])
    if schema.get("type") in ("integer", "number"):
        return bool(schema.get("minimum", -1) >= 0)
    return schema.get("type") == "boolean" or _FIRST_IS_PLAIN.fullmatch(schema.get("pattern", "")) is not None

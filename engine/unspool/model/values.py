"""How a value travels in an event: itself, or a reference to the file that holds it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Inline(NamedTuple):
    """A value small enough to travel by itself.

    Attributes:
        value: plain JSON data.
    """

    value: Any


class Ref(NamedTuple):
    """A value that stays in a content-addressed file; expressions cannot read it.

    Attributes:
        sha256: of the file's bytes, in hex; also the file's name.
        size: of the whole value, in bytes.
        head: its first characters, for people to look at.
    """

    sha256: str
    size: int
    head: str


def to_json(value: Inline | Ref) -> dict[str, Any]:
    """Give the form that a journal stores and `from_json` reads."""
    if isinstance(value, Ref):
        return {"ref": value.sha256, "size": value.size, "head": value.head}
    return {"inline": value.value}


def from_json(data: dict[str, Any]) -> Inline | Ref:
    """Rebuild what `to_json` gave.

    Raises:
        ValueError: the data is neither form.
    """
    if "inline" in data:
        return Inline(data["inline"])
    if "ref" in data:
        return Ref(data["ref"], data["size"], data["head"])
    raise ValueError(f"neither `inline` nor `ref`: {sorted(data)}")

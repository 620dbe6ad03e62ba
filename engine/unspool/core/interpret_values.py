"""Read values that may be of any type: what is not of the type asked for counts as absent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from unspool.model.interpreters import MAX_CHARACTERS, MAX_ERRORS, MAX_ITEMS

_LARGEST = 1e300
_LARGEST_COUNT = 2**53  # what every reader of JSON can hold exactly
_NAMED_BY = ("message", "description", "text", "summary", "title", "name")

Value = TypeVar("Value")


class Suggestion(NamedTuple):
    """What could be done next, and why.

    Attributes:
        name: of a follow-up template.
        priority: the class of priority that the follow-up should have.
        because: what was seen, for people.
    """

    name: str
    priority: str
    because: str


class Problem(NamedTuple):
    """Why a result is no success.

    Attributes:
        check: which check it did not pass, for programs.
        message: what was seen, for people.
    """

    check: str
    message: str


def number(value: Any) -> int | float | None:
    """Give a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -_LARGEST <= value <= _LARGEST else None  # NaN is on neither side


def count(value: Any) -> int | None:
    """Give a whole number from 0 on, also where it is written 3.0."""
    found = number(value)
    if found is None or not 0 <= found <= _LARGEST_COUNT or found != int(found):
        return None
    return int(found)


def truth(value: Any) -> bool | None:
    """Give true or false."""
    return value if isinstance(value, bool) else None


def text(value: Any) -> str | None:
    """Give a text that is not blank."""
    return value if isinstance(value, str) and value.strip() else None


def mapping(value: Any) -> dict[str, Any] | None:
    """Give a map."""
    return value if isinstance(value, dict) else None


def cut(value: str, limit: int = MAX_CHARACTERS) -> str:
    """Give a text of at most `limit` characters that can be written down; half of a surrogate pair becomes `?`."""
    return value[:limit].encode("utf-8", "replace").decode()


def texts(value: Any, named_by: tuple[str, ...] = _NAMED_BY) -> list[str] | None:
    """Give the items of a list as texts, uncut; None where it is no list.

    A text stands for itself, a map for the first of its members in `named_by` that is a text, anything else for its
    JSON. Blank texts, null, true and false are left out.
    """
    if not isinstance(value, list):
        return None
    shown = (_shown(item, named_by) for item in value)
    return [item for item in shown if item is not None]


def _shown(item: Any, named_by: tuple[str, ...]) -> str | None:
    if isinstance(item, str):
        return item.strip() or None
    if isinstance(item, dict):
        for name in named_by:
            named = text(item.get(name))
            if named is not None:
                return named.strip()
    if isinstance(item, dict | list) or number(item) is not None:
        return _json(item)
    return None


def _json(value: Any) -> str | None:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):  # not a number, a number too long, or nested too deeply
        return None


def first(objects: Iterable[dict[str, Any]], name: str, read: Callable[[Any], Value | None]) -> Value | None:
    """Give the member `name` of the first object in which it is of the type that `read` wants."""
    for one in objects:
        found = read(one.get(name))
        if found is not None:
            return found
    return None


def bounded(items: Iterable[str], most: int = MAX_ITEMS) -> tuple[list[str], bool]:
    """Give at most `most` texts, cut and each once, and whether anything was left out."""
    kept: dict[str, None] = {}
    shortened = False
    for item in items:
        short = cut(item)
        if short not in kept and len(kept) == most:
            return list(kept), True
        shortened = shortened or len(item) > MAX_CHARACTERS
        kept[short] = None
    return list(kept), shortened


def conclude(
    found: dict[str, Any], suggestions: list[Suggestion], problems: list[Problem], truncated: list[str]
) -> dict[str, Any]:
    """Build an interpretation of what an interpreter found."""
    return {
        "success": not problems,
        **found,
        "suggestions": [{**one._asdict(), "because": cut(one.because)} for one in suggestions],
        "problems": [{**one._asdict(), "message": cut(one.message)} for one in problems],
        "truncated": list(dict.fromkeys(truncated)),
    }


__all__ = [
    "MAX_CHARACTERS",
    "MAX_ERRORS",
    "MAX_ITEMS",
    "Problem",
    "Suggestion",
    "bounded",
    "conclude",
    "count",
    "cut",
    "first",
    "mapping",
    "number",
    "text",
    "texts",
    "truth",
]

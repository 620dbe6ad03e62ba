"""JSON text to a plain value: the standard library reads it, the scan explains what is wrong."""

from __future__ import annotations

import json
import re
from typing import Any

from unspool.compiler.json_scan import Scan
from unspool.compiler.locate import Lines, Node
from unspool.compiler.reading import Reading
from unspool.compiler.scalars import resolve_number
from unspool.compiler.text_limits import MAX_DEPTH, MAX_KEY, MAX_NODES

_SURROGATE = re.compile(r"\\u[dD][89abAB]|\\u[dD][c-fC-F]")
_SHORT_INTEGER = 16  # no integer of so few characters needs a look


class _Doubt(Exception):  # no error: only the scan can tell
    """The text may be wrong in a way that the fast reader does not see."""


def read_json(text: str, lines: Lines) -> Reading:
    """Read a JSON text.

    Args:
        text: the document without a byte order mark.
        lines: its lines.
    """
    try:
        return Reading(_read(text), (), ())
    except (_Doubt, RecursionError, json.JSONDecodeError):
        scan = Scan(text, lines)
        return Reading(scan.value, tuple(scan.findings), tuple(scan.suspects))


def outline_json(text: str) -> Node | None:
    """Give the nodes of a JSON text, as far as it can be read."""
    return Scan(text, Lines(text)).root


def _read(text: str) -> Any:
    if _SURROGATE.search(text):
        raise _Doubt
    value = json.loads(
        text,
        object_pairs_hook=_without_duplicates,
        parse_int=_integer,
        parse_float=_float,
        parse_constant=_constant,
    )
    _check_limits(value)
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubt
    return found


def _integer(text: str) -> Any:
    return int(text) if len(text) < _SHORT_INTEGER else _float(text)


def _float(text: str) -> Any:
    value, flaw = resolve_number(text)
    if flaw is not None:
        raise _Doubt
    return value


def _constant(_text: str) -> Any:
    raise _Doubt


def _check_limits(value: Any) -> None:
    level = [value] if isinstance(value, list | dict) else []
    depth = nodes = 0
    while level:
        depth += 1
        nodes += sum(map(len, level))
        maps = [one for one in level if type(one) is dict]
        if depth > MAX_DEPTH or nodes > MAX_NODES // 2 or any(len(key) > MAX_KEY for one in maps for key in one):
            raise _Doubt
        level = [
            child
            for one in level
            for child in (one.values() if type(one) is dict else one)
            if type(child) is dict or type(child) is list
        ]

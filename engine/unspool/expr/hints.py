"""The way out for what authors write who know other expression languages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from unspool.model.similar import closest

#: By what is called, in small letters: what to write instead of the call.
_CALLS: Final = {
    "contains": "write `b in a`",
    "startswith": "write `a is startswith(b)`",
    "endswith": "write `a is endswith(b)`",
    "format": "put texts together with `~`",
    "join": "write `a | join(',')`",
    "tojson": "write `a | tojson`",
    "fromjson": "write `a | fromjson`",
    "hashfiles": "files are named by the task's `cache`, not by an expression",
    "success": "leave it out: a task runs when all it depends on is `ok`",
    "always": "write `depends_on: {x: any}` for the task, or put it under `finally`",
    "failure": "write `depends_on: {x: failed}` for the task",
    "cancelled": "write `depends_on: {x: any}` for the task and test `tasks.x.state == 'cancelled'`",
    "len": "write `a | length`",
    "size": "write `a | length`",
    "str": "write `a | string`",
    "int": "write `a | int`",
    "asint": "write `a | int`",
    "float": "write `a | float`",
    "asfloat": "write `a | float`",
    "range": "give the list as an input",
    "get": "write `a.b | default(...)`",
    "strip": "write `a | trim`",
    "has": "write `a.b is defined`",
    "env": "write `env.NAME`",
    "var": "write `inputs.name`",
    "now": "an expression gives the same at any time; `run.started_at` is the start of the run",
}

#: By name, in small letters: the filter that does it here.
_FILTERS: Final = {
    "d": "default",
    "count": "length",
    "len": "length",
    "size": "length",
    "strip": "trim",
    "to_json": "tojson",
    "json": "tojson",
    "from_json": "fromjson",
    "url_encode": "urlencode",
    "urlquote": "urlencode",
    "quote": "urlencode",
    "str": "string",
    "tostring": "string",
    "toint": "int",
    "number": "float",
    "dictsort": "items",
    "dict2items": "items",
    "truncate": "head",
    "limit": "head",
    "uniq": "unique",
    "splitlines": "lines",
    "upcase": "upper",
    "downcase": "lower",
    "uppercase": "upper",
    "lowercase": "lower",
    "filter": "select",
}

#: Tests by the names and signs they have elsewhere.
_TESTS: Final = {
    "null": "none",
    "equalto": "eq",
    "==": "eq",
    "!=": "ne",
    "<": "lt",
    "lessthan": "lt",
    "<=": "le",
    ">": "gt",
    "greaterthan": "gt",
    ">=": "ge",
    "sameas": "eq",
    "list": "sequence",
    "iterable": "sequence",
    "array": "sequence",
    "dict": "mapping",
    "map": "mapping",
    "object": "mapping",
    "text": "string",
    "int": "integer",
    "bool": "boolean",
    "present": "defined",
    "absent": "undefined",
    "startingwith": "startswith",
    "endingwith": "endswith",
}

_REGEX: Final = frozenset({"match", "regex", "search", "regex_replace", "regex_search", "regex_findall"})

#: By the character that no expression may hold.
_CHARACTERS: Final = {
    "&": "write `and`",
    "!": "write `not` (and `!=` for unequal)",
    "?": "write `a if test else b`",
    "$": "write `env.NAME` for a variable, `inputs.name` for an input",
    "`": "put text in straight quotes",
    "\u201c": "put text in straight quotes",
    "\u201d": "put text in straight quotes",
    "\u2018": "put text in straight quotes",
    "\u2019": "put text in straight quotes",
    "#": "there are no comments in an expression",
    "\\": "a backslash only stands inside quotes",
}

_TOKENS: Final = {
    "assign": "write `==` to compare",
    "pow": "there is no power; multiply",
    "semicolon": "an expression gives one value; there are no statements",
    "comma": "put a list in brackets: `[a, b]`",
    "colon": "write `a if test else b` for a choice",
    "string": "inside '...' write \\' for a quote, or use \"...\" around it",
}


def call_hint(name: str, *, is_method: bool, filters: Iterable[str]) -> str:
    """Say what to write instead of calling `name`."""
    known = name.casefold()
    if is_method and known in filters:
        return f"write `x | {known}`"
    if known in _CALLS:
        return _CALLS[known]
    if known in filters:
        return f"write `x | {known}`"
    if known in _FILTERS:
        return f"write `x | {_FILTERS[known]}`"
    return "use a filter: `x | upper`"


def unknown(kind: str, name: str, known: Iterable[str]) -> tuple[str, str | None]:
    """Build message and hint for a filter or test that does not exist."""
    message = f"there is no {kind} `{name}`"
    plain = name.casefold()
    names = [*known, "default"] if kind == "filter" else [*known]
    if plain in _REGEX:
        return message, "there are no regular expressions here; use `in`, `is startswith`, `split` or `lines`"
    meant = plain if plain in names else (_FILTERS if kind == "filter" else _TESTS).get(plain) or closest(plain, names)
    return message, f"did you mean `{meant}`?" if meant else f"there are {', '.join(sorted(names))}"


def character_hint(character: str) -> str | None:
    """Say what to write instead of a character that no expression may hold."""
    return _CHARACTERS.get(character)


def token_hint(kind: str) -> str | None:
    """Say what to write instead of a token in the wrong place; `kind` is the parser's name for it."""
    return _TOKENS.get(kind)

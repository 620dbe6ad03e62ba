"""TOML text to a plain value: the standard library reads it; what JSON cannot hold is refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, Self

from unspool.compiler.locate import Lines, Locator
from unspool.compiler.reading import Reading
from unspool.compiler.scalars import Suspect, resolve_number
from unspool.compiler.text_limits import MAX_DEPTH, MAX_DIGITS, MAX_INTEGER, MAX_KEY, MAX_NODES
from unspool.compiler.toml_outline import TomlOutline
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_TWICE = ("Cannot ", "Duplicate inline table key")
_WORD = re.compile(r"[^\s,\]}#=]+")
_WORDS_MEANT = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_NO_NULL = frozenset(("null", "none", "nil", "~"))
_DEEP = re.compile(r"[\[{]")
_HINTS = {
    "Expected '=' after a key in a key/value pair": "write `key = value`; a table is opened with [name]",
    "Invalid initial character for a key part": "a key is made of A-Z, a-z, 0-9, _ and -; quote any other",
    "Invalid statement": "write `key = value`, or [name] to open a table",
    "Unclosed array": "close it with ]",
    "Unclosed inline table": "close it with } on the same line, and leave no comma before it",
    "Expected newline or end of document after a statement": "write each `key = value` on a line of its own",
    "Unterminated string": "close it with the quotes that open it",
    "Unescaped '\\' in a string": "write \\\\ for a backslash, or use single quotes, in which it means nothing",
    "Expected ']' at the end of a table declaration": "write [name], and nothing behind it",
    "Expected ']]' at the end of an array declaration": "write [[name]], and nothing behind it",
    "Invalid hex value": "write \\u and four hexadecimal digits, or \\U and eight",
    "Escaped character is not a Unicode scalar value": "write the character itself",
    "Invalid date or datetime": "quote it",
    "Illegal character '\\n'": 'close the text on its line; text of several lines stands in """',
}
_ANY_HINT = "write `key = value` lines; text stands in quotes"


def read_toml(text: str, lines: Lines, locator: Locator) -> Reading:
    """Read a TOML text.

    Args:
        text: the document without a byte order mark.
        lines: its lines.
        locator: finds places in it, once it is known to be good.
    """
    try:
        value = tomllib.loads(text, parse_float=_Float)
    except tomllib.TOMLDecodeError as problem:
        return Reading(None, (_explained(str(problem), text, lines),), ())
    except RecursionError:
        return Reading(None, (_too_deep(_deepest(text, lines)),), ())
    except ValueError:  # of an integer that Python refuses to read
        found = max(re.finditer(r"[0-9_]+", text), key=lambda match: len(match.group()))
        return Reading(None, (_too_long(found.group())._replace(position=lines.position(found.start())),), ())
    return _checked(value, locator)


def _checked(value: dict[str, Any], locator: Locator) -> Reading:
    found: list[Diagnostic] = []
    suspects: list[Suspect] = []
    nodes = 0
    for path, node in _collections(value):
        nodes += 2 * len(node) if isinstance(node, dict) else len(node)
        if nodes > MAX_NODES or len(path) >= MAX_DEPTH:
            found.append(_too_many(path) if nodes > MAX_NODES else _too_deep(None)._replace(path=path))
            return Reading(None, tuple(found), ())
        found += [_long_key(path, key) for key in node if isinstance(node, dict) and len(key) > MAX_KEY]
        for step, item in node.items() if isinstance(node, dict) else enumerate(node):
            if type(item) is str or type(item) is bool or isinstance(item, dict | list):
                continue
            plain, problem, suspect = _plain((*path, step), item, locator)
            node[step] = plain
            found += [problem] if problem else []
            suspects += [suspect] if suspect else []
    return Reading(value or None, tuple(found), tuple(suspects))


def _collections(value: dict[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Give each list and map with its path, outer ones first."""
    level: list[tuple[Path, Any]] = [((), value)]
    while level:
        yield from level
        level = [
            ((*path, step), item)
            for path, node in level
            for step, item in (node.items() if isinstance(node, dict) else enumerate(node))
            if isinstance(item, dict | list)
        ]


class _Float(float):
    """A number with its spelling, which a float alone would lose."""

    def __new__(cls, spelt: str) -> Self:
        """Read it."""
        made = super().__new__(cls, spelt)
        made.spelt = spelt.replace("_", "")
        return made

    spelt: str


def _plain(path: Path, item: Any, locator: Locator) -> tuple[Any, Diagnostic | None, Suspect | None]:
    """Give what JSON has for a value, with what is wrong about it."""
    if type(item) is int:
        if abs(item) <= MAX_INTEGER:
            return item, None, None
        return item, None, Suspect(path, "lossy_number", locator.source_text(path) or str(item))
    if not isinstance(item, _Float):
        spelt = locator.source_text(path) or str(item)
        message = f"`{spelt}` is a date or a time, which the language does not have"
        return spelt, Diagnostic("UNS015", message, path, hint=f'quote it: "{spelt}"'), None
    if item.spelt.lstrip("+-") in ("inf", "nan"):
        message = f"`{item.spelt}` is a number that JSON cannot hold"
        hint = f'quote it if you mean the word: "{item.spelt}"'
        return item.spelt, Diagnostic("UNS015", message, path, hint=hint), None
    value, flaw = resolve_number(item.spelt)
    if flaw == "too_long":
        return value, _too_long(item.spelt)._replace(path=path), None
    if flaw != "lossy_number":
        return value, None, None
    return value, None, Suspect(path, flaw, locator.source_text(path) or item.spelt)


def _too_many(path: Path) -> Diagnostic:
    message = f"more than {MAX_NODES:,} keys and values, which is the limit"
    return Diagnostic("UNS005", message, path, hint="split the document")


def _too_deep(index: Any) -> Diagnostic:
    message = f"lists and maps nest deeper than {MAX_DEPTH} levels, which is the limit"
    return Diagnostic("UNS005", message, position=index, hint="write the document with less nesting")


def _too_long(spelt: str) -> Diagnostic:
    return Diagnostic("UNS005", f"a number of {len(spelt):,} digits; the limit is {MAX_DIGITS:,}", hint="quote it")


def _long_key(path: Path, key: str) -> Diagnostic:
    message = f"a key of {len(key):,} characters; the limit is {MAX_KEY:,}"
    return Diagnostic("UNS005", message, (*path, key), on_key=True, hint="shorten it")


def _deepest(text: str, lines: Lines) -> Any:
    """Give about where nesting goes too deep: at the bracket that is one too many."""
    found = next((match for number, match in enumerate(_DEEP.finditer(text)) if number == MAX_DEPTH), None)
    return lines.position(found.start() if found else 0)


def _explained(message: str, text: str, lines: Lines) -> Diagnostic:
    """Say what the reader of the standard library found, where, and what to do."""
    place = _PLACE.search(message)
    short = _PLACE.sub("", message)
    ended = place is None or place["line"] is None
    index = len(text.rstrip())
    if place is not None and not ended:
        index = lines.starts[int(place["line"]) - 1] + int(place["column"]) - 1
    if short.startswith(_TWICE):
        return _twice(short, text, index, lines)
    char = text[index : index + 1]
    if short.startswith(("Illegal character", "Found invalid character")) and char not in ("", "\n", "\r"):
        code = ord(char)
        message = f"the character U+{code:04X} cannot stand here"
        return Diagnostic("UNS004", message, position=lines.position(index), hint="remove it, or write it as an escape")
    said = short[:1].lower() + short[1:] + (", where the document ends" if ended else "")
    hint = _value_hint(text, index) if short == "Invalid value" else _HINTS.get(short, _ANY_HINT)
    return Diagnostic("UNS001", f"this is not TOML: {said}", position=lines.position(index), hint=hint)


def _value_hint(text: str, index: int) -> str:
    match = _WORD.match(text, index)
    word = match.group() if match else ""
    if not word:
        return "write a value behind the `=`"
    if word.lower() in _NO_NULL:
        return "TOML has no null: leave the key out"
    meant = _WORDS_MEANT.get(word.lower(), word.lower())
    if meant in ("true", "false"):
        return f"write {meant}"
    return f'quote it: "{word[:40]}"'


def _twice(short: str, text: str, index: int, lines: Lines) -> Diagnostic:
    """Say what stands twice, and where it stood first."""
    statements = TomlOutline(text, index).statements
    if not statements or short.startswith("Duplicate"):
        return Diagnostic("UNS006", "a key stands twice in one table", position=lines.position(index), hint=_RENAME)
    *before, last = statements
    first = next((one for one in before if one.path[: len(last.path)] == last.path), None)
    first = first or next((one for one in before if one.path == last.path[: len(one.path)] and one.path), None)
    name = quote(".".join(step for step in last.path if isinstance(step, str)))
    where = f"; the first is on line {lines.position(first.start).line}" if first else ""
    message = f"{name} is given here for the second time{where}"
    return Diagnostic("UNS006", message, position=lines.position(last.start), hint=_RENAME)


_RENAME = "remove one of them, or give it another name"

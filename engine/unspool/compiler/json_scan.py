"""A scan of JSON text that knows where everything stands and says what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import Any

from unspool.compiler.locate import Lines, Node
from unspool.compiler.scalars import Suspect, resolve_number
from unspool.compiler.text_limits import MAX_DEPTH, MAX_DIGITS, MAX_KEY, MAX_NODES
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
_STRING_START = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![\w.])")
_WORD = re.compile(r"[-+]?[\w$.]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONSTANTS = {"true": True, "false": False, "null": None}
_NOT_FINITE = frozenset(("NaN", "Infinity", "-Infinity", "+Infinity"))
_WORDS_MEANT = {"none": "null", "nil": "null", "undefined": "null", "yes": "true", "no": "false"}
_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


class _Unreadable(Exception):  # carries a finding to the one place that records it
    """The text is not JSON from here on."""

    def __init__(self, message: str, index: int, hint: str | None = None, code: str = "UNS002") -> None:
        super().__init__(message)
        self.found = (code, message, index, hint)


class _Frame:
    """A list or map that is being read.

    Attributes:
        count: how many values it has had.
        keys: where the keys of a map start.
        key: the one whose value comes next.
        dropped: this value is thrown away, because its key is no good.
    """

    __slots__ = ("closing", "count", "dropped", "key", "keys", "node", "value")

    def __init__(self, node: Node, value: dict[str, Any] | list[Any]) -> None:
        self.node = node
        self.value = value
        self.closing = "}" if isinstance(value, dict) else "]"
        self.keys: dict[str, int] = {}
        self.count = 0
        self.key = ""
        self.dropped = False


class Scan:
    """One reading of a text, without recursion.

    Attributes:
        value: plain JSON; None where the text cannot be read to its end.
        root: the nodes, as far as they were read.
        findings: what is wrong.
        suspects: numbers that lose digits.
    """

    def __init__(self, text: str, lines: Lines) -> None:
        self.value: Any = None
        self.root: Node | None = None
        self.findings: list[Diagnostic] = []
        self.suspects: list[Suspect] = []
        self._text = text
        self._lines = lines
        self._index = 0
        self._nodes = 0
        self._stack: list[_Frame] = []
        try:
            self.value = self._document()
        except _Unreadable as stopped:
            self._find(*stopped.found)

    def _document(self) -> Any:
        if not self._peek():
            return None
        value = self._value()
        while self._stack:
            self._advance(self._stack[-1])
        if self._peek():
            raise self._unexpected("more text follows the end of the document", "remove it")
        return value

    def _peek(self) -> str:
        """Go to the next character that is no space, and give it; empty at the end."""
        match = _SPACE.match(self._text, self._index)
        self._index = match.end() if match else self._index
        return self._text[self._index : self._index + 1]

    def _advance(self, frame: _Frame) -> None:
        """Read one more value of a collection, or its end."""
        if self._peek() == frame.closing:
            self._close(frame)
            return
        if frame.count:
            self._comma(frame)
        frame.count += 1
        if frame.closing == "}":
            self._key(frame)
        self._value()

    def _close(self, frame: _Frame) -> None:
        self._index += 1
        frame.node.end = self._index
        self._stack.pop()

    def _comma(self, frame: _Frame) -> None:
        char, comma = self._text[self._index : self._index + 1], self._index
        if char != ",":
            missing = char == '"' or char in "{[" or char.isalnum() or char == "-"
            message = "a comma is missing before this" if missing else f"`,` or `{frame.closing}` is missing here"
            raise self._unexpected(message, "put a comma between the values")
        self._index += 1
        if self._peek() == frame.closing:
            raise _Unreadable(f"a comma stands before `{frame.closing}`", comma, "remove the comma")

    def _key(self, frame: _Frame) -> None:
        if self._peek() != '"':
            raise self._unexpected("a key in double quotes is missing here", self._key_hint())
        start = self._index
        frame.key, frame.dropped = self._string(), False
        self._count(start)
        if len(frame.key) > MAX_KEY:
            self._find(
                "UNS005", f"a key of {len(frame.key):,} characters; the limit is {MAX_KEY:,}", start, "shorten it"
            )
            frame.dropped = True
        elif frame.key in frame.keys:
            self._refuse_duplicate(frame, start)
        else:
            frame.keys[frame.key] = start
        if self._peek() != ":":
            raise self._unexpected(
                f"`:` is missing after the key {quote(frame.key)}", "write one, and the value behind it"
            )
        self._index += 1

    def _key_hint(self) -> str:
        word = _WORD.match(self._text, self._index)
        return f'write "{word.group()[:40]}"' if word else "write one, or remove the comma before it"

    def _refuse_duplicate(self, frame: _Frame, start: int) -> None:
        line = self._lines.position(frame.keys[frame.key]).line
        message = f"the key {quote(frame.key)} stands here for the second time; the first is on line {line}"
        self._find("UNS006", message, start, "remove one of them, or give it another name")
        frame.dropped = True

    def _value(self) -> Any:
        char, start = self._peek(), self._index
        self._count(start)
        if char == '"':
            return self._store(self._string(), Node(start, self._index, "json"))
        if char in ("{", "["):
            return self._open(char, start)
        return self._store(self._word(start), Node(start, self._index, "plain"))

    def _open(self, char: str, start: int) -> Any:
        if len(self._stack) == MAX_DEPTH:
            message = f"lists and maps nest deeper than {MAX_DEPTH} levels, which is the limit"
            raise _Unreadable(message, start, "write the document with less nesting", "UNS005")
        node = Node(start, start, char)
        node.children = {} if char == "{" else []
        value: dict[str, Any] | list[Any] = {} if char == "{" else []
        self._store(value, node)
        frame = _Frame(node, value)
        node.keys = frame.keys
        self._stack.append(frame)
        self._index += 1
        return value

    def _count(self, start: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES:,} keys and values, which is the limit"
            raise _Unreadable(message, start, "split the document", "UNS005")

    def _store(self, value: Any, node: Node) -> Any:
        """Put a value into the collection around it; give it back."""
        if not self._stack:
            self.root = node
            return value
        frame = self._stack[-1]
        if isinstance(frame.value, list) and isinstance(frame.node.children, list):
            frame.value.append(value)
            frame.node.children.append(node)
        elif isinstance(frame.value, dict) and isinstance(frame.node.children, dict) and not frame.dropped:
            frame.value[frame.key] = value
            frame.node.children[frame.key] = node
        return value

    def _string(self) -> str:
        start = self._index
        match = _STRING.match(self._text, start)
        if match is None:
            raise self._broken_string(start)
        self._index = match.end()
        spelt = match.group()
        text: str = json.loads(spelt) if "\\" in spelt else spelt[1:-1]
        return text if text.isascii() else self._without_surrogates(text, start)

    def _without_surrogates(self, text: str, start: int) -> str:
        found = _SURROGATE.search(text)
        if found is None:
            return text
        message = f"the escape {_unicode_escape(found.group())} is half a character"
        self._find("UNS004", message, start, "write the character itself, or both halves of the pair")
        return _SURROGATE.sub("\ufffd", text)

    def _broken_string(self, start: int) -> _Unreadable:
        match = _STRING_START.match(self._text, start)
        index = match.end() if match else start + 1
        char = self._text[index : index + 1]
        if char == "\\":
            hint = 'write \\\\ for a backslash; the escapes are \\" \\/ \\b \\f \\n \\r \\t and \\u0041'
            return _Unreadable("this escape means nothing in JSON", index, hint)
        if char in ("", "\n", "\r"):
            hint = 'close it with `"`; a line break inside it is written \\n'
            return _Unreadable("the text that opens here is not closed on its line", start, hint)
        hint = f"write {_ESCAPES.get(char) or _unicode_escape(char)} instead"
        return _Unreadable(f"the character U+{ord(char):04X} cannot stand in a text", index, hint, "UNS004")

    def _word(self, start: int) -> Any:
        """Read a number, true, false or null."""
        number = _NUMBER.match(self._text, start)
        if number is not None:
            self._index = number.end()
            return self._number(number.group(), start)
        word = _WORD.match(self._text, start)
        spelt = word.group() if word else ""
        if spelt in _NOT_FINITE:
            self._index += len(spelt)
            hint = f'quote it if you mean the word: "{spelt}"'
            self._find("UNS015", f"`{spelt}` is a number that JSON cannot hold", start, hint)
            return spelt
        if spelt not in _CONSTANTS:
            raise self._not_a_value(spelt)
        self._index += len(spelt)
        return _CONSTANTS[spelt]

    def _number(self, spelt: str, start: int) -> Any:
        value, flaw = resolve_number(spelt)
        if flaw == "too_long":
            message = f"a number of {len(spelt):,} digits; the limit is {MAX_DIGITS:,}"
            self._find("UNS005", message, start, "quote it")
        elif flaw == "lossy_number":
            path = self._path()
            self.suspects += [] if path is None else [Suspect(path, flaw, spelt)]
        return value

    def _not_a_value(self, spelt: str) -> _Unreadable:
        if not spelt:
            return self._unexpected("a value is missing here", "write one, or null")
        if spelt[0] in "+-.0123456789":
            hint = f'write it in full, or quote it: "{spelt[:40]}"'
            return self._unexpected(f"{quote(spelt)} is not a number in JSON", hint)
        meant = spelt.lower()
        meant = _WORDS_MEANT.get(meant, meant)
        hint = f"write {meant}" if meant in _CONSTANTS else f'quote it: "{spelt[:40]}"'
        return self._unexpected(f"{quote(spelt)} is not a value in JSON", hint)

    def _unexpected(self, message: str, hint: str) -> _Unreadable:
        """Say what is wrong at the current character, first of all what other dialects allow there."""
        rest = self._text[self._index : self._index + 2]
        if not rest:
            return self._ended()
        if rest[0] == "#" or rest in ("//", "/*"):
            return _Unreadable("JSON has no comments", self._index, "remove it, or write the workflow in YAML")
        if rest[0] == "'":
            return _Unreadable("text in JSON stands in double quotes", self._index, "replace the single quotes")
        if not rest[0].isprintable():
            message = f"the character U+{ord(rest[0]):04X} cannot stand here"
            return _Unreadable(message, self._index, "remove it", "UNS004")
        return _Unreadable(message, self._index, hint)

    def _ended(self) -> _Unreadable:
        if not self._stack:
            return _Unreadable("the document ends too early", len(self._text.rstrip()), "write one value")
        frame = self._stack[-1]
        hint = f"close it with `{frame.closing}`"
        return _Unreadable(f"this `{frame.node.style}` is never closed", frame.node.start, hint)

    def _path(self) -> Path | None:
        """Give the path of the value being read, None where it will be thrown away."""
        if any(frame.dropped for frame in self._stack):
            return None
        around, inner = self._stack[:-1], self._stack[-1:]
        return (
            *(frame.key if frame.closing == "}" else len(frame.value) - 1 for frame in around),
            *(frame.key if frame.closing == "}" else len(frame.value) for frame in inner),
        )

    def _find(self, code: str, message: str, index: int, hint: str | None = None) -> None:
        self.findings.append(Diagnostic(code, message, position=self._lines.position(index), hint=hint))


def _unicode_escape(char: str) -> str:
    return f"\\u{ord(char):04x}"

"""TOML text to nodes that know where they stand; for text that the standard library's reader accepts."""

from __future__ import annotations

import re
import tomllib
from typing import NamedTuple

from unspool.compiler.locate import Node
from unspool.model.diagnostics import Path

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_QUOTED = r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'"
_KEY = re.compile(rf"[A-Za-z0-9_-]+|{_QUOTED}")
_STRING = re.compile(rf"\"\"\"(?:[^\\]|\\.)*?\"{{3,5}}|'''.*?'{{3,5}}|{_QUOTED}", re.DOTALL)
_PLAIN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[^\s,\]}#]*|[^\s,\]}#]+")


class Statement(NamedTuple):
    """A key that is given a value, or the header of a table: where it leads, and where it stands."""

    path: Path
    start: int


class _Name(NamedTuple):
    """One part of a key with dots."""

    name: str
    start: int


def outline_toml(text: str) -> Node | None:
    """Give the nodes of a TOML text."""
    return TomlOutline(text).root


class TomlOutline:
    """One reading of a text that is good TOML, or is so up to the end of the statement that holds `end`.

    Attributes:
        root: the nodes; where a key stands twice, the first counts.
        statements: all that begin before `end`, in the order of the text.
    """

    def __init__(self, text: str, end: int | None = None) -> None:
        self.root = _map(0)
        self.root.end = len(text)
        self.statements: list[Statement] = []
        self._text = text
        self._index = 0
        table: Node = self.root
        path: Path = ()
        while self._skip(_BLANK) < (len(text) if end is None else end):
            start = self._index
            if text[start] == "[":
                table, path = self._header()
                self.statements.append(Statement(path, start))
            else:
                names = self._pair(table)
                self.statements.append(Statement((*path, *names), start))

    def _skip(self, what: re.Pattern[str]) -> int:
        match = what.match(self._text, self._index)
        self._index = match.end() if match else self._index
        return self._index

    def _header(self) -> tuple[Node, Path]:
        """Read `[a.b]` or `[[a.b]]`: the table that the next pairs belong to, and its path."""
        start, brackets = self._index, 2 if self._text.startswith("[[", self._index) else 1
        self._index += brackets
        *parents, last = self._names()
        self._index += brackets
        node: Node = self.root
        path: Path = ()
        for name in parents:
            node, path = _inside(_enter(node, name), (*path, name.name))
        node, path = _enter(node, last, "[" if brackets == 2 else "{"), (*path, last.name)
        if brackets == 2 and isinstance(node.children, list):
            node.children.append(_map(start))
        return _inside(node, path)

    def _pair(self, node: Node) -> tuple[str, ...]:
        """Read `a.b = value` into a table, and give the names of its key."""
        *parents, last = names = self._names()
        self._index += 1  # the `=`
        self._skip(_SPACE)
        for name in parents:
            node = _enter(node, name)
        value = self._value()
        if isinstance(node.children, dict) and node.keys is not None and last.name not in node.children:
            node.children[last.name], node.keys[last.name] = value, last.start
        return tuple(name.name for name in names)

    def _names(self) -> list[_Name]:
        names = []
        while True:
            start = self._skip(_SPACE)
            spelt = self._text[start : self._skip(_KEY)]
            names.append(_Name(spelt if spelt[:1] not in ("'", '"') else _unquoted(spelt), start))
            self._skip(_SPACE)
            if self._text[self._index : self._index + 1] != ".":
                return names
            self._index += 1

    def _value(self) -> Node:
        start, char = self._index, self._text[self._index : self._index + 1]
        if char == "[":
            return self._list(start)
        if char == "{":
            return self._inline_table(start)
        if char in ('"', "'"):
            end = self._skip(_STRING)
            return Node(start, end, char * 3 if self._text.startswith(char * 3, start) else char)
        return Node(start, self._skip(_PLAIN), "plain")

    def _list(self, start: int) -> Node:
        node = Node(start, start, "[")
        node.children = []
        self._index += 1
        while self._skip(_BLANK) < len(self._text) and self._text[self._index] != "]":
            node.children.append(self._value())
            self._skip(_BLANK)
            self._index += self._text.startswith(",", self._index)
        self._index += 1
        node.end = self._index
        return node

    def _inline_table(self, start: int) -> Node:
        node = _map(start)
        self._index += 1
        while self._skip(_BLANK) < len(self._text) and self._text[self._index] != "}":
            self._pair(node)
            self._skip(_BLANK)
            self._index += self._text.startswith(",", self._index)
        self._index += 1
        node.end = self._index
        return node


def _map(start: int) -> Node:
    node = Node(start, start, "{")
    node.children, node.keys = {}, {}
    return node


def _enter(node: Node, name: _Name, style: str = "{") -> Node:
    """Give the table or the list of tables under a key, which is made where it is missing."""
    if not isinstance(node.children, dict) or node.keys is None:
        return _map(name.start)  # a value that is no table stands there: a mistake, and this leads nowhere
    found = node.children.get(name.name)
    if found is None:
        found = _map(name.start)
        if style == "[":
            found = Node(name.start, name.start, "[")
            found.children = []
        node.children[name.name], node.keys[name.name] = found, name.start
    return found


def _inside(node: Node, path: Path) -> tuple[Node, Path]:
    """Go on into the newest table of a list of tables."""
    if isinstance(node.children, list) and node.children:
        return node.children[-1], (*path, len(node.children) - 1)
    return node, path


def _unquoted(spelt: str) -> str:
    value: str = tomllib.loads(f"x = {spelt}")["x"]
    return value

"""Where things stand in the text of a document: from a path to a line and a column."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property

from unspool.model.diagnostics import Diagnostic, Path, Position

_BREAK = re.compile(r"\r\n|\r|\n")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:\s+|#[^\r\n]*)*)+")
_BLOCK_HEADER = re.compile(r"[|>](?P<flags>[-+0-9]*)")
_JSON_ESCAPE = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\[^\r\n]"
_YAML_ESCAPE = r"\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\[^\r\n]"
# How one character of the value is spelt, by the style of the scalar. A line break ends what can be mapped.
_SPELLINGS = {
    "plain": r"[^\r\n]",
    "'": r"''|[^\r\n]",
    '"': rf"{_YAML_ESCAPE}|[^\\\r\n]",
    "json": rf"{_JSON_ESCAPE}|[^\\\r\n]",
    '"""': rf"{_YAML_ESCAPE}|\r\n|[^\\]",
    "'''": r"\r\n|[^\r]",
}
_TOML_FOLD = re.compile(r"(?:\\[ \t]*\r?\n[ \t\r\n]*)*")  # a backslash that ends a line takes all space behind it away


class Lines:
    """The lines of a text. Only CR, LF and CRLF end one, as in YAML 1.2 and in editors."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def starts(self) -> list[int]:
        """The first character of each line."""
        return [0, *(match.end() for match in _BREAK.finditer(self.text))]

    def position(self, index: int) -> Position:
        """Give the place of a character; beyond the text, the place behind the last one."""
        index = max(0, min(index, len(self.text)))
        line = bisect_right(self.starts, index)
        return Position(line, index - self.starts[line - 1] + 1)

    def content(self, line: int) -> str:
        """Give a line, which counts from 1, without its end; empty beyond the text."""
        if not 1 <= line <= len(self.starts):
            return ""
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        return self.text[self.starts[line - 1] : end].rstrip("\r\n")


class Node:
    """One value of a document as it stands in the text.

    Attributes:
        start, end: the characters it covers, tag and anchor included.
        style: of a scalar `plain`, `'`, `"`, `|`, `>`, `json` (a JSON string), or TOML's three quotes; of a
            collection `{` or `[`; of an alias `*`.
        children: the values of a map by key, or of a list; None for a scalar.
        keys: where the keys of a map start; None for all else.
        target: what an alias stands for.
    """

    __slots__ = ("children", "end", "keys", "start", "style", "target")

    def __init__(self, start: int, end: int, style: str) -> None:
        self.start = start
        self.end = end
        self.style = style
        self.children: dict[str, Node] | list[Node] | None = None
        self.keys: dict[str, int] | None = None
        self.target: Node | None = None

    def child(self, step: str | int) -> Node | None:
        """Give the value under a key or an index, None where there is none."""
        match self.children, step:
            case dict(values), str(key):
                return values.get(key)
            case list(items), int(index) if 0 <= index < len(items):
                return items[index]
        return None

    def key_start(self, key: str) -> int:
        """Give where a key starts; where the node itself does, if it has no such key."""
        return (self.keys or {}).get(key, self.start)

    def content(self) -> Node:
        """Give the node itself, or what it stands for."""
        return self.target or self


class Locator:
    """Finds the place of a path in the text. The text is read again for it, once, when first asked.

    Args:
        lines: the document.
        outline: reads the text and gives the root of its nodes; None where there is none.
    """

    def __init__(self, lines: Lines, outline: Callable[[str], Node | None] | None = None) -> None:
        self.lines = lines
        self._text = lines.text
        self._outline = outline
        self._root: Node | None = None

    def position(self, path: Path, *, on_key: bool = False, offset: int | None = None) -> Position:
        """Give the place of the value at a path, or of the nearest value around it that exists.

        An alias has its own place; what a path finds inside it stands where the anchor is.

        Args:
            path: keys and indexes from the root.
            on_key: give the place of the key rather than of its value.
            offset: characters into the scalar's value. Where the text folds lines the way back is
                lost: the place is then the start of the scalar.
        """
        trail = self._trail(path)
        if not trail:
            return Position(1, 1)
        if on_key:
            return self.lines.position(_key_start(trail, path))
        node = trail[-1]
        if offset is None or len(trail) <= len(path):
            return self.lines.position(node.start)
        return self.lines.position(self._offset_index(node.content(), offset))

    def source_text(self, path: Path) -> str | None:
        """Give a scalar as the source spells it, quotes included; None where no scalar stands there."""
        trail = self._trail(path)
        if len(trail) <= len(path):
            return None
        node = trail[-1].content()
        return None if node.style in "{[*" else self._text[self._scalar_start(node) : node.end]

    def _trail(self, path: Path) -> list[Node]:
        """Give the nodes from the root along the path as far as they exist."""
        if self._outline is not None:
            self._root, self._outline = self._outline(self._text), None
        trail = [self._root] if self._root is not None else []
        for step in path if trail else ():
            node = trail[-1].content().child(step)
            if node is None:
                break
            trail.append(node)
        return trail

    def _scalar_start(self, node: Node) -> int:
        properties = _PROPERTIES.match(self._text, node.start, node.end)
        return properties.end() if properties else node.start

    def _offset_index(self, node: Node, offset: int) -> int:
        start = self._scalar_start(node)
        if node.style in _SPELLINGS:
            return self._spelt_index(node, start, offset)
        header = _BLOCK_HEADER.match(self._text, start) if node.style in "|>" else None
        # With an indentation indicator the text alone does not say where the content begins.
        mappable = header is not None and not header["flags"].strip("+-")
        return self._block_index(node, start, offset) if mappable else start

    def _spelt_index(self, node: Node, start: int, offset: int) -> int:
        index, spelling = self._first(node, start), re.compile(_SPELLINGS[node.style], re.DOTALL)
        for _ in range(offset):
            match = spelling.match(self._text, index, node.end)
            if match is None:
                return start
            index = self._unfolded(node, match.end())
        return index

    def _first(self, node: Node, start: int) -> int:
        """Give where the content of a scalar begins."""
        if node.style not in ('"""', "'''"):
            return start if node.style == "plain" else start + 1
        begin = _BREAK.match(self._text, start + 3)
        return self._unfolded(node, begin.end() if begin else start + 3)

    def _unfolded(self, node: Node, index: int) -> int:
        folded = _TOML_FOLD.match(self._text, index) if node.style == '"""' else None
        return folded.end() if folded else index

    def _block_index(self, node: Node, start: int, offset: int) -> int:
        first = self.lines.position(start).line + 1
        last = self.lines.position(node.end).line if node.style == "|" else first  # `>` joins the lines after it
        indent = self._indent(first, last)
        for number in range(first, last + 1):
            line = self.lines.content(number)
            length = max(0, len(line) - indent)
            if offset <= length:
                return self.lines.starts[number - 1] + min(indent + offset, len(line))
            offset -= length + 1
        return start

    def _indent(self, first: int, last: int) -> int:
        contents = map(self.lines.content, range(first, last + 1))
        return next((len(line) - len(line.lstrip(" ")) for line in contents if line.strip(" ")), 0)


def _key_start(trail: list[Node], path: Path) -> int:
    """Give the start of the innermost key that exists, else of the value it would be the key of."""
    *parents, last = trail
    step = path[len(trail) - 2] if parents else 0
    return parents[-1].content().key_start(step) if isinstance(step, str) else last.start


def resolve(diagnostics: Iterable[Diagnostic], locator: Locator) -> tuple[Diagnostic, ...]:
    """Give each diagnostic its position, in the order of the text, without repetitions."""
    placed = {one if one.position else _placed(one, locator): None for one in diagnostics}
    return tuple(sorted(placed, key=lambda one: (one.position or Position(1, 1), one.code)))


def _placed(one: Diagnostic, locator: Locator) -> Diagnostic:
    return one._replace(position=locator.position(one.path, on_key=one.on_key, offset=one.offset))

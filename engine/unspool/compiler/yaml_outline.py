"""YAML text to nodes that know where they stand; read only when a place is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unspool.compiler.locate import Node
from unspool.compiler.text_limits import MAX_KEY
from unspool.compiler.yaml_events import event_kinds, feed


def outline_yaml(text: str) -> Node | None:
    """Give the nodes of a YAML text, as far as it can be read."""
    return feed(text, lambda: _Outliner(text))[0].root


class _Frame:
    """A list or map that is being read.

    In a map the next value is a key while `key_is_next`; `key` is None where its value is thrown away.
    """

    __slots__ = ("items", "key", "key_is_next", "keys", "node", "values")

    def __init__(self, node: Node) -> None:
        self.node = node
        self.key_is_next = node.style == "{"
        self.key: str | None = None
        self.keys: dict[str, int] = {}
        self.values: dict[str, Node] = {}
        self.items: list[Node] = []
        node.children = self.values if self.key_is_next else self.items
        node.keys = self.keys if self.key_is_next else None


class _Outliner:
    """Makes the nodes of the first document; of equal keys the first counts, as in the value."""

    def __init__(self, text: str) -> None:
        self.root: Node | None = None
        self._text = text
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Node] = {}

    def consume(self, events: Iterator[Any]) -> None:
        """Take all events of the first document."""
        scalar, alias, map_start, map_end, list_start, list_end, _ = event_kinds()
        for event in events:
            kind = type(event)
            if kind is scalar:
                self._scalar(event)
            elif kind is map_end or kind is list_end:
                self._stack.pop().node.end = event.end_mark.index
            elif kind is map_start:
                self._stack.append(_Frame(self._place(event, "{")))
            elif kind is list_start:
                self._stack.append(_Frame(self._place(event, "[")))
            elif kind is alias:
                self._place(event, "*").target = self._anchors.get(event.anchor)
            if not self._stack and self.root is not None:
                return

    def _scalar(self, event: Any) -> None:
        if self._stack and self._stack[-1].key_is_next:
            self._key(event, self._stack[-1])
        else:
            self._place(event, event.style or "plain")

    def _key(self, event: Any, frame: _Frame) -> None:
        name = event.value
        usable = len(name) <= MAX_KEY and name not in frame.keys and not (name == "<<" and event.implicit[0])
        frame.key = name if usable else None
        frame.key_is_next = False
        if usable:
            frame.keys[name] = event.start_mark.index

    def _place(self, event: Any, style: str) -> Node:
        """Make a node and put it where it belongs."""
        start, end = event.start_mark.index, event.end_mark.index
        unwritten = start == end and style == "plain"
        node = Node(self._behind_text(start) if unwritten else start, end, style)
        if event.anchor is not None and style != "*":
            self._anchors[event.anchor] = node
        if self._stack:
            _attach(node, self._stack[-1])
        else:
            self.root = node
        return node

    def _behind_text(self, start: int) -> int:
        """Give where a value stands that is not written: right behind the `:` or `-` before it."""
        while start and self._text[start - 1].isspace():
            start -= 1
        return start


def _attach(node: Node, frame: _Frame) -> None:
    if frame.node.style == "[":
        frame.items.append(node)
    elif frame.key_is_next:  # a list, a map or an alias as a key: no path leads to its value
        frame.key_is_next, frame.key = False, None
    else:
        frame.key_is_next = True
        if frame.key is not None:
            frame.values[frame.key] = node

"""The parsed form of an expression: the only kinds of node there are."""

from __future__ import annotations

from typing import Any, dataclass_transform


@dataclass_transform(frozen_default=True)
class Node:
    """A node; its fields are the annotations of its class, given by place.

    Real dataclasses and named tuples would cost every start of the program some ten milliseconds.
    """

    offset: int

    def __init__(self, *values: Any) -> None:
        self.__dict__.update(zip(type(self).__annotations__, values, strict=True))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.__dict__.values()))})"


class Constant(Node):
    """A literal."""

    value: Any
    offset: int


class Name(Node):
    """A name of the context."""

    name: str
    offset: int


class Member(Node):
    """A member known from the text: `a.b`, `a['b']`, `a[0]`, `a[-1]`."""

    target: Node
    key: str | int
    offset: int


class Subscript(Node):
    """A member that is computed: `a[b]`."""

    target: Node
    key: Node
    offset: int


class Slice(Node):
    """A part of a list or text: `a[1:3]`."""

    target: Node
    start: Node | None
    stop: Node | None
    step: Node | None
    offset: int


class ListOf(Node):
    """A list literal."""

    items: tuple[Node, ...]
    offset: int


class MapOf(Node):
    """A map literal."""

    pairs: tuple[tuple[Node, Node], ...]
    offset: int


class Sign(Node):
    """A number with a sign before it: `-a`, `+a`."""

    operator: str
    operand: Node
    offset: int


class Arithmetic(Node):
    """Two operands of `+ - * / // %`."""

    operator: str
    left: Node
    right: Node
    offset: int


class Concat(Node):
    """Values put together as text: `a ~ b ~ c`."""

    parts: tuple[Node, ...]
    offset: int


class Compare(Node):
    """A comparison or a chain of them: `a < b <= c`, `a in b`."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    offset: int


class And(Node):
    """Both are true."""

    left: Node
    right: Node
    offset: int


class Or(Node):
    """At least one is true."""

    left: Node
    right: Node
    offset: int


class Not(Node):
    """The opposite."""

    operand: Node
    offset: int


class Conditional(Node):
    """A choice: `then if test else otherwise`."""

    test: Node
    then: Node
    otherwise: Node
    offset: int


class Default(Node):
    """What to take where the target is absent: `target | default(fallback)`."""

    target: Node
    fallback: Node
    offset: int


class Filter(Node):
    """A filter: `target | name(arguments, key=named)`."""

    target: Node
    name: str
    arguments: tuple[Node, ...]
    named: tuple[tuple[str, Node], ...]
    offset: int


class Is(Node):
    """A test: `target is name(arguments)`."""

    target: Node
    name: str
    arguments: tuple[Node, ...]
    offset: int


def text_of(node: Node) -> str:
    """Say which value a node means, for a message: `tasks.x.outputs.y`, `a[...]`, `a | first`."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Member):
        return text_of(node.target) + _step(node.key)
    if isinstance(node, Subscript | Slice):
        return text_of(node.target) + "[...]"
    if isinstance(node, Default):
        return text_of(node.target)
    if isinstance(node, Filter):
        return f"{text_of(node.target)} | {node.name}"
    if isinstance(node, Constant):
        return repr(node.value) if isinstance(node.value, str) else str(node.value).lower()
    return "the value"


def _step(key: str | int) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"

"""From a text with `${{ }}` in it to its literal parts and expressions."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from unspool.expr import tree
from unspool.expr.names import Reference, references_of
from unspool.expr.parse import parse
from unspool.expr.syntax import ExpressionSyntaxError

OPENING: Final = "${{"

_CACHED: Final = 65_536  # texts; parsing one with jinja2 costs some ten times as much as evaluating it
_MARK: Final = re.compile(r"\$\$\{\{|\$\{\{")
_PIECE: Final = re.compile(
    r"""'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"|\$\{\{|['"{}]""",
    re.DOTALL,
)


class Expression(NamedTuple):
    """A parsed expression.

    Attributes:
        source: its text, without `${{ }}` and the white space around it.
        offset: characters into the text it was found in.
        references: the values of the context that it names; offsets count from `source`.
        node: its tree.
    """

    source: str
    offset: int
    references: tuple[Reference, ...]
    node: tree.Node


class Template(NamedTuple):
    """A text taken apart: literal text and expressions in their order."""

    parts: tuple[str | Expression, ...]

    @property
    def single(self) -> Expression | None:
        """The expression, where the whole text is exactly one; its value keeps its type."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, Expression) else None

    @property
    def is_literal(self) -> bool:
        """Whether there is no expression in it."""
        return all(isinstance(part, str) for part in self.parts)


def has_expression(text: str) -> bool:
    """Say at once whether a text may hold an expression, or an escape of one."""
    return OPENING in text


@lru_cache(maxsize=_CACHED)
def parse_template(text: str) -> Template:
    """Take a text apart at its `${{ }}`; `$${{` stands for a literal `${{`.

    Raises:
        ExpressionSyntaxError: an expression has no end or cannot be parsed; `offset` is in `text`.
    """
    parts: list[str | Expression] = []
    literal, start = "", 0
    while mark := _MARK.search(text, start):
        literal += text[start : mark.start()]
        start = mark.end()
        if mark[0] != OPENING:
            literal += OPENING
            continue
        end = _closing(text, mark.start(), start)
        if literal:
            parts.append(literal)
        parts.append(_expression(text[start:end], start))
        literal, start = "", end + 2
    literal += text[start:]
    if literal or not parts:
        parts.append(literal)
    return Template(tuple(parts))


@lru_cache(maxsize=_CACHED)
def parse_expression(source: str) -> Expression:
    """Parse an expression that stands without `${{ }}`, such as in `when`.

    Raises:
        ExpressionSyntaxError: it is no expression; `offset` is in `source` as given.
    """
    return _expression(source, 0)


def _expression(text: str, offset: int) -> Expression:
    source = text.strip()
    offset += len(text) - len(text.lstrip())
    try:
        node = parse(source)
    except ExpressionSyntaxError as problem:
        raise problem.moved(offset) from None
    return Expression(source, offset, references_of(node), node)


def _closing(text: str, opening: int, start: int) -> int:
    """Find the `}}` that ends an expression; one inside quotes or a map does not."""
    braces = 0
    for piece in _PIECE.finditer(text, start):
        found, at = piece[0], piece.start()
        if found == "{":
            braces += 1
        elif found == "}" and braces:
            braces -= 1
        elif found == "}" and text.startswith("}}", at):
            return at
        elif found == "}":
            raise ExpressionSyntaxError("unexpected `}`", at, "an expression ends with `}}`")
        elif found == OPENING:
            break
        elif found in "'\"":
            raise ExpressionSyntaxError(
                "a text that begins here has no end", at, f"close it with {found}, before the `}}}}`"
            )
    raise ExpressionSyntaxError(
        "the expression that begins here has no end", opening, "end it with `}}`; write `$${{` for a literal `${{`"
    )

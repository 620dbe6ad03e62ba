"""From the text of an expression to jinja2's tokens, each knowing the place where it stands."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from unspool.expr.hints import character_hint
from unspool.expr.limits import (
    INTEGER_LIMIT,
    MAX_BRACKETS,
    MAX_CONDITIONALS,
    MAX_PREFIXES,
    MAX_SOURCE,
)
from unspool.expr.syntax import ExpressionSyntaxError

if TYPE_CHECKING:
    from jinja2 import Environment
    from jinja2.lexer import Token

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ESCAPE: Final = re.compile(
    r"\\(?:([\\'\"nrt/])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|\n|(.?))", re.DOTALL
)
_SIMPLE_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}
_SURROGATES: Final = range(0xD800, 0xE000)
_MAX_CODE_POINT: Final = 0x10FFFF


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Give the jinja2 environment whose lexer and parser are used.

    Its delimiters hold a character that no expression may hold, so that the lexer never finds one.
    """
    from jinja2 import Environment  # costs 30 to 60 ms, so only for who needs more than a chain of names

    return Environment(  # noqa: S701  nothing is rendered by it
        block_start_string="\0%",
        block_end_string="%\0",
        variable_start_string="\0{",
        variable_end_string="}\0",
        comment_start_string="\0#",
        comment_end_string="#\0",
    )


def tokens_of(source: str) -> list[Token]:
    """Split an expression into tokens whose `lineno` is their offset; the last one is the end.

    Raises:
        ExpressionSyntaxError: a character, a literal or the amount of nesting cannot be.
    """
    check_source(source)
    from jinja2.exceptions import TemplateSyntaxError
    from jinja2.lexer import TOKEN_EOF, Token

    tokens: list[Token] = []
    offset = 0
    try:
        for _, kind, text in environment().lexer.tokeniter(source, None, None, "variable"):
            if kind != "whitespace":
                tokens.append(Token(offset, *_typed(kind, text, offset)))
            offset += len(text)
    except TemplateSyntaxError as problem:
        raise _lexical_error(source, offset, problem.message or "") from None
    tokens.append(Token(len(source), TOKEN_EOF, ""))
    _check_nesting(tokens)
    _check_pairs(tokens)
    return tokens


def check_source(source: str) -> None:
    """Refuse an expression that is empty, too long, or holds control characters."""
    if not source:
        raise ExpressionSyntaxError("the expression is empty", hint="write a name, such as `inputs.branch`")
    if len(source) > MAX_SOURCE:
        raise ExpressionSyntaxError(
            f"the expression has {len(source):,} characters; at most {MAX_SOURCE:,} fit",
            hint="compute the value in a task and use its output",
            code="UNS062",
        )
    control = _CONTROL.search(source)
    if control:
        raise ExpressionSyntaxError(
            f"the control character {control[0]!r} cannot stand in an expression", control.start()
        )


def _typed(kind: str, text: str, offset: int) -> tuple[str, Any]:
    if kind == "operator":
        from jinja2.lexer import operators

        return operators[text], text
    if kind == "integer":
        return kind, _integer(text, offset)
    if kind == "float":
        return kind, _float(text, offset)
    if kind == "string":
        return kind, _unescaped(text, offset)
    if kind == "name" and not text.isidentifier():
        raise ExpressionSyntaxError(f"{text!r} is no name", offset)
    return kind, text


def _integer(text: str, offset: int) -> int:
    number = int(text.replace("_", ""), 0)
    if number >= INTEGER_LIMIT:
        raise ExpressionSyntaxError("an integer beyond 63 bits cannot be written", offset, "put it in quotes")
    return number


def _float(text: str, offset: int) -> float:
    number = float(text.replace("_", ""))
    if number == float("inf"):
        raise ExpressionSyntaxError("the number is too large", offset)
    return number


def _unescaped(text: str, offset: int) -> str:
    inner = text[1:-1]
    if "\\" not in inner:
        return inner

    def plain(match: re.Match[str]) -> str:
        simple, two, four, eight, unknown = match.groups()
        if simple:
            return _SIMPLE_ESCAPES.get(simple, simple)
        if unknown is not None:
            raise ExpressionSyntaxError(
                f"there is no escape \\{unknown}", offset + 1 + match.start(), "write \\\\ for a backslash"
            )
        digits = two or four or eight
        return _character(int(digits, 16), offset + 1 + match.start()) if digits else ""

    return _ESCAPE.sub(plain, inner)


def _character(code: int, offset: int) -> str:
    if code in _SURROGATES or code > _MAX_CODE_POINT:
        raise ExpressionSyntaxError(f"there is no character with the number {code:#x}", offset)
    return chr(code)


def _lexical_error(source: str, offset: int, message: str) -> ExpressionSyntaxError:
    character = source[offset]
    if not message.startswith("unexpected char"):
        return ExpressionSyntaxError(message.replace("'", "`"), offset)
    if character in "'\"":
        return ExpressionSyntaxError("a text that begins here has no end", offset, f"close it with {character}")
    return ExpressionSyntaxError(f"unexpected `{character}`", offset, character_hint(character))


def _check_nesting(tokens: list[Token]) -> None:
    """Bound what the parser calls itself for, so that it never runs out of stack."""
    brackets = prefixes = conditionals = 0
    for token in tokens:
        if token.type in ("lparen", "lbracket", "lbrace"):
            brackets += 1
        elif token.type in ("rparen", "rbracket", "rbrace"):
            brackets -= 1
        is_prefix = token.type in ("add", "sub") or (token.type == "name" and token.value == "not")
        prefixes = prefixes + 1 if is_prefix else 0
        conditionals += token.type == "name" and token.value == "if"
        if brackets > MAX_BRACKETS or prefixes > MAX_PREFIXES or conditionals > MAX_CONDITIONALS:
            raise ExpressionSyntaxError(
                "the expression is nested too deeply", token.lineno, "compute the value in a task", "UNS062"
            )


_PAIRS: Final = {
    ("pipe", "pipe"): ("unexpected `||`", "write `or`"),
    ("lbrace", "lbrace"): ("unexpected `{{`", "the inside of ${{ }} is an expression already: leave the braces out"),
    ("lbrace", "mod"): ("unexpected `{%`", "an expression gives one value; there are no statements"),
    ("lt", "gt"): ("unexpected `<>`", "write `!=` for unequal"),
    ("eq", "assign"): ("unexpected `===`", "write `==`"),
    ("ne", "assign"): ("unexpected `!==`", "write `!=`"),
    ("assign", "gt"): ("unexpected `=>`", "write `>=` for at least"),
}


def _check_pairs(tokens: list[Token]) -> None:
    for token, following in pairwise(tokens):
        found = _PAIRS.get((token.type, following.type))
        if found and following.lineno == token.lineno + len(token.value):
            raise ExpressionSyntaxError(found[0], token.lineno, found[1])

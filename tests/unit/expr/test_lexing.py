"""Literals, characters and nesting are checked before anything is parsed."""

from __future__ import annotations

import pytest

from unspool.expr import ExpressionSyntaxError, evaluate
from unspool.expr.lexing import tokens_of


def test_tokens_know_where_they_stand():
    source = "a.b  ==\n 'x' ~ 12"
    places = [(token.lineno, token.type) for token in tokens_of(source)]
    assert places == [
        (0, "name"), (1, "dot"), (2, "name"), (5, "eq"), (9, "string"), (13, "tilde"), (15, "integer"), (17, "eof"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("12", 12),
        ("1_000", 1000),
        ("0x1F", 31),
        ("9223372036854775807", 2**63 - 1),
        ("1.5", 1.5),
        ("2e3", 2000.0),
        ("'a' 'b'", "ab"),
        (r"'\n\t\r\\\'\"'", "\n\t\r\\'\""),
        (r"'\x41\u00e9\U0001F600'", "Aé😀"),
        ("'a\\\nb'", "ab"),
        ("'é😀'", "é😀"),
        ("true", True),
        ("null", None),
        ("none", None),
    ],
)
def test_literals(source, value):
    assert evaluate(source, {}) == value


@pytest.mark.parametrize(
    ("source", "offset", "message"),
    [
        ("9223372036854775808", 0, "an integer beyond 63 bits cannot be written"),
        ("1 + 1e999", 4, "the number is too large"),
        (r"'ab\d'", 3, r"there is no escape \d"),
        (r"'\ud800'", 1, "there is no character with the number 0xd800"),
        (r"'\U00110000'", 1, "there is no character with the number 0x110000"),
        ("'abc", 0, "a text that begins here has no end"),
        ('a == "abc', 5, "a text that begins here has no end"),
        ("a\rb", 1, "the control character '\\r' cannot stand in an expression"),
        ("a }\0", 3, "the control character '\\x00' cannot stand in an expression"),
        ("(a]", 2, "unexpected `]`, expected `)`"),
        ("a)", 1, "unexpected `)`"),
        ("", 0, "the expression is empty"),
    ],
)
def test_what_cannot_be_a_token(source, offset, message):
    with pytest.raises(ExpressionSyntaxError) as caught:
        tokens_of(source)
    assert (caught.value.offset, caught.value.message) == (offset, message)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 25 + "1" + ")" * 25,
        "[" * 1000,
        "not " * 21 + "true",
        "-" * 4000 + "1",
        "+-" * 2000 + "1",
        "1 if true else " * 51 + "1",
        "a" * 4097,
        "1 + " * 1000 + "1",
        "1" + "|abs" * 1000,
        "a" + ".b" * 2000,
        "x" + "[0]" * 1000,
        "not (" * 24 + "true" + ")" * 24 + " and true" * 200,
    ],
    ids=lambda source: source[:12],
)
def test_too_long_or_too_deep(source):
    with pytest.raises(ExpressionSyntaxError) as caught:
        evaluate(source, {})
    assert caught.value.code == "UNS062"


def test_what_is_just_within_the_bounds_works():
    assert evaluate("(" * 24 + "1" + ")" * 24, {}) == 1
    assert evaluate("not " * 20 + "true", {}) is True
    assert evaluate("1 if true else " * 50 + "2", {}) == 1
    assert evaluate("1" + "+1" * 99, {}) == 100

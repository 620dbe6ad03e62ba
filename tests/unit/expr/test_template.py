"""Texts are taken apart at `${{ }}`, and at nothing else."""

from __future__ import annotations

import pytest

from unspool.expr import ExpressionSyntaxError, has_expression, parse_expression, parse_template


def parts(text):
    return [part if isinstance(part, str) else (part.source,) for part in parse_template(text).parts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [""]),
        ("plain", ["plain"]),
        ("${{ a }}", [("a",)]),
        ("${{a}}", [("a",)]),
        ("x ${{ a }} y ${{ b }}", ["x ", ("a",), " y ", ("b",)]),
        ("${{ a }}${{ b }}", [("a",), ("b",)]),
        ("{{ a }} {% b %} {# c #}", ["{{ a }} {% b %} {# c #}"]),
        ("$${{ a }}", ["${{ a }}"]),
        ("$$${{ a }}", ["$${{ a }}"]),
        ("a $${{ b }} c ${{ d }}", ["a ${{ b }} c ", ("d",)]),
        ("${ a } $( b ) $((1))", ["${ a } $( b ) $((1))"]),
        ("${{ {'a': {'b': 1}} }}", [("{'a': {'b': 1}}",)]),
        ("${{ {'a': {'b': 1}}}}", [("{'a': {'b': 1}}",)]),
        ("${{ '}}' }}", [("'}}'",)]),
        ('${{ "it\'s }}" }}', [('"it\'s }}"',)]),
        (r"${{ 'it\'s }}' }}", [(r"'it\'s }}'",)]),
        ("${{ '${{' }}", [("'${{'",)]),
        ("${{\n a\n}}", [("a",)]),
        ("${{ a }}}}", [("a",), "}}"]),
    ],
)
def test_parts(text, expected):
    assert parts(text) == expected


def test_a_whole_text_is_told_from_a_mixed_one():
    assert parse_template("${{ a }}").single.source == "a"
    assert parse_template(" ${{ a }}").single is None
    assert parse_template("${{ a }}${{ b }}").single is None
    assert parse_template("plain").single is None
    assert parse_template("$${{ a }}").is_literal
    assert not parse_template("x ${{ a }}").is_literal


def test_has_expression_is_true_for_escapes_too():
    assert has_expression("$${{ a }}")
    assert has_expression("x ${{ a }}")
    assert not has_expression("{{ a }} ${a}")


def test_offsets_lead_to_the_inner_text():
    text = "ab ${{   inputs.x }} ${{ y }}"
    first, second = (part for part in parse_template(text).parts if not isinstance(part, str))
    assert text[first.offset :].startswith("inputs.x")
    assert text[second.offset :].startswith("y")
    assert parse_expression("  a").offset == 2


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("ab ${{ inputs.x", 3, "the expression that begins here has no end"),
        ("${{ a } b", 6, "unexpected `}`"),
        ("${{ a ${{ b }}", 0, "the expression that begins here has no end"),
        ("${{ 'a }}", 4, "a text that begins here has no end"),
        ("x ${{ }}", 6, "the expression is empty"),
        ("x ${{}}", 5, "the expression is empty"),
        ("x ${{ a && b }}", 8, "unexpected `&`"),
        ("x ${{ a | nope }}", 10, "there is no filter `nope`"),
    ],
)
def test_errors_point_into_the_whole_text(text, offset, message):
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse_template(text)
    assert (caught.value.offset, caught.value.message) == (offset, message)


def test_errors_of_a_bare_expression_point_into_what_was_given():
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse_expression("   a = b")
    assert caught.value.offset == 5


def test_many_unclosed_expressions_are_found_at_once():
    with pytest.raises(ExpressionSyntaxError, match="has no end"):
        parse_template("${{ " * 100_000)

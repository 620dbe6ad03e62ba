"""Conditions are one expression, with or without `${{ }}`."""

from __future__ import annotations

import pytest

from unspool.compiler.conditions import NotOneExpression, condition, condition_source
from unspool.expr import ExpressionSyntaxError


@pytest.mark.parametrize(
    ("text", "source", "offset"),
    [
        ("${{ a }}", "a", 4),
        ("a and b", "a and b", 0),
        ("  ${{a.b}} \n", "a.b", 5),
        ("${{ '}}' == a }}", "'}}' == a", 4),
    ],
)
def test_the_expression_knows_its_place(text, source, offset):
    found = condition(text)
    assert (found.source, found.offset) == (source, offset)


@pytest.mark.parametrize(
    ("text", "offset"),
    [("${{ a }} b", 9), ("b ${{ a }}", 0), ("${{ a }}${{ b }}", 12), ("$${{ a }}", 1), ("a $${{ b", 0)],
)
def test_anything_beside_it_is_refused_where_it_stands(text, offset):
    with pytest.raises(NotOneExpression) as caught:
        condition(text)
    assert caught.value.offset == offset


def test_a_faulty_expression_is_refused_by_its_own_error():
    with pytest.raises(ExpressionSyntaxError):
        condition("${{ a == }}")


@pytest.mark.parametrize(("value", "source"), [(True, "true"), (False, "false"), ("${{ a }}", "a"), ("a", "a")])
def test_the_bare_source(value, source):
    assert condition_source(value) == source

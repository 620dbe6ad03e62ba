"""Fields become values in one pass."""

from __future__ import annotations

import pytest

from unspool.errors import ExpressionError, ValueTooLarge
from unspool.expr import render, render_argv
from unspool.expr.limits import MAX_TEXT
from unspool.model.values import Ref

CONTEXT = {
    "n": 3,
    "s": "hi there",
    "b": True,
    "z": None,
    "l": ["a b", 2, 1.5, False],
    "m": {"k": 1},
    "e": [],
    "code": "${{ n }}",
    "big": Ref("ab", 10**7, ""),
    "long": "x" * MAX_TEXT,
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plain", "plain"),
        (3, 3),
        (None, None),
        ("${{ n }}", 3),
        ("${{ b }}", True),
        ("${{ z }}", None),
        ("${{ l }}", ["a b", 2, 1.5, False]),
        (" ${{ n }}", " 3"),
        ("${{ n }}${{ n }}", "33"),
        ("b=${{ b }} l=${{ l }} m=${{ m }}", 'b=true l=["a b",2,1.5,false] m={"k":1}'),
        ("$${{ n }}", "${{ n }}"),
        ("$${{ n }} ${{ n }}", "${{ n }} 3"),
        ("{{ n }}", "{{ n }}"),
        (["${{ n }}", ["x${{ n }}"], {"${{ n }}": "${{ n }}"}], [3, ["x3"], {"${{ n }}": 3}]),
        ("${{ code }}", "${{ n }}"),
        ("x ${{ code }}", "x ${{ n }}"),
        ("${{ 'a' ~ code }}", "a${{ n }}"),
        ({"a": "${{ [code] }}"}, {"a": ["${{ n }}"]}),
    ],
)
def test_render(field, value):
    found = render(field, CONTEXT)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("a ${{ z }}", "${{ z }} is null, which has no text; say what to write instead: `z if z is not none else ''`"),
        ("a ${{ missing }}", "missing is absent"),
        (["${{ n + 's' }}"], "write `~`"),
        ("${{ long }}.", "a text of 1,048,577 characters"),
    ],
)
def test_render_errors(field, message):
    with pytest.raises(ExpressionError) as caught:
        render(field, CONTEXT)
    assert message in str(caught.value)


@pytest.mark.parametrize("field", ["${{ big }}", "a ${{ big }}", "${{ [big] }}"])
def test_values_in_files_are_not_rendered(field):
    with pytest.raises(ValueTooLarge, match="value_too_large: big has 10,000,000 bytes"):
        render(field, CONTEXT)


def test_argv_splices_lists_and_writes_scalars():
    assert render_argv(["x", "${{ l }}", "${{ e }}", "-n${{ n }}", "${{ n }}", "${{ code }}"], CONTEXT) == [
        "x", "a b", "2", "1.5", "false", "-n3", "3", "${{ n }}",
    ]  # fmt: skip
    assert render_argv(["x ${{ l }}"], CONTEXT) == ['x ["a b",2,1.5,false]']


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("${{ z }}", "${{ z }} gives null, which cannot be an argument; write `x if x != null"),
        ("${{ [1, z] }}", "${{ [1, z] }} gives null in a list, which cannot be an argument; drop it with"),
        ("${{ [z] }}", "gives null"),
        ("${{ m }}", "gives a map, which cannot be an argument; write it as JSON with `| tojson`"),
        ("${{ [[1]] }}", "gives a list in a list"),
        ("${{ missing }}", "missing is absent"),
    ],
)
def test_argv_errors(item, message):
    with pytest.raises(ExpressionError) as caught:
        render_argv([item], CONTEXT)
    assert message in str(caught.value)

"""Nodes are compared and named by what they mean."""

from __future__ import annotations

import pytest

from unspool.expr import parse_expression
from unspool.expr.tree import Constant, Member, Name, text_of


def test_nodes_are_values():
    assert Member(Name("a", 0), "b", 1) == Member(Name("a", 0), "b", 1)
    assert len({Name("a", 0), Name("a", 0), Name("b", 0)}) == 2
    assert Name("a", 0) != Constant("a", 0)
    assert repr(Member(Name("a", 0), "b", 1)) == "Member(Name('a', 0), 'b', 1)"


def test_a_node_takes_exactly_its_fields():
    with pytest.raises(ValueError, match="zip"):
        Name("a")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("tasks.x.outputs.y", "tasks.x.outputs.y"),
        ("a['b c'][0]['d']", "a['b c'][0].d"),
        ("a[b].c", "a[...].c"),
        ("a[1:]", "a[...]"),
        ("a | first", "a | first"),
        ("'x'", "'x'"),
        ("true", "true"),
        ("3", "3"),
        ("a + b", "the value"),
    ],
)
def test_names_for_messages(source, text):
    assert text_of(parse_expression(source).node) == text

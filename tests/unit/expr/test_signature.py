"""Arguments are checked against the Python function behind a filter."""

from __future__ import annotations

import pytest

from unspool.expr.signature import signatures


def plain(meter, value):
    return value


def some(meter, value, a, b=None):
    return value


def many(meter, value, a, *rest, named=None):
    return value


TABLE = signatures({"plain": plain, "some": some, "many": many})


@pytest.mark.parametrize(
    ("name", "count", "names", "problem"),
    [
        ("plain", 0, (), None),
        ("plain", 1, (), "takes no argument, not 1"),
        ("some", 0, (), "needs its argument `a`"),
        ("some", 0, ("b",), "needs its argument `a`"),
        ("some", 0, ("b", "a"), None),
        ("some", 2, (), None),
        ("some", 3, (), "takes at most 2 arguments, not 3"),
        ("some", 1, ("a",), "gets `a` twice"),
        ("some", 1, ("b", "b"), "gets an argument twice"),
        ("some", 1, ("c",), "has no argument `c`"),
        ("some", 1, ("meter",), "has no argument `meter`"),
        ("many", 9, ("named",), None),
        ("many", 0, (), "needs its argument `a`"),
    ],
)
def test_problem(name, count, names, problem):
    assert TABLE[name].problem(count, names) == problem

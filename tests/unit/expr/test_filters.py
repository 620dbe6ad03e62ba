"""Filters that apply another filter or test to each item."""

from __future__ import annotations

import pytest

from unspool.errors import ExpressionError, ValueTooLarge
from unspool.expr import evaluate
from unspool.expr.filters import APPLYING, FILTERS
from unspool.model.values import Ref

CONTEXT = {
    "l": [1, None, 3, "x", None],
    "n": [1, 2, 3, 4],
    "rows": [{"a": 1, "ok": True, "k": {"v": "p"}}, {"a": 2, "ok": False}, {"a": None, "ok": True, "k": {"v": "q"}}],
    "logs": [{"text": "short"}, {"text": Ref("ab", 10**7, "")}],
    "name": "upper",
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("['a', 'b'] | map('upper')", ["A", "B"]),
        ("['a', 'b'] | map(name)", ["A", "B"]),
        ("[[1, 2], [3]] | map('sum')", [3, 3]),
        ("['a-b'] | map('replace', '-', '+')", ["a+b"]),
        ("[['a'], ['b']] | map('map', 'upper')", [["A"], ["B"]]),
        ("rows | map(attribute='a')", [1, 2, None]),
        ("rows | map(attribute='k.v', default='?')", ["p", "?", "q"]),
        ("[[1, 2], [3, 4]] | map(attribute=0)", [1, 3]),
        ("l | reject('none')", [1, 3, "x"]),
        ("l | select('number')", [1, 3]),
        ("n | select('gt', 2)", [3, 4]),
        ("n | select('in', [1, 9])", [1]),
        ("n | reject('even')", [1, 3]),
        ("n | select('divisibleby', 2)", [2, 4]),
        ("rows | selectattr('ok') | map(attribute='a')", [1, None]),
        ("rows | rejectattr('ok') | map(attribute='a')", [2]),
        ("rows | selectattr('a', 'eq', 2) | length", 1),
        ("rows | rejectattr('a', 'none') | length", 2),
        ("rows | selectattr('k', 'defined') | length", 2),
        ("rows | selectattr('k.v', 'undefined') | map(attribute='a')", [2]),
        ("logs | map(attribute='text') | length", 2),
        ("logs | selectattr('text', 'defined') | length", 2),
    ],
)
def test_values(source, value):
    assert evaluate(source, CONTEXT) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("n | map('upper')", "`upper` needs text, not a number (1)"),
        ("[[]] | map('first')", "the first item is absent: the list is empty"),
        ("n | map(rows[0].a)", "the filter to apply must be given by its name"),
        ("n | map('up' ~ 'p')", "there is no filter `upp`; did you mean `upper`?"),
        ("n | map(name, 1)", "the filter `upper` takes no argument, not 1"),
        ("rows | map(attribute='k.v')", "attribute 'k.v' of an item is absent: the item has no member 'k'; add"),
        ("l | select('gt', 2)", "`>` needs two numbers or two texts, not null and a number (2)"),
        ("n | select('no' ~ 'pe')", "there is no test `nope`"),
        ("rows | selectattr('a')", "`selectattr` without a test needs an attribute that is true or false"),
        ("rows | selectattr('k.v', 'eq', 'p')", "attribute 'k.v' of an item is absent"),
        ("'abc' | map('upper')", "`map` needs a list"),
    ],
)
def test_errors(source, message):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source, CONTEXT)
    assert message in str(caught.value)


@pytest.mark.parametrize("source", ["logs | map(attribute='text')", "logs | selectattr('text', 'string')"])
def test_values_in_files_may_be_passed_on_but_not_read(source):
    with pytest.raises(ValueTooLarge):
        evaluate(source, CONTEXT)


def test_tables():
    assert set(APPLYING) <= set(FILTERS)
    assert "default" not in FILTERS  # the walk does it, since it takes what is absent

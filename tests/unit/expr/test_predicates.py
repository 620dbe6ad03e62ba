"""The tests after `is`."""

from __future__ import annotations

import pytest

from unspool.errors import ExpressionError
from unspool.expr import evaluate
from unspool.expr.predicates import TESTS, holds

SAMPLES = {
    "none": None,
    "true": True,
    "false": False,
    "string": "a",
    "integer": 3,
    "float": 0.5,
    "sequence": [1],
    "mapping": {"a": 1},
}
ALSO = {"true": {"boolean"}, "false": {"boolean"}, "integer": {"number"}, "float": {"number"}}
OF_KIND = {*SAMPLES, "boolean", "number"}


@pytest.mark.parametrize("kind", SAMPLES)
def test_kinds(kind):
    held = {test for test in OF_KIND if evaluate(f"v is {test}", {"v": SAMPLES[kind]})}
    assert held == {kind, *ALSO.get(kind, set())}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("2 is even", True),
        ("3 is odd", True),
        ("-3 is odd", True),
        ("9 is divisibleby 3", True),
        ("9 is not divisibleby(2)", True),
        ("1 is eq 1.0", True),
        ("1 is ne true", True),
        ("1 is lt 2", True),
        ("2 is le 2", True),
        ("2 is gt 2", False),
        ("2 is ge 2", True),
        ("1 is in [1, 2]", True),
        ("[1, 2] is contains 3", False),
        ("'abc' is contains('b')", True),
        ("'abc' is startswith 'ab'", True),
        ("'abc' is endswith 'ab'", False),
        ("x is defined", False),
        ("x is undefined", True),
        ("none is defined", True),
    ],
)
def test_values(source, value):
    assert evaluate(source, {}) is value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x is none", "x is absent"),
        ("1.5 is even", "`is even` needs an integer, not a number (1.5)"),
        ("true is odd", "`is odd` needs an integer"),
        ("1 is divisibleby 0", "nothing is divisible by 0"),
        ("1 is divisibleby 'a'", "`is divisibleby` needs an integer"),
        ("1 is startswith 'a'", "`is startswith` needs text"),
        ("'a' is endswith 1", "`is endswith` needs text"),
        ("1 is lt 'a'", "`<` needs two numbers or two texts"),
    ],
)
def test_errors(source, message):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source, {})
    assert message in str(caught.value)


def test_every_test_takes_the_value_and_says_yes_or_no():
    assert {type(holds(meter_of(), name, 3)) for name in OF_KIND & set(TESTS)} == {bool}


def meter_of():
    from unspool.expr.limits import Meter

    return Meter()

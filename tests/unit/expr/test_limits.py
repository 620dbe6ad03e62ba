"""Bounds are counts, and are refused with the figure that was passed."""

from __future__ import annotations

import pytest

from unspool.errors import ExpressionError
from unspool.expr.limits import (
    INTEGER_LIMIT,
    MAX_ITEMS,
    MAX_STEPS,
    MAX_TEXT,
    Meter,
    check_items,
    check_text,
    checked_number,
)


def test_steps_are_counted_up_to_the_bound():
    meter = Meter()
    meter.spend(MAX_STEPS)
    with pytest.raises(ExpressionError, match="more than 100,000 steps"):
        meter.spend(1)


def test_text_costs_a_step_for_each_64_characters():
    meter = Meter()
    meter.spend_text(0)
    meter.spend_text(640)
    assert meter.steps == 12


def test_sizes():
    check_text(MAX_TEXT)
    check_items(MAX_ITEMS)
    with pytest.raises(ExpressionError, match="a text of 1,048,577 characters"):
        check_text(MAX_TEXT + 1)
    with pytest.raises(ExpressionError, match="a list of 100,001 items"):
        check_items(MAX_ITEMS + 1)


@pytest.mark.parametrize("number", [0, -INTEGER_LIMIT, INTEGER_LIMIT - 1, 1.5, -0.0])
def test_numbers_that_fit(number):
    assert checked_number(number) is number


@pytest.mark.parametrize("number", [INTEGER_LIMIT, -INTEGER_LIMIT - 1, float("inf"), float("nan")])
def test_numbers_that_do_not(number):
    with pytest.raises(ExpressionError, match="the result is"):
        checked_number(number)

"""Every hint names something that exists."""

from __future__ import annotations

import re

import pytest

from unspool.expr import hints, parse_expression
from unspool.expr.filters import FILTERS
from unspool.expr.predicates import TESTS


def test_the_tables_lead_to_filters_and_tests_that_exist():
    assert set(hints._FILTERS.values()) <= {*FILTERS, "default"}
    assert set(hints._TESTS.values()) <= set(TESTS)
    assert not set(hints._FILTERS) & set(FILTERS)
    assert not set(hints._TESTS) & set(TESTS)


@pytest.mark.parametrize("hint", [hint for hint in hints._CALLS.values() if re.match(r"write `a\b[^`]*`$", hint)])
def test_what_calls_are_replaced_by_can_be_parsed(hint):
    assert parse_expression(hint.removeprefix("write `").removesuffix("`").replace("...", "1"))


def test_a_name_like_no_other_gets_the_whole_list():
    message, hint = hints.unknown("test", "qqq", TESTS)
    assert message == "there is no test `qqq`"
    assert hint.startswith("there are boolean, contains, ")

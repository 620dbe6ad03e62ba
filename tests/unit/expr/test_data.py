"""Plain data is compared, measured and written as JSON has it."""

from __future__ import annotations

import pytest

from unspool.errors import ExpressionError, ValueTooLarge
from unspool.expr.data import (
    NOTHING,
    Absent,
    as_text,
    find,
    freeze,
    is_member,
    is_ordered,
    measure,
    same,
    shown,
    to_json_text,
)
from unspool.expr.limits import MAX_ITEMS, MAX_TEXT, MAX_VALUE_DEPTH, Meter
from unspool.model.values import Ref


def nested(depth, leaf=1):
    for _ in range(depth):
        leaf = [leaf]
    return leaf


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", "a\nb"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        (2**64, "18446744073709551616"),
        (1.5, "1.5"),
        (2.0, "2.0"),
        ([], "[]"),
        ([1, "é", None, True], '[1,"é",null,true]'),
        ({"b": {"a": 1.0}, "a": '"'}, '{"b":{"a":1.0},"a":"\\""}'),
    ],
)
def test_text_of_a_value(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "null has no text"),
        (float("inf"), "cannot be written as JSON"),
        ([float("nan")], "not finite"),
        (10**5000, "cannot be written as JSON"),
        ((1, 2), "an item is not plain data"),
        ({"a": {1, 2}}, "not plain data"),
        (nested(MAX_VALUE_DEPTH + 1), "nested more than 100 levels"),
        ([0] * (MAX_ITEMS + 1), "more than 100,000 values"),
        ([[0] * 1000] * 101, "more than 100,000 values"),
        (["x" * MAX_TEXT], "a text of"),
        (["\0" * (MAX_TEXT // 4)], "a text of"),
        (["x" * MAX_TEXT] * 17, "more than 16,777,216 characters"),
        (Absent("a.b", "there is no a"), "a.b is absent: there is no a"),
    ],
    ids=["null", "inf", "nan", "long", "tuple", "set", "deep", "wide", "aliased", "text", "escapes", "texts", "absent"],
)
def test_what_has_no_text(value, message):
    with pytest.raises(ExpressionError, match=message):
        as_text(value)


def test_a_reference_has_no_text():
    with pytest.raises(ValueTooLarge):
        as_text(Ref("ab", 5, ""))


def test_measure_counts_all_levels():
    assert measure({"ab": [1, "cde", {"f": []}]}) == (5, 6)
    assert measure(nested(MAX_VALUE_DEPTH - 1, [])) == (99, 0)


def test_writing_json_costs_steps():
    meter = Meter()
    to_json_text(["x" * 640, 1], meter)
    assert meter.steps == 8 + 2 + 11


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        ("1", 1, False),
        ([1, [2, {"a": 3}]], [1.0, [2, {"a": 3}]], True),
        ([1, 2], [1], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": True}, {"a": 1}, False),
        ([], {}, False),
    ],
)
def test_same_and_freeze_agree(left, right, expected):
    meter = Meter()
    assert same(meter, left, right) is same(meter, right, left) is expected
    assert (freeze(meter, left) == freeze(meter, right)) is expected


@pytest.mark.parametrize(
    "compare", [lambda v: same(Meter(), v, v), lambda v: freeze(Meter(), v)], ids=["same", "freeze"]
)
def test_comparing_is_bounded_in_depth(compare):
    compare(nested(MAX_VALUE_DEPTH))
    with pytest.raises(ExpressionError, match="nested more than"):
        compare(nested(MAX_VALUE_DEPTH + 1))


def test_find_never_reads_an_attribute():
    assert find({"items": 1}, "items") == 1
    assert find({}, "items") is NOTHING
    assert find({"a": None}, "a") is None
    assert find([1, 2], -1) == 2
    assert find([1, 2], key=True) is NOTHING
    assert find("ab", 1) == "b"
    assert find([], "append") is NOTHING
    assert find(Ref("ab", 5, ""), "size") is NOTHING
    assert find(Ref("ab", 5, ""), 0) is NOTHING
    assert find(3, "real") is NOTHING


def test_membership_and_order():
    assert is_member(Meter(), 1.0, [1])
    assert not is_member(Meter(), item=True, holder=[1])
    assert is_member(Meter(), "", "abc")
    assert is_ordered(Meter(), "<", "a", "b")
    assert is_ordered(Meter(), ">=", 1, 1.0)
    assert not is_ordered(Meter(), ">", 2**70, 2**71)


def test_values_in_messages_are_short():
    assert shown("abc") == 'text ("abc")'
    assert shown("a" * 50) == "text"
    assert shown(2**100) == "a number"
    assert shown([1]) == "a list"
    assert shown(None) == "null"
    assert shown(object()) == "no plain data"

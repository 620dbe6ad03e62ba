"""From a list to instances: keys, combinations, bounds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool.core.fan_out import FanOutError, encoded, instances_of
from unspool.model.plan import FanOut


def plain(value: Any, _own: dict[str, Any] | None) -> Any:
    return value


def keys(fan_out: FanOut) -> list[str]:
    return [instance.key for instance in instances_of(fan_out, plain)]


def test_a_scalar_item_is_the_key_and_anything_else_goes_by_its_index():
    assert keys(FanOut(["a", 3, 1.5, True, {"x": 1}, [1]])) == ["a", "3", "1.5", "true", "4", "5"]


def test_an_instance_sees_its_item_and_index():
    assert [made.local for made in instances_of(FanOut(["a", "b"]), plain)] == [
        {"item": "a", "index": 0},
        {"item": "b", "index": 1},
    ]


def test_a_key_of_its_own_sees_the_item():
    made = instances_of(FanOut([{"n": "x"}], key="k"), lambda value, own: own["item"]["n"] if value == "k" else value)
    assert [instance.key for instance in made] == ["x"]


def test_characters_that_mean_something_in_an_id_are_spelt_otherwise():
    assert encoded("a/b c~[d]") == "a%2Fb%20c%7E%5Bd%5D"
    assert encoded("3.11,linux_x-1") == "3.11,linux_x-1"


def test_a_long_key_ends_in_a_hash():
    long, other = encoded("x" * 100), encoded("x" * 99 + "y")
    assert len(long) == len(other) == 64
    assert long != other


@given(st.text(max_size=200), st.text(max_size=200))
def test_two_texts_have_two_keys(first, second):
    assert (encoded(first) == encoded(second)) is (first == second)
    assert len(encoded(first)) <= 64


def test_a_matrix_is_all_combinations_less_what_is_dropped_and_what_is_added():
    fan = FanOut(
        axes={"os": ["linux", "mac"], "py": [3, 4]},
        exclude=({"os": "mac", "py": 3},),
        include=({"os": "bsd"},),
        most=5,
    )
    assert keys(fan) == ["linux,3", "linux,4", "mac,4", "bsd"]


def test_a_combination_is_dropped_by_equal_values_only():
    fan = FanOut(axes={"x": [1, True]}, exclude=({"x": 1},), most=2)
    assert [made.local["matrix"]["x"] for made in instances_of(fan, plain)] == [True]


@pytest.mark.parametrize(
    ("fan", "kind", "says"),
    [
        (FanOut(["a", "a"]), "duplicate_key", "would be called 'a'"),
        (FanOut("text"), "expression_error", "must be a list, not text"),
        (FanOut({"a": 1}), "expression_error", "must be a list, not a map"),
        (FanOut(list(range(101))), "budget_exhausted", "101 items"),
        (FanOut(axes={"a": list(range(2000)), "b": list(range(2000))}), "budget_exhausted", "4,000,000 combinations"),
        (FanOut(["a"], key=[]), "expression_error", "gives no text"),
    ],
)
def test_what_cannot_be_made_says_why(fan, kind, says):
    with pytest.raises(FanOutError, match=says) as problem:
        instances_of(fan, plain)
    assert problem.value.kind == kind

"""Values for a run: parsed, completed, checked."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import plan_of
from unspool.compiler.inputs import parse_input, resolve_inputs
from unspool.errors import InputError
from unspool.model.plan import Plan

PLAN = plan_of("""
inputs:
  branch: {type: string, default: main, pattern: "^[a-z]+$"}
  count: {type: integer, minimum: 1}
  suites: {type: array, items: {type: string}, default: [unit]}
  loose: {default: null}
  either: {type: [integer, string], default: 0}
  title: {type: string, default: none, description: for people}
tasks: {t: {run: [x]}}
""")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("branch", "main", "main"),
        ("branch", "1", "1"),
        ("branch", '"quoted"', '"quoted"'),
        ("count", "3", 3),
        ("suites", '["a", "b"]', ["a", "b"]),
        ("loose", "3", 3),
        ("loose", "three", "three"),
        ("loose", "NaN", "NaN"),
        ("either", "3", 3),
        ("either", "three", "three"),
        ("unknown", "3", 3),
        ("unknown", "x", "x"),
    ],
)
def test_text_is_taken_as_it_stands_or_as_json_by_the_type(name, text, value):
    assert parse_input(PLAN, name, text) == value


@pytest.mark.parametrize("text", ["three", "", "[1", "NaN", "Infinity", "[" * 100_000])
def test_text_that_is_not_the_json_of_the_type_is_refused(text):
    with pytest.raises(InputError, match=r"input `count` must be a whole number, and .* is not JSON for it"):
        parse_input(PLAN, "count", text)


def test_defaults_are_filled_in_and_the_order_is_the_documents():
    values, found = resolve_inputs(PLAN, {"title": "t", "count": 2})
    assert found == []
    assert list(values.items()) == [
        ("branch", "main"),
        ("count", 2),
        ("suites", ["unit"]),
        ("loose", None),
        ("either", 0),
        ("title", "t"),
    ]


def test_all_that_is_wrong_is_reported_at_once():
    values, found = resolve_inputs(PLAN, {"brnch": "x", "branch": "A", "suites": ["a", 1], "either": 1.5})
    assert [(one.code, one.path, one.message, one.hint) for one in found] == [
        ("UNS120", ("inputs", "brnch"), "`demo` has no input `brnch`", "did you mean `branch`?"),
        (
            "UNS122",
            ("inputs", "branch"),
            "input `branch` does not match the pattern `^[a-z]+$`: the text `A`",
            "give another value: `-i branch=...`",
        ),
        (
            "UNS121",
            ("inputs", "count"),
            "input `count` (a whole number) has no value and no default",
            "give it: `-i count=...`",
        ),
        (
            "UNS122",
            ("inputs", "suites"),
            "input `suites` is wrong at `/1`: the value there must be text, not the number 1",
            "give another value: `-i suites=...`",
        ),
        (
            "UNS122",
            ("inputs", "either"),
            "input `either` must be a whole number or text, not the number 1.5",
            "give another value: `-i either=...`",
        ),
    ]
    assert set(values) == {"loose", "title"}


def test_an_unknown_name_is_answered_by_what_there_is():
    _, found = resolve_inputs(PLAN, {"count": 1, "zzz": 1})
    assert found[0].hint == "its inputs are `branch`, `count`, `suites`, `loose`, `either`, `title`"
    _, found = resolve_inputs(plan_of("tasks: {t: {run: [x]}}"), {"zzz": 1})
    assert found[0].hint == "it declares no inputs"


@pytest.mark.parametrize("schema", [{"type": "number"}, {}, {"type": "array"}, {"type": ["string", "number"]}])
@pytest.mark.parametrize("text", ["1e999", "-1e999", "[1e999]"])
def test_a_number_that_nothing_can_hold_is_refused(schema, text):
    plan = Plan("p", (), inputs={"n": schema})
    with pytest.raises(InputError, match=r"input `n`: the number `-?1e999` is too large"):
        parse_input(plan, "n", text)


@pytest.mark.parametrize(("text", "value"), [("1e3", 1000), ("2.0", 2), ("7", 7)])
def test_a_whole_number_is_one_however_it_is_written(text, value):
    found = parse_input(Plan("p", (), inputs={"n": {"type": "integer"}}), "n", text)
    assert (found, type(found)) == (value, int)

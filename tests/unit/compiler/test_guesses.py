"""What was probably meant where tasks multiply, nest, wait or are undone."""

from __future__ import annotations

import pytest

from unspool.compiler.faults import document_schema, fits_part
from unspool.compiler.guesses import EXAMPLES, expression, fitted, is_task, until


@pytest.mark.parametrize(
    ("kind", "value", "meant"),
    [
        ("for_each", "a, b c", ["a", "b", "c"]),
        ("for_each", "tasks.a.outputs.list", "${{ tasks.a.outputs.list }}"),
        ("for_each", "{{ x }}", "${{ x }}"),
        ("for_each", 2, [0, 1]),
        ("for_each", 10**9, None),
        ("for_each", True, None),
        ("for_each", "{% for %}", None),
        ("axis", 3.11, [3.11]),
        ("matrix", {"matrix": {"os": ["a"]}}, {"os": ["a"]}),
        ("matrix", ["a"], None),
        ("combinations", {"os": "a"}, [{"os": "a"}]),
        ("join", "3", 3),
        ("join", -1, 1),
        ("join", True, None),
        ("join", "one_success", "any"),
        ("wait", 90, "90s"),
        ("wait", "2030-01-01", {"until": "2030-01-01T00:00:00Z"}),
        ("wait", "soon", None),
        ("approval", True, "Go on?"),
        ("approval", 3, None),
        ("verdict", True, "approve"),
        ("group", ["make", {"run": "x", "id": "Push"}], {"tasks": {"step_1": {"run": "make"}, "push": {"run": "x"}}}),
        ("group", [{"run": "a", "name": "x"}, {"run": "b", "name": "x"}], None),
        ("group", {"a": {"wait": "1s"}}, {"tasks": {"a": {"wait": "1s"}}}),
        ("group", {"a": 1}, None),
        ("compensate", "undo", {"run": "undo"}),
        ("on_failure", False, "cancel_dependents"),
        ("on_failure", "undo", {"rollback": {"then": "cancel"}}),
        ("on_failure", ["skip"], None),
        ("rollback", 3, {"then": "retry", "attempts": 3}),
        ("rollback", True, {"then": "cancel"}),
        ("aggregate", "tasks.a.state", {"reduce": "${{ tasks.a.state }}"}),
        ("timeout", 30, "30s"),
    ],
)
def test_a_value_is_taken_for_what_it_probably_means(kind, value, meant):
    assert fitted(kind, value) == meant


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2030-01-02", "2030-01-02T00:00:00Z"),
        ("2030-01-02 07:30", "2030-01-02T07:30:00Z"),
        ("2030-01-02T07:30:15+02:00", "2030-01-02T07:30:15+02:00"),
        ("tomorrow", None),
        (3, None),
    ],
)
def test_a_moment_is_spelt_with_its_zone(written, moment):
    assert until(written) == moment


def test_only_what_looks_like_one_becomes_an_expression():
    assert expression("$inputs") is None
    assert expression("plain words") is None
    assert expression("${{ x }} y") is None
    assert expression("matrix.os") == "${{ matrix.os }}"


def test_a_task_is_known_by_its_action():
    assert is_task({"wait": "1s"})
    assert not is_task({"timeout": "1s"})
    assert not is_task("run")


@pytest.mark.parametrize(
    "kind", ["join", "for_each", "matrix", "wait", "approval", "group", "on_failure", "compensate", "retry", "timeout"]
)
def test_the_example_of_a_key_fits_it(kind):
    assert fits_part(document_schema()["$defs"]["Task"]["properties"][kind], EXAMPLES[kind])


@pytest.mark.parametrize("key", ["templates", "finally", "tasks"])
def test_the_example_of_a_part_of_the_document_fits_it(key):
    assert fits_part(document_schema()["properties"][key], EXAMPLES[key])

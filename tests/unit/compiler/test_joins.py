"""Dependencies that rule each other out are found, and only those."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, marked, only


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        ("{run: [x]}", "[a]", "{a: failed, b: completed}"),
        ("{run: [x]}", "[a]", "{a: failed, b: ok}"),
        ("{run: [x]}", "[a]", "{a: failed, b: skipped}"),
        ("{run: [x], on_failure: skip}", "{a: completed}", "{a: failed, b: completed}"),
        ("{run: [x]}", "{a: failed}", "{a: completed, b: completed}"),
        ("{run: [x], when: '${{ inputs.go }}'}", "{a: completed}", "{a: skipped, b: failed}"),
    ],
)
def test_what_can_never_be_met_together_is_a_warning(a, b, c):
    body = (
        "inputs: {go: {type: boolean, default: true}}\n"
        f"tasks: {{a: {a}, b: {{run: [x], depends_on: {b}}}, c: {{run: [x], depends_on: {c}}}}}"
    )
    assert [code for code in codes(body) if code != "UNS044"] == ["UNS177"]


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        ("{run: [x], on_failure: skip}", "[a]", "{a: failed, b: completed}"),
        ("{run: [x]}", "{a: failed}", "{a: failed, b: completed}"),
        ("{run: [x]}", "{a: any}", "{a: failed, b: completed}"),
        ("{run: [x]}", "[a]", "{a: failed, b: any}"),
        ("{run: [x], on_failure: skip}", "{a: completed}", "{a: failed, b: ok}"),
        ("{run: [x], when: '${{ inputs.go }}'}", "{a: completed}", "{a: skipped, b: skipped}"),
    ],
)
def test_what_may_be_met_together_is_not(a, b, c):
    body = (
        "inputs: {go: {type: boolean, default: true}}\n"
        f"tasks: {{a: {a}, b: {{run: [x], depends_on: {b}}}, c: {{run: [x], depends_on: {c}}}}}"
    )
    assert "UNS177" not in codes(body)


def test_another_join_may_do_with_one_of_them():
    tasks = "a: {run: [x]}, b: {run: [x], depends_on: [a]}"
    assert codes(f"tasks: {{{tasks}, c: {{run: [x], depends_on: {{a: failed, b: ok}}, join: any}}}}") == []


def test_what_stands_in_for_a_task_may_end_otherwise():
    body = """
    tasks:
      a: {run: [x], on_failure: {substitute: f}}
      b: {run: [x], depends_on: [a]}
      c: {run: [x], depends_on: {a: failed, b: ok}}
    templates: {f: {run: [x], on_failure: skip}}
    """
    assert codes(body) == []


def test_it_is_said_at_the_dependency_that_is_in_vain():
    body = "tasks: {a: {run: [x]}, b: {run: [x], depends_on: [a]}, c: {run: [x], depends_on: {a: failed, b: ok}}}"
    found = only(body)
    assert found.message == "task `c` never starts: `b` waits for `a` to end `ok`, and `c` for it to end `failed`"
    assert found.hint == "write `join: any`, or wait for `a` or `b` alone"
    assert found.severity == "warning"
    assert marked(body, found, 5) == "b: ok"


def test_a_state_that_cannot_be_is_said_of_the_task_only_where_it_is_needed():
    never = "tasks: {a: {run: [x]}, b: {run: [x], depends_on: {a: skipped}}}"
    other = "tasks: {a: {run: [x]}, c: {run: [x]}, b: {run: [x], depends_on: {a: skipped, c: ok}, join: any}}"
    both = "tasks: {a: {run: [x]}, c: {run: [x]}, b: {run: [x], depends_on: {a: skipped, c: ok}, join: 2}}"
    why, alone = "`a` is never skipped", "this dependency is never met"
    assert only(never).message == only(both).message == f"task `b` never runs: {why}"
    assert only(other).message == f"{alone}: {why}"

"""Where a rehearsed run is not as expected, said side by side."""

from __future__ import annotations

import json

import pytest

from tests.rehearsing import case_of, rehearsed
from unspool.observe.rehearsed import differences, moves, outputs_of, seconds, starts

TEXT = """
inputs: {list: {type: array, default: [p, q]}}
tasks:
  a: {run: [x], outputs: {n: {type: integer}, f: {type: number, default: 1.0}, b: {type: boolean, default: true}}}
  each: {depends_on: [a], for_each: "${{ inputs.list }}", run: [x], outputs: {n: {type: integer, default: 0}}}
  c: {depends_on: [each], run: [x], retry: {max_attempts: 2, delay: 10s, jitter: false}}
  d: {depends_on: {c: failed}, run: [x]}
  e: {run: [x], compensate: {run: [x]}}
outputs: {n: "${{ tasks.a.outputs.n }}", list: [1, {x: null}]}
"""
STUBS = """
stubs:
  a: {outputs: {n: 3}, seconds: 1}
  each: {seconds: 2}
  each[q]: {outputs: {n: 5}, seconds: 3}
  c: [{exit_code: 1, seconds: 1}, {seconds: 1}]
  e: {seconds: 2}
"""
PLAYED = rehearsed(TEXT, STUBS)


def found(expect: str) -> list[tuple[str, str, str]]:
    case = case_of(PLAYED.run.plan, f"expect: {expect}")
    return [tuple(one) for one in differences(PLAYED.run, PLAYED.entries, case.expect)]


@pytest.mark.parametrize(
    "expect",
    [
        "{}",
        "{state: completed, reason: null, seconds: 16}",
        "{tasks: {a: completed, d: skipped, 'each[*]': completed, each: completed}}",
        "{tasks: {c: {state: completed, attempts: 2, reason: null, compensated: false}}}",
        "{tasks: {a: {outputs: {n: 3.0, f: 1, b: true}}, each: {outputs: {n: [0, 5]}}}}",
        "{tasks: {a: {}, each: {}, 'each[*]': completed, c: {}, d: skipped, e: {}}, exactly: true}",
        "{order: [a, each, 'each[p]', c]}",
        "{order: [a, e, c]}",
        "{outputs: {n: 3, list: [1, {x: null}]}}",
    ],
)
def test_what_is_so_is_no_difference(expect: str):
    assert found(expect) == []


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ("{state: failed}", ("the run", "failed", "completed")),
        ("{reason: task_failed}", ("the run", "completed (task_failed)", "completed")),
        ("{seconds: 17}", ("seconds", "17", "16")),
        ("{tasks: {a: failed}}", ("a", "failed", "completed")),
        ("{tasks: {d: {reason: when_false}}}", ("d", "skipped (when_false)", "skipped (dependency_not_met)")),
        ("{tasks: {d: {state: failed, reason: x}}}", ("d", "failed (x)", "skipped (dependency_not_met)")),
        ("{tasks: {c: {attempts: 1}}}", ("c attempts", "1", "2")),
        ("{tasks: {e: {compensated: true}}}", ("e compensated", "true", "false")),
        ("{tasks: {a: {outputs: {n: 4}}}}", ("a output n", "4", "3")),
        ("{tasks: {a: {outputs: {n: '3'}}}}", ("a output n", '"3"', "3")),
        ("{tasks: {a: {outputs: {b: 1}}}}", ("a output b", "1", "true")),
        ("{tasks: {'each[z]': completed}}", ("each[z]", "completed", "not there")),
        ("{tasks: {'each[z]': {reason: lost}}}", ("each[z]", "any state (lost)", "not there")),
        ("{tasks: {'each[z]': {}}}", ("each[z]", "there", "not there")),
        ("{order: [c, a]}", ("order", "c > a", "a > c")),
        ("{order: [a, d]}", ("order", "a > d", "a (did not begin: d)")),
        ("{outputs: {list: [1]}}", ("output list", "[1]", '[1, {"x": null}]')),
    ],
)  # fmt: skip
def test_what_is_not_so_is_told(expect: str, difference):
    assert found(expect) == [difference]


def test_a_pattern_tells_of_each_task():
    assert found("{tasks: {'each[*]': skipped}}") == [
        ("each[p]", "skipped", "completed"),
        ("each[q]", "skipped", "completed"),
    ]


def test_other_tasks_are_told_where_there_must_be_none():
    assert found("{tasks: {a: completed, 'each*': completed, c: completed, e: completed}, exactly: true}") == [
        ("d", "not there", "skipped (dependency_not_met)")
    ]


def test_a_failure_says_why():
    played = rehearsed("tasks: {a: {run: [x]}}", "stubs: {a: {exit_code: 3}}")
    verdict, task = differences(played.run, played.entries, {"tasks": {"a": "completed"}})
    assert verdict == ("the run", "completed", "failed (task_failed)")
    assert task == ("a", "completed", "failed (exit_code): exit code 3")


def test_an_output_that_is_not_there_is_told():
    played = rehearsed("tasks: {a: {run: [x], outputs: {n: {type: integer}}}}", "stubs: {a: {exit_code: 3}}")
    expect = {"state": "failed", "tasks": {"a": {"outputs": {"n": 3}}}}
    assert differences(played.run, played.entries, expect) == [("a output n", "3", "not there")]


def test_who_moved_when():
    table = {one.task: (one.state, one.attempts, one.start, one.end) for one in moves(PLAYED.run)}
    assert table["a"] == ("completed", 1, 0, 1)
    assert table["each[q]"] == ("completed", 1, 1, 4)
    assert table["c"] == ("completed", 2, 4, 16)
    assert table["d"] == ("skipped", 0, None, None)
    assert seconds(PLAYED.run) == 16
    assert starts(PLAYED.run, PLAYED.entries) == ["a", "e", "each", "each[p]", "each[q]", "c"]
    assert outputs_of(PLAYED.run, 1) == {"n": [0, 5]}
    assert json.dumps(moves(PLAYED.run))

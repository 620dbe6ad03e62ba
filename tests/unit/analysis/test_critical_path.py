"""Earliest and latest starts, slack, and the longest way."""

from __future__ import annotations

from tests.unit.compiler.compiling import plan_of
from unspool.analysis.critical_path import MICROSECONDS, schedule
from unspool.model.plan import Plan

DIAMOND = """
tasks:
  start: {run: [x], estimate: 1s}
  slow: {run: [x], estimate: 10s, depends_on: [start]}
  quick: {run: [x], estimate: 3s, depends_on: [start]}
  end: {run: [x], estimate: 500ms, depends_on: [slow, quick]}
  aside: {run: [x], estimate: 2s}
"""


def test_times_of_a_diamond():
    times = schedule(plan_of(DIAMOND))
    in_seconds = [
        (times.earliest[i] / MICROSECONDS, times.latest[i] / MICROSECONDS, times.slack(i) / MICROSECONDS)
        for i in range(5)
    ]
    assert in_seconds == [(0, 0, 0), (1, 1, 0), (1, 8, 7), (11, 11, 0), (0, 9.5, 9.5)]
    assert times.total == 11_500_000
    assert times.critical_path == [0, 1, 3]


def test_many_small_estimates_add_up_exactly():
    chain = "".join(f"  t{i}: {{run: [x], estimate: 100ms, depends_on: [t{i - 1}]}}\n" for i in range(1, 100))
    times = schedule(plan_of("tasks:\n  t0: {run: [x], estimate: 100ms}\n" + chain))
    assert times.total == 10_000_000
    assert {times.slack(i) for i in range(100)} == {0}
    assert times.critical_path == list(range(100))


def test_tasks_that_take_no_time_belong_to_the_path_they_lie_on():
    times = schedule(
        plan_of("""
    tasks:
      a: {run: [x], estimate: 0s}
      b: {run: [x], estimate: 5s, depends_on: [a]}
      c: {run: [x], estimate: 0s, depends_on: [b]}
    """)
    )
    assert times.critical_path in ([0, 1], [0, 1, 2])
    assert times.total == 5_000_000


def test_an_empty_plan_takes_no_time():
    assert schedule(Plan("empty", ())) == ([], [], [], 0, [])

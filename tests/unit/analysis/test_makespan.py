"""How long a run takes with a number of workers."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import plan_of
from unspool.analysis.critical_path import MICROSECONDS, schedule
from unspool.analysis.makespan import makespan, makespans
from unspool.model.plan import Plan


def took(body, workers):
    plan = plan_of(body)
    return makespan(plan, schedule(plan), workers) / MICROSECONDS


def seconds(body, workers=None):
    plan = plan_of(body)
    return [(count, span / MICROSECONDS) for count, span in makespans(plan, schedule(plan), workers)]


WIDE = "tasks:\n" + "".join(f"  t{number}: {{run: [x], estimate: 1s}}\n" for number in range(10))


@pytest.mark.parametrize(("workers", "expected"), [(1, 10), (2, 5), (3, 4), (4, 3), (10, 1), (100, 1)])
def test_independent_tasks_share_the_workers(workers, expected):
    assert took(WIDE, workers) == expected


def test_the_longest_way_goes_first_among_equals():
    body = """
    tasks:
      short: {run: [x], estimate: 1s}
      long: {run: [x], estimate: 1s}
      rest: {run: [x], estimate: 5s, depends_on: [long]}
    """
    assert took(body, 1) == 7
    assert took(body, 2) == 6


def test_priority_goes_before_length():
    body = """
    tasks:
      short: {run: [x], estimate: 1s, priority: high}
      long: {run: [x], estimate: 1s}
      rest: {run: [x], estimate: 5s, depends_on: [long]}
      other: {run: [x], estimate: 5s, priority: high}
    """
    assert took(body, 2) == 7


def test_the_numbers_double_until_more_workers_are_of_no_use():
    assert seconds(WIDE) == [(1, 10), (2, 5), (4, 3), (8, 2), (16, 1)]
    assert seconds(WIDE, workers=3) == [(1, 10), (2, 5), (3, 4), (4, 3), (8, 2), (16, 1)]
    assert seconds(WIDE, workers=4) == [(1, 10), (2, 5), (4, 3), (8, 2), (16, 1)]
    assert seconds("tasks: {a: {run: [x]}, b: {run: [x], depends_on: [a]}}") == [(1, 120)]


def test_the_concurrency_of_the_document_bounds_the_workers():
    assert seconds("limits: {concurrency: 3}\n" + WIDE) == [(1, 10), (2, 5), (4, 4)]


def test_an_empty_plan():
    plan = Plan("empty", ())
    assert makespans(plan, schedule(plan), None) == [(1, 0)]

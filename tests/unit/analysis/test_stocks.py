"""How long a run takes with what its tasks share."""

from __future__ import annotations

import pytest

from tests.unit.analysis.test_makespan import seconds, took


def tasks(count: int, uses: str, estimate: str = "1s") -> str:
    rows = (f"  t{number}: {{run: [x], estimate: {estimate}, uses: {uses}}}\n" for number in range(count))
    return "tasks:\n" + "".join(rows)


@pytest.mark.parametrize(
    ("resource", "uses", "expected"),
    [
        ("{slots: 2}", "[r]", 5),
        ("{slots: 3}", "{r: 2}", 10),
        ("{items: [a, b, c]}", "[r]", 4),
        ("{slots: 9, items: [a, b]}", "[r]", 5),
        ("{rate: 2/10s}", "[r]", 41),
        ("{rate: 10/1s}", "[r]", 1),
        ("{circuit_breaker: {failures: 1}}", "[r]", 1),
    ],
)
def test_ten_seconds_of_work_on_any_number_of_workers(resource, uses, expected):
    assert took(f"resources: {{r: {resource}}}\n" + tasks(10, uses), 100) == expected


def test_who_waits_for_a_resource_holds_no_worker():
    body = """
    resources: {one: {slots: 1}}
    tasks:
      a: {run: [x], estimate: 3s, uses: [one], priority: high}
      b: {run: [x], estimate: 3s, uses: [one], priority: high}
      c: {run: [x], estimate: 3s}
      d: {run: [x], estimate: 3s}
    """
    assert took(body, 2) == 6


def test_all_at_once_or_nothing():
    body = """
    resources: {x: {slots: 1}, y: {slots: 1}}
    tasks:
      a: {run: [x], estimate: 5s, uses: [x], priority: high}
      b: {run: [x], estimate: 5s, uses: [x, y], priority: high}
      c: {run: [x], estimate: 5s, uses: [y]}
    """
    assert took(body, 9) == 10


def test_tokens_come_while_nothing_ends():
    body = "resources: {r: {rate: 1/10s}}\n" + tasks(2, "[r]", "100s")
    assert took(body, 2) == 110
    assert took(body, 1) == 200


def test_workers_that_are_of_no_use_are_not_listed():
    body = "resources: {r: {slots: 3}}\n" + tasks(12, "[r]")
    assert seconds(body) == [(1, 12), (2, 6), (4, 4)]

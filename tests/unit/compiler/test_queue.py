"""A queue that is too short from the beginning is refused before anything runs."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, plan_of


def test_more_first_tasks_than_may_wait_are_refused_with_the_number_that_would_do():
    (found,) = diagnose("limits: {queue: 2}\ntasks: {a: {run: [x]}, b: {run: [x]}, c: {run: [x]}}")
    assert (found.code, found.path, found.hint) == ("UNS150", ("limits", "queue"), "raise it: `limits: {queue: 3}`")
    assert found.message == "3 tasks become ready when the run begins, such as `a`, and `limits.queue` lets 2 wait"


@pytest.mark.parametrize(
    "tasks",
    [
        "{a: {run: [x]}, b: {run: [x]}}",
        "{a: {run: [x]}, b: {run: [x]}, c: {run: [x], depends_on: [a]}}",
        "{a: {run: [x]}, b: {run: [x]}, c: {run: [x], when: false}}",
        "{a: {run: [x]}, b: {run: [x]}, c: {run: [x], when: '${{ run.id == run.name }}'}}",
    ],
)
def test_what_may_go_well_is_left_to_the_run(tasks):
    assert plan_of(f"limits: {{queue: 2}}\ntasks: {tasks}").queue == 2


def test_one_mistake_gives_one_finding():
    assert codes("limits: {queue: 1}\ntasks: {a: {run: [x]}, b: {run: [x], when: 3}}") == ["UNS023"]
    assert codes("limits: true\ntasks: {a: {run: [x]}, b: {run: [x]}}") == ["UNS023"]
    assert codes("limits: {queue: none}\ntasks: {a: {run: [x]}, b: {run: [x]}}") == ["UNS023"]

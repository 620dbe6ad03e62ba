"""What becomes of an attempt whose engine died: begun again, or the end of its task."""

from __future__ import annotations

import random

from hypothesis import given

from tests.property.driver import Driver
from tests.property.worlds import SEEDS, plan_of, scripted
from tests.unit.core.test_run import FIXED, admitted, ended, reasons, run_of, states, tell
from unspool.model.events import AttemptLost, AttemptStarted, CancelRequested, OwnerChanged
from unspool.model.plan import Retry

FRAGILE = {"on_crash": "fail", "retry": FIXED}


def test_a_task_that_must_not_be_begun_twice_fails_with_its_engine():
    run = run_of(FRAGILE, {"needs": ((0, "ok"),)})
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), OwnerChanged(1003.0, 2))
    assert tell(run, AttemptLost(1003.0, 1, 1)) == ["release:1", "finish:failed"]
    assert (states(run), reasons(run)) == (["failed", "cancelled"], ["engine_crashed", "dependency_failed"])
    assert (run.tasks[0].recoveries, run.tasks[0].error["class"]) == (0, "engine_crashed")


def test_it_fails_too_where_nobody_knows_whether_it_had_begun():
    run = run_of(FRAGILE)
    tell(run, admitted(1))
    assert tell(run, AttemptLost(1002.0, 1, 1)) == ["release:1", "finish:failed"]
    assert (states(run), run.tasks[0].outputs) == (["failed"], {})


def test_what_was_not_admitted_yet_is_not_lost():
    run = run_of(FRAGILE)
    assert tell(run, OwnerChanged(1001.0, 2)) == []
    assert [order.text for order in run.outstanding()] == ["ask:0:1"]


def test_on_failure_decides_what_follows_a_crash():
    run = run_of({**FRAGILE, "on_failure": "skip"}, {"needs": ((0, "ok"),)})
    assert tell(run, admitted(1), AttemptLost(1002.0, 1, 1)) == ["release:1", "ask:1:2"]
    assert tell(run, admitted(2, 1), ended(2)) == ["release:2", "finish:completed"]


def test_a_retry_that_waits_is_not_hurt_by_a_crash():
    run = run_of({"on_crash": "fail", "retry": Retry(max_attempts=2, strategy="linear", delay=10.0, jitter=False)})
    tell(run, admitted(1), ended(1, {"class": "exit_code", "message": "exit code 1"}))
    assert tell(run, OwnerChanged(1004.0, 2)) == []
    assert states(run) == ["queued"]


def test_a_lost_attempt_that_was_being_cancelled_is_cancelled():
    run = run_of(FRAGILE)
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), CancelRequested(1003.0, "c"), OwnerChanged(1004.0, 2))
    assert tell(run, AttemptLost(1004.0, 1, 1)) == ["untimer:grace:1", "release:1", "finish:cancelled"]


@given(SEEDS)
def test_nothing_fragile_is_ever_ordered_again_after_a_loss(seed):
    """Whatever the order of facts: a task with `on_crash: fail` that was lost has ended by it."""
    tasks = [{"on_crash": "fail" if index % 2 else "retry", "on_failure": "skip"} for index in range(6)]
    driver = Driver(scripted(plan_of(*tasks)), random.Random(seed), crashes=True)
    run = driver.finish()
    lost = {entry.event.attempt for entry in driver.entries if isinstance(entry.event, AttemptLost)}
    starts = [order.text for entry in driver.entries for order in entry.commands if order.text.startswith("start:")]
    for task in run.tasks[1::2]:
        assert sum(start.startswith(f"start:{task.index}:") for start in starts) == 1
        assert (task.state == "failed") == (task.reason == "engine_crashed")
    assert all(task.state == "completed" for task in run.tasks[::2])
    crashed = sum(task.reason == "engine_crashed" for task in run.tasks)
    assert crashed <= len(lost)

"""Limits of a run before the real host in virtual time, deaths of the host included."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.property.simulated import Dies, FragileJournal, Simulated
from tests.property.worlds import plan_of
from unspool.host.simulate import Stub
from unspool.model.events import TaskAdmitted, TimerFired


def test_the_time_of_a_run_is_that_of_the_wall():
    plan = replace(plan_of({}, {"needs": ((0, "any"),)}), run_timeout=60.0)
    run = Simulated(plan, lambda _: Stub(40.0)).drive()
    assert (run.state, run.reason) == ("failed", "timeout")
    assert [(task.state, task.reason) for task in run.tasks] == [("completed", None), ("cancelled", "run_timeout")]
    assert run.completed_at - run.started_at == pytest.approx(60.0, abs=0.1)


@pytest.mark.parametrize(("down", "state"), [(10.0, "completed"), (100.0, "failed")])
def test_the_time_without_an_engine_counts_too(down, state):
    plan = replace(plan_of({}), run_timeout=60.0)
    journal = FragileJournal()
    journal.dies_at, journal.survives = 2, True  # with the attempt's start in it
    first = Simulated(plan, lambda _: Stub(20.0), journal=journal)
    with pytest.raises(Dies):
        first.drive()
    journal.dies_at = None
    second = Simulated(plan, lambda _: Stub(20.0), journal=journal, at=first.clock.now() + down)
    run = second.drive()
    assert run.state == state
    begun_again = sum(isinstance(row.event, TaskAdmitted) for row in journal.read()) == 2
    assert begun_again == (state == "completed"), "nothing begins in a run whose time is up"
    timers = [row.event.timer for row in journal.read() if isinstance(row.event, TimerFired)]
    assert timers == ([] if state == "completed" else ["run:timeout"])

"""What the limits of a run do to it: time, and how many of its tasks may wait at once."""

from __future__ import annotations

from tests.unit.core.test_run import FIXED, admitted, ended, reasons, run_of, states, tell
from unspool.core.verify import verify
from unspool.host.resume import losses
from unspool.model.events import AttemptEnded, AttemptStarted, CancelRequested, TimerFired

KILLED = {"class": "signal", "message": "signal 15"}
TIME_IS_UP = TimerFired(1060.0, "run:timeout")

# -- time -----------------------------------------------------------------------------------------


def test_the_time_of_a_run_counts_from_its_start_and_ends_with_it():
    run = run_of({}, run_timeout=60.0)
    assert [order.text for order in run.outstanding()] == ["ask:0:1", "timer:run:timeout:1060.0"]
    assert tell(run, admitted(1), ended(1)) == ["release:1", "untimer:run:timeout", "finish:completed"]
    assert tell(run, TIME_IS_UP) == []


def test_a_run_that_took_too_long_is_stopped_as_by_abort():
    run = run_of({}, {"retry": FIXED}, {"needs": ((0, "any"),)}, {}, run_timeout=60.0)
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), admitted(2, 1), ended(2, KILLED))
    orders = tell(run, TIME_IS_UP)
    assert orders == ["stop:1:polite", "timer:grace:1:1065.0", "untimer:retry:1.2", "withdraw:3:3"]
    assert run.state == "cancelling"
    assert tell(run, AttemptEnded(1061.0, 1, 1, 1002.0, KILLED))[-1] == "finish:failed"
    assert states(run) == ["cancelled"] * 4
    assert set(reasons(run)) == {"run_timeout"}
    assert (run.state, run.reason, run.error["class"]) == ("failed", "timeout", "timeout")
    assert "limits.timeout" in run.error["message"]


def test_a_run_that_is_being_cancelled_keeps_its_word():
    run = run_of({}, run_timeout=60.0)
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), CancelRequested(1059.0, "c"))
    assert tell(run, TIME_IS_UP) == []
    tell(run, AttemptEnded(1061.0, 1, 1, 1002.0, KILLED))
    assert (run.state, run.reason, run.error) == ("cancelled", "cancelled_by_person", None)


def test_a_run_with_nothing_outstanding_but_its_own_time_is_stuck():
    run = run_of({}, run_timeout=60.0)
    run.attempts.clear()
    assert "1 tasks are open and nothing is outstanding" in verify(run)


def test_who_takes_a_run_over_too_late_ends_it_before_anything_begins():
    run = run_of({}, {}, run_timeout=60.0)
    tell(run, admitted(1))
    orders = tell(run, *losses(run, 2, 1060.0))
    assert orders == ["untimer:grace:1", "release:1", "finish:failed"]
    assert reasons(run) == ["run_timeout", "run_timeout"]
    early = run_of({}, run_timeout=60.0)
    tell(early, admitted(1), *losses(early, 2, 1059.0))
    assert early.timers == {"run:timeout": 1060.0}

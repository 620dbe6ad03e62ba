"""An attempt that is silent for too long: what its timer does in the core."""

from __future__ import annotations

from tests.unit.core.test_run import FIXED, admitted, ended, reasons, run_of, states, tell
from unspool.model.events import AttemptEnded, AttemptStarted, CancelRequested, TimerFired

SILENT = {"idle_timeout": 5.0, "retry": FIXED}
KILLED = {"class": "signal", "message": "signal 15"}


def test_the_timer_is_set_when_the_attempt_begins_and_goes_with_it():
    run = run_of(SILENT)
    assert tell(run, admitted(1)) == ["start:0:1"]
    assert tell(run, AttemptStarted(1002.0, 1, 1)) == ["timer:idle:1:1007.0"]
    assert tell(run, ended(1)) == ["untimer:idle:1", "release:1", "finish:completed"]


def test_silence_ends_the_attempt_and_its_class_may_be_retried():
    run = run_of({**SILENT, "timeout": 60.0})
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1))
    orders = tell(run, TimerFired(1007.0, "idle:1"))
    assert orders == ["untimer:timeout:1", "stop:1:polite", "timer:grace:1:1012.0"]
    assert tell(run, AttemptEnded(1008.0, 1, 1, 1002.0, KILLED))[-1] == "timer:retry:0.2:1018.0"
    assert run.tasks[0].error == {"class": "idle_timeout", "message": "it wrote nothing for 5 s"}


def test_a_time_limit_that_comes_first_keeps_its_word():
    run = run_of({"idle_timeout": 5.0, "timeout": 4.0})
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), TimerFired(1006.0, "timeout:1"))
    assert tell(run, TimerFired(1007.0, "idle:1")) == []
    tell(run, AttemptEnded(1008.0, 1, 1, 1002.0, KILLED))
    assert (states(run), reasons(run)) == (["failed"], ["timeout"])


def test_a_cancel_takes_over_from_silence():
    run = run_of(SILENT)
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), TimerFired(1007.0, "idle:1"), CancelRequested(1008.0, "c"))
    tell(run, AttemptEnded(1009.0, 1, 1, 1002.0, KILLED))
    assert (states(run), reasons(run)) == (["cancelled"], ["cancelled_by_person"])

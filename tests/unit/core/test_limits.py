"""What the limits of a run do to it: time, and how many of its tasks may wait at once."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player
from tests.unit.core.test_run import FIXED, admitted, ended, reasons, run_of, states, tell
from unspool.core.verify import verify
from unspool.host.resume import losses
from unspool.model.events import AttemptEnded, AttemptLost, AttemptStarted, CancelRequested, TimerFired

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


# -- the queue ------------------------------------------------------------------------------------


def test_what_is_one_too_many_fails_and_the_rest_goes_on():
    run = run_of({}, {}, {"retry": FIXED}, {"needs": ((2, "ok"),)}, queue=2)
    assert (states(run), reasons(run)[2:]) == (
        ["ready", "ready", "failed", "cancelled"],
        ["queue_full", "dependency_failed"],
    )
    assert "`limits.queue`" in run.tasks[2].error["message"]
    tell(run, admitted(1), admitted(2, 1), ended(1))
    assert tell(run, ended(2)) == ["release:2", "finish:failed"]
    assert (run.state, run.reason) == ("failed", "queue_full")


def test_a_place_in_the_queue_is_free_again_when_its_attempt_is_admitted_or_withdrawn():
    run = run_of({}, {"needs": ((0, "ok"),)}, {"needs": ((0, "ok"),)}, queue=2)
    tell(run, admitted(1))
    assert run.asking == 0
    tell(run, ended(1), CancelRequested(1004.0, "c", 1))
    assert run.asking == 1
    assert states(run) == ["completed", "cancelled", "ready"]


def test_nothing_tolerates_a_full_queue():
    run = run_of({}, {"on_failure": "skip"}, {"needs": ((1, "ok"),)}, {"needs": ((1, "failed"),)}, queue=1)
    assert (states(run), reasons(run)[1:3]) == (
        ["ready", "failed", "cancelled", "failed"],
        ["queue_full", "dependency_failed"],
    )
    tell(run, admitted(1), ended(1))
    assert (run.state, run.reason, run.failed) == ("failed", "queue_full", 2)


def test_a_retry_that_comes_back_to_a_full_queue_is_one_too_many():
    again = TimerFired(1013.0, "retry:0.2")
    after = {"needs": ((1, "ok"),)}
    run = run_of({"retry": FIXED}, {}, after, queue=2)
    tell(run, admitted(1), ended(1, KILLED), admitted(2, 1), ended(2))
    assert tell(run, again) == ["ask:0:4"], "one waits, and two may"
    full = run_of({"retry": FIXED}, {}, after, after, queue=2)
    tell(full, admitted(1), ended(1, KILLED), admitted(2, 1), ended(2))
    assert tell(full, again) == []
    assert (states(full)[0], reasons(full)[0], full.tasks[0].attempts) == ("failed", "queue_full", 1)


def test_an_abort_for_a_full_queue_tells_of_the_queue():
    run = run_of({}, {"on_failure": "abort"}, queue=1)
    assert (states(run), reasons(run)) == (["cancelled", "failed"], ["run_aborted", "queue_full"])
    assert (run.state, run.reason) == ("failed", "queue_full")


def test_a_person_who_cancels_has_the_last_word():
    run = run_of({}, {}, queue=1)
    assert tell(run, CancelRequested(1001.0, "c"))[-1] == "finish:cancelled"
    assert (run.state, run.reason) == ("cancelled", "cancelled_by_person")


def test_a_crash_costs_no_task_its_place():
    run = run_of({}, {}, {"needs": ((1, "any"),)}, {"needs": ((1, "any"),)}, queue=2)
    tell(run, admitted(1), admitted(2, 1), ended(2))
    assert run.asking == 2
    assert tell(run, AttemptLost(1005.0, 1, 1)) == ["release:1", "ask:0:5"]
    assert (run.asking, states(run)[0]) == (3, "ready")


SPENDING = """
limits: {%s}
tasks:
  a: {run: [x], interpret: claude_code}
  b: {depends_on: [a], run: [x], interpret: claude_code}
  c: {depends_on: [b], run: [x], on_failure: skip}
finally: {z: {run: [x]}}
"""
ANSWER = (
    '{"result": "done", "total_cost_usd": 0.6, "usage": {"input_tokens": 100, "output_tokens": 20, "service": "x"}}'
)


@pytest.mark.parametrize("limit", ["max_cost_usd: 1.2", "max_tokens: 240"])
def test_a_run_that_has_spent_its_budget_begins_nothing_any_more(limit):
    player = Player(SPENDING % limit, {"a": ANSWER, "b": ANSWER})
    player.finish()
    assert player.begun == ["a", "b", "z"]
    assert player.ends()["c"] == ("failed", "budget_exhausted")
    assert limit.partition(":")[0] in player.run.tasks[player.index("c")].error["message"]
    assert (player.run.state, player.run.reason) == ("failed", "budget_exhausted")
    assert (player.run.cost_usd, player.run.tokens) == (1.2, 240)


def test_what_was_spent_is_known_after_a_crash_and_every_attempt_counts():
    text = SPENDING.replace("b: {depends_on: [a]", "b: {retry: {max_attempts: 2, delay: 0s}, depends_on: [a]")
    player = Player(text % "max_cost_usd: 1.5", {"a": ANSWER, "b": ANSWER, "b#1": FAILS})
    player.finish_until("b")
    player.crash()
    player.finish()
    assert player.run.cost_usd == 1.2
    assert player.states()["c"] == "completed"


def test_what_nobody_tells_costs_nothing():
    player = Player(SPENDING % "max_cost_usd: 1")
    player.finish()
    assert (player.run.state, player.run.cost_usd, player.run.tasks[0].cost_usd) == ("completed", 0.0, None)

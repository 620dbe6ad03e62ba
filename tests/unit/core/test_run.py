"""What one fact does to a run: its commands, its states, and what it refuses."""

from __future__ import annotations

import pytest

from tests.property.driver import snapshot
from tests.property.worlds import started
from unspool.core.run import Run
from unspool.core.verify import verify
from unspool.errors import IllegalEvent
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    OwnerChanged,
    TaskAdmitted,
    TimerFired,
)
from unspool.model.plan import Output, Plan, Retry, Task

EXIT_1 = {"class": "exit_code", "message": "exit code 1"}
FIXED = Retry(max_attempts=3, strategy="linear", delay=10.0, jitter=False)


def run_of(*tasks: dict, **fields) -> Run:
    built = [Task(index, f"t{index}", "run", {"argv": ["x"]}, **task) for index, task in enumerate(tasks)]
    run = Run()
    run.apply(started(Plan("p", tuple(built), **fields)))
    return run


def tell(run: Run, *events) -> list[str]:
    """Apply events and give the short form of what the last one ordered."""
    orders: tuple = ()
    for event in events:
        orders = run.apply(event)
        assert verify(run) == []
    return [order.text for order in orders]


def admitted(attempt: int, task: int = 0, token: int = 1, at: float = 1001.0) -> TaskAdmitted:
    return TaskAdmitted(at, task, attempt, token)


def ended(attempt: int, error: dict | None = None, at: float = 1003.0, **result) -> AttemptEnded:
    return AttemptEnded(at, attempt, 1, at - 1.0, error, result or None)


def states(run: Run) -> list[str]:
    return [task.state for task in run.tasks]


def reasons(run: Run) -> list[str | None]:
    return [task.reason for task in run.tasks]


def assert_refused(run: Run, event, said: str) -> None:
    before = snapshot(run)
    with pytest.raises(IllegalEvent, match=said):
        run.apply(event)
    assert snapshot(run) == before
    assert verify(run) == []


# -- a task's way ---------------------------------------------------------------------------------


def test_a_task_goes_from_asked_to_completed():
    run = run_of({}, {"needs": ((0, "ok"),)})
    assert [order.text for order in run.outstanding()] == ["ask:0:1"]
    assert tell(run, admitted(1)) == ["start:0:1"]
    assert tell(run, AttemptStarted(1002.0, 1, 1)) == []
    assert tell(run, ended(1)) == ["release:1", "ask:1:2"]
    assert tell(run, admitted(2, 1), ended(2)) == ["release:2", "finish:completed"]
    assert (run.state, run.is_final, run.completed_at) == ("completed", True, 1003.0)


def test_times_add_up_over_attempts():
    run = run_of({"retry": FIXED})
    tell(run, admitted(1), AttemptStarted(1005.0, 1, 1), AttemptEnded(1008.0, 1, 1, 1005.0, EXIT_1))
    tell(run, TimerFired(1018.0, "retry:0.2"), admitted(2, at=1019.0), AttemptEnded(1022.0, 2, 1, 1020.0))
    task = run.tasks[0]
    assert (task.queued_at, task.started_at, task.completed_at) == (1000.0, 1005.0, 1022.0)
    assert (task.queued_s, task.running_s, task.attempts) == (5.0 + 2.0, 3.0 + 2.0, 2)


def test_a_clock_that_went_back_gives_no_negative_times():
    run = run_of({})
    tell(run, admitted(1), AttemptStarted(900.0, 1, 1), AttemptEnded(800.0, 1, 1, 900.0))
    assert (run.tasks[0].queued_s, run.tasks[0].running_s) == (0.0, 0.0)


def test_a_plan_without_tasks_is_completed_at_once():
    run = run_of()
    assert (run.state, run.is_final) == ("completed", True)


# -- retry, timeout, crash ------------------------------------------------------------------------


def test_a_failed_attempt_waits_for_its_timer_and_is_asked_for_again():
    run = run_of({"retry": FIXED})
    assert tell(run, admitted(1), ended(1, EXIT_1)) == ["release:1", "timer:retry:0.2:1013.0"]
    assert (states(run), reasons(run)) == (["queued"], ["retry_wait"])
    assert tell(run, TimerFired(1013.0, "retry:0.2")) == ["ask:0:2"]
    assert tell(run, admitted(2), ended(2, EXIT_1, 1020.0)) == ["release:2", "timer:retry:0.3:1040.0"]
    assert tell(run, TimerFired(1040.0, "retry:0.3"), admitted(3), ended(3, EXIT_1)) == ["release:3", "finish:failed"]
    assert (run.tasks[0].attempts, reasons(run)) == (3, ["exit_code"])


def test_an_attempt_that_could_not_start_counts_and_may_be_tried_again():
    run = run_of({"retry": Retry(max_attempts=2, strategy="immediate")})
    refused = {"class": "spawn_failed", "message": "no such program"}
    assert tell(run, admitted(1), AttemptEnded(1002.0, 1, 1, None, refused)) == ["release:1", "ask:0:2"]
    assert tell(run, admitted(2), AttemptEnded(1003.0, 2, 1, None, refused)) == ["release:2", "finish:failed"]
    assert (run.tasks[0].attempts, run.tasks[0].started_at, reasons(run)) == (2, None, ["spawn_failed"])


def test_a_timeout_asks_politely_then_forces_and_wins_over_a_late_success():
    run = run_of({"timeout": 5.0, "grace": 2.0})
    assert tell(run, admitted(1), AttemptStarted(1002.0, 1, 1)) == ["timer:timeout:1:1007.0"]
    assert tell(run, TimerFired(1007.0, "timeout:1")) == ["stop:1:polite", "timer:grace:1:1009.0"]
    assert tell(run, TimerFired(1009.0, "grace:1")) == ["stop:1:forced"]
    assert tell(run, ended(1, at=1009.5)) == ["release:1", "finish:failed"]
    assert reasons(run) == ["timeout"]


def test_a_timeout_is_not_counted_while_an_attempt_waits():
    run = run_of({"timeout": 5.0})
    assert tell(run, admitted(1)) == ["start:0:1"]
    assert run.timers == {}


def test_a_crash_repeats_the_attempt_under_the_same_number_and_not_for_ever():
    run = run_of({"retry": FIXED}, {"needs": ((0, "ok"),)})
    for attempt in (1, 2, 3):
        numbers = [order.number for order in run.apply(admitted(attempt))]
        assert numbers == [1]
        assert tell(run, AttemptLost(1002.0, attempt, 1)) == [f"release:{attempt}", f"ask:0:{attempt + 1}"]
    assert tell(run, admitted(4), AttemptLost(1002.0, 4, 1)) == ["release:4", "finish:failed"]
    assert (states(run), reasons(run)) == (["failed", "cancelled"], ["crash_limit", "dependency_failed"])


def test_a_lost_attempt_that_was_being_cancelled_is_cancelled():
    run = run_of({})
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), CancelRequested(1003.0, "c"), OwnerChanged(1004.0, 2))
    assert tell(run, AttemptLost(1004.0, 1, 1)) == ["untimer:grace:1", "release:1", "finish:cancelled"]


# -- ends that pass on ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "end", "tolerated", "state"),
    [
        ("ok", "completed", False, "ready"),
        ("ok", "skipped", False, "ready"),
        ("ok", "failed", True, "ready"),
        ("ok", "failed", False, "cancelled"),
        ("ok", "cancelled", False, "cancelled"),
        ("completed", "completed", False, "ready"),
        ("completed", "skipped", False, "skipped"),
        ("completed", "failed", True, "skipped"),
        ("completed", "failed", False, "cancelled"),
        ("completed", "cancelled", False, "cancelled"),
        ("failed", "completed", False, "skipped"),
        ("failed", "skipped", False, "skipped"),
        ("failed", "failed", True, "ready"),
        ("failed", "failed", False, "ready"),
        ("failed", "cancelled", False, "cancelled"),
        ("skipped", "completed", False, "skipped"),
        ("skipped", "skipped", False, "ready"),
        ("skipped", "failed", True, "skipped"),
        ("skipped", "failed", False, "cancelled"),
        ("skipped", "cancelled", False, "cancelled"),
        ("any", "completed", False, "ready"),
        ("any", "skipped", False, "ready"),
        ("any", "failed", False, "ready"),
        ("any", "cancelled", False, "ready"),
    ],
)
def test_when_a_dependency_is_met(wanted, end, tolerated, state):
    first = {"on_failure": "skip"} if tolerated else {}
    if end == "skipped":
        first["when"] = "false"
    run = run_of(first, {"needs": ((0, wanted),)}, {})
    if end == "cancelled":
        tell(run, CancelRequested(1001.0, "c", 0))
    elif end != "skipped":
        tell(run, admitted(1), ended(1, EXIT_1 if end == "failed" else None))
    assert states(run)[:2] == [end, state]


def test_a_skip_waits_for_all_dependencies_and_a_cancel_for_none():
    needs = {"needs": ((0, "failed"), (1, "ok"))}
    run = run_of({}, {}, needs)
    tell(run, admitted(1), ended(1))
    assert states(run)[2] == "created"
    tell(run, admitted(2, 1), ended(2, EXIT_1))
    assert states(run)[2] == "cancelled"
    run = run_of({}, {}, needs)
    tell(run, admitted(2, 1), ended(2, EXIT_1))
    assert states(run) == ["ready", "failed", "cancelled"]


def test_nothing_starts_before_all_that_stands_above_it_is_final():
    """t2 is cancelled while t0 runs; t3 asks for any end of t2, and its condition reads t0."""
    run = run_of(
        {}, {}, {"needs": ((0, "any"), (1, "ok"))}, {"needs": ((2, "any"),), "when": "tasks.t0.state == 'completed'"}
    )
    tell(run, admitted(2, 1), ended(2, EXIT_1))
    assert states(run) == ["ready", "failed", "cancelled", "created"]
    assert tell(run, admitted(1), ended(1)) == ["release:1", "ask:3:3"]


def test_nothing_starts_below_a_task_that_a_person_cancelled_before_all_above_is_final():
    run = run_of({}, {"needs": ((0, "ok"),)}, {"needs": ((1, "any"),)})
    tell(run, CancelRequested(1001.0, "c", 1))
    assert states(run) == ["ready", "cancelled", "created"]
    assert tell(run, admitted(1), ended(1)) == ["release:1", "ask:2:2"]


def test_a_cancel_is_passed_on_at_once_though_something_above_still_runs():
    last = {"needs": ((3, "any"), (2, "any"))}
    run = run_of({}, {}, {"needs": ((0, "ok"), (1, "ok"))}, {"needs": ((2, "ok"),)}, last)
    tell(run, admitted(2, 1), ended(2, EXIT_1))
    assert states(run) == ["ready", "failed", "cancelled", "cancelled", "created"]
    assert tell(run, admitted(1), ended(1)) == ["release:1", "ask:4:3"]


def test_an_end_runs_down_a_chain_in_one_event():
    run = run_of({}, *({"needs": ((index, "ok"),)} for index in range(500)))
    orders = tell(run, admitted(1), ended(1, EXIT_1))
    assert orders == ["release:1", "finish:failed"]
    assert set(reasons(run)[1:]) == {"dependency_failed"}


def test_abort_ends_what_runs_waits_and_sleeps():
    run = run_of({"on_failure": "abort"}, {}, {}, {"retry": FIXED}, {"needs": ((1, "ok"),)})
    tell(run, admitted(4, 3), ended(4, EXIT_1), admitted(2, 1), AttemptStarted(1002.0, 2, 1), admitted(1))
    orders = tell(run, ended(1, EXIT_1))
    assert orders == ["release:1", "stop:2:polite", "timer:grace:2:1008.0", "withdraw:2:3", "untimer:retry:3.2"]
    assert (states(run), run.state) == (["failed", "running", "cancelled", "cancelled", "cancelled"], "cancelling")
    assert tell(run, ended(2)) == ["untimer:grace:2", "release:2", "finish:failed"]
    assert (run.reason, reasons(run)[1:]) == ("run_aborted", ["run_aborted"] * 4)


def test_a_tolerated_failure_does_not_fail_the_run():
    run = run_of({"on_failure": "skip"})
    tell(run, admitted(1), ended(1, EXIT_1))
    assert (states(run), run.state, run.reason) == (["failed"], "completed", None)


def test_one_task_cancelled_by_a_person_leaves_the_others_alone_and_the_run_incomplete():
    run = run_of({}, {}, {"needs": ((0, "ok"),)})
    assert tell(run, CancelRequested(1001.0, "c", 0)) == ["withdraw:0:1"]
    assert (states(run), reasons(run)[0]) == (["cancelled", "ready", "cancelled"], "cancelled_by_person")
    assert tell(run, admitted(2, 1), ended(2)) == ["release:2", "finish:cancelled"]
    assert (run.state, run.reason, states(run)[1]) == ("cancelled", "cancelled_by_person", "completed")


def test_a_failure_counts_more_than_a_cancel():
    run = run_of({}, {})
    tell(run, CancelRequested(1001.0, "c", 0), admitted(2, 1), ended(2, EXIT_1))
    assert (run.state, run.reason) == ("failed", "task_failed")


def test_a_cancelled_run_stays_cancelled_though_its_last_task_succeeds():
    run = run_of({})
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), CancelRequested(1002.5, "c"), ended(1))
    assert (states(run), run.state, run.reason) == (["cancelled"], "cancelled", "cancelled_by_person")


def test_a_second_interrupt_forces_and_a_third_says_nothing_new():
    run = run_of({"grace": 60.0})
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), CancelRequested(1003.0, "a", None, "interrupt"))
    assert tell(run, CancelRequested(1004.0, "b", None, "interrupt")) == ["untimer:grace:1", "stop:1:forced"]
    assert tell(run, CancelRequested(1005.0, "c", None, "interrupt")) == []
    assert tell(run, ended(1)) == ["release:1", "finish:cancelled"]
    assert run.reason == "interrupted"


def test_a_cancel_that_comes_while_an_attempt_times_out_takes_over_the_reason():
    run = run_of({"timeout": 1.0, "retry": FIXED})
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), TimerFired(1003.0, "timeout:1"))
    assert tell(run, CancelRequested(1003.5, "c", 0)) == []
    tell(run, ended(1, EXIT_1))
    assert (states(run), reasons(run)) == (["cancelled"], ["cancelled_by_person"])


# -- expressions of a run's own -------------------------------------------------------------------


def test_an_environment_that_cannot_be_evaluated_fails_the_run_before_anything_starts():
    run = run_of({}, {"needs": ((0, "any"),)}, env={"A": "${{ inputs.flag + 1 }}"})
    assert (run.state, run.reason, states(run)) == ("failed", "expression_error", ["cancelled"] * 2)


def test_an_abort_by_the_first_condition_leaves_the_rest_of_the_roots_cancelled():
    run = run_of({}, {"when": "inputs.flag + 1", "on_failure": "abort"}, {}, {"needs": ((2, "any"),)})
    assert (run.state, run.reason) == ("failed", "run_aborted")
    assert states(run) == ["cancelled", "failed", "cancelled", "cancelled"]
    assert verify(run) == []


def test_an_action_that_cannot_be_evaluated_fails_its_task_without_a_retry():
    built = Task(0, "a", "run", {"argv": ["${{ 1 + true }}"]}, dynamic=True, retry=FIXED)
    run = Run()
    run.apply(started(Plan("p", (built,))))
    assert tell(run, admitted(1)) == ["release:1", "finish:failed"]
    assert (reasons(run), run.tasks[0].attempts) == (["expression_error"], 0)


def test_outputs_of_a_run_are_null_where_they_are_absent():
    run = run_of(
        {"outputs": (Output("n", {"type": "integer"}, "stdout"),)},
        {"when": "false"},
        outputs={"n": "${{ tasks.t0.outputs.n }}", "gone": "${{ tasks.t1.outputs.n }}", "plain": 3},
    )
    tell(run, admitted(1), ended(1, exit_code=0, stdout={"inline": "7\n"}))
    assert run.outputs == {"n": 7, "gone": None, "plain": 3}


# -- what is refused, said again, or stale --------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (started(Plan("q", ()))._replace(run="other"), "already started"),
        (TaskAdmitted(1.0, 0, 99, 1), "nobody asked for attempt 99"),
        (TaskAdmitted(1.0, 0, 0, 1), "nobody asked for attempt 0"),
        (TaskAdmitted(1.0, 5, 1, 1), "of task 0, not of 5"),
        (AttemptStarted(1.0, 1, 1), "attempt 1 is not admitted"),
        (AttemptEnded(1.0, 1, 1), "attempt 1 is not admitted"),
        (AttemptLost(1.0, -1, 1), "nobody asked for attempt -1"),
        (CancelRequested(1.0, "c", 7), "no task 7"),
        (object(), "not an event"),
    ],
)
def test_what_cannot_have_happened_is_refused(event, said):
    assert_refused(run_of({}), event, said)


@pytest.mark.parametrize("error", [None, EXIT_1])
def test_an_attempt_that_never_began_cannot_have_run_to_its_end(error):
    run = run_of({"success_when": "true"})
    tell(run, admitted(1))
    assert_refused(run, AttemptEnded(1002.0, 1, 1, None, error), "never began")


@pytest.mark.parametrize(
    ("error", "result"),
    [
        ({"message": "no class"}, None),
        ({"class": 3, "message": "no text"}, None),
        (None, {"stdout": {"text": "neither form"}}),
        (None, {"stderr": "plain"}),
        (None, {"value": []}),
        (None, {"output": {"n": {"ref": "ab"}}}),
        (None, {"outputs": ["n"]}),
        (None, {"outputs": {"n": {}}}),
    ],
)
def test_an_end_that_cannot_be_read_is_refused(error, result):
    run = run_of({"outputs": (Output("n", {}, "stdout"),)})
    tell(run, admitted(1))
    assert_refused(run, AttemptEnded(1003.0, 1, 1, 1002.0, error, result), "cannot be read")


@pytest.mark.parametrize("needs", [((5, "ok"),), ((-1, "ok"),), ((1, "ok"),), ((2, "ok"),)])
def test_a_plan_whose_needs_do_not_stand_before_their_task_is_refused(needs):
    tasks = [Task(0, "a", "run", {}), Task(1, "b", "run", {}, needs), Task(2, "c", "run", {})]
    assert_refused(Run(), started(Plan("p", tuple(tasks))), "cannot be read.*does not stand before it")


@pytest.mark.parametrize("plan", [{}, {"format": 1}, {"format": 1, "tasks": [3]}, [], None])
def test_a_plan_that_cannot_be_read_is_refused(plan):
    assert_refused(Run(), started(Plan("p", ()))._replace(plan=plan), "cannot be read")


def test_a_condition_of_success_that_does_not_parse_fails_the_task():
    run = run_of({"success_when": "result.("})
    tell(run, admitted(1), ended(1))
    assert (states(run), reasons(run)) == (["failed"], ["expression_error"])


def test_a_grant_of_an_owner_that_lost_the_run_changes_nothing():
    run = run_of({})
    tell(run, OwnerChanged(1001.0, 3))
    before = snapshot(run)
    assert tell(run, admitted(1, token=2)) == []
    assert snapshot(run) == before
    assert tell(run, admitted(1, token=3)) == ["start:0:1"]


def test_an_owner_that_lost_the_run_changes_nothing():
    run = run_of({})
    tell(run, OwnerChanged(1001.0, 3), OwnerChanged(1002.0, 4))
    before = snapshot(run)
    assert tell(run, OwnerChanged(1001.0, 3)) == []
    assert snapshot(run) == before


def test_what_is_outstanding_is_what_a_new_owner_must_do():
    run = run_of({}, {"retry": FIXED}, {"priority": 0}, {"timeout": 9.0})
    tell(run, admitted(2, 1), ended(2, EXIT_1), admitted(4, 3), AttemptStarted(1002.0, 4, 1))
    assert [order.text for order in run.outstanding()] == [
        "ask:0:1",
        "ask:2:3",
        "timer:retry:1.2:1013.0",
        "timer:timeout:4:1011.0",
    ]
    assert [order.priority for order in run.outstanding()[:2]] == [2, 0]
    tell(run, CancelRequested(1005.0, "c"), ended(4, at=1006.0))
    assert [order.text for order in run.outstanding()] == ["finish:cancelled"]


def test_what_attempts_used_adds_up_and_of_memory_the_highest_counts():
    run = run_of({"retry": FIXED})
    first = ended(1, EXIT_1)._replace(usage={"cpu_s": 1.25, "memory_peak_mb": 70.0})
    tell(run, admitted(1), first, TimerFired(1013.0, "retry:0.2"), admitted(2))
    tell(run, ended(2)._replace(usage={"cpu_s": 0.5, "memory_peak_mb": 60.5}))
    assert (run.tasks[0].cpu_s, run.tasks[0].memory_peak_mb) == (1.75, 70.0)


def test_what_nobody_counted_is_unknown():
    run = run_of({})
    tell(run, admitted(1), ended(1))
    assert (run.tasks[0].cpu_s, run.tasks[0].memory_peak_mb) == (None, None)


@pytest.mark.parametrize("usage", [{"cpu_s": -1.0}, {"cpu_s": "1"}, {"memory_peak_mb": None}, [1.0]])
def test_usage_that_cannot_be_is_refused(usage):
    run = run_of({})
    tell(run, admitted(1))
    assert_refused(run, ended(1)._replace(usage=usage), "cannot be read")


def test_a_run_whose_environment_cannot_be_made_says_why():
    run = run_of({}, env={"A": "${{ 1 // inputs.z }}"})
    assert (run.state, run.reason) == ("failed", "expression_error")
    assert run.error is not None
    assert run.error["message"].startswith("env: A: ")

"""What a result of the cache does to a run, and when a result is to be kept."""

from __future__ import annotations

import pytest

from tests.unit.core.test_run import FIXED, admitted, assert_refused, ended, reasons, run_of, states, tell
from unspool.core.context import Context
from unspool.core.evaluation import build_spec
from unspool.errors import ExpressionError
from unspool.model.events import AttemptEnded, AttemptStarted, CancelRequested
from unspool.model.plan import Cache, Output, Plan, Task

REUSED = {"cache": Cache(), "dynamic": True}
NUMBER = Output("n", {"type": "integer"}, "stdout")


def cached(attempt: int, at: float = 1002.0, **result) -> AttemptEnded:
    return AttemptEnded(at, attempt, 1, None, None, {"exit_code": 0, **result}, None, cached=True)


def specs(run, event) -> list[dict]:
    return [order.spec for order in run.apply(event) if order.text.startswith("start:")]


def test_a_result_of_the_cache_completes_a_task_without_an_attempt():
    run = run_of({**REUSED, "outputs": (NUMBER,), "collect": ("stdout",)}, {"needs": ((0, "completed"),)})
    tell(run, admitted(1))
    assert tell(run, cached(1, stdout={"inline": "7\n"}, duration=12.5)) == ["release:1", "ask:1:2"]
    task = run.tasks[0]
    assert (states(run)[0], reasons(run)[0], task.attempts, task.started_at) == ("completed", "cached", 0, None)
    assert (task.outputs, task.result["duration"], task.completed_at) == ({"n": 7}, 12.5, 1002.0)
    assert (task.running_s, task.queued_s) == (0.0, 0.0)


def test_a_completed_task_with_a_cache_is_kept_and_no_other():
    run = run_of(REUSED, {**REUSED, "on_failure": "skip"}, {})
    assert tell(run, admitted(1), ended(1)) == ["release:1", "keep:1"]
    assert tell(run, admitted(2, 1), ended(2, {"class": "exit_code", "message": "exit code 1"})) == ["release:2"]
    assert tell(run, admitted(3, 2), ended(3)) == ["release:3", "finish:completed"]


def test_a_result_that_does_not_do_any_more_is_not_believed_and_the_attempt_is_made():
    run = run_of({**REUSED, "success_when": "result.exit_code == 3"})
    assert [spec["cache"]["fresh"] for spec in specs(run, admitted(1))] == [False]
    assert tell(run, cached(1)) == ["release:1", "ask:0:2"]
    assert states(run) == ["ready"]
    assert [spec["cache"]["fresh"] for spec in specs(run, admitted(2))] == [True]
    tell(run, ended(2, {"class": "exit_code", "message": "exit code 3"}, exit_code=3))
    assert (states(run), run.tasks[0].attempts) == (["completed"], 1)


@pytest.mark.parametrize("stdout", [None, {"inline": "no number"}, {"ref": "a" * 64, "size": 9, "head": "x"}])
def test_a_result_whose_outputs_cannot_be_read_is_not_believed(stdout):
    run = run_of({**REUSED, "outputs": (NUMBER,), "collect": ("stdout",)})
    tell(run, admitted(1))
    assert tell(run, cached(1, stdout=stdout)) == ["release:1", "ask:0:2"]


def test_an_earlier_failure_stays_counted():
    run = run_of({**REUSED, "retry": FIXED._replace(strategy="immediate")})
    tell(run, admitted(1), ended(1, {"class": "exit_code", "message": "exit code 1"}), admitted(2), cached(2))
    assert (states(run), run.tasks[0].attempts) == (["completed"], 1)


def test_a_cancel_that_came_before_counts():
    run = run_of(REUSED)
    tell(run, admitted(1), CancelRequested(1001.5, "c"))
    tell(run, cached(1))
    assert (states(run), reasons(run)) == (["cancelled"], ["cancelled_by_person"])


def test_what_cannot_be_of_the_cache_is_refused():
    run = run_of({}, REUSED, REUSED)
    tell(run, admitted(1), admitted(2, 1), admitted(3, 2), AttemptStarted(1001.5, 3, 1))
    assert_refused(run, cached(1), "t0 does not use it")
    assert_refused(run, cached(3), "began or failed")
    assert_refused(run, cached(2)._replace(started_at=1.0), "began or failed")
    assert_refused(run, cached(2)._replace(error={"class": "timeout", "message": "m"}), "began or failed")
    for duration in (-1.0, "3", True, float("nan")):
        assert_refused(run, cached(2, duration=duration), "duration is")


def spec_of(cache: Cache, **inputs):
    plan = Plan("p", (Task(0, "t", "run", {"argv": ["x"]}, cache=cache, dynamic=True),))
    return build_spec(plan.tasks[0], Context(plan, {}, inputs, list(plan.tasks), []))["cache"]


def test_what_a_cache_names_is_evaluated_when_the_attempt_begins():
    cache = Cache("v${{ inputs.n }}", ("src/${{ inputs.a }}/*", "${{ inputs.all }}"), ("out",), 60.0)
    assert spec_of(cache, n=3, a="x", all=["p", "q"]) == {
        "key": "v3",
        "inputs": ["src/x/*", "p", "q"],
        "files": ["out"],
        "ttl": 60.0,
        "fresh": False,
    }


@pytest.mark.parametrize("value", ["/etc", "..", "", "a/../../b"])
def test_a_pattern_made_of_a_value_may_not_leave_the_folder(value):
    with pytest.raises(ExpressionError, match="must stay in the task's folder"):
        spec_of(Cache(None, ("${{ inputs.a }}",)), a=value)

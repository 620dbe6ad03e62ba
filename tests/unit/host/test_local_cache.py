"""The host and the cache, in virtual time: who is asked, what is kept, and what a replay sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.property.driver import snapshot
from tests.property.simulated import Simulated
from tests.property.worlds import plan_of
from unspool.host.artifacts import FileArtifacts
from unspool.host.cache import FileCache
from unspool.host.resume import fold
from unspool.host.simulate import Stub
from unspool.model.events import AttemptEnded
from unspool.model.plan import Cache, Output, Retry

FAILED = {"class": "exit_code", "message": "exit code 1"}
REUSED: dict[str, Any] = {"cache": Cache(), "dynamic": True}


@pytest.fixture
def live(tmp_path: Path):
    """Live through a plan with a cache that all runs share; give the world."""

    def lived(plan, script, **how) -> Simulated:
        world = Simulated(plan, script, **how)
        artifacts = FileArtifacts(tmp_path / "journal" / "artifacts")
        world.host.cache = FileCache(tmp_path / "cache", artifacts, world.clock.now, lambda text: None)
        world.drive()
        assert world.host.cache._pending == {}
        assert snapshot(fold(world.journal.read("r1"))) == snapshot(world.run)
        return world

    return lived


def test_the_second_run_makes_no_attempt(live):
    plan = plan_of({**REUSED, "outputs": (Output("n", {"type": "integer"}, "stdout"),), "collect": ("stdout",)}, {})
    script = lambda spec: Stub(3.0, {"exit_code": 0, "stdout": {"inline": "7"}})  # noqa: E731
    first, second = live(plan, script), live(plan, script)
    assert (first.begun, second.begun) == ([(0, 1), (1, 1)], [(1, 1)])
    task = second.run.tasks[0]
    assert (task.state, task.reason, task.outputs, task.attempts) == ("completed", "cached", {"n": 7}, 0)
    assert task.result == {**first.run.tasks[0].result, "duration": pytest.approx(3.0)}
    ends = [row.event for row in second.journal.read() if isinstance(row.event, AttemptEnded) and row.event.cached]
    assert [end.started_at for end in ends] == [None]


def test_a_failure_is_not_kept_and_a_success_after_it_is(live):
    plan = plan_of({**REUSED, "retry": Retry(max_attempts=2, delay=1.0)})
    script = lambda spec: Stub(1.0, {"exit_code": 0}, FAILED if spec.number == 1 else None)  # noqa: E731
    assert live(plan, script).begun == [(0, 1), (0, 2)]
    assert live(plan, script).begun == []


def test_a_result_that_does_not_do_is_asked_for_once_and_replaced(live):
    script = lambda spec: Stub(1.0, {"exit_code": 0})  # noqa: E731
    when = "result.exit_code == (0 if inputs.flag else 1)"
    plan = plan_of({**REUSED, "success_when": when})
    assert live(plan, script, flag=True).begun == [(0, 1)]
    other = live(plan, script, flag=False)
    assert (other.begun, other.run.tasks[0].reason) == ([(0, 1)], "success_when_false")
    assert live(plan, script, flag=True).begun == []


def test_many_hits_need_few_commits_and_leave_every_slot_free(live):
    plan = plan_of(*[REUSED] * 30)
    live(plan, lambda spec: Stub(0.01))
    world = live(plan, lambda spec: Stub(0.01))
    assert world.begun == []
    assert world.host.admission.free == world.host.admission.slots
    assert world.journal.commits <= 35


def test_without_a_cache_the_attempt_is_made():
    world = Simulated(plan_of(REUSED), lambda _: Stub(1.0))
    assert world.drive().state == "completed"
    assert world.begun == [(0, 1)]

"""The host decides when an attempt has been silent for too long: it looks when that may be so, and no sooner."""

from __future__ import annotations

import pytest

from tests.property.simulated import Simulated
from tests.property.worlds import plan_of
from unspool.host.simulate import Stub
from unspool.model.events import TimerFired


def fired(world: Simulated) -> list[str]:
    return [row.event.timer for row in world.journal.read() if isinstance(row.event, TimerFired)]


def looks_of(world: Simulated) -> list[float]:
    """Take down when the host asks for the last output, in seconds from the start."""
    looks: list[float] = []
    asked = world.kind.last_output

    def look(run: str, attempt: int) -> float | None:
        looks.append(round(world.clock.now() - 1_700_000_000.0, 3))
        return asked(run, attempt)

    world.kind.last_output = look
    return looks


def test_an_attempt_that_writes_lives_and_one_that_falls_silent_does_not():
    writes = (1.0, 4.0, 8.0, 9.0)
    world = Simulated(plan_of({"idle_timeout": 5.0}), lambda _: Stub(900.0, writes=writes))
    looks = looks_of(world)
    run = world.drive()
    assert (run.tasks[0].state, run.tasks[0].reason) == ("failed", "idle_timeout")
    assert run.tasks[0].running_s == pytest.approx(14.0, abs=0.05)
    assert looks == pytest.approx([5.0, 9.0, 14.0], abs=0.05), "one look for each moment that may have come"
    assert fired(world) == ["idle:1"], "what the host waits for is no fact"


def test_one_that_ends_in_time_is_not_hurt():
    world = Simulated(plan_of({"idle_timeout": 5.0}), lambda _: Stub(11.0, writes=(3.0, 7.0)))
    assert world.drive().state == "completed"
    assert fired(world) == []


def test_silence_from_the_start_counts():
    world = Simulated(plan_of({"idle_timeout": 5.0}), lambda _: Stub(900.0))
    assert world.drive().tasks[0].running_s == pytest.approx(5.0, abs=0.05)


def test_a_kind_that_tells_nothing_is_taken_to_write_nothing():
    world = Simulated(plan_of({"idle_timeout": 5.0}), lambda _: Stub(900.0, writes=(1.0, 4.0)))
    world.kind.last_output = None
    assert world.drive().tasks[0].running_s == pytest.approx(5.0, abs=0.05)

"""What every clock must do: it tells seconds since the epoch, and never goes back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from unspool.host import clock as module
from unspool.host.clock import VirtualClock, WallClock
from unspool.host.simulate import VirtualReactor


@pytest.fixture(params=["wall", "virtual"])
def clock(request: pytest.FixtureRequest) -> Any:
    return WallClock() if request.param == "wall" else VirtualClock()


def test_it_never_goes_back(clock: Any):
    moments = [clock.now() for _ in range(10_000)]
    assert moments == sorted(moments)


def test_it_tells_seconds_since_the_epoch(clock: Any):
    assert isinstance(clock.now(), float)
    assert 1_600_000_000 < clock.now() < 5_000_000_000


def test_the_wall_clock_is_that_of_the_machine():
    assert WallClock().now() == pytest.approx(time.time(), abs=1.0)


@pytest.mark.parametrize("jump", [-86400.0, -3600.0, 3600.0, 86400.0])
def test_the_wall_clock_does_not_follow_a_jump_of_the_machine(monkeypatch: pytest.MonkeyPatch, jump: float):
    clock = WallClock()
    before = clock.now()
    real = time.time
    monkeypatch.setattr(module.time, "time", lambda: real() + jump)
    assert before <= clock.now() < before + 60


def test_the_virtual_clock_moves_when_it_is_told_to():
    clock = VirtualClock(1_700_000_000.0)
    assert clock.now() == clock.now() == 1_700_000_000.0
    clock.advance(2.5)
    clock.advance(0.0)
    assert clock.now() == 1_700_000_002.5


def test_waiting_never_sets_the_virtual_clock_back():
    clock = VirtualClock()
    reactor = VirtualReactor(clock)
    heard: list[float] = []
    start = clock.now()
    reactor.call_at(start - 100.0, lambda: heard.append(clock.now()))
    reactor.wait(-5.0)
    reactor.wait(1.0)
    reactor.wait(1.0)
    assert heard == [start]
    assert clock.now() >= start

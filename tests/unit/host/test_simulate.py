"""The twins of reactor and task kind: time jumps, attempts end as they are told to."""

from __future__ import annotations

import pytest

from unspool.errors import SpawnError
from unspool.host.clock import VirtualClock
from unspool.host.simulate import Stub, StubKind, VirtualReactor
from unspool.model.plan import Task
from unspool.tasks.attempt import AttemptSpec, Ended

START = 1000.0


class Ear:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, Ended]] = []

    def ended(self, run: str, attempt: int, end: Ended) -> None:
        self.heard.append((run, attempt, end))


def world(script=None) -> tuple[VirtualReactor, StubKind, Ear]:
    reactor = VirtualReactor(VirtualClock(START))
    return reactor, StubKind(reactor, script), Ear()


def spec(attempt: int = 1, run: str = "r") -> AttemptSpec:
    return AttemptSpec(run, attempt, 1, f"{run}/t", Task(0, "t", "run", {}), {}, {}, "/")


def test_time_jumps_to_what_is_due_and_never_back():
    reactor, _, _ = world()
    called = []
    for moment, name in ((1005.0, "late"), (1002.0, "first"), (1002.0, "second"), (990.0, "past")):
        reactor.call_at(moment, lambda name=name: called.append((name, reactor.clock.now())))
    reactor.wait(None)
    assert called == [("past", 1000.0)]
    reactor.wait(60.0)
    assert called[1:] == [("first", 1002.0), ("second", 1002.0)]
    reactor.wait(1.0)
    assert (called[3:], reactor.clock.now()) == ([], 1003.0)
    reactor.wait(60.0)
    assert called[3:] == [("late", 1005.0)]


def test_a_wait_without_anything_due_is_no_wait_for_ever():
    reactor, _, _ = world()
    with pytest.raises(RuntimeError, match="stuck"):
        reactor.wait(None)
    reactor.wait(0.0)
    assert reactor.clock.now() == START


def test_closing_a_reactor_forgets_what_is_due():
    reactor, kind, ear = world()
    kind.start(spec(), ear)
    reactor.watch(3, lambda: None)
    reactor.forget(3)
    reactor.forget(3)
    reactor.close()
    reactor.wait(60.0)
    assert ear.heard == []


def test_an_attempt_ends_by_its_script():
    result = {"exit_code": 3}
    reactor, kind, ear = world(lambda _: Stub(2.5, result, {"class": "exit_code", "message": "exit code 3"}))
    assert kind.start(spec(), ear) == {"stub": 1}
    reactor.wait(None)
    assert ear.heard == [("r", 1, Ended(1002.5, START, {"class": "exit_code", "message": "exit code 3"}, result))]
    assert kind.started == [spec()]


def test_what_refuses_to_start_says_so_and_nothing_is_heard_of_it():
    reactor, kind, ear = world(lambda _: Stub(refuses="no such program"))
    with pytest.raises(SpawnError, match="no such program"):
        kind.start(spec(), ear)
    reactor.wait(60.0)
    assert (ear.heard, kind.started) == ([], [])


@pytest.mark.parametrize(
    ("stubborn", "mode", "ends_at"), [(False, "polite", 1001.0), (True, "polite", 1009.0), (True, "forced", 1001.0)]
)
def test_a_stop_ends_an_attempt_unless_it_is_stubborn_and_asked_politely(stubborn, mode, ends_at):
    reactor, kind, ear = world(lambda _: Stub(9.0, stubborn=stubborn))
    kind.start(spec(), ear)
    reactor.clock.advance(1.0)
    kind.stop("r", 1, mode)
    kind.stop("r", 1, mode)
    kind.stop("r", 99, mode)
    reactor.wait(60.0)
    assert [(run, attempt, end.at) for run, attempt, end in ear.heard] == [("r", 1, ends_at)]
    reactor.wait(60.0)
    assert len(ear.heard) == 1


def test_attempts_of_two_runs_are_told_apart():
    reactor, kind, ear = world(lambda told: Stub(1.0 if told.run == "a" else 2.0))
    kind.start(spec(1, "a"), ear)
    kind.start(spec(1, "b"), ear)
    kind.stop("b", 1, "forced")
    reactor.wait(None)
    reactor.wait(None)
    assert [(run, end.error is None) for run, _, end in ear.heard] == [("b", False), ("a", True)]


def test_nothing_is_adopted_and_closing_forgets():
    reactor, kind, ear = world()
    kind.start(spec(), ear)
    assert kind.adopt({"stub": 1}) is False
    kind.close()
    reactor.wait(60.0)
    assert ear.heard == []


def test_virtual_time_does_not_go_back():
    with pytest.raises(ValueError, match="time does not go back"):
        VirtualClock(START).advance(-0.1)

"""What every task kind must do: processes, coroutines, and the stub that stands in for both."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.attempts import Ends, Processes, make_spec, wait_for_ends
from tests.conformance.servers import LocalServer, request
from unspool.errors import SpawnError
from unspool.host.artifacts import MemoryArtifacts
from unspool.host.clock import VirtualClock, WallClock
from unspool.host.reactor import EpollReactor
from unspool.host.simulate import Stub, StubKind, VirtualReactor
from unspool.tasks.attempt import AttemptSpec, Ended
from unspool.tasks.http import HttpKind
from unspool.tasks.masking import Mask
from unspool.tasks.python import PythonKind
from unspool.tasks.slots import Slots
from unspool.tasks.workers import Workers

MASK = Mask({"TOKEN": "sesame-open"})
MODULE = """
import asyncio

async def succeed():
    return None

async def fail():
    raise ValueError("no")

async def last():
    await asyncio.sleep(1000)

async def talk():
    while True:
        print("here I am")
        await asyncio.sleep(0.05)

async def stubborn():
    while True:
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            if closing:
                raise

closing = False
"""


class Case:
    """A kind with what it needs, and the actions that make it behave in certain ways."""

    reactor: Any
    kind: Any
    actions: dict[str, dict[str, Any]]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sink = Ends()

    def spec(self, behaviour: str, attempt: int = 1, run: str = "r") -> AttemptSpec:
        more = {"idle_timeout": 1.0} if behaviour == "talk" else {}
        return make_spec(self.actions[behaviour], self.folder, attempt, run=run, id=behaviour, **more)

    def start(self, behaviour: str, attempt: int = 1, run: str = "r") -> Any:
        return self.kind.start(self.spec(behaviour, attempt, run), self.sink)

    def wait(self, count: int = 1) -> list[Ended]:
        return wait_for_ends(self.reactor, self.sink, count)

    def wait_a_little(self) -> None:
        """Give an end that must not come the time to come."""
        deadline = time.monotonic() + 0.08
        while time.monotonic() < deadline and self.reactor.wait(0.02) is None:
            if isinstance(self.reactor, VirtualReactor):
                return

    def close(self) -> None:
        self.kind.close()
        self.reactor.close()


class RunCase(Case):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        processes = Processes(folder)
        self.kind, self.reactor = processes.kind, processes.reactor
        stubborn = "trap '' TERM; : > ready.$UNSPOOL_RUN; while :; do sleep 0.05; done"
        self.actions = {
            "succeed": {"argv": ["true"]},
            "fail": {"argv": ["false"]},
            "last": {"argv": ["sleep", "1000"]},
            "talk": {"script": "while :; do echo here I am; sleep 0.05; done", "shell": "sh"},
            "stubborn": {"script": stubborn, "shell": "sh"},
            "refuse": {"argv": ["no-such-program"]},
        }

    def start(self, behaviour: str, attempt: int = 1, run: str = "r") -> Any:
        record = super().start(behaviour, attempt, run)
        deadline = time.monotonic() + 10
        while behaviour == "stubborn" and not (self.folder / f"ready.{run}").exists():
            self.reactor.wait(0.01)  # before the trap is set, it is not stubborn yet
            assert time.monotonic() < deadline
        return record


class PythonCase(Case):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # A name of its own: modules are looked for in the order of sys.path, and kept.
        self.module = f"steps_{abs(hash(str(folder)))}"
        (folder / f"{self.module}.py").write_text(MODULE)
        self.reactor = EpollReactor()
        self.kind = PythonKind(
            self.reactor,
            WallClock().now,
            Slots(folder, 1),
            MemoryArtifacts(),
            Workers(self.reactor, f"test.{os.getpid()}.{folder}", lambda: None, 2),
        )
        names = ("succeed", "fail", "last", "talk", "stubborn", "refuse")
        self.actions = {name: {"function": f"{self.module}:{name}"} for name in names}

    def close(self) -> None:
        import sys

        self.kind.close()
        if self.module in sys.modules:
            sys.modules[self.module].closing = True  # type: ignore[attr-defined]
        self.reactor.close()
        sys.modules.pop(self.module, None)
        if str(self.folder) in sys.path:
            sys.path.remove(str(self.folder))


class HttpCase(Case):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = LocalServer()
        self.reactor = EpollReactor()
        self.kind = HttpKind(self.reactor, WallClock().now, Slots(folder, 1), MemoryArtifacts())
        places = {"succeed": "/ok", "fail": "/status/500", "last": "/slow", "talk": "/talk"}
        self.actions = {name: request(self.server.url + place) for name, place in places.items()}
        self.actions["refuse"] = request("ftp://127.0.0.1/")

    def close(self) -> None:
        super().close()
        self.server.close()


PLAIN = """
import os, time

def succeed():
    return None

def fail():
    raise ValueError("no")

def last():
    time.sleep(1000)

def talk():
    while True:
        print("here I am")
        time.sleep(0.05)

def stubborn():
    open(f"ready.{os.environ['UNSPOOL_RUN']}", "w").close()
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass
"""


class WorkerCase(PythonCase):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / f"{self.module}.py").write_text(PLAIN)

    def start(self, behaviour: str, attempt: int = 1, run: str = "r") -> Any:
        record = super().start(behaviour, attempt, run)
        deadline = time.monotonic() + 10
        while behaviour == "stubborn" and not (self.folder / f"ready.{run}").exists():
            self.reactor.wait(0.01)
            assert time.monotonic() < deadline
        return record


class MaskedRunCase(RunCase):
    """In a run with secrets output comes through pipes."""

    def spec(self, behaviour: str, attempt: int = 1, run: str = "r") -> AttemptSpec:
        return super().spec(behaviour, attempt, run)._replace(mask=MASK, private=str(self.folder))


class MaskedWorkerCase(WorkerCase):
    """The same for functions."""

    def spec(self, behaviour: str, attempt: int = 1, run: str = "r") -> AttemptSpec:
        return super().spec(behaviour, attempt, run)._replace(mask=MASK, private=str(self.folder))


class StubCase(Case):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reactor = VirtualReactor(VirtualClock())
        stubs = {
            "succeed": Stub(),
            "fail": Stub(error={"class": "exit_code", "message": "no"}),
            "last": Stub(10**6),
            "talk": Stub(10**6, writes=tuple(range(1000))),
            "stubborn": Stub(10**6, stubborn=True),
            "refuse": Stub(refuses="no"),
        }
        self.kind = StubKind(self.reactor, lambda spec: stubs[spec.task.id])
        self.actions = {name: {} for name in stubs}


CASES = {
    "run": RunCase,
    "python": PythonCase,
    "worker": WorkerCase,
    "masked-run": MaskedRunCase,
    "masked-worker": MaskedWorkerCase,
    "http": HttpCase,
    "stub": StubCase,
}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    case = request.param(tmp_path)
    yield case
    case.close()


def test_a_success_is_told_once_with_its_times(case: Case):
    begun = case.reactor.clock.now() if isinstance(case.reactor, VirtualReactor) else WallClock().now()
    case.start("succeed")
    end = case.wait()[0]
    assert case.sink.keys == [("r", 1)]
    assert end.error is None
    assert end.started_at is not None
    assert begun - 0.01 <= end.started_at <= end.at
    case.wait_a_little()
    assert len(case.sink.heard) == 1


def test_nothing_is_told_before_start_has_returned(case: Case):
    case.start("succeed")
    assert case.sink.heard == []
    case.wait()


def test_a_failure_has_a_class_and_a_message(case: Case):
    case.start("fail")
    error = case.wait()[0].error
    assert error is not None
    assert set(error) == {"class", "message"}
    assert all(isinstance(text, str) and text for text in error.values())


def test_what_is_told_is_plain_json(case: Case):
    record = case.start("succeed")
    case.start("fail", 2)
    assert record is None or json.loads(json.dumps(record)) == record
    for end in case.wait(2):
        assert json.loads(json.dumps(end)) == list(end)


def test_a_refusal_leaves_nothing(case: Case):
    with pytest.raises(SpawnError) as refused:
        case.start("refuse")
    assert str(refused.value)
    case.kind.stop("r", 1, "forced")
    case.wait_a_little()
    assert case.sink.heard == []
    case.start("succeed", 2)
    case.wait()
    assert case.sink.keys == [("r", 2)]


@pytest.mark.parametrize("mode", ["polite", "forced"])
def test_a_stop_ends_what_would_last(case: Case, mode: str):
    case.start("last")
    case.wait_a_little()
    assert case.sink.heard == []
    case.kind.stop("r", 1, mode)
    end = case.wait()[0]
    assert end.error is not None
    assert end.started_at is not None
    case.wait_a_little()
    assert case.sink.keys == [("r", 1)]


@pytest.mark.parametrize("mode", ["polite", "forced"])
def test_a_stop_at_once_is_no_other(case: Case, mode: str):
    case.start("last")
    case.kind.stop("r", 1, mode)
    assert case.wait()[0].error is not None
    case.wait_a_little()
    assert case.sink.keys == [("r", 1)]


def test_a_polite_stop_asks_and_a_forced_one_does_not(case: Case):
    if "stubborn" not in case.actions:
        pytest.skip("nothing that it runs could refuse to end")
    case.start("stubborn")
    case.wait_a_little()
    case.kind.stop("r", 1, "polite")
    case.wait_a_little()
    assert case.sink.heard == []
    case.kind.stop("r", 1, "forced")
    assert case.wait()[0].error is not None
    case.wait_a_little()
    assert case.sink.keys == [("r", 1)]


def test_stops_add_nothing_to_each_other(case: Case):
    case.start("last")
    for mode in ("polite", "polite", "forced", "forced"):
        case.kind.stop("r", 1, mode)
    case.wait()
    for mode in ("polite", "forced"):
        case.kind.stop("r", 1, mode)
    case.wait_a_little()
    assert case.sink.keys == [("r", 1)]


@pytest.mark.parametrize("mode", ["polite", "forced"])
def test_stopping_what_is_not_there_is_nothing(case: Case, mode: str):
    case.kind.stop("r", 1, mode)
    case.start("last", 2)
    case.kind.stop("r", 1, mode)
    case.kind.stop("other", 2, mode)
    case.wait_a_little()
    assert case.sink.heard == []
    case.kind.stop("r", 2, "forced")
    case.wait()


@pytest.mark.parametrize("mode", ["polite", "forced"])
def test_attempts_of_other_runs_are_other_attempts(case: Case, mode: str):
    for run in ("one", "two"):
        case.start("last", 1, run)
    case.wait_a_little()
    case.kind.stop("one", 1, mode)
    case.wait()
    case.wait_a_little()
    assert case.sink.keys == [("one", 1)]
    case.kind.stop("two", 1, mode)
    case.wait(2)
    assert case.sink.keys == [("one", 1), ("two", 1)]


def test_many_at_once_are_told_one_by_one(case: Case):
    for attempt in range(1, 21):
        case.start("fail" if attempt % 2 else "succeed", attempt)
    ends = case.wait(20)
    assert sorted(case.sink.keys) == [("r", attempt) for attempt in range(1, 21)]
    assert sum(end.error is None for end in ends) == 10


def moment(case: Case) -> float:
    return case.reactor.clock.now() if isinstance(case.reactor, VirtualReactor) else WallClock().now()


def test_what_is_silent_has_not_written_since_it_began(case: Case):
    case.start("last")
    begun = moment(case)
    case.wait_a_little()
    last = case.kind.last_output("r", 1)
    assert last is None or last <= begun + 0.01
    case.kind.stop("r", 1, "forced")
    case.wait()


def test_each_write_moves_the_moment_of_the_last_one(case: Case):
    begun = moment(case)
    case.start("talk")
    seen: list[float] = []
    deadline = time.monotonic() + 10
    while len(seen) < 3:
        case.reactor.wait(1.0 if isinstance(case.reactor, VirtualReactor) else 0.02)
        last = case.kind.last_output("r", 1)
        if last is not None and last > max([begun, *seen[-1:]]) + 0.01:
            seen.append(last)
        assert time.monotonic() < deadline, f"only {seen}"
    assert seen[-1] <= moment(case) + 0.01
    case.kind.stop("r", 1, "forced")
    case.wait()


def test_what_is_over_or_never_was_has_no_last_output(case: Case):
    assert case.kind.last_output("r", 1) is None
    case.start("succeed")
    case.wait()
    assert case.kind.last_output("r", 1) is None


def test_an_attempt_of_a_dead_owner_is_lost(case: Case):
    record = case.start("succeed")
    case.wait()
    assert case.kind.adopt(record or {}) is False


def test_closing_lets_go_of_what_runs(case: Case):
    for attempt, behaviour in enumerate(("last", "stubborn"), 1):
        if behaviour in case.actions:
            case.start(behaviour, attempt)
    case.wait_a_little()
    case.kind.close()
    case.wait_a_little()
    assert case.sink.heard == [], "who closes a kind does not want to hear of it any more"
    case.kind.close()

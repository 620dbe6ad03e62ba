"""Planted faults: each is put into the engine, and the check that names it must notice.

The checks are those of the laws and of the host; without the fault they pass.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.property.test_laws import check_idempotent, check_replay, check_stale_tokens
from tests.property.test_verdicts import check_oracle
from tests.property.worlds import World
from unspool.core import admission as admission_module
from unspool.core import book as book_module
from unspool.core import evaluation as evaluation_module
from unspool.core import run as run_module
from unspool.core.admission import Admission
from unspool.core.book import Book
from unspool.host import local as local_module
from unspool.host.clock import VirtualClock
from unspool.host.local import LocalHost
from unspool.host.simulate import Stub, StubKind, VirtualReactor
from unspool.host.spool import MemorySpool, new_request
from unspool.journal.memory import MemoryJournal
from unspool.journal.sqlite import SqliteJournal
from unspool.model import status
from unspool.model.commands import SetTimer
from unspool.model.events import RunStarted
from unspool.model.plan import Plan, Retry, Task, plan_to_json

FAILS = {"class": "exit_code", "message": "exit code 1"}


def plan_of(*tasks: dict[str, Any]) -> Plan:
    built = [Task(index, f"t{index}", "run", {"argv": ["x"]}, **fields) for index, fields in enumerate(tasks)]
    return Plan("faults", tuple(built))


DIAMOND = plan_of({}, {"needs": ((0, "ok"),)}, {"needs": ((0, "ok"),)}, {"needs": ((1, "ok"), (2, "ok"))})
RETRYING = plan_of({"retry": Retry(max_attempts=3, delay=2.0), "needs": ()}, {"needs": ((0, "any"),)})


class Simulated:
    """The real local host in virtual time, with what it did in the order it did it."""

    def __init__(self, plan: Plan, script: Callable[[Any], Stub], slots: int = 2) -> None:
        self.clock = VirtualClock()
        self.reactor = VirtualReactor(self.clock)
        self.journal = MemoryJournal()
        self.kind = StubKind(self.reactor, script)
        self.spool = MemorySpool()
        self.did: list[tuple[str, Any]] = []
        append, start = self.journal.append, self.kind.start

        def appended(entries: Any) -> int:
            self.did += [
                ("committed", command.attempt)
                for entry in entries
                for command in entry.commands
                if hasattr(command, "spec")
            ]
            return append(entries)

        def begun(spec: Any, sink: Any) -> Any:
            self.did.append(("began", spec.attempt))
            return start(spec, sink)

        self.journal.append = appended  # type: ignore[method-assign]
        self.kind.start = begun  # type: ignore[method-assign]
        self.host = LocalHost(self.journal, {"run": self.kind}, self.reactor, self.clock, slots, self.spool)
        self.run = self.host.begin(RunStarted(self.clock.now(), "r1", plan_to_json(plan), {}, 5, {}, "/p"))

    def drive(self, most: int = 500) -> None:
        self.host.step()
        for _ in range(most):
            if self.run.is_final:
                return
            patience = self.host._patience()
            self.reactor.wait(60.0 if patience is None else min(patience, 60.0))
            self.host.step()
        raise AssertionError("the run does not end")


def check_host_finishes() -> None:
    fails_twice = Simulated(
        RETRYING, lambda spec: Stub(0.1, error=FAILS if spec.task.index == 0 and spec.number < 3 else None)
    )
    fails_twice.drive()
    assert fails_twice.run.state == "completed"
    assert fails_twice.run.tasks[0].attempts == 3


def check_commit_before_start() -> None:
    world = Simulated(DIAMOND, lambda _: Stub(0.1))
    world.drive()
    for attempt in range(1, 5):
        assert world.did.index(("committed", attempt)) < world.did.index(("began", attempt))


def check_slots_come_back() -> None:
    world = Simulated(plan_of(*[{}] * 5), lambda _: Stub(0.1), slots=1)
    world.drive()
    assert world.run.state == "completed"


def check_attempts_are_bounded() -> None:
    world = Simulated(RETRYING, lambda spec: Stub(0.1, error=FAILS if spec.task.index == 0 else None))
    world.drive()
    assert sum(spec.task.index == 0 for spec in world.kind.started) == 3
    assert world.run.state == "failed"


def check_cancel_reaches_everybody() -> None:
    """One task waits for a retry, one runs and does not heed a polite stop, one waits for both."""
    tasks = [{"retry": Retry(max_attempts=9, delay=200.0)}, {}, {"needs": ((0, "ok"), (1, "ok"))}]
    world = Simulated(
        plan_of(*tasks), lambda spec: Stub(0.1, error=FAILS) if spec.task.index == 0 else Stub(900.0, stubborn=True)
    )
    for _ in range(4):
        world.host.step()
        world.reactor.wait(0.2)
    assert [task.state for task in world.run.tasks] == ["queued", "running", "created"]
    world.spool.send(new_request("r1", "cancel"))
    world.host.look_for_requests()
    world.drive(50)
    assert [task.state for task in world.run.tasks] == ["cancelled"] * 3
    assert world.clock.now() < 1_700_000_060


def check_priority() -> None:
    world = Simulated(plan_of(*[{"priority": priority} for priority in (3, 2, 1, 0, 4)]), lambda _: Stub(0.1), slots=1)
    world.drive()
    assert [spec.task.priority for spec in world.kind.started] == [0, 1, 2, 3, 4]


def check_ageing() -> None:
    """A normal request that is older than a minute goes before a fresh high one, a younger one does not."""
    for age, first in ((61.0, 1), (59.0, 2)):
        admission = Admission(1)
        admission.open("r")
        admission.ask("r", 1, 1, 2, 1000.0)
        admission.ask("r", 2, 2, 1, 1000.0 + age)
        assert [grant.task for grant in admission.grant()] == [first]


def lived(seed: int = 11) -> World:
    world = World(RETRYING, random.Random(seed), lambda task, number: "exit 1" if task == 0 else "ok", cancels=False)
    world.drive()
    return world


def check_books() -> None:
    for seed in range(5):
        check_idempotent(lived(seed), random.Random(seed))


def check_journal() -> None:
    check_replay(lived(), MemoryJournal(), random.Random(3))


def check_tokens() -> None:
    check_stale_tokens(lived())


def check_verdicts() -> None:
    tasks = [
        {"when": "false"},
        {"needs": ((0, "ok"),)},
        {"needs": ((1, "skipped"),)},
        {"needs": ((0, "any"), (1, "ok"))},
    ]
    for seed in range(5):
        check_oracle(plan_of(*tasks), seed)


def check_full_durability(folder: Any) -> None:
    from unspool.host.home import this_process

    journal = SqliteJournal(folder / "j", this_process())
    try:
        assert journal.synchronous == 2
    finally:
        journal.close()


# -- the faults ---------------------------------------------------------------------------------------


def double_apply(patch: pytest.MonkeyPatch) -> None:
    live = Book._live
    ghosts: dict[int, Any] = {}

    def remembers(self: Book, number: int, token: int) -> Any:
        ghosts.setdefault(number, self.attempts.get(number))
        return live(self, number, token) or ghosts[number]

    patch.setattr(Book, "_live", remembers)


def dropped_timer(patch: pytest.MonkeyPatch) -> None:
    carry_out = LocalHost._carry_out
    patch.setattr(
        LocalHost,
        "_carry_out",
        lambda self, run, command: None if isinstance(command, SetTimer) else carry_out(self, run, command),
    )


def append_after_act(patch: pytest.MonkeyPatch) -> None:
    def commit(self: LocalHost) -> None:
        append, held = self.journal.append, []
        self.journal.append = lambda entries: held.append(list(entries)) or 0  # type: ignore[method-assign]
        try:
            real(self)
            self._fill_slots()
        finally:
            self.journal.append = append  # type: ignore[method-assign]
        for entries in held:
            append(entries)

    real = LocalHost._commit
    patch.setattr(LocalHost, "_commit", commit)


def kept_slot(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Admission, "release", lambda self, run, attempt: None)


def forgotten_attempts(patch: pytest.MonkeyPatch) -> None:
    decide = run_module.decide_retry
    patch.setattr(run_module, "decide_retry", lambda retry, attempt, *rest: decide(retry, 1, *rest))


def stale_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Book, "_live", lambda self, number, token: self._attempt(number))


def skip_is_failure(patch: pytest.MonkeyPatch) -> None:
    met = run_module.met
    patch.setattr(
        run_module,
        "met",
        lambda wanted, outcome: met(wanted, outcome) and not (wanted == "ok" and outcome == "skipped"),
    )


def cancel_forgets_the_queued(patch: pytest.MonkeyPatch) -> None:
    cancel = Book._cancel_task
    patch.setattr(
        Book,
        "_cancel_task",
        lambda self, index, reason: None if self.tasks[index].state == status.QUEUED else cancel(self, index, reason),
    )


def stop_is_never_forced(patch: pytest.MonkeyPatch) -> None:
    set_timer = Book._set_timer
    patch.setattr(
        Book,
        "_set_timer",
        lambda self, timer, due: None if timer.startswith(book_module.GRACE_TIMER) else set_timer(self, timer, due),
    )


def no_priority(patch: pytest.MonkeyPatch) -> None:
    ask = Admission.ask
    patch.setattr(Admission, "ask", lambda self, run, task, attempt, priority, at: ask(self, run, task, attempt, 2, at))


def no_ageing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission_module, "AGEING", 1e9)


def lossy_journal(patch: pytest.MonkeyPatch) -> None:
    append = MemoryJournal.append
    patch.setattr(
        MemoryJournal, "append", lambda self, entries: append(self, entries[:-1] if len(entries) > 1 else entries)
    )


def ambient_chance(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(run_module, "chance", lambda *_: random.random())


def hasty_when(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(evaluation_module, "evaluate_when", lambda *_: True)


def normal_durability(patch: pytest.MonkeyPatch) -> None:
    from unspool.journal import sqlite

    patch.setitem(sqlite.SYNCHRONOUS, "full", 1)


CAUGHT = [
    (double_apply, check_books),
    (dropped_timer, check_host_finishes),
    (append_after_act, check_commit_before_start),
    (kept_slot, check_slots_come_back),
    (forgotten_attempts, check_attempts_are_bounded),
    (stale_token, check_tokens),
    (skip_is_failure, check_verdicts),
    (cancel_forgets_the_queued, check_cancel_reaches_everybody),
    (stop_is_never_forced, check_cancel_reaches_everybody),
    (no_priority, check_priority),
    (no_ageing, check_ageing),
    (lossy_journal, check_journal),
    (ambient_chance, check_journal),
    (hasty_when, check_verdicts),
]


@pytest.mark.parametrize("check", sorted({check for _, check in CAUGHT}, key=lambda check: check.__name__))
def test_the_checks_pass_without_a_fault(check):
    check()


@pytest.mark.parametrize(
    ("fault", "check"), CAUGHT, ids=[f"{fault.__name__}-{check.__name__}" for fault, check in CAUGHT]
)
def test_a_planted_fault_is_caught(fault, check, monkeypatch):
    fault(monkeypatch)
    with pytest.raises(Exception):  # noqa: B017, PT011 - a fault may show in any way but silence
        check()


def test_a_skipped_sync_is_caught(monkeypatch, tmp_path):
    check_full_durability(tmp_path)
    normal_durability(monkeypatch)
    with pytest.raises(AssertionError):
        check_full_durability(tmp_path)


def test_grouping_does_not_change_the_end(monkeypatch):
    """Whatever gathers in a tick: the same states, the same order of each task's events."""
    ends = []
    for linger, batch in ((0.0, 1), (0.01, 64), (5.0, 3)):
        monkeypatch.setattr(local_module, "LINGER", linger)
        monkeypatch.setattr(local_module, "BATCH", batch)
        world = Simulated(
            DIAMOND, lambda spec: Stub(0.3 + spec.task.index, error=FAILS if spec.task.index == 2 else None)
        )
        world.drive()
        ends.append([(task.state, task.reason, task.attempts) for task in world.run.tasks])
    assert ends[0] == ends[1] == ends[2]

"""The real local host in virtual time, over a journal that may die in the middle of a commit."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.property.worlds import Scenario, ending, started
from unspool.core.run import Run
from unspool.errors import JournalError
from unspool.host.clock import VirtualClock
from unspool.host.local import LocalHost
from unspool.host.resume import fold, losses
from unspool.host.simulate import Stub, StubKind, VirtualReactor
from unspool.host.spool import MemorySpool
from unspool.journal.memory import MemoryJournal
from unspool.model.plan import Plan
from unspool.tasks.attempt import AttemptSpec, Sink


class Dies(JournalError):
    """The machine stops in the middle of a commit."""


class FragileJournal(MemoryJournal):
    """Takes so many commits; the one after them kills the host, before or after it is durable."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.dies_at: int | None = None
        self.survives = False  # whether the deadly commit is durable
        self.orders: set[str] = set()  # that are durable

    def append(self, entries: Any) -> int:
        self.commits += 1
        dies = self.commits == self.dies_at
        if dies and not self.survives:
            raise Dies("the machine stops")
        last = super().append(entries)
        self.orders.update(command.text for entry in entries for command in entry.commands)
        if dies:
            raise Dies("the machine stops")
        return last


class Simulated:
    """Begins a run, or takes up the one that the journal holds; attempts end by script.

    `begun` lists task and number of every attempt that was told to begin; none may be before its commit.
    """

    def __init__(
        self,
        plan: Plan,
        script: Callable[[AttemptSpec], Stub],
        slots: int = 2,
        *,
        journal: FragileJournal | None = None,
        at: float = 1_700_000_000.0,
        flag: bool = True,
    ) -> None:
        self.clock = VirtualClock(at)
        self.reactor = VirtualReactor(self.clock)
        self.journal = journal or FragileJournal()
        self.kind = StubKind(self.reactor, script)
        self.spool = MemorySpool()
        self.begun: list[tuple[int, int]] = []
        self._watch_starts()
        kinds = dict.fromkeys(("run", "python", "http"), self.kind)
        self.host = LocalHost(self.journal, kinds, self.reactor, self.clock, slots, self.spool)
        if self.journal.commits:
            self._take_over()
        else:
            self.host.begin(started(plan, flag=flag)._replace(at=at))

    @property
    def run(self) -> Run:
        return self.host.runs["r1"]

    def drive(self) -> Run:
        """Go on to the end of the run."""
        self.host.step()
        for _ in range(10_000):
            if self.run.is_final and not self.host._inbox:
                return self.run
            assert self._is_awaiting(), "the host waits for nothing"
            self.reactor.wait(self.host._patience())
            self.clock.advance(1e-6)  # as it does in life: what is due now, but for a rounding, is due soon
            self.host.step()
        raise AssertionError("the run does not end")

    def _is_awaiting(self) -> bool:
        host = self.host
        return bool(self.reactor._due or host._due or host._inbox or host._begun or host._grant_due)

    def _watch_starts(self) -> None:
        start = self.kind.start

        def begin(spec: AttemptSpec, sink: Sink) -> Any:
            assert f"start:{spec.task.index}:{spec.attempt}" in self.journal.orders, "begun before its commit"
            self.begun.append((spec.task.index, spec.number))
            return start(spec, sink)

        self.kind.start = begin  # type: ignore[method-assign]

    def _take_over(self) -> None:
        run = fold(self.journal.read("r1"))
        self.journal.epoch += 1
        self.host.open(run)
        for event in losses(run, self.journal.epoch, self.clock.now()):
            self.host.put("r1", event, urgent=True)


def simulated(world: Scenario, slots: int = 2, **how: Any) -> Simulated:
    """Put a scenario before the real host."""

    def script(spec: AttemptSpec) -> Stub:
        fate = world.fate(spec.task.index, spec.number)
        if fate == "refused":
            return Stub(refuses="no such program")
        if fate == "timeout":
            return Stub(1000.0, stubborn=spec.number % 2 == 0, writes=tuple(range(1000)))
        if fate == "idle":
            return Stub(1000.0, stubborn=spec.number % 2 == 0, writes=(3.0,) * (spec.number % 3))
        seconds = random.Random(f"{spec.task.index}/{spec.number}").choice((0.001, 0.02, 3.0))
        error, result = ending(fate, world.values[spec.task.index])
        return Stub(seconds, result, error)

    return Simulated(world.plan, script, slots, flag=world.flag, **how)

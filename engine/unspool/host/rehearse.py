"""Plays a case of a rehearsal: the real host and the real core on a virtual clock. Nothing is executed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from unspool.compiler.rehearsals import Case
from unspool.core.run import Run
from unspool.errors import UnspoolError
from unspool.host.clock import VirtualClock
from unspool.host.local import LocalHost
from unspool.host.ports import Journal, Request
from unspool.host.resume import losses
from unspool.host.simulate import Stub, StubKind, VirtualReactor
from unspool.host.stubs import chosen, duration, reused, stub_of
from unspool.journal.memory import MemoryJournal
from unspool.journal.rows import Row
from unspool.model.commands import StartAttempt
from unspool.model.entry import Entry
from unspool.model.events import AttemptEnded, AttemptLost, Event, RunStarted, TaskAdmitted
from unspool.model.plan import Plan
from unspool.model.plan_json import plan_to_json
from unspool.model.status import WAITING_FOR_PERSON
from unspool.tasks.attempt import AttemptSpec, Ended

RUN = "rehearsal"
_BY = "somebody"
_BATCH = "/batch"  # a name with this in it speaks of batches
_SEED = 0


class Played(NamedTuple):
    """A case that was played to its end: the run, and all that was committed of it."""

    run: Run
    entries: list[Entry]
    rows: list[Row]


class RehearsedHost(LocalHost):
    """The host in virtual time. It commits every fact at once, and people decide as the stubs say."""

    def __init__(self, case: Case, journal: Journal, at: float) -> None:
        self._case = case
        self._time = VirtualClock(at)
        self._due_calls = VirtualReactor(self._time)
        kind = self._kind = _Talkative(self._due_calls, self._script)
        kinds = dict.fromkeys(("run", "python", "http"), kind)
        super().__init__(journal, kinds, self._due_calls, self._time, case.workers)
        self.cache = _StubCache(case)
        self.entries: list[Entry] = []
        self._since: dict[tuple[int, int], float] = {}  # when an attempt began that was cut off, by task and number
        self._adopted: dict[int, int] = {}  # attempts that outlived their owner, with the token they carry
        self.listen(self)

    # -- listener -----------------------------------------------------------------------------------

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take note of what was committed; where a person was asked, let them decide in time."""
        self.entries += entries
        for entry in entries:
            for task, _, reason in entry.moves:
                if reason == WAITING_FOR_PERSON:
                    self._let_decide(task, self._time.now())

    def _let_decide(self, task: int, asked_at: float) -> None:
        node = self.runs[RUN].nodes[task]
        given = chosen(self._case.stubs.find(node.id), 1)  # no task asks twice
        action = "approve" if given.get("approved", True) else "reject"
        request = Request(f"answer to {node.id}", RUN, action, node.id, given.get("by", _BY), given.get("note"))
        due = asked_at + duration(node, given)
        self._due_calls.call_at(max(due, self._time.now()), lambda: _forget(self.request(request)))

    # -- attempts -----------------------------------------------------------------------------------

    def _script(self, spec: AttemptSpec) -> Stub:
        run = self.runs[spec.run]
        own = run.tasks[spec.task.index].family
        if own is not None and own.batch and _BATCH not in (self._case.stubs.name_for(spec.task.id) or ""):
            stub = self._of_batch(run, own.batch, spec)
        else:
            stub = stub_of(spec.task, spec.action, chosen(self._case.stubs.find(spec.task.id), spec.number))
        since = self._since.pop((spec.task.index, spec.number), None)
        if since is None or self._is_overdue(spec, stub):
            return stub
        return stub._replace(seconds=max(0.0, since + stub.seconds - self._time.now()))

    def _is_overdue(self, spec: AttemptSpec, stub: Stub) -> bool:
        """Whether an attempt is ended for being too slow, which a shorter one would not be."""
        return spec.task.timeout is not None and stub.seconds >= spec.task.timeout

    def _of_batch(self, run: Run, gathered: list[tuple[int, int]], spec: AttemptSpec) -> Stub:
        """Make the answer of a batch of what its instances would give."""
        stubs = []
        for index, number in gathered:
            node = run.nodes[index]
            stubs.append(stub_of(node, spec.action, chosen(self._case.stubs.find(node.id), number)))
        parts = [{"ok": False, "error": each.error} if each.error else _good(each.result) for each in stubs]
        seconds = max(each.seconds for each in stubs)
        return stub_of(spec.task, spec.action, {"seconds": seconds, "json": parts})

    def ended(self, run: str, attempt: int, end: Ended) -> None:
        """Take the end of an attempt, whichever owner began it."""
        token = self._adopted.pop(attempt, None)
        if token is None:
            super().ended(run, attempt, end)
        elif self._active.pop((run, attempt), None) is not None:
            self.put(run, AttemptEnded(end.at, attempt, token, *end[1:]), urgent=True)

    # -- the drive ----------------------------------------------------------------------------------

    def _is_time(self) -> bool:
        return bool(self._inbox) or super()._is_time()  # nothing is gained by company here

    def drive(self) -> None:
        """Work until the run is final.

        Raises:
            StubNeeded: a task began that has outputs without defaults, and no stub.
            UnspoolError: nothing will ever happen again, which is a fault of the engine.
        """
        self.step()
        while not self.runs[RUN].is_final or self._inbox:
            before = self._time.now()
            try:
                self.reactor.wait(self._patience())
            except RuntimeError:
                raise UnspoolError("the rehearsed run waits for something that never comes") from None
            if self._time.now() == before:  # what is due now, but for a rounding, is due soon
                self._time.moment = math.nextafter(before, math.inf)
            self.step()

    def take_over(self, run: Run, before: Sequence[Entry]) -> None:
        """Go on with a run where another owner left it, as `unspool resume` does.

        What was under way begins again and ends when it would have ended, so that only states are compared, not
        times. A task with `on_crash: fail` would fail; its attempt is taken to live on.
        """
        self.secrets = {}
        _prepare_secrets(self, run.plan)
        now = self._time.now()
        admitted = {entry.event.attempt: entry.event.at for entry in before if isinstance(entry.event, TaskAdmitted)}
        orders = {
            command.attempt: command
            for entry in before
            for command in entry.commands
            if isinstance(command, StartAttempt)
        }
        facts: list[Event] = []
        for fact in losses(run, self.journal.epoch, now):
            attempt = run.attempts[fact.attempt] if isinstance(fact, AttemptLost) else None
            if isinstance(fact, AttemptLost) and attempt is not None:
                self._since[attempt.task, attempt.number] = admitted[fact.attempt]
                if run.nodes[attempt.task].on_crash == "fail":
                    self._adopted[fact.attempt] = attempt.token
                    continue
            facts.append(fact)
        self.open(run)
        for fact in facts:
            self.put(run.id, fact, urgent=True)
        for number in list(self._adopted):
            self._active[run.id, number] = self._kind
            self._kind.start(self._spec(run, orders[number]), self)
        for task in run.tasks:
            if task.reason == WAITING_FOR_PERSON:
                self._let_decide(task.index, now if task.started_at is None else task.started_at)


class _Talkative(StubKind):
    """Attempts that write all the time: none is ended for its silence, unless a stub says that it was."""

    def last_output(self, run: str, attempt: int) -> float | None:
        """Give the moment at which the attempt will end: until then it is not silent."""
        live = self._live.get((run, attempt))
        return None if live is None else live[3] + live[2].seconds


class _StubCache:
    """Knows the results of which the stubs say that the cache knows them."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def look(self, workflow: str, spec: AttemptSpec) -> dict[str, Any] | None:
        """Give what an earlier attempt collected; None where the attempt must be made."""
        given = chosen(self._case.stubs.find(spec.task.id), spec.number)
        return reused(spec.task, spec.action, given) if given.get("cached") else None

    def ended(self, run: str, attempt: int, end: Ended) -> None:
        """Take no note."""

    def keep(self, run: str, attempt: int) -> None:
        """Keep nothing."""

    def settle(self) -> None:
        """Nothing was kept."""


def play(plan: Plan, case: Case) -> Played:
    """Play a case to its end.

    Raises:
        StubNeeded: a task began that has outputs without defaults, and no stub.
    """
    journal = MemoryJournal()
    host = RehearsedHost(case, journal, case.start)
    _prepare_secrets(host, plan)
    if plan.idle is None:  # nobody comes to close an open run
        plan = replace(plan, idle=0.0)
    run = host.begin(RunStarted(case.start, RUN, plan_to_json(plan), case.inputs, _SEED, {}, "", plan.hash))
    host.drive()
    return Played(run, host.entries, list(journal.read(RUN)))


def _good(result: dict[str, Any] | None) -> dict[str, Any]:
    from unspool.core.results import result_view

    return {"ok": True, "value": result_view(result or {}, None, None)["json"]}


def _prepare_secrets(host: LocalHost, plan: Plan) -> None:
    """Give stand-ins for secrets, of which none is read."""
    if plan.secrets:
        from unspool.host.secrets import RunSecrets

        host.secrets[RUN] = RunSecrets({name: f"stand-in for {name}" for name in plan.secrets}, "")


def _forget(_answer: str) -> None:
    """Who decided too late hears nothing of it."""

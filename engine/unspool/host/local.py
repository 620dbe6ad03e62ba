"""The host of this machine: takes what happened, applies it, commits it, and carries the orders out."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from unspool.core.admission import Admission
from unspool.core.book import IDLE_TIMER
from unspool.core.pools import AHEAD_HORIZON, Pool
from unspool.core.run import Run
from unspool.errors import SpawnError
from unspool.host.ports import Clock, Journal, Listener, Reactor, Request, RequestSpool, ResultCache, TaskKind, View
from unspool.model.commands import (
    CancelTimer,
    Command,
    FinishRun,
    KeepResult,
    ReleaseAdmission,
    RequestAdmission,
    SetTimer,
    StartAttempt,
    StopAttempt,
    WithdrawRequest,
)
from unspool.model.entry import Entry
from unspool.model.events import (
    AttemptEnded,
    AttemptStarted,
    CancelRequested,
    Event,
    PersonDecided,
    RunClosed,
    RunStarted,
    TaskAdmitted,
    TaskSubmitted,
    TimerFired,
)
from unspool.model.plan_json import resources_from_json
from unspool.model.status import WAITING_FOR_PERSON
from unspool.tasks.attempt import AttemptSpec, Ended

if TYPE_CHECKING:
    from unspool.host.secrets import RunSecrets

LINGER = 0.01  # seconds a fact may wait for company before it is committed, while every slot is busy
IDLE_LINGER = 0.002  # the same while a slot is idle, but all that could use it waits for a pool
BATCH = 64  # facts after which nothing waits any more
AHEAD_MOST = 64
_ACTIONS = ("cancel", "approve", "reject", "submit", "close")  # that others may ask for
SPOOL_PERIOD = 0.5  # seconds between looks for requests whose wake-up call went missing


class LocalHost:
    """Drives any number of runs in one thread.

    A fact is first put into the inbox. `step` applies what lies there, appends it in one transaction
    and only then carries out what follows. A fact waits there for company while every slot is busy:
    one sync then serves many. So that a freed slot need not wait for a sync either, the intents of
    the next attempts are committed ahead, as long as attempts are short.
    """

    def __init__(
        self,
        journal: Journal,
        kinds: Mapping[str, TaskKind],
        reactor: Reactor,
        clock: Clock,
        slots: int,
        spool: RequestSpool | None = None,
    ) -> None:
        self.journal = journal
        self.kinds = kinds
        self.reactor = reactor
        self.clock = clock
        self.admission = Admission(slots)
        self.runs: dict[str, Run] = {}
        self.secrets: dict[str, RunSecrets] = {}  # of those runs that declare any
        self.cache: ResultCache | None = None  # what tasks that name a `cache` use
        self._spool = spool
        self._spool_due = 0.0
        self._answers: list[tuple[str, str]] = []  # to requests whose facts are not committed yet
        self._listeners: list[Listener] = []
        self._view: View | None = None
        self._view_due = 0.0
        self._inbox: list[tuple[str, Event]] = []
        self._oldest = 0.0  # when the first fact of the inbox came
        self._urgent = False
        self._entries: list[Entry] = []
        self._orders: list[tuple[str, Command]] = []
        self._intents: deque[tuple[str, StartAttempt]] = deque()  # committed, not begun
        self._active: dict[tuple[str, int], TaskKind] = {}
        self._begun: dict[tuple[str, int], AttemptStarted] = {}  # starts the journal has not been told of
        self._timers: list[tuple[float, str, str]] = []
        self._due: dict[tuple[str, str], float] = {}
        self._grant_due: float | None = None  # when something that waits for a resource can go by itself
        self._mean = 1.0  # seconds an attempt takes, lately

    # -- for those who own the host ---------------------------------------------------------------

    def listen(self, listener: Listener) -> None:
        """Tell a listener of all that is committed from now on."""
        self._listeners.append(listener)

    def show(self, view: View) -> None:
        """Let a view draw from now on, whenever it wants to and there is nothing else to do."""
        self._view = view

    def open(self, run: Run) -> None:
        """Take a run over in the state it is in, with what is outstanding in it."""
        self.runs[run.id] = run
        self.admission.open(run.id, run.plan.concurrency, run.plan.resources)
        self._obey(run.id, run.outstanding(), self.clock.now())
        self._urgent = True

    def begin(self, event: RunStarted) -> Run:
        """Start a run."""
        run = self.runs[event.run] = Run()
        self.admission.open(event.run, event.plan["concurrency"], resources_from_json(event.plan["resources"]))
        self.put(event.run, event, urgent=True)
        return run

    def put(self, run: str, event: Event, *, urgent: bool = False) -> None:
        """Hand a fact in; an urgent one does not wait for company."""
        if not self._inbox:
            self._oldest = self.clock.now()
        self._inbox.append((run, event))
        self._urgent = self._urgent or urgent

    def request(self, request: Request) -> str:
        """Turn a request into a fact, and give the answer for whoever sent it."""
        return self._take(request)

    def drive(self) -> None:
        """Work until every run is final.

        Raises:
            JournalError: a commit failed. The host has stopped; whatever runs is not known any more.
        """
        self.step()
        while not all(run.is_final for run in self.runs.values()) or self._inbox:
            self.reactor.wait(self._patience())
            self.step()

    def step(self) -> None:
        """Do everything that can be done without waiting."""
        self._take_requests()
        self._fire_timers()
        self._fill_slots()
        while self._is_time():
            self._commit()
            self._fill_slots()  # what follows begins before anybody is told what was
            self._tell()
        if self._answers:
            self._tell()
        if self._view is not None and self.clock.now() >= self._view_due:
            self._view_due = self._view.draw(self.clock.now())

    # -- Sink: task kinds report here -------------------------------------------------------------

    def ended(self, run: str, attempt: int, end: Ended) -> None:
        """Take the end of an attempt."""
        kind = self._active.pop((run, attempt), None)
        if kind is None:
            return
        self._begun.pop((run, attempt), None)
        self.admission.ended(run, attempt, end.at)
        if run in self.secrets:
            end = self.secrets[run].ended(end)
        if self.cache is not None:
            self.cache.ended(run, attempt, end)
        if end.started_at is not None:
            self._mean += 0.2 * (end.at - end.started_at - self._mean)
        self.put(run, AttemptEnded(end.at, attempt, self.journal.epoch, *end[1:]))

    # -- the tick: apply, append, carry out -------------------------------------------------------

    def _is_time(self) -> bool:
        """Whether to commit now: a slot is idle, the facts have waited or gathered enough, or something is due."""
        now = self.clock.now()
        if self._urgent or self._ripe(now) or (self._grant_due is not None and now >= self._grant_due):
            return True
        if not self._inbox:
            return False
        return len(self._inbox) >= BATCH or now >= self._oldest + self._linger()

    def _linger(self) -> float:
        """How long a fact waits for company."""
        if len(self._active) >= self.admission.slots:
            return LINGER
        return IDLE_LINGER if self._intents else 0.0

    def _ripe(self, now: float) -> bool:
        """Whether an attempt has run long enough for its start to be worth a commit of its own."""
        return bool(self._begun) and now >= next(iter(self._begun.values())).at + LINGER

    def _commit(self) -> None:
        now = self.clock.now()
        self._urgent = False
        facts, self._inbox = self._inbox, []
        if self._ripe(now):
            facts += self._starts(now)
        for run, event in facts:
            self._apply(run, event)
        ahead = (
            min(AHEAD_MOST, int(AHEAD_HORIZON / self._mean * self.admission.slots)) if self._mean > 0 else AHEAD_MOST
        )
        waiting = 0 if len(self._active) >= self.admission.slots else len(self._intents)
        while grants := self.admission.grant(now, ahead, waiting):
            for run, task, attempt, leases in grants:
                self._apply(run, TaskAdmitted(now, task, attempt, self.journal.epoch, leases))
        self._grant_due = self.admission.due(now, waiting)
        if self._entries:
            self.journal.append(self._entries)
        orders, self._orders = self._orders, []
        for run, order in orders:
            self._carry_out(run, order)
        if self.cache is not None:
            self.cache.settle()

    def _starts(self, now: float) -> list[tuple[str, Event]]:
        ripe = [key for key, begun in self._begun.items() if now >= begun.at + LINGER]
        return [(key[0], self._begun.pop(key)) for key in ripe]

    def _apply(self, run_id: str, event: Event) -> None:
        run = self.runs[run_id]
        commands = run.apply(event)
        self._entries.append(Entry(run_id, event, commands, run.moves))
        self._obey(run_id, commands, event.at)

    def _obey(self, run: str, commands: tuple[Command, ...], at: float) -> None:
        """Pass on what admission decides; keep the rest until it is committed."""
        for command in commands:
            kind = type(command)
            if kind is RequestAdmission:
                uses = self.runs[run].nodes[command.task].uses  # type: ignore[union-attr]
                self.admission.ask(run, command.task, command.attempt, command.priority, at, uses)  # type: ignore[union-attr]
            elif kind is ReleaseAdmission:
                self.admission.release(run, command.attempt, at, command.outcome)  # type: ignore[union-attr]
            elif kind is WithdrawRequest:
                self.admission.withdraw(run, command.attempt)  # type: ignore[union-attr]
            else:
                self._orders.append((run, command))

    def _tell(self) -> None:
        entries, self._entries = self._entries, []
        for listener in self._listeners:
            listener.heard(entries)
        if self._spool is not None:
            for request, text in self._answers:
                refused = (run.refusals.get(request) for run in self.runs.values())
                self._spool.answer(request, next(filter(None, refused), text))
            self._answers.clear()

    # -- orders -----------------------------------------------------------------------------------

    def _carry_out(self, run: str, command: Command) -> None:
        if isinstance(command, StartAttempt):
            self._intents.append((run, command))
        elif isinstance(command, SetTimer):
            if self.runs[run].timers.get(command.timer) != command.due:
                return  # it has gone with what was applied since
            self._due[run, command.timer] = command.due
            heapq.heappush(self._timers, (command.due, run, command.timer))
        elif isinstance(command, CancelTimer):
            self._due.pop((run, command.timer), None)
        elif isinstance(command, StopAttempt):
            self._stop(run, command)
        elif isinstance(command, KeepResult):
            if self.cache is not None:
                self.cache.keep(run, command.attempt)
        elif isinstance(command, FinishRun):
            self.admission.close(run)

    def _fill_slots(self) -> None:
        waiting: list[tuple[str, StartAttempt]] = []
        passed: set[Pool] = set()
        while self._intents and len(self._active) < self.admission.slots:
            run, intent = self._intents.popleft()
            if self.admission.begin(run, intent.attempt, passed):
                self._start(run, intent)
            else:
                waiting.append((run, intent))
        self._intents.extendleft(reversed(waiting))

    def _start(self, run_id: str, intent: StartAttempt) -> None:
        spec = self._spec(self.runs[run_id], intent)
        kind = self.kinds[spec.task.kind]
        key = (run_id, intent.attempt)
        if self.cache is not None and spec.task.cache is not None and self._reuse(spec, intent):
            return
        self._active[key] = kind
        at = self.clock.now()
        try:
            record = kind.start(spec, self)
        except SpawnError as problem:
            del self._active[key]
            end = Ended(self.clock.now(), None, {"class": "spawn_failed", "message": str(problem)})
            if run_id in self.secrets:
                end = self.secrets[run_id].ended(end)
            self.put(run_id, AttemptEnded(end.at, intent.attempt, intent.token, *end[1:]))
            return
        if key in self._active:
            self._begun[key] = AttemptStarted(at, intent.attempt, intent.token, record)

    def _reuse(self, spec: AttemptSpec, intent: StartAttempt) -> bool:
        """Answer an attempt from the cache, if that has an answer."""
        found = None if self.cache is None else self.cache.look(self.runs[spec.run].plan.name, spec)
        if found is None:
            return False
        end = AttemptEnded(self.clock.now(), intent.attempt, intent.token, None, None, found, None, cached=True)
        self.put(spec.run, end)
        return True

    def _spec(self, run: Run, intent: StartAttempt) -> AttemptSpec:
        task = run.nodes[intent.tasks[0]]
        resolved: dict[str, Any] | None = intent.spec
        env = run.environment(task, resolved)
        action = task.action if resolved is None else resolved
        mask = private = None
        if run.id in self.secrets:
            secrets = self.secrets[run.id]
            env, mask, private = secrets.variables(task, env), secrets.mask, secrets.private
            action = secrets.headers(task, action)
        return AttemptSpec(
            run.id,
            intent.attempt,
            intent.number,
            f"{run.id}/{task.id}",
            task,
            action,
            env,
            run.working_folder(task, resolved),
            mask,
            private,
        )

    def _stop(self, run: str, command: StopAttempt) -> None:
        kind = self._active.get((run, command.attempt))
        if kind is not None:
            kind.stop(run, command.attempt, command.mode)
            return
        for entry in self._intents:  # committed ahead and not begun: it ends here and now
            if entry[0] == run and entry[1].attempt == command.attempt:
                self._intents.remove(entry)
                self.put(run, AttemptEnded(self.clock.now(), command.attempt, entry[1].token), urgent=True)
                return

    # -- time and requests ------------------------------------------------------------------------

    def _fire_timers(self) -> None:
        if not self._timers:
            return
        now = self.clock.now()
        while self._timers and self._timers[0][0] <= now:
            due, run, timer = heapq.heappop(self._timers)
            if self._due.get((run, timer)) != due:
                continue
            if timer.startswith(IDLE_TIMER) and (later := self._silent_until(run, timer)) > now:
                self._due[run, timer] = later
                heapq.heappush(self._timers, (later, run, timer))
                continue
            del self._due[run, timer]
            self.put(run, TimerFired(now, timer), urgent=True)

    def _silent_until(self, run: str, timer: str) -> float:
        """Give the moment at which an attempt will have been silent for too long, if it writes nothing until then."""
        number = int(timer.removeprefix(IDLE_TIMER))
        tells = getattr(self._active.get((run, number)), "last_output", None)
        last: float | None = None if tells is None else tells(run, number)
        attempt = self.runs[run].attempts.get(number)
        if last is None or attempt is None:
            return 0.0
        return last + (self.runs[run].nodes[attempt.task].idle_timeout or 0.0)

    def _patience(self) -> float | None:
        """How long nothing needs to be done unless somebody calls."""
        now = self.clock.now()
        while self._timers and self._due.get(self._timers[0][1:]) != self._timers[0][0]:
            heapq.heappop(self._timers)
        moments = [self._timers[0][0]] if self._timers else []
        if self._inbox:
            moments.append(self._oldest + self._linger())
        if self._begun:
            moments.append(next(iter(self._begun.values())).at + LINGER)
        if self._grant_due is not None:
            moments.append(self._grant_due)
        if self._spool is not None:
            moments.append(self._spool_due)
        if self._view is not None:
            moments.append(self._view_due)
        return max(0.0, min(moments) - now) if moments else None

    def _take_requests(self) -> None:
        if self._spool is None or self.clock.now() < self._spool_due:
            return
        self._spool_due = self.clock.now() + SPOOL_PERIOD
        self._answers += [(request.id, self._take(request)) for request in self._spool.take()]

    def look_for_requests(self) -> None:
        """Somebody called: look into the spool at the next step."""
        self._spool_due = 0.0

    def _take(self, request: Request) -> str:
        """Turn a request into a fact; give the answer for whoever sent it."""
        run = self.runs.get(request.run)
        if run is None:
            return f"run {request.run} is not here"
        if request.action not in _ACTIONS:
            return f"this version of unspool does not know the request {request.action!r}"
        if request.action == "submit":
            return self._submit(run, request)
        if request.action == "close":
            self.put(request.run, RunClosed(self.clock.now(), request.id, request.by), urgent=True)
            return "ok"
        index = None
        if request.task is not None:
            if not run.state:
                return f"run {request.run} is only just beginning; ask again"
            index = next((node.index for node in run.nodes if node.id == request.task and node.is_shown), None)
            if index is None:
                return f"run {request.run} has no task {request.task!r}"
        if request.action == "cancel":
            self.put(request.run, CancelRequested(self.clock.now(), request.id, index, request.by), urgent=True)
            return "ok"
        return self._decide(run, request, index)

    def _submit(self, run: Run, request: Request) -> str:
        """Hand on what somebody asks to add; whether that can be is said once it has been applied."""
        names = {node.id: node.index for node in run.nodes if node.inputs is not None and node.template}
        if request.task not in names:
            return f"run {request.run} has no template {request.task!r}"
        given = request.given or {}
        asked = TaskSubmitted(self.clock.now(), request.id, names[request.task], request.key, given, request.by)
        self.put(request.run, asked, urgent=True)
        return "ok"

    def _decide(self, run: Run, request: Request, index: int | None) -> str:
        """Hand on what a person has decided."""
        if index is None:
            return "say which task is meant"
        if run.tasks[index].reason != WAITING_FOR_PERSON:
            return f"task {request.task!r} of run {run.id} does not wait for a person: it is {run.tasks[index].state}"
        approved = request.action == "approve"
        decided = PersonDecided(self.clock.now(), request.id, index, approved, request.by, request.note)
        self.put(run.id, decided, urgent=True)
        return "ok"

"""The state machine of one run: `Run.apply(event) -> commands` is the only way to change it."""

from __future__ import annotations

from typing import Any

from unspool.core.context import Context
from unspool.core.edges import edges_of
from unspool.core.ending import Ending
from unspool.core.limits import RUN_TIMER
from unspool.core.policies import MAX_RECOVERIES
from unspool.core.results import (
    Failure,
    check_end,
    failure,
)
from unspool.core.reuse import check_reused
from unspool.core.state import TaskRun
from unspool.errors import ExpressionError, IllegalEvent
from unspool.model import status
from unspool.model.commands import (
    Command,
    FinishRun,
    RequestAdmission,
    SetTimer,
    StartAttempt,
    StopAttempt,
)
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    Event,
    OwnerChanged,
    PersonDecided,
    RunClosed,
    RunStarted,
    TaskAdmitted,
    TaskSubmitted,
    TimerFired,
)
from unspool.model.plan import Task
from unspool.model.plan_json import plan_from_json
from unspool.model.status import (
    CANCELLED,
    COMPLETED,
    CREATED,
    FAILED,
    SKIPPED,
)


class Run(Ending):
    """The state of one run.

    Reading its attributes is free to all; nothing but `apply` changes them. An event that cannot
    happen raises `IllegalEvent` and leaves everything as it was; one that says again what is known,
    or comes from an owner or an attempt that is over, gives `()`.

    The cost of an event is that of its task's dependents, however large the run is; only a cancel
    of the whole run visits all tasks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.id = ""
        self.epoch = 1
        self.inputs: dict[str, Any] = {}
        self.folder = ""
        self.started_at = 0.0

    # -- the contract ---------------------------------------------------------------------------

    def apply(self, event: Event) -> tuple[Command, ...]:
        """Take one fact and return the orders that follow from it.

        Raises:
            IllegalEvent: this cannot happen here; nothing has changed.
        """
        if not self.state and type(event) is not RunStarted:
            raise IllegalEvent(f"{type(event).__name__} before RunStarted")
        name = _HANDLERS.get(type(event))
        if name is None:
            raise IllegalEvent(f"{type(event).__name__} is not an event of a run")
        self._out = []
        self.moves = []
        self._at = event.at
        getattr(self, name)(event)
        self._draw_conclusions()
        return tuple(self._out)

    def _draw_conclusions(self) -> None:
        """Do what follows from the ends of tasks, until nothing does."""
        while self._settled or self._doomed or self._stand_ins or (self.rollbacks and self._can_advance()):
            self._tell_dependents()
            if self._stand_ins:
                self._begin_stand_ins()
            if self.rollbacks:
                self._advance_rollbacks()
        if not self.open and self.completed_at is None and self.state:
            self._close()
        if self.door >= 0:
            self._watch_door()
        while not self.attempts and self._is_stuck():
            self._give_up()  # once for the tasks, and once for `finally`

    @property
    def is_final(self) -> bool:
        """Whether every task is final and the verdict stands."""
        return self.completed_at is not None

    def outstanding(self) -> tuple[Command, ...]:
        """Give the orders that have had no answer yet, oldest first: what a new owner takes up."""
        orders: list[Command] = []
        for number, attempt in sorted(self.attempts.items()):
            if not attempt.admitted:
                orders.append(RequestAdmission(attempt.task, number, self.nodes[attempt.task].priority))
        orders += [SetTimer(timer, due) for timer, due in self.timers.items()]
        if self.is_final:
            orders.append(FinishRun(self.state, self.reason))
        return tuple(orders)

    def environment(self, task: Task, spec: dict[str, Any] | None) -> dict[str, str]:
        """Give the variables that the document and the task add, the task's own last."""
        document: dict[str, str] = self._seen().base["env"]
        own: dict[str, str] = task.env if spec is None else spec["env"]
        return {**document, **own} if own else document

    def working_folder(self, task: Task, spec: dict[str, Any] | None) -> str:
        """Give the absolute folder a task runs in: `cwd`, counted from the document's folder."""
        cwd: str | None = task.cwd if spec is None else spec["cwd"]
        if cwd is None:
            return self.folder
        return cwd if cwd.startswith("/") else f"{self.folder}/{cwd}"

    # -- events ---------------------------------------------------------------------------------

    def _on_run_started(self, event: RunStarted) -> None:
        if self.state:
            if event.run == self.id:
                return
            raise IllegalEvent(f"run {self.id} is already started")
        try:
            plan = plan_from_json(event.plan)
            edges = edges_of(plan)
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            raise IllegalEvent(f"the plan of run {event.run} cannot be read: {problem}") from None
        self.id, self.plan, self.seed, self.inputs, self.folder = (
            event.run,
            plan,
            event.seed,
            event.inputs,
            event.folder,
        )
        self.state, self.started_at = status.RUNNING, event.at
        self.nodes = list(plan.tasks)
        self.tasks = [TaskRun(task.index, len(task.needs)) for task in plan.tasks]
        self._edges = edges
        self.closing = sum(node.closing and not node.template for node in plan.tasks)
        self.open = sum(not node.template for node in plan.tasks) - self.closing
        about = {"id": event.run, "name": plan.name, "started_at": event.at}
        try:
            self._context = Context(plan, about, event.inputs, self.nodes, self.tasks)
        except ExpressionError as problem:
            self.error = failure(status.EXPRESSION_ERROR, f"env: {problem}")
            self._stop_run(FAILED, status.EXPRESSION_ERROR)
            return
        self._limit()
        for task in plan.tasks:
            if task.needs or task.template or task.closing:
                continue
            if self.tasks[task.index].state == CREATED:  # the one before may have aborted the run
                self._consider(task.index)

    def _on_task_admitted(self, event: TaskAdmitted) -> None:
        attempt = self._attempt(event.attempt)
        if attempt is None or attempt.admitted or event.token < self.epoch:
            return
        if attempt.task != event.task:
            raise IllegalEvent(f"attempt {event.attempt} is of task {attempt.task}, not of {event.task}")
        attempt.admitted, attempt.token, attempt.leases = True, event.token, event.leases
        self.asking -= 1
        task = self.nodes[attempt.task]
        spec = None
        if task.dynamic:
            from unspool.core.evaluation import build_spec

            try:
                local = self._local(attempt.task)
                if event.leases is not None:
                    local = {**(local or {}), "lease": event.leases}
                spec = build_spec(task, self._seen(), local, fresh=self.tasks[task.index].fresh)
            except ExpressionError as problem:
                self._close_attempt(event.attempt, attempt)
                self._fail(attempt.task, failure(status.EXPRESSION_ERROR, str(problem)), {})
                return
        self._out.append(StartAttempt(event.attempt, (attempt.task,), event.token, attempt.number, spec))

    def _on_attempt_started(self, event: AttemptStarted) -> None:
        attempt = self._live(event.attempt, event.token)
        if attempt is None or attempt.started_at is not None:
            return
        self._begin(attempt, event.at)
        if attempt.stop is None:
            self._bound_attempt(event.attempt, attempt)

    def _on_attempt_ended(self, event: AttemptEnded) -> None:
        attempt = self._live(event.attempt, event.token)
        if attempt is None:
            return
        check_end(event, began=attempt.started_at is not None, stopped=attempt.stop is not None)
        index = attempt.task
        if event.cached:
            check_reused(event, self.nodes[index], began=attempt.started_at is not None)
        if attempt.started_at is None and event.started_at is not None:
            self._begin(attempt, event.started_at)
        task = self.tasks[index]
        duration = None if attempt.started_at is None else max(0.0, event.at - attempt.started_at)
        task.running_s += duration or 0.0
        if event.usage:
            task.use(event.usage)
        if attempt.stop is not None and attempt.stop not in status.OVERDUE:
            self._close_attempt(event.attempt, attempt)
            self._settle(index, CANCELLED, attempt.stop)
            return
        if event.cached:
            self._close_attempt(event.attempt, attempt)
            self._reuse(index, attempt, event)
            return
        self._judge_attempt(index, attempt, event, duration)
        if self.tasks[index].state == COMPLETED:
            self._keep(index, event.attempt)

    def _on_attempt_lost(self, event: AttemptLost) -> None:
        attempt = self._live(event.attempt, event.token)
        if attempt is None:
            return
        index = attempt.task
        task = self.tasks[index]
        self._close_attempt(event.attempt, attempt)
        if attempt.stop is not None and attempt.stop not in status.OVERDUE:
            self._settle(index, CANCELLED, attempt.stop)
            return
        if self.nodes[index].on_crash == "fail":
            self._fail(index, failure(status.ENGINE_CRASHED, "the engine died while this task ran"), {})
            return
        task.recoveries += 1
        if task.recoveries > MAX_RECOVERIES:
            message = f"the engine died {task.recoveries} times while this task ran"
            self._fail(index, failure(status.CRASH_LIMIT, message), {}, attempt.number)
            return
        self._ask(index, attempt.number, again=True)

    def _on_timer_fired(self, event: TimerFired) -> None:
        if self.timers.pop(event.timer, None) is None:
            return
        kind, _, key = event.timer.partition(":")
        if kind in _WAKES:
            getattr(self, _WAKES[kind])(int(key))
        elif kind == "retry":
            index, _, number = key.partition(".")
            self._ask(int(index), int(number))
        elif kind in ("timeout", "idle"):
            why = status.TIMEOUT if kind == "timeout" else status.IDLE_TIMEOUT
            self._stop_attempt(int(key), self.attempts[int(key)], why)
        elif event.timer == RUN_TIMER:
            self._run_out_of_time()
        else:
            attempt = self.attempts[int(key)]
            attempt.forced = True
            self._out.append(StopAttempt(int(key), "forced"))

    def _on_cancel_requested(self, event: CancelRequested) -> None:
        if event.task is not None:
            self._check_task(event.task)
        if event.request in self._requests:
            return
        self._requests.add(event.request)
        if self.is_final:
            return
        if event.task is not None:
            self._cancel_task(event.task, status.BY_PERSON)
        else:
            self._cancel_run(event.by)

    def _on_owner_changed(self, event: OwnerChanged) -> None:
        self.epoch = max(self.epoch, event.epoch)

    # -- starts ---------------------------------------------------------------------------------

    def _consider(self, index: int) -> None:
        """Enough dependencies are final: skip the task, fail it, or begin it."""
        task, node = self.tasks[index], self.nodes[index]
        if node.closing and self.state != status.FINISHING:
            return  # all it waits for was cancelled before its time
        if node.shielded and self._is_held(index):
            return
        if task.unmet and not self._can_be_met(index):
            self._settle(index, SKIPPED, status.DEPENDENCY_NOT_MET)
            return
        verdict = True if node.when is None or self._asks_each(node) else self._evaluate(node.when, index)
        if verdict is True:
            self._begin_task(index, node)
        elif verdict is False:
            self._settle(index, SKIPPED, status.WHEN_FALSE)
        else:
            self._fail(index, verdict, {})

    def _asks_each(self, node: Task) -> bool:
        return node.fan_out is not None and node.fan_out.when_each

    def _begin_task(self, index: int, node: Task) -> None:
        if node.peers:
            self._close_template(index)
        elif node.fan_out is not None:
            self._fan_out(index)
        elif node.kind in _WITHOUT_ATTEMPT:
            getattr(self, _WITHOUT_ATTEMPT[node.kind])(index)
        else:
            self._ask(index, 1)

    def _evaluate(self, when: str, index: int) -> bool | Failure:
        from unspool.core.evaluation import evaluate_when

        return evaluate_when(when, self._seen(), self._local(index), self.nodes[index].scope)

    def _seen(self) -> Context:
        if self._context is None:
            raise IllegalEvent("the environment of this run cannot be evaluated")
        return self._context


# Kinds that the run carries out by itself, and how.
_WITHOUT_ATTEMPT = {"gate": "_open_gate", "group": "_close_group", "wait": "_wait", "approval": "_ask_person"} | {
    "door": "_open_door"
}
# Timers of tasks without an attempt, and what their end means.
_WAKES = {
    "wait": "_wait_over",
    "approval": "_nobody_decided",
    "span": "_span_over",
    "batch": "_launch",
    "door": "_close_door",
}

_HANDLERS: dict[type, str] = {
    RunStarted: "_on_run_started",
    TaskAdmitted: "_on_task_admitted",
    AttemptStarted: "_on_attempt_started",
    AttemptEnded: "_on_attempt_ended",
    AttemptLost: "_on_attempt_lost",
    TimerFired: "_on_timer_fired",
    CancelRequested: "_on_cancel_requested",
    PersonDecided: "_on_person_decided",
    TaskSubmitted: "_on_task_submitted",
    RunClosed: "_on_run_closed",
    OwnerChanged: "_on_owner_changed",
}

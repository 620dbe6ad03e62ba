"""The state machine of one run: `Run.apply(event) -> commands` is the only way to change it."""

from __future__ import annotations

from typing import Any

from unspool.core.book import TIMEOUT_TIMER, Book
from unspool.core.context import Context
from unspool.core.edges import TOLERATED, edges_of, met
from unspool.core.policies import MAX_RECOVERIES, chance, decide_retry
from unspool.core.results import (
    Failure,
    OutputError,
    check_end,
    failure,
    judge,
    known_outputs,
    read_outputs,
    result_view,
)
from unspool.core.state import Attempt, TaskRun
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
    RunStarted,
    TaskAdmitted,
    TimerFired,
)
from unspool.model.plan import Task, plan_from_json
from unspool.model.status import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CREATED,
    FAILED,
    SKIPPED,
)


class Run(Book):
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
        self.state = ""  # empty before RunStarted
        self.reason: str | None = None
        self.seed = 0
        self.epoch = 1
        self.inputs: dict[str, Any] = {}
        self.folder = ""
        self.started_at = 0.0
        self.completed_at: float | None = None
        self.outputs: dict[str, Any] = {}
        self.failed = 0  # tasks that failed untolerated
        self.error: dict[str, Any] | None = None  # of the run itself, before any task of it
        self._requests: set[str] = set()
        self._verdict = ""  # what a run that is being ended will have been
        self._edges: list[list[tuple[int, str]]] = []  # of each task: who waits for it, and for which state
        self._context: Context | None = None

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
        if self._settled or self._doomed:
            self._tell_dependents()
        if not self.open and self.completed_at is None and self.state:
            self._finish()
        return tuple(self._out)

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
        self.open = len(self.tasks)
        about = {"id": event.run, "name": plan.name, "started_at": event.at}
        try:
            self._context = Context(plan, about, event.inputs, self.tasks)
        except ExpressionError as problem:
            self.error = failure(status.EXPRESSION_ERROR, f"env: {problem}")
            self._stop_run(FAILED, status.EXPRESSION_ERROR)
            return
        for task in plan.tasks:
            if not task.needs and self.tasks[task.index].state == CREATED:  # the one before may have aborted the run
                self._consider(task.index)

    def _on_task_admitted(self, event: TaskAdmitted) -> None:
        attempt = self._attempt(event.attempt)
        if attempt is None or attempt.admitted or event.token < self.epoch:
            return
        if attempt.task != event.task:
            raise IllegalEvent(f"attempt {event.attempt} is of task {attempt.task}, not of {event.task}")
        attempt.admitted, attempt.token, attempt.leases = True, event.token, event.leases
        task = self.nodes[attempt.task]
        spec = None
        if task.dynamic:
            from unspool.core.evaluation import build_spec

            try:
                spec = build_spec(task, self._seen(), event.leases)
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
        task = self.nodes[attempt.task]
        if task.timeout is not None and attempt.stop is None:
            self._set_timer(f"{TIMEOUT_TIMER}{event.attempt}", event.at + task.timeout)

    def _on_attempt_ended(self, event: AttemptEnded) -> None:
        attempt = self._live(event.attempt, event.token)
        if attempt is None:
            return
        check_end(event, began=attempt.started_at is not None, stopped=attempt.stop is not None)
        if attempt.started_at is None and event.started_at is not None:
            self._begin(attempt, event.started_at)
        index = attempt.task
        task = self.tasks[index]
        duration = None if attempt.started_at is None else max(0.0, event.at - attempt.started_at)
        task.running_s += duration or 0.0
        if event.usage:
            task.use(event.usage)
        if attempt.stop is not None and attempt.stop != status.TIMEOUT:
            self._close_attempt(event.attempt, attempt)
            self._settle(index, CANCELLED, attempt.stop)
            return
        self._judge(index, attempt, event, duration)

    def _on_attempt_lost(self, event: AttemptLost) -> None:
        attempt = self._live(event.attempt, event.token)
        if attempt is None:
            return
        index = attempt.task
        task = self.tasks[index]
        self._close_attempt(event.attempt, attempt)
        if attempt.stop is not None and attempt.stop != status.TIMEOUT:
            self._settle(index, CANCELLED, attempt.stop)
            return
        task.recoveries += 1
        if task.recoveries > MAX_RECOVERIES:
            message = f"the engine died {task.recoveries} times while this task ran"
            self._fail(index, failure(status.CRASH_LIMIT, message), {}, attempt.number)
            return
        self._ask(index, attempt.number)

    def _on_timer_fired(self, event: TimerFired) -> None:
        if self.timers.pop(event.timer, None) is None:
            return
        kind, _, key = event.timer.partition(":")
        if kind == "retry":
            index, _, number = key.partition(".")
            self._ask(int(index), int(number))
        elif kind == "timeout":
            self._stop_attempt(int(key), self.attempts[int(key)], status.TIMEOUT)
        else:
            attempt = self.attempts[int(key)]
            attempt.forced = True
            self._out.append(StopAttempt(int(key), "forced"))

    def _on_cancel_requested(self, event: CancelRequested) -> None:
        if event.task is not None and not 0 <= event.task < len(self.tasks):
            raise IllegalEvent(f"the plan has no task {event.task}")
        if event.request in self._requests:
            return
        self._requests.add(event.request)
        if self.is_final:
            return
        if event.task is not None:
            self._cancel_task(event.task, status.BY_PERSON)
        elif self.state != CANCELLING:
            self._stop_run(CANCELLED, status.INTERRUPTED if event.by == "interrupt" else status.BY_PERSON)
        elif event.by == "interrupt":
            self._force_all()

    def _on_owner_changed(self, event: OwnerChanged) -> None:
        self.epoch = max(self.epoch, event.epoch)

    def _judge(self, index: int, attempt: Attempt, event: AttemptEnded, duration: float | None) -> None:
        """Order of an attempt's end: result, success_when, outputs, then retry or the final state."""
        plan, task = self.nodes[index], self.tasks[index]
        task.attempts = attempt.number
        error = event.error
        if attempt.stop == status.TIMEOUT:
            error = failure(status.TIMEOUT, f"it ran longer than {plan.timeout:g} s")
        collected = event.result or {}
        view = result_view(collected, error, duration)
        if plan.success_when is not None:
            own = {"result": view, "attempt": attempt.number}
            try:
                error = judge(plan, view, self._seen().of_expression(plan.success_when, own))
            except ExpressionError as problem:
                error = failure(status.EXPRESSION_ERROR, f"success_when: {problem}")
        if error is None:
            try:
                task.outputs = read_outputs(plan, collected, view)
            except OutputError as problem:
                error = failure(status.OUTPUT_INVALID, str(problem))
        outcome = status.OK if error is None else error["class"]
        self._close_attempt(event.attempt, attempt, None if attempt.started_at is None else outcome)
        if error is None:
            task.result, task.error = view, None
            self._settle(index, COMPLETED, None)
            return
        self._fail(index, error, collected, attempt.number, view)

    def _fail(
        self,
        index: int,
        error: Failure,
        collected: dict[str, Any],
        number: int = 0,
        view: dict[str, Any] | None = None,
    ) -> None:
        plan, task = self.nodes[index], self.tasks[index]
        task.error = error
        if number and error["class"] != status.CRASH_LIMIT and self.state == status.RUNNING:
            draw = chance(self.seed, plan.id, number)
            delay = decide_retry(plan.retry, number, error, collected.get("exit_code"), draw)
            if delay is not None:
                self._retry(index, number + 1, delay)
                return
        if view is not None:
            view["error"] = error
            task.result = view
        task.outputs = known_outputs(plan, collected, view or result_view(collected, error, None))
        self._settle(index, FAILED, error["class"])
        if plan.on_failure == "skip":
            return
        self.failed += 1
        if plan.on_failure == "abort":
            self._stop_run(FAILED, status.RUN_ABORTED)

    # -- dependencies ---------------------------------------------------------------------------

    def _tell_dependents(self) -> None:
        while self._settled or self._doomed:
            if self._doomed:
                self._pass_cancel_on(self._doomed.pop())
            else:
                self._pass_end_on(self._settled.pop())

    def _pass_cancel_on(self, index: int) -> None:
        """Cancel what needed a task that can no longer start; the rest waits until all above it is final."""
        for dependent, wanted in self._edges[index]:
            if self.tasks[dependent].state == CREATED and not met(wanted, CANCELLED):
                self._settle(dependent, CANCELLED, status.DEPENDENCY_FAILED)

    def _pass_end_on(self, index: int) -> None:
        done = self.tasks[index]
        tolerated = done.state == FAILED and self.nodes[index].on_failure == "skip"
        for dependent, wanted in self._edges[index]:
            task = self.tasks[dependent]
            task.waiting -= 1
            if task.state == CREATED:
                self._count(dependent, task, wanted, TOLERATED if tolerated else done.state)
            elif not task.waiting:
                self._settled.append(dependent)

    def _count(self, dependent: int, task: TaskRun, wanted: str, outcome: str) -> None:
        if not met(wanted, outcome):
            task.unmet += 1
            if outcome in (CANCELLED, FAILED):
                self._settle(dependent, CANCELLED, status.DEPENDENCY_FAILED)
                return
        if task.waiting == 0:
            self._consider(dependent)

    def _consider(self, index: int) -> None:
        """All dependencies are final: skip the task, fail it, or ask for its first attempt."""
        task = self.tasks[index]
        if task.unmet:
            self._settle(index, SKIPPED, status.DEPENDENCY_NOT_MET)
            return
        when = self.nodes[index].when
        verdict = True if when is None else self._evaluate(when)
        if verdict is True:
            self._ask(index, 1)
        elif verdict is False:
            self._settle(index, SKIPPED, status.WHEN_FALSE)
        else:
            self._fail(index, verdict, {})

    def _evaluate(self, when: str) -> bool | Failure:
        from unspool.core.evaluation import evaluate_when

        return evaluate_when(when, self._seen())

    # -- ends -----------------------------------------------------------------------------------

    def _stop_run(self, state: str, reason: str) -> None:
        """Begin to end everything; `state` is the verdict that it leads to."""
        if self.state != status.RUNNING:
            return
        self.state = CANCELLING
        self.reason = reason
        self._verdict = state
        why = status.RUN_ABORTED if state == FAILED else reason
        for index in range(len(self.tasks)):
            self._cancel_task(index, why)

    def _finish(self) -> None:
        self.completed_at = self._at
        if self.state == CANCELLING:
            self.state = self._verdict
        elif self.failed:
            self.state, self.reason = FAILED, status.TASK_FAILED
        elif self.cancelled:
            self.state, self.reason = CANCELLED, status.BY_PERSON
        else:
            self.state = COMPLETED
        self.outputs = {name: self._output(value) for name, value in self.plan.outputs.items()}
        self._out.append(FinishRun(self.state, self.reason))

    def _output(self, value: Any) -> Any:
        """Evaluate one output of the run; what it needs may be absent, and it is null then."""
        if self._context is None:
            return None
        from unspool import expr  # a run without expressions needs none of it

        try:
            return expr.render(value, self._context.of(value))
        except ExpressionError:
            return None

    def _seen(self) -> Context:
        if self._context is None:
            raise IllegalEvent("the environment of this run cannot be evaluated")
        return self._context


_HANDLERS: dict[type, str] = {
    RunStarted: "_on_run_started",
    TaskAdmitted: "_on_task_admitted",
    AttemptStarted: "_on_attempt_started",
    AttemptEnded: "_on_attempt_ended",
    AttemptLost: "_on_attempt_lost",
    TimerFired: "_on_timer_fired",
    CancelRequested: "_on_cancel_requested",
    OwnerChanged: "_on_owner_changed",
}

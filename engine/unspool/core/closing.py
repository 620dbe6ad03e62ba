"""How a run ends: cancelled or by itself, with a verdict, and `finally` after it."""

from __future__ import annotations

from typing import Any

from unspool.core.context import Context
from unspool.core.limits import RUN_TIMER
from unspool.core.results import failure
from unspool.core.undoing import Undoing
from unspool.errors import ExpressionError
from unspool.model import status
from unspool.model.commands import FinishRun
from unspool.model.status import CANCELLED, CANCELLING, COMPLETED, CREATED, FAILED, FINAL_STATES, FINISHING, QUEUED

_MOST_NAMED = 5


class Closing(Undoing):
    """Ends a run, with what it was."""

    def __init__(self) -> None:
        super().__init__()
        self.state = ""  # empty before RunStarted
        self.reason: str | None = None
        self.error: dict[str, Any] | None = None  # of the run itself, where no task tells it
        self.completed_at: float | None = None
        self.outputs: dict[str, Any] = {}
        self.failed = 0  # tasks that failed untolerated
        self.finally_failed = False
        self.door = -1  # the node that keeps the run open, once it does
        self._verdict = ""  # what a run that is being ended will have been
        self._context: Context | None = None

    def _cancel_run(self, by: str) -> None:
        self._interrupts += by == "interrupt"
        if self.state == status.RUNNING:
            self._stop_run(CANCELLED, status.INTERRUPTED if by == "interrupt" else status.BY_PERSON)
        elif by == "interrupt" and (self.state == CANCELLING or self._interrupts > 1):
            if self._interrupts > 1:
                self._end_closing(status.INTERRUPTED)
                self._end_rollbacks()
            self._force_all()

    def _end_closing(self, reason: str) -> None:
        """Cancel `finally`: somebody will not even wait for it, or nothing in it can be evaluated."""
        for node in self.nodes[:]:
            if (node.closing or node.shielded) and not node.template:
                self._cancel_task(node.index, reason)

    def _stop_run(self, state: str, reason: str) -> None:
        """Begin to end everything; `state` is the verdict that it leads to."""
        if self.state != status.RUNNING:
            return
        self.state = CANCELLING
        self.reason = reason
        self._verdict = state
        why = status.RUN_TIMEOUT if reason == status.TIMEOUT else status.RUN_ABORTED if state == FAILED else reason
        for index, node in enumerate(self.nodes[:]):
            family = self.tasks[index].family
            is_exempt = node.template or node.closing or node.shielded
            if not is_exempt and (family is None or family.undoes < 0):
                self._cancel_task(index, why)

    def _close(self) -> None:
        """All tasks are final: say what the run was, let `finally` run, and end."""
        if self.state != FINISHING:
            self._cancel_timer(RUN_TIMER)
            verdict, self.reason = self._find_verdict()
            self._verdict = verdict
            self.state = FINISHING
            self._begin_closing({"state": verdict, "reason": self.reason})
        if not self.closing:
            self._finish()

    def _is_stuck(self) -> bool:
        """Whether a run without attempts waits for nothing that could come, but for its own time to be over."""
        has_timer = len(self.timers) > (RUN_TIMER in self.timers)
        return not has_timer and self.completed_at is None and not self._is_asking() and not self._is_held_open()

    def _is_held_open(self) -> bool:
        """Whether the run waits for tasks from outside."""
        return self.door >= 0 and self.tasks[self.door].state == QUEUED

    def _give_up(self) -> None:
        """Nothing is under way and nothing can come, yet the run has not ended: a fault of the engine, told as such.

        What is left is cancelled. `finally` still runs, unless it is what cannot go on.
        """
        left = [
            index
            for index, task in enumerate(self.tasks)
            if task.state not in FINAL_STATES and not self.nodes[index].template
        ]
        is_closing = self.state == FINISHING
        stuck = [index for index in left if is_closing or not self.nodes[index].closing]
        names = ", ".join(self.nodes[index].id for index in stuck[:_MOST_NAMED]) or "no task"
        message = f"{names} could never start or end, which is a fault of unspool; please report it with the document"
        self.error = failure(status.INTERNAL_ERROR, message)
        for index in stuck:
            self._settle(index, CANCELLED, status.INTERNAL_ERROR)
        for forgotten in (self._settled, self._doomed, self._stand_ins, self.rollbacks, self._held):
            forgotten.clear()
        if is_closing:
            self.closing, self.finally_failed = 0, True
            self._finish()
            return
        self.open, self.state = 0, CANCELLING
        self._verdict, self.reason = FAILED, status.INTERNAL_ERROR
        self._close()

    def _find_verdict(self) -> tuple[str, str | None]:
        if self.state == CANCELLING:
            refused = self.refused if self._verdict == FAILED else None
            return self._verdict, refused or self.reason
        if self.rollback_failed:
            return FAILED, status.ROLLBACK_FAILED
        if self.failed:
            return FAILED, self.refused or status.TASK_FAILED
        if self.cancelled:
            return CANCELLED, status.BY_PERSON
        return COMPLETED, None

    def _begin_closing(self, verdict: dict[str, Any]) -> None:
        if not self.closing:
            return
        if self._context is None:
            self._end_closing(status.EXPRESSION_ERROR)
            self._tell_dependents()
            return
        if self._interrupts > 1:
            self._end_closing(status.INTERRUPTED)
        local = {"run": {**self._context.base["run"], **verdict}}
        for node in self.plan.tasks:
            if node.closing:
                self.tasks[node.index].local = local
        for node in self.plan.tasks:
            task = self.tasks[node.index]
            if node.closing and not node.template and not task.waiting and task.state == CREATED:
                self._consider(node.index)
        self._tell_dependents()

    def _finish(self) -> None:
        self.completed_at = self._at
        self.state = self._verdict
        if self.finally_failed and self.reason is None:
            self.reason = status.FINALLY_FAILED
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

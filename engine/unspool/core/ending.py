"""How a task ends: its result, its verdict, and what follows: another attempt, its rules, its `on_failure`."""

from __future__ import annotations

from typing import Any

from unspool.core.edges import hurts
from unspool.core.policies import chance, decide_retry
from unspool.core.results import (
    Failure,
    OutputError,
    failure,
    judge,
    known_outputs,
    overdue,
    read_outputs,
    result_view,
)
from unspool.core.rules import Ruling
from unspool.core.state import Attempt
from unspool.errors import ExpressionError
from unspool.model import status
from unspool.model.events import AttemptEnded
from unspool.model.status import CANCELLED, COMPLETED, FAILED, UNTOLERABLE


class Ending(Ruling):
    """Decides what became of a task whose attempt has ended, or that needed none.

    Order: result, `success_when`, outputs; if failed, `retry`; then rules, then `on_failure`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seed = 0

    def _judge_attempt(self, index: int, attempt: Attempt, event: AttemptEnded, duration: float | None) -> None:
        plan, task = self.nodes[index], self.tasks[index]
        task.attempts = attempt.number
        error = event.error
        if attempt.stop is not None:
            error = overdue(plan, attempt.stop)
        collected = event.result or {}
        error, view = self._find_verdict_of(index, collected, error, duration, attempt.number)
        outcome = status.OK if error is None else error["class"]
        self._close_attempt(event.attempt, attempt, None if attempt.started_at is None else outcome)
        self._end_task(index, collected, error, view, attempt.number)

    def _judge(self, index: int, collected: dict[str, Any], error: Failure | None, duration: float | None) -> None:
        """End a task that needed no attempt."""
        error, view = self._find_verdict_of(index, collected, error, duration)
        self._end_task(index, collected, error, view)

    def _find_verdict_of(
        self, index: int, collected: dict[str, Any], error: Failure | None, duration: float | None, number: int = 0
    ) -> tuple[Failure | None, dict[str, Any]]:
        """Order of a task's end: result, success_when, outputs; then follows retry or the final state."""
        plan, task = self.nodes[index], self.tasks[index]
        view = result_view(collected, error, duration, plan.kind)
        task.interpretation = None  # that of the attempt before
        if plan.interpret is not None:
            try:
                found = self._interpretation(index, view)["interpretation"]
                self._spend(index, found.get("cost_usd"), found.get("tokens"))
            except ExpressionError as problem:
                return failure(status.EXPRESSION_ERROR, str(problem)), view
        if plan.success_when is not None:
            try:
                own = {**(self._local(index) or {}), "result": view, "attempt": number}
                own |= self._interpretation(index, view)
                error = judge(plan, view, self._seen().of_expression(plan.success_when, own, plan.scope))
            except ExpressionError as problem:
                error = failure(status.EXPRESSION_ERROR, f"success_when: {problem}")
        if error is None:
            try:
                task.outputs = read_outputs(plan, collected, view)
            except OutputError as problem:
                error = failure(status.OUTPUT_INVALID, str(problem))
        return error, view

    def _end_task(
        self, index: int, collected: dict[str, Any], error: Failure | None, view: dict[str, Any], number: int = 0
    ) -> None:
        if error is not None:
            self._fail(index, error, collected, number, view)
        else:
            self._complete(index, view, number)

    def _complete(self, index: int, view: dict[str, Any], number: int, reason: str | None = None) -> None:
        """A task has succeeded, as far as its rules have nothing else to say."""
        task = self.tasks[index]
        task.result, task.error = view, None
        if not self.nodes[index].rules:
            self._settle(index, COMPLETED, reason)
            return
        verdict = self._follow_rules(index, view, None, number)
        if verdict.again is not None:
            self._try_again(index, number, verdict.again)
        elif verdict.error is None:
            self._settle(index, COMPLETED, reason)
        else:
            view["error"] = task.error = verdict.error
            self._end_failed(index, verdict.error)
        if verdict.cancels:
            self._stop_run(CANCELLED, status.BY_RULE)

    def _try_again(self, index: int, number: int, delay: float) -> None:
        """A rule asks for another attempt: what this one gave is forgotten."""
        task = self.tasks[index]
        task.outputs = task.result = None
        task.fresh = True
        self._retry(index, number + 1, delay)

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
        if number and error["class"] != status.CRASH_LIMIT and self._may_retry(index):
            draw = chance(self.seed, plan.id, number)
            before = 0 if task.family is None else task.family.before
            elapsed = task.elapsed(self._at)
            delay = decide_retry(plan.retry, number - before, error, collected, draw, elapsed)
            if delay is not None:
                self._retry(index, number + 1, delay)
                return
            if plan.rollback is not None and plan.rollback[0] == "retry" and self._undo_and_retry(index):
                return
        shown = result_view(collected, error, None, plan.kind) if view is None else view
        task.outputs = known_outputs(plan, collected, shown)
        cancels = False
        if plan.rules and plan.fan_out is None and error["class"] not in UNTOLERABLE:
            shown["error"] = error
            verdict = self._follow_rules(index, shown, error, number)
            if verdict.again is not None:
                self._try_again(index, number, verdict.again)
                return
            error, cancels = verdict.error or error, verdict.cancels
            task.error = error
        if view is not None:
            view["error"] = error
            task.result = view
        self._end_failed(index, error)
        if cancels:
            self._stop_run(CANCELLED, status.BY_RULE)

    def _end_failed(self, index: int, error: Failure) -> None:
        """A task has failed for good: let another stand in for it, or do what else its `on_failure` says."""
        plan, task = self.nodes[index], self.tasks[index]
        if plan.substitute is not None and self._may_substitute(index, error["class"]):
            problem = self._substitute(index)
            if problem is None:
                return
            task.error = error = problem
        if error["class"] in UNTOLERABLE and not plan.closing:
            self.refused = self.refused or error["class"]
        self._settle(index, FAILED, error["class"])
        self._answer_failure(index)

    def _may_retry(self, index: int) -> bool:
        """Whether anything may begin again: not in a run that is being ended, but for what ends it."""
        if self.state == status.RUNNING or self._interrupts > 1:
            return self.state == status.RUNNING
        family = self.tasks[index].family
        return self.nodes[index].closing or (family is not None and family.undoes >= 0)

    def _answer_failure(self, index: int) -> None:
        """Do what `on_failure` says, now that a task has failed for good."""
        plan = self.nodes[index]
        if plan.closing:
            self.finally_failed = True
        if not hurts(plan, self.tasks[index]):
            return
        self.failed += not plan.scope
        if plan.on_failure == "abort":
            self._stop_run(FAILED, status.RUN_ABORTED)
        elif plan.rollback is not None and plan.rollback[0] == "cancel":
            self._roll_back(index)

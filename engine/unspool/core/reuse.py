"""Results of earlier attempts that stand in for one: whether they do, and the order to keep what may do so later."""

from __future__ import annotations

from typing import Any

from unspool.core.context import Context
from unspool.core.limits import Limited
from unspool.core.results import OutputError, judge, read_outputs, result_view
from unspool.core.state import Attempt
from unspool.errors import ExpressionError, IllegalEvent
from unspool.model import status
from unspool.model.commands import KeepResult
from unspool.model.events import AttemptEnded
from unspool.model.plan import Task


def check_reused(event: AttemptEnded, task: Task, *, began: bool) -> None:
    """Refuse a result that cannot have come from the cache, before anything changes.

    Raises:
        IllegalEvent: the task has no `cache`, or something of the attempt ran.
    """
    if task.cache is None:
        raise IllegalEvent(f"attempt {event.attempt} cannot be answered by the cache: {task.id} does not use it")
    if began or event.started_at is not None or event.error is not None:
        raise IllegalEvent(f"attempt {event.attempt} began or failed, so it was not answered by the cache")
    duration = (event.result or {}).get("duration")
    if isinstance(duration, bool) or not isinstance(duration, int | float | None) or not (duration or 0) >= 0:
        raise IllegalEvent(f"the end of attempt {event.attempt} cannot be read: duration is {duration!r}")


class Reusing(Limited):
    """The books of a run whose tasks may be answered by the cache."""

    def _reuse(self, index: int, attempt: Attempt, event: AttemptEnded) -> None:
        """Complete a task without an attempt; where the result does not do (any more), have the attempt made.

        `success_when` may ask for other things than it did when the result was kept.
        """
        plan, task = self.nodes[index], self.tasks[index]
        collected = event.result or {}
        view = result_view(collected, None, collected.get("duration"), plan.kind)
        error, outputs = None, None
        try:
            if plan.success_when is not None:
                own = {**(self._local(index) or {}), "result": view, "attempt": attempt.number}
                own |= self._interpretation(index, view)
                error = judge(plan, view, self._seen().of_expression(plan.success_when, own, plan.scope))
            outputs = read_outputs(plan, collected, view)
        except (ExpressionError, OutputError):
            outputs = None
        if error is not None or outputs is None:
            task.fresh = True
            self._ask(index, attempt.number, again=True)
            return
        task.outputs = outputs
        self._complete(index, view, attempt.number, status.CACHED)

    def _interpretation(self, index: int, view: dict[str, Any]) -> dict[str, Any]:
        """Give what a task's interpreter makes of its result, by name."""
        raise NotImplementedError

    def _complete(self, index: int, view: dict[str, Any], number: int, reason: str | None = None) -> None:
        """End a task that has succeeded."""
        raise NotImplementedError

    def _keep(self, index: int, attempt: int) -> None:
        """A task has completed by an attempt of its own: others may be spared one."""
        if self.nodes[index].cache is not None:
            self._out.append(KeepResult(attempt, index))

    def _local(self, index: int) -> dict[str, Any] | None:
        """Give what only the expressions of this task see."""
        raise NotImplementedError

    def _seen(self) -> Context:
        """Give what expressions may see."""
        raise NotImplementedError

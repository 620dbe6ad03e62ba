"""What the limits of a run forbid: that it lasts for too long, that too many of its attempts wait at once."""

from __future__ import annotations

from typing import Any

from unspool.core.book import IDLE_TIMER, TIMEOUT_TIMER, Book
from unspool.core.results import Failure, failure
from unspool.core.state import Attempt
from unspool.model import status

RUN_TIMER = "run:timeout"  # the whole run has taken too long


class Limited(Book):
    """The books of a run whose document bounds it."""

    state: str
    error: dict[str, Any] | None
    refused: str | None = None  # which bound a task of it met first: a full queue, or too many tasks

    def _limit(self) -> None:
        """The run begins: from now on its time counts."""
        if self.plan.run_timeout is not None:
            self._set_timer(RUN_TIMER, self._at + self.plan.run_timeout)

    def _bound_attempt(self, number: int, attempt: Attempt) -> None:
        """An attempt has begun: it may take so long, and be silent for so long."""
        task, began = self.nodes[attempt.task], attempt.started_at or self._at
        if task.timeout is not None:
            self._set_timer(f"{TIMEOUT_TIMER}{number}", began + task.timeout)
        if task.idle_timeout is not None:
            self._set_timer(f"{IDLE_TIMER}{number}", began + task.idle_timeout)

    def _run_out_of_time(self) -> None:
        """`limits.timeout` is over: end all that is left, unless that is being done."""
        if self.state != status.RUNNING:
            return
        message = (
            f"the run took longer than `limits.timeout` allows ({self.plan.run_timeout:g} s); raise it or remove it"
        )
        self.error = failure(status.TIMEOUT, message)
        self._stop_run(status.FAILED, status.TIMEOUT)

    def _ask(self, index: int, number: int, *, again: bool = False) -> None:
        """Ask admission, or end the task where as many requests wait as `limits.queue` allows.

        An attempt that is asked for `again` had its place in the queue before: a crash costs no task its life.
        What undoes something or closes the run is never refused.
        """
        if again or not self._is_bounded(index):
            super()._ask(index, number)
            return
        spent = self._overspent()
        if spent is not None:
            self._fail(index, failure(status.BUDGET_EXHAUSTED, spent), {})
            return
        if self.plan.queue is None or self.asking < self.plan.queue:
            super()._ask(index, number)
            return
        message = (
            f"{self.asking} attempts of the run wait to start already, and `limits.queue` allows no more; "
            "raise it, or let fewer tasks become ready at once"
        )
        self._fail(index, failure(status.QUEUE_FULL, message), {})

    def _spend(self, index: int, cost_usd: float | None, tokens: int | None) -> None:
        """Charge what an attempt cost, as far as its result tells."""
        self.tasks[index].spend(cost_usd, tokens)
        self.cost_usd = round(self.cost_usd + (cost_usd or 0.0), 9)
        self.tokens += tokens or 0

    def _overspent(self) -> str | None:
        """Say which budget is used up, None where none is."""
        dollars, tokens = self.plan.max_cost_usd, self.plan.max_tokens
        if dollars is not None and self.cost_usd >= dollars:
            return f"the run has cost ${self.cost_usd:g}; `limits.max_cost_usd` is {dollars:g}"
        if tokens is not None and self.tokens >= tokens:
            return f"the run has used {self.tokens:,} tokens; `limits.max_tokens` is {tokens:,}"
        return None

    def _is_bounded(self, index: int) -> bool:
        family = self.tasks[index].family
        return not self.nodes[index].closing and (family is None or family.undoes < 0)

    def _fail(self, index: int, error: Failure, collected: dict[str, Any]) -> None:
        """End a task, or ask for another attempt."""
        raise NotImplementedError

    def _stop_run(self, state: str, reason: str) -> None:
        """Begin to end everything."""
        raise NotImplementedError

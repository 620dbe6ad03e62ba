"""What the limits of a run forbid: that it lasts for too long."""

from __future__ import annotations

from typing import Any

from unspool.core.book import Book
from unspool.core.results import failure
from unspool.model import status

RUN_TIMER = "run:timeout"  # the whole run has taken too long


class Limited(Book):
    """The books of a run whose document bounds it."""

    state: str
    error: dict[str, Any] | None

    def _limit(self) -> None:
        """The run begins: from now on its time counts."""
        if self.plan.run_timeout is not None:
            self._set_timer(RUN_TIMER, self._at + self.plan.run_timeout)

    def _run_out_of_time(self) -> None:
        """`limits.timeout` is over: end all that is left, unless that is being done."""
        if self.state != status.RUNNING:
            return
        message = (
            f"the run took longer than `limits.timeout` allows ({self.plan.run_timeout:g} s); raise it or remove it"
        )
        self.error = failure(status.TIMEOUT, message)
        self._stop_run(status.FAILED, status.TIMEOUT)

    def _stop_run(self, state: str, reason: str) -> None:
        """Begin to end everything."""
        raise NotImplementedError

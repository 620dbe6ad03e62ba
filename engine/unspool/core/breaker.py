"""A circuit breaker: keeps attempts away from what fails again and again, and tries it from time to time."""

from __future__ import annotations

from math import inf

from unspool.model.plan import Breaker
from unspool.model.status import OK

# Error classes that tell of the thing itself; any other tells of what was asked of it.
COUNTED = frozenset(("rate_limit", "timeout", "connection", "server"))


class Circuit:
    """One breaker and the state it is in: closed, open, or half open.

    Every change of state begins a new `era`. An attempt that was let through in an earlier one tells of
    a state that is over, so that its end changes nothing.
    """

    __slots__ = ("_count", "_probed", "_rule", "era", "state", "until")

    def __init__(self, rule: Breaker) -> None:
        self._rule = rule
        self.state = "closed"
        self.until = -inf  # while it is open: the moment it lets the first one through
        self.era = 0
        self._count = 0  # closed: failures in a row; half open: successes
        self._probed = False  # half open: the one attempt is under way

    def moment(self) -> float:
        """Give the moment from which it lets an attempt through: in the past, to come, or not before a release."""
        return inf if self._probed else self.until

    @property
    def lets_one_through(self) -> bool:
        """Whether it lets through one attempt at a time, not any number."""
        return self.state != "closed"

    def enter(self) -> int:
        """Let an attempt through and give the era it belongs to; only from its `moment` on."""
        if self.state == "open":
            self._change("half_open")
        self._probed = self.state == "half_open"
        return self.era

    def leave(self, era: int, at: float, outcome: str | None) -> None:
        """Take note of how an attempt ended: `ok`, its error class, or None where it says nothing."""
        if era != self.era:
            return
        self._probed = False
        if outcome in COUNTED:
            self._failed(at)
        elif self.state == "closed":
            self._count = self._count if outcome is None else 0
        elif outcome == OK:
            self._count += 1
            if self._count >= self._rule.successes:
                self._change("closed")

    def _failed(self, at: float) -> None:
        self._count += 1
        if self.state == "half_open" or self._count >= self._rule.failures:
            self._change("open")
            self.until = at + self._rule.reset_after

    def _change(self, state: str) -> None:
        self.state = state
        self.era += 1
        self._count = 0
        self.until = -inf

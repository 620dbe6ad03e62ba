"""What tasks share, in a simulated schedule: how much is free, and when there will be tokens."""

from __future__ import annotations

from math import ceil, inf

from unspool.analysis.critical_path import MICROSECONDS
from unspool.model.plan import Plan, Resource


class Stocks:
    """The resources of a plan, and the different combinations of them that its tasks use.

    Attributes:
        signatures: each combination once, as pairs of a stock and a count; the first is of nothing.
        signature: of each task, the number of its combination.
    """

    def __init__(self, plan: Plan) -> None:
        stocks = {resource.name: _Stock(resource) for resource in plan.resources}
        numbers: dict[tuple[tuple[str, int], ...], int] = {(): 0}
        self.signature = [numbers.setdefault(task.uses, len(numbers)) for task in plan.tasks]
        self.signatures = [[(stocks[name], count) for name, count in uses] for uses in numbers]

    def moment(self, signature: int) -> float:
        """Give the microsecond from which this could be taken; infinity where something must be given back first."""
        return max((stock.moment(count) for stock, count in self.signatures[signature]), default=0)

    def take(self, signature: int, now: int) -> None:
        """Take what a combination holds; only from its `moment` on."""
        for stock, count in self.signatures[signature]:
            stock.take(count, now)

    def give_back(self, signature: int) -> None:
        """Give back what a combination holds, save its tokens."""
        for stock, count in self.signatures[signature]:
            stock.free += count


class _Stock:
    """One resource. Its breaker stays closed, since every task completes."""

    def __init__(self, resource: Resource) -> None:
        bounds = [resource.slots, None if resource.items is None else len(resource.items)]
        self.free: float = min((bound for bound in bounds if bound is not None), default=inf)
        self._rate = resource.rate
        self._since = 0  # when all tokens were there
        self._taken = 0  # since then

    def moment(self, count: int) -> float:
        if self.free < count:
            return inf
        return 0 if self._rate is None else self._refilled(self._taken + count - self._rate[0], self._rate)

    def take(self, count: int, now: int) -> None:
        self.free -= count
        if self._rate is not None:
            if now >= self._refilled(self._taken, self._rate):
                self._since, self._taken = now, 0
            self._taken += count

    def _refilled(self, tokens: int, rate: tuple[int, float]) -> int:
        """Give the microsecond at which so many tokens have come anew."""
        return self._since + ceil(tokens * rate[1] * MICROSECONDS / rate[0])

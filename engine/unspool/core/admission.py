"""Who may start: slots and shared resources given out by priority, with ageing, for all runs of one host.

A pure machine of its own. Runs ask; what it grants becomes a TaskAdmitted in that run's journal, so
a replay of one run never depends on another.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heapreplace
from math import inf
from typing import Any, NamedTuple

from unspool.core.lines import Candidate, Queue, Turn, Uses
from unspool.core.pools import Pool, hold_apart, identity
from unspool.model.plan import Resource

KEPT = 1000  # pools that no open run knows and whose tokens and failures are remembered nevertheless


class Grant(NamedTuple):
    """A place given to an attempt of a run, with the items that it leases, by resource."""

    run: str
    task: int
    attempt: int
    leases: dict[str, Any] | None = None


class Admission:
    """Gives `slots` places, and what else they use, to the requests of all runs.

    A request's rank is the moment it was made plus one ageing period for each class below
    `critical`; idle ones come after all others. That order never changes while it waits, so a heap
    serves: after 60 s a task stands before everything that arrives then in the class above its own.
    Equal ranks go by attempt number.

    What a request uses it gets all at once, or waits without holding anything, and whoever can go
    before it does. So that it does not wait for ever, resources are kept for it in the end: see `Turn`.
    Resources of the same name and definition are one pool for all runs.
    """

    def __init__(self, slots: int) -> None:
        if slots < 1:
            raise ValueError("admission needs at least one slot")
        self.slots = slots
        self._held = 0
        self._opened = 0
        self._runs: dict[str, Queue] = {}
        self._pools: dict[str, Pool] = {}
        self._idle_pools: dict[str, Pool] = {}  # that no open run knows, oldest first

    @property
    def free(self) -> int:
        """How many slots nobody holds."""
        return self.slots - self._held

    @property
    def waiting(self) -> int:
        """How many requests have not been granted."""
        return sum(len(queue.asked) for queue in self._runs.values())

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools that open runs know."""
        return tuple(self._pools.values())

    def open(self, run: str, limit: int | None = None, resources: Iterable[Resource] = ()) -> None:
        """Let a run ask; `limit` bounds how many of its attempts hold a place at once."""
        if run in self._runs:
            return
        self._opened += 1
        pools = {resource.name: self._pool(resource) for resource in resources}
        self._runs[run] = Queue(self._opened, limit, pools)

    def close(self, run: str) -> None:
        """Forget a run and take back all it held."""
        queue = self._runs.pop(run, None)
        if queue is None:
            return
        self._held -= len(queue.held)
        for hold in queue.held.values():
            if hold is not None:
                hold.give_back(0.0, None)
        for pool in queue.pools.values():
            self._leave(pool)

    def ask(self, run: str, task: int, attempt: int, priority: int, at: float, uses: Uses = ()) -> None:
        """Queue a request; asking twice for one attempt changes nothing.

        Args:
            run: an open run.
            task: index of the task.
            attempt: number of the attempt, unique in the run.
            priority: index in `PRIORITIES`.
            at: when it is made.
            uses: names of the run's resources and how many of each; no more than there are.
        """
        queue = self._runs[run]
        if attempt not in queue.asked and attempt not in queue.held:
            queue.put(task, attempt, priority, at, uses)

    def withdraw(self, run: str, attempt: int) -> None:
        """Forget a request that was not granted yet."""
        queue = self._runs.get(run)
        if queue is not None:
            queue.asked.discard(attempt)

    def release(self, run: str, attempt: int, at: float = 0.0, outcome: str | None = None) -> None:
        """Take back a place and what was used; giving back what is not held changes nothing.

        Args:
            run: the run.
            attempt: the number it asked with.
            at: when the attempt ended.
            outcome: how, for the circuit breakers: `ok`, its error class, or None where that says nothing.
        """
        queue = self._runs.get(run)
        if queue is not None and attempt in queue.held:
            self._held -= 1
            hold = queue.held.pop(attempt)
            if hold is not None:
                hold.give_back(at, outcome)

    def begin(self, run: str, attempt: int, passed: set[Pool]) -> bool:
        """Whether an attempt that was granted may begin: it may not where it was ahead of what it uses.

        Args:
            run: the run.
            attempt: the number it asked with.
            passed: pools that some attempt waits for; to be empty when the host looks at its first one.
        """
        held = self._runs[run].held
        hold = held.get(attempt)
        if hold is None:
            return True
        begun = hold.begin(passed)
        if begun is not None:
            held[attempt] = begun
        return begun is not None

    def ended(self, run: str, attempt: int, at: float) -> None:
        """An attempt uses nothing any more; what was granted ahead may begin before the run is told of it."""
        queue = self._runs.get(run)
        hold = None if queue is None else queue.held.get(attempt)
        if queue is not None and hold is not None:
            queue.held[attempt] = hold.end(at)

    def grant(self, now: float, ahead: int = 0, waiting: int = 0) -> list[Grant]:
        """Give out what is free, best first.

        `ahead` places beyond the slots may be given too, for a host that commits the intent of what
        comes next before a slot is free; it must not start more than `slots` at once. Of pools too, more
        may be granted ahead than they have: the host asks `begin` before it starts one. `waiting` is how
        many of those it has that could not begin though a slot was free: they fill none.

        Cost: O(runs x combinations of resources) for a call, and a logarithm for each grant.
        """
        grants: list[Grant] = []
        room = self.slots + ahead + waiting - self._held
        candidates = self._candidates() if room > 0 else []
        turn = Turn(now, ahead)
        while candidates and len(grants) < room:
            first = candidates[0]
            most = turn.most(first.line, room - len(grants))
            if most > 0:
                first.line.spend(_serve(first, most, min(candidates[1:3], default=None), grants), now)
                best = first.line.best()
            else:
                turn.pass_over(first.line)
                best = None
            if best is None:
                heappop(candidates)
            else:
                heapreplace(candidates, first._replace(rank=best))
        self._held += len(grants)
        return grants

    def due(self, now: float, waiting: int = 0) -> float | None:
        """Give the earliest moment at which something that waits could be granted though nobody releases anything.

        A moment in the past means now; None that only a release can help. To be asked after `grant`, with the same
        `waiting`.
        """
        if not self._pools or self._held - waiting >= self.slots:
            return None
        earliest = inf
        turn = Turn(now)
        for candidate in sorted(self._candidates()):
            earliest = min(earliest, turn.moment(candidate.line))
            turn.pass_over(candidate.line)
        return None if earliest == inf else earliest

    def _candidates(self) -> list[Candidate]:
        """Give the best request of every line, as a heap."""
        found = []
        for name, queue in self._runs.items():
            if queue.asked:
                for line in (queue.plain, *queue.lines.values()) if queue.lines else (queue.plain,):
                    best = line.best()
                    if best is not None:
                        found.append(Candidate(best, queue.number, name, line))
        heapify(found)
        return found

    def _pool(self, resource: Resource) -> Pool:
        key = identity(resource)
        pool = self._pools.get(key) or self._idle_pools.pop(key, None) or Pool(key, resource)
        self._pools[key] = pool
        pool.users += 1
        return pool

    def _leave(self, pool: Pool) -> None:
        """A run no longer knows a pool; its tokens and failures are remembered for the next one."""
        pool.users -= 1
        if pool.users:
            return
        self._idle_pools[pool.key] = self._pools.pop(pool.key)
        if len(self._idle_pools) > KEPT:
            del self._idle_pools[next(iter(self._idle_pools))]


def _serve(first: Candidate, most: int, rival: Candidate | None, grants: list[Grant]) -> int:
    """Grant requests of one line, at most so many, while they are better than the best of the others; count them."""
    _, number, name, line = first
    heap, asked, held, hold = line.heap, line.queue.asked, line.queue.held, line.common
    before = len(grants)
    most += before
    while heap and len(grants) < most:
        rank = heap[0]
        if rival is not None and (rank, number) > rival:
            break
        heappop(heap)
        _, _, attempt, task = rank
        if attempt not in asked:
            continue
        asked.remove(attempt)
        if hold is not None or not line.needs:
            held[attempt] = hold
            grants.append(Grant(name, task, attempt))
        else:
            own = held[attempt] = hold_apart(line.needs)
            grants.append(Grant(name, task, attempt, own.leases))
    return len(grants) - before

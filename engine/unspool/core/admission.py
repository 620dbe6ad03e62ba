"""Who may start: slots given out by priority, with ageing, shared by all runs of one host.

A pure machine of its own. Runs ask; what it grants becomes a TaskAdmitted in that run's journal, so
a replay of one run never depends on another.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from unspool.model.plan import PRIORITIES

AGEING = 60.0  # seconds of waiting that raise a task by one class
_IDLE = PRIORITIES.index("idle")


class Grant(NamedTuple):
    """A place given to an attempt of a run."""

    run: str
    task: int
    attempt: int


class _Queue:
    """What one run waits for, and how much of it is under way."""

    __slots__ = ("asked", "held", "idle", "limit", "waiting")

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.waiting: list[tuple[float, int, int]] = []
        self.idle: list[tuple[float, int, int]] = []
        self.asked: set[int] = set()
        self.held: set[int] = set()

    def head(self) -> tuple[int, float, int, int] | None:
        """Give the best waiting request: idle ones only where nothing else waits."""
        if self.limit is not None and len(self.held) >= self.limit:
            return None
        for rank, heap in enumerate((self.waiting, self.idle)):
            while heap and heap[0][1] not in self.asked:
                heappop(heap)
            if heap:
                return (rank, *heap[0])
        return None


class Admission:
    """Gives `slots` places to the requests of all runs.

    A request's rank is the moment it was made plus one ageing period for each class below
    `critical`. That order never changes while it waits, so a heap serves: after 60 s a task stands
    before everything that arrives then in the class above its own. Equal ranks go by attempt number.
    """

    def __init__(self, slots: int) -> None:
        if slots < 1:
            raise ValueError("admission needs at least one slot")
        self.slots = slots
        self._held = 0
        self._runs: dict[str, _Queue] = {}

    @property
    def free(self) -> int:
        """How many slots nobody holds."""
        return self.slots - self._held

    @property
    def waiting(self) -> int:
        """How many requests have not been granted."""
        return sum(len(queue.asked) for queue in self._runs.values())

    def open(self, run: str, limit: int | None = None) -> None:
        """Let a run ask; `limit` bounds how many of its attempts hold a place at once."""
        self._runs.setdefault(run, _Queue(limit))

    def close(self, run: str) -> None:
        """Forget a run and take back all it held."""
        queue = self._runs.pop(run, None)
        if queue is not None:
            self._held -= len(queue.held)

    def ask(self, run: str, task: int, attempt: int, priority: int, at: float) -> None:
        """Queue a request; asking twice for one attempt changes nothing."""
        queue = self._runs[run]
        if attempt in queue.asked or attempt in queue.held:
            return
        queue.asked.add(attempt)
        if priority == _IDLE:
            heappush(queue.idle, (at, attempt, task))
        else:
            heappush(queue.waiting, (at + AGEING * priority, attempt, task))

    def withdraw(self, run: str, attempt: int) -> None:
        """Forget a request that was not granted yet."""
        queue = self._runs.get(run)
        if queue is not None:
            queue.asked.discard(attempt)

    def release(self, run: str, attempt: int) -> None:
        """Take a place back; giving back what is not held changes nothing."""
        queue = self._runs.get(run)
        if queue is not None and attempt in queue.held:
            queue.held.remove(attempt)
            self._held -= 1

    def grant(self, ahead: int = 0) -> list[Grant]:
        """Give out what is free, best first.

        `ahead` places beyond the slots may be given too, for a host that commits the intent of what
        comes next before a slot is free; it must not start more than `slots` at once.
        """
        grants: list[Grant] = []
        while self._held < self.slots + ahead:
            best = self._best()
            if best is None:
                break
            name, queue, (rank, _, attempt, task) = best
            heappop(queue.idle if rank else queue.waiting)
            queue.asked.remove(attempt)
            queue.held.add(attempt)
            self._held += 1
            grants.append(Grant(name, task, attempt))
        return grants

    def _best(self) -> tuple[str, _Queue, tuple[int, float, int, int]] | None:
        best: tuple[str, _Queue, tuple[int, float, int, int]] | None = None
        for name, queue in self._runs.items():
            head = queue.head()
            if head is not None and (best is None or head < best[2]):
                best = (name, queue, head)
        return best

"""The lines that requests wait in: one for each run and each combination of resources, in order of rank."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

from unspool.core.pools import Hold, Needs, Pool, hold_in_common
from unspool.model.plan import PRIORITIES

AGEING = 60.0  # seconds of waiting that raise a task by one class
IDLE = PRIORITIES.index("idle")

# Of a request: whether it is idle, when it was made plus its ageing, its attempt, its task. Less is better.
Rank = tuple[int, float, int, int]
Uses = tuple[tuple[str, int], ...]


class Line:
    """The requests of one run that use the same of the same pools."""

    __slots__ = ("common", "heap", "needs", "queue", "since")

    def __init__(self, queue: Queue, needs: Needs) -> None:
        self.queue = queue
        self.needs = needs
        self.heap: list[Rank] = []
        self.since: float | None = None  # since when its best request is the first for all that it uses
        alike = all(pool.items is None and pool.circuit is None for pool, _ in needs)
        self.common = hold_in_common(needs) if needs and alike else None  # what every attempt of the line holds
        if not alike:
            for pool, _ in needs:
                pool.alike = False

    def best(self) -> Rank | None:
        """Give the request that comes next, None where nobody waits."""
        heap, asked = self.heap, self.queue.asked
        while heap and heap[0][2] not in asked:
            heappop(heap)
        return heap[0] if heap else None

    def spend(self, requests: int, now: float) -> None:
        """Take from the pools what so many requests use."""
        self.since = None
        for pool, count in self.needs:
            pool.take(count * requests, now)


class Queue:
    """What one run waits for, and what of it is under way."""

    __slots__ = ("asked", "held", "limit", "lines", "number", "plain", "pools")

    def __init__(self, number: int, limit: int | None, pools: dict[str, Pool]) -> None:
        self.number = number
        self.limit = limit
        self.pools = pools
        self.plain = Line(self, ())
        self.lines: dict[Uses, Line] = {}
        self.asked: set[int] = set()
        self.held: dict[int, Hold | None] = {}  # attempts, and what they have beside their place

    def put(self, task: int, attempt: int, priority: int, at: float, uses: Uses) -> None:
        """Add a request."""
        self.asked.add(attempt)
        line = self.plain
        if uses:
            line = self.lines.get(uses) or self._line(uses)
        if priority == IDLE:
            heappush(line.heap, (1, at, attempt, task))
        else:
            heappush(line.heap, (0, at + AGEING * priority, attempt, task))

    def _line(self, uses: Uses) -> Line:
        line = self.lines[uses] = Line(self, tuple((self.pools[name], count) for name, count in uses))
        return line


class Candidate(NamedTuple):
    """The best request of a line; candidates compare by rank, then by the age of their runs."""

    rank: Rank
    number: int
    name: str
    line: Line


class Turn:
    """One look at all candidates, best first: who can go, and what is kept for whom.

    A request that has stood first for its resources for AGEING seconds has them kept: nobody of lower
    rank takes of them what it still lacks, nor the last place of its run. First for its resources is a
    request if they could serve it beside all requests of better rank that wait for them. One that waits
    for something else, a place of its run or a breaker, keeps nothing from others.
    """

    def __init__(self, now: float, ahead: int = 0) -> None:
        self._now = now
        self._ahead = ahead
        self._claimed: dict[Pool, int] = {}
        self._kept: dict[Pool, int] = {}
        self._places: dict[Queue, int] = {}

    def most(self, line: Line, room: int) -> int:
        """Give how many requests of a line can go now, at most `room`."""
        if line.queue.limit is not None:
            room = min(room, self._free_places(line.queue))
        for pool, count in line.needs:
            kept = self._kept.get(pool, 0) if self._kept else 0
            room = min(room, pool.most(count, kept, self._now, self._ahead))
        return room

    def moment(self, line: Line) -> float:
        """Give the moment from which the best request of a line can go without a release; the past means now."""
        if self._free_places(line.queue) <= 0:
            return inf
        return max((pool.moment(count, self._kept.get(pool, 0)) for pool, count in line.needs), default=-inf)

    def pass_over(self, line: Line) -> None:
        """Take down that the best request of a line cannot go now."""
        if not all(self._claimed.get(pool, 0) + count <= pool.size for pool, count in line.needs):
            line.since = None
        elif line.since is None:
            line.since = self._now
        if self._free_places(line.queue) <= 0 or self._is_shut(line):
            return
        _add(self._claimed, line.needs)
        if line.since is not None and self._now >= line.since + AGEING:
            _add(self._kept, line.needs)
            self._places[line.queue] = self._places.get(line.queue, 0) + 1

    def _free_places(self, queue: Queue) -> int:
        if queue.limit is None:
            return UNLIMITED
        return queue.limit - len(queue.held) - self._places.get(queue, 0)

    def _is_shut(self, line: Line) -> bool:
        """Whether a breaker lets none of the line through."""
        return any(pool.circuit is not None and pool.circuit.moment() > self._now for pool, _ in line.needs)


UNLIMITED = 1 << 60


def _add(counts: dict[Pool, int], needs: Needs) -> None:
    for pool, count in needs:
        counts[pool] = counts.get(pool, 0) + count

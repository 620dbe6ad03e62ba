"""One shared resource at work: how much of it is free, when there will be more, and what is leased of it."""

from __future__ import annotations

import json
from collections import deque
from math import inf
from typing import Any

from unspool.core.breaker import Circuit
from unspool.model.plan import Resource

UNCOUNTED = 1 << 60  # more than anybody takes: the size of what nothing counts
AHEAD_HORIZON = 0.03  # seconds of work that may be granted before there is room for it


class Bucket:
    """A token bucket: `count` tokens at first, and as many anew, evenly, in every `period` seconds.

    It remembers when it was last full and how many were taken since, so that however long it is in
    use, no rounding adds up.
    """

    __slots__ = ("_count", "_period", "_since", "_taken")

    def __init__(self, count: int, period: float) -> None:
        self._count = count
        self._period = period
        self._since = -inf
        self._taken = 0

    def moment(self, count: int) -> float:
        """Give the moment from which `count` tokens are there; infinity where it never holds so many."""
        if count > self._count:
            return inf
        return self._since + (self._taken + count - self._count) * self._period / self._count

    def tokens(self, now: float) -> int:
        """Give how many tokens are there now: the most whose `moment` has come."""
        if not self._taken:
            return self._count
        grown = int((now - self._since) * self._count / self._period)
        tokens = max(0, min(self._count, self._count - self._taken + grown))
        while tokens and self.moment(tokens) > now:
            tokens -= 1
        while tokens < self._count and self.moment(tokens + 1) <= now:
            tokens += 1
        return tokens

    def take(self, count: int, now: float) -> None:
        """Take tokens for good; only from their `moment` on."""
        if now >= self.moment(self._count):
            self._since, self._taken = now, 0
        self._taken += count


class Pool:
    """A resource as it is shared out: what is free of it, its tokens, its items, its breaker.

    `size` is how much of it can be held at once, `free` how much nobody holds. Where all that use it are `alike`,
    more may be granted, for attempts that begin when there is room: `busy` is how much those use that have begun.
    """

    __slots__ = (
        "_bucket",
        "_gap",
        "_last",
        "alike",
        "busy",
        "circuit",
        "free",
        "items",
        "key",
        "name",
        "size",
        "users",
    )

    def __init__(self, key: str, resource: Resource) -> None:
        self.key = key
        self.name = resource.name
        self.users = 0  # open runs that know it
        self.size = capacity(resource)
        self.free = self.size
        self.busy = 0
        self.alike = True
        self._last = -inf  # when something that used it ended
        self._gap = inf  # seconds from one such end to the next, lately
        self.items = None if resource.items is None else deque(resource.items)  # those that were free longest first
        self._bucket = None if resource.rate is None else Bucket(*resource.rate)
        self.circuit = None if resource.breaker is None else Circuit(resource.breaker)

    def most(self, count: int, kept: int, now: float, ahead: int = 0) -> int:
        """Give how many requests of `count` could be served now, so that `kept` are left.

        `ahead` more than there is room for may be granted, as far as that is the work of a moment.
        """
        spare = self.free - kept
        if ahead and self.alike and not kept:
            spare += min(ahead, self._soon(now))
        if self._bucket is not None:
            spare = min(spare, self._bucket.tokens(now) - kept)
        most = spare // count
        if most > 0 and self.circuit is not None and self.circuit.lets_one_through:
            return 0 if kept or self.circuit.moment() > now else 1
        return most

    def moment(self, count: int, kept: int) -> float:
        """Give the moment from which `count` could be taken without a release, so that `kept` are left.

        It lies in the past where that is so now, and is infinity where somebody must give back first.
        """
        if self.free < count + kept:
            return inf
        moment = -inf if self._bucket is None else self._bucket.moment(count + kept)
        if self.circuit is not None and self.circuit.lets_one_through:
            return inf if kept else max(moment, self.circuit.moment())
        return moment

    def _soon(self, now: float) -> int:
        """Give how many ends there will be within the horizon, if they go on coming as they did."""
        gap = max(self._gap, now - self._last)
        return UNCOUNTED if gap <= 0 else int(AHEAD_HORIZON / gap)

    def leave(self, count: int, at: float) -> None:
        """An attempt that had begun has ended: there is room for another, of those that were granted ahead."""
        self.busy -= count
        if at >= self._last:
            since = at - self._last
            self._gap = since if self._gap == inf else self._gap + 0.2 * (since - self._gap)
            self._last = at

    def take(self, count: int, now: float) -> None:
        """Take `count`, for as many attempts as it may be; items and breaker are told of each apart."""
        self.free -= count
        if self._bucket is not None:
            self._bucket.take(count, now)


def capacity(resource: Resource) -> int:
    """Give how much of a resource can be held at once."""
    slots = UNCOUNTED if resource.slots is None else resource.slots
    return slots if resource.items is None else min(slots, len(resource.items))


def identity(resource: Resource) -> str:
    """Give a text that is the same for resources of the same name and definition, and for no others."""
    return json.dumps(resource)


Needs = tuple[tuple[Pool, int], ...]


class Hold:
    """What one attempt holds: so many of these pools, of some the items, and since which era of a breaker.

    What attempts hold in common has a second form, `begun`, for those of them that run.
    """

    __slots__ = ("_eras", "_items", "_needs", "before", "begun")

    def __init__(self, needs: Needs, items: tuple[tuple[Any, ...], ...] = (), eras: tuple[int, ...] = ()) -> None:
        self._needs = needs
        self._items = items
        self._eras = eras
        self.begun: Hold | None = None
        self.before: Hold | None = None  # of `begun`, what it is the second form of

    def begin(self, passed: set[Pool]) -> Hold | None:
        """Give what an attempt holds from now on; None where it has to wait, and in `passed` whom it waits for.

        Nobody who uses a pool goes before one that waits for it, or what uses much of it would wait for ever.
        """
        if self.begun is None:
            return self
        if any(pool in passed or pool.busy + count > pool.size for pool, count in self._needs):
            passed.update(pool for pool, _ in self._needs)
            return None
        for pool, count in self._needs:
            pool.busy += count
        return self.begun

    def end(self, at: float) -> Hold:
        """Give what an attempt holds that has ended and was not told of yet."""
        if self.before is None:
            return self
        for pool, count in self._needs:
            pool.leave(count, at)
        return self.before

    @property
    def leases(self) -> dict[str, Any] | None:
        """The items by resource: one item, or a list of several; None without any."""
        found: dict[str, Any] = {}
        for (pool, count), items in zip(self._needs, self._items, strict=False):
            if pool.items is not None:
                found[pool.name] = items[0] if count == 1 else list(items)
        return found or None

    def give_back(self, at: float, outcome: str | None) -> None:
        """Give everything back at the end of the attempt; tokens are gone."""
        self.end(at)
        for pool, count in self._needs:
            pool.free += count
        if self._items:
            for (pool, _), items, era in zip(self._needs, self._items, self._eras, strict=True):
                if pool.items is not None:
                    pool.items.extend(items)
                if pool.circuit is not None:
                    pool.circuit.leave(era, at, outcome)


def hold_in_common(needs: Needs) -> Hold:
    """Give what every attempt holds that leases nothing and asks no breaker."""
    hold = Hold(needs)
    hold.begun = Hold(needs)
    hold.begun.before = hold
    return hold


def hold_apart(needs: Needs) -> Hold:
    """Lease the items that one attempt uses, and let it through the breakers."""
    items = tuple(
        () if pool.items is None else tuple(pool.items.popleft() for _ in range(count)) for pool, count in needs
    )
    return Hold(needs, items, tuple(0 if pool.circuit is None else pool.circuit.enter() for pool, _ in needs))

"""Shared resources under load: never more than there is, nobody waits for ever, and a grant costs what it costs."""

from __future__ import annotations

import heapq
import random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_cost import operations
from unspool.core.admission import Admission
from unspool.core.lines import AGEING
from unspool.model.plan import Resource

LONGEST = 20.0  # seconds an attempt takes at most
PERIOD = 30.0  # in which a rate refills from nothing
# The stated bound. The best of all waiting requests that are not idle is passed over for a slot, then AGEING long,
# then until its run has a place, until what it uses was given back or refilled, and until there is a slot again.
ROUND = AGEING + 4 * LONGEST + PERIOD


class Want(NamedTuple):
    """A request that is still to be made."""

    at: float
    run: str
    attempt: int
    priority: int
    uses: tuple[tuple[str, int], ...]
    seconds: float

    @property
    def rank(self) -> float:
        return self.at + AGEING * self.priority


class Load:
    """Requests at saturation: everything that is drawn arrives while more waits than can be served."""

    def __init__(self, seed: int, count: int) -> None:
        chance = random.Random(seed)
        self.slots = chance.randint(1, 4)
        self.limits = {"a": None, "b": chance.choice((None, 1, 2)), "c": chance.choice((None, 1))}
        self.resources = (
            Resource("x", slots=chance.randint(1, 4)),
            Resource("y", items=tuple(range(chance.randint(1, 3)))),
            Resource("z", rate=(chance.randint(1, 3), PERIOD)),
        )
        sizes = {"x": self.resources[0].slots, "y": len(self.resources[1].items), "z": self.resources[2].rate[0]}
        favourite = tuple(sorted(dict.fromkeys(chance.sample("xyz", chance.randint(1, 2)), 1).items()))
        self.wants = []
        at = 0.0
        for attempt in range(1, count + 1):
            at += chance.choice((0.0, 0.5, 3.0))
            names = sorted(chance.sample("xyz", chance.randint(0, 3)))
            uses = tuple((name, chance.randint(1, sizes[name])) for name in names)
            uses = favourite if chance.random() < 0.7 else uses  # a stream of small ones, which starves what is large
            run, priority = chance.choice("abc"), chance.choice((0, 1, 2, 2, 3))
            self.wants.append(Want(at, run, attempt, priority, uses, chance.uniform(0.1, LONGEST)))


def served(load: Load) -> dict[int, float]:
    """Live through a load; give when each request was granted. Nobody holds more than there is, at any moment."""
    admission = Admission(load.slots)
    for run, limit in load.limits.items():
        admission.open(run, limit, load.resources)
    wants = {want.attempt: want for want in load.wants}
    coming = list(reversed(load.wants))
    ends: list[tuple[float, int]] = []
    granted: dict[int, float] = {}
    now = 0.0
    while len(granted) < len(wants):
        while coming and coming[-1].at <= now:
            want = coming.pop()
            admission.ask(want.run, want.attempt, want.attempt, want.priority, want.at, want.uses)
        while ends and ends[0][0] <= now:
            _, attempt = heapq.heappop(ends)
            admission.release(wants[attempt].run, attempt, now, "ok")
        for grant in admission.grant(now):
            granted[grant.attempt] = now
            heapq.heappush(ends, (now + wants[grant.attempt].seconds, grant.attempt))
        check_holdings(load, [wants[attempt] for _, attempt in ends])
        due = admission.due(now)
        assert due is None or due > now, "what is due could have gone"
        moments = [*([coming[-1].at] if coming else []), *([ends[0][0]] if ends else []), *([due] if due else [])]
        assert moments or len(granted) == len(wants), "requests wait, and nothing will ever happen"
        now = min(moments, default=now)
    return granted


def check_holdings(load: Load, holders: list[Want]) -> None:
    assert len(holders) <= load.slots
    for run, limit in load.limits.items():
        assert limit is None or sum(want.run == run for want in holders) <= limit
    for name, size in (("x", load.resources[0].slots), ("y", len(load.resources[1].items))):
        assert sum(dict(want.uses).get(name, 0) for want in holders) <= size


def check_nobody_starves(load: Load) -> None:
    """A request waits no longer than one round for itself and for each of better rank that was served meanwhile."""
    granted = served(load)
    for want in load.wants:
        begin, end = want.at, granted[want.attempt]
        better = [
            other
            for other in load.wants
            if (other.rank, other.attempt) < (want.rank, want.attempt)
            and other.at <= end
            and granted[other.attempt] >= begin
        ]
        bound = ROUND * (1 + len(better))
        assert end - begin <= bound, f"{want} waited {end - begin:.0f} s, more than {bound:.0f}"


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_nobody_starves_at_saturation(seed):
    check_nobody_starves(Load(seed, 150))


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_nobody_starves_at_saturation_for_long(seed):
    check_nobody_starves(Load(seed, 300))


def large_one_in_a_stream(count: int = 1000) -> Load:
    """One request for both of two, and then a stream of requests for one that never lets both be free."""
    load = Load(1, 0)
    load.slots, load.limits = 4, {"a": None}
    load.resources = (Resource("x", slots=2), Resource("y", items=(1,)), Resource("z", rate=(1, PERIOD)))
    small = (("x", 1),)
    load.wants = [Want(0.0, "a", 1, 2, small, 15.0), Want(0.1, "a", 2, 2, (("x", 2),), 1.0)]
    load.wants += [Want(0.2 + 5.0 * number, "a", number + 3, 2, small, 12.0) for number in range(count)]
    return load


def test_a_stream_of_small_requests_does_not_starve_a_large_one():
    assert AGEING <= served(large_one_in_a_stream())[2] <= ROUND


def test_without_what_is_kept_it_would_starve(monkeypatch):
    """The load does what it is for, so that the bound above means something."""
    monkeypatch.setattr("unspool.core.lines.AGEING", 1e9)
    load = large_one_in_a_stream()
    load.wants = [want._replace(priority=0) for want in load.wants]
    with pytest.raises(AssertionError, match="waited"):
        check_nobody_starves(load)


# -- granted ahead ---------------------------------------------------------------------------------


def lived_ahead(load: Load) -> int:
    """Live through a load as a host does that commits intents ahead; give how many grants were ahead of a pool.

    What is told of an end comes late, as facts do that wait for company. Of what runs, nobody has more than there is.
    """
    admission = Admission(load.slots)
    for run in load.limits:
        admission.open(run, None, load.resources)
    wants = {want.attempt: want for want in load.wants}
    coming = list(reversed(load.wants))
    intents: list[int] = []
    running: list[tuple[float, int]] = []
    untold: list[int] = []
    begun: set[int] = set()
    most_ahead = 0
    now = 0.0
    while len(begun) < len(wants) or running or untold:
        while coming and coming[-1].at <= now:
            want = coming.pop()
            admission.ask(want.run, want.attempt, want.attempt, want.priority, want.at, want.uses)
        while running and running[0][0] <= now:
            _, attempt = heapq.heappop(running)
            admission.ended(wants[attempt].run, attempt, now)
            untold.append(attempt)
        if len(untold) >= 3 or not running:
            for attempt in untold:
                admission.release(wants[attempt].run, attempt, now, "ok")
            untold.clear()
        waiting = len(intents) if len(running) < load.slots else 0
        intents += [grant.attempt for grant in admission.grant(now, 16, waiting)]
        passed = set()
        for attempt in list(intents):
            if len(running) < load.slots and admission.begin(wants[attempt].run, attempt, passed):
                intents.remove(attempt)
                begun.add(attempt)
                heapq.heappush(running, (now + wants[attempt].seconds, attempt))
        x = load.resources[0].slots
        held = [wants[attempt] for _, attempt in running]
        assert sum(dict(want.uses).get("x", 0) for want in held) <= x
        assert sum(dict(want.uses).get("y", 0) for want in held) <= len(load.resources[1].items)
        granted = sum(dict(wants[attempt].uses).get("x", 0) for attempt in [*intents, *(a for _, a in running)])
        most_ahead = max(most_ahead, granted - x)
        due = admission.due(now, waiting)
        moments = [*([coming[-1].at] if coming else []), *([running[0][0]] if running else []), *([due] if due else [])]
        assert moments or untold or len(begun) == len(wants), "requests wait, and nothing will ever happen"
        now = min(moments, default=now)
    return most_ahead


def quick_load(seed: int) -> Load:
    """Attempts of a few milliseconds, all of which may have to wait for one pool, which leases nothing."""
    load = Load(seed, 200)
    x = load.resources[0].slots
    load.wants = [
        want._replace(
            at=want.at / 10_000,
            seconds=want.seconds / 10_000,
            uses=(("x", min(x, 1 + want.attempt % 2)),) if want.attempt % 5 else (),
        )
        for want in load.wants
    ]
    return load


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_what_is_granted_ahead_runs_only_when_there_is_room(seed):
    lived_ahead(Load(seed, 80))
    lived_ahead(quick_load(seed))


def test_quick_attempts_are_granted_ahead_of_their_pool():
    assert max(lived_ahead(quick_load(seed)) for seed in range(10)) >= 8


def test_slow_attempts_are_not():
    assert max(lived_ahead(Load(seed, 80)) for seed in range(10)) == 0


# -- cost -------------------------------------------------------------------------------------------


def grant_cost(waiting: int, uses: tuple[tuple[str, int], ...]) -> int:
    """Count what it costs to grant eight requests and to take back what they held, while so many wait."""
    admission = Admission(8)
    admission.open("r", None, (Resource("pool", slots=8), Resource("pace", rate=(1_000_000, 1.0))))
    for attempt in range(waiting):
        admission.ask("r", attempt, attempt, 2, float(attempt), uses)

    def serve() -> None:
        for grant in admission.grant(1e9):
            admission.release("r", grant.attempt, 1e9, "ok")

    count = operations(serve)
    assert admission.waiting == waiting - 8
    return count


@pytest.mark.parametrize("uses", [(), (("pool", 1),), (("pace", 1), ("pool", 1))], ids=str)
def test_a_grant_costs_the_same_however_many_wait(uses):
    assert grant_cost(1_000, uses) == grant_cost(100_000, uses)

"""What is kept for whom: by admission, whose lines these are."""

from __future__ import annotations

from unspool.core.admission import Admission
from unspool.core.lines import AGEING
from unspool.model.plan import Breaker, Resource

X = Resource("x", slots=2)
Y = Resource("y", slots=1)
OPENS = Resource("z", breaker=Breaker(1, 1000.0))
BIG = (("x", 2),)
SMALL = (("x", 1),)


class World:
    """Runs that ask one after the other."""

    def __init__(self, slots: int = 10, **limits: int | None) -> None:
        self.admission = Admission(slots)
        for run, limit in (limits or {"r": None}).items():
            self.admission.open(run, limit, (X, Y, OPENS))
        self.now = 1000.0
        self.count = 0

    def ask(self, uses=(), run: str = "r", priority: int = 2) -> int:
        self.count += 1
        self.admission.ask(run, self.count, self.count, priority, self.now, uses)
        return self.count

    def grant(self, after: float = 0.0) -> list[int]:
        self.now += after
        return [grant.attempt for grant in self.admission.grant(self.now)]

    def end(self, attempt: int, run: str = "r", outcome: str | None = "ok") -> None:
        self.admission.release(run, attempt, self.now, outcome)


def held_up(world: World) -> tuple[int, int]:
    """Let a big request wait for a small one that runs; give both."""
    runs = world.ask(SMALL)
    assert world.grant() == [runs]
    return runs, world.ask(BIG)


def test_who_can_go_goes_before_one_that_waits():
    world = World()
    held_up(world)
    later, other = world.ask(SMALL), world.ask((("y", 1),))
    assert world.grant(1.0) == [later, other]


def test_one_that_stood_first_for_so_long_has_its_resources_kept():
    world = World()
    runs, big = held_up(world)
    assert world.grant() == []
    later, other = world.ask(SMALL), world.ask((("y", 1),))
    assert world.grant(AGEING) == [other], "nobody takes what it lacks; what it does not use goes on"
    world.end(runs)
    assert world.grant() == [big]
    world.end(big)
    assert world.grant() == [later]


def test_it_is_not_first_while_a_better_one_stands_before_it():
    world = World()
    runs, big = held_up(world)
    both = world.ask((("x", 2), ("y", 1)))
    assert world.grant() == []
    later = world.ask((("y", 1),))
    assert world.grant(AGEING) == [later], "x is kept for the first, and nothing for the second"
    world.end(runs)
    assert world.grant() == [big]
    world.end(big)
    assert world.grant() == []
    world.ask((("y", 1),))
    world.end(later)
    assert world.grant() == [both]


def test_only_what_it_lacks_is_kept():
    world = World()
    y = world.ask((("y", 1),))
    assert world.grant() == [y]
    world.ask((("x", 1), ("y", 1)))
    world.grant()
    first, second = world.ask(SMALL), world.ask(SMALL)
    assert world.grant(AGEING) == [first], "of two x it needs one"
    world.end(first)
    assert world.grant() == [second]


def test_a_better_rank_goes_first_even_so():
    world = World()
    runs, big = held_up(world)
    world.grant()
    world.grant(AGEING)
    urgent = world.ask(SMALL, priority=0)
    world.end(runs)
    assert world.grant() == [urgent], "one class is a minute, and these are two"
    world.end(urgent)
    assert world.grant() == [big]


def test_one_whose_run_is_full_keeps_nothing_from_others():
    world = World(a=1, b=None)
    full = world.ask(run="a")
    world.ask(BIG, run="a")
    assert world.grant() == [full]
    runs = world.ask(SMALL, run="b")
    assert world.grant(2 * AGEING) == [runs]
    more = world.ask(SMALL, run="b")
    assert world.grant(2 * AGEING) == [more]


def test_the_last_place_of_its_run_is_kept_too():
    """Else others of its run take it, and whenever x is there the place is not."""
    world = World(a=1, b=None)
    runs = world.ask(SMALL, run="b")
    assert world.grant() == [runs]
    big = world.ask(BIG, run="a")
    plain = world.ask(run="a")
    assert world.grant() == [plain]
    world.end(plain, "a")
    world.ask(run="a")
    assert world.grant(AGEING) == []
    world.end(runs, "b")
    assert world.grant() == [big]


def test_one_before_an_open_breaker_keeps_nothing_from_others():
    world = World()
    broken = world.ask((("z", 1),))
    assert world.grant() == [broken]
    world.end(broken, outcome="server")
    world.ask((("x", 2), ("z", 1)))
    world.grant()
    small = world.ask(SMALL)
    assert world.grant(2 * AGEING) == [small]


def test_it_does_not_wait_anew_when_one_like_it_comes():
    world = World()
    runs, _ = held_up(world)
    world.grant()
    world.ask(BIG, priority=0)
    world.grant(AGEING)
    world.ask(SMALL)
    world.end(runs)
    assert len(world.grant()) == 1

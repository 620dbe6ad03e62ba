"""What tasks share, in a simulated schedule."""

from __future__ import annotations

from math import inf

from unspool.analysis.critical_path import MICROSECONDS
from unspool.analysis.stocks import Stocks
from unspool.model.plan import Plan, Resource, Task

SECOND = MICROSECONDS


def stocks(resource: Resource, *uses: tuple[tuple[str, int], ...]) -> Stocks:
    tasks = tuple(Task(index, f"t{index}", "run", {}, uses=used) for index, used in enumerate(uses))
    return Stocks(Plan("p", tasks, resources=(resource,)))


def test_each_combination_is_known_once():
    found = stocks(Resource("pool", slots=2), (), (("pool", 1),), (("pool", 2),), (("pool", 1),))
    assert found.signature == [0, 1, 2, 1]
    assert len(found.signatures) == 3
    assert found.moment(0) == 0, "nothing is always there"


def test_what_is_taken_is_there_again_when_it_is_given_back():
    found = stocks(Resource("pool", slots=2), (("pool", 1),), (("pool", 2),))
    one, two = found.signature
    found.take(one, 0)
    assert (found.moment(one), found.moment(two)) == (0, inf)
    found.take(one, 0)
    assert found.moment(one) == inf
    found.give_back(one)
    found.give_back(one)
    assert found.moment(two) == 0


def test_the_smaller_of_slots_and_items_bounds():
    found = stocks(Resource("port", slots=5, items=(1, 2)), (("port", 2),), (("port", 3),))
    assert found.moment(found.signature[0]) == 0
    assert found.moment(found.signature[1]) == inf


def test_tokens_come_anew_one_by_one():
    found = stocks(Resource("pace", rate=(2, 4.0)), (("pace", 1),), (("pace", 2),))
    one, two = found.signature
    found.take(two, 0)
    assert (found.moment(one), found.moment(two)) == (2 * SECOND, 4 * SECOND)
    found.take(one, 2 * SECOND)
    assert found.moment(one) == 4 * SECOND
    found.give_back(one)
    assert found.moment(one) == 4 * SECOND, "tokens are never given back"
    found.take(one, 60 * SECOND)
    assert found.moment(one) == 60 * SECOND, "no more tokens are saved than there may be"
    found.take(one, 60 * SECOND)
    assert found.moment(one) == 62 * SECOND

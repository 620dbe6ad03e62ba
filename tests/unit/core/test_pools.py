"""One resource: slots, items, tokens, breaker, and what can be taken of it when."""

from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool.core.pools import UNCOUNTED, Bucket, Hold, Pool, capacity, hold_apart, identity
from unspool.model.plan import Breaker, Resource

NOW = 1_700_000_000.0


def pool(**fields) -> Pool:
    return Pool("k", Resource("r", **fields))


def test_slots_are_counted():
    made = pool(slots=3)
    assert (made.most(1, 0, NOW), made.most(2, 0, NOW), made.most(1, 2, NOW)) == (3, 1, 1)
    made.take(2, NOW)
    assert (made.moment(1, 0), made.moment(2, 0), made.moment(1, 1)) == (-inf, inf, inf)
    Hold(((made, 2),)).give_back(NOW, None)
    assert made.free == 3


def test_the_item_that_was_free_longest_is_leased():
    made = pool(items=("a", "b", "c"))
    made.take(2, NOW)
    first, second = hold_apart(((made, 1),)), hold_apart(((made, 1),))
    assert (first.leases, second.leases) == ({"r": "a"}, {"r": "b"})
    first.give_back(NOW, None)
    made.take(2, NOW)
    assert hold_apart(((made, 2),)).leases == {"r": ["c", "a"]}


def test_what_has_no_items_leases_nothing():
    made, named = pool(slots=1), Pool("i", Resource("port", items=(8001,)))
    assert Hold(((made, 1),)).leases is None
    assert hold_apart(((made, 1), (named, 1))).leases == {"port": 8001}


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"slots": 2}, 2),
        ({"items": ("a",)}, 1),
        ({"slots": 1, "items": ("a", "b")}, 1),
        ({"slots": 3, "items": ("a", "b")}, 2),
        ({"rate": (1, 1.0)}, UNCOUNTED),
    ],
)
def test_slots_and_items_both_bound_what_is_held(fields, size):
    assert capacity(Resource("r", **fields)) == size


def test_an_open_breaker_says_when_and_a_probed_one_does_not():
    made = pool(breaker=Breaker(1, 10.0))
    hold_apart(((made, 1),)).give_back(NOW, "server")
    assert (made.most(1, 0, NOW), made.moment(1, 0)) == (0, NOW + 10)
    assert (made.most(1, 0, NOW + 10), made.most(1, 1, NOW + 10)) == (1, 0), "what is kept for another is the probe"
    hold_apart(((made, 1),))
    assert (made.most(1, 0, NOW + 10), made.moment(1, 0)) == (0, inf)


def test_a_definition_has_one_identity():
    one = Resource("r", slots=1, rate=(60, 60.0), breaker=Breaker(3))
    assert identity(one) == identity(Resource("r", slots=1, rate=(60, 60.0), breaker=Breaker(3)))
    others = [one._replace(name="s"), one._replace(slots=2), one._replace(rate=(60, 61.0)), Resource("r", items=("1",))]
    assert len({identity(other) for other in [one, *others, Resource("r", items=(1,))]}) == 6


def test_a_bucket_is_full_at_first_and_refilled_evenly():
    bucket = Bucket(60, 60.0)
    assert bucket.tokens(NOW) == 60
    bucket.take(60, NOW)
    assert [bucket.tokens(NOW + seconds) for seconds in (0, 0.99, 1, 2.5, 59.5, 60, 9999)] == [0, 0, 1, 2, 59, 60, 60]
    assert (bucket.moment(1), bucket.moment(60), bucket.moment(61)) == (NOW + 1, NOW + 60, inf)


@given(
    st.integers(1, 50),
    st.floats(1e-3, 1e6),
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 5)), min_size=1, max_size=60),
)
def test_no_window_sees_more_than_the_burst_and_what_was_refilled(count, period, steps):
    """And what is said about a moment is so from that moment on, and not a float before it."""
    bucket, now, taken = Bucket(count, period), NOW, []
    for wait, wanted in steps:
        now += wait
        moment = bucket.moment(wanted)
        assert (bucket.tokens(now) >= wanted) == (now >= moment)
        if moment not in (inf, -inf):
            assert bucket.tokens(moment) >= wanted > bucket.tokens(nextafter(moment, 0))
        if now >= moment:
            bucket.take(wanted, now)
            taken.append((now, wanted))
    for first, (begin, _) in enumerate(taken):
        for last in range(first, len(taken)):
            seen = sum(wanted for _, wanted in taken[first : last + 1])
            assert seen <= count + (taken[last][0] - begin) * count / period + 1e-3 + 1e-6 * count / period


def test_a_quick_bucket_does_not_drift():
    """A million a second for ten seconds: every token takes its microsecond, of which a float has four steps."""
    bucket, now, taken = Bucket(1_000_000, 1.0), NOW, 0
    bucket.take(1_000_000, now)
    for _ in range(10_000):
        now += 0.001
        tokens = bucket.tokens(now)
        bucket.take(tokens, now)
        taken += tokens
    assert taken == pytest.approx((now - NOW) * 1_000_000, abs=2)

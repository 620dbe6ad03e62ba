"""What admission gives beside slots: all at once or nothing, one pool for all runs, and when to look again."""

from __future__ import annotations

import pytest

from unspool.core import admission as admission_module
from unspool.core.admission import Admission
from unspool.model.plan import Breaker, Resource

X = Resource("x", slots=1)
PORT = Resource("port", items=(8001, 8002))
PACE = Resource("pace", rate=(2, 20.0))
GUARDED = Resource("guarded", breaker=Breaker(1, 30.0))
NOW = 1000.0


def admission(*resources: Resource, slots: int = 10) -> Admission:
    made = Admission(slots)
    made.open("r", None, resources)
    return made


def ask(made: Admission, *attempts: int, run: str = "r", **uses: int) -> None:
    for attempt in attempts:
        made.ask(run, attempt, attempt, 2, NOW, tuple(sorted(uses.items())))


def granted(made: Admission, now: float = NOW, ahead: int = 0) -> list[int]:
    return [grant.attempt for grant in made.grant(now, ahead)]


def test_items_are_leased_and_come_back():
    made = admission(PORT)
    ask(made, 1, 2, 3, port=1)
    assert [grant.leases for grant in made.grant(NOW)] == [{"port": 8001}, {"port": 8002}]
    made.release("r", 2, NOW, None)
    assert made.grant(NOW)[0].leases == {"port": 8002}


def test_several_items_come_as_a_list():
    made = admission(PORT, X)
    ask(made, 1, port=2, x=1)
    assert made.grant(NOW)[0].leases == {"port": [8001, 8002]}


def test_all_at_once_or_nothing():
    made = admission(X, PORT)
    ask(made, 1, x=1)
    ask(made, 2, port=2, x=1)
    ask(made, 3, port=2)
    assert granted(made) == [1, 3], "the second holds no port while it waits for x"
    made.release("r", 1)
    assert granted(made) == []
    made.release("r", 3)
    assert granted(made) == [2]


def test_ahead_grants_hold_no_more_than_there_is():
    made = admission(X, slots=1)
    ask(made, 1, 2, x=1)
    ask(made, 3, 4)
    assert granted(made, ahead=5) == [1, 3, 4]


def test_one_pool_for_all_runs_that_define_it_alike():
    made = admission(X)
    made.open("same", None, (Resource("x", slots=1),))
    made.open("other", None, (Resource("x", slots=2),))
    ask(made, 1, x=1)
    ask(made, 2, run="same", x=1)
    ask(made, 3, run="other", x=2)
    assert granted(made) == [1, 3]
    made.close("r")
    assert granted(made) == [2]


def test_a_run_that_comes_later_finds_the_tokens_and_failures_of_the_earlier():
    made = admission(PACE, GUARDED)
    ask(made, 1, pace=2)
    ask(made, 2, guarded=1)
    granted(made)
    made.release("r", 2, NOW, "server")
    made.close("r")
    made.open("next", None, (PACE, GUARDED))
    ask(made, 1, run="next", pace=1)
    ask(made, 2, run="next", guarded=1)
    assert granted(made) == []
    assert granted(made, NOW + 10) == [1]
    assert granted(made, NOW + 30) == [2]


def test_pools_that_no_run_knows_are_bounded(monkeypatch):
    monkeypatch.setattr(admission_module, "KEPT", 3)
    made = Admission(1)
    for number in range(9):
        made.open(f"r{number}", None, (Resource("x", slots=number + 1),))
        made.close(f"r{number}")
    assert (len(made._idle_pools), made.pools) == (3, ())


def test_closing_a_run_gives_what_it_used_back_to_the_others():
    made = admission(X, GUARDED)
    made.open("other", None, (X, GUARDED))
    ask(made, 1, guarded=1, x=1)
    assert granted(made) == [1]
    made.close("r")
    ask(made, 1, run="other", guarded=1, x=1)
    assert granted(made) == [1]


def test_tokens_are_never_given_back():
    made = admission(PACE)
    ask(made, 1, 2, 3, pace=1)
    assert granted(made) == [1, 2]
    made.release("r", 1, NOW, "ok")
    assert granted(made) == []
    assert made.due(NOW) == NOW + 10
    assert granted(made, NOW + 10) == [3]


def test_a_breaker_lets_one_through_and_then_all():
    made = admission(GUARDED)
    ask(made, 1, 2, 3, 4, guarded=1)
    assert granted(made) == [1, 2, 3, 4]
    ask(made, 5, 6, 7, guarded=1)
    made.release("r", 1, NOW, "server")
    assert (granted(made), made.due(NOW)) == ([], NOW + 30)
    assert granted(made, NOW + 30) == [5]
    assert made.due(NOW + 30) is None, "only the probe's end can help"
    made.release("r", 5, NOW + 31, "ok")
    assert granted(made, NOW + 31) == [6, 7]


@pytest.mark.parametrize("outcome", ["server", "exit_code", "ok", None])
def test_a_probe_frees_its_place_however_it_ends(outcome):
    made = admission(GUARDED)
    ask(made, 1, 2, 3, guarded=1)
    granted(made)
    made.release("r", 1, NOW, "server")
    ask(made, 4, 5, guarded=1)
    assert granted(made, NOW + 30) == [4]
    made.release("r", 4, NOW + 30, outcome)
    assert granted(made, NOW + 60) == [5]


def test_nothing_is_due_where_only_a_release_helps():
    made = admission(X, PACE, slots=3)
    assert made.due(NOW) is None
    ask(made, 1, 2, x=1)
    ask(made, 3, pace=2)
    ask(made, 4, pace=1, x=1)
    assert granted(made) == [1, 3]
    assert made.due(NOW) is None
    ask(made, 5, pace=1)
    assert made.due(NOW) == NOW + 10
    ask(made, 6)
    assert granted(made) == [6]
    assert made.due(NOW) is None, "every slot is held"


def test_what_was_withdrawn_is_not_waited_for():
    made = admission(PACE)
    ask(made, 1, 2, 3, pace=1)
    granted(made)
    made.withdraw("r", 3)
    assert made.due(NOW) is None


def test_waiting_and_free_count_all_lines():
    made = admission(X)
    ask(made, 1, 2, x=1)
    ask(made, 3)
    granted(made)
    assert (made.waiting, made.free) == (1, 8)

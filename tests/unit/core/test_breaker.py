"""A circuit breaker: what opens it, what closes it, and who is let through meanwhile."""

from math import inf

import pytest

from unspool.core.breaker import COUNTED, Circuit
from unspool.model.plan import Breaker

RULE = Breaker(failures=2, reset_after=10.0, successes=2)


def tried(circuit: Circuit, outcome: str | None, at: float = 0.0) -> str:
    circuit.leave(circuit.enter(), at, outcome)
    return circuit.state


def opened(at: float = 0.0) -> Circuit:
    circuit = Circuit(RULE)
    assert [tried(circuit, "server", at), tried(circuit, "timeout", at)] == ["closed", "open"]
    return circuit


@pytest.mark.parametrize("kind", sorted(COUNTED))
def test_failures_of_the_thing_itself_open_it(kind):
    circuit = Circuit(RULE)
    assert [tried(circuit, kind, 5.0), tried(circuit, kind, 7.0)] == ["closed", "open"]
    assert circuit.moment() == 17.0


@pytest.mark.parametrize("end", ["ok", "exit_code", "auth", "bad_request"])
def test_any_other_end_begins_the_count_anew(end):
    circuit = Circuit(RULE)
    assert [tried(circuit, one) for one in ("server", end, "server")] == ["closed"] * 3
    assert tried(circuit, "server") == "open"


def test_an_end_that_says_nothing_changes_no_count():
    circuit = Circuit(RULE)
    assert [tried(circuit, one) for one in ("server", None, "server")] == ["closed", "closed", "open"]


def test_half_open_it_lets_one_through_at_a_time():
    circuit = opened()
    assert (circuit.moment(), circuit.lets_one_through) == (10.0, True)
    era = circuit.enter()
    assert (circuit.state, circuit.moment()) == ("half_open", inf)
    circuit.leave(era, 11.0, "ok")
    assert circuit.moment() == -inf


def test_only_successes_close_it():
    circuit = opened()
    assert [tried(circuit, one) for one in ("ok", "exit_code", None, "ok")] == ["half_open"] * 3 + ["closed"]
    assert not circuit.lets_one_through


def test_one_failure_while_it_is_half_open_opens_it_again():
    circuit = opened()
    assert [tried(circuit, "ok", 11.0), tried(circuit, "connection", 12.0)] == ["half_open", "open"]
    assert circuit.moment() == 22.0
    assert [tried(circuit, "ok"), tried(circuit, "ok")] == ["half_open", "closed"], "the successes begin anew"


def test_a_probe_that_says_nothing_frees_its_place():
    circuit = opened()
    assert tried(circuit, None) == "half_open"
    assert circuit.moment() == -inf


def test_who_began_in_an_earlier_state_tells_nothing_of_this_one():
    circuit = Circuit(RULE)
    late = [circuit.enter() for _ in range(4)]
    tried(circuit, "server")
    tried(circuit, "server")
    circuit.leave(late[0], 1.0, "server")
    circuit.leave(late[1], 1.0, "ok")
    assert (circuit.state, circuit.moment()) == ("open", 10.0)
    probe = circuit.enter()
    circuit.leave(late[2], 12.0, "ok")
    circuit.leave(late[3], 12.0, "server")
    assert (circuit.state, circuit.moment()) == ("half_open", inf), "the probe is still under way"
    circuit.leave(probe, 13.0, "ok")
    assert circuit.state == "half_open"

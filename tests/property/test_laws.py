"""The seven laws of the core, under facts forged, garbled, reordered, stale and said twice."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from tests.property.driver import Driver, lacking, lived, living, snapshot
from tests.property.worlds import FINAL, SEEDS, Scenario, scenario, scenarios
from unspool.core.run import Run
from unspool.errors import IllegalEvent
from unspool.host.resume import fold
from unspool.journal.memory import MemoryJournal
from unspool.model.commands import FinishRun
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    OwnerChanged,
    TaskAdmitted,
    TimerFired,
)

ANYWHERE = scenarios(8, abort=True)

# -- 1 ----------------------------------------------------------------------------------------------


def check_same_in_same_out(world: Scenario, seed: int) -> None:
    life, again = lived(world, seed), Run()
    for entry in life.entries:
        assert again.apply(entry.event) == entry.commands, "other orders than in life"
    assert snapshot(again) == snapshot(life.run), "another state than in life"


@given(ANYWHERE, SEEDS)
def test_law_1_same_in_same_out(world, seed):
    check_same_in_same_out(world, seed)


# -- 2 ----------------------------------------------------------------------------------------------


def forged(run: Run, chance: random.Random) -> Any:
    """Make up a fact, mostly about what is really going on."""
    number = chance.choice([*run.attempts, *run.attempts, -1, 0, 1, 10**6])
    attempt = run.attempts.get(number)
    token = attempt.token if attempt and chance.random() < 0.8 else chance.randrange(4)
    task = attempt.task if attempt and chance.random() < 0.8 else chance.randrange(-2, 9)
    at = chance.choice((0.0, 1000.5, 2000.0))
    match chance.randrange(9):
        case 0:
            return TaskAdmitted(at, task, number, max(token, run.epoch))
        case 1:
            return AttemptStarted(at, number, token, chance.choice((None, {"pid": 1})))
        case 2 | 3 | 4:
            began, cached = chance.choice((None, at)), chance.random() < 0.2
            error = None if cached and chance.random() < 0.8 else _error(chance)
            return AttemptEnded(at, number, token, began, error, _result(chance), None, cached)
        case 5:
            return AttemptLost(at, number, token)
        case 6:
            kind = chance.choice(("timeout:", "idle:", "grace:", "retry:", "", "other:"))
            return TimerFired(at, chance.choice([*run.timers, f"{kind}{number}", f"{kind}{number}.1"]))
        case 7:
            return chance.choice(
                (OwnerChanged(at, run.epoch + chance.randrange(-2, 2)), 3, None, ("AttemptLost", at, 1, 1))
            )
        case _:
            by = chance.choice(("person", "interrupt"))
            wanted = chance.choice((task, task, task, None))
            return CancelRequested(at, f"c{chance.randrange(6)}", wanted, by)


def _error(chance: random.Random) -> Any:
    classes = "exit_code signal spawn_failed timeout auth expression_error crash_limit made-up".split()
    good = {"class": chance.choice([*classes, ""]), "message": "m"}
    return chance.choice(
        (None, None, good, good, good, {}, {"message": "m"}, {"class": None}, {"class": ["exit_code"]})
    )


def _result(chance: random.Random) -> Any:
    texts = ("3\n", "NaN", "1e999", "[" * 4000, "", '{"a": [1]}', "\ud800", "true", "9" * 5000)
    value = {"inline": chance.choice(texts)}
    large = {"ref": "ab", "size": 10**9, "head": "x"}
    part = chance.choice((value, value, value, large, None, {}, {"ref": "ab"}, "text", 3))
    full = {"exit_code": chance.choice((0, 1, None, "0")), "stdout": part}
    odd = {"output": {"n": part}, "outputs": {"m": part}, "value": part, "stderr": part}
    return chance.choice(
        (None, {}, full, full, full | odd, odd, {"output_error": "bad"}, {"output": 3}, {"outputs": []})
    )


def accepts(driver: Driver, event: Any) -> bool:
    """Say whether a fact is taken; one that is refused leaves nothing behind."""
    before = snapshot(driver.run)
    try:
        commands = driver.say(event)
    except IllegalEvent as problem:
        assert snapshot(driver.run) == before, f"{event} was refused ({problem}) and left something behind"
        return False
    except AssertionError:
        raise
    except Exception as problem:
        raise AssertionError(f"{event} was neither taken nor refused: {problem!r}") from problem
    assert isinstance(commands, tuple)
    return True


def check_total(world: Scenario, seed: int) -> int:
    """Any fact gives orders or a refusal that changes nothing, and the run goes on to its end. Counts refusals."""
    chance = random.Random(seed)
    driver = Driver(world, random.Random(seed))
    refused = 0
    for _ in range(300):
        if driver.run.is_final:
            break
        if chance.random() < 0.3:
            driver.step()
        else:
            refused += not accepts(driver, forged(driver.run, chance))
    driver.finish()
    for _ in range(5):
        accepts(driver, forged(driver.run, chance))
    assert all(task.state in FINAL for task in driver.run.tasks)
    return refused


@given(ANYWHERE, SEEDS)
@settings(max_examples=150)
def test_law_2_total(world, seed):
    check_total(world, seed)


def test_the_forger_is_refused_and_believed():
    refused = [check_total(scenario(6, seed, abort=True), seed) for seed in range(20)]
    assert sum(refused) > 50


def test_a_fact_before_the_run_is_refused():
    chance = random.Random(1)
    for _ in range(100):
        run = Run()
        before = snapshot(run)
        with pytest.raises(IllegalEvent, match="before RunStarted"):
            run.apply(forged(run, chance))
        assert snapshot(run) == before


@given(ANYWHERE, SEEDS)
def test_a_history_in_any_order_and_twice_leaves_a_run_that_can_end(world, seed):
    chance = random.Random(seed)
    history = [entry.event for entry in lived(world, seed).entries[1:]]
    driver = Driver(world, chance)
    for event in chance.sample(history * 2, len(history) * 2):
        accepts(driver, event)
    driver.finish()


# -- 3 ----------------------------------------------------------------------------------------------


def check_idempotent(world: Scenario, seed: int) -> None:
    """Any fact of the past, said again at any later moment, changes nothing at all."""
    chance, run, said = random.Random(seed), Run(), []
    for entry in lived(world, seed).entries:
        run.apply(entry.event)
        said.append(entry.event)
        before = snapshot(run)
        for event in (entry.event, *chance.choices(said, k=3)):
            assert _orders_of(run, event) == (), f"{event}, said again, gives orders"
        assert snapshot(run) == before, "a fact, said again, changes the state"


def _orders_of(run: Run, event: Any) -> Any:
    try:
        return run.apply(event)
    except IllegalEvent as problem:
        return problem


@given(ANYWHERE, SEEDS)
def test_law_3_idempotent(world, seed):
    check_idempotent(world, seed)


def check_stale_tokens(world: Scenario, seed: int) -> None:
    """A fact of another owner about an attempt that is under way changes nothing."""
    for driver in living(world, seed):
        before = snapshot(driver.run)
        for number, attempt in list(driver.run.attempts.items()):
            for kind in (AttemptStarted, AttemptEnded, AttemptLost) if attempt.admitted else ():
                orders = _orders_of(driver.run, kind(9e9, number, attempt.token + 1000))
                assert orders == (), f"{kind.__name__} of another owner is believed"
        assert snapshot(driver.run) == before


@given(ANYWHERE, SEEDS)
def test_a_fact_of_another_owner_changes_nothing(world, seed):
    check_stale_tokens(world, seed)


# -- 4 ----------------------------------------------------------------------------------------------


def check_replay(world: Scenario, seed: int) -> None:
    """Folding the journal, written in random groups, gives the recorded orders and each moment of life."""
    chance, moments = random.Random(seed), {}
    for driver in living(world, seed):
        if chance.random() < 0.2 or driver.run.is_final:
            moments[len(driver.entries)] = snapshot(driver.run)
    journal = MemoryJournal()
    left = list(driver.entries)
    while left:
        group = chance.randint(1, 5)
        journal.append(left[:group])
        del left[:group]
    rows = list(journal.read())
    for count, moment in moments.items():
        assert snapshot(fold(rows[:count])) == moment, "another state than in life"


@given(ANYWHERE, SEEDS)
def test_law_4_replay_equals_life(world, seed):
    check_replay(world, seed)


# -- 5 ----------------------------------------------------------------------------------------------


def check_never_stuck(world: Scenario, seed: int) -> None:
    """`Driver.step` finds something outstanding until the run is final, and then nothing is."""
    driver = lived(world, seed)
    orders = [command for entry in driver.entries for command in entry.commands]
    assert [order for order in orders if isinstance(order, FinishRun)] == [
        FinishRun(driver.run.state, driver.run.reason)
    ]
    assert all(task.state in FINAL for task in driver.run.tasks)
    assert not driver.places
    assert not driver.timers
    assert driver.admission.free == driver.admission.slots, "a place was not given back"
    assert not lacking(driver.admission), "something that tasks share was not given back"


@given(ANYWHERE, SEEDS)
@settings(max_examples=300)
def test_law_5_never_stuck(world, seed):
    check_never_stuck(world, seed)


# -- 6 ----------------------------------------------------------------------------------------------


def check_growth_only(world: Scenario, seed: int) -> None:
    """A task that started keeps its plan and its needs, on both ends of every edge."""
    kept: dict[int, Any] = {}
    for driver in living(world, seed):
        run = driver.run
        assert len(run.tasks) >= len(world.plan.tasks), "a task is gone"
        for task in run.tasks:
            if task.started_at is not None:
                edges = [
                    (need, wanted) for need, ways in enumerate(run._edges) for to, wanted in ways if to == task.index
                ]
                now = run.nodes[task.index], edges
                assert kept.setdefault(task.index, now) == now, f"t{task.index} started and has changed"
    assert tuple(run.nodes[: len(world.plan.tasks)]) == world.plan.tasks


@given(ANYWHERE, SEEDS)
def test_law_6_growth_only(world, seed):
    check_growth_only(world, seed)


def check_nothing_starts_early(world: Scenario, seed: int) -> None:
    """When a task leaves `created` to run, everything above it is final."""
    above: list[set[int]] = []
    for task in world.plan.tasks:
        above.append({need for need, _ in task.needs}.union(*(above[need] for need, _ in task.needs)))
    run = Run()
    for entry in lived(world, seed).entries:
        run.apply(entry.event)
        for index, state, _ in run.moves:
            if state == "ready":
                early = [need for need in above[index] if run.tasks[need].state not in FINAL]
                assert not early, f"t{index} starts before {early}"


@given(ANYWHERE, SEEDS)
@settings(max_examples=200)
def test_nothing_starts_before_all_above_it_is_final(world, seed):
    check_nothing_starts_early(world, seed)


# -- 7 ----------------------------------------------------------------------------------------------

AMBIENT = """
import os, random, sys, time
from tests.property.driver import lived
from tests.property.worlds import scenario
from unspool.core import ending as ending_module
from unspool.core import run as run_module
histories = [lived(scenario(9, seed, abort=True), seed).entries for seed in range(40)]
# FAULT
seen, armed = set(), False
def hook(name, arguments):
    if armed:
        seen.add(name)
sys.addaudithook(hook)
def ambient(*arguments):
    raise SystemExit("the core asks the world")
for module, names in ((time, "time monotonic perf_counter"), (os, "urandom getpid stat"), (random, "random")):
    for name in names.split():
        setattr(module, name, ambient)
armed = True
for history in histories:
    run = run_module.Run()
    for entry in history:
        run.apply(entry.event)
armed = False
print([name for name in sorted(seen) if not name.startswith(("object.", "code.", "compile", "exec", "import"))])
"""


def check_nothing_ambient(fault: str = "") -> None:
    """Runs that were lived before are folded without clock, chance, files or any other call of the system."""
    script = AMBIENT.replace("# FAULT", fault)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.stdout.strip(), ended.stderr) == ("[]", ""), "the core asks the world"


def test_law_7_nothing_ambient():
    check_nothing_ambient()


# -- all of them ------------------------------------------------------------------------------------

CHECKS = (
    check_same_in_same_out,
    check_total,
    check_idempotent,
    check_stale_tokens,
    check_replay,
    check_never_stuck,
    check_growth_only,
    check_nothing_starts_early,
)


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
def test_the_laws_hold_in_500_worlds(check):
    for seed in range(500):
        check(scenario(seed % 13, seed, abort=True), seed)

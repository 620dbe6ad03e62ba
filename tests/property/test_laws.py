"""The seven laws of the core, under random, repeated, reordered and stale events."""

from __future__ import annotations

import copy
import random
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.worlds import World, outcomes, plans, snapshot, started
from unspool.core.run import Run
from unspool.errors import IllegalEvent
from unspool.host.resume import fold
from unspool.journal.memory import MemoryJournal
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    OwnerChanged,
    TaskAdmitted,
    TimerFired,
)
from unspool.model.plan import Plan

SEEDS = st.integers(0, 2**32)


def lived(plan, seed: int) -> World:
    world = World(plan, random.Random(seed), outcomes(seed))
    world.drive()
    return world


def check_same_in_same_out(world: World) -> None:
    again = Run()
    assert [again.apply(entry.event) for entry in world.entries] == [entry.commands for entry in world.entries]
    assert snapshot(again) == snapshot(world.run)


def check_idempotent(world: World, chance: random.Random) -> None:
    """Every fact said again at any later time changes nothing."""
    run = Run()
    said = []
    for entry in world.entries:
        run.apply(entry.event)
        said.append(entry.event)
        before = snapshot(run)
        for event in [entry.event, chance.choice(said)]:
            assert run.apply(event) == (), f"{event} said again"
            assert snapshot(run) == before, f"{event} said again"


def check_replay(world: World, journal: MemoryJournal, chance: random.Random) -> None:
    """Folding the journal, written in random groups, gives the live state and the recorded commands."""
    entries = list(world.entries)
    while entries:
        group = chance.randint(1, 5)
        journal.append(entries[:group])
        del entries[:group]
    assert snapshot(fold(journal.read("r1"))) == snapshot(world.run)


def check_stale_tokens(world: World) -> None:
    """A fact of another owner about a live attempt changes nothing."""
    run = Run()
    for entry in world.entries:
        run.apply(entry.event)
        before = snapshot(run)
        for number, attempt in list(run.attempts.items()):
            if attempt.admitted:
                for kind in (AttemptStarted, AttemptEnded, AttemptLost):
                    assert run.apply(kind(9e9, number, attempt.token + 1000)) == ()
        assert snapshot(run) == before


@given(plans(), SEEDS)
def test_law_1_same_in_same_out(plan, seed):
    check_same_in_same_out(lived(plan, seed))


def any_event(chance: random.Random, tasks: int):
    attempt, task, token = chance.randint(-1, 12), chance.randint(-1, tasks), chance.randint(0, 3)
    kind = chance.randint(0, 6)
    if kind == 0:
        return TaskAdmitted(2000.0, task, attempt, token)
    if kind == 1:
        return AttemptStarted(2000.0, attempt, token)
    if kind == 2:
        error = chance.choice([None, {"class": "exit_code", "message": "exit code 1"}])
        return AttemptEnded(2000.0, attempt, token, chance.choice([None, 1999.0]), error)
    if kind == 3:
        return AttemptLost(2000.0, attempt, token)
    if kind == 4:
        return TimerFired(2000.0, f"{chance.choice(['timeout', 'grace', 'retry'])}:{attempt}")
    if kind == 5:
        return CancelRequested(2000.0, f"x{chance.randint(0, 3)}", chance.choice([None, task]))
    return OwnerChanged(2000.0, chance.randint(0, 4))


@given(plans(), SEEDS)
def test_law_2_total_and_unchanged_after_a_refusal(plan, seed):
    chance = random.Random(seed)
    world = lived(plan, seed)
    run = Run()
    refused = 0
    for entry in [None, *world.entries]:
        if entry is not None:
            run.apply(entry.event)
        for _ in range(4):
            trial = copy.deepcopy(run)
            before = snapshot(trial)
            try:
                assert isinstance(trial.apply(any_event(chance, len(plan.tasks))), tuple)
            except IllegalEvent:
                refused += 1
                assert snapshot(trial) == before
    assert refused, "no event was ever refused"


def test_law_2_an_event_of_no_run_is_refused():
    for event in (TaskAdmitted(1.0, 0, 1, 1), CancelRequested(1.0, "x")):
        run = Run()
        before = snapshot(run)
        try:
            run.apply(event)
        except IllegalEvent as problem:
            assert "before RunStarted" in str(problem)
        else:
            raise AssertionError("an event came before the run")
        assert snapshot(run) == before


@given(plans(), SEEDS)
def test_law_3_idempotent(plan, seed):
    check_idempotent(lived(plan, seed), random.Random(seed))


@given(plans(), SEEDS)
def test_law_3_stale_facts_change_nothing(plan, seed):
    check_stale_tokens(lived(plan, seed))


@given(plans(), SEEDS)
def test_law_4_replay_equals_life(plan, seed):
    check_replay(lived(plan, seed), MemoryJournal(), random.Random(seed))


@given(plans(), SEEDS)
@settings(max_examples=300)
def test_law_5_never_stuck(plan, seed):
    """`World.say` verifies the books after each event; a run that can go on no more fails in `drive`."""
    world = lived(plan, seed)
    assert len(world.finished) == 1
    assert all(task.state in ("completed", "failed", "cancelled", "skipped") for task in world.run.tasks)
    assert not world.run.attempts
    assert not world.timers
    assert world.admission.free == world.admission.slots


@given(plans(), SEEDS)
def test_law_6_nothing_started_gains_a_need(plan, seed):
    world = World(plan, random.Random(seed), outcomes(seed))
    needs = [task.needs for task in world.run.plan.tasks]
    while not world.run.is_final:
        world.step()
        assert [task.needs for task in world.run.plan.tasks] == needs


AMBIENT = """
import random, sys
from hypothesis import find, settings
from tests.property.worlds import World, outcomes, plans, started
from unspool.core.run import Run
from unspool import expr
expr.evaluate("1 < 2", {})
def large(plan):
    return len(plan.tasks) >= 6 and any(task.when == "inputs.flag" for task in plan.tasks)
plan = find(plans(), large, settings=settings(database=None))
world = World(plan, random.Random(1), outcomes(1))
world.drive()
import os, time
seen = []
armed = [False]
def hook(name, arguments):
    if armed[0]:
        seen.append(name)
sys.addaudithook(hook)
def ambient(*arguments):
    raise SystemExit("the core asked the world")
for module, names in ((time, "time monotonic perf_counter"), (os, "urandom getpid stat"), (random, "random")):
    for name in names.split():
        setattr(module, name, ambient)
armed[0] = True
run = Run()
for entry in world.entries:
    run.apply(entry.event)
armed[0] = False
outside = sorted({name for name in seen if not name.startswith(("object.", "code.", "compile", "exec", "import"))})
print("ok" if run.is_final and not outside else outside)
"""


def test_law_7_nothing_ambient():
    ended = subprocess.run([sys.executable, "-c", AMBIENT], capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout.strip() == "ok", ended.stdout + ended.stderr


def test_a_run_is_started_once():
    plan = Plan("p", ())
    run = Run()
    assert run.apply(started(plan))[0].text == "finish:completed"
    assert run.apply(started(plan)) == ()

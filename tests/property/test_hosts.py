"""The real local host before random scenarios: however facts are grouped, and whenever it dies, there is one end."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings

from tests.property.driver import snapshot
from tests.property.simulated import Dies, FragileJournal, simulated
from tests.property.test_verdicts import assert_foreseen
from tests.property.worlds import FINAL, SEEDS, Scenario, scenarios
from unspool.core.run import Run
from unspool.host import local as local_module
from unspool.host.resume import fold
from unspool.model.commands import StartAttempt


def check_a_death_changes_nothing(world: Scenario, seed: int, deaths: int = 2) -> None:
    """A run that was killed at any commits ends as one that was not; nothing committed as final runs again."""
    chance = random.Random(seed)
    journal = FragileJournal()
    journal.dies_at = chance.randint(2, 8)
    host = simulated(world, journal=journal)
    over: set[int] = set()
    for death in range(deaths + 1):
        dead = False
        try:
            host.drive()
        except Dies:
            dead = True
        assert not {task for task, _ in host.begun} & over, "a task that was over ran again"
        run = fold(journal.read("r1"))
        over = {task.index for task in run.tasks if task.state in FINAL}
        if not dead or run.is_final:
            break
        journal.survives = chance.random() < 0.5
        journal.dies_at = journal.commits + chance.randint(1, 6) if death < deaths - 1 else None
        host = simulated(world, journal=journal, at=host.clock.now() + 60.0)
    assert_foreseen(run, world)
    assert dead or snapshot(host.run) == snapshot(run)


@given(scenarios(7), SEEDS)
@settings(max_examples=150)
def test_a_host_that_dies_at_any_commit_changes_nothing(world, seed):
    check_a_death_changes_nothing(world, seed)


def check_ticks(world: Scenario, seed: int) -> None:
    """However facts are grouped into commits, and however many slots there are: one end, and a sound journal."""
    chance = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_module, "LINGER", chance.choice((0.0, 0.01, 2.0)))
        patch.setattr(local_module, "BATCH", chance.choice((1, 3, 64)))
        patch.setattr(local_module, "AHEAD_MOST", chance.choice((0, 4, 64)))
        patch.setattr(local_module, "AHEAD_HORIZON", chance.choice((0.0, 0.03, 100.0)))
        host = simulated(world, chance.randint(1, 4))
        run = host.drive()
    assert_foreseen(run, world)
    assert snapshot(fold(host.journal.read("r1"))) == snapshot(run)
    assert host.host.admission.free == host.host.admission.slots
    ordered = _ordered_starts(host.journal)
    refused = sum(world.fate(*begun) == "refused" for begun in host.begun)
    assert len(host.begun) == ordered, "what was ordered began once"
    assert len(host.kind.started) == ordered - refused


def _ordered_starts(journal: FragileJournal) -> int:
    run = Run()
    orders = [command for row in journal.read("r1") for command in run.apply(row.event)]
    return sum(isinstance(command, StartAttempt) for command in orders)


@given(scenarios(8), SEEDS)
@settings(max_examples=150)
def test_ticks_do_not_change_the_end(world, seed):
    check_ticks(world, seed)

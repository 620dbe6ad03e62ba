"""Random documents of everything that grows, waits, undoes and closes: the laws hold at every step of any life."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings

from tests.property.documents import Grown, growing, grown
from tests.property.lives import Life, is_refused, replayed
from tests.property.worlds import SEEDS
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    OwnerChanged,
    PersonDecided,
    TaskAdmitted,
    TimerFired,
)


def check_a_life(world: Grown, seed: int) -> None:
    """With crashes, cancels and late timers: it ends, soundly, and a replay is the same life again."""
    life = Life(world, seed)
    life.finish()
    replayed(life)


def check_order(world: Grown, seed: int) -> None:
    """Where nothing races, one document with one fate has one end, in whatever order things happen."""
    first = Life(world, seed, quiet=True)
    first.finish()
    for other in range(1, 4):
        life = Life(world, seed + other, quiet=True)
        life.finish()
        assert life.ends() == first.ends(), "the order mattered"
        assert (life.run.state, life.run.reason) == (first.run.state, first.run.reason)


def check_forged(world: Grown, seed: int) -> int:
    """What cannot have happened is refused and changes nothing; the run goes on to its end. Counts refusals."""
    life, chance, refused = Life(world, seed), random.Random(seed), 0
    for turn, _ in enumerate(life.live()):
        if turn % 4 == 0 and turn < 120:
            refused += is_refused(life, forged(life, chance))
    return refused


def forged(life: Life, chance: random.Random) -> Any:
    """Make up a fact, mostly about what is really going on."""
    run = life.run
    number = chance.choice([*run.attempts, -1, 0, 1, 10**6])
    attempt = run.attempts.get(number)
    token = attempt.token if attempt and chance.random() < 0.7 else chance.randrange(4)
    task = chance.choice((attempt.task if attempt else 0, chance.randrange(-2, len(run.tasks) + 2)))
    error = {"class": chance.choice(("odd", None))}
    kinds = ("wait:", "approval:", "span:", "retry:", "grace:", "run:", "odd:")
    return chance.choice(
        (
            TaskAdmitted(life.at, task, number, token),
            AttemptStarted(life.at, number, token),
            AttemptEnded(life.at, number, token, chance.choice((None, life.at)), error),
            AttemptLost(life.at, number, token),
            TimerFired(life.at, f"{chance.choice(kinds)}{task}"),
            OwnerChanged(life.at, run.epoch - 1),
            PersonDecided(life.at, f"f{len(life.entries)}", task, chance.random() < 0.5),
            CancelRequested(life.at, f"f{len(life.entries)}", task, "person"),
        )
    )


@given(growing(), SEEDS)
@settings(max_examples=80)
def test_any_life_is_sound_and_ends(world, seed):
    check_a_life(world, seed)


@given(growing(calm=True), SEEDS)
@settings(max_examples=60)
def test_the_order_of_things_does_not_change_the_end(world, seed):
    check_order(world, seed)


@given(growing(4), SEEDS)
@settings(max_examples=40)
def test_what_cannot_have_happened_changes_nothing(world, seed):
    check_forged(world, seed)


def test_the_forger_is_refused():
    assert sum(check_forged(grown(4, seed), seed) for seed in range(40)) > 50


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_thousands_of_lives(part):
    for seed in range(part, 4000, 4):
        check_a_life(grown(seed % 8 + 1, seed), seed)
        if seed % 3 == 0:
            check_order(grown(seed % 6 + 1, seed, calm=True), seed)

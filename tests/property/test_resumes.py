"""A host that dies at any commit of any shape: whoever takes over comes to the same end, and repeats nothing."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings

from tests.property.documents import Grown, growing, grown
from tests.property.driver import snapshot
from tests.property.lives import Life
from tests.property.shapes import SHAPES, Trial
from tests.property.simulated import Dies, FragileJournal
from tests.property.test_cancels import check_nothing_is_left
from tests.property.worlds import SEEDS
from unspool.core.run import Run
from unspool.host.resume import fold
from unspool.model.status import FINAL_STATES

_RACES = {"race"}  # who wins depends on who was slowed down


def lived(shape: str | Grown) -> Trial:
    trial = Trial(shape)
    trial.drive()
    return trial


def taken_over(shape: str | Grown, *deaths: int, survives: bool, after: float) -> Trial:
    """Die at each of these commits, counted over all owners, and be taken over; nothing final may begin again."""
    journal, at, over = FragileJournal(), 1_700_000_000.0, set()
    for death in (*deaths, None):
        journal.dies_at, journal.survives = death, survives
        trial = Trial(shape, journal=journal, at=at)
        dead = False
        try:
            trial.drive()
        except Dies:
            dead = True
        again = {index for index, _ in trial.begun} & over
        assert not again, f"began again: {[trial.run.nodes[index].id for index in again]}"
        if not dead:
            break
        run = fold(journal.read("r1"))
        over |= {task.index for task in run.tasks if task.state in FINAL_STATES}
        at = trial.clock.now() + after
    return trial


def check_same_end(shape: str | Grown, trial: Trial) -> None:
    check_nothing_is_left(trial)
    usual = lived(shape)
    assert trial.run.state == usual.run.state
    assert trial.run.reason == usual.run.reason
    assert trial.ends().keys() == usual.ends().keys()
    if not (isinstance(shape, str) and shape in _RACES):
        assert trial.ends() == usual.ends(), "another end than without a death"
    assert snapshot(fold(trial.journal.read("r1"))) == snapshot(trial.run)


@pytest.mark.parametrize("survives", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_death_at_any_commit_changes_no_end(shape, survives):
    for death in range(2, lived(shape).journal.commits + 1):
        check_same_end(shape, taken_over(shape, death, survives=survives, after=3.0))


@pytest.mark.slow
@pytest.mark.parametrize("survives", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_two_deaths_at_any_two_commits_change_no_end(shape, survives):
    for first in range(2, lived(shape).journal.commits + 1):
        for gap in range(1, 9):
            check_same_end(shape, taken_over(shape, first, first + gap, survives=survives, after=3.0))


def test_what_was_undone_is_not_undone_again():
    """The host dies at each commit of a rollback; each compensation that had completed begins once."""
    for death in range(2, lived("rollback").journal.commits + 1):
        trial = taken_over("rollback", death, survives=True, after=3.0)
        undone = [node.id for node in trial.run.nodes if node.id.endswith("/compensate") and not node.template]
        assert sorted(undone) == ["book/compensate", "pay[a]/compensate", "pay[b]/compensate"]
        assert all(trial.ends()[name] == ("completed", None) for name in undone)
        assert undone[-1] == "book/compensate", "newest first"


def check_random_deaths(world: Grown, seed: int) -> None:
    """Some deaths in a random document; where nothing in it races, they change no end."""
    commits = lived(world).journal.commits
    if commits < 2:
        return
    chance = random.Random(seed)
    deaths = [chance.randint(2, commits)]
    deaths += [deaths[0] + chance.randint(1, 6)] if chance.random() < 0.5 else []
    trial = taken_over(world, *deaths, survives=chance.random() < 0.5, after=chance.choice((0.0, 3.0, 3600.0)))
    if world.calm:
        check_same_end(world, trial)
    else:
        check_nothing_is_left(trial)


@pytest.mark.slow
@given(growing(5, calm=True), SEEDS)
@settings(max_examples=60)
def test_deaths_change_no_end_of_a_calm_document(world, seed):
    check_random_deaths(world, seed)


@given(growing(5), SEEDS)
@settings(max_examples=60)
def test_deaths_leave_nothing_behind_in_any_document(world, seed):
    check_random_deaths(world, seed)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_a_thousand_deaths(part):
    for seed in range(part, 1000, 2):
        check_random_deaths(grown(seed % 6 + 1, seed, calm=seed % 4 < 2), seed)


# -- the same rules in every host -------------------------------------------------------------------


def told(run: Run) -> list[tuple[str, str]]:
    """Give what rules told, by task; in which order two tasks end is nobody's to say."""
    notes = [(run.nodes[note.task].id, note.text) for note in run.notes]
    return sorted([*notes, *((run.nodes[each.task].id, f"{each.name} {each.values}") for each in run.events)])


def check_hosts_agree(world: Grown, seed: int) -> None:
    """Attempts that end in any order, and those of a host on a virtual clock, lead to the same tasks and states."""
    trial, life = lived(world), Life(world, seed, quiet=True)
    life.finish()
    assert trial.ends() == life.ends()
    assert told(trial.run) == told(life.run)
    assert {node.id for node in trial.run.nodes} == {node.id for node in life.run.nodes}


@given(growing(6, calm=True), SEEDS)
@settings(max_examples=60)
def test_rules_lead_to_the_same_in_every_host(world, seed):
    check_hosts_agree(world, seed)


@pytest.mark.slow
@given(growing(8, calm=True), SEEDS)
@settings(max_examples=600)
def test_rules_lead_to_the_same_in_every_host_for_long(world, seed):
    check_hosts_agree(world, seed)

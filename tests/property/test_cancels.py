"""Cancelled at any commit, by a person or an interrupt, once or twice: one final state, and nothing is left behind."""

from __future__ import annotations

import pytest

from tests.property.driver import snapshot
from tests.property.shapes import PLANS, SHAPES, Trial
from unspool.core.verify import verify
from unspool.host.ports import Request
from unspool.host.resume import fold
from unspool.model.status import FINAL_STATES

_NEVER_CANCELLED = ("completed", "failed")  # what a run was that had its verdict before the cancel came


def commits_of(shape: str) -> int:
    trial = Trial(shape)
    trial.drive()
    return trial.journal.commits


def cancelled_at(shape: str, commit: int, *wishes: str) -> Trial:
    """Live to a commit, send one request after it and the others one commit later each, and drive to the end."""

    def later(trial: Trial) -> None:
        turn = trial.journal.commits - commit
        if 0 <= turn < len(wishes):
            trial.host.request(Request(f"c{turn}", "r1", "cancel", by=wishes[turn]))

    trial = Trial(shape, later=later)
    trial.drive()
    return trial


def check_nothing_is_left(trial: Trial) -> None:
    run = trial.run
    open_tasks = [
        node.id for node in run.nodes if not node.template and run.tasks[node.index].state not in FINAL_STATES
    ]
    assert open_tasks == []
    assert verify(run) == []
    assert not trial.kind._live, "something still runs"
    assert trial.kept == [], "a place or a resource was not given back"
    assert trial.host.admission.free == trial.host.admission.slots
    assert not trial.host._active
    assert not trial.host._intents
    assert snapshot(fold(trial.journal.read("r1"))) == snapshot(run)


def check_verdict(trial: Trial, shape: str, by: str) -> None:
    """It is cancelled, or the cancel came after the verdict; `finally` ran either way."""
    run = trial.run
    if run.state == "cancelled":
        assert run.reason == ("interrupted" if by == "interrupt" else "cancelled_by_person")
    else:
        assert run.state == Trial(shape).drive().state, "neither cancelled nor what it would have been"
    closing = {node.id for node in run.nodes if node.closing and node.is_shown}
    assert {trial.ends()[name][0] for name in closing} <= {"completed"}, "`finally` did not run"


@pytest.mark.parametrize("by", ["person", "interrupt"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_cancel_at_any_commit_leaves_one_final_state(shape, by):
    ends = set()
    for commit in range(1, commits_of(shape) + 1):
        trial = cancelled_at(shape, commit, by)
        check_nothing_is_left(trial)
        check_verdict(trial, shape, by)
        ends.add(trial.run.state)
    assert "cancelled" in ends


@pytest.mark.slow
@pytest.mark.parametrize("wishes", [("interrupt", "interrupt"), ("person", "interrupt"), ("interrupt",) * 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_second_wish_at_any_commit_ends_it_too(shape, wishes):
    for commit in range(1, commits_of(shape) + 1):
        trial = cancelled_at(shape, commit, *wishes)
        check_nothing_is_left(trial)
        assert trial.run.state in ("cancelled", *_NEVER_CANCELLED)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_any_task_cancelled_at_any_commit_ends_and_the_run_goes_on(shape):
    names = [node.id for node in PLANS[shape].tasks if node.is_shown]
    for name in names:
        for commit in range(1, commits_of(shape) + 1):

            def later(trial: Trial, at: int = commit, name: str = name) -> None:
                if trial.journal.commits == at:
                    trial.host.request(Request("c", "r1", "cancel", name))

            trial = Trial(shape, later=later)
            trial.drive()
            check_nothing_is_left(trial)


def test_a_cancelled_task_that_waits_long_ends_at_once():
    """The retry of a diamond and the stubborn member of a race would take minutes."""
    for shape in ("diamond", "race", "closing"):
        for commit in range(1, commits_of(shape) + 1):
            trial = cancelled_at(shape, commit, "person")
            if trial.run.state == "cancelled":
                asked = next(row.event.at for row in trial.journal.read("r1") if "Cancel" in type(row.event).__name__)
                assert trial.run.completed_at - asked < 15

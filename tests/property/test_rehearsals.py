"""Rehearsals of any document: cut anywhere they come to the same end, and what is recorded of one plays as it did."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings

from tests.property.documents import FAILS, Grown, growing, grown
from unspool.cli.record import to_yaml
from unspool.compiler.rehearsals import Case, check_case, check_cases, load_rehearsal
from unspool.host.cuts import cut
from unspool.host.record import record
from unspool.host.rehearse import Played, play
from unspool.observe.rehearsed import differences


class Fates:
    """What attempts of a random document give, as stubs: any task is found, and has as many attempts as it likes."""

    def __init__(self, world: Grown) -> None:
        self.world = world

    def find(self, task: str) -> list[dict[str, Any]]:
        return [self._stub(task, number) for number in range(1, 40)]

    def name_for(self, task: str) -> str:
        return task

    def _stub(self, task: str, number: int) -> dict[str, Any]:
        chance = random.Random(f"{self.world.seed}/{task}#{number}/seconds")
        seconds = chance.choice((0, 0.5, 3, 40))
        fate = self.world.fate(task, number)
        if fate == FAILS:
            return {"seconds": seconds, "exit_code": 1, "approved": False}
        return {"seconds": seconds, "stdout": fate, "approved": True}


def played(world: Grown) -> tuple[Case, Played]:
    case, problems = check_case(world.plan, {"inputs": {}}, "any")
    assert problems == []
    case = case._replace(stubs=Fates(world))  # type: ignore[arg-type]
    return case, play(world.plan, case)


def check_cuts(world: Grown) -> None:
    case, found = played(world)
    assert list(cut(case, found)) == []


def check_recording(world: Grown) -> None:
    _, found = played(world)
    text = to_yaml({"unspool_rehearsal": 1, "cases": {"recorded": record(found.rows).case}})
    loaded, problems = load_rehearsal(text, "yaml")
    assert problems == (), text
    (case,), wrong = check_cases(world.plan, loaded.value)
    assert wrong == [], text
    again = play(world.plan, case)
    assert differences(again.run, again.entries, case.expect) == [], text


@given(growing(4, calm=True))
@settings(max_examples=10)
def test_a_case_of_a_calm_document_can_be_cut_anywhere(world):
    check_cuts(world)


@given(growing(5, calm=True))
@settings(max_examples=25)
def test_what_is_recorded_rehearses_to_itself(world):
    check_recording(world)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_two_hundred_documents(part):
    for seed in range(part, 200, 2):
        check_cuts(grown(seed % 6 + 1, seed, calm=True))
        check_recording(grown(seed % 6 + 1, seed, calm=True))

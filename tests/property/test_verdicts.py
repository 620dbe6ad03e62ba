"""Final states against an oracle that shares no code with the engine, whatever the order of ends."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.worlds import World, final_states, plans
from unspool.model.plan import Plan


def check_oracle(plan: Plan, seed: int) -> None:
    fates = [random.Random(f"{seed}/{task.index}").choice(["ok", "ok", "exit 1"]) for task in plan.tasks]
    world = World(plan, random.Random(seed), lambda task, _: fates[task], cancels=False)
    run = world.drive()
    states, verdict = final_states(plan, lambda task: fates[task], flag=True)
    assert [task.state for task in run.tasks] == states
    assert run.state == verdict


@given(plans(simple=True), st.integers(0, 2**32))
@settings(max_examples=500)
def test_final_states_are_the_oracles(plan, seed):
    check_oracle(plan, seed)


@pytest.mark.slow
@given(plans(simple=True), st.integers(0, 2**32))
@settings(max_examples=5000)
def test_final_states_are_the_oracles_in_many_runs(plan, seed):
    check_oracle(plan, seed)

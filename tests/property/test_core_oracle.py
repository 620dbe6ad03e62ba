"""The end of every task, with reason and attempts, against an oracle that knows no order, no clock and no engine."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.plans import Driver, Scenario, ends_of, expected, scenario, scenarios
from unspool.model.plan import Plan, Task

WAYS = (None, "ok", "completed", "failed", "skipped", "any")


def check_foreseen(world: Scenario, seed: int, *, crashes: bool = False) -> None:
    """A run ends as the oracle says, whatever the order."""
    run = Driver(world, random.Random(seed), crashes=crashes).finish()
    assert ends_of(run) == expected(world)
    assert run.reason == ("task_failed" if run.state == "failed" else None)


def check_order_does_not_matter(world: Scenario, seed: int) -> None:
    """Two orders and one with crashes give one end."""
    runs = [Driver(world, random.Random(f"{seed}/{way}"), crashes=way == 2).finish() for way in range(3)]
    first, second, crashed = map(ends_of, runs)
    assert first == second == crashed


def test_2000_scenarios_end_as_foreseen():
    for seed in range(2000):
        check_foreseen(scenario(seed % 13, seed), seed, crashes=seed % 4 == 0)


@pytest.mark.slow
def test_20000_scenarios_end_as_foreseen():
    for seed in range(2000, 22_000):
        check_foreseen(scenario(seed % 13, seed), seed, crashes=seed % 4 == 0)


@given(scenarios(), st.integers(0, 2**32))
@settings(max_examples=200)
def test_order_does_not_matter(world, seed):
    check_order_does_not_matter(world, seed)


def triangles(step: int, offset: int = 0):
    """Give all graphs of three tasks with all kinds of dependencies, failures and tolerance, or every `step`th."""
    every = product(WAYS, WAYS, WAYS, product((False, True), repeat=3), product(("ok", "exit 3"), repeat=3))
    for number, (first, second, third, tolerant, fates) in enumerate(every):
        if number % step == offset:
            needs = [[], [(0, first)], [(0, second), (1, third)]]
            tasks = [
                Task(
                    index,
                    f"t{index}",
                    "run",
                    {"argv": ["x"]},
                    tuple(edge for edge in needs[index] if edge[1]),
                    on_failure="skip" if tolerant[index] else "cancel_dependents",
                )
                for index in range(3)
            ]
            yield Scenario(
                Plan("triangle", tuple(tasks)),
                tuple((fate,) for fate in fates),
                (("none",),) * 3,
                (None,) * 3,
                (1,) * 3,
                True,
            )


def test_every_graph_of_three_tasks_ends_as_foreseen():
    for seed, world in enumerate(triangles(step=4)):
        check_foreseen(world, seed)


@pytest.mark.slow
def test_every_graph_of_three_tasks_ends_as_foreseen_in_many_orders():
    for world in triangles(step=1):
        for seed in range(4):
            check_foreseen(world, seed)


def test_the_oracle_sees_every_end():
    """The scenarios reach what they are to prove."""
    seen = {end[:2] for seed in range(300) for end in expected(scenario(9, seed))[0]}
    assert seen == {
        ("completed", None),
        ("cancelled", "dependency_failed"),
        ("skipped", "dependency_not_met"),
        ("skipped", "when_false"),
        *(
            ("failed", reason)
            for reason in (
                "exit_code",
                "signal",
                "spawn_failed",
                "timeout",
                "output_invalid",
                "success_when_false",
                "expression_error",
            )
        ),
    }

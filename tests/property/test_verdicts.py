"""The end of every task, with reason and attempts, against an oracle that knows no order, no clock and no engine."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings

from tests.property.driver import Driver, End, ends_of
from tests.property.worlds import SEEDS, Scenario, plan_of, scenario, scenarios, scripted
from unspool.core.run import Run
from unspool.model.plan import Retry, Task

_UNTOLD = {"signal": "signal", "refused": "spawn_failed", "timeout": "timeout", "idle": "idle_timeout"}
WAYS = (None, "ok", "completed", "failed", "skipped", "any")

# -- the oracle -------------------------------------------------------------------------------------


def expected(world: Scenario) -> tuple[list[End], str]:
    """Say how every task ends, and the run, by sections 2, 3 and 5 of the language page."""
    ends: list[End] = []
    outputs: list[int | None] = []  # what `tasks.x.outputs.n` is, None where it is absent
    for task in world.plan.tasks:
        end, output = _end_of(world, task, ends, outputs)
        ends.append(end)
        outputs.append(output)
    hurt = any(
        end[0] == "failed" and task.on_failure != "skip" for end, task in zip(ends, world.plan.tasks, strict=True)
    )
    return ends, "failed" if hurt else "completed"


def _end_of(world: Scenario, task: Task, ends: list[End], outputs: list[int | None]) -> tuple[End, int | None]:
    unmet = [need for need, wanted in task.needs if not _is_met(world.plan.tasks[need], ends[need][0], wanted)]
    if any(_is_a_blow(world.plan.tasks[need], ends[need][0]) for need in unmet):
        return ("cancelled", "dependency_failed", 0), None
    if unmet:
        return ("skipped", "dependency_not_met", 0), None
    default = task.outputs[0].default if task.outputs and task.outputs[0].has_default else None
    match world.conditions[task.index]:
        case ("broken",):
            return ("failed", "expression_error", 0), default
        case ("false",):
            wanted = False
        case ("flag",):
            wanted = world.flag
        case ("state", above, state):
            wanted = ends[above][0] == state
        case ("value", above, limit):
            wanted = (outputs[above] or 0) > limit
        case _:
            wanted = True
    if not wanted:
        return ("skipped", "when_false", 0), None
    return _outcome(world, task, default)


def _is_met(need: Task, end: str, wanted: str) -> bool:
    if wanted == "any":
        return True
    if wanted == "ok":
        return end in ("completed", "skipped") or (end == "failed" and need.on_failure == "skip")
    return end == wanted


def _is_a_blow(need: Task, end: str) -> bool:
    return end == "cancelled" or (end == "failed" and need.on_failure != "skip")


def _outcome(world: Scenario, task: Task, default: int | None) -> tuple[End, int | None]:
    """Go through the attempts of a task that starts."""
    number = 0
    for fate in world.fates[task.index]:
        number += 1
        kind, code = _error(world, task, fate)
        if kind is None or not _again(task.retry, kind, code):
            break
    reads = bool(task.outputs) and fate not in ("garbled", "refused", "timeout", "idle")
    output = world.values[task.index] if reads else default
    return ("failed" if kind else "completed", kind, number), output


def _error(world: Scenario, task: Task, fate: str) -> tuple[str | None, int | None]:
    if fate in _UNTOLD:
        return _UNTOLD[fate], None
    code = int(fate[5:]) if fate.startswith("exit") else 0
    accepted = world.codes[task.index]
    if accepted is not None and code not in accepted:
        return "success_when_false", code
    if accepted is None and code:
        return "exit_code", code
    return ("output_invalid" if fate == "garbled" and task.outputs else None), code


def _again(retry: Retry, kind: str, code: int | None) -> bool:
    def named(filters: tuple[object, ...]) -> bool:
        return any(
            kind == one if isinstance(one, str) else kind != "timeout" and code in one["exit_code"] for one in filters
        )

    return kind != "output_invalid" and not named(retry.never) and (retry.on is None or named(retry.on))


# -- what is held against it ------------------------------------------------------------------------


def assert_foreseen(run: Run, world: Scenario) -> None:
    assert ends_of(run) == expected(world), "another end than foreseen"


def check_foreseen(world: Scenario, seed: int, *, crashes: bool = False) -> None:
    """A run ends as the oracle says, whatever the order."""
    run = Driver(world, random.Random(seed), crashes=crashes).finish()
    assert_foreseen(run, world)
    assert run.reason == ("task_failed" if run.state == "failed" else None)


def test_300_scenarios_end_as_foreseen():
    for seed in range(300):
        check_foreseen(scenario(seed % 13, seed), seed, crashes=seed % 4 == 0)


@pytest.mark.slow
def test_20000_scenarios_end_as_foreseen():
    for seed in range(300, 20_300):
        check_foreseen(scenario(seed % 13, seed), seed, crashes=seed % 4 == 0)


@given(scenarios(), SEEDS)
@settings(max_examples=200)
def test_order_does_not_matter(world, seed):
    """Two orders and one with crashes, in turn or not, give one end."""
    ways = ({}, {"slots": 1}, {"crashes": True})
    runs = [Driver(world, random.Random(f"{seed}/{way}"), **how).finish() for way, how in enumerate(ways)]
    first, second, crashed = map(ends_of, runs)
    assert first == second == crashed


def triangles(step: int):
    """Give every `step`th of all graphs of three tasks with all kinds of dependencies, failures and tolerance."""
    every = product(WAYS, WAYS, WAYS, product((False, True), repeat=3), product(("ok", "exit 3"), repeat=3))
    for number, (first, second, third, tolerant, fates) in enumerate(every):
        if number % step == 0:
            edges = ((), ((0, first),), ((0, second), (1, third)))
            tasks = [
                {
                    "needs": tuple(edge for edge in needs if edge[1]),
                    "on_failure": "skip" if skips else "cancel_dependents",
                }
                for needs, skips in zip(edges, tolerant, strict=True)
            ]
            yield scripted(plan_of(*tasks), [[fate] for fate in fates])


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
    failures = "exit_code signal spawn_failed timeout idle_timeout output_invalid success_when_false expression_error"
    assert seen == {
        ("completed", None),
        ("cancelled", "dependency_failed"),
        ("skipped", "dependency_not_met"),
        ("skipped", "when_false"),
        *(("failed", reason) for reason in failures.split()),
    }

"""What a run has grown costs nothing later: an event costs the same whatever the number of instances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.property.test_cost import LARGE, MIDDLE, SMALL, operations
from unspool.compiler.compile import compile_document
from unspool.core.run import Run
from unspool.model.events import AttemptEnded, AttemptStarted, CancelRequested, RunStarted, TaskAdmitted
from unspool.model.plan_json import plan_to_json

pytestmark = pytest.mark.slow

HEAD = """
unspool: 1
name: large
inputs: {n: {type: array}}
limits: {max_tasks: 5000000}
"""
FANNED = (
    "tasks: {each: {for_each: {items: '${{ inputs.n }}', max: 200000%s}, %s}, after: {depends_on: [each], run: [x]}}"
)

SHAPES = {
    "plain": FANNED % ("", "run: [x]"),
    "few at once": FANNED % (", max_parallel: 4", "run: [x]"),
    "with an item": FANNED % ("", "run: [x, '${{ item }}']"),
    "groups": FANNED % ("", "group: {mode: parallel, tasks: {a: {run: [x]}, b: {run: [x]}}}"),
    "races": FANNED
    % (", max_parallel: 4", "group: {mode: parallel, aggregate: first, tasks: {a: {run: [x]}, b: {run: [x]}}}"),
    "undone": FANNED % ("", "run: [x], compensate: {run: [y]}, on_failure: {rollback: {then: cancel}}"),
    "closing": "tasks: {a: {run: [x]}}\nfinally: {each: {for_each: {items: '${{ inputs.n }}', max: 200000}, run: [x]}}",
}


def begun(text: str, count: int) -> Run:
    """Start a run whose list has so many items."""
    plan = compile_document(HEAD + text).plan
    assert plan is not None
    run = Run()
    items = [f"i{number}" for number in range(count)]
    run.apply(RunStarted(1000.0, "r1", plan_to_json(plan), {"n": items}, 7, {"engine": "0"}, "/p"))
    return run


def grown(text: str, count: int) -> Run:
    """Start a run, and let what comes before the instances end."""
    run = begun(text, count)
    while len(run.nodes) < count:
        end_one(run)
    return run


def end_one(run: Run, error: dict[str, str] | None = None) -> list[int]:
    """Let an attempt begin and end; count what each event costs."""
    number, attempt = next(iter(run.attempts.items()))
    result = {"exit_code": 1 if error else 0}
    return [
        operations(lambda event=event: run.apply(event))
        for event in (
            TaskAdmitted(1001.0, attempt.task, number, 1),
            AttemptStarted(1002.0, number, 1),
            AttemptEnded(1003.0, number, 1, 1002.0, error, result),
        )
    ]


def costs(text: str, count: int) -> list[int]:
    """Count what the events of the first instance, of one that fails, and of another cost."""
    end_one(grown(text, 2))  # what is kept of expressions is kept from now on
    run = grown(text, count)
    failing = end_one(run, {"class": "exit_code", "message": "exit code 1"})
    return [cost for found in (failing, end_one(run), end_one(run)) for cost in found]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_event_costs_the_same_with_ten_times_the_instances(shape: str):
    assert costs(SHAPES[shape], SMALL) == costs(SHAPES[shape], MIDDLE)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_event_costs_the_same_with_100000_instances(shape: str):
    assert costs(SHAPES[shape], SMALL) == costs(SHAPES[shape], LARGE)


@pytest.mark.parametrize("shape", SHAPES)
def test_making_instances_costs_in_proportion_to_them(shape: str):
    def made(count: int) -> int:
        return operations(lambda: grown(SHAPES[shape], count))

    assert made(2000) <= 2.1 * made(1000)


def whole(text: str, count: int, act: Callable[[Run], Any] = lambda _: None) -> int:
    """Count what a whole run costs, with what somebody does once its instances are there."""
    run = grown(text, count)

    def live() -> None:
        act(run)
        while run.attempts:
            number, attempt = next(iter(run.attempts.items()))
            if not attempt.admitted:
                run.apply(TaskAdmitted(1001.0, attempt.task, number, 1))
            run.apply(AttemptEnded(1002.0, number, 1, 1001.5, None, {"exit_code": 0}))

    count = operations(live)
    assert run.is_final
    return count


def cancelled(run: Run) -> None:
    run.apply(CancelRequested(1001.0, "c", None, "person"))


def cancelled_one_by_one(run: Run) -> None:
    for index in run.tasks[0].family.instances[::-1] if run.tasks[0].family else ():
        run.apply(CancelRequested(1001.0, f"c{index}", index, "person"))


@pytest.mark.parametrize("act", [lambda _: None, cancelled, cancelled_one_by_one], ids=["none", "run", "each"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_whole_run_costs_in_proportion_to_its_instances(shape: str, act: Callable[[Run], Any]):
    assert whole(SHAPES[shape], 400, act) <= 2.1 * whole(SHAPES[shape], 200, act) + 500


WIDE = """
tasks:
  book: {run: [x], compensate: {run: [undo]}}
  log: {depends_on: [book], for_each: {items: '${{ inputs.n }}', max: 200000}, run: [x]}
  ship: {depends_on: [book], priority: critical, run: [fails], on_failure: {rollback: {then: cancel}}}
"""


def test_an_event_of_a_rollback_does_not_look_at_all_it_waits_for():
    def stopped(count: int) -> list[int]:
        """Fail beside so many running instances, and count what the end of some of these costs."""
        run = begun(WIDE, count)
        end_one(run)
        for number, attempt in list(run.attempts.items()):
            run.apply(TaskAdmitted(1001.0, attempt.task, number, 1))
        ship = next(number for number, attempt in run.attempts.items() if run.nodes[attempt.task].id == "ship")
        run.apply(AttemptEnded(1002.0, ship, 1, 1001.5, {"class": "exit_code", "message": "m"}, {"exit_code": 1}))
        ends = [AttemptEnded(1003.0, number, 1, 1001.5) for number in list(run.attempts)[:3]]
        return [operations(lambda event=event: run.apply(event)) for event in ends]

    assert stopped(100) == stopped(1000)


def test_a_race_of_many_costs_in_proportion_to_them():
    def raced(count: int) -> int:
        members = ", ".join(f"m{number}: {{run: [x], on_failure: skip}}" for number in range(count))
        plan = compile_document(
            HEAD + f"tasks: {{g: {{group: {{mode: parallel, aggregate: first, tasks: {{{members}}}}}}}}}"
        ).plan
        run = Run()
        run.apply(RunStarted(1000.0, "r1", plan_to_json(plan), {"n": []}, 7, {"engine": "0"}, "/p"))

        def live() -> None:
            while run.attempts:
                number, attempt = next(iter(run.attempts.items()))
                run.apply(TaskAdmitted(1001.0, attempt.task, number, 1))
                error = {"class": "exit_code", "message": "m"}
                run.apply(AttemptEnded(1002.0, number, 1, 1001.5, error, {"exit_code": 1}))

        return operations(live)

    assert raced(400) <= 2.1 * raced(200)

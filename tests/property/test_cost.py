"""`apply` costs as much as its task has dependents, however large the run: operations are counted, not timed."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.property.worlds import started
from unspool.core.admission import Admission
from unspool.core.run import Run
from unspool.model.events import AttemptEnded, AttemptStarted, TaskAdmitted
from unspool.model.plan import Plan, Task

SMALL, MIDDLE, LARGE = 1_000, 10_000, 100_000
WIDTH = 50


def wide(count: int) -> list[tuple[int, ...]]:
    return [()] * count


def chain(count: int) -> list[tuple[int, ...]]:
    return [(index - 1,) if index else () for index in range(count)]


def layered(count: int) -> list[tuple[int, ...]]:
    return [(index - WIDTH, max(index - WIDTH - 1, 0)) if index >= WIDTH else () for index in range(count)]


def fan_in(count: int) -> list[tuple[int, ...]]:
    return [()] * (count - 1) + [tuple(range(count - 1))]


def build(needs: list[tuple[int, ...]]) -> Run:
    tasks = [
        Task(index, f"t{index}", "run", {"argv": ["x"]}, tuple((need, "ok") for need in sorted(set(wanted))))
        for index, wanted in enumerate(needs)
    ]
    run = Run()
    run.apply(started(Plan("large", tuple(tasks))))
    return run


def operations(call: Callable[[], Any]) -> int:
    """Count the lines executed and the C functions called."""
    count = 0

    def traced(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return traced

    def profiled(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event == "c_call"

    gc.collect()
    gc.disable()  # what it would finalize meanwhile is not the cost of this
    sys.settrace(traced)
    sys.setprofile(profiled)
    try:
        call()
    finally:
        sys.settrace(None)
        sys.setprofile(None)
        gc.enable()
    return count


def cost_of_an_attempt(needs: list[tuple[int, ...]]) -> list[int]:
    """Count what each event of the first attempt costs."""
    run = build(needs)
    attempt, task = min((number, live.task) for number, live in run.attempts.items())
    return [
        operations(lambda event=event: run.apply(event))
        for event in (
            TaskAdmitted(1001.0, task, attempt, 1),
            AttemptStarted(1002.0, attempt, 1),
            AttemptEnded(1003.0, attempt, 1),
        )
    ]


@pytest.mark.parametrize("shape", [wide, chain, layered, fan_in])
def test_an_event_costs_the_same_in_a_run_ten_times_as_large(shape: Callable[[int], list[tuple[int, ...]]]):
    assert cost_of_an_attempt(shape(SMALL)) == cost_of_an_attempt(shape(MIDDLE))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [wide, chain, layered, fan_in])
def test_an_event_costs_the_same_in_a_run_of_100000(shape: Callable[[int], list[tuple[int, ...]]]):
    assert cost_of_an_attempt(shape(SMALL)) == cost_of_an_attempt(shape(LARGE))


def test_the_count_sees_what_grows():
    run = build(wide(SMALL))
    more = build(wide(2 * SMALL))
    assert operations(lambda: [task.state for task in run.tasks]) < operations(
        lambda: [task.state for task in more.tasks]
    )


def test_a_grant_costs_no_more_than_the_height_of_a_heap():
    def granted(waiting: int) -> int:
        admission = Admission(1)
        admission.open("r")
        for attempt in range(waiting):
            admission.ask("r", attempt, attempt, 2, float(attempt))
        return operations(lambda: admission.grant(1e9))

    assert granted(MIDDLE) == granted(SMALL)  # heap operations are one call each, inside C


class Counted(float):
    """A moment that counts how often it is compared."""

    compared = 0
    __slots__ = ()
    __hash__ = float.__hash__

    def __add__(self, other: float) -> Counted:
        return Counted(float(self) + other)

    def __lt__(self, other: float) -> bool:
        Counted.compared += 1
        return float(self) < float(other)

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return float(self) == other


def comparisons(waiting: int) -> tuple[float, float]:
    """Count the comparisons of one request, and of one grant, while so many wait."""
    admission = Admission(100)
    admission.open("r")
    moments = random.Random(waiting).sample(range(10 * waiting), waiting)
    Counted.compared = 0
    for attempt, moment in enumerate(moments):
        admission.ask("r", attempt, attempt, 2, Counted(moment))
    asked, Counted.compared = Counted.compared, 0
    assert len(admission.grant(1e9)) == 100
    return asked / waiting, Counted.compared / 100


def test_a_grant_compares_as_often_as_the_heap_is_high():
    (ask_small, grant_small), (ask_large, grant_large) = comparisons(1_000), comparisons(32_000)
    assert ask_large <= ask_small + 10
    assert grant_large <= grant_small + 30, "32 times as many: five levels more, a few comparisons each"
    assert grant_large < 200


def cost_of_a_run(needs: list[tuple[int, ...]], first: str) -> int:
    """Count what all events of a run cost together; the first task ends as told, all others well."""
    run = build(needs)

    def live() -> None:
        while run.attempts:
            number, attempt = next(iter(run.attempts.items()))
            run.apply(TaskAdmitted(1001.0, attempt.task, number, 1))
            error = {"class": "signal", "message": "m"} if attempt.task == 0 and first == "fails" else None
            run.apply(AttemptEnded(1002.0, number, 1, 1001.5, error))

    count = operations(live)
    assert run.is_final
    return count


@pytest.mark.parametrize("first", ["completes", "fails"])
@pytest.mark.parametrize("shape", [wide, chain, layered, fan_in])
def test_a_whole_run_costs_in_proportion_to_its_tasks_and_edges(shape, first):
    assert cost_of_a_run(shape(800), first) <= 2.1 * cost_of_a_run(shape(400), first) + 200


def ladder(rungs: int) -> list[tuple[int, ...]]:
    """Give diamonds one below the other: there are 2^rungs ways through them."""
    needs: list[tuple[int, ...]] = [()]
    for _ in range(rungs):
        top = len(needs) - 1
        needs += [(top,), (top,), (top + 1, top + 2)]
    return needs


def test_a_fan_out_of_cancels_that_meet_again_is_told_once_for_each_edge():
    assert cost_of_a_run(ladder(200), "fails") <= 2.1 * cost_of_a_run(ladder(100), "fails")

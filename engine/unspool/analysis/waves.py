"""The parallel batches of a plan: which tasks could run at the same time if nothing took any time."""

from __future__ import annotations

from unspool.model.plan import Plan


def wave_numbers(plan: Plan) -> list[int]:
    """Give the wave of each task: 0 without dependencies, else one more than the latest of them.

    Cost: O(tasks + dependencies).
    """
    kinds = [task.kind for task in plan.tasks]  # a gate takes no time and no room
    numbers: list[int] = []
    for task in plan.tasks:
        numbers.append(max((numbers[need] + (kinds[need] != "gate") for need, _ in task.needs), default=0))
    return numbers


def waves(plan: Plan) -> list[list[int]]:
    """Give the task indexes of each wave, in plan order."""
    numbers = wave_numbers(plan)
    batches: list[list[int]] = [[] for _ in range(max(numbers, default=-1) + 1)]
    for index, number in enumerate(numbers):
        batches[number].append(index)
    return batches

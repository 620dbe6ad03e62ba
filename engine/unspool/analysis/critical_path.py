"""When each task can start at the earliest and must start at the latest, and the longest way through a plan.

Times count in whole microseconds, so that sums are exact and a slack of nothing is 0.
"""

from __future__ import annotations

from typing import NamedTuple

from unspool.model.plan import Plan

MICROSECONDS = 1_000_000


class Schedule(NamedTuple):
    """The estimated times of a run with as many workers as it can use, by task index, in microseconds.

    Attributes:
        duration: how long each task takes.
        earliest: when it can start.
        latest: when it must start if the run is not to take longer.
        total: how long the run takes.
        critical_path: the tasks of a longest chain, first to last; of several, one of those that ends
            with the lowest index and goes back by the lowest indexes.
    """

    duration: list[int]
    earliest: list[int]
    latest: list[int]
    total: int
    critical_path: list[int]

    def slack(self, index: int) -> int:
        """Give how much later than possible a task may start without making the run longer."""
        return self.latest[index] - self.earliest[index]


def schedule(plan: Plan) -> Schedule:
    """Lay a plan out by its tasks' estimates.

    Cost: O(tasks + dependencies).
    """
    duration = [round(task.estimate * MICROSECONDS) for task in plan.tasks]
    earliest: list[int] = []
    for task in plan.tasks:
        earliest.append(max((earliest[need] + duration[need] for need, _ in task.needs), default=0))
    total = max(map(int.__add__, earliest, duration), default=0)
    latest = [0] * len(duration)
    for task in reversed(plan.tasks):
        end = min((latest[dependent] for dependent in task.dependents), default=total)
        latest[task.index] = end - duration[task.index]
    return Schedule(duration, earliest, latest, total, _critical_path(plan, duration, earliest, total))


def _critical_path(plan: Plan, duration: list[int], earliest: list[int], total: int) -> list[int]:
    ends = (index for index, start in enumerate(earliest) if start + duration[index] == total)
    node: int | None = next(ends, None)
    path: list[int] = []
    while node is not None:
        path.append(node)
        start = earliest[node]
        needs = (need for need, _ in plan.tasks[node].needs)
        node = next((need for need in needs if earliest[need] + duration[need] == start), None)
    return path[::-1]

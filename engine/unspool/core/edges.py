"""Who waits for whom, and what a dependency's end means to who waits for it."""

from __future__ import annotations

from unspool.model.plan import Plan, Task
from unspool.model.status import COMPLETED, FAILED, SKIPPED, UNTOLERABLE

TOLERATED = "tolerated"  # how a task with `on_failure: skip` that failed counts for its dependents


def edges_of(plan: Plan) -> list[list[tuple[int, str]]]:
    """Give for each task its dependents, each with the state that it waits for.

    Raises:
        ValueError: a task needs one that does not stand before it.
    """
    edges: list[list[tuple[int, str]]] = [[] for _ in plan.tasks]
    for task in plan.tasks:
        for need, wanted in task.needs:
            if not 0 <= need < task.index:
                raise ValueError(f"{task.id} needs task {need}, which does not stand before it")
            edges[need].append((task.index, wanted))
    return edges


def is_tolerated(task: Task, reason: str | None) -> bool:
    """Whether a task may fail for this reason without hurting its run or those that wait for it."""
    return task.on_failure == "skip" and reason not in UNTOLERABLE


def met(wanted: str, outcome: str) -> bool:
    """Whether a dependency that ended with `outcome` is the one that was `wanted`."""
    if wanted == "ok":
        return outcome in (COMPLETED, SKIPPED, TOLERATED)
    if wanted == FAILED:
        return outcome in (FAILED, TOLERATED)
    return wanted in ("any", outcome)

"""Who waits for whom, and what a dependency's end means to who waits for it."""

from __future__ import annotations

from unspool.core.state import TaskRun
from unspool.model.plan import Plan, Task
from unspool.model.status import COMPLETED, FAILED, SKIPPED, SUBSTITUTED, UNTOLERABLE

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


def hurts(node: Task, task: TaskRun) -> bool:
    """Whether the failure of a task may fail the run: nobody tolerates it, and nobody else answers for it.

    Its instances answer for a parent, a stand-in for what it stands in for, the group for its gate. What undoes
    something, and `finally`, have verdicts of their own.
    """
    if is_tolerated(node, task.reason) or node.closing or node.kind == "gate" or task.reason == SUBSTITUTED:
        return False
    family = task.family
    return family is None or (family.undoes < 0 and not family.instances)

"""How long a run would take with so many workers, by estimates: a simulated list schedule."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from unspool.analysis.critical_path import Schedule
from unspool.model.plan import Plan

MOST_WORKERS = 256  # doubling goes no further by itself


def makespan(plan: Plan, times: Schedule, workers: int) -> int:
    """Give the microseconds from the first start to the last end.

    A free worker takes, of the tasks whose dependencies are done, one of the highest priority, and of
    these the one with the longest way to the end of the run behind it. Every task runs once and
    completes.

    Args:
        plan: what is run; its `concurrency` bounds the workers.
        times: its schedule.
        workers: at least 1.

    Cost: O((tasks + dependencies) log tasks).
    """
    free = workers if plan.concurrency is None else min(workers, plan.concurrency)
    rank = [(task.priority, times.latest[task.index], task.index) for task in plan.tasks]
    waiting = [len(task.needs) for task in plan.tasks]
    ready = [rank[index] for index, count in enumerate(waiting) if not count]
    heapify(ready)
    running: list[tuple[int, int]] = []
    now = 0
    while ready or running:
        while ready and free:
            index = heappop(ready)[2]
            heappush(running, (now + times.duration[index], index))
            free -= 1
        now = running[0][0]
        while running and running[0][0] == now:
            _, index = heappop(running)
            free += 1
            for dependent in plan.tasks[index].dependents:
                waiting[dependent] -= 1
                if not waiting[dependent]:
                    heappush(ready, rank[dependent])
    return now


def makespans(plan: Plan, times: Schedule, workers: int | None) -> list[tuple[int, int]]:
    """Give (workers, microseconds) for 1, 2, 4, 8, ... as long as one more can help, and for `workers`.

    Args:
        plan: what is run.
        times: its schedule.
        workers: a number of special interest, or None.
    """
    useful = min(MOST_WORKERS, plan.concurrency or MOST_WORKERS, len(plan.tasks))
    found: dict[int, int] = {}
    count = 1
    while True:
        found[count] = makespan(plan, times, count)
        if count >= useful or found[count] <= times.total:
            break
        count *= 2
    if workers is not None and workers not in found:
        found[workers] = makespan(plan, times, workers)
    return sorted(found.items())

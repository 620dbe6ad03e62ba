"""How long a run would take with so many workers and shared resources, by estimates: a simulated list schedule."""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from unspool.analysis.critical_path import Schedule
from unspool.analysis.stocks import Stocks
from unspool.model.plan import Plan

MOST_WORKERS = 256  # doubling goes no further by itself


def makespan(plan: Plan, times: Schedule, workers: int) -> int:
    """Give the microseconds from the first start to the last end.

    A free worker takes, of the tasks whose dependencies are done and whose resources are free, one of
    the highest priority, and of these the one with the longest way to the end of the run behind it.
    Every task runs once and completes.

    Args:
        plan: what is run; its `concurrency` bounds the workers.
        times: its schedule.
        workers: at least 1.

    Cost: O((tasks + dependencies) log tasks), times the number of different `uses` where there are any.
    """
    return _simulate(plan, times, workers)[0]


def _simulate(plan: Plan, times: Schedule, workers: int) -> tuple[int, int]:
    """Give the microseconds, and how many workers were busy at most."""
    free = workers if plan.concurrency is None else min(workers, plan.concurrency)
    rank = [(task.priority, times.latest[task.index], task.index) for task in plan.tasks]
    waiting = [len(task.needs) for task in plan.tasks]
    stocks = Stocks(plan)
    lines: list[list[tuple[int, int, int]]] = [[] for _ in stocks.signatures]  # of the ready tasks that use the same
    for index, count in enumerate(waiting):
        if not count:
            lines[stocks.signature[index]].append(rank[index])
    for ready in lines:
        heapify(ready)
    running: list[tuple[int, int]] = []
    now = most = last = 0
    while running or any(lines):
        while free and (following := _next(lines, stocks, now)) is not None:
            index = heappop(following)[2]
            stocks.take(stocks.signature[index], now)
            heappush(running, (now + times.duration[index], index))
            last = max(last, now + times.duration[index])
            free -= 1
        most = max(most, len(running))
        now = _next_moment(lines, running, stocks, now, free=free)
        while running and running[0][0] == now:
            _, index = heappop(running)
            stocks.give_back(stocks.signature[index])
            free += 1
            for dependent in plan.tasks[index].dependents:
                waiting[dependent] -= 1
                if not waiting[dependent]:
                    heappush(lines[stocks.signature[dependent]], rank[dependent])
    return last, most


def _next(lines: list[list[tuple[int, int, int]]], stocks: Stocks, now: int) -> list[tuple[int, int, int]] | None:
    """Give the line of the task that starts next, None where none can start now."""
    if len(lines) == 1:
        return lines[0] or None
    able = [line for signature, line in enumerate(lines) if line and stocks.moment(signature) <= now]
    return min(able, default=None)


def _next_moment(
    lines: list[list[tuple[int, int, int]]],
    running: list[tuple[int, int]],
    stocks: Stocks,
    now: int,
    *,
    free: int,
) -> int:
    """Give when something ends, or there are tokens for a task that a worker is free for."""
    moments = [float(running[0][0])] if running else []
    if free and len(lines) > 1:
        moments += [stocks.moment(signature) for signature, line in enumerate(lines) if line]
    return max(now, int(min(moments)))


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
        found[count], busy = _simulate(plan, times, count)
        if count >= useful or found[count] <= times.total or busy < count:
            break
        count *= 2
    if workers is not None and workers not in found:
        found[workers] = makespan(plan, times, workers)
    return sorted(found.items())

"""What is known of a plan before it runs, as JSON: `schemas/plan.schema.json`."""

from __future__ import annotations

from typing import Any

from unspool.analysis.critical_path import MICROSECONDS, Schedule, schedule
from unspool.analysis.makespan import makespans
from unspool.analysis.waves import waves
from unspool.model.plan import Plan, Task


def plan_report(plan: Plan, workers: int | None = None) -> dict[str, Any]:
    """Give the facts about a plan, ready for `json.dumps`.

    Args:
        plan: a compiled plan.
        workers: a number of workers whose makespan is wanted beside 1, 2, 4, 8, ...; None for none.

    Cost: O(tasks + dependencies), and a logarithm for each of at most ten makespans.
    """
    if workers is not None and workers < 1:
        raise ValueError("a run needs at least one worker")
    batches = waves(plan)
    wave_of = {index: number for number, batch in enumerate(batches) for index in batch}
    times = schedule(plan)
    names = [task.id for task in plan.tasks]
    return {
        "name": plan.name,
        "hash": plan.hash,
        "tasks": {task.id: _task(task, names, wave_of[task.index], times) for task in plan.tasks},
        "waves": [[names[index] for index in batch] for batch in batches],
        "critical_path": {
            "tasks": [names[index] for index in times.critical_path],
            "seconds": _seconds(times.total),
        },
        "total_work_s": _seconds(sum(times.duration)),
        "max_width": max(map(len, batches), default=0),
        "makespan": [{"workers": count, "seconds": _seconds(took)} for count, took in makespans(plan, times, workers)],
        "growth": {"worst_case_tasks": len(plan.tasks), "templates": {}},
    }


def _task(task: Task, names: list[str], wave: int, times: Schedule) -> dict[str, Any]:
    index = task.index
    return {
        "kind": task.kind,
        "depends_on": _depends_on(task, names),
        "dependents": [names[dependent] for dependent in task.dependents],
        "wave": wave,
        "estimate_s": _seconds(times.duration[index]),
        "earliest_s": _seconds(times.earliest[index]),
        "latest_s": _seconds(times.latest[index]),
        "slack_s": _seconds(times.slack(index)),
        "open": False,
        "bound": 1,
    }


def _depends_on(task: Task, names: list[str]) -> list[str] | dict[str, str]:
    """Write dependencies as a document does: a list where all must end `ok`, else a map."""
    if all(state == "ok" for _, state in task.needs):
        return [names[need] for need, _ in task.needs]
    return {names[need]: state for need, state in task.needs}


def _seconds(microseconds: int) -> float:
    return microseconds / MICROSECONDS

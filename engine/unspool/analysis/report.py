"""What is known of a plan before it runs, as JSON: `schemas/plan.schema.json`."""

from __future__ import annotations

from typing import Any

from unspool.analysis.critical_path import MICROSECONDS, Schedule, schedule
from unspool.analysis.makespan import makespans
from unspool.analysis.unrolled import shown, unrolled
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
    visible, whole = shown(plan), unrolled(plan)
    batches = [batch for batch in ([i for i in wave if plan.tasks[i].is_shown] for wave in waves(visible)) if batch]
    wave_of = {index: number for number, batch in enumerate(batches) for index in batch}
    times, all_times = schedule(visible), schedule(whole)
    names = [task.id for task in plan.tasks]
    return {
        "name": plan.name,
        "hash": plan.hash,
        "tasks": {
            task.id: _task(plan, task, names, wave_of[task.index], times) for task in visible.tasks if task.is_shown
        },
        "waves": [[names[index] for index in batch] for batch in batches],
        "critical_path": {
            "tasks": [names[index] for index in times.critical_path if plan.tasks[index].is_shown],
            "seconds": _seconds(times.total),
        },
        "total_work_s": _seconds(sum(all_times.duration)),
        "max_width": max(map(len, batches), default=0),
        "makespan": [
            {"workers": count, "seconds": _seconds(took)} for count, took in makespans(whole, all_times, workers)
        ],
        "growth": {"worst_case_tasks": max(plan.bound, len(plan.tasks)), "templates": _templates(plan)},
    }


def _templates(plan: Plan) -> dict[str, int]:
    """Give how many tasks may be made of each template whose tasks rules add."""
    return {task.id: task.fan_out.most for task in plan.tasks if task.peers and task.fan_out}


def _task(plan: Plan, task: Task, names: list[str], wave: int, times: Schedule) -> dict[str, Any]:
    index = task.index
    return {
        "kind": task.kind,
        "depends_on": _depends_on(plan, task, names),
        "dependents": [names[index] for index in _past_gates(plan, task.dependents)],
        "wave": wave,
        "estimate_s": _seconds(times.duration[index]),
        "earliest_s": _seconds(times.earliest[index]),
        "latest_s": _seconds(times.latest[index]),
        "slack_s": _seconds(times.slack(index)),
        "open": task.fan_out is not None and task.fan_out.is_open,
        "bound": 1 if task.fan_out is None else task.fan_out.most,
        "finally": task.closing,
    }


def _past_gates(plan: Plan, indexes: tuple[int, ...]) -> list[int]:
    """Give tasks with what stands behind gates in the place of these."""
    found: list[int] = []
    for index in indexes:
        task = plan.tasks[index]
        behind = [each for each in task.dependents if plan.tasks[each].group is None]
        found += [index] if task.kind != "gate" else _past_gates(plan, tuple(behind))
    return found


def _depends_on(plan: Plan, task: Task, names: list[str]) -> list[str] | dict[str, str]:
    """Write dependencies as a document does: a list where all must end `ok`, else a map."""
    needs: list[tuple[int, str]] = []
    for need, state in task.needs:
        gate = plan.tasks[need] if plan.tasks[need].kind == "gate" else None
        if gate is None:
            needs.append((need, state))
        elif task.group is None:
            needs += gate.needs
    if all(state == "ok" for _, state in needs):
        return [names[need] for need, _ in needs]
    return {names[need]: state for need, state in needs}


def _seconds(microseconds: int) -> float:
    return microseconds / MICROSECONDS

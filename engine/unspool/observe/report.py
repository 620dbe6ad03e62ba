"""The report of a run, at any time of it, as plain JSON and as text."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from typing import Any

from unspool.core.run import Run
from unspool.core.state import TaskRun
from unspool.model.plan import PRIORITIES
from unspool.model.status import COMPLETED, FAILED, FINAL_STATES
from unspool.model.values import Ref, to_json


def report(run: Run, now: float) -> dict[str, Any]:
    """Give the report by `schemas/report.schema.json`; what is not known is left out.

    Args:
        run: a run in any state.
        now: the moment, for what has not ended.
    """
    end = run.completed_at if run.completed_at is not None else now
    found = {
        "run": run.id,
        "name": run.plan.name,
        "state": run.state,
        "reason": run.reason,
        "error": run.error,
        "started_at": moment(run.started_at),
        "duration_s": _seconds(end - run.started_at),
        "tasks": {node.id: _task(run, node.index) for node in run.nodes if node.is_shown},
        "outputs": _plain(run.outputs),
        "actual_critical_path": critical_path(run),
        "cost": {"cost_usd": 0, "tokens": 0},
    }
    return _known(found)


def _task(run: Run, index: int) -> dict[str, Any]:
    plan, task = run.nodes[index], run.tasks[index]
    started = task.started_at is not None
    return _known(
        {
            "kind": plan.kind,
            "state": task.state,
            "reason": task.reason,
            "priority": PRIORITIES[plan.priority],
            "attempts": task.attempts,
            "created_at": moment(run.started_at),
            "queued_at": moment(task.queued_at),
            "started_at": moment(task.started_at),
            "completed_at": moment(task.completed_at),
            "queued_s": _seconds(task.queued_s) if started else None,
            "running_s": _seconds(task.running_s) if started else None,
            "cpu_s": task.cpu_s,
            "memory_peak_mb": task.memory_peak_mb,
            "outputs": _plain(task.outputs),
            "error": task.error if task.state == FAILED else None,
            "tags": list(plan.tags) or None,
            "prompt": task.prompt,
            "compensated": (task.family is not None and task.family.is_undone) or None,
        }
    )


def critical_path(run: Run) -> dict[str, Any] | None:
    """Give the chain of tasks that the end of the run waited for, and its seconds.

    It goes back from the task that ended last to what it came after that ended last, and so on.
    """
    ended = [task for task in run.tasks if task.started_at is not None and task.completed_at is not None]
    if not ended:
        return None
    ended.sort(key=lambda task: (_ended_at(task), -task.index))
    last: int | None = ended[-1].index
    seconds, path, seen = _ended_at(ended[-1]) - run.started_at, [], set[int]()
    while last is not None and last not in seen:
        seen.add(last)
        if run.nodes[last].is_shown:
            path.append(run.nodes[last].id)
        needs = [need for need in _before(run, last, ended) if run.tasks[need].completed_at is not None]
        last = max(needs, key=lambda index: _ended_at(run.tasks[index]), default=None)
    return {"tasks": path[::-1], "seconds": _seconds(seconds)}


def _before(run: Run, index: int, ended: list[TaskRun]) -> list[int]:
    """Give what a task came after: what it needed, its instances, what it stands in for, or what ended just before."""
    family = run.tasks[index].family
    if family is not None and family.instances:
        return [run.answering(each) for each in family.instances]
    if run.nodes[index].closing or (family is not None and family.undoes >= 0):
        return [run.answering(need) for need, _ in run.nodes[index].needs] or _just_before(run.tasks[index], ended)
    while not run.nodes[index].needs:
        family = run.tasks[index].family
        if family is None or family.above < 0:
            return []
        if run.nodes[family.above].fan_out is None:
            return [family.above]  # that failed, and this stands in for it
        index = family.above
    return [run.answering(need) for need, _ in run.nodes[index].needs]


def _just_before(task: TaskRun, ended: list[TaskRun]) -> list[int]:
    """Give what ended last before a task that waited for no other by name: `finally`, and what undoes something."""
    began = task.queued_at if task.queued_at is not None else task.started_at
    at = bisect_right(ended, began or 0.0, key=_ended_at)
    return [one.index for one in ended[max(0, at - 1) : at] if one is not task]


def summary(run: Run) -> str:
    """Say in one line how a run stands, such as `failed: 1 failed, 3 completed, 2 cancelled in 4.2 s`."""
    counts: dict[str, int] = {}
    for node, task in zip(run.nodes, run.tasks, strict=True):
        if not node.is_shown:
            continue
        counts[task.state] = counts.get(task.state, 0) + 1
    said = ", ".join(f"{counts[state]} {state}" for state in sorted(counts, key=_rank))
    why = f" ({run.reason})" if run.reason else ""
    took = "" if run.completed_at is None else f" in {run.completed_at - run.started_at:.2f} s"
    return f"{run.plan.name} {run.id} {run.state}{why}: {said}{took}"


def moment(at: float | None) -> str | None:
    """Write a moment in UTC, to the millisecond: `2026-01-31T23:59:59.123Z`."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rank(state: str) -> tuple[int, str]:
    return (0 if state == FAILED else 1 if state == COMPLETED else 2 if state in FINAL_STATES else 3, state)


def _ended_at(task: TaskRun) -> float:
    return task.completed_at or 0.0


def _seconds(value: float) -> float:
    return round(max(0.0, value), 6)


def _plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: to_json(value) if isinstance(value, Ref) else value for name, value in values.items()}


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}

"""The report of a run, at any time of it, as plain JSON and as text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from unspool.core.rules import Told
from unspool.core.run import Run
from unspool.core.state import TaskRun
from unspool.model.plan import PRIORITIES
from unspool.model.status import COMPLETED, FAILED, FINAL_STATES
from unspool.model.values import Ref, to_json

_PARTS = re.compile(r"[\[./]")


def listed(run: Run) -> list[int]:
    """Give the tasks that people see, in the order in which they look for them: as the document has them.

    What the run has made stands behind what it was made of: instances, stand-ins, and what undoes something.
    """
    shown = {node.id: node.index for node in run.nodes if node.is_shown}
    below: dict[int, list[int]] = {}
    for name, index in shown.items():
        is_made = index >= len(run.plan.tasks)
        above = next((shown[part] for part in _beginnings(name) if part in shown), -1) if is_made else -1
        below.setdefault(above, []).append(index)
    found: list[int] = []
    left = below.get(-1, [])[::-1]
    while left:
        found.append(left.pop())
        left += below.get(found[-1], [])[::-1]
    return found


def _beginnings(name: str) -> Iterator[str]:
    """Give what the name of a task that was made may begin with, longest first; a key may hold any character."""
    return (name[: part.start()] for part in reversed(list(_PARTS.finditer(name))))


def is_parent(run: Run, index: int) -> bool:
    """Whether a task is only what its instances or its members make of it."""
    family = run.tasks[index].family
    return run.nodes[index].group is not None or (family is not None and bool(family.instances))


def on_its_way(run: Run, index: int) -> float | None:
    """Give how long the attempts of a task took, or, where it has none, how long it was on its way; seconds."""
    task = run.tasks[index]
    if task.started_at is None:
        return None
    if task.attempts or task.running_s or task.completed_at is None:
        return task.running_s
    return max(0.0, task.completed_at - task.started_at)


def undone(run: Run) -> list[str]:
    """Give the names of what was undone, in the order in which that was done."""
    done = [task for task in run.tasks if task.family is not None and task.family.undoes >= 0 and task.started_at]
    done.sort(key=lambda task: (task.started_at or 0.0, task.index))
    causes = [task.family.undoes for task in done if task.family is not None]
    return [run.nodes[index].id for index in causes if (family := run.tasks[index].family) and family.is_undone]


def applied_rules(run: Run) -> dict[int, list[str]]:
    """Give for each task that has any the rules of it that applied, in their order."""
    found: dict[int, list[str]] = {}
    for one in run.applied:
        found.setdefault(one.task, []).append(one.rule)
    return found


def report(run: Run, now: float) -> dict[str, Any]:
    """Give the report by `schemas/report.schema.json`; what is not known is left out.

    Args:
        run: a run in any state.
        now: the moment, for what has not ended.
    """
    end = run.completed_at if run.completed_at is not None else now
    rules = applied_rules(run)
    found = {
        "run": run.id,
        "name": run.plan.name,
        "state": run.state,
        "reason": run.reason,
        "error": run.error,
        "started_at": moment(run.started_at),
        "duration_s": _seconds(end - run.started_at),
        "tasks": {run.nodes[index].id: _task(run, index, rules.get(index)) for index in listed(run)},
        "outputs": _plain(run.outputs),
        "notes": [{"task": run.nodes[note.task].id, "text": note.text} for note in run.notes] or None,
        "events": [_told(run, told) for told in run.events] or None,
        "actual_critical_path": critical_path(run),
        "cost": {"cost_usd": run.cost_usd, "tokens": run.tokens},
    }
    return _known(found)


def _told(run: Run, told: Told) -> dict[str, Any]:
    return {"task": run.nodes[told.task].id, "name": told.name, "with": _plain(told.values)}


def _task(run: Run, index: int, rules: list[str] | None) -> dict[str, Any]:
    plan, task = run.nodes[index], run.tasks[index]
    family = task.family
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
            "running_s": _seconds(on_its_way(run, index) or 0.0) if started else None,
            "cpu_s": task.cpu_s,
            "memory_peak_mb": task.memory_peak_mb,
            "outputs": _plain(task.outputs),
            "error": task.error if task.state == FAILED else None,
            "tags": list(plan.tags) or None,
            "prompt": task.prompt,
            "decision": decision(run, index),
            "rules": rules,
            "depth": task.depth or None,
            "emitted_by": None if family is None or family.emitter < 0 else run.nodes[family.emitter].id,
            "cost_usd": task.cost_usd,
            "tokens": task.tokens,
            "compensated": (family is not None and family.is_undone) or None,
        }
    )


def decision(run: Run, index: int) -> dict[str, Any] | None:
    """Give what was decided where a person was asked: `approved`, and `by` and `note` where they are known."""
    task = run.tasks[index]
    if run.nodes[index].kind != "approval" or task.result is None or task.state not in FINAL_STATES:
        return None
    decided = task.result.get("json")
    return _known(decided) if isinstance(decided, dict) else None


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
        # What was cancelled, or needed only some of them, may have ended before what it came after.
        end = _ended_at(run.tasks[last])
        needs = [need for need in _before(run, last, ended) if 0.0 < _ended_at(run.tasks[need]) <= end]
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
        if node.is_shown and not is_parent(run, node.index):
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

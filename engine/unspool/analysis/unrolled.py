"""A plan as far as it is known before the run: `finally` behind all else, fan-outs as so many tasks."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from unspool.model.plan import FanOut, Need, Plan, Task

MOST_UNROLLED = 100_000  # tasks; a larger fan-out is taken for one of its instances

_Needs = tuple[tuple[int, Need], ...]


def shown(plan: Plan) -> Plan:
    """Give the plan without what copies are made of, and with `finally` behind everything else.

    The tasks keep their numbers.
    """
    tasks = [task for task in plan.tasks if not task.template]
    if not any(task.closing for task in tasks):
        return plan if len(tasks) == len(plan.tasks) else replace(plan, tasks=tuple(tasks))
    last: _Needs = tuple((task.index, "any") for task in tasks if not task.dependents and not task.closing)
    firsts = tuple(task.index for task in tasks if task.closing and not task.needs)
    return replace(plan, tasks=tuple(_wired(task, last, firsts) for task in tasks))


def _wired(task: Task, last: _Needs, firsts: tuple[int, ...]) -> Task:
    if task.closing:
        return task if task.needs else replace(task, needs=last)
    return task if task.dependents else replace(task, dependents=firsts)


def unrolled(plan: Plan) -> Plan:
    """Give a plan in which each fan-out of known length is that many tasks, and one of unknown length is one.

    Args:
        plan: as it was compiled.

    Cost: O(tasks + instances), at most `MOST_UNROLLED` of these.
    """
    if not any(task.fan_out is not None for task in plan.tasks):
        return shown(plan)
    return _Unrolling(plan).plan()


class _Unrolling:
    """Copies nodes into a new plan; a fan-out becomes its instances and a node of no length behind them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._visible = shown(plan)
        self._made: list[Task] = []
        self._end: dict[int, int] = {}  # where each task of the plan ends in the new one

    def plan(self) -> Plan:
        for task in self._visible.tasks:
            self._end[task.index] = self._add(task, tuple((self._end[need], state) for need, state in task.needs))
        dependents: list[list[int]] = [[] for _ in self._made]
        for task in self._made:
            for need, _ in task.needs:
                dependents[need].append(task.index)
        pairs = zip(self._made, dependents, strict=True)
        return replace(self._plan, tasks=tuple(replace(task, dependents=tuple(after)) for task, after in pairs))

    def _add(self, task: Task, needs: _Needs) -> int:
        if task.fan_out is None:
            return self._put(replace(task, needs=needs))
        count = 1 if task.fan_out.is_open else _length(task.fan_out)
        size = 1 if task.region is None else task.region[1] - task.region[0]
        if len(self._made) + count * size > MOST_UNROLLED:
            count = min(count, 1)
        ends = [self._instance(task, needs) for _ in range(count)]
        after: _Needs = tuple((end, "any") for end in ends) or needs
        return self._put(replace(task, needs=after, estimate=0.0))

    def _instance(self, task: Task, needs: _Needs) -> int:
        if task.region is None:
            return self._put(replace(task, needs=needs))
        ends: dict[int, int] = {}
        first, end = task.region
        for source in self._plan.tasks[first:end]:
            if source.template == task.template + 1:  # what is nested deeper belongs to a node of this depth
                own = tuple((ends[need], state) for need, state in source.needs) or needs
                ends[source.index] = self._add(source, own)
        return ends[end - 1]

    def _put(self, task: Task) -> int:
        self._made.append(replace(task, index=len(self._made)))
        return len(self._made) - 1


def _length(fan_out: FanOut) -> int:
    """Give how many instances there will be: for a matrix `most` still counts what `exclude` drops."""
    if not fan_out.exclude or fan_out.axes is None or fan_out.most > MOST_UNROLLED:
        return fan_out.most
    rows = (dict(zip(fan_out.axes, values, strict=True)) for values in product(*fan_out.axes.values()))
    kept = sum(not any(_matches(row, wanted) for wanted in fan_out.exclude) for row in rows)
    return kept + len(fan_out.include)


def _matches(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(
        name in row and isinstance(row[name], bool) == isinstance(value, bool) and row[name] == value
        for name, value in wanted.items()
    )

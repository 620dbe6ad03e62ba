"""Whether a run's state is sound: counters recomputed, law 5 (never stuck) checked. For tests and `doctor`."""

from __future__ import annotations

from unspool.core.edges import hurts
from unspool.core.limits import RUN_TIMER
from unspool.core.run import Run
from unspool.core.state import TaskRun
from unspool.model.status import (
    BATCHED,
    BY_PERSON,
    CANCELLED,
    CREATED,
    FAILED,
    FINAL_STATES,
    INTERNAL_ERROR,
    OPEN,
    QUEUED,
    READY,
    ROLLING_BACK,
    RUNNING,
    WAITING_FOR_PERSON,
)


def verify(run: Run) -> list[str]:
    """Give a sentence for everything that is wrong; an empty list for a sound run.

    Costs a walk over the whole run: it is never called while one is driven.
    """
    return [*_counters(run), *_tasks(run), *_attempts(run), *_progress(run)]


def _counters(run: Run) -> list[str]:
    problems = []
    pairs = list(zip(run.nodes, run.tasks, strict=True))
    still_open = sum(task.state not in FINAL_STATES for node, task in pairs if not (node.template or node.closing))
    closing = sum(task.state not in FINAL_STATES for node, task in pairs if node.closing and not node.template)
    if run.closing != closing:
        problems.append(f"closing is {run.closing}, but {closing} tasks of `finally` are not final")
    if run.open != still_open:
        problems.append(f"open is {run.open}, but {still_open} tasks are not final")
    failed = sum(task.state == FAILED and not node.scope and hurts(node, task) for node, task in pairs)
    if run.failed != failed:
        problems.append(f"failed is {run.failed}, but {failed} tasks failed untolerated")
    cancelled = sum(task.state == CANCELLED and task.reason == BY_PERSON and not node.closing for node, task in pairs)
    if run.cancelled != cancelled:
        problems.append(f"cancelled is {run.cancelled}, but a person cancelled {cancelled} tasks")
    asking = sum(not attempt.admitted for attempt in run.attempts.values())
    if run.asking != asking:
        problems.append(f"asking is {run.asking}, but {asking} attempts wait for admission")
    if run.state and run.is_final != (still_open + closing == 0):
        problems.append(f"is_final is {run.is_final} with {still_open} tasks open")
    return problems


def _tasks(run: Run) -> list[str]:
    problems = []
    for plan, task in zip(run.nodes, run.tasks, strict=True):
        if task.state == CREATED and plan.join is None:
            needs = [run.tasks[need] for need, _ in plan.needs]
            waiting = sum(_is_open(run, need) for need in needs)
            if task.waiting != waiting:
                problems.append(f"{plan.id} waits for {task.waiting}, but {waiting} of its dependencies are open")
        family = task.family
        is_parent = family is not None and bool(family.instances) and task.state == RUNNING
        is_parent = is_parent or bool(plan.peers)
        if (task.state in (READY, RUNNING) and not is_parent) != bool(task.attempt):
            problems.append(f"{plan.id} is {task.state} with attempt {task.attempt}")
        if task.state == QUEUED and not _will_wake(run, plan.index, task):
            problems.append(f"{plan.id} is queued and no timer will wake it")
        if (task.state in FINAL_STATES) != (task.completed_at is not None):
            problems.append(f"{plan.id} is {task.state} and completed_at is {task.completed_at}")
    return problems


def _is_open(run: Run, task: TaskRun) -> bool:
    """Whether something is still to come of a task, of what is above it, or of what stands in for it."""
    while task.state in FINAL_STATES and not task.waiting:
        if task.family is None or task.family.stand_in < 0:
            return False
        task = run.tasks[task.family.stand_in]
    return True


def _will_wake(run: Run, index: int, task: TaskRun) -> bool:
    if task.reason in (WAITING_FOR_PERSON, BATCHED, OPEN) or (task.reason == ROLLING_BACK and run.rollbacks):
        return True
    return f"retry:{index}.{task.attempts + 1}" in run.timers or f"wait:{index}" in run.timers


def _attempts(run: Run) -> list[str]:
    problems = []
    for number, attempt in run.attempts.items():
        if run.tasks[attempt.task].attempt != number:
            problems.append(f"attempt {number} is not the one of its task {attempt.task}")
        if attempt.stop is not None and not attempt.forced and f"grace:{number}" not in run.timers:
            problems.append(f"attempt {number} is being stopped and no timer will force it")
    return problems


def _progress(run: Run) -> list[str]:
    if run.error is not None and run.error["class"] == INTERNAL_ERROR:
        return [f"the run gave up: {run.error['message']}"]
    if not run.open + run.closing or run.attempts or run.timers.keys() - {RUN_TIMER}:
        return []
    if any(task.reason in (WAITING_FOR_PERSON, OPEN) for task in run.tasks):
        return []
    return [f"{run.open} tasks are open and nothing is outstanding"]

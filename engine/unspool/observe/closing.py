"""How a run stands or ended, for people: failures with what was written, a table, outputs, the critical path."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from unspool.core.edges import is_tolerated
from unspool.core.run import Run
from unspool.core.state import TaskRun
from unspool.model.lognames import attempt_of
from unspool.model.plan import Task
from unspool.model.status import COMPLETED, FAILED, SKIPPED, SUBSTITUTED, WAITING_FOR_PERSON
from unspool.observe.console import printable, tail, verdict
from unspool.observe.report import critical_path, decision, listed, on_its_way, summary, undone

_TAIL_LINES = 20  # of a failed task's output
_ROWS = 40  # of the table; a larger run shows what did not complete, and what took longest
_SLOWEST = 5
_PATH_TASKS = 12  # that the critical path names

Paint = Callable[[str, str], str]  # a text and its state: the text as the terminal should show it


def closing(run: Run, logs: Path, paint: Paint, *, table: bool) -> Iterator[str]:
    """Give the lines of the report that ends a run.

    Args:
        run: a final run.
        logs: where kept output lies: `RUN/TASK.ATTEMPT.out` and `.err`.
        paint: colours a text by a state.
        table: list the tasks, too.
    """
    if table:
        yield from rows(run, paint, _ROWS)
    if run.error is not None:
        yield paint(printable(run.error["message"]), FAILED)
    yield from _failures(run, logs, paint)
    yield from told_notes(run)
    back = undone(run)
    if back:
        yield f"undone: {', '.join(back)}"
    yield from told_outputs(run)
    path = critical_path(run)
    if path is not None and len(path["tasks"]) > 1:
        names = path["tasks"]
        if len(names) > _PATH_TASKS:
            names = [*names[: _PATH_TASKS // 2], f"{len(names) - _PATH_TASKS} more", *names[-_PATH_TASKS // 2 :]]
        yield f"critical path: {' > '.join(names)} ({path['seconds']:.2f} s)"
    yield paint(summary(run), run.state)
    if run.state != COMPLETED:
        yield f"more: unspool show {run.id}"


def told_notes(run: Run) -> Iterator[str]:
    """Give a line for each note that a rule made."""
    for note in run.notes:
        yield printable(f"note of {run.nodes[note.task].id}: {note.text}")


def told_outputs(run: Run) -> Iterator[str]:
    """Give a line for each output of the run."""
    for name, value in run.outputs.items():
        yield printable(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")


def _failures(run: Run, logs: Path, paint: Paint) -> Iterator[str]:
    """Give what failed, with the end of what it wrote; first, in a line each, what harmed nobody."""
    failed = [(run.nodes[index], run.tasks[index]) for index in listed(run) if run.tasks[index].state == FAILED]
    told = [(plan, task, printable(task.error["message"])) for plan, task in failed if task.error is not None]
    for plan, task, message in told:
        if task.reason == SUBSTITUTED or is_tolerated(plan, task.reason):
            how = "another task stood in for it" if task.reason == SUBSTITUTED else "tolerated"
            yield f"{plan.id} failed ({how}): {message}"
    for plan, task, message in told:
        if task.reason != SUBSTITUTED and not is_tolerated(plan, task.reason):
            yield paint(f"{plan.id} failed: {message}", FAILED)
            yield from _written(logs / run.id, run.id, plan.id)


def rows(run: Run, paint: Paint, most: int | None = None) -> Iterator[str]:
    """Give a line for each task; where there are more than `most`, for those worth a look."""
    chosen = [(run.nodes[index], run.tasks[index]) for index in listed(run)]
    if most is not None and len(chosen) > most:
        yield f"{len(chosen)} tasks; of these:"
        chosen = _chosen(chosen, most)
    width = max((len(plan.id) for plan, _ in chosen), default=0)
    for plan, task in chosen:
        why = f" ({task.reason})" if task.reason else ""
        seconds = on_its_way(run, plan.index)
        took = " " * 11 if seconds is None else f"{seconds:9.3f} s"
        tries = f"  {task.attempts} attempts" if task.attempts > 1 else ""
        tries += "  undone" if task.family is not None and task.family.is_undone else ""
        used = f"  {task.memory_peak_mb:.0f} MB" if task.memory_peak_mb is not None else ""
        yield f"  {plan.id:<{width}}  {took}  {paint(f'{task.state}{why}', task.state)}{tries}{used}"
        if most is None and task.error is not None and task.error["message"] != task.reason:
            yield f"  {'':<{width}}               {printable(task.error['message'])}"
        if decided := decision(run, plan.index):
            yield f"  {'':<{width}}               {printable(verdict(decided))}"
        if task.reason == WAITING_FOR_PERSON:
            yield f"  {'':<{width}}               {printable(task.prompt or '')}"


def _chosen(tasks: list[tuple[Task, TaskRun]], most: int) -> list[tuple[Task, TaskRun]]:
    slowest = sorted(tasks, key=lambda pair: pair[1].running_s)[-_SLOWEST:]
    worth = {plan.index for plan, task in tasks if task.state not in (COMPLETED, SKIPPED)}
    keep = {plan.index for plan, _ in slowest} | set(sorted(worth)[: most - _SLOWEST])
    return [pair for pair in tasks if pair[0].index in keep]


def _written(folder: Path, run: str, task: str) -> Iterator[str]:
    """Give the last lines a failed task wrote: of standard error, else of standard output."""
    for stream in ("err", "out"):
        for file in _kept(folder, task, stream):
            lines = tail(file, _TAIL_LINES)
            if lines:
                yield from (f"  | {line}" for line in lines)
                yield f"  (all of it: unspool logs {run} {task})"
                return


def _kept(folder: Path, task: str, stream: str) -> list[Path]:
    """Give what a task wrote to a stream, the last attempt first."""
    files = folder.iterdir() if folder.is_dir() else ()
    own = [(attempt_of(file.name, task), file) for file in files if file.suffix == f".{stream}"]
    return [file for number, file in sorted(own, key=lambda pair: pair[0] or 0, reverse=True) if number is not None]


def unpainted(text: str, _state: Any) -> str:
    """Leave a text as it is."""
    return text

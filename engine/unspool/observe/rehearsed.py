"""What a rehearsed run did: task by task with its times, and where that differs from what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from unspool.compiler.task_patterns import matching
from unspool.core.run import Run
from unspool.model.entry import Entry
from unspool.model.events import TaskAdmitted
from unspool.model.status import COMPLETED
from unspool.model.values import Ref
from unspool.observe.report import listed

_CLOSE = 0.05  # seconds by which an expected time may be off
_ABSENT = "not there"


class Difference(NamedTuple):
    """Something that is not as it was expected: what, how it should be, how it is; all for people."""

    what: str
    expected: str
    actual: str


class Moves(NamedTuple):
    """A task of a run, and when it moved; times in seconds since the run began, None where it never began."""

    task: str
    state: str
    reason: str | None
    attempts: int
    start: float | None
    end: float | None
    outputs: dict[str, Any] | None = None


def moves(run: Run) -> list[Moves]:
    """Give what became of each task that people see, in the order of the report."""
    return [_moves(run, index) for index in listed(run)]


def _moves(run: Run, index: int) -> Moves:
    task = run.tasks[index]
    start = None if task.started_at is None else _since(run, task.started_at)
    end = None if task.completed_at is None or start is None else _since(run, task.completed_at)
    return Moves(run.nodes[index].id, task.state, task.reason, task.attempts, start, end, outputs_of(run, index))


def seconds(run: Run) -> float:
    """Give how long a final run took."""
    return _since(run, run.completed_at or run.started_at)


def verdict(state: str, reason: str | None) -> str:
    """Write a state with its reason: `failed (timeout)`."""
    return f"{state} ({reason})" if reason else state


def ids(run: Run) -> list[str]:
    """Name the tasks of a run that people see."""
    return [node.id for node in run.nodes if node.is_shown]


def outputs_of(run: Run, index: int) -> dict[str, Any] | None:
    """Give the outputs of a task; those of a fan-out are lists, in the order of its instances."""
    task, node = run.tasks[index], run.nodes[index]
    found = task.outputs
    if node.fan_out is not None and task.family is not None:
        each = [run.tasks[run.answering(one)].outputs or {} for one in task.family.instances]
        found = {output.name: [one.get(output.name, output.default) for one in each] for output in node.outputs} or None
    return None if found is None else {name: _shown(value) for name, value in found.items()}


def starts(run: Run, entries: Sequence[Entry]) -> list[str]:
    """Give the tasks that began, in the order in which they did."""
    admitted: dict[int, int] = {}
    for place, entry in enumerate(entries):
        if isinstance(entry.event, TaskAdmitted):
            admitted.setdefault(entry.event.task, place)
    began = [
        (started, admitted.get(index, -1), index)
        for index in listed(run)
        if (started := run.tasks[index].started_at) is not None
    ]
    return [run.nodes[index].id for _, _, index in sorted(began)]


def differences(run: Run, entries: Sequence[Entry], expect: Mapping[str, Any]) -> list[Difference]:
    """Say where a final run is not as expected.

    Args:
        run: the run.
        entries: all that was committed of it.
        expect: what a case of a rehearsal expects.

    Returns:
        the differences, the verdict first; none where all is as expected.
    """
    found = list(_of_verdict(run, expect))
    tasks = {run.nodes[index].id: index for index in listed(run)}
    named: set[str] = set()
    for key, wanted in expect.get("tasks", {}).items():
        chosen = matching(key, tasks)
        named.update(chosen)
        wishes = {"state": wanted} if isinstance(wanted, str) else wanted
        if not chosen:
            found.append(Difference(key, _wish(wishes), _ABSENT))
        for task in chosen:
            found += _of_task(run, tasks[task], wishes)
    if expect.get("exactly"):
        found += [Difference(task, _ABSENT, _end(run, tasks[task])) for task in tasks if task not in named]
    found += _of_order(starts(run, entries), expect.get("order", ()))
    for name, value in expect.get("outputs", {}).items():
        found += _of_value(f"output {name}", value, run.outputs or {}, name)
    return found


def _of_verdict(run: Run, expect: Mapping[str, Any]) -> Iterator[Difference]:
    state, actual = expect.get("state", COMPLETED), verdict(run.state, run.reason)
    if "reason" in expect:
        wanted = verdict(state, expect["reason"])
        if (run.state, run.reason) != (state, expect["reason"]):
            yield Difference("the run", wanted, actual)
    elif run.state != state:
        yield Difference("the run", state, actual)
    took = seconds(run)
    if "seconds" in expect and abs(took - expect["seconds"]) > _CLOSE:
        yield Difference("seconds", f"{expect['seconds']:g}", f"{took:g}")


def _of_task(run: Run, index: int, wishes: Mapping[str, Any]) -> Iterator[Difference]:
    task, name = run.tasks[index], run.nodes[index].id
    is_other = "state" in wishes and task.state != wishes["state"]
    if is_other or ("reason" in wishes and task.reason != wishes["reason"]):
        yield Difference(
            name, _wish({"state": task.state, **wishes} if "reason" in wishes else wishes), _end(run, index)
        )
    if "attempts" in wishes and task.attempts != wishes["attempts"]:
        yield Difference(f"{name} attempts", str(wishes["attempts"]), str(task.attempts))
    undone = task.family is not None and task.family.is_undone
    if "compensated" in wishes and undone != wishes["compensated"]:
        yield Difference(f"{name} compensated", str(wishes["compensated"]).lower(), str(undone).lower())
    for output, value in wishes.get("outputs", {}).items():
        yield from _of_value(f"{name} output {output}", value, outputs_of(run, index) or {}, output)


def _of_value(what: str, wanted: Any, values: Mapping[str, Any], name: str) -> Iterator[Difference]:
    if name not in values:
        yield Difference(what, _json(wanted), _ABSENT)
    elif not _is_same(wanted, _shown(values[name])):
        yield Difference(what, _json(wanted), _json(_shown(values[name])))


def _of_order(begun: list[str], wanted: Sequence[str]) -> Iterator[Difference]:
    actual = [task for task in begun if task in wanted]
    if list(wanted) != actual:
        absent = [task for task in wanted if task not in begun]
        told = " > ".join(actual) + (f" (did not begin: {', '.join(absent)})" if absent else "")
        yield Difference("order", " > ".join(wanted), told.strip())


def _wish(wishes: Mapping[str, Any]) -> str:
    state = wishes.get("state")
    if state is None and "reason" not in wishes:
        return "there"
    return verdict(state or "any state", wishes.get("reason"))


def _end(run: Run, index: int) -> str:
    """Say how a task ended, with the error that tells why."""
    task = run.tasks[index]
    error = task.error if task.state == "failed" else None
    if error is not None and error["message"] != task.reason and error["class"] == task.reason:
        return f"{verdict(task.state, task.reason)}: {error['message']}"
    return verdict(task.state, task.reason)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; true is not 1 here, and 3.0 is 3."""
    match one, other:
        case (bool(), _) | (_, bool()):
            return one is other
        case (dict(), dict()):
            return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
        case (list(), list()):
            return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _shown(value: Any) -> Any:
    return value.head if isinstance(value, Ref) else value


def _since(run: Run, at: float) -> float:
    return round(max(0.0, at - run.started_at), 3)

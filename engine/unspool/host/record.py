"""Turns the journal of a run into a rehearsal: what attempts gave as stubs, how it all ended as expectations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from unspool.core.results import known_outputs, overdue, result_view
from unspool.core.run import Run
from unspool.core.state import Attempt
from unspool.errors import UnspoolError
from unspool.journal.rows import Row
from unspool.model.events import AttemptEnded, AttemptLost, CancelRequested, PersonDecided, TimerFired
from unspool.model.plan import Task
from unspool.model.status import IDLE_TIMEOUT, OUTPUT_INVALID, TIMEOUT, WAITING_FOR_PERSON
from unspool.model.values import Inline, Ref, from_json
from unspool.observe.report import listed, moment

_APPROVAL_TIMER = "approval:"
_STOPPED = {"class": "signal", "message": "it was stopped"}
_LONGER = 60.0  # seconds by which a stub outlasts what ended the real attempt


class Recording(NamedTuple):
    """A case as plain values, and what a person should know of it."""

    case: dict[str, Any]
    notes: list[str]


def record(rows: Sequence[Row]) -> Recording:
    """Make a case of the rows of a run.

    Raises:
        UnspoolError: the run has not ended, or somebody cancelled it or a task of it.
    """
    recorder = _Recorder()
    for row in rows:
        recorder.take(row)
    return recorder.recording()


class _Recorder:
    """Follows a run, and keeps what its attempts gave."""

    def __init__(self) -> None:
        self._run = Run()
        self._stubs: dict[str, dict[int, dict[str, Any]]] = {}  # by task and number of the attempt
        self._notes: list[str] = []

    def take(self, row: Row) -> None:
        """Take the next row."""
        event, run = row.event, self._run
        attempt = run.attempts.get(event.attempt) if isinstance(event, AttemptEnded | AttemptLost) else None
        is_heard = isinstance(event, TimerFired) and event.timer in run.timers  # else it came too late
        if isinstance(event, PersonDecided):
            is_heard = run.tasks[event.task].reason == WAITING_FOR_PERSON
        run.apply(event)
        if isinstance(event, CancelRequested):
            raise UnspoolError(
                f"run {run.id} was cancelled, or a task of it, by somebody; a rehearsal has nobody who does that"
            )
        if isinstance(event, AttemptEnded) and attempt is not None and event.token == attempt.token:
            self._keep(attempt.task, attempt.number, self._ended(event, attempt))
        elif isinstance(event, AttemptLost) and attempt is not None and run.nodes[attempt.task].on_crash == "fail":
            error = {"class": "engine_crashed", "message": "the engine died while this task ran"}
            self._keep(attempt.task, attempt.number, {"error": error})
        elif isinstance(event, PersonDecided) and is_heard:
            self._decided(event)
        elif isinstance(event, TimerFired) and is_heard and event.timer.startswith(_APPROVAL_TIMER):
            task = int(event.timer.removeprefix(_APPROVAL_TIMER))
            self._answer(task, {"seconds": (run.nodes[task].timeout or 0.0) + _LONGER})

    def recording(self) -> Recording:
        """Give what was recorded."""
        run = self._run
        if not run.is_final:
            raise UnspoolError(f"run {run.id or ''} has not ended; what follows from it is not known yet")
        case: dict[str, Any] = {
            "description": f"Recorded from run {run.id}.",
            "at": moment(run.started_at),
            "inputs": run.inputs,
            "stubs": {task: _compact(stubs) for task, stubs in self._stubs.items()},
            "expect": self._expected(),
        }
        return Recording({name: part for name, part in case.items() if part != {}}, self._notes)

    # -- attempts -----------------------------------------------------------------------------------

    def _keep(self, task: int, number: int, stub: dict[str, Any]) -> None:
        self._stubs.setdefault(self._run.nodes[task].id, {})[number] = stub

    def _decided(self, event: PersonDecided) -> None:
        since = self._run.tasks[event.task].started_at
        took = _rounded(event.at - (event.at if since is None else since))
        stub: dict[str, Any] = {"seconds": took, "approved": event.approved}
        stub |= {name: text for name, text in (("by", event.by), ("note", event.note)) if text}
        self._answer(event.task, stub)

    def _answer(self, task: int, stub: dict[str, Any]) -> None:
        self._keep(task, 1, stub)  # no task asks twice

    def _ended(self, event: AttemptEnded, attempt: Attempt) -> dict[str, Any]:
        """Make a stub of how an attempt ended."""
        node = self._run.nodes[attempt.task]
        took = 0.0 if event.started_at is None else _rounded(event.at - event.started_at)
        if attempt.stop == IDLE_TIMEOUT:
            return {"seconds": took, "error": overdue(node, IDLE_TIMEOUT)}
        if attempt.stop == TIMEOUT:
            return {"seconds": (node.timeout or 0.0) + _LONGER}
        if attempt.stop is not None:
            return {"seconds": _rounded(took * 2 + _LONGER), "error": _STOPPED}
        collected = event.result or {}
        if event.cached:
            return {"cached": True, "seconds": collected.get("duration") or 0, **self._given(node, collected)}
        stub = {"seconds": took, **self._given(node, collected)}
        problem = event.error
        task = self._run.tasks[attempt.task]
        if problem is None and task.error is not None and task.error["class"] == OUTPUT_INVALID:
            problem = task.error
        if problem is not None and not (problem["class"] == "exit_code" and stub.get("exit_code")):
            stub["error"] = {"class": problem["class"], "message": problem["message"]}
        return stub

    def _given(self, node: Task, collected: dict[str, Any]) -> dict[str, Any]:
        """Give what an attempt wrote and returned."""
        found: dict[str, Any] = {}
        if node.kind == "run" and collected.get("exit_code") is not None:
            found["exit_code"] = collected["exit_code"]
        for stream in ("stdout", "stderr"):
            text = self._text(node, stream, collected.get(stream))
            if text:
                found[stream] = text
        value = collected.get("value")
        if value is not None:
            found["json"] = self._text(node, "json", value)
        for name in ("status_code", "headers", "retry_after"):
            if collected.get(name) is not None:
                found[name] = collected[name]
        outputs = self._outputs(node, collected)
        found |= {"outputs": outputs} if outputs else {}
        is_asked = any(not output.has_default for output in node.outputs)
        if found.get("exit_code") == 0 and (len(found) > 1 or not is_asked):
            del found["exit_code"]  # nobody needs to be told
        return found

    def _outputs(self, node: Task, collected: dict[str, Any]) -> dict[str, Any]:
        """Give the outputs that came neither from standard output nor from a returned value."""
        view = result_view(collected, None, None, node.kind)
        written = {**(collected.get("output") or {}), **(collected.get("outputs") or {})}
        if "value" in collected and not collected.get("outputs"):
            return {}
        found = {}
        for name, value in known_outputs(node, collected, view).items():
            if name in written:
                found[name] = value.head if isinstance(value, Ref) else value
                if isinstance(value, Ref):
                    self._note(f"output {name} of {node.id} is large: only its beginning is recorded")
        return found

    def _text(self, node: Task, what: str, stored: dict[str, Any] | None) -> Any:
        if stored is None:
            return None
        value = from_json(stored)
        if isinstance(value, Inline):
            return value.value
        self._note(f"{what} of {node.id} is large: only its beginning is recorded")
        return value.head

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    # -- expectations -------------------------------------------------------------------------------

    def _expected(self) -> dict[str, Any]:
        run = self._run
        found: dict[str, Any] = {"state": run.state, "reason": run.reason}
        if run.reason is None:
            del found["reason"]
        found["tasks"] = {run.nodes[index].id: self._expected_of(index) for index in listed(run)}
        found["exactly"] = True
        outputs = self._repeatable("the run", run.outputs or {})
        return {**found, "outputs": outputs} if outputs else found

    def _expected_of(self, index: int) -> Any:
        task = self._run.tasks[index]
        found: dict[str, Any] = {"state": task.state}
        if task.reason is not None:
            found["reason"] = task.reason
        if task.attempts > 1:
            found["attempts"] = task.attempts
        if task.family is not None and task.family.is_undone:
            found["compensated"] = True
        outputs = self._repeatable(self._run.nodes[index].id, task.outputs or {})
        if outputs:
            found["outputs"] = outputs
        return task.state if len(found) == 1 else found

    def _repeatable(self, holder: str, outputs: dict[str, Any]) -> dict[str, Any]:
        """Leave out what is another value in every run."""
        found = {}
        for name, value in outputs.items():
            if isinstance(value, Ref):
                continue
            if self._run.id in json.dumps(value):
                self._note(f"output {name} of {holder} holds the id of the run: nothing is expected of it")
                continue
            found[name] = value
        return found


def _compact(stubs: dict[int, dict[str, Any]]) -> Any:
    """Write the stubs of one task: a map where all attempts are alike."""
    last = max(stubs)
    found = [stubs.get(number, stubs[min(each for each in stubs if each >= number)]) for number in range(1, last + 1)]
    while len(found) > 1 and found[-1] == found[-2]:
        found.pop()
    return found[0] if len(found) == 1 else found


def _rounded(seconds: float) -> float:
    return round(max(0.0, seconds), 3)

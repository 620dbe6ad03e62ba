"""What a stub of a rehearsal means for an attempt: what its kind would have told the host."""

from __future__ import annotations

import json
import math
from typing import Any

from unspool.core.answers import status_class
from unspool.errors import StubNeeded
from unspool.host.simulate import Stub
from unspool.model.plan import Output, Task
from unspool.tasks.attempt import error

_SAYS = frozenset(("exit_code", "stdout", "stderr", "json", "outputs", "error", "status_code"))
_SPAWN_FAILED = "spawn_failed"
Given = dict[str, Any]
Problem = dict[str, str] | None
Collected = tuple[dict[str, Any], Problem]


def chosen(given: list[Given] | None, number: int) -> Given:
    """Give the stub of attempt `number` of a task, which counts from 1: the last one repeats."""
    return given[min(number, len(given)) - 1] if given else {}


def duration(task: Task, given: Given) -> float:
    """Give how many seconds an attempt, or a person, takes: without a word about it no task runs out of its time."""
    if "seconds" in given:
        return float(given["seconds"])
    return min(task.estimate, math.inf if task.timeout is None else task.timeout / 2)


def stub_of(task: Task, action: dict[str, Any], given: Given) -> Stub:
    """Give how an attempt ends.

    Args:
        task: whose attempt it is.
        action: what it would do, without expressions.
        given: what the rehearsal says of it.

    Raises:
        StubNeeded: it says nothing, and the task has outputs without defaults.
    """
    seconds = duration(task, given)
    if not _SAYS & given.keys():
        _check_defaults(task)
    problem = given.get("error")
    if problem is not None:
        problem = error(problem["class"], problem.get("message", "a stub"))
        if problem["class"] == _SPAWN_FAILED:
            return Stub(seconds, refuses=problem["message"])
    collected, found = _COLLECTED.get(task.kind, _of_process)(task, action, given, problem)
    return Stub(seconds, collected, found)


def reused(task: Task, action: dict[str, Any], given: Given) -> dict[str, Any]:
    """Give what the cache would have kept of an attempt."""
    return {**(stub_of(task, action, given).result or {}), "duration": duration(task, given)}


def _check_defaults(task: Task) -> None:
    bare = [output for output in task.outputs if not output.has_default]
    if bare:
        names = ", ".join(f"{output.name}: ..." for output in bare)
        key = json.dumps(task.id) if "[" in task.id else task.id
        listed = " and ".join(f"`{output.name}`" for output in bare)
        raise StubNeeded(
            f"task `{task.id}` begins and has no stub that gives its {'output' if len(bare) == 1 else 'outputs'} "
            f"{listed}; add one, such as `{key}: {{outputs: {{{names}}}}}`"
        )


def _of_process(task: Task, _action: dict[str, Any], given: Given, problem: Problem) -> Collected:
    code = given.get("exit_code")
    if code is None:
        code = 0 if problem is None else 1 if problem["class"] == "exit_code" else None
    if code and problem is None:
        problem = error("exit_code", f"exit code {code}")
    return {"exit_code": code, **_written(task, given)}, problem


def _of_request(task: Task, action: dict[str, Any], given: Given, problem: Problem) -> Collected:
    status = given.get("status_code", 200 if problem is None else None)
    collected = _written(task, given)
    if status is None:
        return collected, problem
    headers = {name.lower(): value for name, value in given.get("headers", {}).items()}
    collected |= {"status_code": status, "headers": headers}
    wait = given.get("retry_after", _seconds(headers.get("retry-after")))
    if wait is not None:
        collected["retry_after"] = wait
    kind = status_class(status, action.get("expect"))
    if problem is None and kind is not None:
        problem = error(kind, f"{action['method']} {action['url']} answered {status}")
    return collected, problem


def _of_function(task: Task, _action: dict[str, Any], given: Given, problem: Problem) -> Collected:
    collected: dict[str, Any] = {
        stream: {"inline": given[stream]} for stream in ("stdout", "stderr") if stream in given
    }
    value = given.get("json", given.get("outputs"))
    if problem is not None or value is None:
        return collected, problem
    value = _with_outputs(task, given, value)
    named = {**(value if isinstance(value, dict) else {}), **given.get("outputs", {})}
    from_value = [output for output in task.outputs if output.source != "stdout" and output.name in named]
    values = {output.name: {"inline": named[output.name]} for output in from_value}
    return {**collected, "value": {"inline": value}, "output": values, "outputs": values}, None


_COLLECTED = {"run": _of_process, "http": _of_request, "python": _of_function}


def _written(task: Task, given: Given) -> dict[str, Any]:
    """Give the streams of an attempt and the outputs that it writes elsewhere."""
    stdout = given.get("stdout")
    if stdout is None:
        value = _with_outputs(task, given, given.get("json"))
        stdout = "" if value is None and "json" not in given else json.dumps(value)
    output: dict[str, Any] = {}
    outputs: dict[str, Any] = {}
    for declared in task.outputs:
        if declared.name in given.get("outputs", {}):
            text = {"inline": _text(declared, given["outputs"][declared.name])}
            if declared.source == "output":
                output[declared.name] = text
            elif declared.source in ("file", "stdout"):
                outputs[declared.name] = text
    return {
        "stdout": {"inline": stdout},
        "stderr": {"inline": given.get("stderr", "")},
        "output": output,
        "outputs": outputs,
    }


def _with_outputs(task: Task, given: Given, value: Any) -> Any:
    """Put the outputs that are read from JSON into the value that they are read from."""
    for declared in task.outputs:
        if declared.source == "json" and declared.name in given.get("outputs", {}):
            value = _placed(declared.path, given["outputs"][declared.name], value)
    return value


def _placed(pointer: str | None, value: Any, around: Any = None) -> Any:
    """Give what a JSON Pointer finds `value` in; as much of `around` as can stays."""
    if not pointer:
        return value
    step, slash, rest = pointer[1:].partition("/")
    key = step.replace("~1", "/").replace("~0", "~")
    holder = dict(around) if isinstance(around, dict) else {}
    holder[key] = _placed(slash + rest, value, holder.get(key))
    return holder


def _text(output: Output, value: Any) -> str:
    """Give the text from which an output is read as `value`."""
    if output.path:
        return json.dumps(_placed(output.path, value))
    if not isinstance(value, str):
        return json.dumps(value)
    return value + "\n" if value.endswith("\n") else value  # one is taken away


def _seconds(header: str | None) -> int | None:
    return int(header) if header is not None and header.isascii() and header.isdigit() else None

"""From what a host collected of an attempt to its result, its verdict and its outputs."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from unspool.core.schema import fits
from unspool.errors import ExpressionError, IllegalEvent
from unspool.model.events import AttemptEnded
from unspool.model.kinds import KIND_FIELDS
from unspool.model.plan import Output, Task
from unspool.model.status import (
    EXIT_CODE,
    EXPRESSION_ERROR,
    IDLE_TIMEOUT,
    OUTPUT_INVALID,
    STATUS_CLASSES,
    SUCCESS_WHEN_FALSE,
)
from unspool.model.values import Ref, from_json

Failure = dict[str, Any]


class OutputError(Exception):
    """A declared output does not parse, or does not fit its schema."""


def failure(kind: str, message: str) -> Failure:
    """Build an attempt's error."""
    return {"class": kind, "message": message}


def overdue(task: Task, stop: str) -> Failure:
    """Build the error of an attempt that was ended because it ran, or was silent, for too long."""
    if stop == IDLE_TIMEOUT:
        return failure(stop, f"it wrote nothing for {task.idle_timeout:g} s")
    return failure(stop, f"it ran longer than {task.timeout:g} s")


def check_end(event: AttemptEnded, *, began: bool, stopped: bool) -> None:
    """Refuse what cannot be judged, before anything changes.

    Args:
        event: how an attempt ended.
        began: it is known already that the attempt ran.
        stopped: somebody is ending it, so that it need not have begun.

    Raises:
        IllegalEvent: a part of it cannot be read, or it tells how something ended that never began.
    """
    try:
        kind = None if event.error is None else event.error["class"]
        _check_values(event.result or {})
        _check_answer(event.result or {})
        _check_usage(event.usage or {})
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise IllegalEvent(f"the end of attempt {event.attempt} cannot be read: {problem}") from None
    if event.error is not None and not (isinstance(kind, str) and kind):
        raise IllegalEvent(f"the end of attempt {event.attempt} cannot be read: {kind!r} is no class of errors")
    if event.cached:
        return  # `check_reused` looks at the rest
    if kind in (None, EXIT_CODE) and event.started_at is None and not began and not stopped:
        raise IllegalEvent(f"attempt {event.attempt} never began, so it cannot have run to its end")


def _check_values(collected: dict[str, Any]) -> None:
    for key in ("stdout", "stderr", "value"):
        if collected.get(key) is not None:
            from_json(collected[key])
    for key in ("output", "outputs"):
        for stored in (collected.get(key) or {}).values():
            from_json(stored)


def _check_answer(collected: dict[str, Any]) -> None:
    wait = collected.get("retry_after", 0)
    if wait is not None and not (isinstance(wait, int | float) and 0 <= wait < math.inf):
        raise ValueError(f"retry_after is {wait!r}")
    status = collected.get("status_code")
    if not isinstance(status, int | None) or not isinstance(collected.get("headers"), dict | None):
        raise TypeError("the status or the headers of an answer are none")


def _check_usage(usage: dict[str, float]) -> None:
    for name, value in usage.items():
        if not value >= 0:
            raise ValueError(f"{name} is {value!r}")


def result_view(
    collected: dict[str, Any], error: Failure | None, duration: float | None, kind: str = ""
) -> dict[str, Any]:
    """Build `result` as expressions see it, with what this kind of task adds: what is not there is null."""
    stdout = _value(collected.get("stdout"))
    view = {
        "exit_code": collected.get("exit_code"),
        "stdout": stdout,
        "stderr": _value(collected.get("stderr")),
        "duration": duration,
        "error": error,
    }
    if "value" in collected:
        view["json"] = _value(collected["value"])
    elif isinstance(stdout, str):
        view["json"] = _parse(stdout)
    else:
        view["json"] = stdout
    for name in KIND_FIELDS.get(kind, ()):
        view[name] = collected.get(name)
    return view


def judge(task: Task, view: dict[str, Any], context: dict[str, Any]) -> Failure | None:
    """Say whether an attempt that ended by itself succeeded; None means that it did.

    `success_when` stands in for the kind's own rule about exit codes and a server's status. It has no say
    over what never ran to its end: a timeout, a signal, a process that could not be started, an exception,
    a connection that broke.
    """
    error: Failure | None = view["error"]
    if task.success_when is None or (error is not None and not _is_own_rule(error["class"], view)):
        return error
    from unspool import expr  # a run without expressions needs none of it

    try:
        succeeded = expr.evaluate_boolean(task.success_when, context)
    except ExpressionError as problem:
        return failure(EXPRESSION_ERROR, f"success_when: {problem}")
    if succeeded:
        return None
    return failure(SUCCESS_WHEN_FALSE, f"success_when is false: {task.success_when}")


def _is_own_rule(error_class: str, view: dict[str, Any]) -> bool:
    """Whether an attempt ran to its end, and only the kind's own rule calls that a failure."""
    if error_class in STATUS_CLASSES:
        return view.get("status_code") is not None
    return bool(error_class == EXIT_CODE)


def read_outputs(task: Task, collected: dict[str, Any], view: dict[str, Any]) -> dict[str, Any]:
    """Give the declared outputs by name, typed.

    Raises:
        OutputError: one is missing and has no default, does not parse, or does not fit its schema;
            or the task wrote a name that it does not declare.
    """
    given: dict[str, Any] = collected.get("output") or {}
    declared = {output.name for output in task.outputs}
    for name in given:
        if name not in declared and "value" not in collected:
            raise OutputError(f"UNSPOOL_OUTPUT names {name!r}, which the task does not declare under `outputs`")
    if "output_error" in collected:
        raise OutputError(str(collected["output_error"]))
    return {output.name: _read(output, collected, view) for output in task.outputs}


def known_outputs(task: Task, collected: dict[str, Any], view: dict[str, Any]) -> dict[str, Any]:
    """Give those outputs of a failed task that can be read, so that its handlers see them."""
    outputs: dict[str, Any] = {}
    for output in task.outputs:
        try:
            outputs[output.name] = _read(output, collected, view)
        except OutputError:
            if output.has_default:
                outputs[output.name] = output.default
    return outputs


def _read(output: Output, collected: dict[str, Any], view: dict[str, Any]) -> Any:
    value, is_text = _raw(output, collected, view)
    if value is _MISSING or (value is None and output.source in ("json", "result") and output.path is None):
        return _default(output, _without_value(output, view))
    if isinstance(value, Ref):
        if output.path is None and output.schema.get("type", "string") == "string":
            return value
        raise OutputError(f"output {output.name!r}: {value.size} bytes are more than max_bytes ({output.max_bytes})")
    if output.path is not None:
        if is_text:
            value, is_text = _parse(value), False
        value = _point(value, output.path)
        if value is _MISSING:
            return _default(output, f"has nothing at {output.path!r}")
    if is_text:
        value = _typed(output, value)
    problem = fits(value, output.schema)
    if problem is not None:
        raise OutputError(f"output {output.name!r}: {problem}")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if math.isfinite(number):
        return number
    raise ValueError(f"{text} is beyond any number")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_JSON = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse)  # no journal could keep NaN or infinity
_INDEX = re.compile("0|[1-9][0-9]{0,17}")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class _Missing:
    """No value, where null is one."""


_MISSING = _Missing()


def _raw(output: Output, collected: dict[str, Any], view: dict[str, Any]) -> tuple[Any, bool]:
    """Give the value and whether it is text that has still to be read as the output's type."""
    if output.source == "result":
        return view, False
    if output.source == "json":
        return view["json"], False
    if output.source == "stdout":
        stdout = _value((collected.get("outputs") or {}).get(output.name, collected.get("stdout")))
        return (_MISSING, True) if stdout is None else (stdout, True)
    values = collected.get("outputs" if output.source == "file" else "output") or {}
    if output.name not in values:
        return _MISSING, True
    return _value(values[output.name]), "value" not in collected


def _default(output: Output, problem: str) -> Any:
    if output.has_default:
        return output.default
    raise OutputError(f"output {output.name!r} {problem} and declares no default")


def _typed(output: Output, text: str) -> Any:
    text = text.removesuffix("\n")
    wanted = output.schema.get("type", "string")
    if wanted == "string" or (isinstance(wanted, list) and "string" in wanted):
        return text
    try:
        return _decode(text)
    except ValueError as problem:
        shown = text if len(text) <= 60 else text[:60] + "..."
        raise OutputError(f"output {output.name!r}: {shown!r} is not JSON for type {wanted}: {problem}") from None


def _point(value: Any, pointer: str) -> Any:
    """Follow a JSON Pointer (RFC 6901)."""
    for step in pointer.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return _MISSING
    return value


def _parse(text: str) -> Any:
    try:
        return _decode(text)
    except ValueError:
        return None


def _decode(text: str) -> Any:
    """Read JSON.

    Raises:
        ValueError: it is none, or holds what no journal could keep.
    """
    try:
        value = _JSON.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _SURROGATE.search(text) and not is_text(value):
        raise ValueError("it holds half of a surrogate pair, which is no character")
    return value


def is_text(value: Any) -> bool:
    """Whether every text in a JSON value can be written down: none holds half of a surrogate pair."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_value(output: Output, view: dict[str, Any]) -> str:
    """Say why an output has no value."""
    if output.source == "file":
        return f"has no value: the task made no file {output.file!r}"
    if output.source == "json" and isinstance(view["stdout"], str):
        try:
            _decode(view["stdout"])
        except ValueError as problem:
            return f"has no value: standard output is no JSON ({problem})"
    return "has no value"


def _value(stored: dict[str, Any] | None) -> Any:
    """Give the plain value of what travelled as `Inline`, or the `Ref` itself."""
    if stored is None:
        return None
    value = from_json(stored)
    return value if isinstance(value, Ref) else value.value


__all__ = [
    "OUTPUT_INVALID",
    "Failure",
    "OutputError",
    "failure",
    "judge",
    "known_outputs",
    "overdue",
    "read_outputs",
    "result_view",
]

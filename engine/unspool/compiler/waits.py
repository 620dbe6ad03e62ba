"""Check tasks that need no process: moments that no calendar has, and keys that do nothing for them."""

from __future__ import annotations

from typing import Any

from unspool.compiler.guesses import until
from unspool.compiler.wording import found, place, quote, write
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.moments import parse_moment

CODES = {
    "UNS173": "a moment to wait for cannot be read",
}

_OF_ATTEMPTS = ("env", "cwd", "with", "cache", "uses", "retry", "idle_timeout", "grace")
_HINTS = {
    "retry": "it is never tried again: remove it",
    "timeout": "it ends when the time to wait is over: remove it",
    "uses": "it holds nothing: remove it, or name the resource in the task that comes after",
}


def check_waits(document: dict[str, Any]) -> list[Diagnostic]:
    """Say what is wrong with the tasks that wait for a moment or a person, and with rollbacks that try them again.

    Args:
        document: the readable parts, laid out.
    """
    diagnostics: list[Diagnostic] = []
    for name, body in document["tasks"].items():
        kind = next((word for word in ("wait", "approval", "group") if word in body), None)
        if kind is None:
            continue
        path: Path = ("tasks", name)
        diagnostics += _again(kind, body, path)
        if kind != "group":
            keys = (*_OF_ATTEMPTS, "timeout") if kind == "wait" else _OF_ATTEMPTS
            diagnostics += [_idle(kind, key, path) for key in keys if key in body]
        if kind == "wait" and isinstance(body["wait"], dict):
            diagnostics += _moment(body["wait"].get("until"), (*path, "wait", "until"))
    return diagnostics


def _idle(kind: str, key: str, path: Path) -> Diagnostic:
    message = f"{quote(key)} of {place(path)} does nothing: a task with `{kind}` starts no process"
    return Diagnostic("UNS179", message, (*path, key), on_key=True, hint=_HINTS.get(key, "remove it"))


def _again(kind: str, body: dict[str, Any], path: Path) -> list[Diagnostic]:
    policy = body.get("on_failure")
    if not isinstance(policy, dict) or policy.get("rollback", {}).get("then") != "retry":
        return []
    message = f"{place(path)} cannot be tried again by its rollback: a task with `{kind}` makes no attempt"
    hint = "write `then: cancel`" if kind != "group" else "give the `on_failure` to a task of the group"
    return [Diagnostic("UNS179", message, (*path, "on_failure", "rollback", "then"), hint=hint)]


def _moment(text: Any, path: Path) -> list[Diagnostic]:
    if not isinstance(text, str) or "${{" in text:
        return []
    try:
        parse_moment(text)
    except ValueError:
        meant = until(text)
        message = f"{place(path)} must be a moment with its zone, not {found(text)}"
        asked = write("until", meant) if meant is not None and _is_moment(meant) else None
        hint = asked or 'an example: `until: "2030-03-01T07:00:00Z"`'
        return [Diagnostic("UNS173", message, path, hint=hint)]
    return []


def _is_moment(text: str) -> bool:
    try:
        parse_moment(text)
    except ValueError:
        return False
    return True

"""Finds rollbacks that would undo nothing: neither the task nor anything that it is built on says how to undo it."""

from __future__ import annotations

from typing import Any

from unspool.compiler.flatten import Flat
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

CODES = {
    "UNS167": "a rollback has nothing to undo",
}

_UNREAD = ("compensate", "depends_on", "join")


def check_rollbacks(flat: Flat) -> list[Diagnostic]:
    """Say which rollbacks have nothing to undo.

    Cost: O(tasks + dependencies), where any task has a rollback.
    """
    tasks = flat.readable.document["tasks"]
    asked = {name: then for name, body in tasks.items() if (then := _rollback_of(body)) is not None}
    if not asked or any(hole[-1] in _UNREAD for hole in flat.readable.holes):
        return []
    built_on = _built_on_undoable(flat)
    return [
        _nothing(name, then)
        for name, then in asked.items()
        if not ("compensate" in tasks[name] if then == "retry" else name in built_on)
        and not (then == "retry" and tasks[name].keys() & {"wait", "approval", "group"})  # which is said elsewhere
    ]


def _rollback_of(body: dict[str, Any]) -> str | None:
    """Give what follows the rollback that a task asks for, None where it asks for none."""
    policy = body.get("on_failure")
    rollback = policy.get("rollback") if isinstance(policy, dict) else None
    return str(rollback.get("then", "cancel")) if isinstance(rollback, dict) else None


def _built_on_undoable(flat: Flat) -> set[str]:
    """Give the tasks that can be undone, and all that have one of them somewhere before them or inside."""
    tasks = flat.readable.document["tasks"]
    below: dict[str, list[str]] = {}
    unused = {str(path[1]) for path in flat.paths.values() if path[:1] == ("templates",)}
    for name, body in tasks.items():
        role = flat.role(name)
        parts = [*body.get("depends_on", ()), *role.members, *role.region]
        policy = body.get("on_failure")
        stand_in = policy.get("substitute") if isinstance(policy, dict) else None
        if isinstance(stand_in, str) and stand_in in tasks:
            unused.discard(stand_in)
            inside = (stand_in, *flat.role(stand_in).region)
            parts += inside
            for each in inside:  # what is made of a template comes after all that the task came after
                below.setdefault(name, []).append(each)
        for part in parts:
            below.setdefault(part, []).append(name)
    unknown = [name for name in below if name not in tasks]  # which is said elsewhere
    unmade = [name for name, path in flat.paths.items() if path[:1] == ("templates",) and path[1] in unused]
    left = [*unknown, *unmade, *(name for name, body in tasks.items() if "compensate" in body)]
    found = set(left)
    while left:
        fresh = [name for name in below.get(left.pop(), ()) if name not in found]
        found.update(fresh)
        left += fresh
    return found


def _nothing(name: str, then: str) -> Diagnostic:
    what = "this task has no `compensate`"
    if then == "cancel":
        what = "neither it nor a task before it has a `compensate`"
    message = f"the rollback of task {quote(name)} has nothing to undo: {what}"
    path: Path = ("tasks", name, "on_failure", "rollback")
    return Diagnostic("UNS167", message, path, hint="say how to undo a task: `compensate: {run: [...]}`")

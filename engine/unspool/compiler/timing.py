"""Finds groups whose `timeout` leaves no time for what is in them; only what can be proved is said."""

from __future__ import annotations

import re
from typing import Any

from unspool.compiler.flatten import Flat
from unspool.compiler.graph import COPIED, GATE
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.durations import parse_duration

CODES = {
    "UNS191": "the `timeout` of a group leaves no time for what is in it",
}

_DURATION = re.compile(r"[0-9]+(?:ms|s|m|h|d)")


def check_timing(flat: Flat) -> list[Diagnostic]:
    """Warn of groups that can never complete in time, and of times inside them that never count.

    Cost: O(tasks + dependencies).
    """
    found: list[Diagnostic] = []
    for name, body in flat.readable.document["tasks"].items():
        role = flat.role(name)
        if role.kind == "group" and role.frame is None and "is_document" not in body["group"]:
            found += _check_group(flat, name, body)
    return found


def _check_group(flat: Flat, name: str, body: dict[str, Any]) -> list[Diagnostic]:
    tasks = flat.readable.document["tasks"]
    limit = _seconds(tasks[f"{name}{GATE}"].get("timeout"))
    if limit is None:
        return []
    members, group = flat.role(name).members, body["group"]
    waits = [_sure_wait(tasks[member]) for member in members]
    least = sum(waits) if group.get("mode", "sequential") == "sequential" else max(waits)
    if least > limit and group.get("aggregate") != "first":
        path: Path = ("tasks", name, "timeout")
        message = f"group {quote(name)} never completes: what it waits for takes longer than its `timeout`"
        return [Diagnostic("UNS191", message, path, hint="raise it, or shorten the waits in it", severity="warning")]
    return [_never_counts(name, member) for member in members if _timeout(tasks, member) > limit]


def _never_counts(name: str, member: str) -> Diagnostic:
    message = f"the `timeout` of task {quote(member)} never counts: that of the group {quote(name)} ends it before"
    hint = f"shorten it, or raise the `timeout` of {quote(name)}"
    return Diagnostic("UNS191", message, ("tasks", member, "timeout"), hint=hint, severity="warning")


def _timeout(tasks: dict[str, Any], member: str) -> float:
    """Give the seconds that a member allows itself, where its author wrote so; of a group its gate has them."""
    holder = next((each for each in (f"{member}{COPIED}{GATE}", f"{member}{GATE}") if each in tasks), member)
    return _seconds(tasks[holder].get("timeout")) or 0.0


def _sure_wait(body: dict[str, Any]) -> float:
    """Give the seconds that a task takes wherever its group completes: only of a `wait` that nothing skips."""
    needs = body.get("depends_on", {})
    may_be_skipped = any(state != "ok" for need, state in needs.items() if not need.endswith(GATE))
    if may_be_skipped or not body.keys().isdisjoint(("when", "for_each", "matrix", "join")):
        return 0.0
    return _seconds(body.get("wait")) or 0.0


def _seconds(value: Any) -> float | None:
    return parse_duration(value) if isinstance(value, str) and _DURATION.fullmatch(value) else None

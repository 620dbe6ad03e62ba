"""Who may wait for whom across the parts of a document: `tasks`, `finally` and `templates`."""

from __future__ import annotations

from typing import Any

from unspool.compiler.flatten import Flat, Role
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

CODES = {
    "UNS186": "a task waits for one of another part of the document",
    "UNS187": "a policy cannot stand under `finally`",
}


def check_sides(flat: Flat) -> list[Diagnostic]:
    """Refuse what would wait for ever, or would change a verdict that stands.

    Cost: O(dependencies), and nothing for a document without `finally` and templates.
    """
    if not any(role.closing or role.inputs is not None for role in flat.roles.values()):
        return []
    found: list[Diagnostic] = []
    for name, body in flat.readable.document["tasks"].items():
        role = flat.role(name)
        if not role.scope and role.kind in ("task", "gate") and "depends_on" in body:
            found += _check_needs(flat, name, role, body["depends_on"])
        if role.closing and role.frame is None:
            found += _check_policies(name, body)
    return found


def _check_needs(flat: Flat, name: str, role: Role, depends_on: Any) -> list[Diagnostic]:
    found = []
    for number, need in enumerate(depends_on):
        other = flat.role(need)
        on_key = isinstance(depends_on, dict)
        path: Path = ("tasks", name, "depends_on", need if on_key else number)
        wrong = _wrong(name, role, need, other)
        if wrong is not None:
            found.append(Diagnostic("UNS186", wrong[0], path, on_key=on_key, hint=wrong[1]))
    return found


def _wrong(name: str, role: Role, need: str, other: Role) -> tuple[str, str] | None:
    if role.inputs is not None and role.frame is None:
        return f"the template {quote(name)} cannot wait for anything", "remove it: a template begins when it is needed"
    if other.inputs is not None and other.frame is None:
        hint = "wait for the task that it stands in for"
        return f"task {quote(name)} cannot wait for the template {quote(need)}", hint
    if role.closing and not other.closing:
        hint = f"`finally` comes after all tasks: read `tasks.{need}.state` in it, or remove it"
        return f"{quote(name)} of `finally` cannot wait for task {quote(need)}", hint
    if other.closing and not role.closing:
        hint = f"only `finally` comes after {quote(need)}: move {quote(name)} there"
        return f"task {quote(name)} cannot wait for {quote(need)}, which runs at the end", hint
    return None


def _check_policies(name: str, body: dict[str, Any]) -> list[Diagnostic]:
    found = []
    if "compensate" in body:
        message = f"{quote(name)} of `finally` cannot be undone"
        found.append(Diagnostic("UNS187", message, ("tasks", name, "compensate"), on_key=True, hint="remove it"))
    policy = body.get("on_failure", "skip")
    if policy not in ("skip", "cancel_dependents"):
        shown = policy if isinstance(policy, str) else next(iter(policy))
        message = f"`on_failure: {shown}` cannot stand under `finally`, which never changes what the run was"
        hint = "write `skip` or `cancel_dependents`, or remove it"
        found.append(Diagnostic("UNS187", message, ("tasks", name, "on_failure"), hint=hint))
    return found

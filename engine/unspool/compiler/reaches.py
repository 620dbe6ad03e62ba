"""Who may wait for whom, and read whom, across the parts of a document: tasks, groups, templates, `finally`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from unspool.compiler.flatten import Flat, Role
from unspool.compiler.graph import COPIED, GATE, needed_path
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

if TYPE_CHECKING:
    from unspool.compiler.members import Problem

CODES = {
    "UNS171": "a task waits for a template, or a template for a task",
    "UNS172": "a task of `finally` and one that is not wait for each other",
    "UNS179": "a key does nothing for the task that has it",
}

_READ_STATE = "remove it; every task can be read here, as in `${{ tasks.%s.state }}`"


def check_reaches(flat: Flat) -> list[Diagnostic]:
    """Say which dependencies lead from one part of a document to another where nothing can come of it."""
    found: list[Diagnostic] = []
    for name, body in flat.readable.document["tasks"].items():
        if _is_template(flat, name):
            found += _of_template(flat, name)
        else:
            found += [one for need in _outer_needs(flat, name, body) for one in _need(flat, name, body, need)]
        if flat.role(name).closing and flat.role(name).frame is None:
            found += _of_closing(name, body)
    return found


def _outer_needs(flat: Flat, name: str, body: dict[str, Any]) -> Iterable[str]:
    """Give what a task of the top level waits for by its author's words; of a group its gate has them."""
    role = flat.role(name)
    is_laid_out = role.scope or COPIED in name or role.kind in ("undo", "group")
    return () if is_laid_out else body.get("depends_on", ())


def out_of_reach(flat: Flat, name: str, found: str | None, reader: str | None) -> Problem | None:
    """Say why an expression cannot name a task that there is; None where it can, or where there is none.

    Args:
        flat: the document.
        name: as it is written.
        found: the whole name of the task that it means, None where it means none that may be named.
        reader: the whole name of the task with the expression, None for the document's own fields.
    """
    role = Role() if reader is None else flat.role(reader)
    if role.inputs is not None and role.frame is None:
        if found is not None and flat.role(found).inputs is role.inputs and flat.role(found).scope:
            return None
        hint = "declare an input, and hand the value over where the template is used"
        return "UNS162", "a template knows no tasks of the document, only its inputs", hint
    if found is None and _is_template(flat, name):
        instead = stands_in_for(flat, name)
        hint = f"read the task that it stands in for: `tasks.{instead}`" if instead else "name a task"
        return "UNS171", f"{quote(name)} is a template: what is made of it cannot be named", hint
    if found is None:
        group = group_of(flat, name)
        if group is not None and reader == group:
            return "UNS067", f"the task {quote(name)} is known only inside its group", f"write `result.json.{name}`"
        if group is not None:
            return "UNS067", f"the task {quote(name)} is known only inside its group", _inside(group, name)
    elif flat.role(found).closing and reader is not None and not role.closing:
        message = f"task {quote(name)} belongs to `finally`, which runs when all other tasks have ended"
        return "UNS172", message, "read it in another task of `finally`, or in the `outputs` of the workflow"
    return None


def inside_hint(flat: Flat, group: str, member: str) -> str | None:
    """Say how a group's task is read from outside; None for what is no task of the group."""
    is_member = any(name.removeprefix(flat.role(name).scope) == member for name in flat.role(group).members)
    return _inside(group, member) if is_member else None


def _inside(group: str, member: str) -> str:
    return f"from outside only the group can be read: write `tasks.{group}.result.json.{member}`"


def own_value(flat: Flat, root: str, reader: str | None, path: Path) -> Problem | None:
    """Say how a compensation, or the arguments of a substitute, come to what `result` and `outputs` mean elsewhere."""
    if root not in ("result", "outputs") or reader is None:
        return None
    if path[2:3] == ("on_failure",):
        message = f"{quote(root)} is not known in the arguments of a substitute"
        return "UNS064", message, "let a task with `depends_on: {NAME: failed}` look into it"
    role = flat.role(reader)
    if role.kind == "undo" and role.undoes is not None:
        short = role.undoes.removeprefix(role.scope)
        return "UNS064", f"{quote(root)} is not known in a compensation", f"name the task: `tasks.{short}.{root}`"
    return None


def waiting_hint(flat: Flat, name: str, target: str) -> str:
    """Say where to write that one task waits for another."""
    name, asked = askable(flat, name, target)
    scope = flat.role(name).scope
    mode = _mode(flat, scope)
    short = name.removeprefix(scope)
    if mode == "parallel":
        asks = f"`depends_on: [{asked}]` in {quote(short)}"
        return f"tasks of a parallel group do not wait for each other: write `mode: dag`, and {asks}"
    if mode == "sequential":
        return f"steps run in the order in which they are written: move {quote(asked)} before {quote(short)}"
    return f"add {quote(asked)} to `depends_on` of {quote(name)}"


def askable(flat: Flat, name: str, target: str) -> tuple[str, str]:
    """Give who around a task stands beside another one, so that it can wait for it, and by which name."""
    name = flat.role(name).undoes or name
    while flat.role(name).scope != flat.role(target).scope and flat.role(name).scope:
        name = flat.role(name).scope[:-1]
    return name, target.removeprefix(flat.role(name).scope)


def may_ask(flat: Flat, name: str, target: str) -> bool:
    """Whether a task can say itself in which state it wants another one."""
    if flat.role(name).scope != flat.role(target).scope:
        return False
    return askable(flat, name, target)[0] == name and _mode(flat, flat.role(name).scope) in (None, "dag")


def _mode(flat: Flat, scope: str) -> str | None:
    if not scope:
        return None
    group = flat.readable.document["tasks"].get(scope[:-1], {}).get("group", {})
    return str(group.get("mode", "sequential"))  # no other than a group is a scope


def stands_in_for(flat: Flat, template: str) -> str | None:
    """Give a task that has a template as its substitute."""
    for name, body in flat.readable.document["tasks"].items():
        policy = body.get("on_failure")
        if isinstance(policy, dict) and policy.get("substitute") == template and name.isidentifier():
            return str(name)
    return None


def group_of(flat: Flat, short: str) -> str | None:
    """Give a group of the top level that has a task with this name."""
    for name, role in flat.roles.items():
        group: str = role.scope.removesuffix(".").removesuffix(COPIED)
        if group.isidentifier() and name.removeprefix(role.scope) == short:
            return group
    return None


def _is_template(flat: Flat, name: str) -> bool:
    return flat.paths.get(name) == ("templates", name)


def _of_template(flat: Flat, name: str) -> list[Diagnostic]:
    path: Path = ("templates", name)
    body = flat.source["templates"][name]
    found = []
    if body.get("depends_on"):
        message = f"the template {quote(name)} waits for other tasks, which this version does not support yet"
        hint = "remove it: a task is made of it when a rule, or a failure, asks for it"
        found.append(Diagnostic("UNS171", message, (*path, "depends_on"), on_key=True, hint=hint))
    return found


def _of_closing(name: str, body: dict[str, Any]) -> list[Diagnostic]:
    """Nothing follows from the end of a task of `finally`."""
    path: Path = ("tasks", name)
    found = []
    policy = body.get("on_failure")
    if isinstance(policy, dict) or policy == "abort":
        message = f"`on_failure` of task {quote(name)} does nothing: a failure in `finally` only goes to the report"
        hint = "remove it, or write `on_failure: skip` for others of `finally` that wait for it"
        found.append(Diagnostic("UNS179", message, (*path, "on_failure"), on_key=True, hint=hint))
    if "compensate" in body:
        message = f"`compensate` of task {quote(name)} does nothing: no rollback comes after `finally`"
        found.append(Diagnostic("UNS179", message, (*path, "compensate"), on_key=True, hint="remove it"))
    return found


def _need(flat: Flat, name: str, body: dict[str, Any], need: str) -> list[Diagnostic]:
    if need not in flat.readable.document["tasks"]:
        return []
    path, on_key = needed_path(body, name, need)
    shown = name.partition(GATE)[0]
    closing, other = flat.role(name).closing, flat.role(need).closing
    if closing == other:
        return []
    if closing:
        message = f"task {quote(shown)} of `finally` waits for {quote(need)}, which has ended by then in any case"
        return [Diagnostic("UNS172", message, path, on_key=on_key, hint=_READ_STATE % need)]
    message = f"task {quote(shown)} waits for {quote(need)} of `finally`, which runs when all other tasks have ended"
    hint = f"move {quote(shown)} to `finally`, or {quote(need)} to `tasks`"
    return [Diagnostic("UNS172", message, path, on_key=on_key, hint=hint)]

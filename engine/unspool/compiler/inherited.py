"""What a compensation takes over from the task that it undoes: `env` and `cwd`, where it gives none of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from unspool.compiler.flatten import Flat
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

if TYPE_CHECKING:
    from unspool.compiler.graph import Graph
    from unspool.expr.names import Reference

_OF_PROCESSES = ("run", "python")


def inherited(flat: Flat, name: str) -> dict[str, Any]:
    """Give the `env` and the `cwd` that a compensation takes over, as its task has them; nothing for any other task.

    Each of its own variables stands in place of the task's of the same name. A request has neither.
    """
    role = flat.role(name)
    if role.kind != "undo" or role.undoes is None:
        return {}
    tasks = flat.readable.document["tasks"]
    own, task = tasks[name], tasks[role.undoes]
    if own.keys().isdisjoint(_OF_PROCESSES):
        return {}
    env = {variable: value for variable, value in task.get("env", {}).items() if variable not in own.get("env", {})}
    taken = {"env": env} if env else {}
    return {**taken, "cwd": task["cwd"]} if "cwd" in task and "cwd" not in own else taken


def check_inherited(flat: Flat, graph: Graph, secrets: dict[str, set[str]]) -> list[Diagnostic]:
    """Refuse what names a lease that a compensation does not have; the rest was judged where it stands, in the task.

    Args:
        flat: the document.
        graph: its graph.
        secrets: of each task that is given any, their names; those of compensations are added.
    """
    found: list[Diagnostic] = []
    for name, role in flat.roles.items():
        if role.kind != "undo":
            continue
        for path, text in _texts(inherited(flat, name), ("tasks", str(role.undoes))):
            for reference, at in _references(text):
                if reference.path[0] == "secrets" and len(reference.path) > 1:
                    secrets.setdefault(name, set()).add(str(reference.path[1]))
                elif reference.path[0] == "lease":
                    found += _lease(flat, graph, name, path, reference, at)
    return found


def _texts(taken: dict[str, Any], task: Path) -> Iterator[tuple[Path, str]]:
    for variable, value in taken.get("env", {}).items():
        if isinstance(value, str) and "${{" in value:
            yield (*task, "env", variable), value
    if "${{" in taken.get("cwd", ""):
        yield (*task, "cwd"), taken["cwd"]


def _references(text: str) -> Iterator[tuple[Reference, int]]:
    """Give what a text names, each with its place in it; what cannot be parsed has been told of."""
    from unspool.expr.syntax import ExpressionSyntaxError
    from unspool.expr.template import parse_template

    try:
        parts = parse_template(text).parts
    except ExpressionSyntaxError:
        return
    for part in parts:
        if not isinstance(part, str):
            yield from ((reference, part.offset + reference.offset) for reference in part.references)


def _lease(flat: Flat, graph: Graph, name: str, path: Path, reference: Reference, at: int) -> Iterator[Diagnostic]:
    from unspool.compiler.leases import lease_problem
    from unspool.compiler.scope import Spot

    document, holes = flat.readable.document, flat.readable.holes
    undone, field = str(path[1]), str(path[2])
    if ("tasks", name, field) in holes:
        return  # it may have one of its own
    rest = reference.path[1:]
    wrong = lease_problem(document, holes, rest, Spot("start", ("tasks", name, field), graph.number[name]))
    known = lease_problem(document, holes, rest, Spot("start", path, graph.number[undone]))
    if wrong is None or known is not None:
        return
    lease = ".".join(map(str, reference.path))
    what = "`cwd`" if field == "cwd" else f"the variable {quote(str(path[3]))}"
    message = f"{what} names {quote(lease)}, and task {quote(name)}, which takes it over, does not have that lease"
    own = "cwd: FOLDER" if field == "cwd" else f"env: {{{path[3]}: TEXT}}"
    hint = f"give the `compensate` its own, `{own}`; it can read what the task gave, as in "
    hint += f"`${{{{ tasks.{undone.removeprefix(flat.role(undone).scope)}.outputs.NAME }}}}`"
    yield Diagnostic(wrong[0], message, path, offset=at, hint=hint)

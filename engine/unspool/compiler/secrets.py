"""What `secrets` may stand for, and where: by plain reference, in the places from which no value can be seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from unspool.compiler.contexts import CONTEXTS, Place
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.similar import closest

if TYPE_CHECKING:
    from unspool.compiler.readable import Readable
    from unspool.expr.template import Expression

CODES = {
    "UNS140": "a secret stands where it could be seen",
    "UNS141": "an expression computes with a secret",
    "UNS142": "an expression names a secret that the document does not declare",
    "UNS143": "a declared secret is not used",
}

ROOT = "secrets"
_IN_ENV = '`env: {NAME: "${{ secrets.NAME }}"}`'
_HINTS: dict[str, str] = {
    "run": "a command line can be read by every user of the machine; put the secret into the task's {env}, "
    "where the command finds it",
    "stdin": "put it into the task's {env}; the command finds it there",
    "with": "what is in `with` is recorded; put it into the task's {env}",
    "cwd": "a folder is recorded; put the secret into the task's {env}",
    "when": "a condition cannot look at a secret: make what it asks an input",
    "success_when": "a condition cannot look at a secret: make what it asks an input",
}
_PLACE_HINTS: dict[Place, str] = {
    "env": "put the variable into `env` of the tasks that need it: {env}",
    "outputs": "what a run gives is recorded: remove it",
}


def misplaced(name: str | None, place: Place, path: Path, *, is_script: bool) -> tuple[str, str, str] | None:
    """Say what is wrong with a secret in this place: code, message and hint; None where it may stand."""
    if ROOT in CONTEXTS[place]:
        return None
    shown = name or "NAME"
    if is_script:
        hint = "put it into the task's {env}, and write " + f'`"${shown}"` in the script'
    else:
        hint = _PLACE_HINTS.get(place) or _HINTS.get(str(path[2]) if len(path) > 2 else "", "use it in {env} of a task")
    hint = hint.replace("{env}", _IN_ENV.replace("NAME", shown))
    return "UNS140", "a secret can stand only in a task's `env` or in the `headers` of a request", hint


def unknown(name: str, declared: Collection[str]) -> tuple[str, str, str]:
    """Say that the document declares no such secret."""
    similar = {known.lower(): known for known in declared}.get(name.lower()) or closest(name, declared)
    hint = f"did you mean `secrets.{similar}`?" if similar else f"declare it at the top level: `secrets: [{name}]`"
    return "UNS142", f"the document declares no secret {quote(name)}", hint


def computed(expression: Expression, place: Place, path: Path) -> Diagnostic | None:
    """Refuse an expression that does anything with a secret but name it, where a secret may stand."""
    if ROOT not in CONTEXTS[place]:
        return None
    named = next((one for one in expression.references if one.path[0] == ROOT), None)
    if named is None or _is_plain(expression):
        return None
    shown = ".".join(map(str, named.path[:2])) if len(named.path) > 1 else "secrets.NAME"
    hint = f"write `${{{{ {shown} }}}}` by itself; text may stand around it, as in `Bearer ${{{{ {shown} }}}}`"
    at = expression.offset + named.offset
    return Diagnostic("UNS141", "nothing can be computed with a secret", path, offset=at, hint=hint)


def _is_plain(expression: Expression) -> bool:
    from unspool.expr.tree import Member, Name

    node = expression.node
    while isinstance(node, Member):
        node = node.target
    return isinstance(node, Name)


def check_unused(readable: Readable, used: Iterable[Collection[str]]) -> list[Diagnostic]:
    """Warn of secrets that no task is given: none inherits them either.

    Args:
        readable: a document in which nothing is wrong.
        used: of each task that uses any, their names.
    """
    known = {name for names in used for name in names}
    return [
        Diagnostic(
            "UNS143",
            f"no task is given the secret {quote(name)}, and none inherits the variable",
            (ROOT, number),
            hint=f"hand it over: {_IN_ENV.replace('NAME', name)}; or remove it",
            severity="warning",
        )
        for number, name in enumerate(readable.document.get(ROOT, ()))
        if name not in known
    ]

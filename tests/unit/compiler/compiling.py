"""Short ways to compile a document in a test."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

from unspool.compiler.compile import compile_document

if TYPE_CHECKING:
    from unspool.model.diagnostics import Diagnostic
    from unspool.model.plan import Plan, Task

HEAD = "unspool: 1\nname: demo\n"

# Small documents declare more than they use; tests/unit/compiler/test_unused.py has these.
UNUSED = ("UNS176", "UNS186")


def document(body: str) -> str:
    """Put the two keys that every document has before a body."""
    return HEAD + dedent(body).lstrip("\n")


def plan_of(body: str) -> Plan:
    """Compile a body in which nothing is wrong."""
    plan, diagnostics = compile_document(document(body))
    assert [one for one in diagnostics if one.code not in UNUSED] == []
    assert plan is not None
    return plan


def task_of(body: str, name: str = "t") -> Task:
    """Compile and give one task."""
    return next(task for task in plan_of(body).tasks if task.id == name)


def diagnose(body: str) -> tuple[Diagnostic, ...]:
    """Compile a body and give what is wrong with it; there is no plan then."""
    plan, diagnostics = compile_document(document(body))
    assert (plan is None) == any(one.is_error for one in diagnostics)
    return tuple(one for one in diagnostics if one.code not in UNUSED)


def codes(body: str) -> list[str]:
    """Give the codes of all findings, in the order of the text."""
    return [one.code for one in diagnose(body)]


def only(body: str) -> Diagnostic:
    """Give the one finding."""
    found = diagnose(body)
    assert len(found) == 1, found
    return found[0]


def marked(body: str, diagnostic: Diagnostic, length: int) -> str:
    """Give the characters of the text at a finding's position."""
    assert diagnostic.position is not None
    line = document(body).splitlines()[diagnostic.position.line - 1]
    return line[diagnostic.position.column - 1 :][:length]


def argv_tasks(edges: dict[str, Any]) -> dict[str, Any]:
    """Make a document of tasks that do nothing, with these values of `depends_on`."""
    tasks = {name: {"run": ["true"], **({"depends_on": needs} if needs else {})} for name, needs in edges.items()}
    return {"unspool": 1, "name": "demo", "limits": {"max_tasks": max(1, len(tasks))}, "tasks": tasks}

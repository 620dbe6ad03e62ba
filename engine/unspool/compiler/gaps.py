"""Finds where the list that a fan-out gives is used as if each entry were there.

An instance that was skipped, or failed without harm, has null in the lists of its task unless the output declares a
default. Some filters fail at null, and so does a command that takes each entry as an argument.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unspool.compiler.flatten import asks_each
from unspool.compiler.graph import COPIED, Graph, gates_of, stands_in
from unspool.compiler.wording import quote
from unspool.expr import tree
from unspool.model.diagnostics import Diagnostic, Path

CODES = {
    "UNS190": "a list of a fan-out may hold null where each entry is needed",
}

# The filters that fail at null, and how many arguments they take before the one that asks for a member of each entry.
_GREEDY = {"sum": 0, "min": 0, "max": 0, "sort": 1, "join": 1}


def consumers(node: tree.Node, *, is_argument: bool) -> dict[int, str]:
    """Give what takes a value just as it is named: by where the name begins, the filter or `the command`.

    Args:
        node: an expression.
        is_argument: it is a whole item of a command, so that a list becomes several arguments.
    """
    found = {}
    for part in _within(node):
        if isinstance(part, tree.Filter) and _takes_entries(part):
            at = _beginning(part.target)
            if at is not None:
                found[at] = quote(part.name)
    at = _beginning(node) if is_argument else None
    return found if at is None else {**found, at: "the command"}


def _takes_entries(part: tree.Filter) -> bool:
    asks_member = any(name == "attribute" for name, _ in part.named)
    return not asks_member and len(part.arguments) <= _GREEDY.get(part.name, -1)


def skips_instances(graph: Graph, tasks: list[dict[str, Any]], node: int, may_skip: list[bool]) -> bool:
    """Whether single instances of a fan-out, or what stands in for them, may be skipped.

    Args:
        graph: the graph.
        tasks: its tasks.
        node: the task that fans out.
        may_skip: of each node, whether it may be skipped, by `graph.skippable`.
    """
    if asks_each(tasks[node]):
        return True
    stand_in = stands_in(graph, tasks[node])
    if stand_in is not None and may_skip[stand_in]:
        return True
    copy = graph.number.get(f"{graph.names[node]}{COPIED}")
    return copy is not None and _skips_copies(graph, tasks, copy, may_skip, has_when="when" in tasks[node])


def _skips_copies(
    graph: Graph, tasks: list[dict[str, Any]], copy: int, may_skip: list[bool], *, has_when: bool
) -> bool:
    """Whether a group that instances are copies of may be skipped: by its own `when`, or with all its tasks."""
    gate = gates_of(graph)[copy]
    if "when" in tasks[gate] and not has_when:
        return True
    return all(may_skip[need] for need, _ in graph.needs[copy] if need != gate)


def gap_found(value: str, name: str, ends: list[str], consumer: str, path: Path, offset: int) -> Diagnostic:
    """Warn of one use.

    Args:
        value: what is read, as it is written.
        name: the task that fans out.
        ends: how an instance of it may have ended without a value.
        consumer: who takes every entry.
        path: where.
        offset: the place of it.
    """
    instance = f"an instance of {quote(name)} that {' or '.join(ends)}"
    message = f"{quote(value)} holds null for {instance}, and {consumer} fails at null"
    hint = "leave null out with `| reject('none')`, or give the output a `default`"
    return Diagnostic("UNS190", message, path, offset=offset, hint=hint, severity="warning")


def _beginning(node: tree.Node) -> int | None:
    """Give where the name begins that a chain of members hangs on, None where it is no such chain."""
    while isinstance(node, tree.Member):
        node = node.target
    return node.offset if isinstance(node, tree.Name) else None


def _within(node: tree.Node) -> Iterator[tree.Node]:
    left: list[object] = [node]
    while left:
        part = left.pop()
        if isinstance(part, tree.Node):
            yield part
            left.extend(vars(part).values())
        elif isinstance(part, tuple):
            left.extend(part)

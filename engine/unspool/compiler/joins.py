"""Dependencies of which it can be proved that they are never met together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unspool.compiler.graph import Graph, needed_path
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic

CODES = {
    "UNS177": "dependencies of a task can never be met together",
}

# How a task may end, as those see it that wait for it; a failure is tolerated or not.
_MEETS = {
    "ok": frozenset(("completed", "skipped", "tolerated")),
    "completed": frozenset(("completed",)),
    "skipped": frozenset(("skipped",)),
    "failed": frozenset(("failed", "tolerated")),
    "any": frozenset(("completed", "skipped", "tolerated", "failed", "cancelled")),
}


def check_joins(graph: Graph, tasks: list[dict[str, Any]]) -> list[Diagnostic]:
    """Warn of tasks that can never start, since one dependency rules out another.

    Only what is sure is said: of two dependencies, one of which directly waits for the other, both without another
    `join` than `all`.

    Cost: O(dependencies), and a look at what the dependencies of a task wait for where one of the two asks for
    `failed` or `skipped`.
    """
    is_odd = [any(state in ("failed", "skipped") for _, state in wanted) for wanted in graph.needs]
    found: list[Diagnostic] = []
    for node, wanted in enumerate(graph.needs):
        if tasks[node].get("join", "all") == "all":
            looked = [(later, state) for later, state in wanted if is_odd[node] or is_odd[later]]
            found += _clashes(graph, tasks, node, looked)
    return found


def _clashes(
    graph: Graph, tasks: list[dict[str, Any]], node: int, looked: list[tuple[int, str]]
) -> Iterator[Diagnostic]:
    wanted = dict(graph.needs[node]) if looked else {}
    for later, state in looked:
        if later in graph.uncertain or tasks[later].get("join", "all") != "all":
            continue
        for earlier, asked in graph.needs[later]:
            if earlier in wanted and _excludes(tasks[earlier], wanted[earlier], asked, state):
                yield _never(graph, tasks, node, (earlier, wanted[earlier]), (later, state), asked)
                return


def _excludes(task: dict[str, Any], given: str, asked: str, state: str) -> bool:
    """Whether a task cannot come to `state` that waits for `asked` of this one, where this one comes to `given`."""
    policy = task.get("on_failure")
    if isinstance(policy, dict) and "substitute" in policy:
        return False  # how what stands in for it ends is another matter
    ends = _MEETS[given] - {"failed" if policy == "skip" else "tolerated"}
    if not ends or ends & _MEETS[asked]:
        return False
    # What waits in vain is skipped, or cancelled where what it waited for failed.
    left = {"cancelled" if end in ("failed", "cancelled") else "skipped" for end in ends}
    return not left & _MEETS[state]


def _never(
    graph: Graph,
    tasks: list[dict[str, Any]],
    node: int,
    earlier: tuple[int, str],
    later: tuple[int, str],
    asked: str,
) -> Diagnostic:
    name, first, then = (graph.names[each] for each in (node, earlier[0], later[0]))
    path, on_key = needed_path(tasks[node], name, then)
    message = (
        f"task {quote(name)} never starts: {quote(then)} waits for {quote(first)} to end `{asked}`, "
        f"and {quote(name)} for it to end `{earlier[1]}`"
    )
    hint = f"write `join: any`, or wait for {quote(first)} or {quote(then)} alone"
    return Diagnostic("UNS177", message, path, on_key=on_key, hint=hint, severity="warning")

"""A queue that is too short for the tasks that become ready when the run begins."""

from __future__ import annotations

from typing import Any

from unspool.compiler.flatten import Flat
from unspool.compiler.graph import Graph
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic

CODES = {
    "UNS150": "more tasks become ready when the run begins than `limits.queue` lets wait",
}


def check_queue(document: dict[str, Any], graph: Graph, flat: Flat) -> list[Diagnostic]:
    """Refuse a document whose run would always find its own queue full.

    Args:
        document: one in which nothing else is wrong.
        graph: its graph.
        flat: what its tasks are.
    """
    queue = document["limits"]["queue"]
    tasks = list(document["tasks"].values())
    first = [
        node for node, needs in enumerate(graph.needs) if not needs and _is_ready(flat, graph.names[node], tasks[node])
    ]
    if len(first) <= queue:
        return []
    message = (
        f"{len(first)} tasks become ready when the run begins, such as {quote(graph.names[first[0]])}, "
        f"and `limits.queue` lets {queue:g} wait"
    )
    hint = f"raise it: `limits: {{queue: {len(first)}}}`"
    return [Diagnostic("UNS150", message, ("limits", "queue"), hint=hint)]


def _is_ready(flat: Flat, name: str, body: dict[str, Any]) -> bool:
    """Whether a task without dependencies surely asks for a place at once."""
    role = flat.role(name)
    is_plain = not role.template and not role.closing and role.kind == "task"
    return is_plain and body.get("when", True) is True and not body.keys() & {"for_each", "matrix", "wait", "approval"}

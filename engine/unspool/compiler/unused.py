"""Inputs and outputs that are declared and never asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from unspool.compiler.flatten import Flat
from unspool.compiler.graph import Graph
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

CODES = {
    "UNS176": "no expression uses an input",
    "UNS186": "no expression reads an output",
}


def check_unused_inputs(flat: Flat, asked: Mapping[int, Collection[str]]) -> list[Diagnostic]:
    """Warn of inputs that nothing uses, of a document with expressions in which nothing is wrong.

    Args:
        flat: the document.
        asked: of the inputs of the document and of each template, by their identity, the names that some expression
            has; `*` is all of them.
    """
    document = flat.source
    found = _of(document.get("inputs", {}), ("inputs",), asked)
    for name, body in document.get("templates", {}).items():
        if not _takes_a_place(document, name):
            found += _of(body.get("inputs", {}), ("templates", name, "inputs"), asked)
    return found


def _takes_a_place(document: dict[str, Any], name: str) -> bool:
    """Whether a template has to declare what one in a library does."""
    if "import" not in document:
        return False
    from unspool.compiler.imports import takes_a_place

    return takes_a_place(document, name)


def check_unused_outputs(flat: Flat, graph: Graph, read: Mapping[int, Collection[str]]) -> list[Diagnostic]:
    """Warn of outputs that nothing reads, of tasks that others come after.

    The outputs of a task that nothing comes after are what the report is read for, and those of a template are what
    the tasks that it stands in for declare; of what is inside a group or another document its author may decide.
    """
    followed = {need for needs in graph.needs for need, _ in needs}
    found = []
    for node, (name, body) in enumerate(flat.readable.document["tasks"].items()):
        used = read.get(node, ())
        if node not in followed or name in flat.roles or "*" in used:
            continue
        for output in body.get("outputs", {}):
            if output not in used:
                message = f"no expression reads the output {quote(output)} of task {quote(name)}"
                hint = f"write `${{{{ tasks.{name}.outputs.{output} }}}}` where its value is meant, or remove it"
                path: Path = ("tasks", name, "outputs", output)
                found.append(Diagnostic("UNS186", message, path, on_key=True, hint=hint, severity="warning"))
    return found


def _of(inputs: dict[str, Any], path: Path, asked: Mapping[int, Collection[str]]) -> list[Diagnostic]:
    used = asked.get(id(inputs), ())
    if "*" in used:
        return []
    return [
        Diagnostic(
            "UNS176",
            f"no expression uses the input {quote(name)}",
            (*path, name),
            on_key=True,
            hint=f"write `${{{{ inputs.{name} }}}}` where its value is meant, or remove it",
            severity="warning",
        )
        for name in inputs
        if name not in used
    ]

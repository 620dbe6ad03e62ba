"""Inputs that are declared and never asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from unspool.compiler.flatten import Flat
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

CODES = {
    "UNS176": "no expression uses an input",
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
        found += _of(body.get("inputs", {}), ("templates", name, "inputs"), asked)
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

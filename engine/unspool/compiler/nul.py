"""Texts that no process can be given: arguments, scripts, variables and folders end at a NUL character."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unspool.compiler.wording import place
from unspool.model.diagnostics import Diagnostic, Path

_FIELDS = ("run", "env", "cwd")


def check_nul(document: dict[str, Any]) -> list[Diagnostic]:
    """Say where a document asks for the impossible.

    Args:
        document: of a good shape.
    """
    found = list(_nuls(document.get("env"), ("env",)))
    for name, task in document["tasks"].items():
        for field in _FIELDS:
            found += _nuls(task.get(field), ("tasks", name, field))
    return found


def _nuls(value: Any, path: Path) -> Iterator[Diagnostic]:
    if isinstance(value, str) and "\0" in value:
        message = f"{place(path)} holds a NUL character, which no process can be given"
        yield Diagnostic("UNS037", message, path, offset=value.index("\0"), hint="remove it")
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _nuls(item, (*path, key))

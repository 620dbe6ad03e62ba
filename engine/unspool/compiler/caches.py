"""The patterns of `cache`: each must stay in the task's folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from unspool.compiler.wording import place, quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.globs import flaw_of

CODES = {
    "UNS151": "a pattern of `cache` leads out of the task's folder",
    "UNS152": "files of a task that is given secrets would be kept",
}


def check_caches(document: dict[str, Any]) -> list[Diagnostic]:
    """Look into the patterns of every task's `cache`.

    Args:
        document: its well-formed parts.
    """
    return [
        found
        for name, task in document["tasks"].items()
        if "cache" in task
        for found in _flaws(task["cache"], ("tasks", name, "cache"))
    ]


def check_kept_secrets(document: dict[str, Any], secrets: Mapping[str, Collection[str]]) -> list[Diagnostic]:
    """Refuse to keep files that a task with secrets has made: nobody can tell what is in them.

    Args:
        document: one in which nothing else is wrong.
        secrets: of each task that is given any, their names.
    """
    hint = "keep only its outputs, or make the files in a task without secrets"
    message = "the files of a task that is given secrets cannot be kept: they may hold one"
    return [
        Diagnostic("UNS152", message, ("tasks", name, "cache", "files"), on_key=True, hint=hint)
        for name in secrets
        if document["tasks"][name].get("cache", {}).get("files")
    ]


def _flaws(cache: dict[str, Any], path: Path) -> Iterator[Diagnostic]:
    for key in ("inputs", "files"):
        for number, pattern in enumerate(cache.get(key, ())):
            flaw = flaw_of(pattern)
            if flaw is not None:
                at: Path = (*path, key, number)
                message = f"{place(at)}, {quote(pattern)}, {flaw}"
                yield Diagnostic("UNS151", message, at, hint=_hint(pattern))


def _hint(pattern: str) -> str:
    inside = "/".join(part for part in pattern.split("/") if part not in ("", ".."))
    counted = "patterns count from the task's folder (`cwd`) and stay in it"
    return f"{counted}: write `{inside}`" if inside else counted

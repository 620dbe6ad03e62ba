"""Check what tasks use of what they share: declared at all, ever enough of it, and used by anybody.

An attempt acquires all it uses at once or nothing, and holds it no longer than it runs, so attempts
can never wait for each other in a circle. What can be proved to wait for ever is one that asks for
more than there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unspool.compiler.graph import MOST_SUGGESTIONS, similar_name
from unspool.compiler.readable import Readable
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.durations import parse_rate

CODES = {
    "UNS192": "a task uses a resource that the document does not declare",
    "UNS193": "a task uses more of a resource than it can ever have",
    "UNS194": "no task uses a resource",
    "UNS123": "a task asks for a number of a resource that nothing counts",
}

_MOST_LISTED = 6


def uses_of(value: Any) -> dict[str, int]:
    """Give how many of each resource a `uses` asks for."""
    return {name: int(count) for name, count in value.items()} if isinstance(value, dict) else dict.fromkeys(value, 1)


def task_uses(document: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, int]:
    """Give what a task uses: its own `uses`, or that of `defaults`."""
    return uses_of(task["uses"] if "uses" in task else document.get("defaults", {}).get("uses", ()))


def check_resources(readable: Readable) -> list[Diagnostic]:
    """Say what is wrong with the `uses` of a document, and which of its resources are of no use."""
    return _Checker(readable).check()


class _Checker:
    """Goes through every `uses` of one document."""

    def __init__(self, readable: Readable) -> None:
        self._document = readable.document
        self._holes = readable.holes
        self._resources: dict[str, dict[str, Any]] = self._document.get("resources", {})
        self._used: set[str] = set()
        self._suggested = 0
        self._found: list[Diagnostic] = []

    def check(self) -> list[Diagnostic]:
        default = self._document.get("defaults", {}).get("uses")
        if default is not None:
            self._uses(default, ("defaults", "uses"), "`defaults`")
        for name, task in self._document["tasks"].items():
            if "uses" in task:
                self._uses(task["uses"], ("tasks", name, "uses"), f"task {quote(name)}")
        if self._resources and not any(hole[-1] in ("uses", "resources", "defaults") for hole in self._holes):
            self._found += [_unused(name) for name in self._resources if name not in self._used]
        return self._found

    def _uses(self, uses: Any, path: Path, who: str) -> None:
        is_map = isinstance(uses, dict)
        for number, (name, count) in enumerate(uses_of(uses).items()):
            self._used.add(name)
            at: Path = (*path, name if is_map else number)
            if name in self._resources:
                self._found += _amount(name, self._resources[name], count, at, who)
            elif ("resources",) not in self._holes:
                self._found.append(self._unknown(name, at, who, on_key=is_map))

    def _unknown(self, name: str, path: Path, who: str, *, on_key: bool) -> Diagnostic:
        self._suggested += 1
        message = f"{who} uses {quote(name)}, which the document does not declare"
        known = list(self._resources)
        similar = similar_name(name, known) if self._suggested <= MOST_SUGGESTIONS else None
        hint = f"declare it, such as `resources: {{{name}: {{slots: 1}}}}`"
        if similar is not None:
            hint = f"did you mean {quote(similar)}?"
        elif 0 < len(known) <= _MOST_LISTED:
            hint = f"{hint}; declared are " + ", ".join(map(quote, known))
        return Diagnostic("UNS192", message, path, on_key=on_key, hint=hint)


def _amount(name: str, resource: dict[str, Any], count: int, path: Path, who: str) -> list[Diagnostic]:
    """Say whether a resource can ever give so many at once."""
    bounds = []
    if "slots" in resource:
        bounds.append((int(resource["slots"]), "`slots`", "raise its `slots`"))
    if "items" in resource:
        bounds.append((len(resource["items"]), "`items`", "list more `items` there"))
    if "rate" in resource:
        bounds.append((parse_rate(resource["rate"])[0], f"`rate: {resource['rate']}`", "raise its `rate`"))
    if not bounds and count > 1:
        message = f"{who} uses {count} of {quote(name)}, of which nothing is counted"
        hint = f"write `uses: [{name}]`, or give {quote(name)} `slots`, `items` or a `rate`"
        return [Diagnostic("UNS123", message, path, hint=hint, severity="warning")]
    most, key, remedy = min(bounds, default=(count, "", ""))
    if count <= most:
        return []
    message = f"{who} uses {count} of {quote(name)} at once, which never has more than {most} (its {key})"
    return [Diagnostic("UNS193", message, path, hint=f"ask for at most {most}, or {remedy}")]


def _unused(name: str) -> Diagnostic:
    message = f"no task uses {quote(name)}"
    hint = f"write `uses: [{name}]` in the tasks that share it, or remove it"
    return Diagnostic("UNS194", message, ("resources", name), on_key=True, hint=hint, severity="warning")

"""What a check found in a document: code, message, place and the way out."""

from __future__ import annotations

from typing import Literal, NamedTuple

Path = tuple[str | int, ...]
Severity = Literal["error", "warning"]


class Position(NamedTuple):
    """A place in the text of a document; both numbers count from 1, columns in characters."""

    line: int
    column: int


class Diagnostic(NamedTuple):
    """One finding.

    Attributes:
        code: stable and documented, `UNSnnn`.
        message: what is wrong, in one sentence without a final full stop.
        path: the keys and indexes that lead to the value meant, from the root.
        on_key: the key is meant rather than its value.
        offset: characters into the scalar's value, for a place inside an expression.
        position: set by whoever knows it; else found from `path` afterwards.
        hint: what to do, in one sentence.
        severity: an error stops the compilation, a warning does not.
    """

    code: str
    message: str
    path: Path = ()
    on_key: bool = False
    offset: int | None = None
    position: Position | None = None
    hint: str | None = None
    severity: Severity = "error"

    @property
    def is_error(self) -> bool:
        """Whether this finding stops the compilation."""
        return self.severity == "error"

"""What a task kind is given, what it gives back, and what it needs from its host."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from unspool.model.plan import Task

if TYPE_CHECKING:
    from unspool.tasks.masking import Mask

StopMode = Literal["polite", "forced"]


class AttemptSpec(NamedTuple):
    """Everything a task kind needs to carry out an attempt.

    `action` has no expressions left. `env` is what the document and the task ask for beyond the
    host's own environment. `key` is stable over attempts and resumes: `run/task`. In a run with secrets
    all that the attempt writes goes through `mask`, the variables of its names are not inherited, and
    files that may hold a secret in clear go into the folder `private`.
    """

    run: str
    attempt: int
    number: int
    key: str
    task: Task
    action: dict[str, Any]
    env: dict[str, str]
    cwd: str
    mask: Mask | None = None
    private: str | None = None


class Ended(NamedTuple):
    """How an attempt ended: the fields of AttemptEnded that a task kind knows.

    `started_at` is null where it never began; `error` is `{"class": ..., "message": ...}` or null.
    """

    at: float
    started_at: float | None = None
    error: dict[str, str] | None = None
    result: dict[str, Any] | None = None
    usage: dict[str, float] | None = None


class Sink(Protocol):
    """Where a task kind reports: the host."""

    def ended(self, run: str, attempt: int, end: Ended) -> None:
        """Take the end of an attempt, of which nothing runs any more."""


class Watcher(Protocol):
    """Calls back when a descriptor can be read."""

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call `ready` whenever `descriptor` can be read."""

    def forget(self, descriptor: int) -> None:
        """Watch a descriptor no more."""


def error(kind: str, message: str) -> dict[str, str]:
    """Build the error of an attempt."""
    return {"class": kind, "message": message}

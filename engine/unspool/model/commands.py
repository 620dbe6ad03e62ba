"""Orders: what a host must do next. Each follows from one event, and a replay gives the same ones.

`text` is the short form that the journal keeps beside the event that caused the command: kind,
task, attempt. A replay compares it.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

StopMode = Literal["polite", "forced"]


class RequestAdmission(NamedTuple):
    """Ask admission for a place for the task; the answer is a TaskAdmitted with this attempt number."""

    task: int
    attempt: int
    priority: int

    @property
    def text(self) -> str:
        """The command as the journal keeps it."""
        return f"ask:{self.task}:{self.attempt}"


class WithdrawRequest(NamedTuple):
    """The task no longer wants what it asked admission for."""

    task: int
    attempt: int

    @property
    def text(self) -> str:
        """The command as the journal keeps it."""
        return f"withdraw:{self.task}:{self.attempt}"


class ReleaseAdmission(NamedTuple):
    """What the attempt held is free again.

    `outcome` tells circuit breakers how it ended: `ok`, its error class, or None where that says nothing.
    """

    attempt: int
    outcome: str | None = None

    @property
    def text(self) -> str:
        """The command as the journal keeps it."""
        return f"release:{self.attempt}"


class StartAttempt(NamedTuple):
    """Begin an attempt for `tasks` (one, unless they are batched).

    `spec` is the task's action with every expression evaluated, plus `env` and `cwd`; null stands
    for the plan's own, where nothing in it is dynamic.
    """

    attempt: int
    tasks: tuple[int, ...]
    token: int
    number: int = 1
    spec: dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """The command as the journal keeps it."""
        return f"start:{self.tasks[0]}:{self.attempt}"


class StopAttempt(NamedTuple):
    """End an attempt and everything it started: politely first, then by force."""

    attempt: int
    mode: StopMode

    @property
    def text(self) -> str:
        """The command as the journal keeps it."""
        return f"stop:{self.attempt}:{self.mode}"


class SetTimer(NamedTuple):
    """Send TimerFired for `timer` at the wall-clock moment `due`."""

    timer: str
    due: float

    @property
    def text(self) -> str:
        """The command as the journal keeps it; the moment too, since it holds a drawn delay."""
        return f"timer:{self.timer}:{self.due!r}"


class CancelTimer(NamedTuple):
    """The timer is not wanted any more."""

    timer: str

    @property
    def text(self) -> str:
        """The command as the journal keeps it."""
        return f"untimer:{self.timer}"


class KeepResult(NamedTuple):
    """The attempt completed its task, which lets its result be reused: keep what was collected."""

    attempt: int
    task: int

    @property
    def text(self) -> str:
        """The command as the journal keeps it."""
        return f"keep:{self.attempt}"


class FinishRun(NamedTuple):
    """Every task is final: write the verdict down and let go of the run."""

    state: str
    reason: str | None

    @property
    def text(self) -> str:
        """The command as the journal keeps it."""
        return f"finish:{self.state}"


Command = (
    RequestAdmission
    | WithdrawRequest
    | ReleaseAdmission
    | StartAttempt
    | StopAttempt
    | SetTimer
    | CancelTimer
    | KeepResult
    | FinishRun
)

"""What a run remembers: of each task, of each attempt, of itself. Changed by `Run.apply` alone."""

from __future__ import annotations

from typing import Any

from unspool.model.status import CREATED


class TaskRun:
    """One task of a run.

    `waiting` counts the dependencies of which something is not final, they themselves or what stands
    above them; `unmet` those that ended in another state than was asked for. `attempts` counts begun
    ones without restarts after a crash, which `recoveries` counts. `attempt` is the id of the live one,
    0 if there is none. `queued_s`, `running_s` and `cpu_s` add up all attempts; `memory_peak_mb` is the
    highest of them. The last two are null where nobody counted.
    """

    __slots__ = (
        "attempt",
        "attempts",
        "completed_at",
        "cpu_s",
        "error",
        "index",
        "memory_peak_mb",
        "outputs",
        "queued_at",
        "queued_s",
        "reason",
        "recoveries",
        "result",
        "running_s",
        "started_at",
        "state",
        "unmet",
        "waiting",
    )

    def __init__(self, index: int, waiting: int) -> None:
        self.index = index
        self.state: str = CREATED
        self.reason: str | None = None
        self.waiting = waiting
        self.unmet = 0
        self.attempt = 0
        self.attempts = 0
        self.recoveries = 0
        self.queued_at: float | None = None
        self.started_at: float | None = None
        self.completed_at: float | None = None
        self.queued_s = 0.0
        self.running_s = 0.0
        self.cpu_s: float | None = None
        self.memory_peak_mb: float | None = None
        self.outputs: dict[str, Any] | None = None
        self.result: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None

    def use(self, usage: dict[str, float]) -> None:
        """Add what the system counted of an attempt."""
        if "cpu_s" in usage:
            self.cpu_s = round((self.cpu_s or 0.0) + usage["cpu_s"], 6)
        if "memory_peak_mb" in usage:
            self.memory_peak_mb = max(self.memory_peak_mb or 0.0, usage["memory_peak_mb"])


class Attempt:
    """One attempt that is asked for, admitted, or under way.

    `number` is what people and `UNSPOOL_ATTEMPT` see. `stop` is why it is being ended: `timeout`, or
    the reason of a cancel. `leases` are the items it was given, by resource.
    """

    __slots__ = ("admitted", "asked_at", "forced", "leases", "number", "started_at", "stop", "task", "token")

    def __init__(self, task: int, number: int, asked_at: float) -> None:
        self.task = task
        self.asked_at = asked_at
        self.number = number
        self.admitted = False
        self.token = 0
        self.started_at: float | None = None
        self.stop: str | None = None
        self.forced = False
        self.leases: dict[str, Any] | None = None

"""What a run remembers: of each task, of each attempt, of itself. Changed by `Run.apply` alone."""

from __future__ import annotations

from typing import Any

from unspool.model.status import CREATED


class TaskRun:
    """One task of a run.

    `waiting` counts the dependencies of which something is not final, they themselves or what stands
    above them; `met` those that ended as was asked for, `unmet` those that did not, and `hurt` says that
    one of these failed or was cancelled. `attempts` counts begun
    ones without restarts after a crash, which `recoveries` counts. `attempt` is the id of the live one,
    0 if there is none. `first_at` is when the first of several attempts began, or could not begin; it is
    known once one failed. `fresh` says that a result of the cache did not do. `queued_s`, `running_s` and
    `cpu_s` add up all attempts; `memory_peak_mb` is the highest of them. The last two are null where nobody
    counted. `local` holds what only its own expressions see, such as `item`; `family` whom it was made for or
    what was made for it.
    """

    __slots__ = (
        "attempt",
        "attempts",
        "completed_at",
        "cost_usd",
        "cpu_s",
        "depth",
        "error",
        "family",
        "first_at",
        "fresh",
        "hurt",
        "index",
        "interpretation",
        "local",
        "memory_peak_mb",
        "met",
        "outputs",
        "prompt",
        "queued_at",
        "queued_s",
        "reason",
        "recoveries",
        "result",
        "running_s",
        "started_at",
        "state",
        "tokens",
        "unmet",
        "waiting",
    )

    def __init__(self, index: int, waiting: int) -> None:
        self.index = index
        self.state: str = CREATED
        self.reason: str | None = None
        self.waiting = waiting
        self.met = 0
        self.unmet = 0
        self.hurt = False
        self.attempt = 0
        self.attempts = 0
        self.recoveries = 0
        self.fresh = False
        self.queued_at: float | None = None
        self.started_at: float | None = None
        self.completed_at: float | None = None
        self.first_at: float | None = None
        self.queued_s = 0.0
        self.running_s = 0.0
        self.cpu_s: float | None = None
        self.memory_peak_mb: float | None = None
        self.outputs: dict[str, Any] | None = None
        self.result: dict[str, Any] | None = None
        self.error: dict[str, Any] | None = None
        self.local: dict[str, Any] | None = None
        self.family: Family | None = None
        self.cost_usd: float | None = None  # of all attempts, as far as their results tell
        self.tokens: int | None = None
        self.interpretation: dict[str, Any] | None = None  # what its interpreter made of its result
        self.prompt: str | None = None  # what a person is asked
        self.depth = 0  # how many rules lead to it from a task of the document

    def elapsed(self, at: float) -> float:
        """Give the seconds from the start of its first attempt, which has failed by now, to the moment `at`."""
        if self.first_at is None:
            self.first_at = at if self.started_at is None else self.started_at
        return at - self.first_at

    def spend(self, cost_usd: float | None, tokens: int | None) -> None:
        """Add what an attempt cost, as far as that is known."""
        if cost_usd is not None:
            self.cost_usd = round((self.cost_usd or 0.0) + cost_usd, 9)
        if tokens is not None:
            self.tokens = (self.tokens or 0) + tokens

    def use(self, usage: dict[str, float]) -> None:
        """Add what the system counted of an attempt."""
        if "cpu_s" in usage:
            self.cpu_s = round((self.cpu_s or 0.0) + usage["cpu_s"], 6)
        if "memory_peak_mb" in usage:
            self.memory_peak_mb = max(self.memory_peak_mb or 0.0, usage["memory_peak_mb"])


class Family:
    """How a task belongs to others that the run has made.

    Attributes:
        parent: the task that this one is an instance of, -1 for none.
        instances: of a parent, its instances in their order.
        begun: how many of them, from the first on, have had their turn to begin.
        active: how many of those that began are not final.
        open: how many of them are not final.
        is_begun: of an instance: it had its turn and began.
        stand_in: the instance whose state and outputs this failed task shows, -1 for none.
        stands_for: the failed task that this one stands in for, -1 for none.
        line: of an instance that waits for company, the line it waits in, -1 for none.
        batch: of a batch, the instances that it runs, each with the number of its attempt.
        before: how many attempts had failed before the last rollback.
        undoes: the task that this one undoes, -1 for none.
        rollbacks: how often the task was undone to be tried again.
        is_undone: what the task did was undone.
        was_tried: a rollback has tried to undo it, once and for all.
        emitter: of an instance of a template, the task whose rule asked for it, -1 for none.
        outer: of the first node of a copy, the task that the copy is an instance of or stands in for, -1 for none.
    """

    __slots__ = (
        "active",
        "batch",
        "before",
        "begun",
        "emitter",
        "instances",
        "is_begun",
        "is_undone",
        "line",
        "open",
        "outer",
        "parent",
        "rollbacks",
        "stand_in",
        "stands_for",
        "undoes",
        "was_tried",
    )

    def __init__(self, parent: int = -1, undoes: int = -1, outer: int = -1) -> None:
        self.parent = parent
        self.undoes = undoes
        self.outer = outer
        self.instances: list[int] = []
        self.begun = 0
        self.active = 0
        self.open = 0
        self.is_begun = False
        self.emitter = -1
        self.stand_in = -1
        self.stands_for = -1
        self.before = 0
        self.line = -1
        self.batch: list[tuple[int, int]] = []
        self.rollbacks = 0
        self.is_undone = False
        self.was_tried = False

    @property
    def above(self) -> int:
        """The task outside of its own copy whose dependencies it rests on, -1 for none."""
        return self.stands_for if self.stands_for >= 0 else max(self.parent, self.outer)


class Attempt:
    """One attempt that is asked for, admitted, or under way.

    `number` is what people and `UNSPOOL_ATTEMPT` see. `stop` is why it is being ended: `timeout`,
    `idle_timeout`, or the reason of a cancel. `leases` are the items it was given, by resource.
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

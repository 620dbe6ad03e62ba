"""Facts: what happened, in the past tense. The journal stores nothing else about a run.

An event is a tuple with names, so that it is immutable, cheap to make and encodes as a JSON list.
Fields are only ever added at the end, with a default: an old row then still reads.
`at` is wall-clock time in seconds since the epoch, `task` a task's index in the plan.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class RunStarted(NamedTuple):
    """The run exists. Everything that later decisions rest on stands here.

    `plan` is `plan_to_json` of the compiled plan, `inputs` the checked input values, `seed` the
    run's only source of chance, `versions` those of engine, language and expressions, `folder` the
    absolute folder of the document, `source` the document's text hash, or null.
    """

    at: float
    run: str
    plan: dict[str, Any]
    inputs: dict[str, Any]
    seed: int
    versions: dict[str, Any]
    folder: str = ""
    source: str | None = None
    document: str | None = None


class TaskAdmitted(NamedTuple):
    """Admission granted what the task asked for; its attempt may start.

    `attempt` is the number that the run asked with, `token` fences it: facts about the attempt that
    carry another token are of an owner that has lost the run.
    """

    at: float
    task: int
    attempt: int
    token: int
    leases: dict[str, Any] | None = None


class AttemptStarted(NamedTuple):
    """The attempt runs. `record` is what its kind needs to find it again after a crash."""

    at: float
    attempt: int
    token: int
    record: dict[str, Any] | None = None


class AttemptEnded(NamedTuple):
    """The attempt is over, and nothing of it runs any more.

    `started_at` is null where it never began. `error` is `{"class": ..., "message": ...}` or null.
    `result` holds what the host collected: `exit_code`, and `stdout`, `stderr`, `json`, `output` as
    `Inline` or `Ref` where the plan asked for them. `usage` is what the system counted, where it did:
    `cpu_s` in seconds, `memory_peak_mb`. `cached` says that nothing ran: the result is that of an earlier
    attempt, which took the seconds `duration` that are in it.
    """

    at: float
    attempt: int
    token: int
    started_at: float | None = None
    error: dict[str, str] | None = None
    result: dict[str, Any] | None = None
    usage: dict[str, float] | None = None
    cached: bool = False


class AttemptLost(NamedTuple):
    """The owner died while the attempt was under way; whatever was left of it has been ended."""

    at: float
    attempt: int
    token: int


class TimerFired(NamedTuple):
    """The moment of a timer that the run had set has come."""

    at: float
    timer: str


class CancelRequested(NamedTuple):
    """Somebody wants the run, or one task of it, to stop. `by` is `person` or `interrupt`."""

    at: float
    request: str
    task: int | None = None
    by: str = "person"


class PersonDecided(NamedTuple):
    """Somebody approved what a task waits for, or said no. `by` names the person, `note` says why."""

    at: float
    request: str
    task: int
    approved: bool
    by: str | None = None
    note: str | None = None


class TaskSubmitted(NamedTuple):
    """Somebody asked for an instance of a template, node `template`, with values for its inputs; null is any `key`."""

    at: float
    request: str
    template: int
    key: str | None
    given: dict[str, Any]
    by: str | None = None


class RunClosed(NamedTuple):
    """Somebody says that an open run gets no more tasks."""

    at: float
    request: str
    by: str | None = None


class OwnerChanged(NamedTuple):
    """Another process took the run over, as owner number `epoch`."""

    at: float
    epoch: int


Event = (
    RunStarted
    | TaskAdmitted
    | AttemptStarted
    | AttemptEnded
    | AttemptLost
    | TimerFired
    | CancelRequested
    | PersonDecided
    | TaskSubmitted
    | RunClosed
    | OwnerChanged
)

EVENTS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        RunStarted,
        TaskAdmitted,
        AttemptStarted,
        AttemptEnded,
        AttemptLost,
        TimerFired,
        CancelRequested,
        PersonDecided,
        TaskSubmitted,
        RunClosed,
        OwnerChanged,
    )
}


def event_to_dict(event: Event) -> dict[str, Any]:
    """Give an event with its kind and field names, for people and for JSON streams."""
    return {"event": type(event).__name__, **event._asdict()}

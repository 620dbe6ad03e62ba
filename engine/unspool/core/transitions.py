"""All legal moves of a task, in one table; the state diagram in the docs is made from it."""

from __future__ import annotations

from typing import Final

from unspool.model.status import CANCELLED, COMPLETED, CREATED, FAILED, QUEUED, READY, RUNNING, SKIPPED

# (from, to): what makes a task move so.
TRANSITIONS: Final[dict[tuple[str, str], str]] = {
    (CREATED, READY): "its dependencies are met and `when` is true",
    (CREATED, SKIPPED): "`when` is false, or a dependency ended in a state that was not asked for",
    (CREATED, CANCELLED): "a dependency failed or was cancelled, or the run or the task was cancelled",
    (CREATED, FAILED): "`when` or its list cannot be evaluated, a part of it failed, or too many attempts wait already",
    (CREATED, RUNNING): "its instances begin",
    (CREATED, COMPLETED): "it has nothing to do but to wait, and all it waits for is there",
    (CREATED, QUEUED): "it waits for a moment or a person",
    (READY, RUNNING): "its attempt began",
    (READY, COMPLETED): "an earlier result is reused",
    (READY, READY): "its attempt ended before it began and is asked for again",
    (READY, QUEUED): "its attempt failed before it began and another may follow after a delay",
    (READY, CANCELLED): "the run or the task was cancelled",
    (READY, FAILED): "its action cannot be evaluated or started, or the engine died under it once too often",
    (RUNNING, COMPLETED): "its attempt succeeded",
    (RUNNING, FAILED): "its last attempt failed, or the engine died under it once too often",
    (RUNNING, QUEUED): "its attempt failed and another follows after a delay or a rollback",
    (RUNNING, READY): "its attempt failed and another follows at once, or its engine died",
    (RUNNING, CANCELLED): "the run or the task was cancelled",
    (QUEUED, READY): "the delay is over",
    (QUEUED, CANCELLED): "the run or the task was cancelled",
    (QUEUED, COMPLETED): "the moment has come, the person said yes, or the batch that it was in succeeded",
    (QUEUED, QUEUED): "its delay is over and it waits for a batch, or its part of a batch failed and another follows",
    (
        QUEUED,
        FAILED,
    ): "a person or the lack of one said no, its part of a batch failed, or too many attempts wait",
    (RUNNING, SKIPPED): "all of its instances were skipped",
}


def mermaid() -> str:
    """Draw the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> created"]
    lines += [f"    {source} --> {target}: {why}" for (source, target), why in TRANSITIONS.items()]
    lines += [f"    {state} --> [*]" for state in (COMPLETED, FAILED, CANCELLED, SKIPPED)]
    return "\n".join(lines) + "\n"

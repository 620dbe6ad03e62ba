"""Taking a run up again: fold its journal, compare, and say what was lost."""

from __future__ import annotations

from collections.abc import Iterable

from unspool.core.limits import RUN_TIMER
from unspool.core.run import Run
from unspool.errors import IllegalEvent, JournalDamaged, JournalMismatch
from unspool.journal.rows import Row, commands_text
from unspool.model.events import AttemptLost, Event, OwnerChanged, RunStarted, TimerFired


def fold(rows: Iterable[Row], *, compare: bool = True) -> Run:
    """Rebuild a run from its rows.

    Args:
        rows: of one run, in order.
        compare: hold the commands that follow now against those recorded.

    Raises:
        JournalDamaged: an event cannot have happened, or there is none.
        JournalMismatch: other commands follow than were recorded.
    """
    run = Run()
    for row in rows:
        try:
            commands = run.apply(row.event)
        except IllegalEvent as problem:
            raise JournalDamaged(f"event {row.seq} ({type(row.event).__name__}): {problem}") from None
        if compare and (text := commands_text(commands)) != row.commands:
            raise JournalMismatch(
                f"event {row.seq} ({type(row.event).__name__}): recorded {row.commands or 'nothing'!r}, "
                f"now {text or 'nothing'!r}; was the run written by another version of unspool?"
            )
    if not run.state:
        raise JournalDamaged("the journal holds no start of this run: it was emptied, or its engine died before")
    return run


def recorded_versions(rows: Iterable[Row]) -> dict[str, object]:
    """Give the versions that a run was started with."""
    for row in rows:
        if isinstance(row.event, RunStarted):
            return row.event.versions
    return {}


def losses(run: Run, epoch: int, at: float) -> list[Event]:
    """Give the facts that begin a new ownership: who owns, whether time is up, and what died with the old owner."""
    events: list[Event] = [OwnerChanged(at, epoch)]
    if run.timers.get(RUN_TIMER, at + 1) <= at:  # before anything begins that would be ended at once
        events.append(TimerFired(at, RUN_TIMER))
    events += [
        AttemptLost(at, number, attempt.token) for number, attempt in sorted(run.attempts.items()) if attempt.admitted
    ]
    return events

"""Cuts a rehearsed run at its events, resumes it at each, and says where it then ends otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from unspool.compiler.rehearsals import Case
from unspool.core.run import Run
from unspool.host.rehearse import Played, RehearsedHost
from unspool.host.resume import fold
from unspool.journal.memory import MemoryJournal
from unspool.model.entry import Entry
from unspool.model.events import Event
from unspool.model.status import COMPLETED

MOST_EVENTS = 150_000  # that the cuts of one case may apply, some seconds' work; a longer case is cut at fewer places
LEAST_CUTS = 20


class OtherEnd(NamedTuple):
    """A run that was cut and resumed, and came to another end.

    `after` is the number of the last event before the cut, `event` says which it was; `differences` hold what differs,
    how it ended without a cut, and how with it.
    """

    after: int
    event: str
    differences: list[tuple[str, str, str]]


class _NoJournal(MemoryJournal):
    """For a run that was cut: what it commits is of no interest."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 2
        self._count = 0

    def append(self, entries: Sequence[Entry]) -> int:
        """Count entries."""
        self._count += len(entries)
        return self._count


def cut_points(played: Played) -> list[int]:
    """Give after how many events a case is cut: each of them but the last; of a long one some, evenly spread."""
    count = len(played.rows) - 1
    cuts = min(count, max(LEAST_CUTS, MOST_EVENTS // len(played.rows)))
    return [1 + step * (count - 1) // max(1, cuts - 1) for step in range(cuts)]


def cut(case: Case, played: Played) -> Iterator[OtherEnd]:
    """Cut a case at its events, resume it at each, and give the cuts after which it ends otherwise."""
    usual = _ends(played.run)
    for after in cut_points(played):
        last = played.rows[after - 1].event
        run = fold(played.rows[:after])
        host = RehearsedHost(case, _NoJournal(), last.at)
        host.take_over(run, played.entries[:after])
        host.drive()
        ends = _ends(run)
        if ends != usual:
            names = [*usual, *(name for name in ends if name not in usual)]
            differing = [name for name in names if usual.get(name) != ends.get(name)]
            told = [(name, usual.get(name, "not there"), ends.get(name, "not there")) for name in differing]
            yield OtherEnd(after, _told(last, run), told)


def _told(event: Event, run: Run) -> str:
    """Name an event with the task that it is about."""
    task = getattr(event, "task", None)
    return type(event).__name__ + (f" of {run.nodes[task].id}" if isinstance(task, int) else "")


def _ends(run: Run) -> dict[str, str]:
    """Give how each task and the run ended, as text; batches are as they come."""
    shown = [node for node in run.nodes if node.is_shown]
    found = {"the run": _end(run.state, run.reason, run.outputs)}
    for node in shown:
        task = run.tasks[node.index]
        if task.family is None or not task.family.batch:
            found[node.id] = _end(task.state, task.reason, task.outputs)
    return found


def _end(state: str, reason: str | None, outputs: dict[str, Any] | None) -> str:
    why = f" ({reason})" if reason else ""
    return f"{state}{why}" + (f" {outputs}" if outputs and state == COMPLETED else "")

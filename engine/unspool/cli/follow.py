"""Printing what a task writes while it writes it."""

from __future__ import annotations

import select
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from unspool.core.run import Run
from unspool.errors import JournalDamaged
from unspool.journal.sqlite import SqliteReader, is_locked
from unspool.model.events import AttemptEnded, AttemptLost, AttemptStarted, TaskAdmitted
from unspool.model.lognames import log_name
from unspool.model.status import FINAL_STATES

_PERIOD = 0.2  # seconds between two looks
STREAMS = ("out", "err")

Write = Callable[[int, str, bytes], None]  # the attempt's number among the task's, the stream, what is new


class _Seen(NamedTuple):
    """How far a stream of an attempt has been printed, and how much of it was there at the last look."""

    printed: int = 0
    there: int = 0


class Follower:
    """Prints the output of one task, attempt after attempt, until it is final.

    An attempt that runs writes to a file that serves another once it is over. So only what was there
    at the look before is printed, and only while the journal says that the attempt still runs; the rest
    comes from the file that keeps it.
    """

    def __init__(self, folder: Path, run: str, task: int, write: Write) -> None:
        """Prepare.

        Args:
            folder: of the journal.
            run: the run's whole id.
            task: the task's index in the plan.
            write: takes what is new.
        """
        self._folder = folder
        self._name = run
        self._task = task
        self._write = write
        self._run = Run()
        self._after = 0
        self._numbers: dict[int, int] = {}  # of the task's attempts: which one it is, from 1
        self._live: dict[int, dict[str, Path]] = {}
        self._seen: dict[tuple[int, str], _Seen] = {}

    def follow(self) -> None:
        """Print until the task is final, or nobody works on the run any more."""
        while True:
            is_owned = is_locked(self._folder)
            ended = self._read()
            for attempt, files in self._live.items():
                self._print_live(attempt, files)
            for attempt in ended:
                self._print_kept(attempt)
            known = self._task < len(self._run.tasks)
            if known and self._run.tasks[self._task].state in FINAL_STATES:
                return
            if not is_owned:
                return
            select.select([], [], [], _PERIOD)

    def _read(self) -> list[int]:
        """Take what is new in the journal, and give the task's attempts that are over by it."""
        reader = SqliteReader(self._folder)
        ended = []
        try:
            for row in reader.read(self._name, self._after):
                self._after = row.seq
                event = row.event
                self._run.apply(event)
                if isinstance(event, TaskAdmitted) and event.task == self._task:
                    self._numbers[event.attempt] = len(self._numbers) + 1
                elif isinstance(event, AttemptStarted) and event.attempt in self._numbers and event.record:
                    record = event.record
                    self._live[event.attempt] = {name: Path(record[name]) for name in STREAMS if name in record}
                elif isinstance(event, AttemptEnded | AttemptLost) and event.attempt in self._numbers:
                    self._live.pop(event.attempt, None)
                    ended.append(event.attempt)
        finally:
            reader.close()
        if not self._run.state:
            raise JournalDamaged(f"{self._folder} holds no start of run {self._name}")
        return ended

    def _print_live(self, attempt: int, files: dict[str, Path]) -> None:
        for stream, file in files.items():
            seen = self._seen.get((attempt, stream), _Seen())
            content = _content(file, seen.printed)
            if content is None:
                continue
            known = content[: max(0, seen.there - seen.printed)]
            if known:
                self._write(self._numbers[attempt], stream, known)
            self._seen[attempt, stream] = _Seen(seen.printed + len(known), seen.printed + len(content))

    def _print_kept(self, attempt: int) -> None:
        task = self._run.nodes[self._task].id
        for stream in STREAMS:
            seen = self._seen.get((attempt, stream), _Seen())
            file = self._folder / "logs" / self._name / f"{log_name(task, attempt)}.{stream}"
            content = _content(file, seen.printed)
            if content:
                self._write(self._numbers[attempt], stream, content)


def _content(file: Path, after: int) -> bytes | None:
    try:
        with file.open("rb") as opened:
            opened.seek(after)
            return opened.read()
    except OSError:
        return None

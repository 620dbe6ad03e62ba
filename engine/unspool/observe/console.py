"""Plain progress: one line for each change of a task's state, and events as JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TextIO

from unspool.core.run import Run
from unspool.model.entry import Entry
from unspool.model.events import event_to_dict
from unspool.model.status import FAILED, FINAL_STATES, QUEUED, RUNNING

_SHOWN = FINAL_STATES | {RUNNING, QUEUED}
# C0 but tab and newline, DEL and C1; escape sequences go whole, or their rest would read as text.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    r"|[\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    """Take out what would steer a terminal."""
    return _CONTROL.sub("", text)


class _Writer:
    """A stream whose reader may go away; the run goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_broken = False

    def write(self, lines: Sequence[str]) -> None:
        if not lines or self._is_broken:
            return
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except OSError:
            self._is_broken = True


class PlainProgress:
    """Writes a line when a task begins, waits for another attempt, or is final."""

    def __init__(self, stream: TextIO, runs: Callable[[str], Run]) -> None:
        self._writer = _Writer(stream)
        self._runs = runs

    def heard(self, entries: Sequence[Entry]) -> None:
        """Write the lines of one commit at once."""
        lines = [
            self._line(self._runs(entry.run), *move) for entry in entries for move in entry.moves if move[1] in _SHOWN
        ]
        self._writer.write(lines)

    def _line(self, run: Run, index: int, state: str, reason: str | None) -> str:
        told = f"{run.plan.tasks[index].id}: {state}"
        if reason:
            told += f" ({reason})"
        if state in (FAILED, QUEUED):
            error = run.tasks[index].error
            if error is not None and error["message"] != reason:
                told += f": {error['message']}"
        return printable(told) + "\n"


class JsonLines:
    """Writes every event as a line of JSON, with the changes of state it made."""

    def __init__(self, stream: TextIO, runs: Callable[[str], Run]) -> None:
        self._writer = _Writer(stream)
        self._runs = runs

    def heard(self, entries: Sequence[Entry]) -> None:
        """Write the lines of one commit at once."""
        lines = []
        for entry in entries:
            tasks = self._runs(entry.run).plan.tasks
            changes = [
                {"task": tasks[index].id, "state": state, "reason": reason} for index, state, reason in entry.moves
            ]
            lines.append(json.dumps({"run": entry.run, **event_to_dict(entry.event), "changes": changes}) + "\n")
        self._writer.write(lines)

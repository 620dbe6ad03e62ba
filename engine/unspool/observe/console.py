"""Plain progress: one line for each change of a task's state or of a breaker's, and events as JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from unspool.core.pools import Pool
from unspool.core.run import Run
from unspool.model.entry import Entry
from unspool.model.events import AttemptEnded, event_to_dict
from unspool.model.lognames import log_name
from unspool.model.status import COMPLETED, FAILED, FINAL_STATES, QUEUED, RUNNING, WAITING_FOR_PERSON
from unspool.observe.report import decision

_TAIL = 8192  # bytes from the end of a file that are looked at
_SHOWN_LINES = 40  # of the output of one attempt
_SHOWN = FINAL_STATES | {RUNNING, QUEUED}
# C0 but tab and newline, DEL and C1; escape sequences go whole, or their rest would read as text.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    r"|[\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    """Take out what would steer a terminal."""
    return _CONTROL.sub("", text)


def verdict(decided: Mapping[str, Any]) -> str:
    """Say what was decided, as in `approved by ann: looks fine`."""
    what = "approved" if decided["approved"] else "rejected"
    who = f" by {decided['by']}" if decided.get("by") else ""
    return f"{what}{who}" + (f": {decided['note']}" if decided.get("note") else "")


class Stream(Protocol):
    """Where lines go."""

    def write(self, text: str, /) -> int:
        """Take text."""

    def flush(self) -> None:
        """Let the reader have it."""


def tail(file: Path, most: int) -> list[str]:
    """Give the last lines of a task's output, fit for a terminal; of one that was overwritten, the last state.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(0, size - _TAIL))
        text = opened.read().decode("utf-8", "replace")
    lines = [printable(line.rstrip("\r").rpartition("\r")[2]) for line in text.split("\n")]
    return [line for line in lines if line.strip()][-most:]


class _Writer:
    """A stream whose reader may go away; the run goes on."""

    def __init__(self, stream: Stream) -> None:
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
    """Writes a line when a task begins, waits for another attempt, or is final; if asked to, what each task wrote."""

    def __init__(
        self,
        stream: Stream,
        runs: Callable[[str], Run],
        logs: Path | None = None,
        *,
        verbose: bool = False,
        pools: Callable[[], Iterable[Pool]] = tuple,
    ) -> None:
        """Prepare to write.

        Args:
            stream: takes the lines.
            runs: gives a run by its id.
            logs: where kept output lies: `RUN/TASK.ATTEMPT.out` and `.err`.
            verbose: write the end of what each attempt wrote, too.
            pools: gives the resources that are shared, whose circuit breakers are told of.
        """
        self._pools = pools
        self._open: set[str] = set()  # resources whose breaker is known to be open
        self._writer = _Writer(stream)
        self._runs = runs
        self._logs = logs if verbose else None

    def heard(self, entries: Sequence[Entry]) -> None:
        """Write the lines of one commit at once."""
        lines: list[str] = []
        for entry in entries:
            run = self._runs(entry.run)
            moves = [move for move in entry.moves if move[1] in _SHOWN and run.nodes[move[0]].is_shown]
            told = [self._line(run, *move) for move in moves]
            if self._logs is not None and isinstance(entry.event, AttemptEnded) and moves:
                name = log_name(run.nodes[moves[0][0]].id, entry.event.attempt)
                at = 1 if moves[0][1] == RUNNING else 0  # a short attempt is told with its start
                told[at:at] = _output(self._logs / run.id, name)
            lines += told
        lines += self._breakers()
        self._writer.write(lines)

    def _breakers(self) -> Iterator[str]:
        """Tell of each circuit breaker that opened, or closed again, since it was last looked at."""
        for pool in self._pools():
            state = "closed" if pool.circuit is None else pool.circuit.state
            if pool.circuit is not None and state == "open" and pool.key not in self._open:
                self._open.add(pool.key)
                until = datetime.fromtimestamp(pool.circuit.until).astimezone().strftime("%H:%M:%S")
                yield f"{pool.name}: the circuit breaker is open until {until}; what uses it waits\n"
            elif state == "closed" and pool.key in self._open:
                self._open.discard(pool.key)
                yield f"{pool.name}: the circuit breaker is closed again\n"

    def _line(self, run: Run, index: int, state: str, reason: str | None) -> str:
        told = f"{run.nodes[index].id}: {state}"
        if reason:
            told += f" ({reason})"
        if reason == WAITING_FOR_PERSON:
            task = run.nodes[index].id
            told += f": {run.tasks[index].prompt} (decide: unspool approve {run.id} {task})"
        decided = decision(run, index) if state == COMPLETED else None
        if decided is not None:
            told += f": {verdict(decided)}"
        if state in (FAILED, QUEUED):
            error = run.tasks[index].error
            if error is not None and error["message"] != reason:
                told += f": {error['message']}"
        return printable(told) + "\n"


def _output(folder: Path, name: str) -> list[str]:
    """Give what an attempt wrote, its last lines, marked as such."""
    lines: list[str] = []
    for stream in ("out", "err"):
        try:
            lines += [f"  | {line}\n" for line in tail(folder / f"{name}.{stream}", _SHOWN_LINES)]
        except OSError:
            continue
    return lines


class JsonLines:
    """Writes every event as a line of JSON, with the changes of state it made."""

    def __init__(self, stream: Stream, runs: Callable[[str], Run]) -> None:
        self._writer = _Writer(stream)
        self._runs = runs

    def heard(self, entries: Sequence[Entry]) -> None:
        """Write the lines of one commit at once."""
        lines = []
        for entry in entries:
            tasks = self._runs(entry.run).nodes
            changes = [
                {"task": tasks[index].id, "state": state, "reason": reason} for index, state, reason in entry.moves
            ]
            lines.append(json.dumps({"run": entry.run, **event_to_dict(entry.event), "changes": changes}) + "\n")
        self._writer.write(lines)

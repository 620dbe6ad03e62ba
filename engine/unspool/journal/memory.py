"""The journal in memory: the twin of the one on disk, for rehearsals and tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unspool.errors import JournalDamaged, JournalError
from unspool.journal.rows import Row, RunRow, chain, commands_text, decode_event, encode_body
from unspool.model.commands import FinishRun
from unspool.model.entry import Entry
from unspool.model.events import RunStarted


class MemoryJournal:
    """Keeps encoded rows, so that what is read back went through the codec."""

    def __init__(self) -> None:
        self.epoch = 1
        self._rows: list[tuple[str, int, str, str, str, int]] = []
        self._runs: dict[str, RunRow] = {}
        self._closed = False

    def append(self, entries: Sequence[Entry]) -> int:
        """Keep entries, all or none, and give the number of the last."""
        if self._closed:
            raise JournalError("the journal is closed")
        rows: list[tuple[str, int, str, str, str, int]] = []
        runs = dict(self._runs)
        link = self._rows[-1][-1] if self._rows else 0
        for run, event, commands, _ in entries:
            if isinstance(event, RunStarted) and run not in runs:
                runs[run] = RunRow(run, event.plan["name"], event.at, "running")
            if run not in runs:
                raise JournalError(f"run {run} is not in this journal")
            if commands and isinstance(commands[-1], FinishRun):
                end = commands[-1]
                runs[run] = runs[run]._replace(state=end.state, reason=end.reason, completed_at=event.at)
            kind, body, orders = type(event).__name__, encode_body(event), commands_text(commands)
            place = (len(self._rows) + len(rows) + 1, list(runs).index(run), self.epoch)
            link = chain(link, place, kind, body, orders)
            rows.append((run, self.epoch, kind, body, orders, link))
        self._rows += rows
        self._runs = runs
        return len(self._rows)

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Row]:
        """Give the rows behind `after` in order, of one run or of all."""
        link = self._rows[after - 1][-1] if 0 < after <= len(self._rows) else 0
        numbers = {name: number for number, name in enumerate(self._runs)}
        for seq, (owner, epoch, kind, body, orders, stored) in enumerate(self._rows[after:], after + 1):
            link = chain(link, (seq, numbers[owner], epoch), kind, body, orders)
            if link != stored:
                raise JournalDamaged(f"event {seq} does not fit its checksum; nothing from there on is believed")
            if run is None or run == owner:
                yield Row(seq, owner, epoch, decode_event(kind, body, seq), orders)

    def runs(self) -> list[RunRow]:
        """List the runs, oldest first."""
        return list(self._runs.values())

    def close(self) -> None:
        """Take no more."""
        self._closed = True

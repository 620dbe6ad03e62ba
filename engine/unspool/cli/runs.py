"""Finding runs and reading them back, for the commands that look at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from unspool.errors import JournalDamaged, UnspoolError
from unspool.host import home
from unspool.host.resume import fold
from unspool.journal.rows import Row
from unspool.journal.sqlite import SqliteReader, is_locked

if TYPE_CHECKING:
    from unspool.core.run import Run

format_option = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


def state() -> Path:
    """Give the state folder that commands without a document look at."""
    try:
        return home.state_folder(Path.cwd())
    except FileNotFoundError:
        raise UnspoolError("the folder we are in is gone; `cd` to one that is there") from None


class Recorded(NamedTuple):
    """A run as its journal has it: the folder, its whole id, its rows, and the state it is listed with."""

    folder: Path
    run: str
    rows: list[Row]
    listed: str | None

    def rebuild(self) -> Run:
        """Fold the rows.

        Raises:
            JournalDamaged: they cannot be, or end before what the list of runs says.
        """
        run = fold(self.rows, compare=False)
        # The list is not covered by the checksums, and the last rows by none that follows.
        if self.listed in ("completed", "failed", "cancelled") and not run.is_final:
            raise JournalDamaged(
                f"{self.folder}: the run is listed as {self.listed}, but its events end before; "
                "some were lost, so nothing is believed"
            )
        return run


def read_recorded(name: str) -> Recorded:
    """Read all rows of a run, by its id, the unique part of one, or `latest`."""
    folder, run = home.find_run(state(), name)
    reader = SqliteReader(folder)
    try:
        listed = next((row.state for row in reader.runs() if row.id == run), None)
        return Recorded(folder, run, list(reader.read(run)), listed)
    finally:
        reader.close()


def is_abandoned(folder: Path, run_state: str) -> bool:
    """Whether a run is not final and nobody works on it."""
    return run_state in ("running", "cancelling", "finishing") and not is_locked(folder)

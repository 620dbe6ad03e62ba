"""Finding runs and reading them back, for the commands that look at them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unspool.host import home
from unspool.host.resume import fold
from unspool.journal.rows import Row
from unspool.journal.sqlite import SqliteReader, is_locked

if TYPE_CHECKING:
    from unspool.core.run import Run

format_option = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)


def state() -> Path:
    """Give the state folder that commands without a document look at."""
    return home.state_folder(Path.cwd())


def read_rows(name: str) -> tuple[Path, str, list[Row]]:
    """Read all rows of a run, with its journal's folder and its whole id."""
    folder, run = home.find_run(state(), name)
    reader = SqliteReader(folder)
    try:
        return folder, run, list(reader.read(run))
    finally:
        reader.close()


def read_run(name: str) -> tuple[Path, Run]:
    """Rebuild a run as its journal has it now."""
    folder, _, rows = read_rows(name)
    return folder, fold(rows, compare=False)


def is_abandoned(folder: Path, run_state: str) -> bool:
    """Whether a run is not final and nobody works on it."""
    return run_state in ("running", "cancelling") and not is_locked(folder)

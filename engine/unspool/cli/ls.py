"""`unspool ls`: the runs, newest first."""

from __future__ import annotations

import json
import time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click

from unspool.cli.page import page
from unspool.cli.runs import format_option, is_abandoned, state
from unspool.errors import JournalError
from unspool.host import home
from unspool.journal.rows import RunRow
from unspool.journal.sqlite import SqliteReader
from unspool.observe.report import moment

_STATES = ["running", "abandoned", "cancelling", "completed", "failed", "cancelled"]


@click.command("ls")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(_STATES), help="Only runs in this state; may be given again."
)
@click.option("--name", "pattern", help="Only runs whose workflow's name fits, such as `nightly-*`.")
@click.option("-n", "--limit", type=click.IntRange(1), help="No more than so many.")
@format_option
def command(states: tuple[str, ...], pattern: str | None, limit: int | None, form: str) -> int:
    """List the runs of this project, newest first."""
    empty, damaged, found = list(home.without_journal(state())), False, []
    for folder in home.journals(state()):
        try:
            rows = _rows(folder)
        except JournalError as problem:  # it hides no others
            click.echo(f"unspool: {problem}", err=True)
            damaged = True
            continue
        empty += [] if rows else [folder]
        found += rows
    for folder in empty:
        click.echo(f"unspool: {folder} holds no run that can be read", err=True)
    found.sort(key=lambda row: row["started_at"], reverse=True)
    chosen = [row for row in found if _fits(row, states, pattern)][:limit]
    if form == "json":
        click.echo(json.dumps(chosen, indent=2))
    else:
        page(f"{row['run']}  {_state(row):<24}  {row['duration_s']:>9.2f} s  {row['name']}" for row in chosen)
        if not chosen:
            click.echo(f"no {'such ' if found else ''}runs in {state()}", err=True)
    return 1 if damaged or empty else 0


def _fits(row: dict[str, Any], states: tuple[str, ...], pattern: str | None) -> bool:
    wanted = not states or row["state"] in states or (row["abandoned"] and "abandoned" in states)
    return wanted and (pattern is None or fnmatchcase(row["name"], pattern))


def _rows(folder: Path) -> list[dict[str, Any]]:
    """Give the runs of one journal."""
    reader = SqliteReader(folder)
    try:
        return [_row(folder, run) for run in reader.runs()]
    finally:
        reader.close()


def _row(folder: Path, run: RunRow) -> dict[str, Any]:
    end = run.completed_at if run.completed_at is not None else time.time()
    return {
        "run": run.id,
        "name": run.name,
        "state": run.state,
        "abandoned": is_abandoned(folder, run.state),
        "started_at": moment(run.started_at),
        "duration_s": round(end - run.started_at, 6),
    }


def _state(row: dict[str, Any]) -> str:
    return f"{row['state']}, engine gone" if row["abandoned"] else str(row["state"])

"""`unspool show`: the report of a run at any time of it, or its events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import click

from unspool.cli.page import page
from unspool.cli.runs import format_option, is_abandoned, read_recorded
from unspool.core.run import Run
from unspool.journal.rows import Row
from unspool.model.events import RunStarted, event_to_dict
from unspool.model.status import OPEN
from unspool.observe.closing import rows, unpainted
from unspool.observe.console import printable
from unspool.observe.report import moment, report, summary


@click.command("show")
@click.argument("run")
@click.option("--events", is_flag=True, help="Print the events instead of the report.")
@format_option
def command(run: str, form: str, *, events: bool) -> int:
    """Show the report of RUN: an id, a unique part of one, or `latest`."""
    recorded = read_recorded(run)
    if events:
        page(_events(recorded.rows, form))
        return 0
    found = recorded.rebuild()
    if form == "json":
        click.echo(json.dumps(report(found, time.time()), indent=2))
        return 0
    page(_text(found, abandoned=is_abandoned(recorded.folder, found.state)))
    return 0


def _text(found: Run, *, abandoned: bool) -> Iterator[str]:
    yield summary(found)
    if found.error is not None:
        yield printable(found.error["message"])
    if abandoned:
        yield f"nobody works on it; go on with: unspool resume {found.id}"
    if found.door >= 0 and found.tasks[found.door].reason == OPEN:
        yield f"it takes more tasks; close it with: unspool submit {found.id} --close"
    yield from rows(found, unpainted)


def _events(rows: list[Row], form: str) -> Iterator[str]:
    for row in rows:
        event = event_to_dict(row.event)
        if isinstance(row.event, RunStarted):
            event["plan"] = f"{len(row.event.plan['tasks'])} tasks, hash {row.event.plan['hash'][:12]}"
        if form == "json":
            yield json.dumps({"seq": row.seq, "epoch": row.epoch, **event, "commands": row.commands})
        else:
            fields = ", ".join(
                f"{name}={value!r}"
                for name, value in event.items()
                if name not in ("event", "at") and value is not None
            )
            yield printable(
                f"{row.seq:>6}  {moment(row.event.at)}  {event['event']}  {fields}  ->  {row.commands or '-'}"
            )

"""`unspool resume`: go on with a run whose engine died."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unspool.cli.documents import read_secrets
from unspool.cli.drive import (
    cache_option,
    drive,
    durability_option,
    exit_code,
    format_option,
    quiet_option,
    secrets_option,
    verbose_option,
    workers_option,
)
from unspool.cli.runs import read_recorded
from unspool.model.status import CREATED, FINAL_STATES

if TYPE_CHECKING:
    from unspool.core.run import Run
    from unspool.host.engine import Engine


@click.command("resume")
@click.argument("run")
@secrets_option
@workers_option
@durability_option
@format_option
@cache_option
@quiet_option
@verbose_option
def command(run: str, secrets_file: str | None, **how: Any) -> int:
    """Go on with RUN where its journal ends: what is finished stays so, what was under way runs again."""
    recorded = read_recorded(run)
    folder, found = recorded.folder, recorded.rebuild()
    if found.is_final:
        from unspool.observe.report import summary

        click.echo(f"nothing to do: {summary(found)}", err=True)
        return exit_code(found)
    secrets = read_secrets(found.plan, secrets_file)
    previous = previous_mark(folder)

    def begin(engine: Engine) -> Run:
        click.echo(_intention(found), err=True)  # not before the journal is ours
        return engine.resume(found.id, previous, secrets)

    return drive(folder, begin, **how)


def previous_mark(folder: Path) -> str | None:
    """Give the mark of the processes of a journal's last owner."""
    from unspool.host import home
    from unspool.journal.sqlite import SqliteReader

    reader = SqliteReader(folder)
    try:
        owner = reader.owner()
    finally:
        reader.close()
    return None if owner is None else home.owner_mark(owner)


def _intention(run: Run) -> str:
    """Say what a resume will do, before it does."""
    shown = [task for node, task in zip(run.nodes, run.tasks, strict=True) if node.is_shown]
    finished = sum(task.state in FINAL_STATES for task in shown)
    again = [run.nodes[attempt.task].id for _, attempt in sorted(run.attempts.items()) if attempt.admitted]
    waiting = sum(task.state == CREATED for task in shown)
    names = f" ({', '.join(again[:10])}{', ...' if len(again) > 10 else ''})" if again else ""
    return (
        f"resuming {run.id}: {finished} finished tasks stay, {len(again)} that were under way run again{names}, "
        f"{len(shown) - finished - len(again) - waiting} are ready or queued, {waiting} wait for others"
    )

"""`unspool cancel`: ask the owner of a run to end it, or end it here if it has none."""

from __future__ import annotations

from pathlib import Path

import click

from unspool.cli.asking import ask_owner
from unspool.cli.runs import read_recorded
from unspool.errors import UnspoolError
from unspool.host.ports import Request
from unspool.host.spool import new_request
from unspool.journal.sqlite import is_locked


@click.command("cancel")
@click.argument("run")
@click.argument("task", required=False)
def command(run: str, task: str | None) -> int:
    """Cancel RUN, or only TASK of it."""
    recorded = read_recorded(run)
    folder, found = recorded.folder, recorded.rebuild()
    if task is not None and task not in [node.id for node in found.nodes if not node.template]:
        raise UnspoolError(f"run {found.id} has no task {task!r}; `unspool show {found.id}` lists them")
    if found.is_final:
        raise UnspoolError(f"run {found.id} is {found.state} already")
    request = new_request(found.id, "cancel", task)
    if is_locked(folder):
        answer = ask_owner(folder, request)
        if answer != "ok":
            raise UnspoolError(answer)
    elif task is not None:
        raise UnspoolError(f"nobody works on run {found.id}; cancel all of it, or resume it first")
    else:
        _end_here(folder, request)
    click.echo(f"cancelled {found.id}{f' {task}' if task else ''}", err=True)
    return 0


def _end_here(folder: Path, request: Request) -> None:
    from unspool.cli.resume import previous_mark
    from unspool.host.engine import Engine

    previous = previous_mark(folder)
    with Engine(folder, 1) as engine:
        engine.resume(request.run, previous)
        engine.host.request(request)
        engine.drive()

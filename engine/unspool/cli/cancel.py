"""`unspool cancel`: ask the owner of a run to end it, or end it here if it has none."""

from __future__ import annotations

import select
import time
from pathlib import Path

import click

from unspool.cli.runs import read_recorded
from unspool.errors import UnspoolError
from unspool.host.ports import Request
from unspool.host.spool import FileSpool, new_request
from unspool.journal.sqlite import is_locked

_PATIENCE = 15.0  # seconds to wait for the owner's answer
_LOOK = 0.02


@click.command("cancel")
@click.argument("run")
@click.argument("task", required=False)
def command(run: str, task: str | None) -> int:
    """Cancel RUN, or only TASK of it."""
    recorded = read_recorded(run)
    folder, found = recorded.folder, recorded.rebuild()
    if task is not None and task not in [plan.id for plan in found.nodes]:
        raise UnspoolError(f"run {found.id} has no task {task!r}; `unspool show {found.id}` lists them")
    if found.is_final:
        raise UnspoolError(f"run {found.id} is {found.state} already")
    request = new_request(found.id, "cancel", task)
    if is_locked(folder):
        answer = _ask(folder, request)
        if answer != "ok":
            raise UnspoolError(answer)
    elif task is not None:
        raise UnspoolError(f"nobody works on run {found.id}; cancel all of it, or resume it first")
    else:
        _end_here(folder, request)
    click.echo(f"cancelled {found.id}{f' {task}' if task else ''}", err=True)
    return 0


def _ask(folder: Path, request: Request) -> str:
    spool = FileSpool(folder / "requests")
    spool.send(request)
    deadline = time.monotonic() + _PATIENCE
    while (answer := spool.answered(request.id)) is None:
        if time.monotonic() > deadline or not is_locked(folder):
            spool.withdraw(request.id)
            return f"the engine of run {request.run} does not answer; look at it with `unspool show {request.run}`"
        select.select([], [], [], _LOOK)
    spool.withdraw(request.id)
    return answer


def _end_here(folder: Path, request: Request) -> None:
    from unspool.cli.resume import previous_mark
    from unspool.host.engine import Engine

    previous = previous_mark(folder)
    with Engine(folder, 1) as engine:
        engine.resume(request.run, previous)
        engine.host.request(request)
        engine.drive()

"""`unspool logs`: what a task wrote."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from unspool.cli.output import log_files
from unspool.cli.runs import read_recorded
from unspool.errors import UnspoolError
from unspool.model.events import AttemptStarted, RunStarted, TaskAdmitted


@click.command("logs")
@click.argument("run")
@click.argument("task")
@click.option(
    "--attempt", type=click.IntRange(1), help="Which attempt, from 1. Default: the last that wrote something."
)
@click.option("--stream", type=click.Choice(["both", "out", "err"]), default="both", show_default=True)
def command(run: str, task: str, attempt: int | None, stream: str) -> int:
    """Print what TASK of RUN wrote: its output to standard output, its errors to standard error."""
    folder, run, rows, _ = read_recorded(run)
    names = [row["id"] for event in rows if isinstance(event.event, RunStarted) for row in event.event.plan["tasks"]]
    if task not in names:
        raise UnspoolError(f"run {run} has no task {task!r}; `unspool show {run}` lists them")
    index = names.index(task)
    attempts = [row.event.attempt for row in rows if isinstance(row.event, TaskAdmitted) and row.event.task == index]
    files = {file.name: file for file in log_files(folder, run, task)}
    for row in rows:  # of what still runs, where it writes to
        if isinstance(row.event, AttemptStarted) and row.event.attempt in attempts and row.event.record:
            for ending in ("out", "err"):
                path = Path(row.event.record.get(ending, ""))
                if path.is_file() and path.stat().st_size:
                    files.setdefault(f"{task}.{row.event.attempt}.{ending}", path)
    if attempt is not None:
        if attempt > len(attempts):
            raise UnspoolError(f"{task} has had {len(attempts)} attempt{'' if len(attempts) == 1 else 's'}")
        attempts = [attempts[attempt - 1]]
    for number in reversed(attempts):
        found = [name for name in (f"{task}.{number}.out", f"{task}.{number}.err") if name in files]
        if found:
            _print([files[name] for name in found], stream)
            return 0
    click.echo(f"{task} wrote nothing{'' if attempts else '; it has not begun'}", err=True)
    return 0


def _print(files: list[Path], stream: str) -> None:
    for file in files:
        target = sys.stderr.buffer if file.suffix == ".err" else sys.stdout.buffer
        if stream in ("both", file.suffix[1:]):
            with file.open("rb") as opened:
                shutil.copyfileobj(opened, target)
            target.flush()

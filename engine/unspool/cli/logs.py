"""`unspool logs`: what a task wrote, or writes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import click

from unspool.cli.follow import Follower
from unspool.cli.output import log_files
from unspool.cli.runs import Recorded, format_option, read_recorded
from unspool.errors import UnspoolError
from unspool.model.events import AttemptStarted, TaskAdmitted
from unspool.model.lognames import log_name
from unspool.observe.console import printable
from unspool.observe.report import is_parent

_PART = 1 << 20
Form = Literal["text", "json"]


@click.command("logs")
@click.argument("run")
@click.argument("task")
@click.option(
    "--attempt", type=click.IntRange(1), help="Which attempt, from 1. Default: the last that wrote something."
)
@click.option("--stream", type=click.Choice(["both", "out", "err"]), default="both", show_default=True)
@click.option("-f", "--follow", is_flag=True, help="Print all attempts, and go on while the task runs.")
@click.option("--raw", is_flag=True, help="On a terminal, too, print control sequences as they are.")
@format_option
def command(run: str, task: str, attempt: int | None, stream: str, form: Form, *, follow: bool, raw: bool) -> int:
    """Print what TASK of RUN wrote: its output to standard output, its errors to standard error.

    With `--format json`, both go to standard output, as lines of `{"attempt", "stream", "text"}`.
    """
    recorded = read_recorded(run)
    index = _index(recorded, task)
    printer = _Printer(stream, form, raw=raw)
    if follow:
        if attempt is not None:
            raise UnspoolError("--follow prints all attempts; leave out --attempt")
        Follower(recorded.folder, recorded.run, index, printer.write).follow()
        return 0
    number, files = _find(recorded, task, index, attempt)
    for file in files:
        with file.open("rb") as opened:
            while part := opened.read(_PART):
                printer.write(number, file.suffix[1:], part)
    if not files:
        click.echo(_nothing(recorded, index, number), err=True)
    return 0


def _nothing(recorded: Recorded, index: int, attempts: int) -> str:
    """Say why there is nothing to print."""
    run = recorded.rebuild()
    node, task = run.nodes[index], run.tasks[index]
    if is_parent(run, index):
        return f"{node.id} is made of other tasks, which have the output; `unspool show {run.id}` lists them"
    if node.kind in ("wait", "approval"):
        return f"{node.id} starts no process and writes nothing; it is {task.state}"
    if attempts:
        return f"{node.id} wrote nothing"
    return f"{node.id} wrote nothing; " + ("it has not begun" if task.started_at is None else f"it is {task.state}")


def _index(recorded: Recorded, task: str) -> int:
    found = next((node.index for node in recorded.rebuild().nodes if node.id == task and node.is_shown), None)
    if found is None:
        raise UnspoolError(f"run {recorded.run} has no task {task!r}; `unspool show {recorded.run}` lists them")
    return found


def _find(recorded: Recorded, task: str, index: int, wanted: int | None) -> tuple[int, list[Path]]:
    """Give the number of an attempt, by default of the last one that wrote something, and its files."""
    rows = recorded.rows
    attempts = [row.event.attempt for row in rows if isinstance(row.event, TaskAdmitted) and row.event.task == index]
    if wanted is not None and wanted > len(attempts):
        raise UnspoolError(f"{task} has had {len(attempts)} attempt{'' if len(attempts) == 1 else 's'}")
    files = {file.name: file for file in log_files(recorded.folder, recorded.run, task)}
    for event in (row.event for row in rows):  # of what still runs, where it writes to
        if isinstance(event, AttemptStarted) and event.attempt in attempts:
            files = {**dict(_written(event, task)), **files}
    for number, attempt in reversed(list(enumerate(attempts, 1))):
        kept = log_name(task, attempt)
        found = [files[name] for name in (f"{kept}.out", f"{kept}.err") if name in files]
        if wanted in (None, number) and found:
            return number, found
    return len(attempts), []


def _written(event: AttemptStarted, task: str) -> Iterator[tuple[str, Path]]:
    for ending in ("out", "err"):
        path = Path((event.record or {}).get(ending, ""))
        if path.is_file() and path.stat().st_size:
            yield f"{log_name(task, event.attempt)}.{ending}", path


class _Printer:
    """Prints output as it comes: bytes as they are, lines fit for a terminal, or lines of JSON."""

    def __init__(self, stream: str, form: Form, *, raw: bool) -> None:
        self._stream = stream
        self._form = form
        self._raw = raw

    def write(self, attempt: int, stream: str, content: bytes) -> None:
        """Print what is new."""
        if self._stream not in ("both", stream):
            return
        target = sys.stderr if stream == "err" and self._form == "text" else sys.stdout
        if self._form == "json":
            text = content.decode("utf-8", "replace")
            target.write(json.dumps({"attempt": attempt, "stream": stream, "text": text}) + "\n")
        elif target.isatty() and not self._raw:
            target.write(printable(content.decode("utf-8", "replace").replace("\r\n", "\n")))
        else:
            target.flush()
            target.buffer.write(content)
            target.buffer.flush()
        target.flush()

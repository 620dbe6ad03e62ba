"""What `run` and `resume` share: drive an engine to its end, with signals, progress and the report."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unspool.model.status import CANCELLED, COMPLETED, FAILED, INTERRUPTED

if TYPE_CHECKING:
    from unspool.core.run import Run
    from unspool.host.engine import Engine

_TAIL = 2000  # characters of a failed task's output in the report
_MIN_WORKERS = 4
EXIT_CODES = {COMPLETED: 0, FAILED: 1, CANCELLED: 4}
EXIT_INTERRUPTED = 130

workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 10_000),
    default=lambda: max(_MIN_WORKERS, os.cpu_count() or 1),
    show_default="processors, at least 4",
    help="How many tasks may run at once.",
)
durability_option = click.option(
    "--durability",
    type=click.Choice(["full", "normal"]),
    default="full",
    show_default=True,
    help="`full` survives a power cut; `normal` is quicker and survives a crash of the engine.",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "ndjson"]),
    default="text",
    show_default=True,
    help="`json` prints the report at the end, `ndjson` every event as it happens.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress; a text report only of what failed.")


def drive(
    folder: Path,
    begin: Callable[[Engine], Run],
    workers: int,
    durability: str,
    form: str,
    *,
    quiet: bool,
) -> int:
    """Open the journal in `folder`, let `begin` put a run in, work to its end, report.

    Returns:
        The exit code.
    """
    from unspool.host.engine import Engine

    gc.freeze()  # the plan stays to the end; no collection need look at it
    gc.enable()
    with Engine(folder, workers, durability) as engine:
        _listen(engine, form, quiet=quiet)
        restore = _catch_signals(engine)
        try:
            run = begin(engine)
            for note in engine.notes:
                click.echo(f"unspool: {note}", err=True)
            engine.drive()
        finally:
            restore()
    with suppress(BrokenPipeError):  # nobody reads; the exit code still tells the verdict
        _print_report(run, folder, form, quiet=quiet)
    return exit_code(run)


def exit_code(run: Run) -> int:
    """Give the exit code that tells a final run's verdict."""
    if run.reason == INTERRUPTED:
        return EXIT_INTERRUPTED
    return EXIT_CODES[run.state]


def _listen(engine: Engine, form: str, *, quiet: bool) -> None:
    from unspool.observe.console import JsonLines, PlainProgress

    if form == "ndjson":
        engine.host.listen(JsonLines(sys.stdout, engine.host.runs.__getitem__))
    if not quiet:
        engine.host.listen(PlainProgress(sys.stderr, engine.host.runs.__getitem__))


def _catch_signals(engine: Engine) -> Callable[[], None]:
    """Turn signals into cancels. The pipe wakes the reactor, which a signal alone does not."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    engine.watch_descriptor(read)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # A signal that the caller had ignored (nohup) stays ignored.
    caught = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    handlers = [signal.signal(number, lambda *_: engine.interrupt()) for number in caught]

    def restore() -> None:
        signal.set_wakeup_fd(before)
        for number, handler in zip(caught, handlers, strict=True):
            signal.signal(number, handler)
        os.close(read)
        os.close(write)

    return restore


def _print_report(run: Run, folder: Path, form: str, *, quiet: bool) -> None:
    if form == "json":
        from unspool.observe.report import report

        click.echo(json.dumps(report(run, time.time()), indent=2))
        return
    if form == "ndjson" or (quiet and run.state == COMPLETED):
        return
    click.echo("\n".join(_text_report(run, folder)))


def _text_report(run: Run, folder: Path) -> list[str]:
    from unspool.observe.console import printable
    from unspool.observe.report import summary

    lines: list[str] = []
    for plan, task in zip(run.plan.tasks, run.tasks, strict=True):
        if task.state == FAILED and task.error is not None:
            lines.append(f"{plan.id} failed: {printable(task.error['message'])}")
            lines += _tail(folder, run.id, plan.id)
    for name, value in run.outputs.items():
        lines.append(printable(f"{name}: {_shown(value)}"))
    lines.append(summary(run))
    if run.state != COMPLETED:
        lines.append(f"more: unspool show {run.id}")
    return lines


def _tail(folder: Path, run: str, task: str) -> list[str]:
    """Give the last lines a failed task wrote: of standard error, else of standard output."""
    from unspool.cli.output import log_files
    from unspool.observe.console import printable

    files = log_files(folder, run, task)
    for stream in ("err", "out"):
        for file in reversed(files):
            if file.suffix == f".{stream}":
                size = file.stat().st_size
                with file.open("rb") as opened:
                    opened.seek(max(0, size - _TAIL))
                    text = opened.read().decode("utf-8", "replace")
                tail = [f"  | {printable(line)}" for line in text.splitlines()[-20:]]
                return [*tail, f"  (all of it: unspool logs {run} {task})"]
    return []


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)

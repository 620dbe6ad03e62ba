"""What `run` and `resume` share: drive an engine to its end, with signals, progress and the report."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from unspool.errors import JournalError
from unspool.model.status import (
    BUDGET_EXHAUSTED,
    CANCELLED,
    COMPLETED,
    FAILED,
    INTERRUPTED,
    QUEUE_FULL,
    SKIPPED,
    UNTOLERABLE,
)

if TYPE_CHECKING:
    from unspool.core.run import Run
    from unspool.host.engine import Engine

Show = Literal["quiet", "normal", "verbose"]

_COLOURS = {COMPLETED: "green", FAILED: "red", CANCELLED: "yellow", SKIPPED: "bright_black"}
_MIN_WORKERS = 4
EXIT_CODES = {COMPLETED: 0, FAILED: 1, CANCELLED: 4}
EXIT_REFUSED = 3
EXIT_INTERRUPTED = 130
_PATIENT_SIGNALS = 3  # the first asks, the second does not wait for the grace; whoever sends a fourth means it

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
secrets_option = click.option(
    "--secrets-file",
    metavar="FILE",
    help="Values of secrets: a JSON object, or lines NAME=value. It wins over the environment.",
)
cache_option = click.option(
    "--no-cache", "cache", is_flag=True, flag_value=False, default=True, help="Reuse no earlier result; keep new ones."
)
quiet_option = click.option(
    "-q", "--quiet", "show", flag_value="quiet", help="No progress; only the outputs, or what failed."
)
verbose_option = click.option(
    "-v", "--verbose", "show", flag_value="verbose", help="A line for each change, and what each task wrote."
)


def drive(
    folder: Path,
    begin: Callable[[Engine], Run],
    workers: int,
    durability: str,
    form: str,
    show: Show | None,
    *,
    cache: bool = True,
) -> int:
    """Open the journal in `folder`, let `begin` put a run in, work to its end, report.

    Without `cache` no earlier result is reused; new ones are kept.

    Returns:
        The exit code.
    """
    from unspool.host import home
    from unspool.host.engine import Engine

    show = show or "normal"
    gc.freeze()  # the plan stays to the end; no collection need look at it
    gc.enable()
    with Engine(folder, workers, durability, home.cache_folder(folder), reuse=cache) as engine:
        hide = _listen(engine, folder / "logs", form, show)
        restore = _catch_signals(engine)
        run: Run | None = None
        try:
            run = begin(engine)
            said = _say(engine, 0)
            engine.drive()
        except JournalError as problem:
            if run is None:
                raise
            click.echo(f"unspool: {problem}; once that is mended, `unspool resume {run.id}` goes on", err=True)
            return EXIT_CODES[FAILED]
        finally:
            restore()
            hide()
    _say(engine, said)
    try:
        _print_report(run, folder, form, show)
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # nobody reads; the exit code still tells the verdict
    except OSError as problem:
        click.echo(
            f"unspool: cannot write the report: {problem.strerror}; `unspool show {run.id}` does it again", err=True
        )
    return _told(run)


def _say(engine: Engine, after: int) -> int:
    """Print what people should hear of, and give how much there was."""
    for note in engine.notes[after:]:
        click.echo(f"unspool: {note}", err=True)
    return len(engine.notes)


def _told(run: Run) -> int:
    """Give the exit code; where a limit was met, say last which one, and what to do."""
    code = exit_code(run)
    if run.reason == BUDGET_EXHAUSTED:
        click.echo("unspool: refused: a task would have become more than its bound allows; see above", err=True)
    if run.reason == QUEUE_FULL:
        refused = sum(task.reason == QUEUE_FULL for task in run.tasks)
        found = f"{refused} task{'s' if refused > 1 else ''} found {run.plan.queue} waiting already"
        way_out = "raise it, or let fewer tasks become ready at once"
        click.echo(f"unspool: refused by `limits.queue`: {found}; {way_out}", err=True)
    return code


def exit_code(run: Run) -> int:
    """Give the exit code that tells a final run's verdict."""
    if run.reason == INTERRUPTED:
        return EXIT_INTERRUPTED
    if run.reason in UNTOLERABLE:
        return EXIT_REFUSED
    return EXIT_CODES[run.state]


def _listen(engine: Engine, logs: Path, form: str, show: Show) -> Callable[[], None]:
    """Let people and programs hear of the run; what is returned takes the view off the terminal again."""
    from unspool.observe.console import JsonLines, PlainProgress

    runs, admission = engine.host.runs, engine.host.admission
    if form == "ndjson":
        engine.host.listen(JsonLines(sys.stdout, runs.__getitem__))
    if show == "quiet":
        return lambda: None
    if not _can_draw(form):
        verbose = show == "verbose"
        engine.host.listen(
            PlainProgress(sys.stderr, runs.__getitem__, logs, verbose=verbose, pools=lambda: admission.pools)
        )
        return lambda: None
    from unspool.observe.live import LiveView

    view = LiveView(sys.stderr, runs, logs, time.time(), verbose=show == "verbose", pools=lambda: admission.pools)
    engine.host.listen(view)
    engine.host.show(view)
    return view.close


def _can_draw(form: str) -> bool:
    """Whether progress goes to a terminal that can be drawn on, and nothing else is written to it meanwhile."""
    if not sys.stderr.isatty() or os.environ.get("TERM") in (None, "", "dumb"):
        return False
    return form != "ndjson" or not sys.stdout.isatty()


def _catch_signals(engine: Engine) -> Callable[[], None]:
    """Turn signals into cancels. The pipe wakes the reactor, which a signal alone does not."""
    read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    engine.watch_descriptor(read)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # A signal that the caller had ignored (nohup) stays ignored.
    caught = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    count = 0

    def interrupt(*_: object) -> None:
        nonlocal count
        count += 1
        if count > _PATIENT_SIGNALS:  # the engine itself hangs; its journal and its guardian are made for this
            os.write(2, b"unspool: leaving at once; `unspool resume latest` goes on\n")
            os._exit(EXIT_INTERRUPTED)
        engine.interrupt()

    handlers = [signal.signal(number, interrupt) for number in caught]

    def restore() -> None:
        signal.set_wakeup_fd(before)
        for number, handler in zip(caught, handlers, strict=True):
            signal.signal(number, handler)
        os.close(read)
        os.close(write)

    return restore


def _print_report(run: Run, folder: Path, form: str, show: Show) -> None:
    if form == "json":
        from unspool.observe.report import report

        click.echo(json.dumps(report(run, time.time()), indent=2))
        return
    if form == "ndjson":
        return
    from unspool.observe.closing import closing, told_outputs, unpainted

    if show == "quiet" and run.state == COMPLETED:
        click.echo("".join(f"{line}\n" for line in told_outputs(run)), nl=False)
        return
    on_terminal = sys.stdout.isatty()
    paint = _painted if on_terminal and not os.environ.get("NO_COLOR") else unpainted
    table = on_terminal and show != "quiet"
    click.echo("\n".join(closing(run, folder / "logs", paint, table=table)))


def _painted(text: str, state: str) -> str:
    return click.style(text, fg=_COLOURS.get(state))

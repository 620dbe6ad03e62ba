"""The command `unspool`: names its subcommands and loads each only when it is called."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys

import click

from unspool import __version__
from unspool.errors import UnspoolError
from unspool.model.similar import closest

_COMMANDS = {
    "run": "Compile a document, run it, and report.",
    "plan": "Show what a document would run, and in which order; run nothing.",
    "check": "Report every error in documents.",
    "rehearse": "Play what rehearsals say of workflows, and compare; run nothing.",
    "resume": "Go on with a run whose engine died.",
    "ls": "List the runs, newest first.",
    "show": "Show the report of a run, or its events.",
    "logs": "Print what a task wrote.",
    "cancel": "Cancel a run, or one task of it.",
    "approve": "Decide what a task asks of a person.",
    "submit": "Add a task of a template to a run that goes on.",
    "schema": "Print a published JSON Schema.",
}
INTERRUPTED = 130


class _Lazy(click.Group):
    """A group whose commands are modules, imported by use: none pays for what another needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Load a command."""
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"unspool.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or suggest the one that was meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            close = closest(args[0], _COMMANDS)
            hint = f"; did you mean `{close}`?" if close else "; see `unspool --help`"
            raise click.UsageError(f"no command `{args[0]}`{hint}", ctx) from None


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="unspool")
def _cli() -> None:
    """Run workflows that are written down in documents."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_standard_streams()
    gc.disable()  # compiling makes many objects and no garbage; `drive` switches it on again
    try:
        code = _cli.main(standalone_mode=False)
    except UnspoolError as problem:
        click.echo(f"unspool: {problem}", err=True)
        code = problem.exit_code
    except click.ClickException as problem:
        problem.show()
        code = 2
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        code = 0
    except OSError as problem:  # of standard output, say; whatever else there may be says so itself
        click.echo(f"unspool: {_told(problem)}", err=True)
        code = 1
    _leave(code if isinstance(code, int) else 0)


def _open_standard_streams() -> None:
    """Open what the caller closed: the next file opened would pass for standard output in a child."""
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:  # so Python tells that it was closed when it began
            setattr(sys, name, open(descriptor, "w" if descriptor else "r", closefd=False))  # noqa: SIM115 - to the end


def _told(problem: OSError) -> str:
    if problem.filename is None and problem.errno in (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EFBIG):
        _drop_output()
        return f"cannot write to standard output: {problem.strerror}"
    return str(problem)


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(code: int) -> None:
    """End the process without taking the interpreter apart, which costs more than a small run."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
    os._exit(code)

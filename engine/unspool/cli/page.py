"""Long text on a terminal goes through the pager of the user; elsewhere it is just printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import click


def page(lines: Iterable[str]) -> None:
    """Print lines; on a terminal through `PAGER`, which is asked to get out of the way of what fits one screen."""
    if sys.stdout.isatty() and sys.stdin.isatty():
        os.environ.setdefault("LESS", "FRX")
        click.echo_via_pager(f"{line}\n" for line in lines)
        return
    for line in lines:
        click.echo(line)

"""Runs the command line and kills itself while the n-th commit is in flight. Used by test_kills.

Arguments: number of the commit, seconds into it, then the command line's own arguments.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence

from unspool.cli.main import main
from unspool.journal.sqlite import SqliteJournal
from unspool.model.entry import Entry


def _kill_in(seconds: float) -> None:
    """Fork a child that kills this process in so many seconds: a thread would wait for the lock that SQLite frees."""
    engine = os.getpid()
    if os.fork():
        return
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        pass
    os.kill(engine, signal.SIGKILL)
    os._exit(0)


def arm(number: int, seconds: float) -> None:
    """Have the `number`-th commit cut short."""
    append, count = SqliteJournal.append, 0

    def appended(journal: SqliteJournal, entries: Sequence[Entry]) -> int:
        nonlocal count
        count += 1
        if count == number:
            _kill_in(seconds)
        return append(journal, entries)

    SqliteJournal.append = appended  # type: ignore[method-assign]


if __name__ == "__main__":
    arm(int(sys.argv[1]), float(sys.argv[2]))
    sys.argv[1:3] = []
    main()

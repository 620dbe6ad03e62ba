"""Asking the engine that owns a run for something, and waiting for its answer."""

from __future__ import annotations

import select
import time
from pathlib import Path

from unspool.host.ports import Request
from unspool.host.spool import FileSpool
from unspool.journal.sqlite import is_locked

_PATIENCE = 15.0  # seconds to wait for the owner's answer
_LOOK = 0.02


def ask_owner(folder: Path, request: Request) -> str:
    """Hand a request to the owner of a journal folder; gives `ok`, or why it cannot be."""
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

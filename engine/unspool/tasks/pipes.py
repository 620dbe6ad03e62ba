"""The pipes that an attempt writes to in a run with secrets: what comes through is masked on its way to the files."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import Protocol

from unspool.tasks.attempt import Watcher
from unspool.tasks.masking import Mask, StreamMask
from unspool.tasks.slots import Slot

_PART = 65536  # bytes read at once


class Outlet(Protocol):
    """Where the output of an attempt goes: a slot's files, or pipes to them."""

    def lend(self) -> tuple[int, int]:
        """Give descriptors of `out` and `err` for an attempt's processes to inherit; the caller closes them."""


class Pipes:
    """Stands between an attempt and the files of its slot."""

    def __init__(self, watcher: Watcher, slot: Slot, mask: Mask) -> None:
        self._pipes = [_Pipe(watcher, slot.files[stream], mask.stream()) for stream in ("out", "err")]

    def lend(self) -> tuple[int, int]:
        """Open the pipes, and give the ends that take output; the caller closes them.

        Raises:
            OSError: too many files are open.
        """
        first, second = self._pipes
        out = first.open()
        try:
            return out, second.open()
        except OSError:
            first.close()
            os.close(out)
            raise

    def finish(self) -> None:
        """The attempt is over: take what is still in the pipes, and nothing that a survivor writes later.

        Raises:
            OSError: a file did not take what it was given.
        """
        try:
            for pipe in self._pipes:
                pipe.finish()
        finally:
            self.close()

    def close(self) -> None:
        """Read no more."""
        for pipe in self._pipes:
            pipe.close()


class _Pipe:
    """One of the two."""

    def __init__(self, watcher: Watcher, file: int, mask: StreamMask) -> None:
        self._watcher = watcher
        self._file = file
        self._mask = mask
        self._end = -1
        self._problem: OSError | None = None

    def open(self) -> int:
        self._end, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_blocking(self._end, False)
            self._watcher.watch(self._end, self._ready)
        except OSError:
            os.close(theirs)
            os.close(self._end)
            self._end = -1
            raise
        return theirs

    def finish(self) -> None:
        if self._end >= 0:
            # No more than this can have been written before the end.
            left = fcntl.fcntl(self._end, fcntl.F_GETPIPE_SZ)
            while left > 0 and (taken := self._take()):
                left -= taken
        self._write(self._mask.end())
        if self._problem is not None:
            raise self._problem

    def close(self) -> None:
        if self._end >= 0:
            self._watcher.forget(self._end)
            os.close(self._end)
            self._end = -1

    def _ready(self) -> None:
        self._take()

    def _take(self) -> int:
        """Take a part of what is there, and say how much it was."""
        part = b""
        with suppress(BlockingIOError):
            part = os.read(self._end, _PART)
            if not part:  # nobody is left who could write
                self.close()
        self._write(self._mask.feed(part))
        return len(part)

    def _write(self, content: bytes) -> None:
        """Write to the file. A full disk is told at the end; until then the task need not wait for it."""
        try:
            while content and self._problem is None:
                content = content[os.write(self._file, content) :]
        except OSError as problem:
            self._problem = problem

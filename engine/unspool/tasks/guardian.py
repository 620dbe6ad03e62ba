"""Starts the guardian: a small process that ends what the engine leaves running when it dies."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from unspool.tasks import sweep


class ProcessGuardian:
    """The real one. The pipe to it is held by this process alone, so the system closes it at any death."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._pid = 0
        self._pipe = -1

    def start(self) -> None:
        """Begin to watch over this process."""
        if self._pid:
            return
        read, self._pipe = os.pipe()
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        arguments = [sys.executable, "-I", "-S", str(Path(sweep.__file__)), self._owner, str(os.getpid())]
        actions = [(os.POSIX_SPAWN_DUP2, read, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
        # An environment of its own: with ours it could carry the mark of an engine that runs this one.
        self._pid = os.posix_spawn(sys.executable, arguments, {}, file_actions=actions, setsid=True)
        os.close(read)
        os.close(null)

    def remove_after_death(self, folder: str) -> None:
        """Have a folder removed when the engine dies: told through the pipe, since arguments can be seen by all."""
        self.start()
        with suppress(BrokenPipeError):  # somebody has ended it; what it would have done cannot be helped
            os.write(self._pipe, os.fsencode(folder) + b"\0")

    def close(self) -> None:
        """End what still carries our mark, then the guardian."""
        if not self._pid:
            return
        sweep.end_all(os.fsencode(self._owner))
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._pipe)
        self._pid = 0


class NoGuardian:
    """The twin for hosts that start no processes: it only counts."""

    def __init__(self) -> None:
        self.starts = 0

    def start(self) -> None:
        """Begin to watch over this process."""
        self.starts += 1

    def remove_after_death(self, folder: str) -> None:
        """Nothing dies here."""
        self.start()

    def close(self) -> None:
        """All is well: go away."""
        self.starts = 0

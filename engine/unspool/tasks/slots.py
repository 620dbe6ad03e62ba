"""Files that a task's output goes straight into, each pair used by one attempt after another."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MAX_INLINE = 256 * 1024  # bytes of a stream that travel in the event; more travel as a file
_PART = 1024 * 1024  # bytes read at once


class Slots:
    """Hands slots out and takes them back; there are as many as attempts at once."""

    def __init__(self, folder: Path, epoch: int) -> None:
        """Prepare; nothing is made yet.

        Args:
            folder: of the journal; `slots/` and `logs/` in it take the output.
            epoch: of the owner, so that two owners never share an output file.
        """
        self._folder = folder / "slots"
        self._logs = str(folder / "logs")
        self._epoch = epoch
        self._count = 0
        self._free: dict[str | None, list[Slot]] = {None: []}

    def take(self, private: str | None = None) -> Slot:
        """Give a slot whose files are empty.

        Args:
            private: the folder for what an attempt is handed, and hands over, by a file; None for the slots' own.

        Raises:
            OSError: its files cannot be made.
        """
        free = self._free.get(private)
        if free:
            return free.pop()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._count += 1
        return Slot(self._folder, f"{self._epoch}-{self._count}", private)

    def keep(self, slot: Slot, run: str, attempt: str) -> None:
        """Give what an attempt wrote its name among the run's logs.

        Raises:
            OSError: it cannot be kept.
        """
        slot.keep(f"{self._logs}/{run}", attempt)

    def give_back(self, slot: Slot) -> None:
        """Take a slot back."""
        self._free.setdefault(slot.private, []).append(slot)

    def close(self) -> None:
        """Close and remove the files of all slots that came back."""
        for free in self._free.values():
            for slot in free:
                slot.close()
            free.clear()


class Slot:
    """Two output files that one attempt after another writes to.

    Making two files costs a tenth of a short task, so an empty one serves the next attempt; one that
    was written to, or that a process left behind may still write to, gets the attempt's name and is
    replaced. A lock tells: each attempt has descriptors opened for it alone, which hold a shared one.
    """

    def __init__(self, folder: Path, name: str, private: str | None = None) -> None:
        self.private = private
        self.paths = {stream: str(folder / f"{name}.{stream}") for stream in ("out", "err")}
        handed = f"{folder if private is None else private}/{name}"
        self.output = f"{handed}.output"
        self.input = f"{handed}.input.json"
        self.files: dict[str, int] = {}
        try:
            for stream, path in self.paths.items():
                self.files[stream] = _open(path)
        except OSError:  # too many are open
            self.close()
            raise

    def lend(self) -> tuple[int, int]:
        """Give descriptors of `out` and `err` for one attempt's processes to inherit; the caller closes them."""
        out = _lend(self.files["out"])
        try:
            return out, _lend(self.files["err"])
        except OSError:
            os.close(out)
            raise

    def read(self, stream: str, most: int = MAX_INLINE) -> bytes:
        """Give all that was written to `out` or `err`, at most one byte more than `most`."""
        return os.pread(self.files[stream], most + 1, 0)

    def parts(self, stream: str) -> Iterator[bytes]:
        """Give all that was written to `out` or `err`, also where the file's name has been removed."""
        at = 0
        while part := os.pread(self.files[stream], _PART, at):
            at += len(part)
            yield part

    def written_at(self, now: float) -> float:
        """Give the moment of the last write to `out` or `err`; where there was none, one before the attempt began.

        Args:
            now: the moment, by the clock that the answer is told in. The clock of the files may be another.
        """
        last = max(os.fstat(file).st_mtime for file in self.files.values())
        return now - max(0.0, time.time() - last)

    def keep(self, folder: str, name: str) -> None:
        """Give the attempt's output its own name in `folder`, if there is any, and be empty again."""
        for stream, file in self.files.items():
            status = os.fstat(file)
            if status.st_size or not status.st_nlink or _is_lent(file):
                os.makedirs(folder, mode=0o700, exist_ok=True)
                with suppress(FileNotFoundError):  # a task may have removed even this, with all of the state folder
                    os.rename(self.paths[stream], f"{folder}/{name}.{stream}")
                self.files[stream] = _open(self.paths[stream])
                os.close(file)

    def close(self) -> None:
        """Close and remove the files."""
        for stream, file in self.files.items():
            os.close(file)
            Path(self.paths[stream]).unlink(missing_ok=True)
        Path(self.input).unlink(missing_ok=True)
        remove(self.output)


def _lend(file: int) -> int:
    lent = os.open(f"/proc/self/fd/{file}", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)  # its name may be gone
    fcntl.flock(lent, fcntl.LOCK_SH)
    return lent


def _is_lent(file: int) -> bool:
    """Whether a process still has what was lent of a file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _open(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return os.open(path, flags, 0o600)


def remove(path: str) -> None:
    """Remove what a task may have put there, whatever it is."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        import shutil  # 2 ms, for what nobody does on purpose

        shutil.rmtree(path, ignore_errors=True)

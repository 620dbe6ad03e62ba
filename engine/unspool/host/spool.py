"""Requests from other processes: files in a folder of the journal, and the twin in memory."""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from unspool.errors import UnspoolError
from unspool.host.ports import Request

_WAKE = "wake"
_TICK = 50_000_000  # nanoseconds within which two changes of a folder may bear the same time
_MAX_BYTES = 1024 * 1024  # of a request


class FileSpool:
    """A folder where anybody who may write the state puts requests, and the owner finds them.

    A request is one file that appears under its name when it is whole. Its answer is a file beside
    it; the request goes when the answer is there. The pipe `wake` only saves the owner's patience.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pipe = -1
        self._seen_at = 0
        self._pending: list[Request] = []

    def send(self, request: Request) -> None:
        """Put a request into the spool and call its owner; sending it twice is sending it once.

        Raises:
            UnspoolError: it is larger than its owner would read.
        """
        text = json.dumps(request._asdict())
        if len(text) > _MAX_BYTES:
            most = f"a request takes {_MAX_BYTES:,}: hand large ones over in files"
            raise UnspoolError(f"the values are {len(text):,} bytes, and {most}")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{request.id}.part"
        part.write_text(text)
        now = time.time_ns()  # finer than what the file system notes by itself: requests keep their order
        os.utime(part, ns=(now, now))
        part.rename(self._folder / f"{request.id}.json")
        self._call()

    def take(self) -> list[Request]:
        """Give the requests that have not been answered, oldest first."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if changed != self._seen_at:
            # What comes within the same tick as this look does not show: then look again next time.
            self._seen_at = changed if time.time_ns() - changed > _TICK else 0
            self._pending = self._look()
        return list(self._pending)

    def answer(self, request: str, text: str) -> None:
        """Say what became of a request; it will not be given again."""
        part = self._folder / f"{request}.answer.part"
        part.write_text(text)
        part.rename(self._folder / f"{request}.answer")
        (self._folder / f"{request}.json").unlink(missing_ok=True)

    def answered(self, request: str) -> str | None:
        """Give the answer to a request, None while there is none."""
        try:
            return (self._folder / f"{request}.answer").read_text()
        except FileNotFoundError:
            return None

    def withdraw(self, request: str) -> None:
        """Take a request and its answer away."""
        for ending in ("json", "answer"):
            (self._folder / f"{request}.{ending}").unlink(missing_ok=True)

    def listen(self) -> int:
        """Open the pipe that senders call by, and give the descriptor to watch."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / _WAKE
        if not path.is_fifo():
            path.unlink(missing_ok=True)
            os.mkfifo(path, 0o600)
        # Opened for both, so that it never reads as ended when a sender goes.
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        return self._pipe

    def heard(self) -> None:
        """Empty the pipe."""
        try:
            os.read(self._pipe, 4096)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Listen no more."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def _look(self) -> list[Request]:
        found = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    with suppress(FileNotFoundError):  # withdrawn meanwhile
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
        requests = [_read(self._folder / name) for _, name in sorted(found)]
        return [request for request in requests if request is not None]

    def _call(self) -> None:
        try:
            pipe = os.open(self._folder / _WAKE, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return  # nobody listens now; the request waits
        try:
            os.write(pipe, b"!")
        except BlockingIOError:
            pass  # the pipe is full of calls already
        finally:
            os.close(pipe)


class MemorySpool:
    """Requests in a dictionary: the twin."""

    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}
        self._answers: dict[str, str] = {}

    def send(self, request: Request) -> None:
        """Put a request into the spool; sending it twice is sending it once."""
        self._requests[request.id] = request

    def take(self) -> list[Request]:
        """Give the requests that have not been answered, oldest first."""
        return list(self._requests.values())

    def answer(self, request: str, text: str) -> None:
        """Say what became of a request; it will not be given again."""
        self._answers[request] = text
        self._requests.pop(request, None)

    def answered(self, request: str) -> str | None:
        """Give the answer to a request, None while there is none."""
        return self._answers.get(request)

    def withdraw(self, request: str) -> None:
        """Take a request and its answer away."""
        self._requests.pop(request, None)
        self._answers.pop(request, None)


def new_request(run: str, action: str, task: str | None = None, by: str = "person", note: str | None = None) -> Request:
    """Build a request with an id of its own."""
    return Request(os.urandom(8).hex(), run, action, task, by, note)


def _read(file: Path) -> Request | None:
    """Read a request; what is none is put aside, so that it is not looked at again."""
    try:
        return _parse(file)
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError, RecursionError):
        with suppress(OSError):
            file.rename(file.with_suffix(".refused"))
        return None


def _parse(file: Path) -> Request:
    """Read a request that anybody may have written; ValueError or TypeError where it is none."""
    with open(file, encoding="utf-8", opener=_carefully) as opened:
        status = os.fstat(opened.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_BYTES:
            raise ValueError("not a file of a request's size")
        request = Request(**json.load(opened, parse_constant=_refuse))
    texts = [request.id, request.run, request.action, request.by, request.task or "", request.note or ""]
    texts.append(request.key or "")
    if not isinstance(request.given, dict | None):
        raise TypeError("not the values of a request")
    if request.id != file.stem or not all(isinstance(text, str) for text in texts):
        raise ValueError("not the texts of a request")
    return request


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")  # and no journal could keep it


def _carefully(path: str, flags: int) -> int:
    """Open what may be a link or a pipe without following it or waiting for it."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

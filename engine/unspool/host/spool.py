"""Requests from other processes: files in a folder of the journal, and the twin in memory."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from unspool.host.ports import Request

_WAKE = "wake"


class FileSpool:
    """A folder where anybody who may write the state puts requests, and the owner finds them.

    A request is one file that appears under its name when it is whole. Its answer is a file beside
    it; the request goes when the answer is there. The pipe `wake` only saves the owner's patience.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pipe = -1
        self._seen_at = 0

    def send(self, request: Request) -> None:
        """Put a request into the spool and call its owner; sending it twice is sending it once."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f"{request.id}.part"
        part.write_text(json.dumps(request._asdict()))
        part.rename(self._folder / f"{request.id}.json")
        self._call()

    def take(self) -> list[Request]:
        """Give the requests that have not been answered, oldest first."""
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        if changed == self._seen_at:
            return []
        self._seen_at = changed
        files = sorted(self._folder.glob("*.json"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        return [request for file in files if (request := _read(file)) is not None]

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
        if not path.exists():
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


def new_request(run: str, action: str, task: str | None = None) -> Request:
    """Build a request with an id of its own."""
    return Request(secrets.token_hex(8), run, action, task)


def _read(file: Path) -> Request | None:
    """Read a request; what is none is put aside, so that it is not looked at again."""
    try:
        return Request(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (TypeError, ValueError):
        file.rename(file.with_suffix(".refused"))
        return None

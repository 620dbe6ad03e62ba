"""Builds attempts and takes their ends, for every test that carries some out."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from unspool.host.artifacts import FileArtifacts
from unspool.host.clock import WallClock
from unspool.host.ports import Reactor
from unspool.host.reactor import EpollReactor
from unspool.model.plan import Task
from unspool.tasks.attempt import AttemptSpec, Ended
from unspool.tasks.run import RunKind
from unspool.tasks.slots import Slots

PATIENCE = 20.0  # seconds until a test gives up


def make_spec(action: dict[str, Any], cwd: Path | str, attempt: int = 1, *, run: str = "r", **more: Any) -> AttemptSpec:
    """Build an attempt. `env`, `number`, `mask` and `private` are its own, the rest of `more` fields of its task."""
    env, number = more.pop("env", {}), more.pop("number", 1)
    mask, private = more.pop("mask", None), more.pop("private", None)
    task = Task(0, more.pop("id", "a"), more.pop("kind", "run"), action, **more)
    return AttemptSpec(run, attempt, number, f"{run}/{task.id}", task, action, env, str(cwd), mask, private)


class Ends:
    """The sink: keeps what it hears, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int, Ended]] = []

    def ended(self, run: str, attempt: int, end: Ended) -> None:
        self.heard.append((run, attempt, end))

    @property
    def keys(self) -> list[tuple[str, int]]:
        return [(run, attempt) for run, attempt, _ in self.heard]


def wait_for_ends(reactor: Reactor, sink: Ends, count: int = 1) -> list[Ended]:
    """Let the reactor wait until so many attempts have ended, and give their ends."""
    deadline = time.monotonic() + PATIENCE
    while len(sink.heard) < count:
        assert time.monotonic() < deadline, f"only {sink.heard} ended"
        reactor.wait(1.0)
    return [end for _, _, end in sink.heard]


class Processes:
    """A RunKind of its own in a folder, with all that it needs."""

    def __init__(self, folder: Path, mark: str = "", env: dict[bytes, bytes] | None = None) -> None:
        self.folder = folder
        self.mark = mark or f"test.{os.getpid()}.{folder}"
        self.reactor = EpollReactor()
        self.sink = Ends()
        self.artifacts = FileArtifacts(folder / "artifacts")
        base = {b"PATH": os.environb[b"PATH"]} if env is None else env
        self.kind = RunKind(self.reactor, WallClock().now, Slots(folder, 1), self.artifacts, self.mark, base)
        self.attempts = 0

    def start(
        self, action: dict[str, Any] | list[str] | str, cwd: Path | str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Begin an attempt: argv, the text of a script, or a whole action; give its record."""
        if isinstance(action, list):
            action = {"argv": action}
        elif isinstance(action, str):
            action = {"script": action, "shell": "sh"}
        self.attempts += 1
        spec = make_spec(action, self.folder if cwd is None else cwd, self.attempts, **more)
        record = self.kind.start(spec, self.sink)
        assert record is not None
        return record

    def run(self, action: dict[str, Any] | list[str] | str, cwd: Path | str | None = None, **more: Any) -> Ended:
        """Carry an attempt out and give its end."""
        count = len(self.sink.heard)
        self.start(action, cwd, **more)
        return wait_for_ends(self.reactor, self.sink, count + 1)[-1]

    def log(self, stream: str = "out", attempt: int | None = None, task: str = "a", run: str = "r") -> bytes | None:
        """Give what the last (or another) attempt wrote; None where there is no file."""
        file = self.folder / "logs" / run / f"{task}.{attempt or self.attempts}.{stream}"
        return file.read_bytes() if file.exists() else None

    def close(self) -> None:
        self.kind.close()
        self.reactor.close()

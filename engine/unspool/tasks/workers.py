"""Processes that stay and run one plain function after another: warm, so that a call costs no start of Python."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from unspool.errors import SpawnError
from unspool.tasks import sweep
from unspool.tasks.attempt import AttemptSpec, StopMode, Watcher, error
from unspool.tasks.process import open_pid, reap, signal_group, status_error

if TYPE_CHECKING:
    from unspool.tasks.pipes import Outlet

_COMMAND = [sys.executable, "-P", "-m", "unspool.worker"]  # -P: no module of the folder we stand in hides another
_MARKS = (os.fsdecode(sweep.OWNER), os.fsdecode(sweep.ATTEMPT))  # no document may change by what a process is found


class Answer(NamedTuple):
    """How a call ended. `value` is what it returned, where `error` is null; `usage` what the system counted."""

    error: dict[str, str] | None
    value: Any = None
    usage: dict[str, float] | None = None


class Call(NamedTuple):
    """A call under way: who hears of its end, and a file in memory that holds the call, then the answer."""

    key: tuple[str, int]
    outlet: Outlet
    file: int
    done: Callable[[Answer], None]


# What one worker may serve: a folder, the secrets it must not have inherited, and those that its calls are given.
Home = tuple[str, tuple[str, ...], tuple[str, ...]]


class _Worker:
    """One process."""

    __slots__ = ("call", "channel", "home", "mark", "pid", "pidfd")

    def __init__(self, pid: int, channel: socket.socket, home: Home, mark: bytes) -> None:
        self.pid = pid
        self.pidfd = open_pid(pid)
        self.channel = channel
        self.home = home
        self.mark = mark
        self.call: Call | None = None


class Workers:
    """Gives calls to workers, which are begun when none is free and ended when they cannot be trusted any more.

    A worker serves one folder, since modules of one name in two folders are not the same. One that was given
    secrets is not used for a task that has no right to them: modules may remember.
    """

    def __init__(self, watcher: Watcher, owner: str, guard: Callable[[], None], most_idle: int) -> None:
        """Prepare; nothing is begun yet.

        Args:
            watcher: told of each worker, so that its answers and its end are heard of.
            owner: the mark by which the guardian knows the processes.
            guard: sees to it that the guardian watches.
            most_idle: how many workers may wait for work; the one that waited longest has to go.
        """
        self.watcher = watcher
        self._owner = os.fsencode(owner)
        self._guard = guard
        self._most_idle = most_idle
        self._count = 0
        self._all: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._busy: dict[tuple[str, int], _Worker] = {}

    def call(self, spec: AttemptSpec, outlet: Outlet, done: Callable[[Answer], None]) -> int:
        """Have a function called, and give the number of the process that does it.

        Raises:
            SpawnError: no worker can be begun.
        """
        lent: tuple[int, ...] = ()
        file = -1
        try:
            lent = outlet.lend()
            file = os.memfd_create("call", os.MFD_CLOEXEC)
            _write(file, spec)
            worker = self._send(_home(spec), lent, file)
        except OSError as problem:
            if file >= 0:
                os.close(file)
            raise SpawnError(f"cannot give {spec.key} to a worker: {problem.strerror}") from None
        finally:
            for descriptor in lent:
                os.close(descriptor)
        worker.call = Call((spec.run, spec.attempt), outlet, file, done)
        self._busy[worker.call.key] = worker
        return worker.pid

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """Ask a function to end by SIGTERM, which raises SystemExit in it, or end its process with all it began."""
        worker = self._busy.get((run, attempt))
        if worker is None:
            return
        if mode == "polite":
            signal_group(worker.pid, signal.SIGTERM)
            signal_group(worker.pid, signal.SIGCONT)
        else:
            self._kill(worker)

    def close(self) -> None:
        """End all workers; of calls under way nobody will hear."""
        for worker in self._all:
            if worker.call is not None:
                os.close(worker.call.file)
            self._forget(worker)
            self._kill(worker)
            os.waitpid(worker.pid, 0)
        self._all.clear()
        self._idle.clear()
        self._busy.clear()

    def _send(self, home: Home, lent: tuple[int, ...], file: int) -> _Worker:
        """Hand a call to a worker that is free, else to a new one."""
        for worker in [worker for worker in self._idle if worker.home == home]:
            self._idle.remove(worker)
            with suppress(ConnectionError):  # it has just died; we shall hear of it
                socket.send_fds(worker.channel, [b"."], [*lent, file])
                return worker
        worker = self._begin(home, lent)
        socket.send_fds(worker.channel, [b"."], [*lent, file])
        return worker

    def _begin(self, home: Home, lent: tuple[int, ...]) -> _Worker:
        self._guard()
        self._count += 1
        mark = b"worker.%d" % self._count
        ours, theirs = socket.socketpair()
        env = {**os.environb, sweep.OWNER: self._owner, sweep.ATTEMPT: mark}
        for secret in home[1]:
            env.pop(os.fsencode(secret), None)
        # Its output is the first call's, so that what Python says when it cannot begin is not lost.
        actions = [(os.POSIX_SPAWN_DUP2, file, place) for place, file in enumerate((theirs.fileno(), *lent))]
        try:
            pid = os.posix_spawn(sys.executable, _COMMAND, env, file_actions=actions, setsid=True, setsigmask=())
            worker = _Worker(pid, ours, home, mark)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._all.add(worker)
        self.watcher.watch(ours.fileno(), lambda: self._hear(worker))
        self.watcher.watch(worker.pidfd, lambda: self._bury(worker))
        return worker

    def _hear(self, worker: _Worker) -> None:
        """Take an answer, or the end of the channel, of which the end of the process tells more."""
        with suppress(ConnectionError):
            if worker.channel.recv(1):
                self._answered(worker)
                return
        self.watcher.forget(worker.channel.fileno())

    def _answered(self, worker: _Worker) -> None:
        call = self._finish(worker)
        if call is None:
            return
        answer = _answer(_read(call.file))
        os.close(call.file)
        if answer.get("tired"):
            self._kill(worker)
        else:
            self._idle.append(worker)
            if len(self._idle) > self._most_idle:
                self._kill(self._idle.pop(0))
        problem = answer.get("error")
        call.done(Answer(error(*problem) if problem else None, answer.get("value"), answer.get("usage")))

    def _bury(self, worker: _Worker) -> None:
        """A worker has ended, and with it the call that it was at."""
        self._all.discard(worker)
        self._forget(worker)
        signal_group(worker.pid, signal.SIGKILL)
        status, _ = reap(worker.pid)
        sweep.end_all(self._owner, worker.mark)
        if worker in self._idle:
            self._idle.remove(worker)
        call = self._finish(worker)
        if call is not None:
            os.close(call.file)
            told = status_error(status) or error("exit_code", "exit code 0")
            message = f"the worker that ran the function ended: {told['message']}"
            call.done(Answer(error(told["class"], message)))

    def _finish(self, worker: _Worker) -> Call | None:
        call, worker.call = worker.call, None
        if call is not None:
            del self._busy[call.key]
        return call

    def _forget(self, worker: _Worker) -> None:
        self.watcher.forget(worker.channel.fileno())
        self.watcher.forget(worker.pidfd)
        worker.channel.close()
        os.close(worker.pidfd)

    def _kill(self, worker: _Worker) -> None:
        signal_group(worker.pid, signal.SIGKILL)
        sweep.end_all(self._owner, worker.mark)


def _home(spec: AttemptSpec) -> Home:
    return spec.cwd, () if spec.mask is None else spec.mask.names, spec.task.secrets


def _write(file: int, spec: AttemptSpec) -> None:
    call = {
        "function": spec.action["function"],
        "with": spec.action.get("with", {}),
        "folder": spec.cwd,
        "live": spec.task.idle_timeout is not None,  # what it writes must be seen while it runs
        "env": {name: text for name, text in spec.env.items() if name not in _MARKS} | _told(spec),
    }
    with open(file, "w", encoding="utf-8", errors="surrogateescape", closefd=False) as stream:
        json.dump(call, stream)
    os.lseek(file, 0, os.SEEK_SET)


def _told(spec: AttemptSpec) -> dict[str, str]:
    return {
        "PWD": spec.cwd,
        "UNSPOOL_RUN": spec.run,
        "UNSPOOL_TASK": spec.task.id,
        "UNSPOOL_TASK_KEY": spec.key,
        "UNSPOOL_ATTEMPT": str(spec.number),
    }


def _answer(content: bytes) -> dict[str, Any]:
    """Read an answer; the function has lived in the same process, and may have spoilt it."""
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or "usage" not in answer:
        return {"error": ["exception", "what the worker answered cannot be read"], "tired": True}
    return answer


def _read(file: int) -> bytes:
    content = bytearray()
    while part := os.pread(file, 1 << 20, len(content)):
        content += part
    return bytes(content)

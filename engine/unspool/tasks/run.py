"""The kind `run`: a command or a script as a process of its own session, its output straight to files."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from unspool.errors import SpawnError
from unspool.tasks import sweep
from unspool.tasks.attempt import AttemptSpec, Ended, Sink, StopMode, Watcher, error
from unspool.tasks.capture import Slot, Store, collect, write_input

# What the interpreter ignores for itself, a child must not inherit as ignored.
_RESTORED = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name)]
_DEFAULT_PATH = b"/usr/local/bin:/usr/bin:/bin"


class _Live:
    """An attempt's process while it lives."""

    __slots__ = ("pid", "pidfd", "sink", "slot", "spec", "started_at", "stopped")

    def __init__(self, spec: AttemptSpec, sink: Sink, slot: Slot, pid: int, started_at: float) -> None:
        self.spec = spec
        self.sink = sink
        self.slot = slot
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.started_at = started_at
        self.stopped = False


class RunKind:
    """Starts processes and watches over them until they and all they left behind are gone."""

    def __init__(
        self,
        watcher: Watcher,
        now: Callable[[], float],
        folder: Path,
        store: Store,
        owner: str,
        epoch: int,
        host_env: Mapping[bytes, bytes] = os.environb,
    ) -> None:
        """Prepare to start processes.

        Args:
            watcher: told of each process, so that its end is heard of.
            now: gives the moment, in seconds since the epoch.
            folder: of the journal; `slots/` and `logs/` in it take the output.
            store: takes values too large for an event.
            owner: the mark by which the guardian knows the processes.
            epoch: of the owner, so that two owners never share an output file.
            host_env: what every task's environment begins with.
        """
        self._watcher = watcher
        self._now = now
        self._folder = folder
        self._logs = str(folder / "logs")
        self._store = store
        self._epoch = epoch
        self._owner = os.fsencode(owner)
        self._base = {**host_env, sweep.OWNER: self._owner}
        self._live: dict[tuple[str, int], _Live] = {}
        self._slots: list[Slot] = []
        self._slot_count = 0
        self._null = -1

    def start(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any] | None:
        """Start the process.

        Raises:
            SpawnError: there is no such program or folder, or the system refuses.
        """
        slot = self._slots.pop() if self._slots else self._new_slot()
        try:
            argv = _argv(spec.action)
            env = self._environment(spec, slot)
            stdin = self._stdin(spec.action.get("stdin"))
            try:
                started_at = self._now()
                pid = _spawn(argv, env, spec.cwd, stdin, slot)
            finally:
                if stdin != self._null:
                    os.close(stdin)
        except BaseException:
            self._slots.append(slot)
            raise
        live = self._live[spec.run, spec.attempt] = _Live(spec, sink, slot, pid, started_at)
        self._watcher.watch(live.pidfd, lambda: self._reap(live))
        return {"pid": pid, "out": slot.paths["out"], "err": slot.paths["err"]}

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """End the process tree: SIGTERM to its group, or SIGKILL to everything that carries its mark."""
        live = self._live.get((run, attempt))
        if live is None:
            return
        live.stopped = True
        if mode == "polite":
            _signal_group(live.pid, signal.SIGTERM)
            _signal_group(live.pid, signal.SIGCONT)  # a stopped process hears nothing else
        else:
            _signal_group(live.pid, signal.SIGKILL)
            sweep.end_all(self._owner, str(attempt).encode())

    def adopt(self, record: dict[str, Any]) -> bool:
        """Never: the guardian has ended what the dead owner had started, and its exit code is lost."""
        return False

    def close(self) -> None:
        """Close the output files."""
        for slot in self._slots:
            slot.close()
        self._slots.clear()
        if self._null >= 0:
            os.close(self._null)
            self._null = -1

    def _reap(self, live: _Live) -> None:
        spec, slot = live.spec, live.slot
        del self._live[spec.run, spec.attempt]
        self._watcher.forget(live.pidfd)
        os.close(live.pidfd)
        # The group must be signalled before its leader is reaped: its number could be given away.
        _signal_group(live.pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(live.pid, 0)[1])
        ended_at = self._now()
        if live.stopped:
            sweep.end_all(self._owner, str(spec.attempt).encode())
        exit_code = status if status >= 0 else 128 - status
        result = collect(spec.task, slot, spec.cwd, self._store, exit_code)
        slot.keep(f"{self._logs}/{spec.run}", f"{spec.task.id}.{spec.attempt}")
        self._slots.append(slot)
        live.sink.ended(spec.run, spec.attempt, Ended(ended_at, live.started_at, _error(status), result))

    def _new_slot(self) -> Slot:
        folder = self._folder / "slots"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._slot_count += 1
        return Slot(folder, f"{self._epoch}-{self._slot_count}")

    def _environment(self, spec: AttemptSpec, slot: Slot) -> dict[bytes, bytes]:
        env = dict(self._base)
        for name, value in spec.env.items():
            env[os.fsencode(name)] = os.fsencode(value)
        for name, value in spec.action.get("values", _NONE).items():
            env[os.fsencode(name)] = os.fsencode(value)
        key = os.fsencode(spec.key)
        env[b"PWD"] = os.fsencode(spec.cwd)
        env[b"UNSPOOL_RUN"] = os.fsencode(spec.run)
        env[b"UNSPOOL_TASK"] = os.fsencode(spec.task.id)
        env[sweep.KEY] = key
        env[b"UNSPOOL_ATTEMPT"] = b"%d" % spec.number
        env[sweep.ATTEMPT] = b"%d" % spec.attempt
        env[b"UNSPOOL_OUTPUT"] = os.fsencode(slot.output)
        if "with" in spec.action:
            write_input(slot, spec.action["with"])
            env[b"UNSPOOL_INPUT"] = os.fsencode(slot.input)
        return env

    def _stdin(self, text: str | None) -> int:
        if text is not None:
            file = os.memfd_create("stdin", os.MFD_CLOEXEC)
            with os.fdopen(os.dup(file), "wb") as stream:
                stream.write(text.encode("utf-8", "surrogateescape"))
            os.lseek(file, 0, os.SEEK_SET)
            return file
        if self._null < 0:
            self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        return self._null


_NONE: dict[str, str] = {}


def _argv(action: dict[str, Any]) -> list[str]:
    if "argv" in action:
        argv: list[str] = action["argv"]
        return argv
    from unspool.compiler.shell import shell_argv  # only scripts need the lexer's module

    return shell_argv(action["shell"], action["script"])


def _spawn(argv: list[str], env: dict[bytes, bytes], cwd: str, stdin: int, slot: Slot) -> int:
    program = _find(argv[0], env.get(b"PATH", _DEFAULT_PATH), cwd)
    actions = [
        (os.POSIX_SPAWN_DUP2, stdin, 0),
        (os.POSIX_SPAWN_DUP2, slot.files["out"], 1),
        (os.POSIX_SPAWN_DUP2, slot.files["err"], 2),
    ]
    home = _enter(cwd)
    try:
        return os.posix_spawn(program, argv, env, file_actions=actions, setsid=True, setsigmask=(), setsigdef=_RESTORED)
    except OSError as problem:
        raise SpawnError(_explain(problem, argv[0], program)) from None
    except ValueError as problem:  # a NUL character in an argument or a variable
        raise SpawnError(f"cannot start {argv[0]!r}: {problem}") from None
    finally:
        if cwd != home:
            os.chdir(home)


def _enter(cwd: str) -> str:
    """Change to `cwd`, since posix_spawn cannot, and give the folder to go back to."""
    home = os.getcwd()
    try:
        if cwd != home:
            os.chdir(cwd)
    except OSError as problem:
        raise SpawnError(f"cannot enter the folder {cwd!r}: {problem.strerror}; check `cwd`") from None
    return home


def _find(name: str, path: bytes, cwd: str) -> bytes:
    """Look a program up in the task's own PATH; relative entries count from the task's folder."""
    if "/" in name:
        return os.fsencode(name)
    for candidate in _candidates(name, path, cwd):
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    raise SpawnError(f"cannot start {name!r}: no such program on the task's PATH ({os.fsdecode(path)})")


@lru_cache(maxsize=256)
def _candidates(name: str, path: bytes, cwd: str) -> tuple[bytes, ...]:
    """Give the places to look at. What is there is asked each time: a task may install a program."""
    return tuple(os.path.join(os.fsencode(cwd), entry, os.fsencode(name)) for entry in path.split(b":"))


def _explain(problem: OSError, name: str, program: bytes) -> str:
    reason = problem.strerror or str(problem)
    if problem.errno == errno.ENOEXEC:
        reason = "it is no program; give it a first line such as `#!/bin/sh`"
    elif problem.errno == errno.ENOENT and os.path.exists(program):
        reason = "the interpreter its first line names does not exist"
    elif problem.errno == errno.E2BIG:
        reason = "its arguments and environment are too long; use `stdin` or `with`"
    return f"cannot start {name!r} ({os.fsdecode(program)}): {reason}"


def _error(status: int) -> dict[str, str] | None:
    if status == 0:
        return None
    if status > 0:
        return error("exit_code", f"exit code {status}")
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return error("signal", f"ended by {name}")


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return

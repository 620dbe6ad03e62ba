"""The kind `run`: a command or a script as a process of its own session, its output straight to files."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from unspool.errors import JournalError, SpawnError
from unspool.model.lognames import log_name
from unspool.tasks import sweep
from unspool.tasks.attempt import AttemptSpec, Ended, Sink, StopMode, Watcher
from unspool.tasks.capture import Store, collect, write_input
from unspool.tasks.process import open_pid, reap, signal_group, status_error
from unspool.tasks.slots import Slot, Slots

if TYPE_CHECKING:
    from unspool.tasks.masking import Mask
    from unspool.tasks.pipes import Pipes

# What the interpreter ignores for itself, a child must not inherit as ignored.
_RESTORED = [getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ") if hasattr(signal, name)]
_NOT_EXECUTABLE = "it is not executable; `chmod +x` makes it so"
_DEFAULT_PATH = b"/usr/local/bin:/usr/bin:/bin"


class _Live:
    """An attempt's process while it lives."""

    __slots__ = ("pid", "pidfd", "pipes", "sink", "slot", "spec", "started_at", "stopped")

    def __init__(
        self, spec: AttemptSpec, sink: Sink, slot: Slot, pid: int, started_at: float, pipes: Pipes | None = None
    ) -> None:
        self.spec = spec
        self.sink = sink
        self.slot = slot
        self.pid = pid
        self.pidfd = open_pid(pid)
        self.started_at = started_at
        self.pipes = pipes
        self.stopped = False


class RunKind:
    """Starts processes and watches over them until they and all they left behind are gone."""

    def __init__(
        self,
        watcher: Watcher,
        now: Callable[[], float],
        slots: Slots,
        store: Store,
        owner: str,
        host_env: Mapping[bytes, bytes] = os.environb,
    ) -> None:
        """Prepare to start processes.

        Args:
            watcher: told of each process, so that its end is heard of.
            now: gives the moment, in seconds since the epoch.
            slots: give the files that output goes to.
            store: takes values too large for an event.
            owner: the mark by which the guardian knows the processes.
            host_env: what every task's environment begins with.
        """
        self._watcher = watcher
        self._now = now
        self._slots = slots
        self._store = store
        self._owner = os.fsencode(owner)
        self._base = dict(host_env)
        self._live: dict[tuple[str, int], _Live] = {}
        self._null = -1
        _keep_descriptors_to_ourselves()

    def start(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any] | None:
        """Start the process.

        Raises:
            SpawnError: there is no such program or folder, or the system refuses.
        """
        try:
            slot = self._slots.take(spec.private)
        except OSError as problem:
            raise SpawnError(f"cannot make output files for {spec.key}: {problem.strerror}") from None
        try:
            live = self._begin(spec, sink, slot)
        except (OSError, ValueError) as problem:  # of the latter: what no process can be given, such as a NUL
            self._slots.give_back(slot)
            raise SpawnError(f"cannot start {spec.key}: {problem}") from None
        except BaseException:
            self._slots.give_back(slot)
            raise
        self._live[spec.run, spec.attempt] = live
        self._watcher.watch(live.pidfd, lambda: self._reap(live))
        return {"pid": live.pid, "out": slot.paths["out"], "err": slot.paths["err"]}

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """End the process tree: SIGTERM to its group, or SIGKILL to everything that carries its mark."""
        live = self._live.get((run, attempt))
        if live is None:
            return
        live.stopped = True
        if mode == "polite":
            signal_group(live.pid, signal.SIGTERM)
            signal_group(live.pid, signal.SIGCONT)  # a stopped process hears nothing else
        else:
            signal_group(live.pid, signal.SIGKILL)
            sweep.end_all(self._owner, _mark(live.spec))

    def last_output(self, run: str, attempt: int) -> float | None:
        """Give the moment at which a process, or one that it began, last wrote something."""
        live = self._live.get((run, attempt))
        return None if live is None else live.slot.written_at(self._now())

    def adopt(self, record: dict[str, Any]) -> bool:
        """Never: the guardian has ended what the dead owner had started, and its exit code is lost."""
        return False

    def close(self) -> None:
        """End what still runs, of which nobody will hear, and close the output files."""
        if self._live:
            sweep.end_all(self._owner)
        for live in self._live.values():
            self._let_go(live)
            if live.pipes is not None:
                live.pipes.close()
            self._slots.give_back(live.slot)
        self._live.clear()
        self._slots.close()
        if self._null >= 0:
            os.close(self._null)
            self._null = -1

    def _begin(self, spec: AttemptSpec, sink: Sink, slot: Slot) -> _Live:
        argv = _argv(spec.action)
        env = self._environment(spec, slot)
        streams = [self._stdin(spec.action.get("stdin"))]
        pipes = None
        try:
            if spec.mask is not None:
                pipes = masked_outlet(self._watcher, slot, spec.mask)
            streams += slot.lend() if pipes is None else pipes.lend()
            started_at = self._now()
            return _Live(spec, sink, slot, _spawn(argv, env, spec.cwd, streams), started_at, pipes)
        except BaseException:
            if pipes is not None:
                pipes.close()
            raise
        finally:
            for stream in streams:
                if stream != self._null:
                    os.close(stream)

    def _let_go(self, live: _Live) -> tuple[int, dict[str, float]]:
        """End a process with its group, and give how it ended and what it used."""
        self._watcher.forget(live.pidfd)
        os.close(live.pidfd)
        # The group must be signalled before its leader is reaped: its number could be given away.
        signal_group(live.pid, signal.SIGKILL)
        return reap(live.pid)

    def _reap(self, live: _Live) -> None:
        spec, slot = live.spec, live.slot
        del self._live[spec.run, spec.attempt]
        status, usage = self._let_go(live)
        ended_at = self._now()
        if live.stopped:
            sweep.end_all(self._owner, _mark(spec))
        exit_code = status if status >= 0 else 128 - status
        try:
            if live.pipes is not None:
                live.pipes.finish()
            result = collect(spec.task, slot, spec.cwd, self._store, exit_code, spec.mask)
            self._slots.keep(slot, spec.run, log_name(spec.task.id, spec.attempt))
        except OSError as problem:  # a full disk, say: what cannot be kept must not be told
            raise JournalError(f"the output of {spec.key} cannot be kept: {problem}") from None
        finally:
            self._slots.give_back(slot)
        live.sink.ended(spec.run, spec.attempt, Ended(ended_at, live.started_at, status_error(status), result, usage))

    def _environment(self, spec: AttemptSpec, slot: Slot) -> dict[bytes, bytes]:
        env = dict(self._base)
        if spec.mask is not None:
            for secret in spec.mask.names:
                env.pop(os.fsencode(secret), None)
        if "script" in spec.action:
            env.pop(b"BASH_ENV", None)  # the document says what a script does, not a file of the host's
        for name, value in spec.env.items():
            env[os.fsencode(name)] = os.fsencode(value)
        for name, value in spec.action.get("values", _NONE).items():
            env[os.fsencode(name)] = os.fsencode(value)
        key = os.fsencode(spec.key)
        env[b"PWD"] = os.fsencode(spec.cwd)
        env[b"UNSPOOL_RUN"] = os.fsencode(spec.run)
        env[b"UNSPOOL_TASK"] = os.fsencode(spec.task.id)
        env[sweep.OWNER] = self._owner  # last of all: no document may take its tasks out of the guardian's sight
        env[sweep.KEY] = key
        env[b"UNSPOOL_ATTEMPT"] = b"%d" % spec.number
        env[sweep.ATTEMPT] = _mark(spec)
        env[b"UNSPOOL_OUTPUT"] = os.fsencode(slot.output)
        if "with" in spec.action:
            write_input(slot, spec.action["with"])
            env[b"UNSPOOL_INPUT"] = os.fsencode(slot.input)
        return env

    def _stdin(self, text: str | None) -> int:
        if text is not None:
            content = text.encode("utf-8", "surrogateescape")
            file = os.memfd_create("stdin", os.MFD_CLOEXEC)
            with os.fdopen(os.dup(file), "wb") as stream:
                stream.write(content)
            os.lseek(file, 0, os.SEEK_SET)
            return file
        if self._null < 0:
            self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        return self._null


_NONE: dict[str, str] = {}


def masked_outlet(watcher: Watcher, slot: Slot, mask: Mask) -> Pipes:
    """Give what stands between an attempt and its files in a run with secrets."""
    from unspool.tasks.pipes import Pipes  # only such runs need it

    return Pipes(watcher, slot, mask)


def _keep_descriptors_to_ourselves() -> None:
    """Let no child inherit what we inherited, such as a pipe that would never read as ended then."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with suppress(OSError):  # the one that listed the folder is closed by now
                os.set_inheritable(int(name), False)  # noqa: FBT003 - it takes no keyword


def _mark(spec: AttemptSpec) -> bytes:
    """Give the mark of an attempt's processes: other runs of this engine count their attempts too."""
    return os.fsencode(f"{spec.run}.{spec.attempt}")


def _argv(action: dict[str, Any]) -> list[str]:
    if "argv" in action:
        argv: list[str] = action["argv"]
        return argv
    from unspool.compiler.shell import shell_argv  # only scripts need the lexer's module

    return shell_argv(action["shell"], action["script"])


def _spawn(argv: list[str], env: dict[bytes, bytes], cwd: str, streams: list[int]) -> int:
    if not argv:
        raise SpawnError("cannot start anything: the list of arguments is empty; its first item names the program")
    program = _find(argv[0], env.get(b"PATH", _DEFAULT_PATH), cwd)
    actions = [(os.POSIX_SPAWN_DUP2, descriptor, place) for place, descriptor in enumerate(streams)]
    home = _enter(cwd)
    try:
        return os.posix_spawn(program, argv, env, file_actions=actions, setsid=True, setsigmask=(), setsigdef=_RESTORED)
    except OSError as problem:
        raise SpawnError(_explain(problem, argv[0], program, cwd)) from None
    except ValueError as problem:  # a NUL character in an argument or a variable
        raise SpawnError(f"cannot start {argv[0]!r}: {problem}") from None
    finally:
        if home >= 0:
            os.fchdir(home)
            os.close(home)


def _enter(cwd: str) -> int:
    """Change to `cwd`, since posix_spawn cannot; give a descriptor to go back by, -1 where we are there."""
    with suppress(FileNotFoundError):  # somebody may have removed the folder that we are in
        if os.getcwd() == cwd:
            return -1
    home = os.open(".", os.O_PATH | os.O_CLOEXEC)
    try:
        os.chdir(cwd)
    except (OSError, ValueError) as problem:
        os.close(home)
        raise SpawnError(f"cannot enter the folder {cwd!r}: {_reason(problem)}; check `cwd`") from None
    return home


def _find(name: str, path: bytes, cwd: str) -> bytes:
    """Look a program up in the task's own PATH; relative entries count from the task's folder."""
    if "/" in name:
        return os.fsencode(name)
    candidates = _candidates(name, path, cwd)
    for candidate in candidates:
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    for candidate in candidates:
        if os.path.isfile(candidate):
            raise SpawnError(f"cannot start {name!r} ({os.fsdecode(candidate)}): {_NOT_EXECUTABLE}")
    raise SpawnError(f"cannot start {name!r}: no such program on the task's PATH ({os.fsdecode(path)})")


@lru_cache(maxsize=256)
def _candidates(name: str, path: bytes, cwd: str) -> tuple[bytes, ...]:
    """Give the places to look at. What is there is asked each time: a task may install a program."""
    return tuple(os.path.join(os.fsencode(cwd), entry, os.fsencode(name)) for entry in path.split(b":"))


def _explain(problem: OSError, name: str, program: bytes, cwd: str) -> str:
    reason = _reason(problem)
    if problem.errno == errno.ENOEXEC:
        reason = "it is no program; give it a first line such as `#!/bin/sh`"
    elif problem.errno == errno.ENOENT and os.path.exists(program):
        reason = "the interpreter its first line names does not exist; correct that line, or install it"
    elif problem.errno == errno.ENOENT:
        reason = f"no such file; a path counts from the task's folder, which is {cwd}"
    elif problem.errno == errno.EACCES:
        reason = "it is a folder" if os.path.isdir(program) else _NOT_EXECUTABLE
    elif problem.errno == errno.E2BIG:
        reason = "its arguments and environment are too long; use `stdin` or `with`"
    return f"cannot start {name!r} ({os.fsdecode(program)}): {reason}"


def _reason(problem: OSError | ValueError) -> str:
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)

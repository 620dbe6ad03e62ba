"""Runs plain functions for an engine, one after another: `python -m unspool.worker`, on the socket at descriptor 0.

Each call comes as one byte with three descriptors: where its output goes, where its errors go, and a
file in memory that holds the call as JSON and takes the answer. One byte goes back. The end of the
socket ends the worker. Nothing of unspool is imported here, and little else, before a call asks for it.
"""

import fcntl
import importlib
import json
import os
import resource
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any

TIRED = "tired"  # of an answer: this worker is not as it was, and should not be used again


class _Stopped(SystemExit):
    """The engine wants the call to end."""


class _NotLoaded(Exception):
    """There is no such module or function."""


def main() -> None:
    """Serve calls until the engine hangs up."""
    engine = socket.socket(fileno=fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3))
    null = fcntl.fcntl(os.open(os.devnull, os.O_RDWR), fcntl.F_DUPFD_CLOEXEC, 3)
    _lead_to(null, null, null)
    while True:
        byte, descriptors, _, _ = socket.recv_fds(engine, 1, 3)
        if not byte:
            return
        out, errors, call = descriptors
        _lead_to(null, out, errors)
        os.close(out)
        os.close(errors)
        with os.fdopen(call, "r+b") as file:
            answer = _serve(json.load(file))
            _lead_to(null, null, null)
            file.seek(0)
            file.truncate()
            file.write(answer)
        engine.send(b".")


def _lead_to(*descriptors: int) -> None:
    """Let standard input, output and errors be these."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed by a function, or led to a full disk
            stream.flush()
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)


def _serve(call: dict[str, Any]) -> bytes:
    """Carry a call out and give the answer as JSON."""
    answer: dict[str, Any] = {}
    used = _cpu()
    with suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the highest use of memory counts anew
    before = dict(os.environ)
    try:
        os.environ.update(call["env"])
        os.chdir(call["folder"])
        with suppress(AttributeError, ValueError):  # replaced or closed by a function
            sys.stdout.reconfigure(line_buffering=call.get("live", False))  # type: ignore[union-attr]
        signal.signal(signal.SIGTERM, _stop)
        value = _call(call["function"], call["folder"], call["with"])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except _Stopped:
        answer = {"error": ["cancelled", "the function was stopped"], TIRED: True}
    except _NotLoaded as problem:
        traceback.print_exception(problem.__cause__)
        answer = {"error": ["spawn_failed", str(problem)]}
    except BaseException as raised:  # noqa: BLE001 - whatever a user's function raises is a task's failure
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        traceback.print_exc()
        answer = {"error": ["exception", _told(raised)]}
    else:
        answer = _plain(value)
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)
    answer["usage"] = {"cpu_s": round(_cpu() - used, 6), **_memory_peak()}
    if _left_something():
        answer[TIRED] = True
    return json.dumps(answer).encode()


def _cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _memory_peak() -> dict[str, float]:
    """Give the highest use of memory since it last began to count; `getrusage` adds what the engine had."""
    with suppress(OSError, ValueError, StopIteration), open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
        return {"memory_peak_mb": round(int(line.split()[1]) / 1024, 1)}
    return {}


def _stop(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped


def _call(name: str, folder: str, arguments: dict[str, Any]) -> object:
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module, _, attribute = name.partition(":")
    try:
        loaded = importlib.import_module(module)
        _check_home(getattr(loaded, "__file__", None), os.path.join(folder, *module.split(".")))
        function = getattr(loaded, attribute)
    except (Exception, SystemExit) as problem:
        raise _NotLoaded(f"cannot load {name!r} from {folder}: {_told(problem)}") from problem
    value = function(**arguments)
    if hasattr(value, "__await__"):
        import asyncio

        async def awaited() -> object:
            return await value

        return asyncio.run(awaited())
    return value


def _check_home(origin: str | None, own: str) -> None:
    """Refuse a module of Python itself that hides one of the task's folder."""
    for file in (f"{own}.py", os.path.join(own, "__init__.py")):
        if os.path.isfile(file) and (origin is None or not os.path.samefile(file, origin)):
            raise ImportError(f"another of that name is already loaded, from {origin}; rename {file}")


def _plain(value: object) -> dict[str, Any]:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        return {"error": ["output_invalid", f"what the function returned is no plain JSON: {problem}"]}
    return {"value": value}


def _told(raised: BaseException) -> str:
    try:
        return f"{type(raised).__name__}: {raised}"
    except Exception:  # noqa: BLE001 - its own __str__ may raise anything
        return type(raised).__name__


def _left_something() -> bool:
    """Whether the function left processes or threads behind."""
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        return True
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


if __name__ == "__main__":
    main()

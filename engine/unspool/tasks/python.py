"""The kind `python`: an `async def` function of the user's project, run in the engine's own loop."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from unspool.errors import SpawnError
from unspool.model.plan import Task
from unspool.tasks.attempt import AttemptSpec, Ended, Sink, StopMode, error
from unspool.tasks.capture import MAX_INLINE, Store, travel


class Handle(Protocol):
    """A coroutine that runs."""

    def cancel(self) -> bool:
        """Ask it to end."""


class Spawner(Protocol):
    """Runs coroutines while its owner waits."""

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> Handle:
        """Run a coroutine to its end."""


class PythonKind:
    """Calls `module:function` with the members of `with` as keyword arguments.

    The function is looked for in the task's folder first. What it returns must be plain JSON; it is
    `result.json`, and the members of a map it returns are the task's outputs by name.
    """

    def __init__(self, spawner: Spawner, now: Callable[[], float], folder: Path, store: Store) -> None:
        self._spawner = spawner
        self._now = now
        self._folder = folder
        self._store = store
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self._live: dict[tuple[str, int], tuple[Handle, Sink, float]] = {}

    def start(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any] | None:
        """Schedule the call.

        Raises:
            SpawnError: there is no such module or function, or it is no `async def`.
        """
        function = self._find(spec.action["function"], spec.cwd)
        at = self._now()
        handle = self._spawner.spawn(self._call(function, spec, sink, at))
        self._live[spec.run, spec.attempt] = (handle, sink, at)
        return None

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """Cancel the coroutine. One that does not end by itself is let go at the forced end."""
        live = self._live.get((run, attempt))
        if live is None:
            return
        handle, sink, at = live
        handle.cancel()
        if mode == "forced":
            del self._live[run, attempt]
            problem = error("cancelled", "it did not end when it was cancelled")
            sink.ended(run, attempt, Ended(self._now(), at, problem))

    def adopt(self, record: dict[str, Any]) -> bool:
        """Never: a coroutine dies with its engine."""
        return False

    def close(self) -> None:
        """Forget the functions."""
        self._functions.clear()

    async def _call(self, function: Callable[..., Any], spec: AttemptSpec, sink: Sink, at: float) -> None:
        problem, result = None, None
        try:
            value = await function(**spec.action.get("with", {}))
            if value is not None:
                result = _collect(spec.task, value, self._store)
        except _NotPlain as refused:
            problem = error("output_invalid", str(refused))
        except (KeyboardInterrupt, SystemExit) as leaving:
            problem = error("exception", f"{type(leaving).__name__}: {leaving}")
        except BaseException as raised:  # noqa: BLE001 - whatever a user's function raises is a task's failure
            problem = error(*_describe(raised))
            self._write_log(spec, traceback.format_exc())
        if self._live.pop((spec.run, spec.attempt), None) is not None:
            sink.ended(spec.run, spec.attempt, Ended(self._now(), at, problem, result))

    def _find(self, name: str, folder: str) -> Callable[..., Any]:
        known = self._functions.get((folder, name))
        if known is not None:
            return known
        if folder not in sys.path:
            sys.path.insert(0, folder)
        module, _, attribute = name.partition(":")
        try:
            function = getattr(importlib.import_module(module), attribute)
        except Exception as problem:  # noqa: BLE001 - a module may raise anything while it is imported
            raise SpawnError(f"cannot load {name!r} from {folder}: {type(problem).__name__}: {problem}") from None
        if not inspect.iscoroutinefunction(function):
            raise SpawnError(f"{name!r} is no `async def` function; this version runs no others")
        self._functions[folder, name] = function
        return function  # type: ignore[no-any-return]

    def _write_log(self, spec: AttemptSpec, text: str) -> None:
        folder = self._folder / "logs" / spec.run
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"{spec.task.id}.{spec.attempt}.err").write_text(text, encoding="utf-8", errors="replace")


class _NotPlain(Exception):
    """A function returned what is no plain JSON."""


def _describe(raised: BaseException) -> tuple[str, str]:
    if type(raised).__name__ == "CancelledError":
        return "cancelled", "the coroutine was cancelled"
    return "exception", f"{type(raised).__name__}: {raised}"


def _collect(task: Task, value: Any, store: Store) -> dict[str, Any]:
    try:
        content = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        raise _NotPlain(f"what the function returned is no plain JSON: {problem}") from None
    fits = len(content) <= MAX_INLINE
    wrapped = {"inline": json.loads(content)} if fits else travel(content.encode(), store)
    collected: dict[str, Any] = {"value": wrapped}
    if isinstance(value, dict):
        names = [output.name for output in task.outputs if output.name in value]
        collected["output"] = {name: {"inline": json.loads(json.dumps(value[name]))} for name in names}
    return collected

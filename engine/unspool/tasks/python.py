"""The kind `python`: an `async def` function of the user's project, run in the engine's own loop."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from unspool.errors import SpawnError
from unspool.model.plan import Task
from unspool.tasks.attempt import AttemptSpec, Ended, Sink, StopMode, error
from unspool.tasks.capture import Store, travel
from unspool.tasks.slots import MAX_INLINE


class Handle(Protocol):
    """A coroutine that runs."""

    def cancel(self) -> bool:
        """Ask it to end; one that has not begun yet never does."""


class Spawner(Protocol):
    """Runs coroutines while its owner waits."""

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> Handle:
        """Run a coroutine to its end."""


class _Live:
    """A call under way."""

    __slots__ = ("at", "begun", "handle", "sink")

    def __init__(self, sink: Sink, at: float) -> None:
        self.sink = sink
        self.at = at
        self.begun = False
        self.handle: Handle


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
        self._live: dict[tuple[str, int], _Live] = {}

    def start(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any] | None:
        """Schedule the call.

        Raises:
            SpawnError: there is no such module or function, or it is no `async def`.
        """
        function = self._find(spec.action["function"], spec.cwd)
        live = self._live[spec.run, spec.attempt] = _Live(sink, self._now())
        live.handle = self._spawner.spawn(self._call(function, spec, live))
        return None

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """Cancel the coroutine. One that does not end by itself is let go at the forced end."""
        live = self._live.get((run, attempt))
        if live is None:
            return
        live.handle.cancel()
        if mode == "forced" or not live.begun:
            del self._live[run, attempt]
            message = "it did not end when it was cancelled" if live.begun else "it was cancelled before it began"
            live.sink.ended(run, attempt, Ended(self._now(), live.at, error("cancelled", message)))

    def adopt(self, record: dict[str, Any]) -> bool:
        """Never: a coroutine dies with its engine."""
        return False

    def close(self) -> None:
        """Cancel what still runs, of which nobody will hear, and forget the functions."""
        for live in self._live.values():
            live.handle.cancel()
        self._live.clear()
        self._functions.clear()

    async def _call(self, function: Callable[..., Any], spec: AttemptSpec, live: _Live) -> None:
        live.begun = True
        problem, result, trace = None, None, ""
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
            trace = traceback.format_exc()
        if self._live.pop((spec.run, spec.attempt), None) is None:
            return  # it was let go: nobody waits for it any more
        if trace:
            self._write_log(spec, trace)
        live.sink.ended(spec.run, spec.attempt, Ended(self._now(), live.at, problem, result))

    def _find(self, name: str, folder: str) -> Callable[..., Any]:
        known = self._functions.get((folder, name))
        if known is not None:
            return known
        if folder not in sys.path:
            sys.path.insert(0, folder)
        module, _, attribute = name.partition(":")
        try:
            loaded = importlib.import_module(module)
            _check_home(loaded, folder)
            function = getattr(loaded, attribute)
        except SpawnError:
            raise
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - a module may raise anything while it is imported
            raise SpawnError(f"cannot load {name!r} from {folder}: {type(problem).__name__}: {problem}") from None
        if not inspect.iscoroutinefunction(function):
            raise SpawnError(f"{name!r} is no `async def` function; this version runs no others")
        self._functions[folder, name] = function
        return function  # type: ignore[no-any-return]

    def _write_log(self, spec: AttemptSpec, text: str) -> None:
        folder = self._folder / "logs" / spec.run
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"{spec.task.id}.{spec.attempt}.err").write_text(text, encoding="utf-8", errors="replace")


def _check_home(module: ModuleType, folder: str) -> None:
    """Refuse a module that was loaded before from elsewhere, where the task's folder has its own of that name."""
    path = Path(folder, *module.__name__.split("."))
    mine = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
    origin = getattr(module, "__file__", None)
    if mine and (origin is None or not any(file.samefile(origin) for file in mine)):
        raise SpawnError(f"{module.__name__!r} is already loaded from {origin}, not {mine[0]}; rename one of them")


class _NotPlain(Exception):
    """A function returned what is no plain JSON."""


def _describe(raised: BaseException) -> tuple[str, str]:
    if type(raised).__name__ == "CancelledError":
        return "cancelled", "the coroutine was cancelled"
    try:
        return "exception", f"{type(raised).__name__}: {raised}"
    except Exception:  # noqa: BLE001 - its own __str__ may raise anything
        return "exception", type(raised).__name__


def _collect(task: Task, value: Any, store: Store) -> dict[str, Any]:
    try:
        content = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        raise _NotPlain(f"what the function returned is no plain JSON: {problem}") from None
    fits = len(content) <= MAX_INLINE
    wrapped = {"inline": json.loads(content)} if fits else travel(content.encode(), store)
    collected: dict[str, Any] = {"value": wrapped}
    if isinstance(value, dict):
        collected["output"] = {
            output.name: _wrap(value[output.name], store, output.max_bytes)
            for output in task.outputs
            if output.name in value
        }
    return collected


def _wrap(value: Any, store: Store, most: int) -> dict[str, Any]:
    content = json.dumps(value)
    if len(content) <= most:
        return {"inline": json.loads(content)}
    content = value if isinstance(value, str) else content
    encoded = content.encode("utf-8", "surrogatepass")
    return {"inline": content} if len(encoded) <= most else travel(encoded, store, most)

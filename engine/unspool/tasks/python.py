"""The kind `python`: a function of the user's project; an `async def` in the engine's own loop, others in workers."""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from unspool.core.results import is_text
from unspool.errors import JournalError, SpawnError
from unspool.model.lognames import log_name
from unspool.model.plan import Task
from unspool.tasks.attempt import AttemptSpec, Ended, Sink, StopMode, error
from unspool.tasks.capture import Store, streams, travel
from unspool.tasks.printed import Printed, unroute
from unspool.tasks.run import masked_outlet
from unspool.tasks.slots import MAX_INLINE, Slot, Slots
from unspool.tasks.workers import Answer, Workers

if TYPE_CHECKING:
    from unspool.tasks.masking import Mask
    from unspool.tasks.pipes import Pipes


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

    __slots__ = ("at", "begun", "handle", "printed", "sink")

    def __init__(self, sink: Sink, at: float, printed: Printed) -> None:
        self.sink = sink
        self.at = at
        self.printed = printed
        self.begun = False
        self.handle: Handle


class PythonKind:
    """Calls `module:function` with the members of `with` as keyword arguments.

    The function is looked for in the task's folder first. What it returns must be plain JSON; it is
    `result.json`, and the members of a map it returns are the task's outputs by name.
    """

    def __init__(
        self, spawner: Spawner, now: Callable[[], float], slots: Slots, store: Store, workers: Workers
    ) -> None:
        """Prepare to call functions.

        Args:
            spawner: runs coroutines.
            now: gives the moment, in seconds since the epoch.
            slots: give the files that the output of plain functions goes to.
            store: takes values too large for an event.
            workers: run plain functions.
        """
        self._spawner = spawner
        self._now = now
        self._slots = slots
        self._store = store
        self._workers = workers
        self._lent: dict[Slot, Pipes | None] = {}
        self._called: dict[tuple[str, int], Slot] = {}  # what calls under way write to
        self._plain: dict[tuple[str, str], bool] = {}
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self._live: dict[tuple[str, int], _Live] = {}

    def start(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any] | None:
        """Schedule the call.

        Raises:
            SpawnError: a coroutine's module cannot be imported, or no worker can be begun.
        """
        if self._is_plain(spec):
            return self._call_worker(spec, sink)
        if spec.task.secrets:
            raise SpawnError(
                f"{spec.action['function']} is an `async def`, which runs in the engine, has no environment of its "
                f"own, and so cannot be given secrets; make it a plain `def`"
            )
        function = self._find(spec.action["function"], spec.cwd)
        live = self._live[spec.run, spec.attempt] = _Live(sink, self._now(), Printed(self._slots, spec.mask))
        live.handle = self._spawner.spawn(self._call(function, spec, live))
        return None

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """Cancel the coroutine. One that does not end by itself is let go at the forced end."""
        live = self._live.get((run, attempt))
        if live is None:
            self._workers.stop(run, attempt, mode)
            return
        live.handle.cancel()
        if mode == "forced" or not live.begun:
            del self._live[run, attempt]
            message = "it did not end when it was cancelled" if live.begun else "it was cancelled before it began"
            live.sink.ended(run, attempt, Ended(self._now(), live.at, error("cancelled", message)))

    def last_output(self, run: str, attempt: int) -> float | None:
        """Give the moment at which a function last wrote something; None: a coroutine never did."""
        live = self._live.get((run, attempt))
        if live is not None:
            return live.printed.written_at(self._now())
        slot = self._called.get((run, attempt))
        return None if slot is None else slot.written_at(self._now())

    def adopt(self, record: dict[str, Any]) -> bool:
        """Never: a coroutine dies with its engine."""
        return False

    def close(self) -> None:
        """Cancel what still runs, of which nobody will hear, and forget the functions."""
        for live in self._live.values():
            live.handle.cancel()
        self._live.clear()
        self._functions.clear()
        self._workers.close()
        unroute()
        for slot, pipes in self._lent.items():
            if pipes is not None:
                pipes.close()
            self._slots.give_back(slot)
        self._lent.clear()
        self._slots.close()

    def _is_plain(self, spec: AttemptSpec) -> bool:
        key = (spec.cwd, spec.action["function"])
        if key not in self._plain:
            from unspool.tasks.functions import is_coroutine  # and `ast`, once for each function

            self._plain[key] = not is_coroutine(key[1], key[0])
        return self._plain[key]

    def _call_worker(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any]:
        try:
            slot = self._slots.take(spec.private)
        except OSError as problem:
            raise SpawnError(f"cannot make output files for {spec.key}: {problem.strerror}") from None
        pipes = None if spec.mask is None else masked_outlet(self._workers.watcher, slot, spec.mask)
        at = self._now()

        def done(answer: Answer) -> None:
            sink.ended(spec.run, spec.attempt, self._end(spec, slot, at, answer))

        try:
            pid = self._workers.call(spec, slot if pipes is None else pipes, done)
        except BaseException:
            if pipes is not None:
                pipes.close()
            self._slots.give_back(slot)
            raise
        self._lent[slot] = pipes
        self._called[spec.run, spec.attempt] = slot
        return {"pid": pid, "out": slot.paths["out"], "err": slot.paths["err"]}

    def _end(self, spec: AttemptSpec, slot: Slot, at: float, answer: Answer) -> Ended:
        ended_at = self._now()
        problem, result = self._result(spec, answer.error, answer.value)
        del self._called[spec.run, spec.attempt]
        try:
            if (pipes := self._lent.pop(slot, None)) is not None:
                pipes.finish()
            result = {**streams(spec.task, slot, self._store), **(result or {})}
            self._slots.keep(slot, spec.run, log_name(spec.task.id, spec.attempt))
        except OSError as refused:  # a full disk, say: what cannot be kept must not be told
            raise JournalError(f"the output of {spec.key} cannot be kept: {refused}") from None
        finally:
            self._slots.give_back(slot)
        return Ended(ended_at, at, problem, result or None, answer.usage)

    async def _call(self, function: Callable[..., Any], spec: AttemptSpec, live: _Live) -> None:
        live.begun = True
        printed = live.printed
        printed.take_over()
        problem, value, trace = None, None, ""
        try:
            value = await function(**spec.action.get("with", {}))
        except (KeyboardInterrupt, SystemExit) as leaving:
            problem = error("exception", f"{type(leaving).__name__}: {leaving}")
        except BaseException as raised:  # noqa: BLE001 - whatever a user's function raises is a task's failure
            problem = error(*_describe(raised))
            trace = traceback.format_exc()
        if self._live.pop((spec.run, spec.attempt), None) is None:
            printed.drop()
            return  # it was let go: nobody waits for it any more
        ended_at = self._now()
        problem, result = self._result(spec, problem, value)
        if trace:
            printed.write("err", trace)
        if not printed.is_empty or spec.task.collect:
            self._finish(printed, spec)
            result = {**streams(spec.task, printed.slot, self._store), **(result or {})} or None
            self._keep(printed, spec)
        live.sink.ended(spec.run, spec.attempt, Ended(ended_at, live.at, problem, result))

    def _finish(self, printed: Printed, spec: AttemptSpec) -> None:
        try:
            printed.finish()
        except OSError as refused:
            printed.drop()
            raise JournalError(f"the output of {spec.key} cannot be kept: {refused}") from None

    def _keep(self, printed: Printed, spec: AttemptSpec) -> None:
        try:
            printed.keep(spec.run, log_name(spec.task.id, spec.attempt))
        except OSError as refused:  # a full disk, say: what cannot be kept must not be told
            raise JournalError(f"the output of {spec.key} cannot be kept: {refused}") from None

    def _result(
        self, spec: AttemptSpec, problem: dict[str, str] | None, value: Any
    ) -> tuple[dict[str, str] | None, dict[str, Any] | None]:
        """Give what is told of a value that a function returned."""
        if problem is not None or value is None:
            return problem, None
        try:
            return None, _collect(spec.task, value, self._store, spec.mask)
        except _NotPlain as refused:
            return error("output_invalid", str(refused)), None

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
        self._functions[folder, name] = function
        return function  # type: ignore[no-any-return]


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


def _collect(task: Task, value: Any, store: Store, mask: Mask | None = None) -> dict[str, Any]:
    try:
        content = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as problem:
        raise _NotPlain(f"what the function returned is no plain JSON: {problem}") from None
    if "\\ud" in content and not is_text(value):
        raise _NotPlain("what the function returned holds half of a surrogate pair, which is no character")
    if mask is not None:
        value = mask.value(json.loads(content))
        content = json.dumps(value)
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

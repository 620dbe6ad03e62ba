"""The kind `http`: a request and its answer, as a coroutine over connections that all tasks of an engine share."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from unspool.core.answers import status_class
from unspool.errors import JournalError, SpawnError
from unspool.model.lognames import log_name
from unspool.model.urls import url_problem, without_secrets
from unspool.tasks.attempt import AttemptSpec, Ended, Sink, StopMode, error
from unspool.tasks.capture import Store, answered
from unspool.tasks.slots import Slot, Slots

if TYPE_CHECKING:
    from unspool.tasks.http_client import Answer, Client
    from unspool.tasks.python import Handle, Spawner

_INSTALL = "a task of kind `http` needs a library that is not installed: `pip install 'unspool[http]'`"
_MAX_DIGITS = 9  # of the seconds in a Retry-After; a longer number is no wait that anybody means


class _Live:
    """A request under way."""

    __slots__ = ("at", "begun", "handle", "sink", "slot")

    def __init__(self, sink: Sink, at: float, slot: Slot) -> None:
        self.sink = sink
        self.at = at
        self.slot = slot
        self.begun = False
        self.handle: Handle


class HttpKind:
    """Sends requests. The body of an answer goes straight to the task's output, however large it is."""

    def __init__(self, spawner: Spawner, now: Callable[[], float], slots: Slots, store: Store) -> None:
        """Prepare to send requests.

        Args:
            spawner: runs coroutines.
            now: gives the moment, in seconds since the epoch.
            slots: give the files that bodies go to.
            store: takes values too large for an event.
        """
        self._spawner = spawner
        self._now = now
        self._slots = slots
        self._store = store
        self._lent: set[Slot] = set()
        self._client: Client | None = None
        self._keeper: Handle
        self._live: dict[tuple[str, int], _Live] = {}

    def start(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any] | None:
        """Begin to send a request.

        Raises:
            SpawnError: it can go nowhere, or the library for it is missing.
        """
        problem = url_problem(spec.action["url"])
        if problem is not None:
            raise SpawnError(f"cannot send a request: the URL {spec.action['url'][:200]!r} {problem}")
        client = self._open()
        try:
            slot = self._slots.take(spec.private)
        except OSError as refused:
            raise SpawnError(f"cannot make output files for {spec.key}: {refused.strerror}") from None
        self._lent.add(slot)
        live = self._live[spec.run, spec.attempt] = _Live(sink, self._now(), slot)
        live.handle = self._spawner.spawn(self._attempt(client, spec, live))
        return {"out": slot.paths["out"], "err": slot.paths["err"]}

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """Cancel the request; the connection is closed."""
        live = self._live.get((run, attempt))
        if live is None:
            return
        live.handle.cancel()
        if not live.begun:
            self._give_back(live.slot)
        if mode == "forced" or not live.begun:
            del self._live[run, attempt]
            live.sink.ended(run, attempt, Ended(self._now(), live.at, _CANCELLED))

    def last_output(self, run: str, attempt: int) -> float | None:
        """Give the moment at which the last part of an answer came."""
        live = self._live.get((run, attempt))
        return None if live is None else live.slot.written_at(self._now())

    def adopt(self, record: dict[str, Any]) -> bool:
        """Never: a request dies with its engine."""
        return False

    def close(self) -> None:
        """Cancel what is under way, of which nobody will hear, and have the connections closed."""
        for live in self._live.values():
            live.handle.cancel()
        self._live.clear()
        for slot in list(self._lent):
            self._give_back(slot)
        self._slots.close()
        if self._client is not None:
            self._keeper.cancel()
            self._client = None

    def _open(self) -> Client:
        if self._client is None:
            try:
                from unspool.tasks.http_client import Client  # 150 ms, for the first request
            except ImportError:
                raise SpawnError(_INSTALL) from None
            self._client = Client()
            self._keeper = self._spawner.spawn(self._client.keep())  # begins before the first request does
        return self._client

    async def _attempt(self, client: Client, spec: AttemptSpec, live: _Live) -> None:
        live.begun = True
        write = _writer(spec, live.slot)
        mask = None if spec.mask is None else spec.mask.stream()
        problem, answer = await _send(client, spec, write if mask is None else lambda part: write(mask.feed(part)))
        if mask is not None and self._client is client:
            write(mask.end())
        key = (spec.run, spec.attempt)
        is_awaited = self._live.pop(key, None) is not None
        if self._client is not client:
            return  # closed: the files are gone
        ended_at = self._now()
        try:
            result = self._result(spec, live.slot, answer, ended_at)
            self._slots.keep(live.slot, spec.run, log_name(spec.task.id, spec.attempt))
        except OSError as refused:  # a full disk, say: what cannot be kept must not be told
            raise JournalError(f"the output of {spec.key} cannot be kept: {refused}") from None
        finally:
            self._give_back(live.slot)
        if is_awaited:
            live.sink.ended(spec.run, spec.attempt, Ended(ended_at, live.at, problem, result))

    def _give_back(self, slot: Slot) -> None:
        self._lent.discard(slot)
        self._slots.give_back(slot)

    def _result(self, spec: AttemptSpec, slot: Slot, answer: Answer | None, at: float) -> dict[str, Any]:
        result = answered(spec.task, slot, spec.cwd, self._store, spec.mask)
        if answer is not None:
            result["status_code"] = answer.status
            if "headers" in spec.task.collect:
                result["headers"] = answer.headers
            wait = retry_after(answer.headers.get("retry-after"), at)
            if wait is not None:
                result["retry_after"] = wait
        return result


_CANCELLED = error("cancelled", "the request was cancelled")


async def _send(
    client: Client, spec: AttemptSpec, write: Callable[[bytes], None]
) -> tuple[dict[str, str] | None, Answer | None]:
    """Send a request; give what is wrong with its end, and the answer where one came."""
    import asyncio

    from aiohttp import ClientError

    from unspool.tasks.http_client import MAX_BODY, BodyTooLarge, reason_of

    action = spec.action
    shown = f"{action['method']} {without_secrets(action['url'])}"
    try:
        answer = await client.send(action, write)
    except asyncio.CancelledError:
        return _CANCELLED, None
    except BodyTooLarge:
        most = f"{MAX_BODY >> 20} MiB"
        return error("output_invalid", f"{shown}: the answer is larger than {most}; fetch it with a program"), None
    except (ClientError, OSError) as refused:
        return error("connection", f"{shown}: no whole answer: {reason_of(refused)}"), None
    except (ValueError, TypeError) as refused:
        return error("bad_request", f"{shown}: it cannot be sent: {refused}"), None
    return _judged(shown, action["expect"], answer), answer


def _judged(shown: str, expect: list[int] | None, answer: Answer) -> dict[str, str] | None:
    kind = status_class(answer.status, expect)
    if kind is None:
        return None
    message = f"{shown} answered {answer.status} {answer.reason}".rstrip()
    if answer.note:
        message += f"; {answer.note}"
    elif kind == "auth":
        message += "; check the credentials in `headers`"
    elif 200 <= answer.status <= 299:
        message += "; `expect` does not list it"
    return error(kind, message)


def _writer(spec: AttemptSpec, slot: Slot) -> Callable[[bytes], None]:
    file = slot.files["out"]

    def write(part: bytes) -> None:
        left = memoryview(part)
        try:
            while left:
                left = left[os.write(file, left) :]
        except OSError as refused:
            raise JournalError(f"the output of {spec.key} cannot be kept: {refused}") from None

    return write


def retry_after(header: str | None, now: float) -> float | None:
    """Give the seconds that a `Retry-After` header means, a number or a date; None where there is none to read."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) <= _MAX_DIGITS else None
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, round(parsedate_to_datetime(text).timestamp() - now, 3))
    except (ValueError, TypeError, OverflowError):
        return None

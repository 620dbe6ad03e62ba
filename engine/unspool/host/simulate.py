"""A host without a machine: virtual time, and tasks that end as they are told to. Nothing is executed."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any, NamedTuple

from unspool.errors import SpawnError
from unspool.host.clock import VirtualClock
from unspool.tasks.attempt import AttemptSpec, Ended, Sink, StopMode, error


class VirtualReactor:
    """Waits by moving the clock to the next thing that is due: the twin of the epoll loop."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._watched: dict[int, Callable[[], None]] = {}

    def call_at(self, moment: float, call: Callable[[], None]) -> None:
        """Call when the clock stands at `moment`; equal moments in the order they were given."""
        self._count += 1
        heapq.heappush(self._due, (moment, self._count, call))

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Remember whom a descriptor concerns; nothing here ever becomes readable by itself."""
        self._watched[descriptor] = ready

    def forget(self, descriptor: int) -> None:
        """Forget a descriptor."""
        self._watched.pop(descriptor, None)

    def wait(self, seconds: float | None) -> None:
        """Move on to what is due next, at most so far, and call it.

        Raises:
            RuntimeError: nothing will ever happen again, and there is no limit to the wait.
        """
        limit = None if seconds is None else self.clock.now() + seconds
        if not self._due or (limit is not None and self._due[0][0] > limit):
            if limit is None:
                raise RuntimeError("nothing is due and nothing limits the wait: the run is stuck")
            self.clock.moment = max(self.clock.moment, limit)
            return
        moment = self._due[0][0]
        self.clock.moment = max(self.clock.moment, moment)
        while self._due and self._due[0][0] <= moment:
            heapq.heappop(self._due)[2]()

    def close(self) -> None:
        """Forget everything."""
        self._due.clear()


class Stub(NamedTuple):
    """How an attempt ends in place of the real thing.

    `seconds` is how long it takes, `stubborn` that a polite stop does not end it, `writes` after how many
    seconds it writes something.
    """

    seconds: float = 1.0
    result: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    stubborn: bool = False
    refuses: str | None = None  # it cannot even be started
    writes: tuple[float, ...] = ()


class StubKind:
    """Ends attempts as scripted, by task and number of the attempt: the twin of every task kind."""

    def __init__(self, reactor: VirtualReactor, script: Callable[[AttemptSpec], Stub] | None = None) -> None:
        self._reactor = reactor
        self._script = script or (lambda _spec: Stub())
        self._live: dict[tuple[str, int], tuple[AttemptSpec, Sink, Stub, float]] = {}
        self.started: list[AttemptSpec] = []

    def start(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any] | None:
        """Begin an attempt that ends by script."""
        stub = self._script(spec)
        if stub.refuses is not None:
            raise SpawnError(stub.refuses)
        now = self._reactor.clock.now()
        self.started.append(spec)
        self._live[spec.run, spec.attempt] = (spec, sink, stub, now)
        self._reactor.call_at(now + stub.seconds, lambda: self._end(spec.run, spec.attempt, stub.error, stub.result))
        return {"stub": spec.attempt}

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """End an attempt, unless it is stubborn and asked politely."""
        live = self._live.get((run, attempt))
        if live is None or (live[2].stubborn and mode == "polite"):
            return
        now = self._reactor.clock.now()
        self._reactor.call_at(now, lambda: self._end(run, attempt, error("signal", f"stopped {mode}"), None))

    def adopt(self, record: dict[str, Any]) -> bool:
        """Never."""
        return False

    def last_output(self, run: str, attempt: int) -> float | None:
        """Give the last of the scripted writes that has come."""
        live = self._live.get((run, attempt))
        if live is None:
            return None
        _, _, stub, started_at = live
        now = self._reactor.clock.now()
        return max((started_at + after for after in stub.writes if started_at + after <= now), default=None)

    def close(self) -> None:
        """Forget what runs."""
        self._live.clear()

    def _end(self, run: str, attempt: int, problem: dict[str, str] | None, result: dict[str, Any] | None) -> None:
        live = self._live.pop((run, attempt), None)
        if live is not None:
            _, sink, _, started_at = live
            sink.ended(run, attempt, Ended(self._reactor.clock.now(), started_at, problem, result))

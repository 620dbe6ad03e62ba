"""Waiting: a plain epoll loop, and the same one inside asyncio once a coroutine needs it."""

from __future__ import annotations

import select
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

_ROUNDS = 20  # in which a coroutine that is cancelled may clean up before it is let go


class Spawned:
    """A coroutine that a reactor runs."""

    __slots__ = ("_coroutine", "_reactor", "begun", "task")

    def __init__(self, reactor: EpollReactor, coroutine: Coroutine[Any, Any, None]) -> None:
        self._reactor = reactor
        self._coroutine = coroutine
        self.begun = False
        self.task: asyncio.Task[None]

    def cancel(self) -> bool:
        """Ask it to end; one that has not begun yet never does. False where it is over already."""
        if not self.begun:  # asyncio would throw into it before its first line, where nothing hears of it
            self.begun = True
            self._coroutine.close()
            self.task.add_done_callback(lambda _: self._reactor.over(self))
        return self.task.cancel()

    async def run(self) -> None:
        """Run it to its end."""
        self.begun = True
        try:
            await self._coroutine
        except BaseException as problem:  # noqa: BLE001 - kept for who waits
            self._reactor.over(self, problem)
        else:
            self._reactor.over(self)


class EpollReactor:
    """Calls back for descriptors that can be read.

    Processes need nothing but epoll. asyncio costs 50 ms to import and more for each wait, so its
    loop is made by the first coroutine only, and then watches the epoll descriptor as one of its own.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._coroutines: set[Spawned] = set()  # asyncio alone would let one be collected while it waits
        self._problem: BaseException | None = None  # raised inside asyncio, which would only log it

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call `ready` whenever `descriptor` can be read."""
        self._ready[descriptor] = ready
        self._epoll.register(descriptor, select.EPOLLIN)

    def forget(self, descriptor: int) -> None:
        """Watch a descriptor no more."""
        if self._ready.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def wait(self, seconds: float | None) -> None:
        """Wait until something was called, at most so long; None is without end.

        What a call raises, or a coroutine, is raised here.
        """
        patience = None if seconds is None else max(0.0, seconds)
        if self._loop is not None and self._coroutines:
            self._wait_in_loop(self._loop, patience)
        else:
            self._poll(-1 if patience is None else patience)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> Spawned:
        """Run a coroutine while the reactor waits; its end counts as something called."""
        if self._loop is None:
            import asyncio  # 50 ms that only coroutines pay

            self._loop = asyncio.new_event_loop()
            self._loop.add_reader(self._epoll.fileno(), self._poll_in_loop, self._loop)
        spawned = Spawned(self, coroutine)
        spawned.task = self._loop.create_task(spawned.run())
        self._coroutines.add(spawned)
        return spawned

    def over(self, spawned: Spawned, problem: BaseException | None = None) -> None:
        """Take the end of a coroutine."""
        self._coroutines.discard(spawned)
        if problem is not None and type(problem).__name__ != "CancelledError":
            self._problem = problem
        if self._loop is not None:
            self._loop.stop()  # ends after this round, so all that is ready now ends with it

    def close(self) -> None:
        """End the coroutines that still run, and give back the descriptors."""
        if self._loop is not None:
            for _ in range(_ROUNDS):
                for spawned in self._coroutines:
                    spawned.cancel()
                self._loop.call_soon(self._loop.stop)
                self._loop.run_forever()
                if not self._coroutines:
                    break
            self._loop.close()
            self._loop = None
        self._epoll.close()

    def _poll(self, seconds: float) -> None:
        for descriptor, _ in self._epoll.poll(seconds):
            # An earlier call of this round may have ended what this one was about.
            ready = self._ready.get(descriptor)
            if ready is not None:
                ready()

    def _poll_in_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.stop()
        try:
            self._poll(0)
        except BaseException as problem:  # noqa: BLE001 - kept for who waits
            self._problem = problem

    def _wait_in_loop(self, loop: asyncio.AbstractEventLoop, seconds: float | None) -> None:
        timer = None if seconds is None else loop.call_later(seconds, loop.stop)
        loop.run_forever()
        if timer is not None:
            timer.cancel()
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

"""Waiting: a plain epoll loop, and the same one inside asyncio once a coroutine needs it."""

from __future__ import annotations

import select
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class EpollReactor:
    """Calls back for descriptors that can be read.

    Processes need nothing but epoll. asyncio costs 50 ms to import and more for each wait, so its
    loop is made by the first coroutine only, and then watches the epoll descriptor as one of its own.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._coroutines = 0

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call `ready` whenever `descriptor` can be read."""
        self._ready[descriptor] = ready
        self._epoll.register(descriptor, select.EPOLLIN)

    def forget(self, descriptor: int) -> None:
        """Watch a descriptor no more."""
        if self._ready.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def wait(self, seconds: float | None) -> None:
        """Wait until something was called, at most so long; None is without end."""
        if self._coroutines:
            self._wait_in_loop(seconds)
        else:
            self._poll(-1 if seconds is None else seconds)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine while the reactor waits; its end counts as something called.

        The caller keeps the task: asyncio alone would let it be collected while it waits.
        """
        if self._loop is None:
            import asyncio  # 50 ms that only coroutines pay

            self._loop = asyncio.new_event_loop()
            self._loop.add_reader(self._epoll.fileno(), self._poll, 0)
        self._coroutines += 1
        return self._loop.create_task(self._run(coroutine, self._loop))

    def close(self) -> None:
        """Give back the descriptors."""
        if self._loop is not None:
            self._loop.close()
        self._epoll.close()

    async def _run(self, coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
        try:
            await coroutine
        finally:
            self._coroutines -= 1
            loop.stop()  # ends after this round, so all that is ready now ends with it

    def _poll(self, seconds: float) -> None:
        for descriptor, _ in self._epoll.poll(seconds):
            # An earlier call of this round may have ended what this one was about.
            ready = self._ready.get(descriptor)
            if ready is not None:
                ready()
        if self._loop is not None:
            self._loop.stop()

    def _wait_in_loop(self, seconds: float | None) -> None:
        loop = self._loop
        if loop is None:
            raise RuntimeError("a coroutine without a loop")
        timer = None if seconds is None else loop.call_later(max(0.0, seconds), loop.stop)
        loop.run_forever()
        if timer is not None:
            timer.cancel()

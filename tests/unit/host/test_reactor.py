"""The epoll loop with coroutines in it: asyncio only where it is needed, and nothing is swallowed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conformance.test_reactor import LONG, Pipe, seconds, wait_for, wait_until
from unspool.host.reactor import EpollReactor


@pytest.fixture(params=["first", "beside another"])
def reactor(request: pytest.FixtureRequest) -> Iterator[EpollReactor]:
    """A reactor; the second one has a coroutine that waits all the while."""
    import asyncio

    reactor = EpollReactor()
    event = asyncio.Event()
    others = [reactor.spawn(wait_for(event))] if request.param == "beside another" else []
    if others:
        reactor.wait(0)
    yield reactor
    event.set()
    wait_until(reactor, lambda: all(other.task.done() for other in others))
    reactor.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def test_a_coroutine_runs_while_its_owner_waits(reactor: EpollReactor):
    import asyncio

    heard: list[str] = []

    async def work() -> None:
        heard.append("begun")
        await asyncio.sleep(0)
        heard.append("done")

    reactor.spawn(work())
    assert heard == [], "nothing runs before somebody waits"
    wait_until(reactor, lambda: "done" in heard)
    assert heard == ["begun", "done"]


def test_the_end_of_a_coroutine_ends_the_wait(reactor: EpollReactor):
    import asyncio

    heard: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0.02)
        heard.append("done")

    reactor.spawn(work())
    assert seconds(lambda: wait_until(reactor, lambda: bool(heard))) < LONG / 2
    assert heard == ["done"]


def test_descriptors_and_coroutines_are_served_side_by_side(reactor: EpollReactor, pipe: Pipe):
    import asyncio

    event = asyncio.Event()
    heard: list[str] = []

    async def work() -> None:
        await event.wait()
        heard.append("done")

    pipe.also = event.set
    reactor.watch(pipe.read, pipe.called)
    reactor.spawn(work())
    reactor.wait(0)
    pipe.send()
    wait_until(reactor, lambda: bool(heard))
    assert pipe.calls == 1


def test_a_coroutine_that_is_cancelled_before_it_began_is_over(reactor: EpollReactor):
    heard: list[str] = []

    async def work() -> None:
        heard.append("begun")

    coroutines = set(reactor._coroutines)
    task = reactor.spawn(work())
    task.cancel()
    wait_until(reactor, task.task.done)
    assert heard == []
    assert reactor._coroutines == coroutines


@pytest.mark.filterwarnings("error")
def test_closing_ends_the_coroutines_that_still_run():
    import asyncio

    heard: list[str] = []

    async def work(*, stubborn: bool) -> None:
        for _ in range(3):
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                heard.append("cancelled")
                if not stubborn:
                    raise

    async def never() -> None:
        heard.append("begun")

    reactor = EpollReactor()
    tasks = [reactor.spawn(work(stubborn=False)), reactor.spawn(work(stubborn=True))]
    reactor.wait(0)
    tasks.append(reactor.spawn(never()))
    assert seconds(reactor.close) < LONG / 2
    assert heard.count("cancelled") >= 2
    assert "begun" not in heard


def test_descriptors_are_served_when_the_last_coroutine_has_ended(pipe: Pipe):
    reactor = EpollReactor()

    async def work() -> None:
        pass

    task = reactor.spawn(work())
    wait_until(reactor, task.task.done)
    reactor.watch(pipe.read, pipe.called)
    pipe.send()
    wait_until(reactor, lambda: pipe.calls == 1)
    assert seconds(lambda: reactor.wait(0.01)) < LONG / 2
    task = reactor.spawn(work())
    wait_until(reactor, task.task.done)
    reactor.close()


def test_what_a_coroutine_raises_reaches_who_waits(reactor: EpollReactor):
    async def fail() -> None:
        raise ZeroDivisionError

    reactor.spawn(fail())
    with pytest.raises(ZeroDivisionError):
        wait_until(reactor, lambda: False)
    reactor.wait(0)


def test_asyncio_is_not_imported_before_a_coroutine_needs_it():
    import subprocess
    import sys

    code = (
        "import os, sys; from unspool.host.reactor import EpollReactor; reactor = EpollReactor();"
        "read, write = os.pipe(); reactor.watch(read, lambda: os.read(read, 1)); os.write(write, b'!');"
        "reactor.wait(None); reactor.close(); sys.exit('asyncio' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0

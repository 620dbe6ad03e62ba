"""What every reactor must do: the plain epoll loop, the same inside asyncio, and the virtual one where it applies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from unspool.host.clock import VirtualClock
from unspool.host.reactor import EpollReactor
from unspool.host.simulate import VirtualReactor

LONG = 20.0  # seconds; a wait that lasts so long has missed its call


class Pipe:
    """A descriptor that can be made readable, and counts its calls."""

    def __init__(self) -> None:
        self.read, self.write = os.pipe2(os.O_NONBLOCK)
        self.calls = 0
        self.also: Callable[[], None] = lambda: None

    def send(self) -> None:
        os.write(self.write, b"!")

    def called(self) -> None:
        self.calls += 1
        os.read(self.read, 100)
        self.also()

    def close(self) -> None:
        os.close(self.read)
        os.close(self.write)


@pytest.fixture(params=["epoll", "asyncio"])
def reactor(request: pytest.FixtureRequest) -> Iterator[EpollReactor]:
    """A reactor; the second one has a coroutine that waits all the while."""
    reactor = EpollReactor()
    if request.param == "asyncio":
        import asyncio

        event = asyncio.Event()
        task = reactor.spawn(wait_for(event))
        reactor.wait(0)
        yield reactor
        event.set()
        while not task.task.done():
            reactor.wait(1)
    else:
        yield reactor
    reactor.close()


async def wait_for(event: Any) -> None:
    await event.wait()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


@pytest.fixture
def other() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


def wait_until(reactor: Any, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < deadline
        reactor.wait(1.0)


def seconds(call: Callable[[], None]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def test_who_is_concerned_is_called(reactor: EpollReactor, pipe: Pipe, other: Pipe):
    reactor.watch(pipe.read, pipe.called)
    reactor.watch(other.read, other.called)
    pipe.send()
    wait_until(reactor, lambda: pipe.calls > 0)
    assert (pipe.calls, other.calls) == (1, 0)


def test_a_wait_ends_with_the_first_call(reactor: EpollReactor, pipe: Pipe):
    reactor.watch(pipe.read, pipe.called)
    pipe.send()
    assert seconds(lambda: wait_until(reactor, lambda: pipe.calls == 1)) < LONG / 2
    pipe.send()
    reactor.wait(None)
    wait_until(reactor, lambda: pipe.calls == 2)


def test_a_wait_ends_after_its_time(reactor: EpollReactor, pipe: Pipe):
    reactor.watch(pipe.read, pipe.called)

    def wait_thrice() -> None:
        for _ in range(3):
            reactor.wait(0.03)

    took = seconds(wait_thrice)
    assert took < LONG / 2
    assert pipe.calls == 0


@pytest.mark.parametrize("patience", [0, 0.0, -0.5, -3600.0])
def test_no_patience_is_no_wait(reactor: EpollReactor, pipe: Pipe, patience: float):
    reactor.watch(pipe.read, pipe.called)
    assert seconds(lambda: reactor.wait(patience)) < LONG / 2
    pipe.send()
    wait_until(reactor, lambda: reactor.wait(patience) is None and pipe.calls == 1)


def test_what_is_ready_at_once_is_called_without_patience(reactor: EpollReactor, pipe: Pipe):
    reactor.watch(pipe.read, pipe.called)
    pipe.send()
    reactor.wait(0)
    reactor.wait(0)
    assert pipe.calls == 1


def test_what_is_forgotten_is_not_called(reactor: EpollReactor, pipe: Pipe, other: Pipe):
    reactor.watch(pipe.read, pipe.called)
    reactor.watch(other.read, other.called)
    reactor.forget(pipe.read)
    pipe.send()
    other.send()
    wait_until(reactor, lambda: other.calls > 0)
    reactor.wait(0)
    assert pipe.calls == 0


def test_forgetting_what_is_not_watched_is_nothing(reactor: EpollReactor, pipe: Pipe):
    reactor.forget(pipe.read)
    reactor.watch(pipe.read, pipe.called)
    reactor.forget(pipe.read)
    reactor.forget(pipe.read)


def test_what_was_forgotten_can_be_watched_again(reactor: EpollReactor, pipe: Pipe):
    for times in (1, 2):
        reactor.watch(pipe.read, pipe.called)
        pipe.send()
        wait_until(reactor, lambda times=times: pipe.calls == times)
        reactor.forget(pipe.read)


def test_who_does_not_read_is_called_again(reactor: EpollReactor, pipe: Pipe):
    calls: list[int] = []
    reactor.watch(pipe.read, lambda: calls.append(1))
    pipe.send()
    wait_until(reactor, lambda: len(calls) >= 3)


def test_a_call_may_forget_another_that_is_ready_too(reactor: EpollReactor, pipe: Pipe, other: Pipe):
    pipe.also = lambda: reactor.forget(other.read)
    other.also = lambda: reactor.forget(pipe.read)
    reactor.watch(pipe.read, pipe.called)
    reactor.watch(other.read, other.called)
    pipe.send()
    other.send()
    wait_until(reactor, lambda: pipe.calls + other.calls > 0)
    reactor.wait(0)
    assert pipe.calls + other.calls == 1


def test_a_call_may_forget_itself_and_watch_others(reactor: EpollReactor, pipe: Pipe, other: Pipe):
    def change() -> None:
        reactor.forget(pipe.read)
        reactor.watch(other.read, other.called)

    pipe.also = change
    other.send()
    reactor.watch(pipe.read, pipe.called)
    pipe.send()
    wait_until(reactor, lambda: other.calls == 1)
    assert pipe.calls == 1


def test_a_number_that_is_given_away_again_concerns_the_new_one(reactor: EpollReactor):
    first = Pipe()
    reactor.watch(first.read, first.called)
    first.send()
    reactor.forget(first.read)
    number = first.read
    first.close()
    second = Pipe()
    reactor.watch(second.read, second.called)
    assert second.read == number, "this test needs the number to come back"
    second.send()
    wait_until(reactor, lambda: second.calls == 1)
    assert first.calls == 0
    reactor.forget(second.read)
    second.close()


def test_what_a_call_raises_reaches_who_waits(reactor: EpollReactor, pipe: Pipe):
    def fail() -> None:
        raise ZeroDivisionError

    pipe.also = fail
    reactor.watch(pipe.read, pipe.called)
    pipe.send()
    with pytest.raises(ZeroDivisionError):
        wait_until(reactor, lambda: False)
    pipe.also = lambda: None
    pipe.send()
    wait_until(reactor, lambda: pipe.calls == 2)


# -- the virtual one ------------------------------------------------------------------------------


@pytest.fixture
def virtual() -> VirtualReactor:
    return VirtualReactor(VirtualClock())


def test_the_virtual_one_takes_no_time(virtual: VirtualReactor):
    start = virtual.clock.now()
    assert seconds(lambda: virtual.wait(10**6)) < LONG / 2
    assert virtual.clock.now() == start + 10**6


def test_the_virtual_one_ends_a_wait_with_the_first_call(virtual: VirtualReactor):
    start = virtual.clock.now()
    heard: list[str] = []
    virtual.call_at(start + 5, lambda: heard.append("late"))
    virtual.call_at(start + 2, lambda: heard.append("first"))
    virtual.call_at(start + 2, lambda: heard.append("second"))
    virtual.wait(1.0)
    assert (heard, virtual.clock.now()) == ([], start + 1.0)
    virtual.wait(100.0)
    assert (heard, virtual.clock.now()) == (["first", "second"], start + 2.0)
    virtual.wait(None)
    assert (heard, virtual.clock.now()) == (["first", "second", "late"], start + 5.0)


def test_the_virtual_one_says_when_nothing_will_ever_happen(virtual: VirtualReactor):
    with pytest.raises(RuntimeError, match="stuck"):
        virtual.wait(None)


def test_the_virtual_one_remembers_and_forgets_descriptors(virtual: VirtualReactor, pipe: Pipe):
    virtual.watch(pipe.read, pipe.called)
    virtual.forget(pipe.read)
    virtual.forget(pipe.read)
    virtual.wait(0)
    virtual.close()
    virtual.close()

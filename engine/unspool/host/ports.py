"""What a host needs from outside, as protocols; each has a real implementation and a shipped twin."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from unspool.journal.rows import Row, RunRow
from unspool.model.entry import Entry
from unspool.model.values import Ref
from unspool.tasks.attempt import AttemptSpec, Ended, Sink, StopMode


class TaskKind(Protocol):
    """What one kind of task does."""

    def start(self, spec: AttemptSpec, sink: Sink) -> dict[str, Any] | None:
        """Begin an attempt and give the record that finds it again; its end goes to `sink`.

        Raises:
            SpawnError: it could not begin; `sink` hears nothing of it.
        """

    def stop(self, run: str, attempt: int, mode: StopMode) -> None:
        """End an attempt and all it started; its end goes to `sink` as always."""

    def adopt(self, record: dict[str, Any]) -> bool:
        """Whether an attempt of an owner that died can be taken over; False: it is lost."""

    def close(self) -> None:
        """Give back what the kind holds."""


class TellsOutput(Protocol):
    """A task kind whose attempts write something; one that is none is taken to write nothing."""

    def last_output(self, run: str, attempt: int) -> float | None:
        """Give the moment at which an attempt last wrote something, by the host's clock.

        Where it has written nothing yet, or is over, None or a moment before it began.
        """


class Journal(Protocol):
    """Where facts go before anything acts on them."""

    epoch: int

    def append(self, entries: Sequence[Entry]) -> int:
        """Write entries in one transaction, durably, and give the number of the last."""

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Row]:
        """Give the rows behind `after`, of one run or of all."""

    def runs(self) -> list[RunRow]:
        """List the runs, oldest first."""

    def close(self) -> None:
        """Take no more."""


class Clock(Protocol):
    """The wall clock, as seconds since the epoch, that never goes back."""

    def now(self) -> float:
        """Give the moment."""


class Reactor(Protocol):
    """Waits for descriptors and calls whom they concern."""

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call `ready` whenever `descriptor` can be read."""

    def forget(self, descriptor: int) -> None:
        """Watch a descriptor no more."""

    def wait(self, seconds: float | None) -> None:
        """Wait until something was called, at most so long; None is without end."""

    def close(self) -> None:
        """Give back what it holds."""


class Request(NamedTuple):
    """What somebody outside asks of a run's owner. `id` makes it unique, however often it is sent.

    `action` is `cancel`, or `approve` or `reject` for a task that waits for a person, or `submit` for an instance of
    the template that `task` names, with `key` and the values `given`, or `close` for an open run; `by` names who asks,
    `note` says why.
    """

    id: str
    run: str
    action: str
    task: str | None = None
    by: str = "person"
    note: str | None = None
    key: str | None = None
    given: dict[str, Any] | None = None


class RequestSpool(Protocol):
    """Where requests from other processes lie until the owner takes them."""

    def take(self) -> list[Request]:
        """Give the requests that have not been answered, oldest first."""

    def answer(self, request: str, text: str) -> None:
        """Say what became of a request; it will not be given again."""


class Artifacts(Protocol):
    """Values too large for a row, found by the SHA-256 of their content."""

    def put(self, content: bytes) -> Ref:
        """Keep a value; when this returns, it is durable."""

    def put_parts(self, parts: Iterable[bytes]) -> Ref:
        """Keep a value that comes in parts, of which only one is held at a time."""

    def get(self, digest: str) -> bytes:
        """Give a value back; KeyError where there is none."""


class ResultCache(Protocol):
    """Results of earlier attempts that may stand in for others."""

    def look(self, workflow: str, spec: AttemptSpec) -> dict[str, Any] | None:
        """Give what an earlier attempt collected, its files put back; None where the attempt must be made."""

    def ended(self, run: str, attempt: int, end: Ended) -> None:
        """Take note of how an attempt ended; whether its result counts is not known yet."""

    def keep(self, run: str, attempt: int) -> None:
        """Keep the result of an attempt, with its files. What stands in the way is a warning, no failure."""

    def settle(self) -> None:
        """Forget the attempts that have ended: those whose results count have been kept."""


class Guardian(Protocol):
    """Outlives the engine by a moment, to end what it left running."""

    def start(self) -> None:
        """Begin to watch over this process."""

    def remove_after_death(self, folder: str) -> None:
        """Remove a folder when this process dies."""

    def close(self) -> None:
        """All is well: go away."""


class View(Protocol):
    """What is drawn again and again while runs go on."""

    def draw(self, now: float) -> float:
        """Draw what there is, if it is time, and give the moment of the next drawing."""


class Listener(Protocol):
    """Hears what happened, after it is durable; it cannot steer."""

    def heard(self, entries: Sequence[Entry]) -> None:
        """Take the entries of one commit."""

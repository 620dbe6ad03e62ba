"""What a coroutine prints goes to its own task's output, though many share one process and one standard output."""

from __future__ import annotations

import os
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from unspool.tasks.slots import Slot, Slots

if TYPE_CHECKING:
    from unspool.tasks.masking import Mask, StreamMask


class Printed:
    """The output of one coroutine. Its files are taken when it first prints: most print nothing."""

    def __init__(self, slots: Slots, mask: Mask | None = None) -> None:
        self._slots = slots
        self._masks: dict[str, StreamMask] = {}
        if mask is not None:
            self._masks = {stream: mask.stream() for stream in ("out", "err")}
        self._slot: Slot | None = None

    @property
    def slot(self) -> Slot:
        """Where it goes."""
        if self._slot is None:
            self._slot = self._slots.take()
        return self._slot

    @property
    def is_empty(self) -> bool:
        """Whether nothing was printed."""
        return self._slot is None

    def written_at(self, now: float) -> float | None:
        """Give the moment at which something was last printed, None where nothing was."""
        return None if self._slot is None else self._slot.written_at(now)

    def take_over(self) -> None:
        """Let what the coroutine that runs now prints from here on go here, and nobody else's."""
        route()
        _printed.set(self)

    def write(self, stream: str, text: str) -> None:
        """Take what was printed."""
        content = text.encode("utf-8", "backslashreplace")
        if stream in self._masks:
            content = self._masks[stream].feed(content)
        os.write(self.slot.files[stream], content)

    def finish(self) -> None:
        """Nothing more is printed: let go of what a mask still keeps back."""
        if self._slot is not None:
            for stream, mask in self._masks.items():
                os.write(self._slot.files[stream], mask.end())

    def drop(self) -> None:
        """Forget it."""
        if self._slot is not None:
            self._slot.close()
            self._slot = None

    def keep(self, run: str, attempt: str) -> None:
        """Give it its name among the run's logs."""
        if self._slot is not None:
            self._slots.keep(self._slot, run, attempt)
            self._slots.give_back(self._slot)
            self._slot = None


_printed: ContextVar[Printed | None] = ContextVar("printed", default=None)


class _Router:
    """Stands in for a standard stream: text goes to the coroutine's output, or outside of any, where it went before."""

    def __init__(self, stream: str, before: Any) -> None:
        self._stream = stream
        self.before = before

    def write(self, text: str) -> int:
        printed = _printed.get()
        if printed is None:
            return int(self.before.write(text))
        printed.write(self._stream, text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.before, name)


def route() -> None:
    """Put routers in place of standard output and errors, where they do not stand already."""
    for name, stream in (("stdout", "out"), ("stderr", "err")):
        if not isinstance(getattr(sys, name), _Router):
            setattr(sys, name, _Router(stream, getattr(sys, name)))


def unroute() -> None:
    """Put back what was there."""
    for name in ("stdout", "stderr"):
        if isinstance(router := getattr(sys, name), _Router):
            setattr(sys, name, router.before)

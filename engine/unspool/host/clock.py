"""The moment: of the machine, or of a rehearsal."""

from __future__ import annotations

import time


class WallClock:
    """Wall-clock time read once; from then on it goes forward with the machine's steady clock."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Give the seconds since the epoch."""
        return self._offset + time.monotonic()


class VirtualClock:
    """Time that moves only when told to: the twin."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self.moment = start

    def now(self) -> float:
        """Give the seconds since the epoch."""
        return self.moment

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: it would go back.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back, not by {-seconds} s")
        self.moment += seconds

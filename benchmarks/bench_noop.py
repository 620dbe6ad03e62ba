"""The in-process task that the benchmarks run thousands of times: it does nothing."""

from __future__ import annotations


async def noop() -> None:
    """Return at once."""

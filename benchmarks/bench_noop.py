"""The in-process tasks that the benchmarks run thousands of times."""

from __future__ import annotations


async def noop() -> None:
    """Return at once."""


async def numbers(count: int) -> list[int]:
    """Give so many things to do."""
    return list(range(count))

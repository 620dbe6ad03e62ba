"""Patterns for files, such as `src/**/*.py`: their parts, and what may not stand in them."""

from __future__ import annotations

EVERYTHING_BELOW = "**"


def parts_of(pattern: str) -> tuple[str, ...]:
    """Give the parts of a pattern between its slashes; `.` and empty ones mean nothing.

    One that names the folder itself stands for all that is in it.
    """
    parts: list[str] = []
    for part in pattern.split("/"):
        if part in ("", ".") or (part == EVERYTHING_BELOW and parts[-1:] == [part]):
            continue
        parts.append(part)
    return tuple(parts) or (EVERYTHING_BELOW,)


def is_literal(part: str) -> bool:
    """Whether a part stands for just the name that it is."""
    return not any(character in part for character in "*?[")


def flaw_of(pattern: str) -> str | None:
    """Say why a pattern cannot be used, None where it can: it must stay in the folder that it counts from."""
    if not pattern:
        return "is empty"
    if "\0" in pattern:
        return "holds a NUL character"
    if pattern.startswith("/"):
        return "is absolute"
    if ".." in pattern.split("/"):
        return "leaves its folder by `..`"
    return None

"""Durations as authors write them (`250ms`, `30s`, `5m`, `2h`, `1d`), in seconds."""

from __future__ import annotations

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_rate(text: str) -> tuple[int, float]:
    """Give how many in how many seconds a rate such as `60/1m` means.

    Raises:
        ValueError: the text is not of this form.
    """
    count, _, period = text.partition("/")
    if not (count.isascii() and count.isdigit()):
        raise ValueError(f"{text!r} is not a rate: write a number, `/` and a duration, such as `60/1m`")
    return int(count), parse_duration(period)


def parse_duration(text: str) -> float:
    """Give the seconds that a duration means.

    Args:
        text: a whole number and one unit: `ms`, `s`, `m`, `h` or `d`.

    Raises:
        ValueError: the text is not of this form.
    """
    number = text.rstrip("msdh")
    unit = _MILLISECONDS.get(text[len(number) :])
    if unit is None or not (number.isascii() and number.isdigit()):
        raise ValueError(f"{text!r} is not a duration: write a whole number and a unit, such as `30s` or `5m`")
    return int(number) * unit / 1000

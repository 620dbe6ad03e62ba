"""Moments as authors write them (`2026-03-01T07:00:00Z`), in seconds since the epoch."""

from __future__ import annotations

import re

_MOMENT = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_moment(text: str) -> float:
    """Give the seconds between the epoch (1970, UTC) and a moment.

    Args:
        text: an RFC 3339 moment; the zone must be written, as `Z` or an offset such as `+01:00`.

    Raises:
        ValueError: the text is not of this form, or there is no such moment.
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no moment: write one with its zone, such as `2026-03-01T07:00:00Z`")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    if not 1 <= month <= 12 or not 1 <= day <= _length(year, month) or hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"there is no moment {text!r}")
    fraction = float(f"0.{match[7]}") if match[7] else 0.0
    days = _days_before(year) + sum(_length(year, each) for each in range(1, month)) + day - 1
    return days * 86_400 + hour * 3_600 + minute * 60 + second + fraction - _offset(match[8])


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _length(year: int, month: int) -> int:
    return 29 if month == 2 and _is_leap(year) else _DAYS[month - 1]


def _days_before(year: int) -> int:
    """Give the days from 1970-01-01 to the first of a year (proleptic Gregorian calendar)."""
    past = year - 1
    return 365 * (year - 1970) + (past // 4 - past // 100 + past // 400) - (1969 // 4 - 1969 // 100 + 1969 // 400)


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    seconds = int(zone[1:3]) * 3_600 + int(zone[4:6]) * 60
    return -seconds if zone[0] == "-" else seconds

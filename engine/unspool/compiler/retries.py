"""Warn of retries that can never all happen, because `max_elapsed` or the time of the run is over before."""

from __future__ import annotations

from typing import Any

from unspool.compiler.wording import place, quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.durations import parse_duration
from unspool.model.plan import Retry

CODES = {"UNS130": "a limit of time is over before all attempts can begin"}

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_LEAST_JITTERED = 0.5


def check_retries(document: dict[str, Any]) -> list[Diagnostic]:
    """Compare the waits between attempts with each `max_elapsed`, and with `limits.timeout`.

    Args:
        document: one in which nothing is wrong. A finding about `defaults` is given once.
    """
    defaults = document.get("defaults", {})
    common = defaults.get("retry", {})
    found: dict[Path, Diagnostic] = {}
    run_limit = document.get("limits", {}).get("timeout")
    for name, task in document["tasks"].items():
        own = task.get("retry", {})
        keys = {**common, **own}
        if run_limit is not None:
            _compare_with_run(name, keys, run_limit, found)
        if "max_elapsed" in keys:
            holder: Path = ("tasks", name) if "max_elapsed" in own else ("defaults",)
            timeout = task.get("timeout", defaults.get("timeout"))
            problem = _problem(keys, timeout)
            if problem is not None:
                path = (*holder, "retry", "max_elapsed")
                message = f"{place(path)} {problem[0]}"
                found.setdefault(path, Diagnostic("UNS130", message, path, hint=problem[1], severity="warning"))
    return list(found.values())


def _compare_with_run(name: str, keys: dict[str, Any], limit: str, found: dict[Path, Diagnostic]) -> None:
    path: Path = ("limits", "timeout")
    waits, begun = _waits(keys, parse_duration(limit))
    if waits > parse_duration(limit) and path not in found:
        last = f"attempt {begun + 1} of {int(keys['max_attempts'])} of task {quote(name)}"
        message = f"{place(path)} is over before {last} can begin: the waits alone take {_spelt(waits)}"
        hint = f"give it more than `{_spelt(waits)}`, or let there be fewer attempts"
        found[path] = Diagnostic("UNS130", message, path, hint=hint, severity="warning")


def _waits(keys: dict[str, Any], most: float) -> tuple[float, int]:
    """Give the seconds that surely pass between the attempts, and how many of these can begin in `most` seconds."""
    waits, begun = 0.0, 1
    for attempt in range(1, int(keys.get("max_attempts", 1))):
        waits += least_wait(keys, attempt)
        begun += waits <= most
    return waits, begun


def least_wait(keys: dict[str, Any], attempt: int) -> float:
    """Give the seconds that surely pass between attempt number `attempt` and the next."""
    strategy, delay = keys.get("strategy", "exponential"), _seconds(keys, "delay", Retry().delay)
    if strategy == "immediate":
        return 0.0
    if strategy == "linear":
        wait = delay * attempt
    else:
        wait = delay * 2.0 ** min(attempt - 1, 62) * (_LEAST_JITTERED if strategy == "jittered" else 1.0)
    return min(wait, _seconds(keys, "max_delay", Retry().max_delay))


def _problem(keys: dict[str, Any], timeout: str | None) -> tuple[str, str] | None:
    most = parse_duration(keys["max_elapsed"])
    attempts = int(keys.get("max_attempts", 1))
    if attempts == 1:
        return None
    first = least_wait(keys, 1)
    if timeout is not None and parse_duration(timeout) + first > most:
        least = _spelt(parse_duration(timeout) + first)
        what = f"is over before an attempt that takes its whole `timeout` ({timeout}) can be followed by another"
        return what, f"give it at least `{least}`, or make `timeout` shorter"
    waits, begun = _waits(keys, most)
    if waits <= most:
        return None
    what = f"is over before attempt {begun + 1} of {attempts} can begin: the waits alone take {_spelt(waits)}"
    fewer = f"`max_attempts: {begun}`" if begun > 1 else "less `delay`"
    return what, f"give it at least `{_spelt(waits)}`, or write {fewer}"


def _seconds(keys: dict[str, Any], key: str, default: float) -> float:
    return parse_duration(keys[key]) if key in keys else default


def _spelt(seconds: float) -> str:
    """Give a length of time as a document spells it, rounded up to a second."""
    whole = -int(-seconds // 1)
    for size, unit in _UNITS:
        if whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"

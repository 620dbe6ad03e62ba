"""Decisions about failure, as values: whether another attempt follows, and after how long."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from unspool.model.plan import Retry
from unspool.model.status import (
    EXIT_CODE,
    NEVER_RETRIED,
    NOT_RETRIED_BY_DEFAULT,
    SIGNAL,
    STATUS_CLASSES,
    SUCCESS_WHEN_FALSE,
)

MAX_RECOVERIES = 3  # how often a task is begun again because its engine died under it
_JITTER = 0.1
_MAX_DOUBLINGS = 62  # 2**62 seconds is past any cap, and still far from overflowing a float
_WITH_EXIT_CODE = (EXIT_CODE, SIGNAL, SUCCESS_WHEN_FALSE)  # a timeout's tells only how the process was ended
_WITH_STATUS = frozenset((*STATUS_CLASSES, SUCCESS_WHEN_FALSE))  # a broken connection's tells nothing of the failure


def chance(seed: int, *what: object) -> float:
    """Draw a number in [0, 1) that depends on nothing but its arguments."""
    digest = blake2b(repr((seed, what)).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def retry_delay(retry: Retry, attempt: int, draw: float) -> float:
    """Give the seconds to wait between attempt number `attempt` (from 1) and the next.

    `draw` in [0, 1) is the chance in it: `jittered` spreads the exponential delay by 0.5 to 1.5,
    `jitter` adds up to a tenth. `max_delay` caps the sum.
    """
    if retry.strategy == "immediate":
        return 0.0
    if retry.strategy == "linear":
        delay = retry.delay * attempt
    else:
        delay = retry.delay * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS)
    if retry.strategy == "jittered":
        delay *= 0.5 + draw
    elif retry.jitter:
        delay *= 1.0 + _JITTER * draw
    return min(delay, retry.max_delay)


def decide_retry(
    retry: Retry,
    attempt: int,
    error: dict[str, Any],
    collected: dict[str, Any],
    draw: float,
    elapsed: float = 0.0,
) -> float | None:
    """Give the delay in seconds before the next attempt, or None when no attempt follows.

    Args:
        retry: the task's policy.
        attempt: the number of the attempt that failed, from 1.
        error: its `{"class": ..., "message": ...}`.
        collected: what is known of it: its `exit_code`, `status_code`, and `retry_after`, the seconds for which
            the other side asks to be left alone; no wait is shorter, whatever `max_delay` says.
        draw: a number in [0, 1).
        elapsed: the seconds since the first attempt began.
    """
    if attempt >= retry.max_attempts or error["class"] in NEVER_RETRIED:
        return None
    if any(_matches(item, error["class"], collected) for item in retry.never):
        return None
    if retry.on is None:
        wanted = error["class"] not in NOT_RETRIED_BY_DEFAULT
    else:
        wanted = any(_matches(item, error["class"], collected) for item in retry.on)
    if not wanted:
        return None
    delay = max(retry_delay(retry, attempt, draw), collected.get("retry_after") or 0.0)
    if retry.max_elapsed is not None and elapsed + delay > retry.max_elapsed:
        return None
    return delay


def _matches(item: Any, error_class: str, collected: dict[str, Any]) -> bool:
    if isinstance(item, str):
        return item == error_class
    if "status" in item:
        return error_class in _WITH_STATUS and collected.get("status_code") in item["status"]
    return error_class in _WITH_EXIT_CODE and collected.get("exit_code") in item["exit_code"]

"""What the status of an answer means: success, or a class of errors."""

from __future__ import annotations

from collections.abc import Collection

_CLASSES = {401: "auth", 402: "quota", 403: "auth", 429: "rate_limit"}


def status_class(status: int, expect: Collection[int] | None) -> str | None:
    """Give the class of errors that a status is of, None for success.

    Args:
        status: what the server answered.
        expect: the statuses that count as success; None is every one from 200 to 299.
    """
    if status in expect if expect is not None else 200 <= status <= 299:
        return None
    if status in _CLASSES:
        return _CLASSES[status]
    return "bad_request" if 400 <= status <= 499 else "server"

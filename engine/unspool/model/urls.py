"""What is wrong with the address, or with a header, of a request."""

from __future__ import annotations

import re

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_SCHEME = re.compile("https?://", re.IGNORECASE)
_BLANK = re.compile("[\x00-\x20\x7f]")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


def has_scheme(text: str) -> bool:
    """Whether a text begins with `http://` or `https://`."""
    return _SCHEME.match(text) is not None


def url_problem(url: str) -> str | None:
    """Say why no request can go to an address, as what follows its name; None where one can."""
    if not has_scheme(url):
        return "must begin with `http://` or `https://`"
    if _BLANK.search(url):
        return "holds a space or a control character"
    from urllib.parse import urlsplit  # 4 ms, and only requests need it

    try:
        parts = urlsplit(url)
        has_server = bool(parts.hostname) and parts.port != 0
    except ValueError as problem:
        return f"is no address: {problem}"
    return None if has_server else "names no server"


def without_secrets(url: str) -> str:
    """Give an address as it may be shown: user, password, query and fragment are left out."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def header_problem(value: str) -> str | None:
    """Say why a header cannot have a value, as what follows its name; None where it can."""
    if _CONTROL.search(value):
        return "holds a line end or another control character, which would begin something else"
    return None

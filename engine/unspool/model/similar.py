"""The known word that a misspelt one probably means."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str | None:
    """Give the known word that looks most like `word`, if one does.

    Cost: milliseconds for thousands of words, so only for people who made a mistake.
    """
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), 1)), None)

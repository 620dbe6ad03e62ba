"""What stands for a secret in the core: a text that no value of a run can spell, and the host replaces at the start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# Noncharacters of Unicode: no text that is meant to be read holds them, and the core refuses variables that do.
OPENING, CLOSING = "\ufdd0", "\ufdd1"
_PLACEHOLDER = re.compile(f"{OPENING}([A-Za-z_][A-Za-z0-9_]*){CLOSING}")


def placeholders(names: Iterable[str]) -> dict[str, str]:
    """Give what expressions see as `secrets`."""
    return {name: f"{OPENING}{name}{CLOSING}" for name in names}


def is_spelt(text: str) -> bool:
    """Whether a text holds what placeholders are made of."""
    return OPENING in text


def fill(value: Any, secrets: Mapping[str, str]) -> Any:
    """Put the values of secrets in place of their placeholders, in a text or in lists and maps of texts.

    What names none of `secrets` stays as it is.
    """
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: secrets.get(found[1], found[0]), value) if OPENING in value else value
    if isinstance(value, dict):
        return {key: fill(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, secrets) for item in value]
    return value

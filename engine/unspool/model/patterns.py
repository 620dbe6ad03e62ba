"""Regular expressions of documents, held against text that programs and people give.

The library's engine takes time in proportion to the text, or gives up; Python's own may take for ever on
`^(a+)+$`, and nothing could stop it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_usable(pattern: str) -> bool:
    """Whether a pattern is a regular expression that is known here."""
    return _validator(pattern) is not None


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; one that is not usable is in none."""
    validator = _validator(pattern)
    return validator is not None and bool(validator.is_valid(text))


def bounded(validator_class: Any) -> Any:
    """Give a validator class of `jsonschema` whose patterns are searched for in bounded time."""
    from jsonschema import ValidationError
    from jsonschema.validators import extend

    def check(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
        if validator.is_type(instance, "string") and not matches(pattern, instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")

    return extend(validator_class, {"pattern": check})  # type: ignore[no-untyped-call]


@lru_cache(maxsize=256)
def _validator(pattern: str) -> Any:
    import jsonschema_rs  # 20 ms, and few values are held against a pattern

    try:
        return jsonschema_rs.Draft202012Validator({"type": "string", "pattern": pattern}, offline=True)
    except (ValueError, jsonschema_rs.ValidationError):
        return None

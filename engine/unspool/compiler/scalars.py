"""What a plain scalar means: the core schema of YAML 1.2, and the spellings that mislead."""

from __future__ import annotations

import re
from itertools import product
from typing import Any, Literal, NamedTuple

from unspool.compiler.text_limits import MAX_DIGITS, MAX_INTEGER
from unspool.model.diagnostics import Diagnostic, Path

SuspectKind = Literal["yes_no", "lossy_number"]
Flaw = Literal["yes_no", "lossy_number", "not_finite", "too_long"]

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?P<exponent>[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_YES_NO = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

NUMBER_STARTS = "+-.0123456789"
WORDS = _CONSTANTS.keys() | {
    "".join(letters) for word in _YES_NO for letters in product(*((char, char.upper()) for char in word))
}
"""Plain scalars that need a look though they start with no digit, sign or dot."""


class Suspect(NamedTuple):
    """A plain scalar that probably does not mean what its author thinks.

    Attributes:
        path: the keys and indexes that lead to it.
        kind: `yes_no` for yes, no, on and off in any case, which are text in YAML 1.2; `lossy_number`
            for a number that would not be written again as it was read (`3.10`, `0123`, `1e400`), or an
            integer beyond 2**53.
        text: how the source spells it.
    """

    path: Path
    kind: SuspectKind
    text: str


class Resolved(NamedTuple):
    """The value of a plain scalar, and what is wrong with it.

    A number that no float can hold (`1e400`), that is not finite (`.nan`) or is too long stays text.
    """

    value: Any
    flaw: Flaw | None = None


def resolve_plain(text: str) -> Resolved:
    """Give the value of a plain YAML scalar by the core schema; what matches nothing is text."""
    if text in _CONSTANTS:
        return Resolved(_CONSTANTS[text])
    if text[0] in NUMBER_STARTS:
        return resolve_number(text)
    return Resolved(text, "yes_no" if text.lower() in _YES_NO else None)


def resolve_number(text: str) -> Resolved:
    """Give the value of a YAML or JSON number; what is no number is text."""
    if len(text) > MAX_DIGITS:
        return Resolved(text, "too_long" if _INTEGER.fullmatch(text) or _is_float(text) else None)
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _NOT_FINITE.fullmatch(text):
        return Resolved(text, "not_finite")
    return _float(text) if _is_float(text) else Resolved(text)


def suspect_diagnostic(suspect: Suspect) -> Diagnostic:
    """Say what is wrong with a suspect and how to write it; for where its value matters."""
    if suspect.kind == "yes_no":
        meant = _YES_NO[suspect.text.lower()]
        message = f"`{suspect.text}` is text in YAML 1.2, not a boolean"
        hint = f'write `{meant}`, or quote it if you mean the word: "{suspect.text}"'
        return Diagnostic("UNS017", message, suspect.path, hint=hint)
    return Diagnostic("UNS018", _loss(suspect.text), suspect.path, hint=f'quote it: "{_short(suspect.text)}"')


def _integer(text: str) -> Resolved:
    digits = text.lstrip("+-")
    prefix = digits[1:2]
    value = int(text, {"o": 8, "x": 16}.get(prefix, 10)) if prefix in ("o", "x") else int(text)
    padded = len(digits) > 1 and digits.isdecimal() and digits[0] == "0"
    return Resolved(value, "lossy_number" if padded or abs(value) > MAX_INTEGER else None)


def _is_float(text: str) -> bool:
    match = _FLOAT.fullmatch(text)
    return match is not None and bool(match["whole"] or match["part"])


def _float(text: str) -> Resolved:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return Resolved(text, "lossy_number")
    return Resolved(value, None if repr(value) == text or _keeps_digits(text, value) else "lossy_number")


def _keeps_digits(text: str, value: float) -> bool:
    match = _FLOAT.fullmatch(text)
    assert match is not None  # noqa: S101  # the caller has matched it
    whole, part = match["whole"], match["part"] or ""
    if value == 0:
        return len(whole) <= 1 and len(part) <= 1 and not (whole + part).strip("0")
    from decimal import Decimal

    if match["exponent"]:
        return Decimal(text) == Decimal(repr(value))
    again = f"{abs(Decimal(repr(value))):f}".partition(".")
    return (whole or "0") == again[0] and (part or "0") == (again[2] or "0")


def _loss(text: str) -> str:
    value = resolve_number(text).value
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return f"the integer {_short(text)} is beyond 2^53, where other programs round it"
    if isinstance(value, str):
        return f"the number {_short(text)} is too large for any program to hold"
    return f"the number {_short(text)} would become {_short(repr(value))}"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:20]}...{text[-17:]}"

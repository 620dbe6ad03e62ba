"""The core schema of YAML 1.2, spelling by spelling."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool.compiler.scalars import NUMBER_STARTS, WORDS, Suspect, resolve_number, resolve_plain, suspect_diagnostic
from unspool.compiler.text_limits import MAX_DIGITS

VALUES = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
    "0": 0, "7": 7, "-7": -7, "+7": 7, "0o17": 15, "0x1F": 31, "0xff": 255, "9007199254740992": 2**53,
    "0.5": 0.5, ".5": 0.5, "5.": 5.0, "-1.25": -1.25, "1e3": 1000.0, "1E-2": 0.01, "+1.5e+2": 150.0, "0.0": 0.0,
    "1.0": 1.0, "0.00001": 0.00001, "100000000000000000000000.0": 1e23, "1.50e1": 15.0,
}  # fmt: skip
TEXTS = (
    "nULL", "tRUE", "y", "n", "Y", "N", "none", "nan", "inf", "NaN", "Infinity", "1_000", "12:30:45", "2001-12-14",
    "0b1", "0o8", "0xg", "-0x1", "+0o7", "1e", "e5", ".e5", "+", "-", ".", "..", "...",
    "+.", "-.e1", "1.2.3", "1 2", "٣", "½", "--flag", "-q", "./x", "0x", "0o", "+-1", ".Inf5", "+.nan", "<<", "=",
)  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_what_the_core_schema_reads(text, value):
    resolved = resolve_plain(text)
    assert resolved == (value, None)
    assert type(resolved.value) is type(value)


@pytest.mark.parametrize("text", TEXTS)
def test_what_it_leaves_as_text(text):
    assert resolve_plain(text) == (text, None)


@pytest.mark.parametrize("text", ["yes", "Yes", "YES", "yEs", "no", "No", "on", "ON", "off", "oFF"])
def test_words_that_were_booleans_once_stay_text_and_are_suspect(text):
    assert resolve_plain(text) == (text, "yes_no")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3.10", 3.1), ("0.50", 0.5), ("10.00", 10.0), ("00.5", 0.5), ("0.00", 0.0), ("0123", 123), ("-007", -7),
        ("00", 0),
        ("3.14159265358979323846", math.pi), ("1e400", "1e400"), ("-1e999", "-1e999"), ("1e-400", 0.0),
        ("9007199254740993", 2**53 + 1), ("-12345678901234567890", -12345678901234567890),
        ("0x20000000000001", 2**53 + 1), ("1.00000000000000000001e5", 1e5),
    ],
)  # fmt: skip
def test_numbers_that_are_not_written_as_they_are_read_are_suspect(text, value):
    assert resolve_plain(text) == (value, "lossy_number")


@pytest.mark.parametrize("text", [".inf", "-.inf", "+.Inf", ".INF", ".nan", ".NaN", ".NAN"])
def test_numbers_that_are_not_finite_stay_text(text):
    assert resolve_plain(text) == (text, "not_finite")


@pytest.mark.parametrize("text", ["1" * (MAX_DIGITS + 1), "0x" + "f" * MAX_DIGITS, "0." + "1" * MAX_DIGITS])
def test_a_number_beyond_the_limit_is_never_read(text):
    assert resolve_plain(text) == (text, "too_long")


def test_a_long_text_is_not_taken_for_a_number():
    text = "-" + "a" * MAX_DIGITS
    assert resolve_plain(text) == (text, None)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_writes_is_read_back_without_doubt(number):
    assert resolve_number(repr(number)) == (number, None)


@given(st.integers(-(2**53), 2**53))
def test_every_safe_integer_is_read_back_without_doubt(number):
    assert resolve_number(str(number)) == (number, None)


@given(st.from_regex(re.compile(r"[-+]?[0-9]{0,4}\.?[0-9]{0,4}([eE][-+]?[0-9]{1,3})?", re.ASCII), fullmatch=True))
def test_a_number_is_suspect_or_keeps_its_value(text):
    value, flaw = resolve_plain(text)
    if flaw is None and isinstance(value, float):
        assert float(repr(value)) == value
        assert not re.fullmatch(r"[-+]?\d+\.\d+0", text)
    assert isinstance(value, int | float | str | None)


@given(st.text(min_size=1))
def test_text_outside_the_fast_path_is_plain_text(text):
    if text not in WORDS and text[0] not in NUMBER_STARTS:
        assert resolve_plain(text) == (text, None)


@pytest.mark.parametrize(
    ("kind", "text", "code", "says", "asks"),
    [
        ("yes_no", "Yes", "UNS017", "`Yes` is text", "`true`"),
        ("yes_no", "off", "UNS017", "`off` is text", "`false`"),
        ("lossy_number", "3.10", "UNS018", "3.10 would become 3.1", '"3.10"'),
        ("lossy_number", "0123", "UNS018", "0123 would become 123", '"0123"'),
        ("lossy_number", "1e400", "UNS018", "too large", '"1e400"'),
        ("lossy_number", "12345678901234567890", "UNS018", "beyond 2^53", '"12345678901234567890"'),
    ],
)
def test_a_suspect_that_does_harm_is_explained(kind, text, code, says, asks):
    found = suspect_diagnostic(Suspect(("a", 0), kind, text))
    assert (found.code, found.path, found.severity) == (code, ("a", 0), "error")
    assert says in found.message
    assert asks in (found.hint or "")

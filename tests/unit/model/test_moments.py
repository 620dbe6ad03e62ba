"""Moments with their zones are seconds since the epoch, as the standard library counts them."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool.model.moments import parse_moment

zones = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-1439, 1439))
moments = st.datetimes(timezones=zones)


@given(moments)
def test_every_moment_is_the_one_that_the_standard_library_means(moment):
    whole = moment.replace(microsecond=0)
    assert parse_moment(whole.isoformat()) == whole.timestamp()
    assert parse_moment(moment.isoformat(sep=" ")) == pytest.approx(moment.timestamp(), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00+01:00", 0),
        ("2000-02-29T00:00:00Z", 951_782_400),
        ("1969-12-31T23:59:59Z", -1),
        (" 1970-01-01T00:00:00.25Z\n", 0.25),
        ("1970-01-01T00:00:00.1234567891Z", 0.123456),
    ],
)
def test_forms_that_are_read(text, seconds):
    assert parse_moment(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2030-01-01", "2030-01-01T07:00:00", "2030-1-1T07:00Z", "٢030-01-01T07:00Z"]
)
def test_text_of_another_form_says_what_is_asked_for(text):
    with pytest.raises(ValueError, match="write one with its zone"):
        parse_moment(text)


@pytest.mark.parametrize(
    "text",
    [
        "2030-02-29T00:00Z",
        "1900-02-29T00:00Z",
        "2030-13-01T00:00Z",
        "2030-00-01T00:00Z",
        "2030-04-31T00:00Z",
        "2030-01-00T00:00Z",
        "2030-01-01T24:00Z",
        "2030-01-01T23:60Z",
        "2030-01-01T23:59:60Z",
    ],
)
def test_what_no_calendar_has_is_refused(text):
    with pytest.raises(ValueError, match="there is no moment"):
        parse_moment(text)

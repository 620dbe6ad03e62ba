"""Durations become seconds exactly."""

from __future__ import annotations

import pytest

from unspool.model.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("1ms", 0.001), ("0s", 0), ("30s", 30), ("5m", 300), ("2h", 7200), ("1d", 86400), ("007s", 7)],
)
def test_a_whole_number_and_a_unit_make_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "s", "1.5s", "-1s", "1w", "1 s", "s1", "5mm", "1hm", "٣s", "²s"])
def test_anything_else_is_refused_with_the_way_out(text):
    with pytest.raises(ValueError, match="a whole number and a unit"):
        parse_duration(text)

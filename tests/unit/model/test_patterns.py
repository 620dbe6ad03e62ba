"""Patterns of documents: bounded, whatever they are held against."""

from __future__ import annotations

import time

import jsonschema
import pytest

from unspool.compiler.value_schemas import misfit
from unspool.core.schema import fits
from unspool.model.patterns import bounded, is_usable, matches

SLOW = [r"^(a+)+$", r"^(?=a)(a+)+\1$", r"^(a|aa)+$", r"(x+x+)+y"]


@pytest.mark.parametrize("pattern", SLOW)
def test_no_pattern_takes_for_ever(pattern: str):
    text = "a" * 60 + "x" * 60 + "!"
    start = time.process_time()
    assert not matches(pattern, text)
    assert fits(text, {"type": "string", "pattern": pattern}) is not None
    assert misfit({"type": "string", "pattern": pattern}, text) is not None
    assert list(bounded(jsonschema.Draft202012Validator)({"pattern": pattern}).iter_errors(text))
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("b", "abc", True),
        ("^b", "abc", False),
        (r"^\d+$", "12", True),
        (r"^\d+$", "12\n", False),
        (r"\p{Lu}", "É", True),
    ],
)
def test_a_pattern_is_searched_for(pattern: str, text: str, found: bool):
    assert matches(pattern, text) is found
    assert (fits(text, {"type": "string", "pattern": pattern}) is None) is found


@pytest.mark.parametrize(("pattern", "usable"), [("(", False), ("a{1000000}", False), (r"\Z", False), ("(?!-)a", True)])
def test_what_is_no_pattern_is_told(pattern: str, usable: bool):
    assert is_usable(pattern) is usable
    assert not matches("(", "(")

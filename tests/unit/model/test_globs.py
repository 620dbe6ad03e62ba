"""Patterns for files: their parts, and the ones that cannot be used."""

from __future__ import annotations

import pytest

from unspool.model.globs import flaw_of, is_literal, parts_of


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("src/**/*.py", ("src", "**", "*.py")),
        ("./src//a.txt", ("src", "a.txt")),
        ("src/", ("src",)),
        ("**/**/**", ("**",)),
        (".", ("**",)),
        ("a**/b", ("a**", "b")),
    ],
)
def test_a_pattern_has_parts(pattern, parts):
    assert parts_of(pattern) == parts


def test_a_part_without_wildcards_is_a_name():
    assert [is_literal(part) for part in ("a.txt", "*", "a?", "[ab]", "..a", "a]")] == [
        True,
        False,
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("pattern", ["", "/etc/passwd", "..", "a/../b", "../x", "a\0b"])
def test_what_leaves_its_folder_is_refused(pattern):
    assert flaw_of(pattern)


@pytest.mark.parametrize("pattern", ["a", "..a/b..", "**", "a/./b", "~/x", "*"])
def test_what_stays_in_it_is_not(pattern):
    assert flaw_of(pattern) is None

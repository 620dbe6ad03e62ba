"""How a diagnostic looks in a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool.compiler.render import MAX_WIDTH, render, visible
from unspool.model.diagnostics import Diagnostic, Position


def found(line: int, column: int, **more) -> Diagnostic:
    return Diagnostic("UNS012", "something is wrong", position=Position(line, column), **more)


def caret_under(rendered: str) -> str:
    """The character that the caret points at, in a rendering without wide characters."""
    _, line, caret, *_ = rendered.split("\n")
    assert caret.strip() == "^"
    return line[caret.index("^")]


def test_all_parts():
    text = "name: x\ntasks:\n  build: 3\n"
    assert render(found(3, 10, hint="do this"), "flow.yaml", text).split("\n") == [
        "flow.yaml:3:10: error[UNS012]: something is wrong",
        "      build: 3",
        "             ^",
        "  hint: do this",
    ]


def test_a_warning_says_so():
    assert ": warning[UNS012]: " in render(found(1, 1, severity="warning"), "f", "a: 1")


def test_without_a_position_there_is_no_line():
    assert render(Diagnostic("UNS012", "no place"), "f", "a: 1") == "f: error[UNS012]: no place"


@pytest.mark.parametrize(("line", "column"), [(2, 1), (9, 1), (1, 1)])
def test_an_empty_line_is_not_shown(line, column):
    assert len(render(found(line, column), "f", "\n\n").split("\n")) == 1


def test_the_caret_may_stand_behind_the_last_character():
    assert render(found(1, 5), "f", "a: [").split("\n")[2] == "        ^"


def test_a_column_beyond_the_line_is_its_end():
    assert render(found(1, 99), "f", "a: [").split("\n")[2] == "        ^"


def test_tabs_do_not_move_the_caret():
    assert caret_under(render(found(1, 4), "f", "\ta\tX: 1")) == "X"


def test_characters_that_are_wide_on_a_terminal_count_twice_and_marks_do_not_count():
    assert render(found(1, 4), "f", "日本: X").split("\n")[2] == "    " + " " * 5 + "^"
    assert render(found(1, 3), "f", "e\u0301X").split("\n")[2] == "    " + " " * 1 + "^"


@pytest.mark.parametrize("column", [1, 40, 300, 599, 600])
def test_a_long_line_is_cut_around_the_caret(column):
    line = "".join(chr(ord("a") + index % 26) for index in range(600))
    rendered = render(found(1, column), "f", line)
    assert caret_under(rendered) == line[column - 1]
    assert len(rendered.split("\n")[1]) <= MAX_WIDTH + 8


def test_both_cuts_are_marked():
    shown = render(found(1, 300), "f", "x" * 600).split("\n")[1].strip()
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_a_huge_line_costs_no_more_than_what_is_shown():
    assert len(render(found(1, 5_000_000), "f", "x\x1b" * 5_000_000)) < 1000


def test_nothing_that_a_terminal_acts_on_gets_through():
    nasty = "\x1b[31m\x00\x7f\x9b\u202e\u200b\r"
    diagnostic = Diagnostic("UNS001", f"bad {nasty}", position=Position(1, 20), hint=f"hint {nasty}")
    rendered = render(diagnostic, f"name{nasty}\n", f"a: '{nasty[:-1]}' X")
    assert not any(char in rendered for char in nasty if not char.isprintable())
    assert "\\x1b[31m\\x00\\x7f\\x9b\\u202e\\u200b" in rendered
    assert len(rendered.split("\n")) == 4


def test_the_caret_counts_escapes_as_they_are_shown():
    assert caret_under(render(found(1, 5), "f", "a\x00\x1b\u202eX")) == "X"


def test_a_byte_order_mark_takes_no_column():
    assert caret_under(render(found(1, 4), "f", "\ufeffa: X")) == "X"


@given(st.text(), st.integers(1, 5), st.integers(1, 50))
def test_any_text_and_place_can_be_printed(text, line, column):
    lines = render(found(line, column), "f", text).split("\n")
    assert len(lines) in (1, 3)
    assert all(part == visible(part) for part in lines)

"""A syntax error can be moved into the text around it."""

from __future__ import annotations

from unspool.expr.syntax import CODES, ExpressionSyntaxError


def test_moving_changes_the_place_only():
    problem = ExpressionSyntaxError("what", 3, "hint", "UNS061")
    moved = problem.moved(4)
    assert (moved.message, moved.offset, moved.hint, moved.code) == ("what", 7, "hint", "UNS061")
    assert str(moved) == "what; hint"


def test_codes_are_listed():
    assert sorted(CODES) == ["UNS060", "UNS061", "UNS062"]
    assert ExpressionSyntaxError("what").code in CODES

"""What a task says about crashes and silence, from the document to the plan."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import diagnose, task_of


def test_on_crash_comes_from_the_task_else_from_the_defaults():
    body = "defaults: {on_crash: fail}\ntasks: {a: {run: [x]}, b: {run: [x], on_crash: retry}}"
    assert (task_of(body, "a").on_crash, task_of(body, "b").on_crash) == ("fail", "retry")
    assert task_of("tasks: {a: {run: [x]}}", "a").on_crash == "retry"


@pytest.mark.parametrize(
    ("word", "hint"), [("restart", "write `on_crash: retry`"), ("abort", "write `on_crash: fail`")]
)
def test_other_words_for_what_a_crash_means_are_understood(word, hint):
    (found,) = diagnose(f"tasks: {{a: {{run: [x], on_crash: {word}}}}}")
    assert (found.code, found.hint) == ("UNS024", hint)

"""What the end of a task means to those that wait for it, by document."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, play

JOINED = """
tasks:
  a: {run: [x]}
  b: {run: [x]}
  c: {run: [x]}
  d:
    depends_on: [a, b, c]
    join: %s
    run: [x]
"""


@pytest.mark.parametrize(
    ("join", "failing", "ends"),
    [
        ("all", (), "completed"),
        ("all", ("a",), "cancelled"),
        ("any", ("a", "b"), "completed"),
        ("any", ("a", "b", "c"), "cancelled"),
        ("2", ("a",), "completed"),
        ("2", ("a", "c"), "cancelled"),
        ("3", (), "completed"),
    ],
)
def test_a_join_asks_for_so_many(join, failing, ends):
    assert play(JOINED % join, dict.fromkeys(failing, FAILS)).states()["d"] == ends


def test_a_joined_task_starts_as_soon_as_enough_are_met():
    player = Player(JOINED % "any")
    player.say_of("a")
    assert player.states() == {"a": "completed", "b": "ready", "c": "ready", "d": "ready"}


def test_what_ends_after_a_joined_task_began_changes_nothing():
    player = Player(JOINED % "any", {"b": FAILS})
    player.say_of("a")
    player.say_of("d")
    assert player.states()["d"] == "completed"
    player.finish()
    assert player.states()["d"] == "completed"
    assert player.run.state == "failed"


def test_what_waits_for_a_joined_task_need_not_wait_for_the_rest():
    player = Player(JOINED % "any" + "  e: {depends_on: [d], run: [x]}\n")
    player.say_of("a")
    player.say_of("d")
    assert player.states()["e"] == "ready"


def test_a_joined_task_is_skipped_where_too_few_can_be_met_and_nothing_failed():
    text = """
    tasks:
      a: {run: [x]}
      b: {run: [x]}
      d: {depends_on: {a: failed, b: failed}, join: any, run: [x]}
    """
    assert play(text).ends()["d"] == ("skipped", "dependency_not_met")
    assert play(text, {"b": FAILS}).ends()["d"] == ("completed", None)

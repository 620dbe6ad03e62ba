"""Tasks that wait for a moment or a person hold nothing while they do."""

from __future__ import annotations

import pytest

from tests.playing import Player, play
from unspool.errors import IllegalEvent
from unspool.model.events import PersonDecided

ASKED = """
tasks:
  build: {run: [x], outputs: {v: {type: string, from: stdout}}}
  ask:
    depends_on: [build]
    approval: {prompt: "Ship ${{ tasks.build.outputs.v }}?", default: %s}
    timeout: 1h
    outputs: {by: {type: [string, "null"], from: json, path: /by}}
  ship: {depends_on: [ask], run: [x]}
"""


def test_a_task_waits_so_long_without_a_place():
    player = Player("tasks: {pause: {wait: 5m}, then: {depends_on: [pause], run: [x]}}")
    assert player.ends()["pause"] == ("queued", "waiting")
    assert player.run.attempts == {}
    assert player.run.timers == {"wait:0": 1300.0}
    player.finish()
    assert player.states() == {"pause": "completed", "then": "completed"}
    assert player.run.tasks[0].attempts == 0


def test_a_task_waits_until_a_moment():
    player = Player("tasks: {pause: {wait: {until: '1970-01-01T01:00:00Z'}}}")
    assert player.run.timers == {"wait:0": 3600.0}


def test_how_long_may_be_an_expression():
    text = "inputs: {d: {type: string, default: 2m}}\ntasks: {pause: {wait: '${{ inputs.d }}'}}"
    assert Player(text).run.timers == {"wait:0": 1120.0}
    assert Player(text, inputs={"d": "soon"}).ends()["pause"] == ("failed", "expression_error")


def test_a_person_is_asked_and_says_yes():
    player = play(ASKED % "reject", answers={"ask": True})
    assert player.states() == {"build": "completed", "ask": "completed", "ship": "completed"}
    task = player.run.tasks[1]
    assert task.prompt == "Ship build?"
    assert task.outputs == {"by": "ann"}


def test_a_person_says_no():
    player = play(ASKED % "approve", answers={"ask": False})
    assert player.ends()["ask"] == ("failed", "rejected")
    assert player.states()["ship"] == "cancelled"
    assert player.run.state == "failed"


@pytest.mark.parametrize(("default", "ends"), [("approve", ("completed", None)), ("reject", ("failed", "rejected"))])
def test_where_nobody_decides_the_default_does(default, ends):
    assert play(ASKED % default, late=("approval",)).ends()["ask"] == ends


def test_a_run_that_waits_for_a_person_is_not_stuck():
    player = Player("tasks: {ask: {approval: 'Go?'}}")
    assert player._moves() == []
    player.decide("ask")
    assert player.run.state == "completed"


def test_a_second_answer_changes_nothing_and_an_answer_about_nothing_is_refused():
    player = Player("tasks: {ask: {approval: 'Go?'}}")
    player.say(PersonDecided(1001.0, "one", 0, True, "ann"))
    assert player.run.apply(PersonDecided(1001.0, "two", 0, False, "bob")) == ()
    with pytest.raises(IllegalEvent, match="no task 7"):
        player.run.apply(PersonDecided(1001.0, "three", 7, True))


@pytest.mark.parametrize("text", ["wait: 5m", "approval: 'Go?'"])
def test_what_waits_can_be_cancelled(text):
    player = Player(f"tasks: {{t: {{{text}}}}}")
    player.cancel("t")
    assert player.ends()["t"] == ("cancelled", "cancelled_by_person")
    assert player.run.is_final
    assert player.run.timers == {}

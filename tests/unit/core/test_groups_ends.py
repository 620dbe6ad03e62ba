"""How groups end where their members race, are tolerated, are replaced, or take too long."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, play

RACE = """
tasks:
  g:
    group:
      mode: parallel
      aggregate: first
      tasks:
        a: {run: [x], on_failure: %s, outputs: {v: {type: string, from: stdout}}}
        b: {run: [x], on_failure: skip, outputs: {v: {type: string, from: stdout}}}
templates:
  spare: {run: [x], outputs: {v: {type: string, from: stdout}}}
"""


def value_of(player: Player, group: str) -> object:
    return player.run.tasks[player.index(group)].result["json"]


def test_a_race_that_nobody_wins_has_failed():
    player = play(RACE % "skip", {"g.a": FAILS, "g.b": FAILS})
    assert player.ends()["g"] == ("failed", "member_failed")
    assert "none of its tasks completed" in player.run.tasks[player.index("g")].error["message"]


def test_a_race_in_which_some_failed_and_the_others_were_skipped_has_failed():
    text = (RACE % "skip").replace("b: {", "b: {when: false, ")
    assert play(text, {"g.a": FAILS}).ends()["g"] == ("failed", "member_failed")


def test_a_stand_in_may_win_a_race():
    player = Player(RACE % "{substitute: spare}", {"g.a": FAILS})
    player.say_of("g.a")
    player.say_of("g.a/spare")
    assert player.ends()["g.b"] == ("cancelled", "lost") or player.run.attempts
    player.finish()
    assert player.ends()["g.b"] == ("cancelled", "lost")
    assert player.ends()["g"] == ("completed", None)
    assert value_of(player, "g") == {"v": "g.a/spare"}


def test_who_won_a_race_is_told_by_when_a_stand_in_completed():
    player = Player(RACE % "{substitute: spare}", {"g.a": FAILS})
    player.say_of("g.a")
    player.at += 1
    player.say_of("g.b")
    player.finish()
    assert player.ends()["g.a/spare"] == ("cancelled", "lost")
    assert value_of(player, "g") == {"v": "g.b"}


SLOW = """
tasks:
  g:
    timeout: 30s
    group:
      mode: parallel
      tasks:
        a:
          on_failure: %s
          group: {tasks: {m: {run: [x]}}}
        b: {run: [x]}
  after: {depends_on: {g: any}, run: [x]}
templates:
  spare: {run: [x]}
"""


@pytest.mark.parametrize("policy", ["skip", "cancel_dependents"])
def test_a_group_that_took_too_long_has_failed_whatever_its_parts_tolerate(policy):
    player = Player(SLOW % policy)
    player.say_of("g.b")
    player._fire("span:0")
    player.finish()
    assert player.ends()["g.a.m"] == ("cancelled", "group_timeout")
    assert player.ends()["g.a"] == ("cancelled", "group_timeout"), "it was not its own time that was over"
    assert player.ends()["g"] == ("failed", "timeout")


def test_a_group_that_took_too_long_ends_the_stand_ins_of_its_members():
    text = SLOW.replace("group: {tasks: {m: {run: [x]}}}", "run: [x]") % "{substitute: spare}"
    player = Player(text, {"g.a": FAILS})
    player.say_of("g.a")
    player._fire("span:0")
    player.finish()
    assert player.ends()["g.a/spare"] == ("cancelled", "group_timeout")
    assert player.ends()["g"] == ("failed", "timeout")


@pytest.mark.parametrize(("spare", "ends"), [("when: false, ", ("skipped", "when_false")), ("", ("cancelled", "lost"))])
def test_a_group_ends_for_the_reason_of_who_answers_for_its_member(spare, ends):
    text = f"""
    tasks:
      g: {{group: {{tasks: {{a: {{run: [x], on_failure: {{substitute: spare}}}}}}}}}}
      other: {{for_each: [a], run: [x], on_failure: {{substitute: spare}}}}
    templates: {{spare: {{{spare}run: [x]}}}}
    """
    player = Player(text, {"g.a": FAILS, "other[a]": FAILS})
    player.say_of("g.a")
    player.say_of("other[a]")
    if not spare:
        player.cancel("g.a/spare")
        player.cancel("other[a]/spare")
        ends = ("cancelled", "cancelled_by_person")
    player.finish()
    assert player.ends()["g"] == ends
    assert player.ends()["other"] == ends


def test_a_stand_in_of_several_tasks_answers_to_the_group_as_one_task_does():
    text = """
    tasks:
      g:
        on_failure: skip
        group: {tasks: {a: {run: [x], on_failure: {substitute: team}}}}
    templates: {team: {group: {tasks: {m: {run: [x]}}}}}
    """
    player = play(text, {"g.a": FAILS, "g.a/team.m": FAILS})
    assert player.ends()["g.a/team"] == ("failed", "member_failed")
    assert player.ends()["g"] == ("failed", "member_failed")
    assert player.run.state == "completed", "the failure of the group is tolerated"

"""What a group makes of its members."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, play

GROUP = """
tasks:
  first: {run: [x]}
  g:
    depends_on: [first]
    group:
      mode: %s
      tasks:
        a: {run: [x], outputs: {v: {type: string, from: stdout}}}
        b: {run: [x], outputs: {v: {type: string, from: stdout}}}
        c: {run: [x], outputs: {v: {type: string, from: stdout}}}
    outputs: {all: {type: object, from: json}}
  after: {depends_on: {g: any}, run: [x]}
"""
MEMBERS = ("g.a", "g.b", "g.c")


def members(player: Player) -> list[str]:
    return [player.states()[member] for member in MEMBERS]


def test_the_members_of_a_sequence_come_one_after_the_other():
    player = play(GROUP % "sequential")
    assert player.begun == ["first", "g.a", "g.b", "g.c", "after"]
    assert player.states()["g"] == "completed"


def test_the_members_of_a_parallel_group_do_not_wait_for_each_other():
    orders = set()
    for seed in range(20):
        player = Player(GROUP % "parallel", seed=seed)
        player.finish()
        orders.add(tuple(name for name in player.begun if name in MEMBERS))
    assert len(orders) > 1


def test_a_failed_step_cancels_the_rest_of_a_sequence():
    player = play(GROUP % "sequential", {"g.b": FAILS})
    assert members(player) == ["completed", "failed", "cancelled"]
    assert player.ends()["g"] == ("failed", "member_failed")
    assert player.run.failed == 1, "the group answers for its members"


def test_siblings_in_a_parallel_group_go_on():
    player = play(GROUP % "parallel", {"g.b": FAILS})
    assert members(player) == ["completed", "failed", "completed"]
    assert player.ends()["g"] == ("failed", "member_failed")


def test_a_group_whose_failure_is_tolerated_does_not_fail_the_run():
    text = (GROUP % "sequential").replace("    outputs: {all", "    on_failure: skip\n    outputs: {all")
    player = play(text, {"g.a": FAILS})
    assert player.ends()["g"] == ("failed", "member_failed")
    assert player.run.state == "completed"


def test_the_value_of_a_group_holds_those_of_its_members():
    player = play(GROUP % "parallel")
    task = player.run.tasks[player.index("g")]
    assert task.outputs == {"all": {"a": {"v": "g.a"}, "b": {"v": "g.b"}, "c": {"v": "g.c"}}}


def test_of_a_race_only_the_first_counts():
    text = (GROUP % "parallel").replace("      tasks:", "      aggregate: first\n      tasks:", 1)
    for seed in range(10):
        player = Player(text, seed=seed)
        player.finish()
        states = [player.ends()[member] for member in MEMBERS]
        won = next(member for member in MEMBERS if player.states()[member] == "completed")
        assert states.count(("completed", None)) >= 1
        assert {end for end in states if end[0] != "completed"} <= {("cancelled", "lost")}
        assert player.run.state == "completed"
        assert player.run.tasks[player.index("g")].state == "completed", won


def test_a_race_that_nobody_wins_is_lost():
    text = (GROUP % "parallel").replace("      tasks:", "      aggregate: first\n      tasks:", 1)
    assert play(text, dict.fromkeys(MEMBERS, FAILS)).ends()["g"] == ("failed", "member_failed")
    winner = play(text, {"g.a": FAILS, "g.b": FAILS}, 1)  # whether the two fail or are lost is a matter of order
    assert winner.states()["g"] == "completed"
    assert winner.run.state == "completed"


def test_a_value_can_be_made_of_the_members():
    text = """
    tasks:
      g:
        group:
          mode: parallel
          tasks:
            a: {run: [x], outputs: {n: {type: integer, from: stdout}}}
            b: {run: [x], outputs: {n: {type: integer, from: stdout}}}
          aggregate: {reduce: "${{ tasks.a.outputs.n + tasks.b.outputs.n }}"}
        outputs: {sum: {type: integer, from: json}}
    """
    player = play(text, {"g.a": "4", "g.b": "5"})
    assert player.run.tasks[player.index("g")].outputs == {"sum": 9}


def test_a_group_that_is_not_wanted_is_skipped_with_all_its_members():
    text = "inputs: {go: {type: boolean, default: false}}" + (GROUP % "dag").replace(
        "depends_on: [first]", "depends_on: [first]\n    when: ${{ inputs.go }}"
    )
    player = play(text)
    assert player.ends()["g"] == ("skipped", "when_false")
    assert members(player) == ["skipped"] * 3


def test_a_group_ends_with_what_it_needed():
    player = play(GROUP % "dag", {"first": FAILS})
    assert player.ends()["g"] == ("cancelled", "dependency_failed")
    assert members(player) == ["cancelled"] * 3


def test_a_group_may_judge_by_its_value():
    text = (GROUP % "parallel").replace(
        "    outputs: {all", "    success_when: ${{ result.json.a.v == 'no' }}\n    outputs: {all"
    )
    assert play(text).ends()["g"] == ("failed", "success_when_false")


def test_the_time_of_a_group_counts_from_its_gate():
    text = (GROUP % "sequential").replace("    outputs: {all", "    timeout: 10s\n    outputs: {all")
    player = Player(text)
    player.say_of("first")
    assert player.run.timers
    (timer,) = player.run.timers
    player._fire(timer)
    player.finish()
    assert player.ends()["g"] == ("failed", "timeout")
    assert members(player) == ["cancelled"] * 3
    assert player.run.state == "failed"


def test_a_step_sees_the_one_before_and_names_what_is_nearest():
    text = """
    tasks:
      build: {run: [x], outputs: {v: {type: string, from: stdout}}}
      g:
        depends_on: [build]
        group:
          tasks:
            build: {run: [x, "${{ inputs.none | default('') }}"], outputs: {v: {type: string, from: stdout}}}
            push: {run: [x, "${{ previous.outputs.v }}", "${{ previous.state }}", "${{ tasks.build.outputs.v }}"]}
      late: {depends_on: [g, build], run: [x, "${{ tasks.build.outputs.v }}"]}
    """.replace(", \"${{ inputs.none | default('') }}\"", "")
    player = play(text)
    specs = {
        player.run.nodes[command.tasks[0]].id: command.spec
        for entry in player.entries
        for command in entry.commands
        if type(command).__name__ == "StartAttempt"
    }
    assert specs["g.push"]["argv"] == ["x", "g.build", "completed", "g.build"]
    assert specs["late"]["argv"] == ["x", "build"]


@pytest.mark.parametrize("moment", range(12))
def test_a_group_is_cancelled_at_any_moment(moment):
    player = Player(GROUP % "sequential", seed=moment)
    for _ in range(moment):
        if not player.run.is_final:
            player.step()
    if player.run.is_final or player.states()["g"] == "completed":
        return
    player.cancel("g")
    player.finish()
    assert player.states()["g"] in ("cancelled", "completed")
    assert player.run.state in ("cancelled", "completed")

"""Substitutes and rollbacks."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, play

SAGA = """
tasks:
  book:
    run: [x]
    compensate: {run: [undo, "${{ tasks.book.outputs.id }}"]}
    outputs: {id: {type: string, from: stdout}}
  pay: {depends_on: [book], run: [x], compensate: {run: [undo]}}
  log: {depends_on: [book], run: [x]}
  other: {run: [x], compensate: {run: [undo]}}
  ship:
    depends_on: [pay]
    run: [x]
    compensate: {run: [undo]}
    on_failure: {rollback: {then: cancel}}
  thank: {depends_on: [ship], run: [x]}
"""


def undone(player: Player) -> list[str]:
    return [name.removesuffix("/compensate") for name in player.begun if "/compensate" in name]


def test_what_a_failed_task_was_built_on_is_undone_newest_first():
    player = Player(SAGA, {"ship": FAILS})
    player.finish()
    assert undone(player) == ["ship", "pay", "book"]
    assert player.states()["pay"] == "completed"
    assert player.run.tasks[player.index("pay")].family.is_undone
    assert player.states()["other"] == "completed", "what the failed task did not build on stays"
    assert player.run.tasks[player.index("other")].family is None
    assert player.ends()["thank"][0] == "cancelled"
    assert (player.run.state, player.run.reason) == ("failed", "task_failed")


def test_a_compensation_sees_what_its_task_gave():
    player = Player(SAGA, {"ship": FAILS, "book": "B-7"})
    player.finish()
    specs = [
        command.spec
        for entry in player.entries
        for command in entry.commands
        if type(command).__name__ == "StartAttempt" and command.spec
    ]
    assert [spec["argv"] for spec in specs] == [["undo", "B-7"]]


def test_running_dependents_of_what_is_undone_end_first():
    for seed in range(30):
        player = Player(SAGA, {"ship": FAILS}, seed=seed)
        player.finish()
        first = next(
            i
            for i, entry in enumerate(player.entries)
            if any("/compensate" in _name(player, c) for c in entry.commands)
        )
        live = [e for e in player.entries[first:] if type(e.event).__name__ == "AttemptStarted"]
        names = {player.run.nodes[player_task(player, e.event.attempt)].id for e in live}
        assert "log" not in names


def _name(player: Player, command: object) -> str:
    tasks = getattr(command, "tasks", None)
    return player.run.nodes[tasks[0]].id if tasks else ""


def player_task(player: Player, attempt: int) -> int:
    return next(
        command.task
        for entry in player.entries
        for command in entry.commands
        if type(command).__name__ == "RequestAdmission" and command.attempt == attempt
    )


def test_a_compensation_that_fails_is_recorded_and_the_others_go_on():
    player = Player(SAGA, {"ship": FAILS, "pay/compensate": FAILS})
    player.finish()
    assert undone(player) == ["ship", "pay", "book"]
    assert player.ends()["pay/compensate"] == ("failed", "exit_code")
    assert (player.run.state, player.run.reason) == ("failed", "rollback_failed")
    assert not player.run.tasks[player.index("pay")].family.is_undone


def test_a_rollback_goes_on_when_the_run_is_cancelled():
    player = Player(SAGA, {"ship": FAILS})
    while "ship/compensate" not in player.begun:
        player.step()
    player.cancel()
    player.finish()
    assert undone(player) == ["ship", "pay", "book"]


@pytest.mark.parametrize("seed", range(10))
def test_a_rollback_survives_a_crash_in_its_middle(seed):
    player = Player(SAGA, {"ship": FAILS}, seed=seed)
    while "pay/compensate" not in player.begun:
        player.step()
    player.crash()
    player.finish()
    assert list(dict.fromkeys(undone(player))) == ["ship", "pay", "book"]
    assert player.states()["book/compensate"] == "completed"


def test_a_task_is_undone_and_tried_again_so_many_times():
    text = """
    tasks:
      t:
        run: [x]
        retry: {max_attempts: 2, delay: 1s}
        compensate: {run: [undo]}
        on_failure: {rollback: {then: retry, attempts: 2}}
      after: {depends_on: [t], run: [x]}
    """
    player = Player(text, {f"t#{n}": FAILS for n in range(1, 5)})
    player.finish()
    assert player.begun == ["t", "t", "t/compensate[1]", "t", "t", "t/compensate[2]", "t", "after"]
    assert player.run.state == "completed"
    player = Player(text, {"t": FAILS})
    player.finish()
    assert player.begun.count("t") == 6
    assert player.ends()["t"] == ("failed", "exit_code")
    assert player.run.state == "failed"


SUBSTITUTED = """
tasks:
  t:
    run: [x]
    on_failure: {substitute: plan_b, with: {why: "${{ inputs.why }}"}}
    outputs: {v: {type: string, from: stdout}}
  after: {depends_on: [t], run: [y, "${{ tasks.t.outputs.v }}", "${{ tasks.t.state }}"]}
inputs: {why: {type: string, default: because}}
templates:
  plan_b:
    inputs: {why: {type: string}, more: {type: integer, default: 3}}
    run: [z, "${{ inputs.why }}", "${{ inputs.more }}"]
    outputs: {v: {type: string, from: stdout}}
"""


def test_a_substitute_stands_in_for_what_failed():
    player = play(SUBSTITUTED, {"t": FAILS})
    assert player.ends() == {
        "t": ("failed", "substituted"),
        "t/plan_b": ("completed", None),
        "after": ("completed", None),
    }
    assert player.run.state == "completed"
    argvs = [
        command.spec["argv"] for entry in player.entries for command in entry.commands if getattr(command, "spec", None)
    ]
    assert argvs == [["z", "because", "3"], ["y", "t/plan_b", "completed"]]


def test_a_substitute_that_fails_fails_the_run():
    player = play(SUBSTITUTED, {"t": FAILS, "t/plan_b": FAILS})
    assert player.ends()["after"] == ("cancelled", "dependency_failed")
    assert player.run.state == "failed"


def test_a_task_that_completes_needs_no_substitute():
    assert "t/plan_b" not in play(SUBSTITUTED).ends()


def test_a_substitute_may_be_a_group():
    text = """
    tasks:
      t: {run: [x], on_failure: {substitute: plan_b}}
      after: {depends_on: [t], run: [y]}
    templates:
      plan_b: {group: {tasks: {a: {run: [x]}, b: {run: [x]}}}}
    """
    player = play(text, {"t": FAILS})
    assert player.begun == ["t", "t/plan_b.a", "t/plan_b.b", "after"]
    assert player.run.state == "completed"

"""How a run ends: its verdict, and `finally` after it."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, play
from unspool.core.run import Run
from unspool.core.verify import verify
from unspool.errors import IllegalEvent
from unspool.model.events import AttemptEnded, CancelRequested, TaskAdmitted

CLOSED = """
tasks:
  a: {run: [x]}
  b: {depends_on: [a], run: [x]}
finally:
  tidy: {run: [t, "${{ run.state }}", "${{ run.reason is none }}", "${{ tasks.a.state }}"]}
  tell: {depends_on: [tidy], run: [x]}
"""


def tidied(player: Player) -> list[str]:
    return next(
        command.spec["argv"] for entry in player.entries for command in entry.commands if getattr(command, "spec", None)
    )


@pytest.mark.parametrize(
    ("fates", "says"),
    [({}, ["t", "completed", "true", "completed"]), ({"a": FAILS}, ["t", "failed", "false", "failed"])],
)
def test_finally_runs_after_success_and_failure_and_knows_which(fates, says):
    player = play(CLOSED, fates)
    assert tidied(player) == says
    assert player.begun[-2:] == ["tidy", "tell"]
    assert player.run.state == says[1]


def test_finally_never_changes_the_verdict():
    player = play(CLOSED, {"tidy": FAILS})
    assert player.ends()["tell"] == ("cancelled", "dependency_failed")
    assert (player.run.state, player.run.reason) == ("completed", "finally_failed")
    player = play(CLOSED, {"a": FAILS, "tidy": FAILS})
    assert (player.run.state, player.run.reason) == ("failed", "task_failed")


@pytest.mark.parametrize("by", ["person", "interrupt"])
@pytest.mark.parametrize("moment", range(8))
def test_finally_runs_after_a_cancel_at_any_moment(by, moment):
    player = Player(CLOSED, seed=moment)
    for _ in range(moment):
        player.step()
    was_ending = player.run.state == "finishing"
    player.cancel(by=by)
    player.finish()
    assert player.states()["tell"] == "completed"
    assert player.run.state == ("completed" if was_ending else "cancelled")


def test_a_second_interrupt_ends_finally():
    player = Player(CLOSED)
    player.cancel(by="interrupt")
    player.finish_until("tidy")
    player.cancel(by="interrupt")
    player.finish()
    assert player.ends()["tell"][0] == "cancelled"
    assert player.run.state == "cancelled"


def test_two_interrupts_before_it_keep_finally_from_beginning():
    player = Player(CLOSED)
    player.finish_until("a")
    player.cancel(by="interrupt")
    player.cancel(by="interrupt")
    player.finish()
    assert "tidy" not in player.begun
    assert player.ends()["tidy"] == ("cancelled", "interrupted")


def test_finally_is_retried_as_it_asks_even_in_a_cancelled_run():
    text = CLOSED.replace("finally:\n  tidy: {", "finally:\n  tidy: {retry: {max_attempts: 2}, ")
    player = Player(text, {"tidy#1": FAILS})
    player.cancel()
    player.finish()
    assert player.begun == ["tidy", "tidy", "tell"]


def test_finally_survives_a_crash():
    player = Player(CLOSED)
    player.finish_until("tidy")
    player.crash()
    player.finish()
    assert player.states() == dict.fromkeys(("a", "b", "tidy", "tell"), "completed")


def test_finally_runs_after_an_abort():
    text = CLOSED.replace("a: {run: [x]}", "a: {run: [x], on_failure: abort}")
    player = play(text, {"a": FAILS})
    assert player.states() == {"a": "failed", "b": "cancelled", "tidy": "completed", "tell": "completed"}
    assert (player.run.state, player.run.reason) == ("failed", "run_aborted")


@pytest.mark.parametrize(
    ("task", "ends"),
    [
        (
            "{for_each: [a, b], group: {tasks: {m: {run: [x]}}}}",
            {"tidy", "tidy[a]", "tidy[a].m", "tidy[b]", "tidy[b].m"},
        ),
        (
            "{group: {tasks: {m: {for_each: [a], run: [x]}}}}",
            {"tidy", "tidy.m", "tidy.m[a]"},
        ),
    ],
)
def test_finally_may_have_parts(task, ends):
    """What its parts are copies of is never counted, and never begins."""
    player = play(f"tasks: {{a: {{run: [x]}}}}\nfinally: {{tidy: {task}}}")
    assert player.states() == dict.fromkeys(ends | {"a"}, "completed")
    assert player.begun[0] == "a"
    assert player.run.state == "completed"


def test_a_task_of_finally_that_a_person_cancels_early_changes_no_verdict_and_begins_nothing():
    text = CLOSED.replace("depends_on: [tidy]", "depends_on: {tidy: any}")
    player = Player(text)
    player.cancel("tidy")
    assert player.states()["tell"] == "created", "nothing of `finally` begins before the verdict"
    player.finish()
    assert player.begun == ["a", "b", "tell"]
    assert (player.run.state, player.run.reason) == ("completed", None)


def test_finally_is_cancelled_where_nothing_can_be_evaluated():
    player = Player(
        "env: {E: '${{ inputs.n + 1 }}'}\ninputs: {n: {type: [string, integer], default: x}}\n" + CLOSED.lstrip()
    )
    assert player.run.state == "failed"
    assert player.ends()["tidy"] == ("cancelled", "expression_error")
    assert player.ends()["tell"] == ("cancelled", "expression_error")


def test_nobody_can_cancel_what_never_runs():
    player = Player(CLOSED.replace("a: {run: [x]}", "a: {run: [x], compensate: {run: [undo]}}"))
    template = player.index("a/compensate")
    with pytest.raises(IllegalEvent, match="is no task of the run"):
        player.run.apply(CancelRequested(1001.0, "c", template))
    assert player.run.tasks[template].state == "created"


# -- a run that cannot go on: no document that compiles gives one, so the engine is made to forget something --------


def forgetful(monkeypatch: pytest.MonkeyPatch, forgotten: str) -> None:
    """Let nobody who waits for one task be told that it has ended."""
    pass_on = Run._pass_end_on

    def pass_some_on(run: Run, index: int) -> None:
        if run.nodes[index].id != forgotten:
            pass_on(run, index)

    monkeypatch.setattr(Run, "_pass_end_on", pass_some_on)


def lived(text: str) -> Run:
    """Let every attempt of a run end well."""
    player = Player(text)
    run = player.run
    while not run.is_final:
        number, attempt = next(iter(run.attempts.items()))
        run.apply(TaskAdmitted(1001.0, attempt.task, number, 1))
        run.apply(AttemptEnded(1002.0, number, 1, 1001.5, None, {"exit_code": 0}))
    return run


@pytest.mark.parametrize("limits", ["", "limits: {timeout: 1h}"])
def test_a_run_that_cannot_go_on_ends_by_itself_and_says_so(monkeypatch, limits):
    forgetful(monkeypatch, "a")
    run = lived(f"{limits}\n{CLOSED}")
    ends = {node.id: (task.state, task.reason) for node, task in zip(run.nodes, run.tasks, strict=True)}
    assert ends == {
        "a": ("completed", None),
        "b": ("cancelled", "internal_error"),
        "tidy": ("completed", None),
        "tell": ("completed", None),
    }
    assert (run.state, run.reason, run.error["class"]) == ("failed", "internal_error", "internal_error")
    assert run.error["message"].startswith("b could never start or end, which is a fault of unspool")
    assert not run.timers
    assert verify(run) == [f"the run gave up: {run.error['message']}"]


def test_a_finally_that_cannot_go_on_leaves_the_verdict(monkeypatch):
    forgetful(monkeypatch, "tidy")
    run = lived(CLOSED)
    assert (run.state, run.reason) == ("completed", "finally_failed")
    assert run.error["message"].startswith("tell could never start or end")


def test_tasks_and_finally_may_both_be_stuck(monkeypatch):
    forgetful(monkeypatch, "a")
    monkeypatch.setattr(Run, "_begin_closing", lambda run, verdict: None)
    run = lived(CLOSED)
    assert (run.state, run.reason) == ("failed", "internal_error")
    assert {task.state for task in run.tasks[1:]} == {"cancelled"}

"""How far a rollback reaches: what it undoes, what it ends first, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.playing import FAILS, Player, plan_of, play
from unspool.model.events import AttemptEnded, TaskAdmitted

UNDO = "compensate: {run: [undo]}"
ROLL = "on_failure: {rollback: {then: cancel}}"


def undone(player: Player) -> list[str]:
    return [name.removesuffix("/compensate") for name in player.begun if "/compensate" in name]


def test_siblings_of_an_instance_are_not_undone_and_go_on():
    text = f"""
    tasks:
      before: {{run: [x], {UNDO}}}
      each: {{depends_on: [before], for_each: [a, b, c], run: [x], {UNDO}, {ROLL}}}
    """
    player = Player(text, {"each[b]": FAILS})
    player.finish_until("before")
    player.say_of("before")
    player.say_of("each[a]")
    player.say_of("each[b]")
    player.finish()
    assert undone(player) == ["each[b]", "before"]
    assert player.states()["each[a]"] == "completed"
    assert player.ends()["each[c]"] == ("cancelled", "rolled_back"), "it builds on what is undone"


def test_siblings_of_an_instance_go_on_where_nothing_that_they_build_on_is_undone():
    text = f"tasks: {{each: {{for_each: [a, b, c], run: [x], {UNDO}, {ROLL}}}}}"
    player = play(text, {"each[b]": FAILS})
    assert undone(player) == ["each[b]"]
    assert player.states()["each[a]"] == player.states()["each[c]"] == "completed"


def test_a_copy_of_a_group_is_built_on_what_its_parent_waited_for():
    text = f"""
    tasks:
      book: {{run: [x], {UNDO}}}
      deploy:
        depends_on: [book]
        for_each: [eu]
        group:
          tasks:
            build: {{run: [x], {UNDO}}}
            push: {{run: [x], {ROLL}}}
    """
    assert undone(play(text, {"deploy[eu].push": FAILS})) == ["deploy[eu].build", "book"]


def test_other_copies_of_a_group_go_on():
    text = f"""
    tasks:
      deploy:
        for_each: [eu, us]
        group: {{tasks: {{build: {{run: [x], {UNDO}}}, push: {{run: [x], {ROLL}}}}}}}
    """
    player = play(text, {"deploy[eu].push": FAILS})
    assert undone(player) == ["deploy[eu].build"]
    assert player.ends()["deploy[us]"] == ("completed", None)
    assert player.ends()["deploy"] == ("failed", "instance_failed")


def test_other_tasks_of_a_group_go_on():
    text = f"""
    tasks:
      g:
        group:
          mode: dag
          tasks:
            a: {{run: [x], {UNDO}}}
            b: {{depends_on: [a], run: [x], {ROLL}}}
            c: {{run: [x]}}
    """
    player = play(text, {"g.b": FAILS})
    assert player.ends()["g.c"] == ("completed", None)
    assert player.ends()["g"] == ("failed", "member_failed")


STOOD_IN = f"""
tasks:
  book: {{run: [x], {UNDO}}}
  pay: {{depends_on: [book], run: [x], on_failure: {{substitute: %s}}}}
  ship: {{depends_on: [pay], run: [x], {ROLL}}}
templates:
  spare: {{run: [x], {UNDO}, on_failure: %s}}
  team: {{group: {{tasks: {{m: {{run: [x], {UNDO}}}}}}}}}
"""


@pytest.mark.parametrize(("template", "target"), [("spare", "pay/spare"), ("team", "pay/team.m")])
def test_what_stood_in_for_an_ancestor_is_undone(template, target):
    player = play(STOOD_IN % (template, "skip"), {"pay": FAILS, "ship": FAILS})
    assert undone(player) == [target, "book"]


def test_a_stand_in_rolls_back_what_it_was_built_on():
    player = play(STOOD_IN % ("spare", "{rollback: {then: cancel}}"), {"pay": FAILS, "pay/spare": FAILS})
    assert undone(player) == ["pay/spare", "book"]


def test_a_running_stand_in_that_builds_on_what_is_undone_ends_first():
    text = f"""
    tasks:
      book: {{run: [x], {UNDO}}}
      pay: {{depends_on: [book], run: [x], on_failure: {{substitute: spare}}}}
      ship: {{depends_on: [book], run: [x], {ROLL}}}
    templates:
      spare: {{run: [x]}}
    """
    player = Player(text, {"pay": FAILS, "ship": FAILS})
    player.finish_until("book")
    player.say_of("book")
    player.say_of("pay")
    player.say_of("ship")
    player.finish()
    assert player.ends()["pay/spare"] == ("cancelled", "rolled_back")
    assert undone(player) == ["book"]


def test_a_handler_of_the_failure_runs():
    text = f"""
    tasks:
      book: {{run: [x], {UNDO}}}
      ship: {{depends_on: [book], run: [x], {ROLL}}}
      tell: {{depends_on: {{ship: failed}}, run: [x]}}
      note: {{depends_on: {{ship: any, book: ok}}, run: [x]}}
      thank: {{depends_on: [ship], run: [x]}}
    """
    player = play(text, {"ship": FAILS})
    assert player.ends()["tell"] == ("completed", None)
    assert player.ends()["note"] == ("completed", None)
    assert player.ends()["thank"] == ("cancelled", "dependency_failed")
    assert undone(player) == ["book"]


def test_what_has_not_begun_and_builds_on_what_is_undone_never_does():
    text = f"""
    tasks:
      book: {{run: [x], {UNDO}}}
      slow: {{run: [x]}}
      late: {{depends_on: [book, slow], run: [x]}}
      ship: {{depends_on: [book], run: [x], {ROLL}}}
    """
    player = Player(text, {"ship": FAILS})
    player.say_of("book")
    player.say_of("ship")
    player.finish()
    assert player.ends()["late"] == ("cancelled", "rolled_back")
    assert player.ends()["slow"] == ("completed", None)


def test_what_is_undone_once_is_not_undone_again():
    text = f"""
    tasks:
      book: {{run: [x], {UNDO}}}
      ship: {{depends_on: [book], run: [x], {ROLL}}}
      mend: {{depends_on: {{ship: failed}}, run: [x], {ROLL}}}
    """
    for seed in range(10):
        player = Player(text, {"ship": FAILS, "mend": FAILS, "book/compensate": FAILS}, seed=seed)
        player.finish()
        assert undone(player) == ["book"], "not even where that failed"
        assert player.ends()["mend"] == ("failed", "exit_code")
        assert player.run.reason == "rollback_failed"


def test_each_compensation_has_a_name_of_its_own():
    text = f"""
    tasks:
      book:
        run: [x]
        {UNDO}
        on_failure: {{rollback: {{then: retry}}}}
      ship: {{depends_on: [book], run: [x], {ROLL}}}
    """
    player = Player(text, {"book#1": FAILS, "ship": FAILS})
    player.finish()
    assert undone(player) == ["book/compensate[1]", "book"]
    assert player.ends()["book/compensate"] == ("completed", None)


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("limits: {queue: 1}\ntasks: {a: {run: [x]}, b: {depends_on: [a], for_each: [p, q], %s}}", "b[q]"),
        ("tasks: {a: {run: [x]}, b: {depends_on: [a], for_each: '${{ tasks.a.result.json }}', %s}}", "b"),
        (
            "tasks: {a: {run: [x]}, b: {depends_on: [a], when: '${{ inputs.n + 1 == 2 }}', %s}}\n"  # noqa: ISC004
            "inputs: {n: {type: array, default: []}}",
            "b",
        ),
    ],
)
def test_what_never_began_is_not_undone(text, task):
    player = Player(text % f"run: [x], {UNDO}, {ROLL}")
    player.finish()
    assert player.states()[task] == "failed"
    assert undone(player) == []


def test_what_undoes_or_closes_is_never_refused_by_a_full_queue():
    text = f"""
    limits: {{queue: 1}}
    tasks:
      book: {{run: [x], {UNDO}}}
      ship: {{depends_on: [book], run: [x], {ROLL}}}
      other: {{depends_on: {{ship: failed}}, run: [x]}}
    finally: {{f: {{run: [x]}}, g: {{run: [x]}}}}
    """
    player = play(text, {"ship": FAILS})
    assert player.ends() == {
        "book": ("completed", None),
        "ship": ("failed", "exit_code"),
        "other": ("completed", None),
        "book/compensate": ("completed", None),
        "f": ("completed", None),
        "g": ("completed", None),
    }


def test_a_second_interrupt_gives_up_what_is_left_to_undo():
    text = f"""
    tasks:
      book: {{run: [x], {UNDO}}}
      pay: {{depends_on: [book], run: [x], {UNDO}}}
      ship: {{depends_on: [pay], run: [x], {ROLL}}}
    """
    player = Player(text, {"ship": FAILS})
    player.finish_until("pay/compensate")
    player.cancel(by="interrupt")
    player.cancel(by="interrupt")
    player.finish()
    assert undone(player) == ["pay"]
    assert player.ends()["pay/compensate"] == ("cancelled", "interrupted")


def test_an_interrupt_leaves_no_attempt_that_a_later_one_cannot_end():
    """What had only asked for its place when somebody lost patience is ended once it runs."""
    text = f"tasks: {{book: {{run: [x], {UNDO}}}, ship: {{depends_on: [book], run: [x], {ROLL}}}}}"
    player = Player(text, {"ship": FAILS})
    player.say_of("book")
    player.say_of("ship")
    number = max(player.run.attempts)
    player.cancel()
    player.cancel(by="interrupt")
    assert not player.run.attempts[number].forced
    player.cancel(by="interrupt")
    player.finish()
    assert player.run.state == "cancelled"


def test_a_failure_that_nothing_tolerates_has_no_stand_in():
    text = """
    tasks:
      a: {run: [x]}
      each: {depends_on: [a], for_each: {items: '${{ [1, 2] }}', max: 1}, run: [x], on_failure: {substitute: spare}}
    templates: {spare: {run: [x]}}
    """
    player = play(text)
    assert player.ends()["each"] == ("failed", "budget_exhausted")
    assert "each/spare" not in player.ends()
    assert player.run.state == "failed"


def test_a_list_that_cannot_be_made_has_no_stand_in():
    """What stands in for an instance gives one value, where others expect a list."""
    text = """
    tasks:
      each: {for_each: ['${{ 1 }}', '${{ 1 }}'], run: [x], on_failure: {substitute: spare}}
    templates: {spare: {run: [x]}}
    """
    assert play(text).ends() == {"each": ("failed", "duplicate_key")}


def test_templates_that_stand_in_for_each_other_end_with_the_budget():
    text = """
    limits: {max_tasks: 2000}
    tasks: {t: {run: [x], on_failure: {substitute: spare}}}
    templates: {spare: {run: [x]}}
    """
    task, spare = (plan := plan_of(text)).tasks
    circle = replace(plan, tasks=(task, replace(spare, substitute=task.substitute)))  # no document can say so
    run = Player(circle).run
    while run.attempts:
        number, attempt = next(iter(run.attempts.items()))
        run.apply(TaskAdmitted(1001.0, attempt.task, number, 1))
        run.apply(AttemptEnded(1002.0, number, 1, 1001.5, FAILS, {"exit_code": 1}))
    assert run.is_final
    last = run.tasks[-1]
    assert (last.state, last.reason, last.error["class"]) == ("failed", "budget_exhausted", "budget_exhausted")
    assert run.state == "failed"

"""A plan as far as it is known before the run."""

from __future__ import annotations

import pytest

from tests.playing import Player, plan_of
from unspool.analysis import unrolled as unrolled_module
from unspool.analysis.unrolled import shown, unrolled
from unspool.model.plan import Plan, Task

EVERYTHING = """
limits: {max_tasks: 500}
tasks:
  find: {run: [x], compensate: {run: [undo]}}
  each: {depends_on: [find], for_each: [a, b, c], run: [x], compensate: {run: [undo]}}
  deploy:
    depends_on: [find]
    matrix: {zone: [eu, us], arch: [arm, x86], exclude: [{zone: us, arch: arm}]}
    group:
      mode: dag
      tasks:
        build: {run: [x]}
        push: {depends_on: [build], for_each: [1, 2], group: {tasks: {copy: {run: [x]}, test: {run: [x]}}}}
  tell: {depends_on: [each, deploy], run: [x], on_failure: {substitute: spare}}
templates: {spare: {run: [x]}}
finally:
  tidy: {for_each: [a, b], run: [x]}
  last: {depends_on: [tidy], run: [x]}
"""


def ids(plan: Plan) -> list[str]:
    return [task.id for task in plan.tasks]


def needs(plan: Plan, task: Task) -> set[str]:
    return {plan.tasks[need].id for need, _ in task.needs}


def assert_sound(plan: Plan) -> None:
    """The numbers are dense, needs come first, and dependents are the same edges seen from the other side."""
    assert [task.index for task in plan.tasks] == list(range(len(plan.tasks)))
    assert all(need < task.index for task in plan.tasks for need, _ in task.needs)
    down = {(task.index, dependent) for task in plan.tasks for dependent in task.dependents}
    assert down == {(need, task.index) for task in plan.tasks for need, _ in task.needs}


def test_a_plain_plan_stays_as_it_is():
    plan = plan_of("tasks: {a: {run: [x]}, b: {depends_on: [a], run: [x]}}")
    assert shown(plan) is plan
    assert unrolled(plan) is plan


def test_what_copies_are_made_of_is_not_shown():
    assert sorted(ids(shown(plan_of(EVERYTHING)))) == ["deploy", "each", "find", "last", "tell", "tidy"]


def test_finally_stands_behind_everything_else():
    plan = shown(
        plan_of("tasks: {a: {run: [x]}, b: {run: [x]}}\nfinally: {f: {run: [x]}, g: {depends_on: [f], run: [x]}}")
    )
    named = {task.id: task for task in plan.tasks}
    assert needs(plan, named["f"]) == {"a", "b"}
    assert needs(plan, named["g"]) == {"f"}
    assert_sound(plan)


def test_every_instance_that_is_known_becomes_a_task():
    """As many as the run then has: the nodes of both are counted by what they carry out."""
    plan = plan_of(EVERYTHING)
    whole = unrolled(plan)
    assert_sound(whole)
    player = Player(plan)
    player.finish()
    assert len(whole.tasks) == sum(not node.template for node in player.run.nodes)
    for kind in ("run", "gate", "group"):
        lived = sum(node.kind == kind and not node.template for node in player.run.nodes)
        assert sum(task.kind == kind for task in whole.tasks) == lived


def test_the_parent_takes_no_time_and_stands_behind_its_instances():
    text = """
    tasks:
      a: {run: [x]}
      each: {depends_on: [a], for_each: [1, 2], run: [x]}
      b: {depends_on: [each], run: [x]}
    """
    plan = unrolled(plan_of(text))
    assert ids(plan) == ["a", "each", "each", "each", "b"]
    first, second, parent, last = plan.tasks[1:]
    assert needs(plan, first) == needs(plan, second) == {"a"}
    assert {need for need, _ in parent.needs} == {1, 2}
    assert parent.estimate == 0
    assert first.estimate == second.estimate > 0
    assert {need for need, _ in last.needs} == {3}
    assert_sound(plan)


def test_a_list_that_is_not_known_is_taken_for_one_instance():
    plan = unrolled(
        plan_of("inputs: {n: {type: array, maxItems: 9}}\ntasks: {each: {for_each: '${{ inputs.n }}', run: [x]}}")
    )
    assert ids(plan) == ["each", "each"]


def test_an_empty_list_is_no_instance():
    plan = unrolled(plan_of("tasks: {a: {run: [x]}, each: {depends_on: [a], for_each: [], run: [x]}}"))
    assert ids(plan) == ["a", "each"]
    assert plan.tasks[1].estimate == 0
    assert_sound(plan)


@pytest.mark.parametrize("body", ["run: [x]", "group: {tasks: {m: {run: [x]}}}"])
def test_what_would_be_too_many_is_taken_for_one_instance(body, monkeypatch):
    monkeypatch.setattr(unrolled_module, "MOST_UNROLLED", 10)
    text = f"tasks: {{a: {{for_each: [1, 2], {body}}}, b: {{for_each: [1, 2, 3, 4, 5, 6, 7, 8, 9], {body}}}}}"
    plan = unrolled(plan_of(text))
    size = 1 if body.startswith("run") else 3
    assert len(plan.tasks) == 2 * size + 1 + 1 * size + 1
    assert_sound(plan)


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ("", 4),
        (", exclude: [{x: 1}]", 2),
        (", exclude: [{x: 1, y: p}, {y: q}]", 1),
        (", exclude: [{x: true}]", 4),
        (", exclude: [{x: 1}], include: [{x: 3, y: r}]", 3),
    ],
)
def test_a_matrix_has_no_instance_for_what_it_excludes(more, count):
    plan = plan_of(f"tasks: {{t: {{matrix: {{x: [1, 2], y: [p, q]{more}}}, run: [x]}}}}")
    assert len(unrolled(plan).tasks) == count + 1
    player = Player(plan)
    player.finish()
    assert len(player.ends()) == count + 1

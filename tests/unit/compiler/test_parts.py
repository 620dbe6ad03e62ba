"""What a plan says of gates, groups, templates, compensations and tasks without a process."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import plan_of, task_of
from unspool.compiler.parts import action_without_attempt
from unspool.model.plan_json import plan_from_json, plan_to_json

BODY = """
tasks:
  first: {run: [x]}
  deploy:
    depends_on: [first]
    group:
      tasks:
        build: {run: [x], compensate: {run: [undo]}}
        push: {run: [x], compensate: {run: [undo]}, on_failure: {rollback: {then: retry, attempts: 2}}}
  each:
    for_each: [a, b]
    group:
      mode: dag
      tasks: {q: {run: [x], depends_on: [p]}, p: {run: [x]}}
      aggregate: {reduce: '${{ tasks.p.state }}'}
  shaky: {run: [x], on_failure: {substitute: fallback, with: {why: broken}}}
  race: {group: {mode: parallel, aggregate: first, tasks: {a: {run: [x]}, b: {run: [x]}}}}
templates:
  fallback: {inputs: {why: {type: string}}, run: [x, '${{ inputs.why }}']}
finally:
  bye: {run: [x]}
"""


@pytest.fixture(scope="module")
def plan():
    return plan_of(BODY)


def named(plan, name):
    return next(task for task in plan.tasks if task.id == name)


def test_every_need_comes_before_its_dependents(plan):
    assert all(need < task.index for task in plan.tasks for need, _ in task.needs)
    assert [task.index for task in plan.tasks] == list(range(len(plan.tasks)))


def test_people_see_neither_gates_nor_what_copies_are_made_of(plan):
    shown = [task.id for task in plan.tasks if task.is_shown]
    assert shown == [
        *("first", "deploy.build", "deploy.push", "deploy", "each", "shaky", "race.a", "race.b", "race", "bye"),
    ]


def test_the_end_of_a_group_knows_its_gate_and_its_tasks(plan):
    group = named(plan, "deploy").group
    assert plan.tasks[group.gate].id == "deploy._gate"
    assert [plan.tasks[member].id for member in group.members] == ["deploy.build", "deploy.push"]
    assert (group.aggregate, group.reduce) == ("collect", None)
    assert named(plan, "race").group.aggregate == "first"
    reduced = named(plan, "each[]").group
    assert (reduced.aggregate, reduced.reduce) == ("reduce", "tasks.p.state")


def test_a_region_lies_in_one_piece_and_ends_with_the_node_that_stands_for_it(plan):
    first, behind = named(plan, "each").region
    inside = [task.id for task in plan.tasks[first:behind]]
    assert sorted(inside) == ["each[]", "each[]._gate", "each[].p", "each[].q"]
    assert inside[-1] == "each[]"
    assert inside.index("each[].p") < inside.index("each[].q")
    outside = set(range(len(plan.tasks))).difference(range(first, behind))
    assert all(need not in outside for task in plan.tasks[first:behind] for need, _ in task.needs)


def test_a_step_knows_the_one_before_and_its_scope(plan):
    push = named(plan, "deploy.push")
    assert push.scope == "deploy."
    assert plan.tasks[push.previous].id == "deploy.build"
    assert named(plan, "deploy.build").previous is None


def test_policies_lead_to_the_templates_they_make(plan):
    shaky = named(plan, "shaky")
    index, arguments = shaky.substitute
    assert (plan.tasks[index].id, arguments) == ("fallback", {"why": "broken"})
    assert plan.tasks[index].template == 1
    assert plan.tasks[index].inputs == {"why": {"type": "string"}}
    assert named(plan, "deploy.push").rollback == ("retry", 2)
    undo = plan.tasks[named(plan, "deploy.build").undo]
    assert (undo.id, undo.template, undo.needs) == ("deploy.build/compensate", 1, ())


def test_finally_is_closing(plan):
    assert [task.id for task in plan.tasks if task.closing] == ["bye"]


def test_nested_regions_lie_inside_each_other():
    body = """
    tasks:
      out:
        for_each: [1]
        group: {tasks: {a: {run: [x]}, in: {matrix: {m: [1]}, group: {tasks: {b: {run: [x]}}}}}}
    """
    plan = plan_of(body)
    outer, inner = named(plan, "out").region, named(plan, "out[].in").region
    assert outer[0] <= inner[0] < inner[1] <= outer[1]
    assert [task.template for task in plan.tasks[slice(*inner)]] == [2, 2, 2]


def test_a_plan_with_parts_survives_being_written_and_read(plan):
    assert plan_from_json(plan_to_json(plan)) == plan


@pytest.mark.parametrize(
    ("body", "kind", "action"),
    [
        ({"wait": "10m"}, "wait", {"for": "10m"}),
        ({"wait": {"until": "2030-01-01T00:00:00Z"}}, "wait", {"until": "2030-01-01T00:00:00Z"}),
        ({"approval": "Go?"}, "approval", {"prompt": "Go?", "default": "reject"}),
        ({"approval": {"prompt": "Go?", "default": "approve"}}, "approval", {"prompt": "Go?", "default": "approve"}),
    ],
)
def test_what_needs_no_process_says_what_it_waits_for(body, kind, action):
    assert action_without_attempt(body) == action
    task = task_of(f"tasks: {{t: {body!r}}}")
    assert (task.kind, task.action) == (kind, action)

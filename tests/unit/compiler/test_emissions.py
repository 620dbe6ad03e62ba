"""What rules may add, how many, and what stands for all instances of a template."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import only, plan_of


def collector(plan, name):
    (found,) = [task for task in plan.tasks if task.kind == "template" and task.id == name]
    return found


def needs_of(plan, name):
    return {plan.tasks[need].id: state for need, state in collector(plan, name).needs}


def test_it_waits_for_all_who_may_add_one_and_has_what_they_declare():
    plan = plan_of("""
tasks:
  a: {run: [x], on_result: [{emit: t}]}
  b: {for_each: [1, 2], run: [x], on_result: [{emit: [t, u]}]}
  c: {run: [x], on_failure: {substitute: t}}
  d: {run: [x]}
  e: {depends_on: [t], run: [x, "${{ tasks.t.outputs.n | sum }}"]}
templates:
  t: {run: [x], on_failure: skip, outputs: {n: {type: integer, default: 0}}}
  u: {run: [x]}
""")
    assert needs_of(plan, "t") == {"a": "any", "b": "any", "c": "any"}
    assert needs_of(plan, "u") == {"b": "any"}
    assert collector(plan, "t").on_failure == "skip"
    assert [output.name for output in collector(plan, "t").outputs] == ["n"]
    assert collector(plan, "t").fan_out.most == 4
    assert collector(plan, "u").fan_out.most == 2
    (e,) = [task for task in plan.tasks if task.id == "e"]
    assert [plan.tasks[need].kind for need, _ in e.needs] == ["template"]


def test_a_template_that_only_stands_in_has_none_unless_somebody_waits_for_it():
    body = "tasks:\n  a: {run: [x], on_failure: {substitute: t}}\n%stemplates: {t: {run: [x]}}\n"
    assert not any(task.kind == "template" for task in plan_of(body % "").tasks)
    assert needs_of(plan_of(body % "  b: {depends_on: [t], run: [x]}\n"), "t") == {"a": "any"}


def test_groups_and_what_is_inside_them_emit_for_the_outermost_that_runs():
    plan = plan_of("""
tasks:
  g: {group: {tasks: {m: {run: [x], on_result: [{emit: t}]}}}}
  h: {for_each: [1, 2], group: {tasks: {m: {run: [x], on_result: [{emit: t}]}}}}
templates: {t: {run: [x]}}
""")
    assert needs_of(plan, "t") == {"g.m": "any", "h": "any"}
    assert collector(plan, "t").fan_out.most == 3


def test_templates_of_one_circle_wait_for_what_is_outside_of_it():
    plan = plan_of("""
limits: {max_depth: 20}
tasks:
  a: {run: [x], on_result: [{emit: ping}]}
  b: {run: [x], on_result: [{emit: other}]}
templates:
  ping: {run: [x], on_result: [{emit: pong, max: 3}]}
  pong: {run: [x], on_result: [{emit: ping, max: 3}]}
  other: {run: [x], on_result: [{emit: pong}]}
""")
    ping, pong = collector(plan, "ping"), collector(plan, "pong")
    assert set(ping.peers) == set(pong.peers) == {ping.index, pong.index}
    assert needs_of(plan, "ping") == needs_of(plan, "pong") == {"a": "any", "other": "any"}
    assert (ping.fan_out.most, pong.fan_out.most) == (4, 4)
    assert collector(plan, "other").peers == (collector(plan, "other").index,)


@pytest.mark.parametrize(
    ("rule", "most"),
    [
        ("emit: t", 1),
        ("emit: t, max: 7", 7),
        ("emit: t, for_each: [1, 2, 3]", 3),
        ('emit: t, for_each: "${{ result.json }}"', 100),
        ('emit: t, for_each: "${{ result.json }}", max: 2', 2),
    ],
)
def test_how_many_one_rule_may_add(rule, most):
    plan = plan_of(f"tasks: {{a: {{run: [x], on_result: [{{{rule}}}]}}}}\ntemplates: {{t: {{run: [x]}}}}\n")
    (a,) = [task for task in plan.tasks if task.id == "a"]
    assert [emission.most for emission in a.rules[0].emits] == [most]
    assert collector(plan, "t").fan_out.most == most
    assert plan.bound == 3 + most


def test_the_worst_case_counts_what_each_added_task_brings_with_it():
    plan = plan_of("""
tasks:
  a: {for_each: [1, 2], run: [x], on_result: [{emit: t}]}
templates:
  t: {for_each: [1, 2, 3], run: [x], on_failure: {substitute: s}}
  s: {run: [x]}
""")
    nodes = 4  # a, what stands for all of t, t and s themselves
    assert plan.bound == nodes + 2 + 2 * (1 + 3 + 3)


def test_more_than_the_limit_is_an_error():
    found = only("""
limits: {max_tasks: 50}
tasks: {a: {run: [x], on_result: [{emit: t, for_each: "${{ result.json }}"}]}}
templates: {t: {run: [x]}}
""")
    assert found.code == "UNS110"


def test_a_task_may_not_wait_for_what_it_may_emit():
    found = only("""
tasks:
  a: {depends_on: [b], run: [x], on_result: [{emit: t}]}
  b: {depends_on: [t], run: [x]}
templates: {t: {run: [x]}}
""")
    assert found.code == "UNS043"
    assert "`t`" in found.message or " t " in found.message or "-> t" in found.message
    assert "[*]" not in found.message + (found.hint or "")

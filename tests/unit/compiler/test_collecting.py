"""What hosts must read of attempts for what groups and stand-ins show."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import plan_of


def named(plan, name):
    return next(task for task in plan.tasks if task.id == name)


COLLECTED = """
tasks:
  g:
    group:
      %s
      mode: parallel
      tasks:
        a: {run: [x]}
        b: {run: [x], outputs: {v: {type: string, from: stdout}}}
        c: {run: [x], on_failure: {substitute: d}}
        f: {for_each: [1, 2], group: {tasks: {h: {run: [x]}}}}
  after: {depends_on: {g: completed}, run: [x, "${{ tasks.g.%s }}"]}
templates: {d: {run: [x], on_failure: {substitute: e}}, e: {run: [x]}}
"""


@pytest.mark.parametrize(
    ("aggregate", "field", "read"),
    [
        ("", "result.json", ("json",)),
        ("aggregate: first", "result", ("json",)),
        ("aggregate: {reduce: '${{ tasks.b.outputs.v }}'}", "result.json", ()),
        ("", "state", ()),
    ],
)
def test_what_a_group_collects_is_read_of_its_members_and_of_what_stands_in_for_them(aggregate, field, read):
    plan = plan_of(COLLECTED % (aggregate, field))
    names = ("g.a", "g.c", "g.f[].h", "d", "e")
    assert {name: named(plan, name).collect for name in names} == dict.fromkeys(names, read)
    assert named(plan, "g.b").collect == ("stdout",)


def test_what_is_read_of_a_task_is_read_of_what_stands_in_for_it():
    plan = plan_of("""
    tasks:
      a: {run: [x], on_failure: {substitute: s}}
      b: {depends_on: [a], run: [x, "${{ tasks.a.result.stderr }}"]}
    templates: {s: {run: [x]}}
    """)
    assert named(plan, "s").collect == ("stderr",)

"""Readings of other tasks: only of ancestors, and only of what is sure to be there."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import marked, only, plan_of
from tests.unit.compiler.referring import body_with


def test_reading_a_task_that_does_not_come_before_says_what_to_add():
    body = body_with('run: [x, "${{ tasks.made.state }}"]', depends_on="[]")
    found = only(body)
    assert (found.code, found.message) == ("UNS070", "task `t` reads `made`, which does not come before it")
    assert found.hint == "add `made` to `depends_on` of `t`"
    assert marked(body, found, 16) == "tasks.made.state"


def test_reading_a_task_that_comes_later_does_not_suggest_a_cycle():
    body = """
    tasks:
      first: {run: [x, "${{ tasks.last.state }}"]}
      middle: {run: [x], depends_on: [first]}
      last: {run: [x], depends_on: [middle]}
    """
    assert only(body).hint == "`last` itself waits for `first`: read it in a task that comes after `last`"


def test_a_distant_ancestor_may_be_read():
    chain = "".join(f"  t{number}: {{run: [x], depends_on: [t{number - 1}]}}\n" for number in range(1, 40))
    end = "  end: {run: [x, '${{ tasks.t0.result.json }}'], depends_on: [t39]}\n"
    plan_of("tasks:\n  t0: {run: [x]}\n" + chain + end)


ABSENCE = """
inputs: {{go: {{type: boolean, default: true}}}}
tasks:
  plain: {{run: [x], outputs: {{v: {{type: string}}, d: {{type: string, default: a}}}}}}
  maybe: {{run: [x], when: "${{{{ inputs.go }}}}", outputs: {{v: {{type: string}}, d: {{type: string, default: a}}}}}}
  frail: {{run: [x], on_failure: skip, outputs: {{v: {{type: string}}, d: {{type: string, default: a}}}}}}
  after: {{run: [x], depends_on: [maybe, frail, plain]}}
  strict: {{run: [x], depends_on: {{maybe: completed, frail: completed}}}}
  handler: {{run: [x], depends_on: {{plain: failed}}}}
  t: {{depends_on: {needs}, run: ["${{{{ {expression} }}}}"]}}
"""


@pytest.mark.parametrize(
    ("needs", "expression", "why"),
    [
        ("[plain]", "tasks.plain.outputs.v", None),
        ("[maybe]", "tasks.maybe.outputs.v", "may have been skipped"),
        ("[maybe]", "tasks.maybe.outputs.d", "may have been skipped"),
        ("[maybe]", "tasks.maybe.result.exit_code", "may have been skipped"),
        ("[maybe]", "tasks.maybe.state", None),
        ("[maybe]", "tasks.maybe.outputs.v | default('')", None),
        ("[maybe]", "tasks.maybe.outputs.v if tasks.maybe.outputs.v is defined else ''", None),
        ("{maybe: completed}", "tasks.maybe.outputs.v", None),
        ("{maybe: failed}", "tasks.maybe.outputs.v", "has failed"),
        ("{maybe: failed}", "tasks.maybe.result.stderr", None),
        ("{maybe: failed}", "tasks.maybe.outputs.d", None),
        ("{maybe: skipped}", "tasks.maybe.result.stderr", "was skipped"),
        ("{plain: any}", "tasks.plain.outputs.v", "may have been skipped or cancelled, or have failed"),
        ("{plain: any}", "tasks.plain.outputs.d", "may have been skipped or cancelled"),
        ("[frail]", "tasks.frail.outputs.v", "may have failed"),
        ("[frail]", "tasks.frail.outputs.d", None),
        ("[frail]", "tasks.frail.outputs | tojson", None),
        ("[frail]", "tasks.frail.result.exit_code", None),
        ("[after]", "tasks.plain.outputs.v", None),
        ("[after]", "tasks.maybe.outputs.v", "may have been skipped or cancelled"),
        ("[after]", "tasks.frail.outputs.v", "may have failed"),
        ("{after: any}", "tasks.plain.outputs.v", "may have been skipped or cancelled, or have failed"),
        ("{after: failed}", "tasks.plain.outputs.v", None),
        ("{strict: completed}", "tasks.maybe.outputs.v", None),
        ("[strict]", "tasks.maybe.outputs.v", "may have been skipped or cancelled, or have failed"),
        ("[strict, frail]", "tasks.frail.outputs.d", None),
        ("{strict: completed, after: any}", "tasks.frail.outputs.v", None),
        ("[handler]", "tasks.plain.result.stderr", "may have been skipped or cancelled"),
        ("{handler: completed}", "tasks.plain.result.stderr", None),
    ],
)
def test_a_value_that_may_be_absent_is_found_through_the_graph(needs, expression, why):
    body = ABSENCE.format(needs=needs, expression=expression)
    if why is None:
        plan_of(body)
        return
    found = only(body)
    name = expression.split(".")[1]
    assert (found.code, found.message.partition(": ")[2]) == ("UNS071", f"`{name}` {why}")
    assert found.hint.startswith("add `| default(...)`")


@pytest.mark.parametrize(
    ("needs", "expression", "hint"),
    [
        ("[maybe]", "tasks.maybe.outputs.v", "add `| default(...)`, or let `t` depend on `{maybe: completed}`"),
        (
            "[frail]",
            "tasks.frail.outputs.v",
            "add `| default(...)`, or give the output a `default`, or let `t` depend on `{frail: completed}`",
        ),
        ("{maybe: skipped}", "tasks.maybe.outputs.v", "add `| default(...)`"),
        ("{plain: failed}", "tasks.plain.outputs.v", "add `| default(...)`, or give the output a `default`"),
    ],
)
def test_the_ways_out_of_an_absent_value_fit_the_dependency(needs, expression, hint):
    assert only(ABSENCE.format(needs=needs, expression=expression)).hint == hint

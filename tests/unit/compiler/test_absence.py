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


GROUPS = """
inputs: {{go: {{type: boolean, default: true}}}}
tasks:
  up: {{run: [x], outputs: {{v: {{type: string}}}}}}
  side: {{run: [x]}}
  deploy:
    depends_on: [up]
    {keys}
    group:
      mode: dag
      tasks:
        a: {{run: [x], outputs: {{v: {{type: string}}}}}}
        b: {{run: [x], depends_on: [a], when: "${{{{ inputs.go }}}}", outputs: {{v: {{type: string}}}}}}
        c: {{run: [x, "${{{{ {inside} }}}}"], depends_on: [b]}}
        d: {{run: [x], depends_on: {{a: failed}}}}
        e: {{run: [x], on_failure: skip, outputs: {{v: {{type: string}}}}}}
      aggregate: {{reduce: "${{{{ {reduced} }}}}"}}
    outputs: {{v: {{from: json}}}}
  t: {{depends_on: {needs}, run: [x, "${{{{ {outside} }}}}"]}}
"""
EACH = "when: \"${{ item == 'a' }}\""
WHEN = 'when: "${{ inputs.go }}"'


def group(keys="tags: []", inside="inputs.go", reduced="run.id", needs="[deploy, side]", outside="run.id"):
    return GROUPS.format(keys=keys, inside=inside, reduced=reduced, needs=needs, outside=outside)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"inside": "tasks.a.outputs.v"}, None),
        ({"inside": "tasks.a.outputs.v", "keys": WHEN}, None),
        ({"inside": "tasks.up.outputs.v", "keys": WHEN}, None),
        ({"inside": "tasks.b.outputs.v"}, "`deploy.b` may have been skipped"),
        ({"reduced": "tasks.a.outputs.v"}, None),
        ({"reduced": "tasks.a.outputs.v", "keys": WHEN}, None),
        ({"reduced": "tasks.up.outputs.v"}, None),
        ({"reduced": "tasks.b.outputs.v"}, "`deploy.b` may have been skipped"),
        ({"reduced": "tasks.d.result.json"}, "`deploy.d` may have been skipped"),
        ({"reduced": "tasks.e.outputs.v"}, "`deploy.e` may have failed"),
        ({"reduced": "tasks.e.result.exit_code"}, None),
        ({"outside": "tasks.deploy.outputs.v"}, None),
        ({"outside": "tasks.up.outputs.v"}, None),
        ({"outside": "tasks.deploy.outputs.v", "keys": WHEN}, "`deploy` may have been skipped"),
        ({"outside": "tasks.deploy.outputs.v", "keys": WHEN, "needs": "{deploy: completed}"}, None),
        ({"outside": "tasks.up.outputs.v", "keys": WHEN}, None),
        ({"outside": "tasks.up.outputs.v", "needs": "{deploy: any}"},
         "`up` may have been skipped or cancelled, or have failed"),
        ({"keys": 'success_when: "${{ tasks.up.outputs.v == run.id }}"'}, None),
        ({"keys": f'{WHEN}\n    success_when: "${{{{ tasks.up.outputs.v == run.id }}}}"'}, None),
        ({"keys": 'for_each: ["${{ tasks.up.outputs.v }}"]', "outside": "tasks.deploy.outputs.v | length"}, None),
        ({"keys": f"for_each: [a]\n    {EACH}", "outside": "tasks.deploy.outputs.v | length"}, None),
        ({"keys": f"for_each: [a]\n    {WHEN}", "outside": "tasks.deploy.outputs.v"}, "`deploy` may have been skipped"),
    ],
)  # fmt: skip
def test_groups_are_seen_through(parts, why):
    if why is None:
        plan_of(group(**parts))
        return
    found = only(group(**parts))
    assert (found.code, found.message.partition(": ")[2]) == ("UNS071", why)


def test_a_group_reduces_only_what_comes_before_it():
    found = only(group(reduced="tasks.side.result.json"))
    assert (found.code, found.message) == ("UNS070", "task `deploy` reads `side`, which does not come before it")


@pytest.mark.parametrize(
    ("parts", "hint"),
    [
        ({"inside": "tasks.b.outputs.v"}, "add `| default(...)`, or let `deploy.c` depend on `{b: completed}`"),
        ({"reduced": "tasks.b.outputs.v"}, "add `| default(...)`"),
        ({"outside": "tasks.deploy.outputs.v", "needs": "{deploy: any, side: ok}, join: any"}, "add `| default(...)`"),
    ],
)
def test_a_hint_asks_for_no_dependency_that_cannot_be_written_or_does_not_help(parts, hint):
    assert only(group(**parts)).hint == hint


@pytest.mark.parametrize("state", ["ok", "skipped", "failed", "any"])
def test_where_not_all_dependencies_count_none_is_sure_of_its_state(state):
    needs = f"{{deploy: {state}, side: ok}}, join: any"
    found = only(group(outside="tasks.deploy.outputs.v", needs=needs, keys=WHEN))
    assert found.message.endswith("`deploy` may have been skipped or cancelled, or have failed")


SUBSTITUTE = """
inputs: {{go: {{type: boolean, default: true}}}}
tasks:
  t: {{run: [x], on_failure: {{substitute: f}}, outputs: {{v: {{type: string}}}}}}
  u: {{depends_on: {needs}, run: [x, "${{{{ tasks.t.outputs.v }}}}", "${{{{ inputs.go }}}}"]}}
templates:
  f: {{{f}, outputs: {{v: {{type: string}}}}}}
"""
SKIPPED = "when: '${{ run.id == run.name }}'"


@pytest.mark.parametrize(
    ("f", "why"),
    [
        ("run: [x]", None),
        (f"run: [x], {SKIPPED}", "may have been skipped"),
        ("run: [x], on_failure: skip", "may have failed"),
        ("run: [x], on_failure: {substitute: g}", "may have been skipped, or have failed"),
        ("group: {tasks: {a: {run: [x]}}}", None),
        (f"{SKIPPED}, group: {{tasks: {{a: {{run: [x]}}}}}}", "may have been skipped"),
        (f"group: {{tasks: {{a: {{run: [x], {SKIPPED}}}}}}}", "may have been skipped"),
        ("group: {tasks: {a: {run: [x], on_failure: {substitute: g}}}}", "may have been skipped"),
    ],
)
def test_what_stands_in_for_a_task_may_leave_its_values_absent(f, why):
    g = f"\n  g: {{run: [x], {SKIPPED}, on_failure: skip, outputs: {{v: {{type: string}}}}}}\n" if " g}" in f else ""
    body = SUBSTITUTE.format(needs="[t]", f=f) + g
    if why is None:
        plan_of(body)
    else:
        assert only(body).message.endswith(f"`t` {why}")
        plan_of(SUBSTITUTE.format(needs="{t: completed}", f=f) + g)


def test_lists_are_there_though_what_stands_in_for_their_instances_was_skipped():
    body = SUBSTITUTE.format(needs="[t]", f=f"run: [x], {SKIPPED}")
    plan_of(body.replace("t: {run", "t: {for_each: [1, 2], run", 1).replace("outputs.v }}", "outputs.v | length }}"))

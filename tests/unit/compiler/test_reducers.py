"""A group that is reduced by a function: what becomes of it in the plan, and how it ends."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, play
from tests.unit.compiler.compiling import codes, only, plan_of, task_of

REDUCE = 'aggregate: {reduce: {python: "m:f", with: {factor: 10}}}'
MEMBERS = (
    "a: {run: [x], outputs: {n: {type: string, from: stdout}}}, b: {run: [x]}, "
    "c: {for_each: [1, 2], run: [x]}, d: {run: [x], when: \"${{ run.name == 'no' }}\"}"
)


def grouped(members=MEMBERS, more="mode: parallel", rest=""):
    return f"tasks: {{g: {{group: {{{more}, {REDUCE}, tasks: {{{members}}}}}}}{rest}}}"


def test_the_function_is_the_last_task_of_the_group():
    task = task_of(grouped(), "g._reduce")
    assert (task.kind, task.is_shown) == ("python", True)
    assert task.action["function"] == "m:f"
    given = task.action["with"]
    assert given["factor"] == 10
    assert list(given["results"]) == ["a", "b", "c", "d"]
    names = {one.index: one.id for one in plan_of(grouped()).tasks}
    assert {names[need]: state for need, state in task.needs} == {
        "g._gate": "completed",
        **{f"g.{short}": "ok" for short in "abcd"},
    }


def test_it_is_given_what_collect_would_give():
    collected = Player(grouped().replace(REDUCE, "aggregate: collect").replace("[x]", "[x, '1']"))
    reduced = Player(grouped().replace("[x]", "[x, '1']"))
    for player in (collected, reduced):
        player.fates = dict.fromkeys(("g.a", "g.b", "g.c[1]", "g.c[2]"), "7")
        player.finish()
    group = collected.run.tasks[collected.index("g")]
    (spec,) = [
        command.spec
        for entry in reduced.entries
        for command in entry.commands
        if getattr(command, "tasks", None) == (reduced.index("g._reduce"),)
    ]
    assert spec["with"] == {"factor": 10, "results": group.result["json"]}
    assert group.result["json"] == {"a": {"n": "7"}, "b": 7, "c": [7, 7], "d": None}


@pytest.mark.parametrize(
    ("members", "fates", "group", "reduce"),
    [
        ("a: {run: [x]}", {}, ("completed", None), "completed"),
        ("a: {run: [x]}", {"g.a": FAILS}, ("failed", "member_failed"), "cancelled"),
        ("a: {run: [x], on_failure: skip}", {"g.a": FAILS}, ("completed", None), "completed"),
        ("a: {run: [x]}", {"g._reduce": FAILS}, ("failed", "member_failed"), "failed"),
        ("a: {run: [x], when: false}, b: {run: [x], when: false}", {}, ("skipped", "when_false"), "skipped"),
    ],
)
@pytest.mark.parametrize("mode", ["sequential", "parallel", "dag"])
def test_the_group_ends_as_with_an_expression(mode, members, fates, group, reduce):
    ends = play(grouped(members, f"mode: {mode}"), fates).ends()
    assert ends["g"] == group
    assert ends["g._reduce"][0] == reduce


def test_each_copy_of_a_group_has_one_of_its_own():
    ends = play(grouped("a: {run: [x]}").replace("{g: {", "{g: {for_each: [p, q], ")).ends()
    assert {name for name in ends if name.endswith("_reduce")} == {"g[p]._reduce", "g[q]._reduce"}
    assert ends["g"] == ("completed", None)


def test_its_arguments_are_checked_where_they_stand():
    body = grouped("a: {run: [x]}").replace("factor: 10", "factor: '${{ tasks.z.state }}'")
    found = only(body)
    assert (found.code, found.path) == ("UNS067", ("tasks", "g", "group", "aggregate", "reduce", "with", "factor"))
    assert codes(grouped("a: {run: [x]}").replace("factor: 10", "factor: '${{ tasks.a.state }}'")) == []


def test_it_is_no_action_like_others():
    assert codes(grouped("a: {run: [x]}").replace('python: "m:f"', "run: [x]")) == ["UNS022", "UNS020"]

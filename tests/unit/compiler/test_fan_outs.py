"""How many instances there may be, and what can never be met or is used by nothing."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, marked, only, plan_of
from unspool.compiler.fan_outs import check_fan_outs
from unspool.compiler.flatten import flatten
from unspool.compiler.readable import whole


def fan(**keys):
    inputs = {"few": {"type": "array", "maxItems": 3}, "many": {"type": "array"}}
    flat = flatten(whole({"inputs": inputs, "tasks": {"t": {"run": ["x"], **keys}}}))
    fans, found = check_fan_outs(flat)
    assert found == []
    return fans["t"]


@pytest.mark.parametrize(
    ("for_each", "most", "is_open"),
    [
        ([1, 2], 2, False),
        ([], 0, False),
        ("${{ inputs.few }}", 3, True),
        ("${{ inputs.many }}", 100, True),
        ("${{ [1, 2] }}", 100, True),
        ({"items": "${{ inputs.many }}", "max": 7}, 7, True),
        ({"items": ["a"], "max": 2.0}, 2, False),
    ],
)
def test_a_list_is_as_long_as_can_be_known(for_each, most, is_open):
    read = fan(for_each=for_each)
    assert (read.most, read.is_open) == (most, is_open)


@pytest.mark.parametrize(
    ("matrix", "most", "is_open"),
    [
        ({"a": [1, 2], "b": [1, 2, 3]}, 6, False),
        ({"a": [1, 2], "include": [{"a": 3}], "exclude": [{"a": 1}]}, 2, False),
        ({"include": [{"a": 3}]}, 1, False),
        ({"a": "${{ inputs.few }}", "b": [1, 2]}, 6, True),
    ],
)
def test_a_matrix_has_as_many_combinations_as_its_axes_give(matrix, most, is_open):
    read = fan(matrix=matrix)
    assert (read.most, read.is_open) == (most, is_open)


def test_the_long_form_and_when_are_read():
    read = fan(for_each={"items": [1], "key": "k${{ item }}", "max_parallel": 2}, when="${{ item > 0 }}")
    assert (read.key, read.max_parallel, read.when_each) == ("k${{ item }}", 2, True)
    assert fan(for_each=[1], when=True).when_each is False


def test_more_instances_than_the_limit_allows_are_refused():
    found = only("limits: {max_tasks: 5}\ntasks: {a: {run: [x], for_each: [1, 2, 3, 4, 5]}}")
    assert found.code == "UNS110"
    assert "may come to have 6 tasks with all instances" in found.message


@pytest.mark.parametrize(
    ("body", "code", "message", "hint", "place"),
    [
        (
            "tasks: {a: {run: [x]}, b: {run: [x], depends_on: [a], join: 2}}",
            "UNS163",
            "`join` of task `b` asks for 2, and `depends_on` names 1",
            "write `any` or `all`, or name more in `depends_on`",
            "2}",
        ),
        (
            "tasks: {b: {run: [x], join: any}}",
            "UNS163",
            "`join` of task `b` asks for any, and `depends_on` names nobody",
            "remove it, or add `depends_on`",
            "any",
        ),
        (
            "tasks: {b: {run: [x], for_each: [1], matrix: {os: [a]}}}",
            "UNS164",
            "task `b` has both `for_each` and `matrix`",
            "keep one of them",
            "matrix",
        ),
        (
            "tasks: {b: {run: [x], for_each: [a, b, a]}}",
            "UNS165",
            "the list of task `b` holds `a` twice",
            "remove one, or give the instances a `key`, such as `{items: [...], key: '${{ index }}'}`",
            "a]",
        ),
        (
            "tasks: {b: {run: [x], for_each: {items: [a, b], max: 1}}}",
            "UNS169",
            "the list of task `b` has 2 items, more than its own `max` (1)",
            "raise it to 2",
            "1}",
        ),
        (
            "tasks: {b: {run: [x], on_failure: {substitute: f}}}",
            "UNS166",
            "there is no template `f`",
            "declare it under `templates`",
            "f}",
        ),
    ],
)
def test_what_can_never_be_is_said_at_its_place(body, code, message, hint, place):
    found = only(body)
    assert (found.code, found.message, found.hint) == (code, message, hint)
    assert marked(body, found, len(place)) == place


def test_a_join_in_a_group_counts_what_its_author_wrote():
    tasks = "a: {run: [x]}, b: {run: [x]}, c: {depends_on: [a, b], join: %s, run: [x]}"
    body = f"tasks: {{g: {{group: {{mode: dag, tasks: {{{tasks}}}}}}}}}"
    plan = plan_of(body % "any")
    task = next(task for task in plan.tasks if task.id == "g.c")
    assert (task.join, len(task.needs)) == (2, 3)  # the gate, which is open before any of them ends, and one of them
    assert next(task.join for task in plan_of(body % 2).tasks if task.id == "g.c") == 3
    assert next(task.join for task in plan_of(body % "all").tasks if task.id == "g.c") is None
    assert only(body % 3).message == "`join` of task `g.c` asks for 3, and `depends_on` names 2"


def test_a_template_that_nothing_uses_is_a_warning_only_where_nothing_else_is_wrong():
    body = "tasks: {t: {run: [x]}}\ntemplates: {f: {run: [x]}}"
    found = only(body)
    assert (found.code, found.severity, found.path) == ("UNS168", "warning", ("templates", "f"))
    assert marked(body, found, 2) == "f:"
    assert codes("tasks: {t: {run: [x], timeout: 3}}\ntemplates: {f: {run: [x]}}") == ["UNS030"]


def test_a_key_that_is_computed_may_repeat_in_the_text():
    assert plan_of("tasks: {t: {run: [x], for_each: {items: [a, a], key: '${{ index }}'}}}").tasks[0].fan_out.most == 2

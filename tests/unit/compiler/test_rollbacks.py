"""A rollback needs something to undo: of the task itself, or of what it is built on."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, document, marked, only, plan_of
from unspool.compiler.compile import compile_document

NOTHING = "neither it nor a task before it has a `compensate`"
NOT_ITS_OWN = "this task has no `compensate`"


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ("on_failure: {rollback: {}}", NOTHING),
        ("on_failure: {rollback: {then: retry}}, depends_on: [undoable]", NOT_ITS_OWN),
        ("on_failure: {rollback: {}}, depends_on: [plain]", NOTHING),
        ("on_failure: {rollback: {}}, depends_on: [undoable]", None),
        ("on_failure: {rollback: {}}, depends_on: [after]", None),
        ("on_failure: {rollback: {}}, depends_on: [group]", None),
        ("on_failure: {rollback: {}}, depends_on: [frail]", None),
        ("on_failure: {rollback: {then: retry}}, compensate: {run: [x]}", None),
    ],
)
def test_a_rollback_needs_something_to_undo(task, why):
    body = f"""
    tasks:
      plain: {{run: [x]}}
      undoable: {{run: [x], compensate: {{run: [y]}}}}
      after: {{run: [x], depends_on: [undoable]}}
      group: {{for_each: [a], group: {{tasks: {{inner: {{run: [x], compensate: {{run: [y]}}}}}}}}}}
      frail: {{run: [x], on_failure: {{substitute: f}}}}
      t: {{run: [x], {task}}}
    templates:
      f: {{group: {{tasks: {{a: {{run: [x], compensate: {{run: [y]}}}}}}}}}}
    """
    if why is None:
        plan_of(body)
        return
    found = only(body)
    assert (found.code, found.message) == ("UNS167", f"the rollback of task `t` has nothing to undo: {why}")
    assert found.hint == "say how to undo a task: `compensate: {run: [...]}`"
    assert marked(body, found, 1) == "{"


@pytest.mark.parametrize("fan", ["", "for_each: [a, b], "])
def test_a_group_undoes_its_tasks_and_its_tasks_what_came_before_the_group(fan):
    undoable, roll = "compensate: {run: [y]}", "on_failure: {rollback: {}}"
    plan_of(f"tasks: {{g: {{{fan}{roll}, group: {{tasks: {{a: {{run: [x], {undoable}}}, b: {{run: [x]}}}}}}}}}}")
    inner = f"group: {{mode: parallel, tasks: {{a: {{run: [x], {roll}}}, b: {{run: [x]}}}}}}"
    plan_of(f"tasks: {{up: {{run: [x], {undoable}}}, g: {{{fan}depends_on: [up], {inner}}}}}")
    aside = f"group: {{mode: parallel, tasks: {{a: {{run: [x], {roll}}}, b: {{run: [x], {undoable}}}}}}}"
    assert codes(f"tasks: {{g: {{{fan}{aside}}}}}") == ["UNS167"]


def test_what_stands_in_for_a_task_undoes_what_that_one_was_built_on():
    body = """
    tasks:
      up: {{run: [x]{}}}
      t: {{run: [x], depends_on: [up], on_failure: {{substitute: f}}}}
    templates: {{f: {{{}}}}}
    """
    roll = "run: [x], on_failure: {rollback: {}}"
    for template in (roll, f"group: {{tasks: {{a: {{{roll}}}}}}}"):
        plan_of(body.format(", compensate: {run: [y]}", template))
        assert codes(body.format("", template)) == ["UNS167"]


def test_nothing_is_said_of_a_template_of_which_nothing_is_made():
    roll = "run: [x], on_failure: {rollback: {}}"
    body = f"tasks: {{t: {{run: [x]}}}}\ntemplates: {{f: {{group: {{tasks: {{a: {{{roll}}}}}}}}}, g: {{{roll}}}}}"
    assert codes(body) == ["UNS168", "UNS168"]


@pytest.mark.parametrize("wrong", ["compensate: {run: 3}", "depends_on: 3", "depends_on: [nowhere]"])
def test_nothing_is_said_where_what_comes_before_could_not_be_read(wrong):
    body = f"tasks: {{a: {{run: [x], {wrong}}}, t: {{run: [x], depends_on: [a], on_failure: {{rollback: {{}}}}}}}}"
    found = compile_document(document(body)).diagnostics
    assert found
    assert "UNS167" not in [one.code for one in found]

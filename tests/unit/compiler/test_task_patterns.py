"""Names of tasks in rehearsals: which tasks they speak of, and which no run can have."""

from __future__ import annotations

import pytest

from tests.playing import plan_of
from unspool.compiler.task_patterns import Known, TaskPatterns, matching, plain

IDS = ["test", "test[a]", "test[b]", "deploy[eu].push", "deploy[us].push[x]", "test[a]/fix[1]", "tester"]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("test", ["test"]),
        ("test[a]", ["test[a]"]),
        ("test[*]", ["test[a]", "test[b]"]),
        ("test*", ["test", "test[a]", "test[b]", "test[a]/fix[1]", "tester"]),
        ("deploy.push", ["deploy[eu].push", "deploy[us].push[x]"]),
        ("deploy[eu].push", ["deploy[eu].push"]),
        ("deploy.push[x]", ["deploy[us].push[x]"]),
        ("*/fix[*]", ["test[a]/fix[1]"]),
        ("test/fix", ["test[a]/fix[1]"]),
        ("tes", []),
        ("test.", []),
    ],
)
def test_a_name_speaks_of_tasks(key: str, found: list[str]):
    assert matching(key, IDS) == found


def test_of_several_names_the_nearest_counts():
    patterns = TaskPatterns({"*": 1, "test*": 2, "test": 3, "test[a]": 4})
    assert [patterns.find(task) for task in ("test[a]", "test[b]", "tester", "other")] == [4, 3, 1, 1]
    assert patterns.name_for("test[b]") == "test"
    assert patterns.instances() == ["test[a]"]
    assert TaskPatterns({}).find("a") is None


def test_an_id_without_keys():
    assert plain("deploy[eu].push[x,y]/compensate[1]") == "deploy.push/compensate"


PLAN = """
inputs: {list: {type: array, default: [1]}}
tasks:
  build: {run: [x], compensate: {run: [x]}}
  test: {for_each: "${{ inputs.list }}", run: [x], batch: {size: 2}}
  ship: {depends_on: [build], group: {tasks: {push: {run: [x]}}}, on_failure: {rollback: {then: cancel}}}
  risky: {run: [x], on_failure: {substitute: spare}}
  batch: {run: [x]}
templates:
  spare: {run: [x]}
"""


@pytest.mark.parametrize(
    "key",
    "build test test[1] ship ship.push build/compensate risky/spare risky/spare[1] test/batch[1] batch * sh* "
    "*/compensate */spare[*] test[*] ship.*".split(),
)
def test_what_a_plan_can_have(key: str):
    assert Known(plan_of(PLAN)).complaint(key) is None


@pytest.mark.parametrize(
    ("key", "message", "hint"),
    [
        ("biuld", "the workflow has no task `biuld`", "did you mean `build`?"),
        ("ship.pull", "no task `ship.pull`", "did you mean `ship.push`?"),
        ("compensate", "no task `compensate`", "its tasks are"),
        ("build/undo", "no task `undo`", "its tasks are"),
        ("build[1]", "task `build` has no instances", "write `build`"),
        ("zz*", "`zz*` fits no task of the workflow", "`*` stands for any text"),
        ("*/nothing", "fits no task", ""),
    ],
)
def test_what_no_run_can_have(key: str, message: str, hint: str):
    complaint = Known(plan_of(PLAN)).complaint(key)
    assert complaint is not None
    assert message in complaint[0]
    assert hint in complaint[1]


def test_the_tasks_of_a_plan_that_a_name_speaks_of():
    known = Known(plan_of(PLAN))
    assert [task.id for task in known.tasks_of("test[1]")] == ["test"]
    assert [task.id for task in known.tasks_of("risky/spare")] == ["spare"]
    assert [task.id for task in known.tasks_of("build/compensate")] == ["build/compensate"]
    assert known.tasks_of("test/batch") == []
    assert {task.id for task in known.tasks_of("*sh*")} == {"ship", "ship.push"}

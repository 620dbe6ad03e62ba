"""Groups, templates, compensations and `finally` become plain tasks, and findings about them lead back."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import diagnose, marked, only
from unspool.compiler.flatten import asks_each, flatten, locals_of
from unspool.compiler.readable import whole
from unspool.model.diagnostics import Diagnostic

STEP = {"run": ["x"]}


def flat(**keys):
    return flatten(whole(keys))


def test_a_document_without_parts_is_left_as_it_is():
    document = whole({"tasks": {"a": STEP, "b": {"for_each": [1], "run": ["x"]}}})
    laid = flatten(document)
    assert laid.readable is document
    assert laid.roles == laid.paths == {}


def test_a_group_has_a_gate_before_its_tasks_and_an_end_behind_them():
    group = {"depends_on": ["a"], "timeout": "1h", "group": {"tasks": {"b": STEP, "c": STEP}}, "on_failure": "skip"}
    laid = flat(tasks={"a": STEP, "g": group})
    tasks = laid.readable.document["tasks"]
    assert list(tasks) == ["a", "g._gate", "g.b", "g.c", "g"]
    assert tasks["g._gate"] == {"depends_on": ["a"], "timeout": "1h"}
    assert tasks["g.b"]["depends_on"] == {"g._gate": "completed"}
    assert tasks["g.c"]["depends_on"] == {"g._gate": "completed", "g.b": "ok"}
    assert tasks["g"]["depends_on"] == {"g._gate": "any", "g.b": "any", "g.c": "any"}
    assert tasks["g"]["on_failure"] == "skip"
    assert laid.role("g").members == ("g.b", "g.c")
    assert (laid.role("g.b").previous, laid.role("g.c").previous) == (None, "g.b")
    assert laid.role("a").kind == "task"


@pytest.mark.parametrize(
    ("mode", "needs"), [("parallel", {"g._gate": "completed"}), ("dag", {"g._gate": "completed", "g.b": "any"})]
)
def test_the_mode_decides_what_a_task_of_a_group_waits_for(mode, needs):
    last = STEP if mode == "parallel" else {**STEP, "depends_on": {"b": "any"}}
    laid = flat(tasks={"g": {"group": {"mode": mode, "tasks": {"b": STEP, "c": last}}}})
    assert laid.readable.document["tasks"]["g.c"]["depends_on"] == needs
    assert laid.role("g.c").previous is None


def test_a_group_with_instances_is_a_parent_and_a_region_to_copy():
    body = {"for_each": [1], "depends_on": ["a"], "group": {"tasks": {"b": STEP}}, "when": "${{ item > 0 }}"}
    laid = flat(tasks={"a": STEP, "g": body})
    tasks = laid.readable.document["tasks"]
    assert list(tasks) == ["a", "g[]._gate", "g[].b", "g[]", "g"]
    assert laid.role("g").region == ("g[]._gate", "g[].b", "g[]")
    assert "when" in tasks["g[]._gate"]  # it asks for the item
    assert "when" not in tasks["g"]
    assert laid.role("g[].b").local == {"item", "index"}
    assert [laid.role(name).template for name in tasks] == [0, 1, 1, 1, 0]


def test_a_compensation_is_a_template_that_knows_what_its_task_knows():
    laid = flat(tasks={"a": {**STEP, "matrix": {"os": [1]}, "compensate": {"run": ["y"]}}})
    undo = laid.role("a/compensate")
    assert (undo.kind, undo.undoes, undo.template, undo.local) == ("undo", "a", 1, {"matrix", "index"})
    assert laid.readable.document["tasks"]["a/compensate"]["depends_on"] == {"a": "completed"}


def test_names_are_found_from_the_nearest_scope_outwards():
    inner = {"group": {"mode": "dag", "tasks": {"a": STEP, "b": STEP}}}
    laid = flat(tasks={"a": STEP, "c": STEP, "g": {"group": {"tasks": {"h": inner, "b": STEP}}}})
    assert laid.find("a", "g.h.") == "g.h.a"
    assert laid.find("b", "g.") == "g.b"
    assert laid.find("a", "g.") == "a"
    assert laid.find("c", "g.h.") == "c"
    assert laid.find("b", "") is None


def test_findings_lead_back_to_the_document():
    laid = flat(tasks={"g": {"for_each": [1], "group": {"tasks": {"b": {**STEP, "compensate": STEP}}}}})
    found = Diagnostic("UNS000", "task `g[].b` and `g[]._gate`", ("tasks", "g[].b", "run", 0), hint="see `g[]`")
    placed = laid.placed(found)
    assert placed.path == ("tasks", "g", "group", "tasks", "b", "run", 0)
    assert (placed.message, placed.hint) == ("task `g.b` and `g`", "see `g`")
    undo = laid.placed(Diagnostic("UNS000", "task `g[].b/compensate` reads", ("tasks", "g[].b/compensate", "run")))
    assert undo.path == ("tasks", "g", "group", "tasks", "b", "compensate", "run")
    assert undo.message == "`compensate` of task `g.b` reads"


def test_holes_of_nested_tasks_are_known_by_their_whole_names():
    readable = whole({"tasks": {"g": {"group": {"tasks": {"b": STEP}}}}, "templates": {"f": STEP}})
    holes = frozenset((("tasks", "g", "group", "tasks", "b", "outputs"), ("templates", "f", "inputs"), ("inputs",)))
    laid = flatten(readable._replace(holes=holes))
    assert laid.readable.holes == {("tasks", "g.b", "outputs"), ("tasks", "f", "inputs"), ("inputs",)}
    assert not laid.role("f").knows_inputs


def test_locals_come_from_the_way_a_task_multiplies():
    assert locals_of({"for_each": [1]}) == {"item", "index"}
    assert locals_of({"matrix": {}}) == {"matrix", "index"}
    assert locals_of({}) == frozenset()


@pytest.mark.parametrize(
    ("when", "each"),
    [
        ("${{ item > 1 }}", True),
        ("${{ index == 0 }}", True),
        ("${{ inputs.a }}", False),
        (True, False),
        ("${{ (", False),
    ],
)
def test_when_is_asked_of_each_instance_that_it_names(when, each):
    assert asks_each({"for_each": [1], "when": when}) is each
    assert not asks_each({"when": when})


@pytest.mark.parametrize(
    ("body", "code", "message", "place"),
    [
        (
            "tasks: {g: {group: {mode: dag, tasks: {build: {run: [x]}, b: {run: [x], depends_on: [biuld]}}}}}",
            "UNS160",
            "task `b` depends on `biuld`, which its group does not have",
            "biuld]",
        ),
        (
            "tasks: {a: {run: [x]}, g: {group: {mode: dag, tasks: {b: {run: [x], depends_on: {a: any}}}}}}",
            "UNS160",
            "task `b` depends on `a`, which its group does not have",
            "a: any",
        ),
        (
            "tasks: {g: {group: {tasks: {a: {run: [x]}, b: {run: [x], depends_on: [a]}}}}}",
            "UNS160",
            "`depends_on` cannot stand in a sequential group",
            "a]",
        ),
        (
            "tasks: {g: {group: {mode: dag, tasks: {a: {run: [x], depends_on: [a]}}}}}",
            "UNS041",
            "task `a` depends on itself",
            "a]",
        ),
        (
            "tasks: {g: {retry: {max_attempts: 2}, group: {tasks: {a: {run: [x]}}}}}",
            "UNS161",
            "`retry` cannot stand in the group `g`",
            "retry:",
        ),
        (
            "tasks: {a: {run: [x], on_failure: {substitute: a}}}\ntemplates: {a: {run: [x]}}",
            "UNS170",
            "the name `a` is taken: there is a task `a` under `tasks`",
            "a: {run: [x]}}",
        ),
        (
            "tasks: {b: {run: [x]}}\nfinally: {b: {run: [x]}}",
            "UNS170",
            "the name `b` is taken: there is a task `b` under `tasks`",
            "b: {run: [x]}}",
        ),
    ],
)
def test_what_is_wrong_with_how_tasks_are_nested(body, code, message, place):
    found = next(one for one in diagnose(body) if one.code == code)
    assert found.message == message
    assert found.hint
    assert marked(body, found, len(place)) == place


def test_a_cycle_in_a_group_is_told_at_its_place():
    body = "tasks: {g: {group: {mode: dag, tasks: {a: {run: [x], depends_on: [b]}, b: {run: [x], depends_on: [a]}}}}}"
    found = only(body)
    assert found.code == "UNS043"
    assert found.path == ("tasks", "g", "group", "tasks", "a", "depends_on", 0)
    assert marked(body, found, 2) == "b]"
    assert "`g.a -> g.b -> g.a`" in found.message

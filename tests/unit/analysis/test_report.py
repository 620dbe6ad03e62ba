"""The JSON of a plan."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from tests.unit.compiler.compiling import plan_of
from unspool.analysis.report import plan_report
from unspool.model.resources import schema_text

BODY = """
tasks:
  a: {run: [x], estimate: 1s}
  b: {python: "m:f", estimate: 2s, depends_on: [a]}
  c: {run: [x], estimate: 500ms, depends_on: {a: completed, b: any}}
  d: {run: [x], estimate: 1s}
"""
SCHEMA = json.loads(schema_text("plan"))


def test_the_facts_of_a_plan():
    plan = plan_of(BODY)
    report = plan_report(plan, 3)
    assert report == {
        "name": "demo",
        "hash": plan.hash,
        "tasks": {
            "a": _task("run", [], ["b", "c"], 0, (1.0, 0.0, 0.0, 0.0)),
            "b": _task("python", ["a"], ["c"], 1, (2.0, 1.0, 1.0, 0.0)),
            "c": _task("run", {"a": "completed", "b": "any"}, [], 2, (0.5, 3.0, 3.0, 0.0)),
            "d": _task("run", [], [], 0, (1.0, 0.0, 2.5, 2.5)),
        },
        "waves": [["a", "d"], ["b"], ["c"]],
        "critical_path": {"tasks": ["a", "b", "c"], "seconds": 3.5},
        "total_work_s": 4.5,
        "max_width": 2,
        "makespan": [
            {"workers": 1, "seconds": 4.5},
            {"workers": 2, "seconds": 3.5},
            {"workers": 3, "seconds": 3.5},
        ],
        "growth": {"worst_case_tasks": 4, "templates": {}},
    }


def _task(kind, depends_on, dependents, wave, times):
    names = ("estimate_s", "earliest_s", "latest_s", "slack_s")
    fixed = {"kind": kind, "depends_on": depends_on, "dependents": dependents, "wave": wave}
    return {**fixed, **dict(zip(names, times, strict=True)), "open": False, "bound": 1, "finally": False}


def test_the_schema_is_sound_and_fits_the_report():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:unspool:schema:plan:1"
    Draft202012Validator(SCHEMA).validate(plan_report(plan_of(BODY)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: report.pop("hash"),
        lambda report: report["tasks"]["a"].pop("slack_s"),
        lambda report: report["tasks"]["a"].update(depends_on={"b": "sucess"}),
        lambda report: report["makespan"].clear(),
        lambda report: report["critical_path"].update(seconds=-1),
        lambda report: report.update(hash="x"),
    ],
)
def test_the_schema_refuses_what_no_report_is(spoil):
    report = plan_report(plan_of(BODY))
    spoil(report)
    assert not Draft202012Validator(SCHEMA).is_valid(report)


def test_no_workers_is_no_number_of_workers():
    with pytest.raises(ValueError, match="at least one worker"):
        plan_report(plan_of(BODY), 0)


GROWN = """
inputs: {many: {type: array, default: [1], maxItems: 7}}
tasks:
  a: {run: [x]}
  mat: {matrix: {x: [1, 2], y: [1, 2], exclude: [{x: 1, y: 2}]}, run: [x], estimate: 10s}
  open: {depends_on: [a], for_each: "${{ inputs.many }}", run: [x]}
  g:
    depends_on: [a]
    for_each: [1, 2]
    group: {mode: parallel, tasks: {b: {run: [x]}, c: {run: [x], compensate: {run: [x]}}}}
  flat: {depends_on: [g], group: {tasks: {d: {run: [x]}}}}
finally: {bye: {run: [x]}}
"""


def test_what_grows_is_shown_with_its_bounds_and_its_parts_only_where_they_are_sure():
    report = plan_report(plan_of(GROWN))
    Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(report)))
    assert set(report["tasks"]) == {"a", "mat", "open", "g", "flat", "flat.d", "bye"}
    bounds = {name: (task["open"], task["bound"]) for name, task in report["tasks"].items()}
    assert (bounds["mat"], bounds["open"], bounds["g"]) == ((False, 3), (True, 7), (False, 2))
    assert report["tasks"]["flat.d"]["depends_on"] == ["g"]
    assert report["tasks"]["g"]["dependents"] == ["flat.d"]
    assert report["waves"] == [["a", "mat"], ["open", "g"], ["flat.d"], ["flat"], ["bye"]]


def test_work_and_makespan_count_all_instances_that_are_sure():
    alone = plan_report(plan_of("tasks: {t: {for_each: [1, 2, 3, 4], run: [x], estimate: 10s}}"))
    assert alone["total_work_s"] == 40.0
    assert {row["workers"]: row["seconds"] for row in alone["makespan"]} == {1: 40.0, 2: 20.0, 4: 10.0}

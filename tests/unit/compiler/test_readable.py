"""A document with mistakes is looked into as far as that is safe, and no mistake is reported as two."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import diagnose
from unspool.compiler.readable import salvage, whole


def test_a_sound_document_is_read_as_it_is():
    document = {"tasks": {"t": {"run": "x"}}}
    assert whole(document).document is document
    assert whole(document).holes == frozenset()


def test_what_is_broken_is_left_out_and_leaves_a_hole_where_names_stood():
    value = {
        "inputs": {"good": {"type": "string"}, "bad": {"type": "strin"}},
        "env": [1],
        "tasks": {"a": {"run": ["x"], "timeout": 3, "depends_on": [1]}, "b": {"run": ["x"], "output": {}}, "c": None},
        "outputs": {"o": 1},
        "defaults": {"shell": "bash"},
    }
    broken = [("inputs", "bad", "type"), ("env",), ("tasks", "a", "timeout"), ("tasks", "b", "output"), ("tasks", "c")]
    document, holes = salvage(value, broken)
    assert document == {
        "inputs": {"good": {"type": "string"}, "bad": {}},
        "tasks": {"a": {"run": ["x"]}, "b": {"run": ["x"]}, "c": {}},
        "outputs": {"o": 1},
        "defaults": {"shell": "bash"},
    }
    assert holes == {
        ("env",),
        ("tasks", "a", "depends_on"),
        ("tasks", "b", "depends_on"),
        ("tasks", "b", "outputs"),
        ("tasks", "b", "uses"),
        ("tasks", "c", "depends_on"),
        ("tasks", "c", "outputs"),
        ("tasks", "c", "uses"),
    }


def test_salvage_survives_any_value():
    strange = [None, 1, "a", [], [1], {}, {1: 2}, {"a": None}, {"a": {"b": [None]}}]
    keys = ["run", "env", "with", "outputs", "depends_on", "when", "stdin", "cwd", "python"]
    for value in strange:
        assert salvage({"tasks": value}, []) is None or isinstance(value, dict)
        for key in keys:
            read = salvage({"tasks": {"t": {key: value}}, "inputs": value, "env": value, "outputs": value}, [])
            assert set(read.document["tasks"]) == {"t"}


@pytest.mark.parametrize(
    "body",
    [
        "input: {n: {type: string}}\ntasks: {a: {run: [x, '${{ inputs.n }}']}}",
        "inputs: [n]\ntasks: {a: {run: [x, '${{ inputs.n }}']}}",
        "inputs: {n: 3}\ntasks: {a: {run: [x, '${{ inputs.n }}']}}",
        "env: 3\ntasks: {a: {run: [x, '${{ env.n }}']}}",
        "tasks: {b: {run: [x], output: {v: {}}}, a: {run: [x, '${{ tasks.b.outputs.v }}'], depends_on: [b]}}",
        "resources: [r]\ntasks: {a: {run: [x], uses: [r]}}",
        "resources: {r: {slot: 1}}\ntasks: {a: {run: [x], uses: [q]}}",
        "resources: {r: {slots: 1}}\ntasks: {a: {run: [x], uses: r}}",
        "tasks: {b: 3, a: {run: [x, '${{ tasks.b.outputs.v }}'], depends_on: [b]}}",
        "tasks: {b: {run: [x]}, a: {run: [x, '${{ tasks.b.state }}'], needs: [b]}}",
        "tasks: {b: {run: [x]}, a: {run: [x, '${{ tasks.b.state }}'], depends_on: {b: sucess}}}",
        "tasks: {b: {run: [x]}, c: {run: [x], depends_on: b}, a: {run: [x, '${{ tasks.b.state }}'], depends_on: [c]}}",
    ],
)
def test_one_mistake_gives_one_finding(body):
    assert len(diagnose(body)) == 1

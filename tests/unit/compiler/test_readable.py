"""A document with mistakes is looked into as far as that is safe, and no mistake is reported as two."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import diagnose
from unspool.compiler.flatten import flatten
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
    unknown = ("depends_on", "outputs", "uses", "compensate", "for_each")
    assert holes == {
        ("env",),
        ("tasks", "a", "depends_on"),
        *(("tasks", "b", field) for field in unknown),
        *(("tasks", "c", field) for field in unknown),
    }


def test_what_nests_is_kept_as_far_as_it_can_be_read():
    value = {
        "tasks": {
            "g": {
                "for_each": "x",
                "group": {
                    "mode": "serial",
                    "tasks": {"a": {"run": ["x"], "timeout": 3}, "b": {"wait": 5, "depends_on": ["a"]}},
                },
            },
            "u": {"run": ["x"], "compensate": {"run": ["y"], "timeout": 3}, "on_failure": {"substitute": 3}},
            "no.name": {"run": ["x"]},
        },
        "templates": {
            "f": {"run": ["x"], "inputs": {"a": 3, "b": {"type": "string"}}},
            "h": {"run": ["x"], "inputs": 3},
        },
        "finally": {"z": {"run": ["x"], "matrix": {"os": 3}}},
    }
    broken = [
        ("tasks", "g", "for_each"),
        ("tasks", "g", "group", "mode"),
        ("tasks", "g", "group", "tasks", "a", "timeout"),
        ("tasks", "g", "group", "tasks", "b", "wait"),
        ("tasks", "u", "compensate", "timeout"),
        ("tasks", "u", "on_failure", "substitute"),
        ("tasks", "no.name"),
        ("templates", "f", "inputs", "a"),
        ("templates", "h", "inputs"),
        ("finally", "z", "matrix", "os"),
    ]
    document, holes = salvage(value, broken)
    assert document == {
        "tasks": {
            "g": {"for_each": [], "group": {"tasks": {"a": {"run": ["x"]}, "b": {"depends_on": ["a"]}}, "mode": "dag"}},
            "u": {"run": ["x"], "compensate": {"run": ["y"]}},
        },
        "templates": {"f": {"run": ["x"], "inputs": {"a": {}, "b": {"type": "string"}}}, "h": {"run": ["x"]}},
        "finally": {"z": {"run": ["x"], "matrix": {}}},
    }
    assert holes == {("tasks", "g", "mode"), ("templates", "h", "inputs")}


def test_salvage_survives_any_value():
    strange = [None, 1, "a", [], [1], {}, {1: 2}, {"a": None}, {"a": {"b": [None]}}]
    keys = ["run", "env", "with", "outputs", "depends_on", "when", "stdin", "cwd", "python", "join", "wait", "approval"]
    keys += ["for_each", "matrix", "group", "compensate", "on_failure", "inputs"]
    for value in strange:
        assert salvage({"tasks": value}, []) is None or isinstance(value, dict)
        for key in keys:
            read = salvage({"tasks": {"t": {key: value}}, "inputs": value, "env": value, "outputs": value}, [])
            assert set(read.document["tasks"]) == {"t"}
            nested = {"t": {"group": {"tasks": {"u": {key: value}}, "mode": value, "aggregate": value}}}
            flatten(salvage({"tasks": nested, "templates": {"v": {key: value}}, "finally": value}, []))


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
        "tasks: {a: {with_items: [1], run: [x, '${{ item }}']}}",
        "tasks: {a: {for_each: 3, run: [x, '${{ item }}', '${{ index }}']}}",
        "tasks: {a: {matrix: {os: 3}, run: [x, '${{ matrix.os }}']}}",
        "tasks: {g: {foreach: [1], group: {tasks: {a: {run: [x, '${{ item }}']}}}}}",
        "tasks: {g: {group: {mode: serial, tasks: {a: {run: [x]}, b: {run: [x, '${{ previous.state }}']}}}}}",
        "tasks: {g: {group: {kind: dag, tasks: {a: {run: [x]}, b: {run: [x], depends_on: [a]}}}}}",
        "tasks: {g: {group: {tasks: {a: {run: [x], timeout: 3}, b: {run: [x, '${{ tasks.a.state }}']}}}}}",
        "tasks: {g: {group: {tasks: {a: {run: [x], outputs: 3}, b: {run: [x, '${{ tasks.a.outputs.v }}']}}}}}",
        "tasks: {g: {group: 3}, b: {run: [x], depends_on: [g]}}",
        "tasks: {a: {run: [x], undo: {run: [x]}, on_failure: {rollback: {}}}}",
        "tasks: {a: {run: [x], compensate: 3, on_failure: {rollback: {then: retry}}}}",
        "tasks: {a: {run: [x], on_failure: {substitute: f}}}\ntemplate: {f: {run: [x]}}",
        "tasks: {a: {run: [x], on_failure: {substitute: f}}}\ntemplates: [f]",
        "tasks: {a: {run: [x], on_failure: {substitute: f, with: 3}}}\ntemplates: {f: {run: [x]}}",
        (
            "tasks: {a: {run: [x], on_failure: {substitute: f, with: {n: 1}}}}\n"
            "templates: {f: {params: {n: {}}, run: [x, '${{ inputs.n }}']}}"
        ),
        (
            "tasks: {a: {run: [x], on_failure: {substitute: f, with: {n: 1}}}}\n"
            "templates: {f: {inputs: 3, group: {tasks: {b: {run: [x, '${{ inputs.n }}']}}}}}"
        ),
        (
            "tasks: {a: {run: [x], outputs: {v: {}}, on_failure: {substitute: f}}}\n"
            "templates: {f: {run: [x], output: {v: {}}}}"
        ),
        "tasks: {a: {run: [x], compensate: {run: [x, '${{ item }}']}, for_each: 3}}",
        "tasks: {a: {run: [x], depends_on: [b], join: most}, b: {run: [x]}}",
        "tasks: {a: {run: [x]}}\nfinally: {b: {run: [x], needs: [c]}, c: {run: [x, '${{ tasks.a.state }}']}}",
        "tasks: {a.b: {run: [x]}, c: {run: [x]}}",
        "tasks: {b: {run: [x]}, c: {run: [x], depends_on: b}, a: {run: [x, '${{ tasks.b.state }}'], depends_on: [c]}}",
    ],
)
def test_one_mistake_gives_one_finding(body):
    assert len(diagnose(body)) == 1

"""What `item` and `matrix` are is known as far as the text of a fan-out tells."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, only
from unspool.compiler.nearby import Fan, member_problem

INPUTS = {
    "names": {"type": "array", "items": {"type": "string"}},
    "hosts": {"type": "array", "items": {"type": "object", "properties": {"ip": {"type": "string"}}}},
    "deep": {"type": "object", "properties": {"list": {"type": "array", "items": {"type": "integer"}}}},
    "any": {},
}


@pytest.mark.parametrize(
    ("items", "schema"),
    [
        (["a", "b"], {"type": "string"}),
        ([1, 2], {"type": "integer"}),
        ([1.5], {"type": "number"}),
        ([True], {"type": "boolean"}),
        ([[1]], {"type": "array"}),
        ([1, "a"], {}),
        ([None], {}),
        ([], {}),
        (["a", "${{ inputs.any }}"], {}),
        ([{"a": 1}, {"b": 2}], {"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": False}),
        ("${{ inputs.names }}", {"type": "string"}),
        ("${{ inputs.hosts }}", INPUTS["hosts"]["items"]),
        ("${{ inputs.deep.list }}", {"type": "integer"}),
        ("${{ inputs.deep.other }}", {}),
        ("${{ inputs.any }}", {}),
        ("${{ inputs.unknown }}", {}),
        ("${{ inputs.names | sort }}", {}),
        ("${{ inputs[inputs.any] }}", {}),
        ("${{ inputs.names }} x", {}),
        ("${{ (", {}),
        (None, {}),
    ],
)
def test_the_schema_of_an_item_is_that_of_the_list(items, schema):
    assert Fan(items=items).schema("item", INPUTS) == schema


def test_the_nearest_fan_out_counts():
    fan = Fan().within({"for_each": ["a"]}).within({"matrix": {"os": [1]}})
    assert fan.schema("item", {}) == {"type": "string"}
    assert fan.schema("matrix", {})["properties"] == {"os": {"type": "integer"}}
    assert fan.within({"for_each": {"items": [1]}}).schema("item", {}) == {"type": "integer"}
    assert fan.schema("index", {}) == {"type": "integer"}
    assert Fan().schema("matrix", {}) == {}


def test_a_combination_may_bring_in_axes_and_values():
    fan = Fan().within({"matrix": {"os": ["a"], "py": [1], "include": [{"os": 3, "new": 1}], "exclude": [{"py": 1}]}})
    assert fan.schema("matrix", {})["properties"] == {"os": {}, "py": {"type": "integer"}, "new": {}}


def test_a_member_that_cannot_be_there_has_an_answer():
    schema = Fan(axes={"os": [1], "py": [1]}).schema("matrix", {})
    assert member_problem("matrix", schema, ()) is None
    assert member_problem("matrix", schema, ("os",)) is None
    for name, hint in (("oss", "did you mean `matrix.os`?"), ("quux", "it has `os` and `py`")):
        assert member_problem("matrix", schema, (name,)) == ("UNS069", f"`matrix` has no axis `{name}`", hint)
    text = member_problem("item", {"type": "string"}, ("a",))
    assert text == ("UNS069", "`item` is text and has no member `a`", "write `item`")
    assert member_problem("index", {"type": "integer"}, ("a",))[1] == "`index` is a number and has no member `a`"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("tasks: {t: {for_each: [{a: 1}], run: [x, '${{ item.b }}']}}", "`item` is a map and has no member `b`"),
        ("tasks: {t: {matrix: {os: [a]}, run: [x, '${{ matrix.so }}']}}", "`matrix` has no axis `so`"),
        (
            "tasks: {g: {matrix: {os: [a]}, group: {tasks: {t: {run: [x, '${{ matrix.so }}']}}}}}",
            "`matrix` has no axis `so`",
        ),
        (
            "tasks: {t: {matrix: {os: [a]}, run: [x], compensate: {run: [x, '${{ matrix.so }}']}}}",
            "`matrix` has no axis `so`",
        ),
        ("tasks: {t: {for_each: [a], when: '${{ item }}', run: [x]}}", "`item` is text, not true or false"),
        (
            "tasks: {t: {for_each: [[a]], run: 'echo ${{ item }}'}}",
            "`item` is a list or a map, which cannot stand in a script",
        ),
        (
            "tasks: {t: {for_each: ['${{ item }}'], run: [x]}}",
            "`item` is known only under `for_each`",
        ),
        (
            "tasks: {t: {matrix: {os: [a], py: ['${{ matrix.os }}']}, run: [x]}}",
            "`matrix` is known only under `matrix`",
        ),
    ],
)
def test_items_and_axes_are_checked_where_they_are_used(body, message):
    assert only(body).message == message


@pytest.mark.parametrize(
    "body",
    [
        "tasks: {t: {for_each: [{a: 1}], run: [x, '${{ item.a }}', '${{ index }}']}}",
        "tasks: {t: {for_each: {items: [a], key: '${{ item }}-${{ index }}'}, run: [x]}}",
        "tasks: {g: {for_each: [1], group: {tasks: {t: {matrix: {o: [a]}, run: ['${{ item }}${{ matrix.o }}']}}}}}",
        "tasks: {g: {for_each: [1], when: '${{ item > 1 }}', group: {tasks: {t: {when: '${{ item > 1 }}', run: x}}}}}",
        (
            "tasks: {t: {for_each: [a], run: [x], env: {A: '${{ item }}'}, cwd: '${{ item }}', stdin: '${{ item }}', "
            "with: {a: '${{ item }}'}, success_when: '${{ item == result.stdout }}', cache: {key: '${{ item }}'}}}"
        ),
        "tasks: {t: {for_each: [a], http: {url: 'http://localhost/${{ item }}'}}}",
        "tasks: {t: {for_each: [a], approval: 'Go ${{ item }}?'}}",
    ],
)
def test_items_and_axes_are_known_in_what_an_instance_does(body):
    assert codes(body) == []


def test_only_the_axes_that_are_known_are_listed():
    found = diagnose("tasks: {t: {matrix: {os: 3}, run: [x, '${{ matrix.anything }}']}}")
    assert [one.code for one in found] == ["UNS023"]

"""Schemas that a document declares must be usable, and their defaults must fit them."""

from __future__ import annotations

import pytest

from unspool.compiler.shape import check_shape
from unspool.compiler.value_schemas import misfit


def document(schema, **output):
    task = {"run": "x", "outputs": {"o": output}} if output else {"run": "x"}
    return {"unspool": 1, "name": "x", "inputs": {"i": schema}, "tasks": {"a": task}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string", "default": "a", "pattern": r"(?<n>a)\z"},
        {"type": ["integer", "null"], "default": None},
        {"type": "array", "items": {"type": "string", "default": "x"}, "default": []},
        {"pattern": "[[a]", "default": "[a"},
        {"default": 2**70, "type": "integer"},
        {"default": {"$ref": "#/nowhere"}, "type": "object"},
        {"const": {"$ref": "http://host/schema"}, "default": {"$ref": "http://host/schema"}},
    ],
)
def test_usable_schemas_are_accepted(schema):
    assert check_shape(document(schema)) == []


def test_a_pattern_must_compile():
    (found,) = check_shape(document({"pattern": "a(b"}))
    assert found.code == "UNS035"
    assert found.path == ("inputs", "i", "pattern")
    assert "missing ), unterminated subpattern at character 2" in found.message
    assert found.hint == r'correct it; to find just this text, write `pattern: "a\\(b"`'


def test_patterns_are_looked_for_at_every_depth():
    deep = {"properties": {"p": {"items": {"anyOf": [{}, {"additionalProperties": {"pattern": "*"}}]}}}}
    (found,) = check_shape(document(deep))
    assert found.path == (*("inputs", "i", "properties", "p", "items", "anyOf", 1, "additionalProperties", "pattern"),)


def test_a_pattern_too_deep_for_the_compiler_is_a_diagnostic():
    (found,) = check_shape(document({"pattern": "(" * 500 + ")" * 500}))
    assert found.code == "UNS035"


@pytest.mark.parametrize(
    ("schema", "complaint", "hint"),
    [
        ({"type": "integer", "default": "3"}, "must be a whole number, not the text `3`", "write `default: 3`"),
        ({"type": "string", "default": 3}, "must be text, not the number 3", 'write `default: "3"`'),
        ({"type": "boolean", "default": "true"}, "must be true or false", "write `default: true`"),
        ({"type": "array", "default": "a"}, "must be a list", "write `default: [a]`"),
        ({"enum": ["a", "b"], "default": "c"}, "must be `a` or `b`, not the text `c`", "write `default: a`"),
        ({"minimum": 3, "default": 1}, "must be at least 3, not 1", "write `default: 3`"),
        ({"maxLength": 1, "default": "abc"}, "must have at most 1 characters, not 3", "remove the default"),
        ({"pattern": "^a", "default": "b"}, "does not match the pattern `^a`: the text `b`", "remove the default"),
        ({"required": ["k"], "default": {}}, "has no `k`", "remove the default"),
        ({"additionalProperties": False, "default": {"k": 1}}, "has the unknown member `k`", "remove the default"),
        (
            {"items": {"type": "string"}, "default": ["a", 1]},
            "is wrong at `/1`: the value there must be text",
            "remove",
        ),
    ],
)
def test_a_default_must_fit_its_own_schema(schema, complaint, hint):
    (found,) = check_shape(document(schema))
    assert (found.code, found.path) == ("UNS036", ("inputs", "i", "default"))
    assert complaint in found.message
    assert hint in found.hint


def test_outputs_are_checked_as_inputs_are():
    (found,) = check_shape(document({}, type="integer", default="x", **{"from": "json", "path": "/a", "max_bytes": 5}))
    assert found.path == ("tasks", "a", "outputs", "o", "default")


def test_a_schema_with_a_fault_of_shape_is_left_alone():
    found = check_shape(document({"type": "int", "default": "x", "pattern": "("}))
    assert [each.code for each in found] == ["UNS024"]


def test_its_neighbours_are_not():
    value = document({"type": "int"}, pattern="(")
    assert [each.code for each in check_shape(value)] == ["UNS024", "UNS035"]


def test_misfit_says_what_a_value_is_not():
    schema = {"type": "integer", "minimum": 1, "from": "json", "path": "/x", "max_bytes": 3}
    assert misfit(schema, 4) is None
    assert misfit(schema, 0) == "must be at least 1, not 0"
    assert misfit(schema, None) == "must be a whole number, not null"

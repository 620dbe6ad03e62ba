"""What a schema says about a member."""

from __future__ import annotations

import pytest

from unspool.compiler.schema_paths import type_at, wrong_member

CLOSED = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("schema", "path", "wrong"),
    [
        ({"type": "string"}, ("x",), (0, "text")),
        ({"type": "string"}, (0,), None),
        ({"type": "integer"}, (0,), (0, "a number")),
        ({"type": "boolean"}, ("x",), (0, "true or false")),
        ({"type": "null"}, ("x",), (0, "null")),
        (CLOSED, ("a",), None),
        (CLOSED, ("b",), (0, "a map")),
        (CLOSED, ("a", "x"), (1, "a number")),
        (OPEN, ("b", "c"), None),
        (OPEN, ("a", "x"), (1, "a number")),
        ({"type": "array", "items": CLOSED}, (0, "b"), (1, "a map")),
        ({"type": "array"}, ("b",), (0, "a list")),
        ({"type": "array"}, (0, "b"), None),
        ({"type": "object", "additionalProperties": {"type": "string"}}, ("x", "y"), (1, "text")),
        ({}, ("x", 0, "y"), None),
        ({"type": ["string", "object"]}, ("x",), None),
        ({"type": "string", "anyOf": [{}]}, ("x",), None),
    ],
)
def test_only_what_no_value_can_have_is_wrong(schema, path, wrong):
    assert wrong_member(schema, path) == wrong


@pytest.mark.parametrize(
    ("schema", "path", "kind"),
    [
        ({"type": "string"}, (), "string"),
        ({"type": ["string", "null"]}, (), None),
        ({}, (), None),
        (CLOSED, ("a",), "integer"),
        (CLOSED, ("b",), None),
        ({"type": "array", "items": CLOSED}, (3, "a"), "integer"),
        ({"type": "array"}, (3,), None),
    ],
)
def test_the_type_of_a_member_is_known_if_it_is_declared(schema, path, kind):
    assert type_at(schema, path) == kind

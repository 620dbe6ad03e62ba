import pytest

from unspool.core.schema import fits


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ("a", {"type": "string"}),
        (3, {"type": "integer"}),
        (3.0, {"type": "integer"}),
        (2.5, {"type": "number"}),
        (True, {"type": "boolean"}),
        (None, {"type": "null"}),
        ([], {"type": "array"}),
        ({}, {"type": "object", "description": "anything"}),
        ("x", {}),
        ("aa", {"type": "string", "pattern": r"(?<one>a)\1"}),
        (5, {"type": ["string", "integer"]}),
    ],
)
def test_fitting_values(value, schema):
    assert fits(value, schema) is None


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        (True, {"type": "integer"}, "not of type integer"),
        (2.5, {"type": "integer"}, "not of type integer"),
        ("3", {"type": "number"}, "not of type number"),
        (1, {"type": "boolean"}, "not of type boolean"),
        (float("inf"), {"type": "integer"}, "not of type integer"),
        (float("nan"), {"type": "integer"}, "not of type integer"),
        ("b", {"type": "string", "pattern": r"a\Z"}, "does not match"),
        ([1, "x"], {"type": "array", "items": {"type": "integer"}}, "is not of type"),
        ("x" * 99, {"type": "integer"}, r"\.\.\. is not of type"),
    ],
)
def test_values_that_do_not_fit(value, schema, said):
    import re

    assert re.search(said, fits(value, schema) or "")

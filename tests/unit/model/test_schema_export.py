"""The published schema: up to date, closed, and with words for editors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from unspool.model.schema_export import workflow_schema, workflow_schema_text

ROOT = Path(__file__).parents[3]
SCHEMA = workflow_schema()


def maps(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from maps(part)


def test_the_published_file_is_what_the_models_say():
    published = (ROOT / "schemas" / "workflow.schema.json").read_text(encoding="utf-8")
    assert published == workflow_schema_text(), "run `make schemas`"


def test_the_module_writes_the_file():
    written = subprocess.run(
        [sys.executable, "-m", "unspool.model.schema_export"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "engine")},
    )
    assert written.stdout == workflow_schema_text()


def test_it_is_a_valid_schema_of_the_draft_it_names():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_nothing_outside_the_file_is_referred_to():
    references = {part["$ref"] for part in maps(SCHEMA) if isinstance(part.get("$ref"), str)}
    assert references == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}
    assert SCHEMA["$id"].startswith("urn:")


def test_every_map_with_known_keys_is_closed():
    described = [part for part in maps(SCHEMA) if part.get("type") == "object" and "properties" in part]
    assert len(described) >= 8
    is_open = [part["description"] for part in described if part["additionalProperties"] is not False]
    assert is_open == ["One instance of a task for each combination of the values of its axes."]


@pytest.mark.parametrize("name", ["", *(name for name, part in SCHEMA["$defs"].items() if "properties" in part)])
def test_every_key_has_a_description_for_editors(name):
    part = SCHEMA["$defs"][name] if name else SCHEMA
    for key, value in part["properties"].items():
        described = value if "description" in value else SCHEMA["$defs"][value["$ref"].rpartition("/")[2]]
        assert len(described["description"]) > 5, key


def test_null_is_no_value_of_a_key():
    types = [part["type"] for part in maps(SCHEMA) if isinstance(part.get("type"), str | list)]
    assert types
    assert not any("null" in kinds for kinds in types)
    assert "null" not in json.dumps({key: value for key, value in SCHEMA.items() if key != "$defs"})

"""The schema of rehearsals: up to date, closed, with words for editors, and of one mind with the models."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from pydantic import ValidationError

from unspool.model.rehearsal import Rehearsal
from unspool.model.schema_export import rehearsal_schema, rehearsal_schema_text

ROOT = Path(__file__).parents[3]
SCHEMA = rehearsal_schema()


def of(stub: Any = None, expect: Any = None, **case: Any) -> dict[str, Any]:
    case |= {} if stub is None else {"stubs": {"a": stub}}
    case |= {} if expect is None else {"expect": expect}
    return {"unspool_rehearsal": 1, "cases": {"one": case}}


GOOD = [
    of(),
    of({}),
    of([{"exit_code": 1}, {"json": None, "seconds": 0.5}]),
    of({"error": {"class": "connection"}, "status_code": 503, "headers": {"a": "b"}, "retry_after": 3}),
    of({"approved": False, "by": "ann", "note": ""}),
    of({"outputs": {"n": None}, "cached": True}),
    of(None, {"state": "failed", "reason": None, "tasks": {"a": "skipped", "b[*]": {"reason": None, "attempts": 0}}}),
    of(None, {"order": ["a"], "exactly": True, "outputs": {"n": [1]}, "seconds": 3}),
    of(at="2026-01-01T00:00:00Z", workers=2, resume=False, inputs={"n": 3}, description="why"),
    {**of(), "x-anchors": None, "workflow": "a.yaml"},
]
BAD = [
    {},
    {"unspool_rehearsal": 2, "cases": {"a": {}}},
    {"unspool_rehearsal": 1, "cases": {}},
    {"unspool_rehearsal": 1, "cases": {"Not a name": {}}},
    {**of(), "case": {}},
    {**of(), "workflow": None},
    of([]),
    of(3),
    of({"exit_code": "1"}),
    of({"exit_code": True}),
    of({"seconds": -1}),
    of({"error": {}}),
    of({"stdout": None}),
    of({"status_code": 99}),
    of({"files": {}}),
    of(None, {"tasks": {"a": "running"}}),
    of(None, {"tasks": {"": "failed"}}),
    of(None, {"tasks": {"a": {"attempts": -1}}}),
    of(None, {"state": "skipped"}),
    of(None, {"exactly": "yes"}),
    of(workers=0),
    of(at=""),
    of(inputs={"Big": 1}),
]


def is_accepted(value: Any) -> set[bool]:
    try:
        Rehearsal.model_validate(value)
        model = True
    except ValidationError:
        model = False
    quick = jsonschema_rs.Draft202012Validator(SCHEMA).is_valid(value)
    return {model, quick, jsonschema.Draft202012Validator(SCHEMA).is_valid(value)}


@pytest.mark.parametrize("value", GOOD, ids=json.dumps)
def test_what_is_good_is_accepted_by_all(value):
    assert is_accepted(value) == {True}


@pytest.mark.parametrize("value", BAD, ids=json.dumps)
def test_what_is_bad_is_refused_by_all(value):
    assert is_accepted(value) == {False}


def test_the_published_file_is_what_the_models_say():
    published = (ROOT / "schemas" / "rehearsal.schema.json").read_text(encoding="utf-8")
    assert published == rehearsal_schema_text(), "run `python -m unspool.model.schema_export rehearsal`"


def test_the_module_writes_the_file():
    command = [sys.executable, "-m", "unspool.model.schema_export", "rehearsal"]
    env = {"PYTHONPATH": str(ROOT / "engine")}
    written = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert written.stdout == rehearsal_schema_text()


def maps(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from maps(part)


def test_it_is_a_closed_schema_of_the_draft_it_names():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    described = [part for part in maps(SCHEMA) if part.get("type") == "object" and "properties" in part]
    assert len(described) == 6
    assert all(part["additionalProperties"] is False for part in described)


def test_every_key_has_a_description_for_editors():
    for part in [SCHEMA, *SCHEMA["$defs"].values()]:
        for key, value in part.get("properties", {}).items():
            described = value if "description" in value else SCHEMA["$defs"][value["$ref"].rpartition("/")[2]]
            assert len(described["description"]) > 5, key

"""A document means the same in every format it can be written in."""

from __future__ import annotations

import json
import random
import tomllib
from typing import Any

import pytest

from tests.property.mutants import mutants
from tests.property.toml_writer import TomlWriter
from unspool.compiler.compile import Compilation, compile_document
from unspool.model.plan_json import plan_to_json


def without_null(value: Any) -> Any:
    """TOML has no null: a key with one is left out."""
    if isinstance(value, dict):
        return {key: without_null(item) for key, item in value.items() if item is not None}
    return [without_null(item) for item in value if item is not None] if isinstance(value, list) else value


def told(compilation: Compilation) -> tuple[Any, list[Any]]:
    """The plan, and what is wrong where: places in the text differ, paths do not."""
    plan = None if compilation.plan is None else plan_to_json(compilation.plan)
    return plan, sorted((found.code, repr(found.path), found.message) for found in compilation.diagnostics)


@pytest.mark.parametrize("count", [100, pytest.param(4000, marks=pytest.mark.slow)])
def test_a_document_compiles_alike_in_json_and_toml(count: int):
    chance = random.Random(f"formats {count}")
    plans = 0
    for mutant in mutants(count, count):
        text = TomlWriter(chance).document(without_null(mutant))
        document = tomllib.loads(text)  # tables stand behind the plain keys: the order is another
        as_json = told(compile_document(json.dumps(document), "json"))
        assert told(compile_document(text, "toml")) == as_json, text
        plans += as_json[0] is not None
    assert plans > count / 5

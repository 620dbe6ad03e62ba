"""Published schemas are found in a wheel and in a checkout."""

from __future__ import annotations

import json

import pytest

import unspool
from unspool.errors import UnspoolError
from unspool.model.resources import schema_text


def test_the_schema_of_documents_is_found():
    assert json.loads(schema_text("workflow"))["title"] == "unspool workflow"


@pytest.mark.parametrize("folder", ["engine/unspool/schemas", "schemas"], ids=["wheel", "checkout"])
def test_both_layouts_are_known(tmp_path, monkeypatch, folder):
    package = tmp_path / "engine" / "unspool"
    package.mkdir(parents=True)
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "workflow.schema.json").write_text('{"here": "ü"}', encoding="utf-8")
    monkeypatch.setattr(unspool, "__path__", [str(package)])
    assert schema_text("workflow") == '{"here": "ü"}'


def test_a_wheels_own_schema_comes_first(tmp_path, monkeypatch):
    package = tmp_path / "a" / "unspool"
    for folder, text in ((package / "schemas", "own"), (tmp_path / "schemas", "other")):
        folder.mkdir(parents=True)
        (folder / "plan.schema.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(unspool, "__path__", [str(package)])
    assert schema_text("plan") == "own"


def test_an_unknown_schema_is_a_clear_error():
    with pytest.raises(UnspoolError, match="no schema `nonsense` is installed"):
        schema_text("nonsense")


@pytest.mark.parametrize("name", ["", "../workflow", "a/b", "Workflow", "workflow.schema", "workflow\n"])
def test_a_name_cannot_lead_out_of_the_folder(name):
    with pytest.raises(UnspoolError, match="is not the name of a schema"):
        schema_text(name)

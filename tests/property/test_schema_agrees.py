"""The published schema and the models accept the same documents, whichever library reads the schema."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from pydantic import ValidationError
from referencing import Registry

from tests.property.mutants import mutants
from unspool.compiler.compile import compile_document
from unspool.compiler.shape import CODES, accepts, check_shape
from unspool.model.document import Document
from unspool.model.schema_export import workflow_schema

SCHEMA = workflow_schema()
QUICK = jsonschema_rs.Draft202012Validator(SCHEMA)
SLOW = jsonschema.Draft202012Validator(SCHEMA, registry=Registry())


def final_newline(document: Any) -> bool:
    """Python's `$`, in the Python library, also stands before a final newline; the standard's does not."""
    return any(text.endswith("\n") for text in texts(document))


# The only ways in which the three may differ, each with its reason. The value is the validator that is too lenient.
EXCEPTIONS = {final_newline: "slow"}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts(item)


def verdicts(document: Any) -> dict[str, bool]:
    return {"quick": QUICK.is_valid(document), "slow": SLOW.is_valid(document), "model": fits_model(document)}


def fits_model(document: Any) -> bool:
    try:
        Document.model_validate(document)
    except ValidationError:
        return False
    return True


def excused(document: Any, found: dict[str, bool]) -> str | None:
    """Name the exception that explains a disagreement."""
    for applies, lenient in EXCEPTIONS.items():
        others = {verdict for name, verdict in found.items() if name != lenient}
        if applies(document) and found[lenient] and others == {False}:
            return applies.__name__
    return None


def check_agreement(count: int, seed: int) -> Counter[str]:
    tally: Counter[str] = Counter()
    for document in mutants(count, seed):
        found = verdicts(document)
        if len(set(found.values())) > 1:
            exception = excused(document, found)
            assert exception, (found, json.dumps(document))
            tally[exception] += 1
        tally["valid" if found["quick"] else "invalid"] += 1
    return tally


@pytest.mark.parametrize(("count", "seed"), [(500, 1), pytest.param(10_000, 2, marks=pytest.mark.slow)])
def test_schema_and_models_agree_on_mutants(count, seed, record_property):
    tally = check_agreement(count, seed)
    record_property("tally", dict(tally))
    print(f"{count} mutants: {dict(tally)}")  # noqa: T201 - the share is a result worth seeing with -s
    assert tally["valid"] + tally["invalid"] == count
    assert 0.3 <= tally["valid"] / count <= 0.7
    assert tally["final_newline"] < count / 50


def leads_somewhere(document: Any, path: tuple[Any, ...]) -> bool:
    for key in path:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return False
    return True


@pytest.mark.parametrize(("count", "seed"), [(500, 3), pytest.param(10_000, 4, marks=pytest.mark.slow)])
def test_every_refused_mutant_is_explained_where_it_is_wrong(count, seed):
    for document in mutants(count, seed):
        found = check_shape(document)
        if not accepts(document):
            assert found, json.dumps(document)
        for diagnostic in found:
            described = (diagnostic, json.dumps(document))
            assert diagnostic.code in CODES, described
            assert diagnostic.code != "UNS039", described
            assert diagnostic.hint, described
            assert leads_somewhere(document, diagnostic.path), described
            assert "\n" not in diagnostic.message, described


@pytest.mark.parametrize(("count", "seed"), [(800, 6), pytest.param(10_000, 7, marks=pytest.mark.slow)])
def test_every_mutant_is_planned_or_explained_in_the_words_of_its_author(count, seed):
    for document in mutants(count, seed):
        text = json.dumps(document)
        plan, diagnostics = compile_document(text, "json")
        assert (plan is None) == any(found.is_error for found in diagnostics), text
        for found in diagnostics:
            described = (found, text)
            assert found.position is not None, described
            assert found.hint, described
            # What was laid out by the compiler itself has other names.
            assert not any(name in found.message + found.hint for name in ("_gate", "/compensate", "[].")), described


def test_a_valid_mutant_survives_the_models_unchanged():
    for document in mutants(500, 5):
        if QUICK.is_valid(document):
            assert Document.model_validate(document).to_value() == document

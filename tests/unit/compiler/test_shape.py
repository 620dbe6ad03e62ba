"""The shape check: what is accepted, in what order faults come, how many, and what is never loaded."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.property.mutants import SEEDS
from unspool.compiler.shape import CODES, MOST_DIAGNOSTICS, accepts, check_shape
from unspool.compiler.unknown_keys import unknown_key

ENGINE = Path(__file__).parents[3] / "engine"


def document(**tasks):
    return {"unspool": 1, "name": "x", "tasks": tasks or {"a": {"run": "true"}}}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed["name"])
def test_valid_documents_are_accepted_without_a_word(seed):
    assert accepts(seed)
    assert check_shape(seed) == []


def test_checking_changes_nothing():
    for given in (SEEDS[1], {**SEEDS[1], "tasks": {"a": {"runn": 1}}}):
        before = copy.deepcopy(given)
        check_shape(given)
        assert given == before


def test_faults_come_in_the_order_of_the_document():
    faulty = {
        "name": "a b",
        "tasks": {"z": {"run": "x", "timeout": 3}, "b": {"tags": 1, "run": 3, "cwd": ""}, "A": {"run": "x"}},
        "limits": {"concurrency": 0},
    }
    paths = [found.path for found in check_shape(faulty)]
    assert paths == [
        (),
        ("name",),
        ("tasks", "z", "timeout"),
        ("tasks", "b", "tags"),
        ("tasks", "b", "run"),
        ("tasks", "b", "cwd"),
        ("tasks", "A"),
        ("limits", "concurrency"),
    ]


def test_no_more_than_fifty_are_shown_and_the_last_says_so():
    found = check_shape(document(**{f"t{n}": {"run": "x", "timeout": n} for n in range(500)}))
    assert len(found) == MOST_DIAGNOSTICS == 50
    assert found[-1].code == "UNS039"
    assert found[-1].message == "there are more errors than are shown"
    assert {diagnostic.code for diagnostic in found[:-1]} == {"UNS030"}


def test_exactly_fifty_need_no_such_word():
    found = check_shape(document(**{f"t{n}": {"run": "x", "timeout": n} for n in range(50)}))
    assert len(found) == 50
    assert {diagnostic.code for diagnostic in found} == {"UNS030"}


def test_one_fault_among_many_good_tasks_is_found():
    many = {f"t{n}": {"run": ["x"]} for n in range(3_000)}
    many["t1234"] = {"run": ["x"], "tiemout": "5m"}
    assert [found.path for found in check_shape(document(**many))] == [("tasks", "t1234", "tiemout")]


def test_a_fault_outside_the_tasks_does_not_blame_them():
    assert [found.path for found in check_shape({**document(), "limits": 3})] == [("limits",)]


def test_text_that_is_no_unicode_is_no_crash():
    assert accepts(document(a={"run": "x", "description": "\ud800"}))
    assert [found.code for found in check_shape(document(a={"run": "x", "descr\ud800ption": "x"}))] == ["UNS020"]


@pytest.mark.parametrize("value", [None, [], {}, "text", 3, True, [{"unspool": 1}]])
def test_what_is_no_map_gets_one_answer(value):
    (found,) = check_shape(value)
    assert found.code in ("UNS022", "UNS023")
    assert "`unspool: 1`" in found.hint


def test_a_deeply_nested_value_is_no_crash():
    deep: object = 1
    for _ in range(150):
        deep = [deep]
    assert check_shape(document(a={"run": "x", "with": {"deep": deep}})) == []
    assert [found.code for found in check_shape(document(a={"run": deep}))] == ["UNS023"]


def test_under_another_version_of_the_language_nothing_else_is_judged():
    other = {"unspool": 2, "name": 3.1, "inputs": {"i": {"pattern": "(", "properties": {"p": True}}}, "new": 1}
    assert [found.code for found in check_shape(other, [(("name",), "lossy_number", "3.10")])] == ["UNS032"]


def test_each_code_has_one_meaning():
    assert len(set(CODES.values())) == len(CODES)
    assert all("UNS020" <= code <= "UNS039" for code in CODES)


def test_a_good_document_costs_no_heavy_import():
    script = (
        "import sys; from unspool.compiler.shape import check_shape\n"
        "assert check_shape({'unspool': 1, 'name': 'x', 'inputs': {'n': {'type': 'integer', 'default': 1}},"
        " 'tasks': {'a': {'run': 'x'}}}) == []\n"
        "print(*{'jsonschema', 'pydantic', 'referencing', 'difflib', 'asyncio'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ENGINE)}
    )
    assert ran.stdout.strip() == ""


def test_the_explanation_of_unknown_keys_needs_no_schema_library():
    answer = unknown_key(("tasks", "a"), "rnu", {"rnu": "x"}, ("run", "env"), {})
    assert answer.means == "run"

"""The entry: one call from text to plan or findings, and what it must not load."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.property.mutants import mutants
from tests.unit.compiler.compiling import argv_tasks, codes, diagnose, document
from unspool.compiler.compile import compile_document

HELLO = document("tasks: {hello: {run: [echo, hello]}}")


def test_text_and_bytes_yaml_and_json_give_the_same_plan():
    as_json = json.dumps({"unspool": 1, "name": "demo", "tasks": {"hello": {"run": ["echo", "hello"]}}})
    plans = {
        compile_document(HELLO).plan.hash,
        compile_document(HELLO.encode()).plan.hash,
        compile_document(as_json, "json").plan.hash,
        compile_document(as_json.encode(), "json").plan.hash,
        compile_document(as_json).plan.hash,
    }
    assert len(plans) == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "a", "{", "unspool: 1", "tasks: []", "tasks: 3", "tasks: {}", "tasks: {a: }", b"\xff", "\0"]
)
def test_what_is_no_document_gives_findings_with_places_and_no_plan(text):
    for syntax in ("yaml", "json"):
        plan, found = compile_document(text, syntax)
        assert plan is None
        assert found
        assert all(one.position is not None for one in found)


def test_a_warning_does_not_stop_the_compilation():
    plan, found = compile_document(
        document("tasks: {a: {run: [x]}, b: {run: [x], depends_on: {a: skipped}}}"),
    )
    assert plan is not None
    assert [one.severity for one in found] == ["warning"]


def test_findings_of_all_kinds_come_in_one_pass_in_the_order_of_the_text():
    body = """
    inputs: {name: {type: string}}
    tasks:
      a: {run: "echo '${{ inputs.name }}'", depends_on: [zz]}
      b: {run: [x, "${{ inputs.nmae }}"], timeout: 3}
      c: {run: [x], when: "${{ inputs.name }}", depends_on: [c]}
    """
    found = diagnose(body)
    assert [one.code for one in found][1:] == ["UNS040", "UNS065", "UNS030", "UNS076", "UNS041"]
    assert found[0].code.startswith("UNS09")
    assert [one.position for one in found] == sorted(one.position for one in found)


def test_a_missing_action_does_not_make_other_tasks_faulty():
    body = """
    tasks:
      a: {outputs: {v: {type: strin}}}
      b: {run: [x, "${{ tasks.a.outputs.v }}", "${{ tasks.a.outputs.w }}"], depends_on: [a]}
    """
    assert codes(body) == ["UNS026", "UNS024"]


def test_nothing_is_checked_further_when_shape_gave_up_counting():
    tasks = {f"t{number}": {"run": ["x"], "needs": ["a"], "depends_on": ["nobody"]} for number in range(60)}
    _, found = compile_document(json.dumps({"unspool": 1, "name": "demo", "tasks": tasks}), "json")
    assert {one.code for one in found} == {"UNS020", "UNS039"}


@pytest.mark.slow
def test_whatever_is_wrong_with_a_document_no_check_fails_on_it():
    refused = 0
    for mutant in mutants(1500, seed=11):
        plan, found = compile_document(json.dumps(mutant), "json")
        assert (plan is None) == any(one.is_error for one in found)
        assert all(one.position is not None for one in found)
        refused += plan is None
    assert 100 < refused < 1500


@pytest.mark.parametrize(
    ("body", "unwanted"),
    [
        ("tasks: {hello: {run: [echo, hello]}}", "jinja2 pydantic jsonschema asyncio difflib unspool.expr rich click"),
        ("tasks: {hello: {run: [echo, '${{ run.id }}']}}", "jinja2 pydantic jsonschema asyncio difflib rich click"),
    ],
)
def test_a_good_document_loads_no_library_that_it_does_not_need(body, unwanted):
    script = (
        "import sys; from unspool.compiler.compile import compile_document;"
        f"assert compile_document({document(body)!r}).plan;"
        f"print(*[name for name in {unwanted.split()!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.slow
def test_the_cost_grows_with_the_size_and_no_faster():
    def calls(count):
        counted = 0

        def count_call(frame, event, _argument):
            nonlocal counted
            counted += event == "call" and "unspool" in frame.f_code.co_filename

        edges = {
            f"t{number}": [f"t{number - step}" for step in (1, 7, 20) if number >= step] for number in range(count)
        }
        text = json.dumps(argv_tasks(edges))
        sys.setprofile(count_call)
        try:
            plan, _ = compile_document(text, "json")
        finally:
            sys.setprofile(None)
        assert plan is not None
        return counted

    assert calls(4000) < 4.4 * calls(1000)


def test_an_unknown_class_of_errors_is_not_passed_over():
    text = "unspool: 1\nname: x\ntasks:\n  a: {run: x, retry: {max_attempts: 3, on: [timeuot]}}\n"
    found = compile_document(text).diagnostics
    assert [(one.code, one.hint) for one in found] == [("UNS024", "write `timeout`")]


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("${{ 'a' }}", "UNS076"),
        ("${{ 1 }}", "UNS076"),
        ("${{ [1] }}", "UNS076"),
        ("${{ 'a' ~ 'b' }}", "UNS076"),
        ("${{ true }}", None),
        ("${{ 1 == 1 }}", None),
    ],
)
def test_a_condition_that_can_never_be_one_is_refused(when: str, code: str | None):
    found = compile_document(f'unspool: 1\nname: x\ntasks:\n  a: {{run: x, when: "{when}"}}\n').diagnostics
    assert [one.code for one in found] == ([code] if code else [])


def test_a_half_condition_is_told_how_to_become_a_whole_one():
    inputs = "inputs: {u: {type: boolean, default: true}}"
    text = f'unspool: 1\nname: x\n{inputs}\ntasks:\n  a: {{run: x, when: "a ${{{{ inputs.u }}}}"}}\n'
    (found,) = compile_document(text).diagnostics
    assert found.hint == "put all of it into one expression: `${{ a and b }}`"


@pytest.mark.parametrize("source", ["for x in y", "1 +", "a b", "(1", "a |", "{% if %}"])
def test_every_error_of_an_expression_has_a_hint(source: str):
    found = compile_document(f"unspool: 1\nname: x\ntasks:\n  a: {{run: [echo, '${{{{ {source} }}}}']}}\n").diagnostics
    assert found
    assert all(one.hint for one in found)

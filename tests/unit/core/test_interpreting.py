"""What results of agents mean."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.playing import Player
from unspool.core.interpreting import interpret, parameter_problem
from unspool.model.interpreters import FIELDS, PARAMETERS


def view(stdout: str = "", **more: object) -> dict[str, object]:
    plain = {"exit_code": 0, "stdout": stdout, "stderr": "", "json": None, "duration": 1.0, "error": None}
    return {**plain, **more}


def suggested(found: dict) -> list[tuple[str, str]]:
    return [(each["name"], each["priority"]) for each in found["suggestions"]]


def checks(found: dict) -> list[str]:
    return [each["check"] for each in found["problems"]]


PYTEST = "tests/test_a.py F.\n=== summary ===\nFAILED tests/test_a.py::test_b - assert 1 == 2\n1 failed, 1 passed\n"
RUST = "error[E0308]: mismatched types\n --> src/main.rs:2:5\n"
GCC = "a.c:3:5: warning: unused variable 'x' [-Wunused-variable]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PYTEST, [("fix_tests", "high")]),
        (RUST, [("fix_compilation", "critical")]),
        (GCC, [("review_warnings", "low")]),
        (RUST + PYTEST + GCC, [("fix_compilation", "critical"), ("fix_tests", "high"), ("review_warnings", "low")]),
        ("src/x.ts(3,1): error TS2322: no", []),
        ("Error: it broke", [("fix_compilation", "critical")]),
        ("UNFAILED, FAILED_once, failed; terror: none; 0 errors, no warnings", []),
        ("all good", []),
    ],
)
def test_what_follows_from_the_words_of_a_coding_agent(text, expected):
    assert suggested(interpret("claude_code", view(text), {})) == expected
    assert suggested(interpret("claude_code", view("", stderr=text), {})) == expected
    answer = {"type": "result", "is_error": False, "result": text, "total_cost_usd": 0.1}
    assert suggested(interpret("claude_code", view(json.dumps(answer), json=answer), {})) == expected


def test_tests_that_did_not_pass_are_no_success_and_absent_ones_are():
    failed = interpret("claude_code", view(tests_passed=False), {})
    assert (failed["success"], checks(failed), suggested(failed)) == (
        False,
        ["tests_not_passed"],
        [("fix_tests", "high")],
    )
    assert interpret("claude_code", view("x", tests_passed=True), {})["success"]
    absent = interpret("claude_code", view("x"), {})
    assert (absent["success"], absent["tests_passed"]) == (True, None)


def test_values_come_from_the_result_then_from_its_json_then_from_the_answer_in_it():
    inner = json.dumps({"files_modified": ["c"], "tests_passed": False})
    assert interpret("claude_code", view(json={"result": inner}), {})["files_modified"] == ["c"]
    assert interpret("claude_code", view(json={"files_modified": ["b"], "result": inner}), {})["files_modified"] == [
        "b"
    ]
    both = view(json={"files_modified": ["b"]}, files_modified=["a"])
    assert interpret("claude_code", both, {})["files_modified"] == ["a"]


@pytest.mark.parametrize(
    ("result", "check"),
    [
        (view(exit_code=None), "missing_result"),
        (view("x", error={"class": "timeout", "message": "too long"}), "error"),
        (view("x", json={"is_error": True}), "error"),
        (view("x", command_results=[{"command": "make", "exit_code": 2}]), "command_failed"),
    ],
)
def test_what_is_no_success_for_any_agent(result, check):
    for name in FIELDS:
        found = interpret(name, result, {})
        assert not found["success"]
        assert check in checks(found)


def test_files_that_were_expected_have_to_be_written():
    result = view("x", files_modified=["src/a.py"])
    assert interpret("claude_code", result, {"expected_files": ["src/*.py"]})["success"]
    missing = interpret("claude_code", result, {"expected_files": ["src/*.py", "docs/a.md"]})
    assert checks(missing) == ["files_not_written"]


@pytest.mark.parametrize(("score", "is_good"), [(0.69, False), (0.7, True), (1, True)])
def test_the_quality_of_a_swarm(score, is_good):
    found = interpret("claude_flow", view("x", json={"quality_score": score}), {})
    assert found["success"] == is_good
    assert suggested(found) == ([] if is_good else [("improve_quality", "normal")])
    assert interpret("claude_flow", view("x", json={"quality_score": score}), {"quality_threshold": 0.5})["success"]


def test_a_swarm_that_did_not_agree_or_is_not_done():
    answer = {"consensus_reached": False, "agents_completed": 2, "agents": [{}, {}, {}]}
    found = interpret("claude_flow", view("x", json=answer), {})
    assert checks(found) == ["agents_not_done", "consensus"]
    assert suggested(found) == [("resolve_conflicts", "high")]
    assert "hierarchical" in found["suggestions"][0]["because"]
    assert checks(interpret("claude_flow", view("x", json=answer), {"require_consensus": False})) == ["agents_not_done"]


@pytest.mark.parametrize(("confidence", "applies"), [(0.8, False), (0.81, True)])
def test_the_confidence_of_an_analysis(confidence, applies):
    answer = {"confidence": confidence, "insights": ["i"], "patterns": [1]}
    found = interpret("analysis", view("x", json=answer), {})
    assert suggested(found) == ([("apply_insights", "normal")] if applies else [])
    assert (found["insights"], found["patterns"], found["success"]) == (["i"], [1], True)


def test_anomalies_are_investigated_first():
    answer = {"confidence": 0.9, "anomalies": [{"a": 1}]}
    assert suggested(interpret("analysis", view("x", json=answer), {})) == [
        ("investigate_anomalies", "high"),
        ("apply_insights", "normal"),
    ]


_NAMES = (
    "result json stdout output error errors files_modified tests_passed agents agents_completed quality_score "
    "consensus_reached confidence anomalies insights patterns command_results exit_code is_error class"
).split()
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=6),
    max_leaves=20,
)


@given(
    st.sampled_from(sorted(FIELDS)),
    st.dictionaries(st.sampled_from(["stdout", "json", "error", "errors", "output"]), _JSON),
)
@settings(max_examples=200)
def test_any_result_gives_an_interpretation_of_the_promised_shape(name, result):
    found = interpret(name, {**view(), **result}, {})
    assert found == interpret(name, {**view(), **result}, {})
    schema = {
        "type": "object",
        "properties": FIELDS[name],
        "required": list(FIELDS[name]),
        "additionalProperties": False,
    }
    jsonschema.validate(found, schema)


def test_parameters_that_do_not_fit_are_told():
    for name, known in PARAMETERS.items():
        assert parameter_problem(name, {key: schema["default"] for key, schema in known.items()}) is None
        assert "no parameter" in str(parameter_problem(name, {"nope": 1}))
    assert "quality_threshold" in str(parameter_problem("claude_flow", {"quality_threshold": 7}))


def test_success_when_and_rules_see_it_and_parameters_may_be_inputs():
    text = """
    inputs: {least: {type: number, default: 0.9}}
    tasks:
      a:
        run: [x]
        interpret: {claude_flow: {quality_threshold: "${{ inputs.least }}"}}
        success_when: ${{ interpretation.success }}
        on_result: [{note: "${{ interpretation.problems | map(attribute='check') | join(' ') }}"}]
    """
    player = Player(text, {"a": '{"quality_score": 0.8}'})
    player.finish()
    assert player.ends()["a"] == ("failed", "success_when_false")
    assert [note.text for note in player.run.notes] == ["quality"]
    wrong = Player(text, {"a": '{"quality_score": 0.8}'}, inputs={"least": 3})
    wrong.finish()
    assert wrong.ends()["a"] == ("failed", "expression_error")

from __future__ import annotations

import json

import pytest

from tests.interpreting import agent, checks, ran, seen
from unspool.core.interpreting import FIELDS, INTERPRETERS, check_parameters, interpret

SWARM = {"agents_completed": 1, "agents": 2, "consensus_reached": False, "quality_score": 0.1}

_LIMIT = "`text_limit` of `claude_code` must be a whole number from 1 to 1000000"
_WORDS = (
    "`error_words` of `claude_code` must be a list of at most 20 words of 1 to 100 characters, "
    "without blanks around them"
)


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (ran(exit_code=2), "exit_code: exit code 2"),
        (
            {**ran(), "error": {"class": "timeout", "message": "it ran longer than 60 s"}},
            "timeout: it ran longer than 60 s",
        ),
        ({**ran(), "error": {}}, "the result has an error"),
        ({**ran(), "exit_code": 3}, "exit code 3"),
        (ran('{"success": false, "error": "no key"}'), "no key"),
        (ran('{"success": false}'), "the answer says that it failed"),
        (ran('{"error": {"message": "no key"}}'), "no key"),
    ],
)
@pytest.mark.parametrize("name", INTERPRETERS)
def test_an_error_is_a_problem(name, view, message):
    found = seen(name, view)
    assert {"check": "error", "message": message} in found["problems"]
    assert found["success"] is False


@pytest.mark.parametrize("view", [ran(), ran('{"error": null, "success": true}'), ran('{"error": ""}')])
@pytest.mark.parametrize("name", INTERPRETERS)
def test_no_error_is_none(name, view):
    assert "error" not in checks(seen(name, view))


@pytest.mark.parametrize("name", INTERPRETERS)
@pytest.mark.parametrize("view", [None, [], "x", 7, {}, {"json": {}, "stdout": None}, {"error": "x", "exit_code": 1}])
def test_nothing_at_all_is_a_missing_result(name, view):
    assert "missing_result" in checks(seen(name, view))


@pytest.mark.parametrize("name", INTERPRETERS)
def test_numbers_and_texts_that_nobody_can_write_down_do_no_harm(name):
    huge, half = 10**5000, "\ud800"
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    hostile = [
        huge,
        -huge,
        float("nan"),
        float("inf"),
        half,
        {"a": huge},
        {"message": half},
        deep,
        "[" * 100_000,
        '{"a":' * 100_000,
    ]
    fields = {field for schema in FIELDS.values() for field in schema["properties"]} | {"agents", "json", "stdout",
        "exit_code", "command_results", "output", "error"}  # fmt: skip
    for value in hostile:
        for field in fields:
            seen(name, {field: value})
            seen(name, {field: [value], "json": {field: value}})
            seen(name, {"stdout": "error: " + half, "command_results": [{"exit_code": value, "command": value}]})


def test_an_interpretation_shares_nothing_with_the_result():
    view = {**ran(), "files_modified": ["a.py"], "errors": ["x"]}
    before = json.dumps(view)
    found = agent(view)
    found["files_modified"].append("b.py")
    found["errors"].clear()
    assert json.dumps(view) == before


def test_there_is_no_other_interpreter():
    assert list(INTERPRETERS) == list(FIELDS) == ["claude_code", "claude_flow", "analysis"]
    with pytest.raises(KeyError):
        interpret("gpt", {}, {})


@pytest.mark.parametrize(
    ("name", "parameters", "problem"),
    [
        ("claude_code", {}, None),
        ("claude_code", {"expected_files": True, "text_limit": 5, "error_words": []}, None),
        ("claude_code", {"expected_files": ["a.py"], "failed_words": ["FAILED", "FAIL"]}, None),
        ("claude_flow", {"quality_threshold": 1, "require_consensus": True, "done_states": ["done"]}, None),
        ("analysis", {"confidence_threshold": 0.5}, None),
        ("gpt", {}, "there is no interpreter `gpt`; there are `claude_code`, `claude_flow`, `analysis`"),
        ("analysis", {"threshold": 1}, "`analysis` has no parameter `threshold`; it has `confidence_threshold`"),
        ("analysis", {7: 1}, "`analysis` has no parameter one whose name is no text; it has `confidence_threshold`"),
        ("analysis", [], "the parameters of `analysis` must be a map of `confidence_threshold`"),
        ("analysis", {"confidence_threshold": "0.5"}, "`confidence_threshold` of `analysis` must be a number"),
        ("analysis", {"confidence_threshold": True}, "`confidence_threshold` of `analysis` must be a number"),
        ("analysis", {"confidence_threshold": float("nan")}, "`confidence_threshold` of `analysis` must be a number"),
        ("claude_flow", {"require_consensus": 1}, "`require_consensus` of `claude_flow` must be true or false"),
        ("claude_code", {"text_limit": 0}, _LIMIT),
        ("claude_code", {"text_limit": 1_000_001}, _LIMIT),
        ("claude_code", {"text_limit": True}, _LIMIT),
        ("claude_code", {"expected_files": "a.py"},
         "`expected_files` of `claude_code` must be true, false, or a list of at most 100 names of files"),
        ("claude_code", {"error_words": ["error", ""]},
         _WORDS),
    ],
)  # fmt: skip
def test_parameters_are_checked(name, parameters, problem):
    assert check_parameters(name, parameters) == problem


def test_a_parameter_that_would_be_refused_counts_as_not_given():
    wrong = {"quality_threshold": "x", "require_consensus": "x", "done_states": 7, "unknown": 1}
    assert interpret("claude_flow", SWARM, wrong) == interpret("claude_flow", SWARM, {})
    assert interpret("claude_flow", SWARM, None) == interpret("claude_flow", SWARM, {})


@pytest.mark.parametrize("name", INTERPRETERS)
def test_what_is_by_default_would_not_be_refused(name):
    assert check_parameters(name, INTERPRETERS[name]) is None
    assert interpret(name, SWARM, INTERPRETERS[name]) == interpret(name, SWARM, {})

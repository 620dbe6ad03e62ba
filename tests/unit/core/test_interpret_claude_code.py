from __future__ import annotations

import json

import pytest

from tests.interpreting import CARGO_BUILD, CLAUDE, CLEAN, GCC, PYTEST, agent, checks, names, ran, seen
from unspool.core.results import result_view
from unspool.model.values import Ref

LOGGED_OUT = {**CLAUDE, "is_error": True, "result": "Not logged in · Please run /login"}
OUT_OF_TURNS = {
    "type": "result",
    "subtype": "error_max_turns",
    "is_error": True,
    "errors": ["Reached maximum number of turns (1)"],
}


@pytest.mark.parametrize(
    ("told", "text", "passed", "suggested", "problems"),
    [
        (True, CLEAN, True, [], []),
        (False, CLEAN, False, ["fix_tests"], ["tests_not_passed"]),
        (None, CLEAN, None, [], []),  # absent is not false
        (None, PYTEST, False, ["fix_tests"], ["tests_not_passed"]),
        (True, PYTEST, True, ["fix_tests"], []),  # what the agent says decides; the word still suggests
        ("no", CLEAN, None, [], []),
        (0, CLEAN, None, [], []),
    ],
)
def test_whether_tests_passed(told, text, passed, suggested, problems):
    found = agent(ran(text), tests_passed=told)
    assert (found["tests_passed"], names(found), checks(found)) == (passed, suggested, problems)
    assert found["success"] is (not problems)


# Coding agents: the shapes of Claude Code.


def test_a_message_of_claude_code_is_a_success():
    found = agent(ran(json.dumps(CLAUDE)))
    assert found == {
        "success": True,
        "files_modified": [],
        "cost_usd": 0.021,
        "tokens": 352,
        "tests_passed": None,
        "errors": [],
        "suggestions": [],
        "problems": [],
        "truncated": [],
    }


@pytest.mark.parametrize(
    ("message", "told"),
    [(LOGGED_OUT, "Not logged in · Please run /login"), (OUT_OF_TURNS, "Reached maximum number of turns (1)")],
)
def test_a_message_that_is_an_error_is_none_whatever_its_subtype(message, told):
    found = agent(ran(json.dumps(message)))
    assert found["problems"] == [{"check": "error", "message": told}]
    assert names(found) == []


def test_an_error_of_the_service_is_not_taken_for_one_of_the_compiler():
    message = {**CLAUDE, "is_error": True, "result": "API Error: 400 error: messages too long"}
    found = agent(ran(json.dumps(message), exit_code=1))
    assert (names(found), checks(found)) == ([], ["error"])


def test_the_answer_in_a_message_is_read_as_text_and_the_message_is_not():
    found = agent(ran(json.dumps({**CLAUDE, "result": "It builds no more.\n" + GCC})))
    assert names(found) == ["fix_compilation", "review_warnings"]
    assert found["suggestions"][0]["because"].startswith("in `json`: sums.c:3:14: error:")


def test_structured_output_is_looked_at_before_the_answer():
    structured = {"tests_passed": False, "files_modified": ["a.py"]}
    answer = json.dumps({"tests_passed": True, "files_modified": ["b.py"]})
    found = agent(ran(json.dumps({**CLAUDE, "structured_output": structured, "result": answer})))
    assert (found["tests_passed"], found["files_modified"]) == (False, ["a.py"])


@pytest.mark.parametrize(
    "answer",
    ['{"tests_passed": false}', 'All I found:\n```json\n{"tests_passed": false}\n```\nSorry.', {"tests_passed": False}],
)
def test_an_answer_that_is_json_is_looked_at(answer):
    assert agent(ran(json.dumps({**CLAUDE, "result": answer})))["tests_passed"] is False
    assert agent(output=answer)["tests_passed"] is False


def test_what_the_kind_adds_comes_before_what_the_task_wrote():
    view = ran(json.dumps({**CLAUDE, "structured_output": {"tests_passed": False, "files_modified": ["b.py"]}}))
    found = agent(view, tests_passed=True, files_modified=["a.py"])
    assert (found["tests_passed"], found["files_modified"]) == (True, ["a.py"])


def test_of_a_stream_or_a_list_only_the_last_message_counts():
    tool = {"type": "user", "message": {"content": [{"type": "tool_result", "content": PYTEST + GCC}]}}
    messages = [{"type": "system", "subtype": "init"}, tool, {**CLAUDE, "structured_output": {"tests_passed": True}}]
    stream = "".join(json.dumps(one) + "\n" for one in messages)
    for stdout in (stream, json.dumps(messages)):
        found = agent(ran(stdout))
        assert (found["success"], found["tests_passed"], names(found)) == (True, True, [])


def test_a_stream_that_was_cut_off_suggests_nothing_by_its_inside():
    tool = {"type": "user", "message": {"content": [{"type": "tool_result", "content": GCC}]}}
    assert names(agent(ran(json.dumps(tool) + "\n" + json.dumps(tool) + "\n"))) == []


# Coding agents: why a result is no success.


@pytest.mark.parametrize(
    ("view", "is_missing"),
    [
        ({}, True),
        (ran(""), True),  # Claude Code that was interrupted: exit code 0 and no word
        (ran(" \n", stderr={"inline": "interrupted"}), True),
        (ran("done"), False),
        ({"output": "done"}, False),
        ({"files_modified": ["a.py"]}, False),
        ({"tests_passed": False}, False),
        ({"stdout": Ref("0" * 64, 10**6, "...")}, False),  # there is a result, though nobody can read it here
        (ran(json.dumps({"type": "result", "subtype": "success", "is_error": False})), True),
        (ran(json.dumps({"type": "result", "is_error": False, "structured_output": {}})), False),
    ],
)
def test_a_missing_result_is_a_problem(view, is_missing):
    found = seen("claude_code", view)
    assert ("missing_result" in checks(found)) is is_missing


@pytest.mark.parametrize(
    ("expected", "modified", "message"),
    [
        (False, [], None),
        (True, ["a.py"], None),
        (True, [], "no file was modified"),
        (True, None, "no file was modified"),
        ([], [], None),
        (["src/a.py"], ["./src/a.py", "b.py"], None),
        (["./src/a.py"], ["/repo/src/a.py"], None),
        (["src/a.py"], [{"path": "src/a.py", "lines": 3}], None),
        (["a.py"], ["data.py"], "not written: `a.py`"),
        (["a.py"], ["src/a.py"], "not written: `a.py`"),  # another file of that name
        (["a.py", "b.py", "c.py"], ["b.py"], "not written: `a.py`, `c.py`"),
        ([f"{number}" for number in range(7)], [], "not written: `0`, `1`, `2`, `3`, `4`, and 2 more"),
    ],
)
def test_expected_files(expected, modified, message):
    found = seen("claude_code", {**ran(), "files_modified": modified}, expected_files=expected)
    assert found["problems"] == ([] if message is None else [{"check": "files_not_written", "message": message}])


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([{"command": "pytest -q", "exit_code": 0}], None),
        ([{"command": "pytest -q"}], None),
        ([{"command": "pytest -q", "exit_code": True}, 7, None], None),
        ("pytest -q", None),
        ([{"command": "make", "exit_code": 0}, {"exit_code": 2}], "`a command` ended with exit code 2"),
        ([{"command": "pytest -q", "exit_code": -9}], "`pytest -q` ended with exit code -9"),
        ({"make": 0, "pytest -q": 1, "ruff": {"exit_code": 1}}, "`pytest -q` ended with exit code 1, and 1 more"),
    ],
)
def test_a_command_that_failed_is_a_problem(results, message):
    found = agent(command_results=results)
    assert found["problems"] == ([] if message is None else [{"check": "command_failed", "message": message}])


def test_the_output_of_commands_is_looked_at():
    found = agent(command_results=[{"command": "make", "exit_code": 2, "stderr": GCC}, {"output": PYTEST}])
    assert names(found) == ["fix_tests", "fix_compilation", "review_warnings"]
    assert found["suggestions"][0]["because"].startswith("in `command_results`:")


# Coding agents: lists and bounds.


def test_errors_are_those_told_then_lines_of_the_output_each_once():
    found = agent(ran(CARGO_BUILD), errors=["it does not link", {"message": "no disk"}, None, "", "it does not link"])
    assert found["errors"] == [
        "it does not link",
        "no disk",
        "error[E0308]: mismatched types",
        "error: could not compile `sums` (lib) due to 1 previous error; 1 warning emitted",
    ]


@pytest.mark.parametrize(("lines", "shown", "truncated"), [(20, 20, []), (21, 20, ["errors"]), (500, 20, ["errors"])])
def test_errors_are_at_most_twenty(lines, shown, truncated):
    found = agent(ran("\n".join(f"error: number {line}" for line in range(lines))))
    assert (len(found["errors"]), found["truncated"]) == (shown, truncated)


def test_what_is_kept_in_a_file_counts_as_absent_and_is_named():
    found = seen("claude_code", result_view({"stdout": {"ref": "0" * 64, "size": 10**6, "head": PYTEST}}, None, 1.0))
    assert (found["success"], names(found), found["truncated"]) == (True, [], ["json", "stdout"])


def test_files_are_at_most_a_hundred_and_all_are_checked():
    files = [f"src/{number}.py" for number in range(150)]
    found = seen("claude_code", {"files_modified": files}, expected_files=["src/149.py"])
    assert (found["success"], found["files_modified"], found["truncated"]) == (True, files[:100], ["files_modified"])


def test_of_several_messages_the_last_one_counts():
    messages = [{**CLAUDE, "structured_output": {"tests_passed": passed}} for passed in (False, True)]
    stream = "\n".join(map(json.dumps, messages))
    assert agent(ran(stream))["tests_passed"] is True
    assert agent(ran(json.dumps(messages)))["tests_passed"] is True


def test_a_message_far_above_the_end_of_a_stream_does_not_count():
    message = json.dumps({**CLAUDE, "structured_output": {"tests_passed": False}}) + "\n"
    assert agent(ran(message + "x\n" * 48))["tests_passed"] is False
    assert agent(ran(message + "x\n" * 49))["tests_passed"] is None


def test_the_errors_of_a_refusal_are_told_and_suggest_nothing():
    found = agent(ran(json.dumps({**OUT_OF_TURNS, "errors": ["error: FAILED"]})))
    assert (found["errors"], names(found), found["tests_passed"]) == (["error: FAILED"], [], None)


def test_a_subtype_that_is_an_error_is_one_without_the_mark():
    found = agent(ran(json.dumps({"type": "result", "subtype": "error_during_execution", "result": "x"})))
    assert found["problems"] == [{"check": "error", "message": "x"}]


def test_a_text_that_stands_twice_is_told_of_where_it_stood_first():
    assert agent(ran(PYTEST), output=PYTEST)["suggestions"][0]["because"].startswith("in `output`:")


def test_the_output_of_a_hundred_commands_is_looked_at():
    results = [{"output": "x"}] * 99
    found = agent(command_results=[*results, {"output": PYTEST}])
    assert (names(found), found["truncated"]) == (["fix_tests"], [])
    found = agent(command_results=[*results, {"output": "x"}, {"output": PYTEST, "exit_code": 1}])
    assert (names(found), found["truncated"], checks(found)) == ([], ["command_results"], ["command_failed"])


def test_what_stands_twice_leaves_nothing_out():
    errors = [f"number {number}" for number in range(20)]
    found = agent(errors=[*errors, errors[0]])
    assert (found["errors"], found["truncated"]) == (errors, [])


@pytest.mark.parametrize(
    ("told", "spent"),
    [
        ({}, (None, None)),
        ({"cost_usd": 0.5, "total_cost_usd": 0.7, "tokens": 9}, (0.5, 9)),
        ({"total_cost_usd": -1, "usage": {"input_tokens": 1, "cache_read_input_tokens": 2, "speed": 7}}, (None, 3)),
        ({"cost_usd": "much", "usage": {"input_tokens": -4}}, (None, None)),
    ],
)
def test_what_an_agent_has_used(told, spent):
    found = agent(ran(json.dumps({**told, "result": "done"})))
    assert (found["cost_usd"], found["tokens"]) == spent

from __future__ import annotations

from time import process_time

import pytest

from tests.interpreting import (
    CARGO_BUILD,
    CARGO_COLOURS,
    CARGO_TEST,
    CLEAN,
    GCC,
    PYTEST,
    TSC,
    UNITTEST,
    agent,
    names,
    ran,
    seen,
)


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        (PYTEST, ["fix_tests"]),
        (UNITTEST, ["fix_tests"]),
        (CARGO_TEST, ["fix_tests"]),
        (CARGO_BUILD, ["fix_compilation", "review_warnings"]),
        (CARGO_COLOURS, ["fix_compilation"]),
        (GCC, ["fix_compilation", "review_warnings"]),
        (TSC, ["fix_compilation"]),
        ("x.c(3): fatal error C1083: Cannot open include file", ["fix_compilation"]),
        ("WARNING: no lock file\nERROR: no matching version", ["fix_compilation", "review_warnings"]),
        (PYTEST + GCC, ["fix_tests", "fix_compilation", "review_warnings"]),
        (CLEAN, []),
    ],
)
@pytest.mark.parametrize("part", ["stdout", "stderr", "output"])
def test_what_tools_write_says_what_could_follow(text, suggested, part):
    assert names(agent(**{part: text})) == suggested


def test_each_suggestion_has_its_priority_and_says_what_was_seen():
    assert agent(stdout=PYTEST + GCC)["suggestions"] == [
        {
            "name": "fix_tests",
            "priority": "high",
            "because": "in `stdout`: FAILED tests/test_sums.py::test_addition - assert 3 == 4",
        },
        {
            "name": "fix_compilation",
            "priority": "critical",
            "because": "in `stdout`: sums.c:3:14: error: expected ';' before '}' token",
        },
        {
            "name": "review_warnings",
            "priority": "low",
            "because": "in `stdout`: sums.c:2:9: warning: unused variable 'c' [-Wunused-variable]",
        },
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2 failed, 3 passed",  # a count in small letters: only capitals are the word
        "test_a XFAILED",
        "TEST_FAILED is not set",
        "0 FAILED",
        "PASSED: 12, FAILED: 0, SKIPPED: 1",
        "FAILED=0",
        "no FAILED tests",
        "no error: all is well",
        "if there is any error: stop",
        "this is not an error: it is meant",
        "0 error: 0 warning:",
        "done without error: yes",
        "error: 0, warning: 0",
        "error: none",
        "Error: null",
        "errors: 3",
        "0 errors, 0 warnings",
        "SyntaxError: invalid syntax",
        "DeprecationWarning: use other",
        "use std::error::Error;",
        "--on-error: stop",
        "API Error: 500",
        '{"level": "info", "text": "error: FAILED warning: x"}',
    ],
)
def test_what_only_looks_like_a_finding_suggests_nothing(text):
    found = agent(stderr=text)
    assert (names(found), found["errors"], found["tests_passed"]) == ([], [], None)


@pytest.mark.parametrize(
    "text",
    ["10 error: x", "error: no such file", "error: 0x80070005", "error: none of these fit", "no error: a; error: b"],
)
def test_what_says_that_there_is_something_is_a_finding(text):
    assert names(agent(stderr=text)) == ["fix_compilation"]


def test_the_words_are_parameters():
    view = ran("--- FAIL: TestAdd\nkaputt: x.c\nachtung: y.c\nerror: z.c")
    found = seen("claude_code", view, failed_words=["FAIL"], error_words=["kaputt"], warning_words=["achtung"])
    assert names(found) == ["fix_tests", "fix_compilation", "review_warnings"]
    assert found["errors"] == ["kaputt: x.c"]
    silent = seen("claude_code", ran(PYTEST + GCC), failed_words=[], error_words=[], warning_words=[])
    assert names(silent) == []


def test_words_are_no_regular_expressions():
    assert names(seen("claude_code", ran("aaaa: x"), error_words=["a+", "(", "{}"])) == []
    assert names(seen("claude_code", ran("(: x"), error_words=["a+", "(", "{}"])) == ["fix_compilation"]


def test_of_a_long_line_the_part_around_the_word_is_shown():
    (line,) = agent(stdout="x " * 5000 + "error: here it is" + " y" * 5000)["errors"]
    assert "error: here it is" in line
    assert len(line) <= 500


def test_only_the_ends_of_a_huge_text_are_looked_at():
    middle = "z " * 400
    for stdout in (PYTEST + middle, middle + PYTEST):
        found = seen("claude_code", {"stdout": stdout}, text_limit=len(PYTEST))
        assert (names(found), found["truncated"]) == (["fix_tests"], ["stdout"])
    found = seen("claude_code", {"stdout": middle + PYTEST + middle}, text_limit=300)
    assert (names(found), found["truncated"]) == ([], ["stdout"])


def test_a_cut_makes_no_word_of_a_part_of_one():
    assert names(seen("claude_code", {"stdout": "a" * 30 + " XFAILED"}, text_limit=6)) == []
    assert names(seen("claude_code", {"stdout": "FAILED_NOT" + " a" * 30}, text_limit=6)) == []
    assert names(seen("claude_code", {"stdout": "a" * 30 + " FAILED"}, text_limit=6)) == ["fix_tests"]
    assert names(seen("claude_code", {"stdout": "an error" + " z" * 30 + ": so far"}, text_limit=8)) == []


@pytest.mark.parametrize(
    "text",
    ["error" * 200_000, "error:" * 200_000, "FAILED=0 " * 200_000, "\x1b[" * 400_000, "error[" * 200_000, "{" * 10**6,
     "```{" * 250_000, '{"result"\n' * 100_000, "0 " * 500_000 + "error:", "warning: none " * 100_000],
)  # fmt: skip
def test_a_million_characters_take_no_time(text):
    began = process_time()
    seen("claude_code", ran(text), text_limit=1_000_000)
    assert process_time() - began < 5  # a tenth of that on a slow machine; a quadratic search takes minutes


@pytest.mark.parametrize(("length", "truncated"), [(20, []), (21, ["stdout"])])
def test_a_text_is_truncated_from_where_its_ends_do_not_meet(length, truncated):
    assert seen("claude_code", {"stdout": "x" * length}, text_limit=10)["truncated"] == truncated

"""NUL characters where a process would meet them."""

from __future__ import annotations

import pytest

from unspool.compiler.compile import compile_document


@pytest.mark.parametrize(
    ("task", "column"),
    [
        (r'run: [echo, "a\0b"]', 21),
        (r'run: "echo a\0b"', 19),
        (r'run: x, env: {A: "\0"}', 25),
        (r'run: x, cwd: "a\0"', 22),
        (r'run: x, cwd: "a\u0000"', 22),
    ],
)
def test_it_is_refused_with_its_place(task: str, column: int):
    compilation = compile_document(f"unspool: 1\nname: x\ntasks:\n  a: {{{task}}}\n")
    assert [found.code for found in compilation.diagnostics] == ["UNS037"]
    assert "NUL character" in compilation.diagnostics[0].message
    assert compilation.diagnostics[0].position == (4, column)


def test_it_is_refused_in_the_environment_of_all():
    text = r'{"unspool": 1, "name": "x", "env": {"A": "\u0000"}, "tasks": {"a": {"run": "x"}}}'
    assert [found.path for found in compile_document(text, "json").diagnostics] == [("env", "A")]


def test_it_may_stand_where_no_process_meets_it():
    text = 'unspool: 1\nname: x\ntasks:\n  a: {run: x, description: "a\\0", stdin: "\\0"}\n'
    assert compile_document(text).diagnostics == ()

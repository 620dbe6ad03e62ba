"""NUL characters where a process would meet them."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import only
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


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('tasks: {g: {group: {tasks: {a: {run: ["x\\0"]}}}}}', "item 1 of `run` of task `g.a`"),
        ('tasks: {a: {run: [x], compensate: {env: {A: "\\0"}, run: [x]}}}', "`A` of `env` of `compensate` of task `a`"),
        (
            'tasks: {a: {run: [x], on_failure: {substitute: f}}}\ntemplates: {f: {run: [x], cwd: "\\0"}}',
            "`cwd` of template `f`",
        ),
        ('tasks: {a: {run: [x]}}\nfinally: {z: {run: "x\\0"}}', "`run` of task `z`"),
    ],
)
def test_nested_parts_are_looked_into(body, place):
    assert only(body).message == f"{place} holds a NUL character, which no process can be given"

"""Who may wait for whom across `tasks`, `finally` and `templates`."""

from __future__ import annotations

import pytest

from unspool.compiler.compile import compile_document

HEAD = "unspool: 1\nname: w\n"


@pytest.mark.parametrize(
    ("text", "code", "line", "says"),
    [
        ("tasks:\n  b: {run: [x], depends_on: [z]}\nfinally: {z: {run: [x]}}\n", "UNS186", 4, "which runs at the end"),
        (
            "tasks:\n  b: {run: [x]}\nfinally:\n  z: {run: [x], depends_on: {b: any}}\n",
            "UNS186",
            6,
            "cannot wait for task",
        ),
        (
            "tasks:\n  b: {group: {tasks: {m: {run: [x]}}}, depends_on: [z]}\nfinally: {z: {run: [x]}}\n",
            "UNS186",
            4,
            "task `b` cannot wait for `z`",
        ),
        (
            "tasks:\n  b: {run: [x], depends_on: [t], on_failure: {substitute: t}}\ntemplates: {t: {run: [x]}}\n",
            "UNS186",
            4,
            "the template `t`",
        ),
        (
            (
                "tasks:\n  b: {run: [x], on_failure: {substitute: t}}\n  c: {run: [x]}\n"
                "templates:\n  t: {run: [x], depends_on: [c]}\n"
            ),
            "UNS186",
            7,
            "cannot wait for anything",
        ),
        ("tasks: {b: {run: [x]}}\nfinally:\n  z: {run: [x], on_failure: abort}\n", "UNS187", 5, "cannot stand"),
        (
            "tasks: {b: {run: [x]}}\nfinally:\n  z: {run: [x], compensate: {run: [x]}}\n",
            "UNS187",
            5,
            "cannot be undone",
        ),
    ],
)
def test_what_would_wait_for_ever_or_mean_nothing_is_refused(text, code, line, says):
    found = [one for one in compile_document(HEAD + text).diagnostics if one.is_error]
    assert [(one.code, one.position and one.position.line) for one in found] == [(code, line)], found
    assert says in found[0].message
    assert found[0].hint


def test_tasks_of_finally_may_wait_for_each_other_and_tolerate():
    text = "tasks: {b: {run: [x]}}\nfinally: {y: {run: [x], on_failure: skip}, z: {run: [x], depends_on: [y]}}\n"
    assert compile_document(HEAD + text).plan is not None

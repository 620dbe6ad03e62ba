"""Hints in the format of the document."""

from __future__ import annotations

import pytest

from unspool.compiler.compile import compile_document
from unspool.compiler.hint_format import in_format
from unspool.model.diagnostics import Diagnostic


@pytest.mark.parametrize(
    ("hint", "toml", "json"),
    [
        ("write `timeout: 30s`", 'write `timeout = "30s"`', 'write `"timeout": "30s"`'),
        ("write `unspool: 1`, or not", "write `unspool = 1`, or not", 'write `"unspool": 1`, or not'),
        (
            "add `tasks: {a b: {run: [make, 1]}}`",
            'add `tasks = {"a b" = {run = ["make", 1]}}`',
            'add `"tasks": {"a b": {"run": ["make", 1]}}`',
        ),
        ("did you mean `timeout`?", "did you mean `timeout`?", "did you mean `timeout`?"),
        ("write `x: [`", "write `x: [`", "write `x: [`"),
    ],
)
def test_a_hint_is_worded_as_the_document_is_written(hint: str, toml: str, json: str):
    found = Diagnostic("UNS020", "", hint=hint)
    assert in_format(found, "yaml") == found
    assert in_format(found, "toml").hint == toml
    assert in_format(found, "json").hint == json


def test_doing_what_the_hint_says_mends_the_document():
    text = 'unspool = 1\nname = "x"\n[tasks.a]\nrun = ["true"]\ntimeout = 30\n'
    found = compile_document(text, "toml").diagnostics
    assert [one.hint for one in found] == ['write `timeout = "30s"`']
    assert compile_document(text.replace("timeout = 30", 'timeout = "30s"'), "toml").diagnostics == ()

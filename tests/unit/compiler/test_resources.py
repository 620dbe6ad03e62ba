"""What tasks use is declared, there is ever enough of it, and somebody uses it."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, marked, only
from unspool.compiler.resources import task_uses, uses_of

API = "api: {circuit_breaker: {failures: 5}}"
POOL = f"resources: {{browser: {{slots: 2}}, port: {{items: [1, 2]}}, model: {{rate: 3/1m}}, {API}}}\n"
ALL = "z: {run: [x], uses: [browser, port, model, api]}"


def test_a_list_asks_for_one_of_each():
    assert uses_of(["a", "b"]) == {"a": 1, "b": 1}
    assert uses_of({"a": 2.0}) == {"a": 2}
    assert task_uses({"defaults": {"uses": ["a"]}}, {}) == {"a": 1}
    assert task_uses({"defaults": {"uses": ["a"]}}, {"uses": []}) == {}


@pytest.mark.parametrize(
    ("uses", "code", "message", "hint"),
    [
        ("[browser]", None, "", ""),
        ("{browser: 2, port: 2, model: 3}", None, "", ""),
        (
            "[brwser]",
            "UNS120",
            "task `t` uses `brwser`, which the document does not declare",
            "did you mean `browser`?",
        ),
        (
            "[disk]",
            "UNS120",
            "task `t` uses `disk`, which the document does not declare",
            "declare it, such as `resources: {disk: {slots: 1}}`; declared are `browser`, `port`, `model`, `api`",
        ),
        (
            "{browser: 3}",
            "UNS121",
            "task `t` uses 3 of `browser` at once, which never has more than 2 (its `slots`)",
            "ask for at most 2, or raise its `slots`",
        ),
        (
            "{port: 3}",
            "UNS121",
            "task `t` uses 3 of `port` at once, which never has more than 2 (its `items`)",
            "ask for at most 2, or list more `items` there",
        ),
        (
            "{model: 4}",
            "UNS121",
            "task `t` uses 4 of `model` at once, which never has more than 3 (its `rate: 3/1m`)",
            "ask for at most 3, or raise its `rate`",
        ),
        (
            "{api: 2}",
            "UNS123",
            "task `t` uses 2 of `api`, of which nothing is counted",
            "write `uses: [api]`, or give `api` `slots`, `items` or a `rate`",
        ),
    ],
)
def test_what_is_used_is_there(uses, code, message, hint):
    body = f"{POOL}tasks: {{t: {{run: [x], uses: {uses}}}, {ALL}}}"
    if code is None:
        assert codes(body) == []
        return
    found = only(body)
    assert (found.code, found.message, found.hint) == (code, message, hint)


def test_a_task_of_a_group_is_told_at_its_place():
    body = f"{POOL}tasks: {{g: {{group: {{tasks: {{t: {{run: [x], uses: [disk]}}}}}}}}, {ALL}}}"
    found = only(body)
    assert found.message.startswith("task `g.t` uses `disk`")
    assert marked(body, found, 5) == "disk]"


def test_defaults_are_looked_at_too():
    found = only(f"{POOL}defaults: {{uses: [disk]}}\ntasks: {{{ALL}}}")
    assert found.message.startswith("`defaults` uses `disk`")


def test_what_nobody_uses_is_a_warning():
    body = "resources: {browser: {slots: 2}}\ntasks: {t: {run: [x]}}"
    found = only(body)
    assert (found.code, found.severity) == ("UNS122", "warning")
    assert marked(body, found, 8) == "browser:"

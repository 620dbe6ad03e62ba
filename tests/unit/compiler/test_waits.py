"""Tasks without a process: moments that can be read, and nothing that would be ignored in silence."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, marked, only


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("tomorrow", 'an example: `until: "2030-03-01T07:00:00Z"`'),
        ("2030-01-02 07:30", 'write `until: "2030-01-02T07:30:00Z"`'),
        ("2030-01-02", 'write `until: "2030-01-02T00:00:00Z"`'),
        ("2030-02-30T00:00:00Z", 'an example: `until: "2030-03-01T07:00:00Z"`'),
    ],
)
def test_a_moment_that_cannot_be_read_is_spelt_out(text, hint):
    body = f"tasks: {{w: {{wait: {{until: '{text}'}}}}}}"
    found = only(body)
    assert (found.code, found.hint) == ("UNS173", hint)
    assert found.message == f"`until` of `wait` of task `w` must be a moment with its zone, not the text `{text}`"
    assert marked(body, found, 3) == f"'{text[:2]}"


@pytest.mark.parametrize(
    "wait",
    [
        "10m",
        "{until: '2030-01-02T07:30:00+01:00'}",
        "{until: '${{ inputs.at }}'}",
        "'${{ inputs.at }}'",
        "'${{ inputs.n }}s'",
        "'${{ inputs.any }}'",
    ],
)
def test_what_can_be_waited_for(wait):
    inputs = "inputs: {at: {type: string}, n: {type: integer}, any: {}}\n"
    assert codes(f"{inputs}tasks: {{w: {{wait: {wait}}}}}") == []


@pytest.mark.parametrize(
    ("wait", "message", "hint"),
    [
        (
            "'${{ inputs.n }}'",
            "`inputs.n` is a whole number, not text",
            "write a unit behind it, such as `${{ inputs.n }}s`",
        ),
        ("'${{ [1] }}'", "`[1]` is a list, not text", "write a unit behind it"),
        ("{until: '${{ inputs.n }}'}", "`inputs.n` is a whole number, not text", "write text that gives a moment"),
    ],
)
def test_a_wait_is_given_text(wait, message, hint):
    found = only(f"inputs: {{n: {{type: integer}}}}\ntasks: {{w: {{wait: {wait}}}}}")
    assert (found.code, found.message, found.hint) == ("UNS175", message, hint)


@pytest.mark.parametrize("kind", ["wait: 10m", "approval: Go"])
@pytest.mark.parametrize(
    "key", ["env: {A: b}", "cwd: x", "with: {a: 1}", "cache: {ttl: 1d}", "retry: {max_attempts: 2}", "grace: 1s"]
)
def test_what_goes_with_attempts_is_refused(kind, key):
    body = f"tasks: {{w: {{{kind}, {key}}}}}"
    found = only(body)
    assert found.code == "UNS179"
    assert found.message.endswith(f"does nothing: a task with `{kind.partition(':')[0]}` starts no process")
    assert found.hint
    assert "remove it" in found.hint
    assert marked(body, found, len(key)) == key


def test_a_time_limit_is_for_those_who_ask():
    assert codes("tasks: {w: {approval: Go, timeout: 1h}}") == []
    assert codes("tasks: {w: {wait: 10m, timeout: 1h}}") == ["UNS179"]


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("wait: 1s", "write `then: cancel`"),
        ("approval: Go", "write `then: cancel`"),
        ("group: {tasks: {a: {run: [x]}}}", "give the `on_failure` to a task of the group"),
    ],
)
def test_what_makes_no_attempt_is_not_tried_again(kind, hint):
    failure = "on_failure: {rollback: {then: retry}}"
    found = only(f"tasks: {{u: {{run: [x], compensate: {{run: [y]}}}}, w: {{{kind}, {failure}}}}}")
    assert (found.code, found.hint) == ("UNS179", hint)


def test_members_of_groups_are_looked_at_too():
    body = "tasks: {g: {group: {tasks: {w: {wait: {until: soon}}}}}}"
    found = only(body)
    assert found.path == ("tasks", "g", "group", "tasks", "w", "wait", "until")
    assert "task `g.w`" in found.message

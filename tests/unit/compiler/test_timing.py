"""Times of groups that are known before a run and cannot be kept."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, marked, only, plan_of

NEVER = "group `g` never completes: what it waits for takes longer than its `timeout`"
IDLE = "the `timeout` of task `g.a` never counts: that of the group `g` ends it before"


@pytest.mark.parametrize(
    ("keys", "group", "says"),
    [
        ("timeout: 5m", "tasks: {a: {wait: 3m}, b: {wait: 3m}}", NEVER),
        ("timeout: 5m", "mode: parallel, tasks: {a: {wait: 3m}, b: {wait: 6m}}", NEVER),
        ("timeout: 5m", "mode: parallel, tasks: {a: {wait: 3m}, b: {wait: 3m}}", None),
        ("timeout: 5m", "mode: dag, tasks: {a: {run: [x]}, b: {wait: 6m, depends_on: [a]}}", NEVER),
        ("timeout: 5m", "mode: dag, tasks: {a: {run: [x]}, b: {wait: 6m, depends_on: {a: failed}}}", None),
        ("timeout: 5m", "tasks: {a: {wait: 3m}, b: {wait: 3m, when: '${{ run.id == run.name }}'}}", None),
        ("timeout: 5m", "mode: parallel, aggregate: first, tasks: {a: {wait: 6m}, b: {run: [x]}}", None),
        ("timeout: 5m", "tasks: {a: {run: [x], timeout: 6m}}", IDLE),
        ("timeout: 5m", "mode: parallel, aggregate: first, tasks: {a: {run: [x], timeout: 6m}, b: {run: [x]}}", IDLE),
        ("timeout: 5m", "tasks: {a: {timeout: 6m, group: {tasks: {b: {run: [x]}}}}}", IDLE),
        ("timeout: 5m", "tasks: {a: {timeout: 6m, for_each: [p], group: {tasks: {b: {run: [x]}}}}}", IDLE),
        ("timeout: 5m", "tasks: {a: {run: [x], timeout: 5m}, b: {run: [x], timeout: 4m}}", None),
        ("timeout: 5m", "tasks: {a: {wait: '${{ run.id }}'}, b: {wait: {until: '2026-03-01T07:00:00Z'}}}", None),
        ("for_each: [a]", "tasks: {a: {run: [x], timeout: 6m}}", None),
        ("for_each: [a], timeout: 5m", "tasks: {a: {wait: 6m}}", NEVER),
    ],
)
def test_only_what_can_be_proved_is_said_of_the_timeout_of_a_group(keys, group, says):
    body = f"tasks: {{g: {{{keys}, group: {{{group}}}}}}}"
    if says is None:
        plan_of(body)
        return
    found = only(body)
    assert (found.code, found.severity, found.message) == ("UNS191", "warning", says)
    assert marked(body, found, 2) == ("5m" if says is NEVER else "6m")


def test_a_wait_that_asks_for_more_than_a_good_end_may_be_skipped():
    a = "a: {run: [x], on_failure: skip}"
    assert codes(f"tasks: {{g: {{timeout: 1m, group: {{mode: dag, tasks: {{{a}, b: {{wait: 2m}}}}}}}}}}") == ["UNS191"]
    inside = f"{a}, b: {{wait: 2m, depends_on: {{a: completed}}}}"
    assert codes(f"tasks: {{g: {{timeout: 1m, group: {{mode: dag, tasks: {{{inside}}}}}}}}}") == []

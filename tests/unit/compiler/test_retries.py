"""Retries that can never all happen."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, document, only, task_of
from unspool.compiler.compile import compile_document
from unspool.compiler.retries import least_wait
from unspool.core.policies import retry_delay
from unspool.model.durations import parse_duration
from unspool.model.plan import Retry


def body(retry: str, more: str = "") -> str:
    return f'tasks: {{t: {{run: "true", retry: {{{retry}}}{more}}}}}'


@pytest.mark.parametrize(
    ("retry", "more", "said", "hint"),
    [
        (
            "max_attempts: 5, delay: 10s, max_elapsed: 1m",
            "",
            "is over before attempt 4 of 5 can begin: the waits alone take 150s",
            "give it at least `150s`, or write `max_attempts: 3`",
        ),
        (
            "max_attempts: 2, delay: 10m, max_elapsed: 1m",
            "",
            "is over before attempt 2 of 2 can begin: the waits alone take 5m",
            "give it at least `5m`, or write less `delay`",
        ),
        (
            "max_attempts: 4, strategy: linear, delay: 1s, max_elapsed: 5s",
            "",
            "is over before attempt 4 of 4 can begin: the waits alone take 6s",
            "give it at least `6s`, or write `max_attempts: 3`",
        ),
        (
            "max_attempts: 2, max_elapsed: 5m",
            ", timeout: 5m",
            "is over before an attempt that takes its whole `timeout` (5m) can be followed by another",
            "give it at least `301s`, or make `timeout` shorter",
        ),
    ],
)
def test_a_limit_that_comes_too_early_is_a_warning(retry: str, more: str, said: str, hint: str):
    found = only(body(retry, more))
    assert (found.code, found.severity) == ("UNS130", "warning")
    assert found.message == f"`max_elapsed` of `retry` of task `t` {said}"
    assert found.hint == hint
    assert compile_document(document(body(retry, more))).plan is not None


@pytest.mark.parametrize(
    ("retry", "more"),
    [
        ("max_attempts: 4, delay: 10s, max_elapsed: 70s", ""),
        ("max_attempts: 4, delay: 10s, strategy: jittered, max_elapsed: 35s", ""),
        ("max_attempts: 1000, strategy: immediate, max_elapsed: 1ms", ""),
        ("max_attempts: 1, delay: 10s, max_elapsed: 1s", ", timeout: 5m"),
        ("max_elapsed: 1s", ""),
        ("max_attempts: 2, max_elapsed: 301s", ", timeout: 5m"),
        ("max_attempts: 3, delay: 1h, max_delay: 1s, max_elapsed: 2s", ""),
    ],
)
def test_a_limit_that_leaves_time_is_none(retry: str, more: str):
    assert codes(body(retry, more)) == []


def test_a_fault_of_the_defaults_is_said_once_and_there():
    found = only(
        """
        defaults: {timeout: 10m, retry: {max_attempts: 2, max_elapsed: 1m}}
        tasks: {a: {run: "true"}, b: {run: "true"}, c: {run: "true", timeout: 1s}}
        """
    )
    assert found.path == ("defaults", "retry", "max_elapsed")


def test_defaults_and_task_are_judged_together():
    found = only(
        """
        defaults: {retry: {max_elapsed: 10s, delay: 1s}}
        tasks: {a: {run: "true"}, b: {run: "true", retry: {max_attempts: 9}}}
        """
    )
    assert (found.code, found.path) == ("UNS130", ("defaults", "retry", "max_elapsed"))


@pytest.mark.parametrize("strategy", ["immediate", "linear", "exponential", "jittered"])
def test_the_least_wait_is_what_the_core_waits_when_chance_gives_nothing(strategy: str):
    keys = {"strategy": strategy, "delay": "7s", "max_delay": "90s"}
    retry = Retry(10_000, strategy, parse_duration("7s"), 90.0)
    for attempt in (1, 2, 3, 4, 5, 60, 70, 9_999):
        assert least_wait(keys, attempt) == retry_delay(retry, attempt, 0.0)


def test_the_limit_arrives_in_the_plan():
    task = task_of(body("max_attempts: 2, max_elapsed: 15m, on: [{status: [429, 503]}], never: [auth]"))
    assert task.retry.max_elapsed == 900.0
    assert task.retry.on == ({"status": [429, 503]},)


def test_the_waits_of_a_task_that_outlast_the_run_are_a_warning():
    found = only("limits: {timeout: 1m}\n" + body("max_attempts: 5, delay: 10s"))
    assert (found.code, found.severity, found.path) == ("UNS130", "warning", ("limits", "timeout"))
    said = "is over before attempt 4 of 5 of task `t` can begin: the waits alone take 150s"
    assert found.message == f"`timeout` of `limits` {said}"
    assert found.hint == "give it more than `150s`, or let there be fewer attempts"


def test_waits_within_the_time_of_the_run_are_none():
    assert codes("limits: {timeout: 150s}\n" + body("max_attempts: 5, delay: 10s")) == []
    assert codes("limits: {timeout: 1s}\n" + body("max_attempts: 1, delay: 10s")) == []

"""What a task says about crashes and silence, from the document to the plan."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import diagnose, plan_of, task_of
from unspool.model.plan_json import plan_from_json, plan_to_json


def test_on_crash_comes_from_the_task_else_from_the_defaults():
    body = "defaults: {on_crash: fail}\ntasks: {a: {run: [x]}, b: {run: [x], on_crash: retry}}"
    assert (task_of(body, "a").on_crash, task_of(body, "b").on_crash) == ("fail", "retry")
    assert task_of("tasks: {a: {run: [x]}}", "a").on_crash == "retry"


@pytest.mark.parametrize(
    ("word", "hint"), [("restart", "write `on_crash: retry`"), ("abort", "write `on_crash: fail`")]
)
def test_other_words_for_what_a_crash_means_are_understood(word, hint):
    (found,) = diagnose(f"tasks: {{a: {{run: [x], on_crash: {word}}}}}")
    assert (found.code, found.hint) == ("UNS024", hint)


def test_idle_timeout_comes_from_the_task_else_from_the_defaults():
    body = "defaults: {idle_timeout: 2m}\ntasks: {a: {run: [x]}, b: {run: [x], idle_timeout: 250ms}}"
    assert (task_of(body, "a").idle_timeout, task_of(body, "b").idle_timeout) == (120.0, 0.25)
    assert task_of("tasks: {a: {run: [x]}}", "a").idle_timeout is None


def test_an_idle_timeout_of_nothing_is_no_limit():
    (found,) = diagnose("tasks: {a: {run: [x], idle_timeout: 0s}}")
    assert (found.code, found.hint) == ("UNS030", "remove it: without `idle_timeout` there is no limit")


def test_idle_timeout_is_a_class_of_errors():
    task = task_of("tasks: {t: {run: [x], retry: {on: [idle_timeout]}}}")
    assert task.retry.on == ("idle_timeout",)


def test_the_time_of_a_run_is_a_limit_of_the_document():
    plan = plan_of("limits: {timeout: 2h}\ntasks: {a: {run: [x]}}")
    assert plan.run_timeout == 7200.0
    assert plan_from_json(plan_to_json(plan)) == plan
    assert plan_of("tasks: {a: {run: [x]}}").run_timeout is None


def test_a_plan_of_an_older_journal_has_no_such_limit():
    stored = plan_to_json(plan_of("tasks: {a: {run: [x]}}"))
    del stored["run_timeout"]
    assert plan_from_json(stored).run_timeout is None

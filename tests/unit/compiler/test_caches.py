"""`cache` in a document: what it may say, what is made of it, and what is refused."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, only, plan_of, task_of
from unspool.model.plan import Cache
from unspool.model.plan_json import plan_from_json, plan_to_json


def test_all_of_it_arrives_in_the_plan():
    plan = plan_of(
        "inputs: {v: {type: string}}\n"
        "tasks: {t: {run: [x], cache: {key: 'v${{ inputs.v }}', inputs: [src, '*.c'], files: [out/**], ttl: 7d}}}"
    )
    assert plan.tasks[0].cache == Cache("v${{ inputs.v }}", ("src", "*.c"), ("out/**",), 604800.0)
    assert plan_from_json(plan_to_json(plan)) == plan


def test_what_is_run_is_enough_and_makes_the_task_dynamic():
    task = task_of("tasks: {t: {run: [x], cache: {}}}")
    assert (task.cache, task.dynamic) == (Cache(), True)
    assert task_of("tasks: {t: {run: [x]}}").cache is None


@pytest.mark.parametrize(
    ("pattern", "says", "way_out"),
    [
        ("/etc/*", "is absolute", "write `etc/*`"),
        ("a/../../b", "leaves its folder by `..`", "write `a/b`"),
        ("..", "leaves", "`cwd`"),
    ],
)
@pytest.mark.parametrize("key", ["inputs", "files"])
def test_a_pattern_that_leaves_the_folder_is_refused_where_it_stands(key, pattern, says, way_out):
    found = only(f"tasks: {{t: {{run: [x], cache: {{{key}: [a, '{pattern}']}}}}}}")
    assert (found.code, found.path) == ("UNS151", ("tasks", "t", "cache", key, 1))
    assert says in found.message
    assert way_out in found.hint


def test_expressions_in_it_are_checked_as_others_are():
    assert codes("tasks: {t: {run: [x], cache: {key: '${{ inputs.v }}'}}}") == ["UNS065"]
    assert codes("tasks: {a: {run: [x]}, t: {run: [x], cache: {inputs: ['${{ tasks.a.state }}']}}}") == ["UNS070"]
    assert codes("tasks: {t: {run: [x], cache: {key: '${{ result.exit_code }}'}}}") == ["UNS064"]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("true", "write `cache: {}`"),
        ("'v1'", "write `cache: {key: v1}`"),
        ("[src]", "write `cache: {inputs: [src]}`"),
        ("{sources: [src]}", "`sources` is spelt `inputs` here"),
        ("{inputs: src}", "write `inputs: [src]`"),
        ("{ttl: 7}", "write `ttl: 7s`"),
        ("{ttl: 0s}", "`ttl: 7d`"),
        ("{files: []}", "an example"),
    ],
)
def test_what_others_write_is_understood(given, hint):
    (found,) = diagnose(f"tasks: {{t: {{run: [x], cache: {given}}}}}")
    assert hint in f"{found.message}; {found.hint}"


def test_a_group_of_other_systems_words_leads_here():
    (found,) = diagnose("tasks: {t: {run: [x], sources: [src]}}")
    assert "`cache`" in found.message + (found.hint or "")

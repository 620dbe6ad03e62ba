"""A checked document becomes a plan: defaults merged, spelling kept, hash stable."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from tests.unit.compiler.compiling import plan_of, task_of
from unspool.compiler.lower import has_expressions, plan_hash
from unspool.model.plan import Output, Retry, Task
from unspool.model.plan_json import plan_from_json, plan_to_json

EVERYTHING = """
description: all of it
inputs: {name: {type: string, default: x}}
env: {CI: 1, WHO: "${{ inputs.name }}"}
defaults:
  timeout: 15m
  grace: 250ms
  retry: {max_attempts: 2, delay: 2s, on: [timeout]}
  cwd: sub
  priority: low
  on_failure: skip
  shell: bash
limits: {concurrency: 4, max_tasks: 20}
tasks:
  second:
    description: the second
    tags: [b, a]
    run: [echo, 3.10, 0x1F, true, "${{ inputs.name }}"]
    stdin: "of ${{ inputs.name }}"
    with: {deep: [1, {er: null}]}
    env: {N: 010, F: 1e3, B: true}
    cwd: "${{ inputs.name }}"
    depends_on: {first: any}
    when: "${{ tasks.first.state == 'completed' }}"
    success_when: "${{ result.exit_code == 1 }}"
    timeout: 1h
    grace: 0s
    retry: {strategy: linear, max_delay: 1m, jitter: false, never: [{exit_code: [1, 2]}, auth]}
    outputs:
      z: {type: string, from: {file: out.txt}, max_bytes: 10}
      a: {type: [integer, "null"], from: json, path: /a, default: null}
    on_failure: abort
    priority: critical
    estimate: 90s
  first:
    python: package.module:function
    with: {who: "${{ inputs.name }}"}
outputs: {z: "${{ tasks.second.outputs.z }}", plain: [1, {a: b}]}
"""


def test_every_field_arrives_in_the_plan():
    plan = plan_of(EVERYTHING)
    assert (plan.name, plan.description, plan.concurrency, plan.max_tasks) == ("demo", "all of it", 4, 20)
    assert plan.inputs == {"name": {"type": "string", "default": "x"}}
    assert plan.env == {"CI": "1", "WHO": "${{ inputs.name }}"}
    assert plan.outputs == {"z": "${{ tasks.second.outputs.z }}", "plain": [1, {"a": "b"}]}
    assert plan.tasks == (
        Task(
            index=0,
            id="first",
            kind="python",
            action={"function": "package.module:function", "with": {"who": "${{ inputs.name }}"}},
            dependents=(1,),
            timeout=900.0,
            grace=0.25,
            retry=Retry(max_attempts=2, delay=2.0, on=("timeout",)),
            on_failure="skip",
            cwd="sub",
            priority=3,
            dynamic=True,
        ),
        Task(
            index=1,
            id="second",
            kind="run",
            action={
                "argv": ["echo", "3.10", "0x1F", "true", "${{ inputs.name }}"],
                "stdin": "of ${{ inputs.name }}",
                "with": {"deep": [1, {"er": None}]},
            },
            needs=((0, "any"),),
            when="tasks.first.state == 'completed'",
            success_when="result.exit_code == 1",
            timeout=3600.0,
            grace=0.0,
            retry=Retry(
                max_attempts=2,
                strategy="linear",
                delay=2.0,
                max_delay=60.0,
                jitter=False,
                on=("timeout",),
                never=({"exit_code": [1, 2]}, "auth"),
            ),
            on_failure="abort",
            outputs=(
                Output("a", {"type": ["integer", "null"]}, "json", path="/a", has_default=True),
                Output("z", {"type": "string"}, "file", file="out.txt", max_bytes=10),
            ),
            env={"N": "010", "F": "1e3", "B": "true"},
            cwd="${{ inputs.name }}",
            priority=0,
            estimate=90.0,
            description="the second",
            tags=("b", "a"),
            collect=("json",),
            dynamic=True,
        ),
    )


def test_a_task_that_says_nothing_has_the_defaults_of_the_language():
    assert task_of("tasks: {t: {run: [x]}}") == Task(0, "t", "run", {"argv": ["x"]})


def test_tasks_without_a_retry_of_their_own_share_that_of_the_document():
    plan = plan_of("defaults: {retry: {max_attempts: 3}}\ntasks: {a: {run: [x]}, b: {run: [x]}}")
    assert plan.tasks[0].retry is plan.tasks[1].retry
    assert plan.tasks[0].retry == Retry(max_attempts=3)


def test_numbers_of_json_that_are_whole_become_integers():
    plan = plan_of("limits: {concurrency: 2.0}\ntasks: {t: {run: [x], retry: {max_attempts: 3.0}}}")
    assert repr((plan.concurrency, plan.tasks[0].retry.max_attempts)) == "(2, 3)"


def test_a_script_carries_its_values_beside_it():
    body = """
    inputs: {name: {type: string}}
    defaults: {shell: bash}
    tasks:
      t: {run: 'echo "${{ inputs.name }}" $HOME'}
      plain: {run: 'echo $HOME', shell: sh}
      literal: {run: 'echo \\$${{ x }}'}
    """
    task = task_of(body)
    assert task.dynamic
    assert set(task.action) == {"script", "shell", "values"}
    assert task.action["shell"] == "bash"
    [(variable, source)] = task.action["values"].items()
    assert source == "inputs.name"
    assert task.action["script"] == f'echo "${{{variable}}}" $HOME'
    plain = task_of(body, "plain")
    assert (plain.action, plain.dynamic) == ({"script": "echo $HOME", "shell": "sh", "values": {}}, False)
    literal = task_of(body, "literal")
    assert (literal.action["script"], literal.dynamic) == ("echo \\${{ x }}", False)


@pytest.mark.parametrize(
    ("condition", "source"),
    [
        ("true", "true"),
        ("false", "false"),
        ("'${{ inputs.go }}'", "inputs.go"),
        ("'  ${{   inputs.go and not inputs.go   }}  '", "inputs.go and not inputs.go"),
        ("'${{inputs.go}}'", "inputs.go"),
    ],
)
def test_conditions_are_bare_expressions(condition, source):
    body = (
        f"inputs: {{go: {{type: boolean}}}}\ntasks: {{t: {{run: [x], when: {condition}, success_when: {condition}}}}}"
    )
    task = task_of(body)
    assert (task.when, task.success_when) == (source, source)


@pytest.mark.parametrize(
    ("field", "dynamic"),
    [
        ("run: [x]", False),
        ("run: [x, '${{ run.id }}']", True),
        ("run: [x, '$${{ run.id }}']", True),
        ("run: [x], stdin: '${{ run.id }}'", True),
        ("run: [x], with: {a: [{b: '${{ run.id }}'}]}", True),
        ("run: [x], with: {a: [{b: 'run.id'}]}", False),
        ("run: [x], env: {A: '${{ run.id }}'}", True),
        ("run: [x], env: {A: a}, cwd: a", False),
        ("run: [x], cwd: '${{ run.id }}'", True),
        ("run: [x], when: '${{ run.id == 1 }}'", False),
        ("run: 'echo ${{ run.id }}'", True),
        ("run: 'echo $ID'", False),
    ],
)
def test_a_task_is_dynamic_if_its_start_needs_an_expression(field, dynamic):
    assert task_of(f"tasks: {{t: {{{field}}}}}").dynamic is dynamic


def test_expressions_are_found_at_any_depth_without_recursion():
    deep = "${{ run.id }}"
    for _ in range(50_000):
        deep = [deep]
    assert has_expressions(deep)
    assert not has_expressions({"a": [1, None, {"b": "text"}]})


# -- hash ---------------------------------------------------------------------------------------


def test_the_hash_is_that_of_the_canonical_json():
    plan = plan_of(EVERYTHING)
    data = plan_to_json(plan)
    del data["hash"]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    assert plan.hash == sha256(text.encode()).hexdigest()


def test_a_hash_in_portions_is_that_of_the_whole():
    body = "limits: {max_tasks: 1300}\ntasks:\n" + "".join(f"  t{number}: {{run: [x]}}\n" for number in range(1203))
    plan = plan_of(body)
    data = plan_to_json(plan)
    del data["hash"]
    assert plan.hash == sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{run: [x], env: {A: a, B: b}}", "{env: {B: b, A: a}, run: [x]}"),
        ("{run: [x], outputs: {a: {type: string}, b: {}}}", "{run: [x], outputs: {b: {}, a: {type: string}}}"),
        ("{run: [x], depends_on: [r, s]}", "{run: [x], depends_on: {s: ok, r: ok}}"),
        ("{run: [x], timeout: 1m}", "{run: [x], timeout: 60s} # a comment"),
        ("{run: [x]}", "{run: [x], priority: normal, on_failure: cancel_dependents}"),
    ],
)
def test_layout_and_the_order_of_keys_leave_the_hash_alone(one, other):
    body = "tasks:\n  r: {{run: [x]}}\n  s: {{run: [x]}}\n  t: {}\n"
    assert plan_of(body.format(one)).hash == plan_of(body.format(other)).hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{run: [x]}", "{run: [y]}"),
        ("{run: [x]}", "{run: [x], timeout: 1m}"),
        ("{run: [x]}", "{run: [x], description: d}"),
        ("{run: [x, 1.0]}", "{run: [x, 1.00]}"),
        ("{run: [x], outputs: {a: {}}}", "{run: [x], outputs: {a: {default: null}}}"),
    ],
)
def test_what_a_run_or_a_report_would_show_changes_the_hash(one, other):
    assert plan_of(f"tasks: {{t: {one}}}").hash != plan_of(f"tasks: {{t: {other}}}").hash


def test_a_plan_comes_back_from_its_json():
    plan = plan_of(EVERYTHING)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan
    assert plan_hash(replace(plan, hash="")) == plan.hash

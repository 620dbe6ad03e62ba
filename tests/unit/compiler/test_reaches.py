"""Groups, templates, compensations and `finally`: who may wait for whom across them, and who may read whom."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, marked, only, plan_of

STEPS = "a: {run: [x], outputs: {v: {type: string}}}"
FALLBACK = "t: {run: [x], on_failure: {substitute: f}}"


def group(mode, expression):
    return f"tasks: {{g: {{group: {{mode: {mode}, tasks: {{{STEPS}, b: {{run: [x, '${{{{ {expression} }}}}']}}}}}}}}}}"


@pytest.mark.parametrize(
    "expression",
    [
        "previous.outputs.v",
        "previous.result.stdout",
        "previous.state",
        "tasks.a.outputs.v",
        "tasks.a.result.exit_code",
        "run.id",
    ],
)
def test_a_step_knows_the_one_before(expression):
    assert codes(group("sequential", expression)) == []


def test_what_is_read_of_the_step_before_is_kept_for_it():
    step = next(task for task in plan_of(group("sequential", "previous.result.stdout")).tasks if task.id == "g.a")
    assert "stdout" in step.collect


@pytest.mark.parametrize(
    ("mode", "expression", "code", "message", "hint"),
    [
        (
            "sequential",
            "previous",
            "UNS072",
            "`previous` does not say which value of the step before is meant",
            "write `previous.outputs.NAME`, `previous.result` or `previous.state`",
        ),
        (
            "sequential",
            "previous.outputs.w",
            "UNS068",
            "task `a` declares no output `w`",
            "declare it: `outputs: {w: {type: string}}` in task `a`",
        ),
        (
            "sequential",
            "previous.result.stdot",
            "UNS069",
            "`previous.result` has no `stdot`",
            "did you mean `stdout`?",
        ),
        (
            "parallel",
            "previous.state",
            "UNS064",
            "`previous` is known only in a sequential group, from its second step on",
            "name the task: `tasks.NAME`, with NAME in `depends_on`",
        ),
        (
            "parallel",
            "tasks.a.state",
            "UNS070",
            "task `g.b` reads `g.a`, which does not come before it",
            "tasks of a parallel group do not wait for each other: write `mode: dag`, and `depends_on: [a]` in `b`",
        ),
        (
            "dag",
            "tasks.a.state",
            "UNS070",
            "task `g.b` reads `g.a`, which does not come before it",
            "add `a` to `depends_on` of `g.b`",
        ),
        (
            "dag",
            "tasks.g.state",
            "UNS070",
            "task `g.b` reads `g`, which does not come before it",
            "`g` itself waits for `g.b`: read it in a task that comes after `g`",
        ),
        ("dag", "tasks.quux.state", "UNS067", "there is no task `quux`", "known are `a`, `b`, `g`"),
    ],
)
def test_what_a_task_of_a_group_cannot_read_is_told_at_its_place(mode, expression, code, message, hint):
    body = group(mode, expression)
    found = only(body)
    assert (found.code, found.message, found.hint) == (code, message, hint)
    assert found.path == ("tasks", "g", "group", "tasks", "b", "run", 1)
    assert marked(body, found, len(expression)) == expression


def test_steps_are_read_in_their_order():
    body = "tasks: {g: {group: {tasks: {b: {run: [x, '${{ tasks.a.state }}']}, a: {run: [x]}}}}}"
    assert only(body).hint == "`g.a` itself waits for `g.b`: read it in a task that comes after `g.a`"


def test_the_nearest_name_counts():
    inner = "h: {group: {tasks: {a: {run: [x]}, b: {run: [x, '${{ tasks.a.outputs.v }}']}}}}"
    body = f"tasks: {{g: {{group: {{tasks: {{{STEPS}, {inner}}}}}}}}}"
    assert only(body).message == "task `a` declares no output `v`"
    outer = "h: {group: {tasks: {b: {run: [x, '${{ tasks.a.outputs.v }}']}}}}"
    assert codes(f"tasks: {{g: {{group: {{tasks: {{{STEPS}, {outer}}}}}}}}}") == []


@pytest.mark.parametrize(
    ("reader", "message", "hint"),
    [
        (
            "{depends_on: [g], run: [x, '${{ tasks.a.state }}']}",
            "the task `a` is known only inside its group",
            "from outside only the group can be read: write `tasks.g.result.json.a`",
        ),
        (
            "{depends_on: [g], run: [x, '${{ tasks.g.a.state }}']}",
            "a task has no `a`",
            "from outside only the group can be read: write `tasks.g.result.json.a`",
        ),
        (
            "{depends_on: [a], run: [x]}",
            "task `z` depends on `a`, which does not exist",
            "`a` is a task of the group `g`: wait for the group",
        ),
    ],
)
def test_from_outside_only_the_group_is_known(reader, message, hint):
    found = only(f"tasks: {{g: {{group: {{tasks: {{{STEPS}}}}}}}, z: {reader}}}")
    assert (found.message, found.hint) == (message, hint)


def test_no_spelling_reaches_inside_a_group():
    body = """
    tasks: {g: {group: {tasks: {a: {run: [x]}}}}, z: {depends_on: [g], run: [x, "${{ tasks['g.a'].state }}"]}}
    """
    assert only(body).code == "UNS067"


def test_the_group_itself_reads_its_tasks_in_its_result():
    body = "tasks: {g: {success_when: '${{ tasks.a.state == 1 }}', group: {tasks: {a: {run: [x]}}}}}"
    assert only(body).hint == "write `result.json.a`"
    assert codes("tasks: {g: {success_when: '${{ result.json.a == 1 }}', group: {tasks: {a: {run: [x]}}}}}") == []


@pytest.mark.parametrize(
    ("reduce", "code"),
    [
        ("${{ tasks.a.state }}", None),
        ("${{ tasks.a.outputs.v ~ run.id }}", None),
        ("${{ tasks.z.state }}", "UNS067"),
        ("${{ tasks.a.outputs.w }}", "UNS068"),
        ("${{ tasks.a.state }} x", "UNS073"),
        ("${{ tasks.a.", "UNS060"),
    ],
)
def test_the_value_of_a_group_is_made_of_its_tasks(reduce, code):
    body = f"tasks: {{g: {{group: {{tasks: {{{STEPS}}}, aggregate: {{reduce: '{reduce}'}}}}}}}}"
    assert codes(body) == ([] if code is None else [code])


def test_a_task_of_a_group_waits_outside_through_its_group():
    body = "tasks: {o: {run: [x]}, g: {group: {tasks: {a: {run: [x, '${{ tasks.o.state }}']}}}}}"
    assert only(body).hint == "add `o` to `depends_on` of `g`"
    waits = "tasks: {o: {run: [x]}, g: {depends_on: [o], group: {tasks: {a: {run: [x, '${{ tasks.o.state }}']}}}}}"
    assert codes(waits) == []


@pytest.mark.parametrize(
    ("expression", "code", "message", "hint"),
    [
        ("inputs.n", None, "", ""),
        ("env.CI ~ run.id", None, "", ""),
        (
            "tasks.t.state",
            "UNS162",
            "a template knows no tasks of the document, only its inputs",
            "declare an input, and hand the value over where the template is used",
        ),
        (
            "inputs.branch",
            "UNS065",
            "the template declares no input `branch`",
            (
                "a template knows only its own: declare it there, and hand the document's over by "
                '`with: {branch: "${{ inputs.branch }}"}`'
            ),
        ),
        ("inputs.m", "UNS065", "the template declares no input `m`", "known are `n`"),
        ("item", "UNS064", "`item` is known only under `for_each`", "give the task a `for_each`"),
        ("run.state", "UNS064", "`run.state` is not known before the run has ended", None),
        ("env.N", "UNS066", "the document's `env` has no variable `N`", "declare it in the document's `env`"),
    ],
)
@pytest.mark.parametrize("form", ["run: [x, '%s']", "run: 'echo %s'", "group: {tasks: {s: {run: [x, '%s']}}}"])
def test_a_template_knows_its_inputs_the_environment_and_the_run(expression, code, message, hint, form):
    action = form % ("${{ " + expression + " }}")
    body = (
        "inputs: {branch: {type: string}}\nenv: {CI: a}\n"
        f"tasks: {{{FALLBACK}, u: {{run: [x, '${{{{ inputs.branch }}}}']}}}}\n"
        f"templates: {{f: {{inputs: {{n: {{type: string, default: x}}}}, {action}}}}}"
    )
    if code is None:
        assert codes(body) == []
        return
    found = only(body)
    assert (found.code, found.message) == (code, message)
    if hint is not None and ("echo" not in form or code != "UNS066"):
        assert found.hint == hint
    assert found.path[:2] == ("templates", "f")
    assert marked(body, found, 3) == expression[:3]


def test_steps_of_a_template_know_each_other():
    steps = f"{STEPS}, b: {{run: [x, '${{{{ tasks.a.outputs.v }}}}', '${{{{ previous.outputs.v }}}}']}}"
    assert codes(f"tasks: {{{FALLBACK}}}\ntemplates: {{f: {{group: {{tasks: {{{steps}}}}}}}}}") == []


@pytest.mark.parametrize(
    ("body", "code", "message", "hint", "place"),
    [
        (
            (
                f"tasks: {{{FALLBACK}, u: {{depends_on: [t], run: [x, '${{{{ tasks.f.state }}}}']}}}}\n"
                "templates: {f: {run: [x]}}"
            ),
            "UNS171",
            "`f` is a template: what is made of it cannot be named",
            "read the task that it stands in for: `tasks.t`",
            "tasks.f.state",
        ),
        (
            f"tasks: {{{FALLBACK}}}\noutputs: {{o: '${{{{ tasks.f.state }}}}'}}\ntemplates: {{f: {{run: [x]}}}}",
            "UNS171",
            "`f` is a template: what is made of it cannot be named",
            "read the task that it stands in for: `tasks.t`",
            "tasks.f.state",
        ),
        (
            f"tasks: {{{FALLBACK}}}\ntemplates: {{f: {{depends_on: [t], run: [x]}}}}",
            "UNS171",
            "the template `f` waits for other tasks, which this version does not support yet",
            "remove it: a task is made of it when a rule, or a failure, asks for it",
            "depends_on",
        ),
        (
            f"tasks: {{{FALLBACK}}}\ntemplates: {{f: {{for_each: [1], group: {{tasks: {{{STEPS}}}}}}}}}",
            "UNS161",
            "`for_each` cannot stand in the template `f`, which is a group, in this version yet",
            "give the `for_each` to the tasks in its group",
            "for_each",
        ),
        (
            "tasks: {t: {run: [x]}}\nfinally: {z: {depends_on: [t], run: [x]}}",
            "UNS172",
            "task `z` of `finally` waits for `t`, which has ended by then in any case",
            "remove it; every task can be read here, as in `${{ tasks.t.state }}`",
            "t]",
        ),
        (
            "tasks: {t: {depends_on: {z: any}, run: [x]}}\nfinally: {z: {run: [x]}}",
            "UNS172",
            "task `t` waits for `z` of `finally`, which runs when all other tasks have ended",
            "move `t` to `finally`, or `z` to `tasks`",
            "z: any",
        ),
        (
            "tasks: {t: {run: [x]}}\nfinally: {z: {run: [x], on_failure: abort}}",
            "UNS179",
            "`on_failure` of task `z` does nothing: a failure in `finally` only goes to the report",
            "remove it, or write `on_failure: skip` for others of `finally` that wait for it",
            "on_failure",
        ),
        (
            "tasks: {t: {run: [x]}}\nfinally: {z: {run: [x], compensate: {run: [y]}}}",
            "UNS179",
            "`compensate` of task `z` does nothing: no rollback comes after `finally`",
            "remove it",
            "compensate",
        ),
        (
            "tasks: {t: {run: [x, '${{ tasks.z.state }}']}}\nfinally: {z: {run: [x]}}",
            "UNS172",
            "task `z` belongs to `finally`, which runs when all other tasks have ended",
            "read it in another task of `finally`, or in the `outputs` of the workflow",
            "tasks.z.state",
        ),
    ],
)
def test_what_cannot_wait_or_be_read_across_parts(body, code, message, hint, place):
    found = only(body)
    assert (found.code, found.message, found.hint) == (code, message, hint)
    assert marked(body, found, len(place)) == place


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("run.state", None),
        ("run.reason", None),
        ("tasks.t.state", None),
        ("tasks.t.outputs.v | default('')", None),
        ("tasks.t.outputs.v", "UNS071"),
        ("tasks.t.result.stdout", "UNS071"),
        ("tasks.t.outputs.w | default('')", "UNS068"),
        ("tasks.z.state", "UNS070"),
    ],
)
def test_finally_reads_every_task_as_one_that_may_be_absent(expression, code):
    body = (
        "tasks: {t: {run: [x], outputs: {v: {type: string}}}}\n"
        f'finally: {{y: {{run: [x, "${{{{ {expression} }}}}"]}}, z: {{run: [x]}}}}'
    )
    assert codes(body) == ([] if code is None else [code])


def test_finally_may_wait_within_itself_and_the_outputs_read_it():
    body = """
    tasks: {t: {run: [x]}}
    finally: {z: {run: [x], outputs: {v: {}}}, y: {depends_on: [z], run: [x, '${{ tasks.z.outputs.v | tojson }}']}}
    outputs: {o: '${{ tasks.z.outputs.v }}'}
    """
    assert codes(body) == []


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ("tasks.t.outputs.v", None, None),
        ("tasks.t.result.stdout", None, None),
        ("tasks.u.state", None, None),
        ("result.stdout", "`result` is not known in a compensation", "name the task: `tasks.t.result`"),
        ("outputs.v", "`outputs` is not known in a compensation", "name the task: `tasks.t.outputs`"),
        (
            "tasks.w.state",
            "`compensate` of task `t` reads `w`, which does not come before it",
            "add `w` to `depends_on` of `t`",
        ),
        ("tasks.t.outputs.w", "task `t` declares no output `w`", "did you mean `v`?"),
    ],
)
@pytest.mark.parametrize("form", ["run: [y, '%s']", "run: 'echo %s'", "python: 'm:f', with: {a: '%s'}"])
def test_a_compensation_reads_its_own_task_and_what_came_before(expression, message, hint, form):
    action = form % ("${{ " + expression + " }}")
    body = (
        "tasks: {u: {run: [x]}, w: {run: [x]}, t: {depends_on: [u], run: [x], "
        f"outputs: {{v: {{type: string}}}}, compensate: {{{action}}}}}}}"
    )
    if message is None:
        assert codes(body) == []
        return
    found = only(body)
    assert found.message == message
    assert found.hint == hint or "declare it" in (found.hint or "")
    assert found.path[:3] == ("tasks", "t", "compensate")
    assert marked(body, found, 3) == expression[:3]


def test_a_compensation_in_a_group_knows_its_task_by_its_short_name():
    undo = "compensate: {run: [y, '${{ tasks.a.outputs.v }}', '${{ item }}']}"
    body = f"tasks: {{g: {{for_each: [1], group: {{tasks: {{a: {{run: [x], outputs: {{v: {{}}}}, {undo}}}}}}}}}}}"
    assert codes(body) == []


def test_the_arguments_of_a_substitute_know_no_result():
    body = """
    tasks: {t: {for_each: [1], run: [x], on_failure: {substitute: f, with: {n: '${{ item }}', e: '${{ result }}'}}}}
    templates: {f: {inputs: {n: {}, e: {}}, run: [x]}}
    """
    found = only(body)
    assert found.message == "`result` is not known in the arguments of a substitute"
    assert found.path == ("tasks", "t", "on_failure", "with", "e")


@pytest.mark.parametrize(
    "body",
    [
        "tasks: {g: {group: {tasks: {t: {run: \"echo '${{ run.id }}'\"}}}}}",
        "tasks: {t: {run: [x], compensate: {run: \"echo '${{ run.id }}'\"}}}",
        f"tasks: {{{FALLBACK}}}\ntemplates: {{f: {{run: \"echo '${{{{ run.id }}}}'\"}}}}",
        "tasks: {t: {run: [x]}}\nfinally: {z: {run: \"echo '${{ run.state }}'\"}}",
    ],
)
def test_scripts_are_looked_into_wherever_they_stand(body):
    found = only(body)
    assert found.code == "UNS091"
    assert found.path[-1] == "run"
    assert marked(body, found, 4) == "run."


GO = "inputs: {go: {type: boolean, default: true}}\n"
WHEN = "when: '${{ inputs.go }}'"
OUTER = "o: {run: [x], outputs: {v: {type: string}}}"
READS = "run: [x, '${{ tasks.%s.outputs.v }}']"


GROUP = f"group: {{tasks: {{{STEPS}}}}}"
READER = "group: {tasks: {b: {%s}}}"


@pytest.mark.parametrize(
    "tasks",
    [
        f"g: {{{WHEN}, group: {{tasks: {{{STEPS}, b: {{run: [x, '${{{{ previous.outputs.v }}}}']}}}}}}}}",
        f"g: {{{WHEN}, group: {{mode: dag, tasks: {{{STEPS}, b: {{depends_on: [a], {READS % 'a'}}}}}}}}}",
        f"{OUTER}, g: {{depends_on: [o], join: any, group: {{tasks: {{{STEPS}, b: {{{READS % 'a'}}}}}}}}}",
        f"{OUTER}, g: {{depends_on: [o], {WHEN}, {READER % READS % 'o'}}}",
        f"{OUTER}, g: {{depends_on: [o], {GROUP}}}, z: {{depends_on: [g], {READS % 'o'}}}",
        f"{OUTER}, g: {{depends_on: [o], {WHEN}, {GROUP}}}, z: {{depends_on: [g], {READS % 'o'}}}",
        f"g: {{{GROUP}, outputs: {{v: {{}}}}}}, z: {{depends_on: [g], run: x, when: '${{{{ tasks.g.outputs.v }}}}'}}",
        f"g: {{{WHEN}, {GROUP}, outputs: {{v: {{type: string}}}}}}, z: {{depends_on: {{g: completed}}, {READS % 'g'}}}",
    ],
)
def test_what_surely_came_before_is_there(tasks):
    assert codes(f"{GO}tasks: {{{tasks}}}") == []


@pytest.mark.parametrize(
    "tasks",
    [
        f"g: {{{WHEN}, {GROUP}, outputs: {{v: {{}}}}}}, z: {{depends_on: [g], {READS % 'g'}}}",
        f"g: {{{READER % f'{WHEN}, run: [x]'}, outputs: {{v: {{}}}}}}, z: {{depends_on: [g], {READS % 'g'}}}",
        f"g: {{group: {{tasks: {{a: {{{WHEN}, run: [x], outputs: {{v: {{}}}}}}, b: {{{READS % 'a'}}}}}}}}}",
        f"o: {{{WHEN}, run: [x], outputs: {{v: {{}}}}}}, g: {{depends_on: [o], {READER % READS % 'o'}}}",
        f"{OUTER}, p: {{run: [x]}}, g: {{depends_on: [o, p], join: any, {READER % READS % 'o'}}}",
        (
            f"{OUTER}, p: {{run: [x], {WHEN}}}, g: {{depends_on: {{o: any, p: completed}}, {GROUP}}}, "
            f"z: {{depends_on: [g], {READS % 'o'}}}"
        ),
    ],
)
def test_what_may_not_have_run_may_be_absent(tasks):
    assert codes(f"{GO}tasks: {{{tasks}}}") == ["UNS071"]

"""Every reference is checked: its name, its place, its task, and whether the value is there."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, document, marked, only, plan_of
from tests.unit.compiler.referring import DECLARED, PRODUCER, argv, body_with
from unspool.compiler.compile import compile_document


@pytest.mark.parametrize(
    "expression",
    [
        "inputs.name",
        "inputs['name']",
        "inputs.list[0].a",
        "inputs.any.thing.at.all",
        "inputs.name[0]",
        "inputs | tojson",
        "inputs[inputs.name]",
        "env.CI",
        "run.id ~ run.name ~ run.started_at",
        "tasks.made.outputs.version",
        "tasks.made.outputs | tojson",
        "tasks.made.state",
        "tasks.made.result.exit_code",
        "tasks.made.result.json.a.b[0]",
        "tasks.made.result.error.class",
        "tasks.made.result.stdout[0]",
        "tasks.made.result[inputs.name]",
    ],
)
def test_what_exists_and_is_there_passes(expression):
    plan_of(argv(expression))


def test_the_place_inside_a_longer_text_is_found():
    body = body_with('run: [x, "--to=${{ inputs.name }}/${{ inputs.nmae | upper }}"]')
    assert marked(body, only(body), 11) == "inputs.nmae"


def test_several_mistakes_in_one_expression_are_all_reported():
    assert codes(argv("inputs.a ~ inputs.b ~ tasks.c.state")) == ["UNS065", "UNS065", "UNS067"]


@pytest.mark.parametrize(
    "field",
    [
        'run: "echo ${{ nope }}"',
        'run: [x, "${{ nope }}"]',
        'run: [x]\n    stdin: "${{ nope }}"',
        'run: [x]\n    cwd: "${{ nope }}"',
        'run: [x]\n    env: {A: "${{ nope }}"}',
        'python: a:b\n    with: {deep: [{er: "${{ nope }}"}]}',
        'run: [x]\n    when: "${{ nope }}"',
        'run: [x]\n    success_when: "${{ nope }}"',
    ],
)
def test_every_field_that_is_evaluated_is_checked(field):
    body = body_with(field)
    found = only(body)
    assert found.code == "UNS063"
    assert marked(body, found, 4) == "nope"


def test_the_environment_of_the_document_knows_inputs_and_the_run_only():
    body = """
    inputs: {name: {type: string}}
    env: {A: "${{ inputs.name }}", B: "${{ run.id }}", C: "${{ env.A }}", D: "${{ tasks.t.state }}"}
    tasks: {t: {run: [x]}}
    """
    found = diagnose(body)
    assert [(one.code, one.path) for one in found] == [("UNS064", ("env", "C")), ("UNS064", ("env", "D"))]


def test_success_when_knows_the_own_result_but_no_outputs():
    body = "run: [x]\n    success_when: {}"
    plan_of(
        body_with(body.format('"${{ result.exit_code in [0, 3] and attempt < 3 and tasks.made.state != env.CI }}"'))
    )
    found = only(body_with(body.format('"${{ outputs.version == 1 }}"')))
    assert (found.code, found.message) == ("UNS064", "`outputs` is not known in `success_when`")
    found = only(body_with(body.format('"${{ tasks.t.result.exit_code == 0 }}"')))
    assert (found.code, found.hint) == ("UNS070", "write `result.exit_code`")


def test_the_outputs_of_the_workflow_read_any_task_and_absence_is_no_fault():
    body = f"""{DECLARED}
tasks:
{PRODUCER}
  maybe: {{run: [x], when: "${{{{ inputs.go }}}}", outputs: {{v: {{type: string}}}}}}
outputs:
  version: "${{{{ tasks.made.outputs.version }}}}"
  deep: [{{v: "${{{{ tasks.maybe.outputs.v }}}} of ${{{{ inputs.name }}}}"}}]
"""
    plan_of(body)
    found = only(body.replace("tasks.maybe.outputs.v }", "tasks.maybe.outputs.w }"))
    assert (found.code, found.path) == ("UNS068", ("outputs", "deep", 0, "v"))


# -- conditions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("${{ inputs.go }} and ${{ inputs.go }}", "and $"),
        ("${{ inputs.go }}${{ inputs.go }}", "inputs.go }}"),
        ("${{ inputs.go }} == true", "== true"),
    ],
)
def test_a_condition_is_exactly_one_expression(text, at):
    body = body_with(f'run: [x]\n    when: "{text}"')
    found = only(body)
    assert (found.code, found.message) == ("UNS073", "`when` must be exactly one expression")
    assert marked(body, found, len(at)) == at


@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ("inputs.name", "`inputs.name` is text, not true or false", "such as `inputs.name != ''`"),
        ("inputs.count", "`inputs.count` is a whole number, not true or false", "such as `inputs.count > 0`"),
        ("inputs.list", "`inputs.list` is a list, not true or false", "such as `inputs.list != []`"),
        ("env.CI", "`env.CI` is text, not true or false", "such as `env.CI != ''`"),
        ("tasks.made.state", "`tasks.made.state` is text, not true or false", "such as `tasks.made.state != ''`"),
        ("tasks.made.outputs.count", "`tasks.made.outputs.count` is a whole number, not true or false", "> 0`"),
    ],
)
def test_a_condition_gives_true_or_false(expression, message, hint):
    found = only(body_with(f'run: [x]\n    when: "${{{{ {expression} }}}}"'))
    assert (found.code, found.message) == ("UNS076", message)
    assert hint in found.hint


@pytest.mark.parametrize(
    "text", ["${{ inputs.go }}", " ${{ not inputs.go }} ", "${{ inputs.any }}", "${{ inputs.any.x }}"]
)
def test_what_may_be_true_or_false_passes_as_a_condition(text):
    plan_of(body_with(f'run: [x]\n    when: "{text}"'))


def test_a_list_cannot_stand_in_a_script():
    body = body_with('run: "for x in ${{ inputs.list }}; do true; done"')
    found = only(body)
    assert (found.code, marked(body, found, 11)) == ("UNS075", "inputs.list")
    plan_of(body_with("run: \"for x in ${{ inputs.list | join(' ') }}; do true; done\""))
    plan_of(body_with('run: [x, "${{ inputs.list }}"]'))
    plan_of(body_with("run: [x]") + '\noutputs: {a: {run: "${{ inputs.list }}"}}')


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("tasks.b.outputs.v", False),
        ("tasks.b.outputs", False),
        ("tasks.b.result", False),
        ("tasks.b.instances", False),
        ("inputs.l | sort", False),
        ("inputs.t | split", False),
        ("tasks.b.outputs.v | join(' ')", True),
        ("tasks.b.outputs.v[0]", True),
        ("tasks.b.state", True),
        ("inputs.l | length", True),
        ("inputs.l | reverse", True),
    ],
)
def test_what_is_known_to_be_a_list_cannot_stand_in_a_script(expression, passes):
    body = f"""
    inputs: {{l: {{type: array}}, t: {{type: string}}}}
    tasks:
      b: {{run: [x], for_each: [1, 2], outputs: {{v: {{type: string}}}}}}
      a: {{depends_on: [b], run: "echo -- ${{{{ {expression} }}}}"}}
    """
    assert codes(body) == ([] if passes else ["UNS075"])


def test_the_words_of_a_fan_out_are_offered_where_they_are_known():
    body = 'tasks: {{t: {{for_each: [a], run: [x, "${{{{ {} }}}}"]}}}}'
    assert only(body.format("items")).hint == "did you mean `item`? Each instance has one of the list"
    assert only(body.format("quux")).hint == "known here are `inputs`, `env`, `run`, `tasks`, `index`, `item`"
    assert only(body.format("indx")).hint == "did you mean `index`?"


def test_a_faulty_expression_is_reported_once():
    body = body_with('run: "echo ${{ inputs. }}"')
    found = only(body)
    assert found.code in ("UNS060", "UNS061")
    assert codes(body_with('run: [x]\n    when: "${{ inputs.go = 1 }}"')) == ["UNS060"]


def test_expressions_where_none_is_evaluated_are_warned_of():
    body = """
    inputs: {name: {type: string, default: "${{ env.A }}"}}
    tasks:
      t: {run: [x], outputs: {v: {default: ["${{ inputs.name }}"]}, w: {from: {file: "${{ inputs.name }}"}}}}
    """
    found = diagnose(body)
    assert [(one.code, one.severity) for one in found] == [("UNS074", "warning")] * 3
    assert found[1].path == ("tasks", "t", "outputs", "v", "default", 0)


# -- what the host has to collect ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "reader", "collect"),
    [
        ("", "", ()),
        ('success_when: "${{ result.exit_code == 0 }}"', "", ()),
        ('success_when: "${{ result.stdout == result.stderr }}"', "", ("stdout", "stderr")),
        ('success_when: "${{ result | length > 2 }}"', "", ("stdout", "stderr", "json")),
        ("outputs: {v: {from: stdout}}", "", ("stdout",)),
        ("outputs: {v: {from: json}}", "", ("json",)),
        ("outputs: {v: {}, w: {from: {file: a}}}", "", ()),
        ("outputs: {v: {from: result, path: /exit_code}}", "", ()),
        ("outputs: {v: {from: result, path: /json/a}}", "", ("json",)),
        ("outputs: {v: {from: result}}", "", ("stdout", "stderr", "json")),
        ("", "tasks.made.result.stderr", ("stderr",)),
        ("", "tasks.made.result.json.x", ("json",)),
        ("", "tasks.made.result | tojson", ("stdout", "stderr", "json")),
        ("", "tasks.made.state", ()),
    ],
)
def test_a_stream_is_collected_only_if_something_reads_it(field, reader, collect):
    body = f"""
    tasks:
      made:
        run: [x]
        {field}
      reader:
        run: [x, "${{{{ {reader or "run.id"} }}}}"]
        depends_on: [made]
    """
    assert plan_of(body).tasks[0].collect == collect


def test_the_outputs_of_the_workflow_make_streams_collected_too():
    plan = plan_of('tasks: {made: {run: [x]}}\noutputs: {log: "${{ tasks.made.result.stdout }}"}')
    assert plan.tasks[0].collect == ("stdout",)


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("inputs.nope", "UNS065"),
        ("secrets.S", "UNS140"),
        ("tasks.a.state", "UNS070"),
        ("lease.port", "UNS124"),
        ("inputs.there", None),
    ],
)
def test_the_folder_of_defaults_is_checked_for_the_tasks_that_have_no_other(expression, code):
    head = f'inputs: {{there: {{type: string}}}}\nsecrets: [S]\ndefaults: {{cwd: "${{{{ {expression} }}}}"}}\n'
    body = head + 'tasks: {a: {run: [x], env: {S: "${{ secrets.S }}"}}, b: {python: m:f, cwd: d, depends_on: [a]}}'
    found = diagnose(body)
    assert [one.code for one in found] == ([] if code is None else [code])
    if code is not None:
        assert marked(body, found[0], len(expression)) == expression


def test_the_folder_of_defaults_is_nothing_to_those_who_have_one():
    body = 'defaults: {cwd: "${{ inputs.nope }}"}\ntasks: {a: {run: [x], cwd: d}, b: {http: {url: "http://x"}}}'
    assert codes(body) == []


def test_what_the_folder_of_defaults_names_is_used():
    body = 'inputs: {i: {type: string}}\ndefaults: {cwd: "${{ inputs.i }}"}\ntasks: {a: {run: [x]}}'
    assert compile_document(document(body)).diagnostics == ()

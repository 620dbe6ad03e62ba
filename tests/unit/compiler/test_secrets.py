"""Secrets in documents: named at the top, handed over in `env` by plain reference, and nowhere else."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, only, plan_of

DECLARED = "secrets: [TOKEN, KEY]\n"
REST = "  rest: {run: [x], env: {T: '${{ secrets.TOKEN }}', K: '${{ secrets.KEY }}'}}\n"


def body_with(field: str, before: str = DECLARED) -> str:
    return f"{before}tasks:\n  t:\n    {field}\n{REST}"


def variable(text: str, before: str = DECLARED) -> str:
    return body_with(f'run: [x]\n    env: {{T: "{text}"}}', before)


def test_a_plan_names_its_secrets_and_who_is_given_them():
    plan = plan_of(variable("Bearer ${{ secrets.TOKEN }}"))
    assert plan.secrets == ("TOKEN", "KEY")
    assert [(task.id, task.secrets, task.dynamic) for task in plan.tasks] == [
        ("t", ("TOKEN",), True),
        ("rest", ("KEY", "TOKEN"), True),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "${{ secrets.TOKEN }}",
        "a ${{secrets.TOKEN}} b ${{ secrets.KEY }}",
        "${{ secrets['TOKEN'] }}",
        "$${{ secrets.X }}",
    ],
)
def test_text_may_stand_around_a_secret(text):
    plan_of(variable(text))


@pytest.mark.parametrize(
    "expression",
    [
        "secrets.TOKEN | upper",
        "secrets.TOKEN | default('')",
        "secrets.TOKEN ~ 'x'",
        "secrets.TOKEN == 'x'",
        "'a' if secrets.TOKEN == 'b' else 'c'",
        "secrets.TOKEN[0:2]",
        "[secrets.TOKEN] | join",
        "secrets | length",
        "{'a': secrets.TOKEN}.a",
        "inputs[secrets.TOKEN]",
        "secrets.TOKEN is defined",
    ],
)
def test_nothing_can_be_computed_with_a_secret(expression):
    found = only(variable("${{ " + expression + " }}"))
    assert found.code == "UNS141"
    assert "by itself" in found.hint


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ('run: "curl -- ${{ secrets.TOKEN }}"', '`"$TOKEN"` in the script'),
        ('run: [curl, "${{ secrets.TOKEN }}"]', "a command line can be read by every user"),
        ('run: [x]\n    stdin: "${{ secrets.TOKEN }}"', "the command finds it there"),
        ('run: [x]\n    with: {a: ["${{ secrets.TOKEN }}"]}', "what is in `with` is recorded"),
        ('run: [x]\n    cwd: "${{ secrets.TOKEN }}"', "a folder is recorded"),
        ("run: [x]\n    when: \"${{ secrets.TOKEN != '' }}\"", "a condition cannot look at a secret"),
        ('run: [x]\n    success_when: "${{ secrets.TOKEN | length == 3 }}"', "a condition cannot look at a secret"),
    ],
)
def test_elsewhere_in_a_task_a_secret_is_refused(field, hint):
    found = only(body_with(field))
    assert found.code == "UNS140"
    assert hint in found.hint


@pytest.mark.parametrize("key", ["env", "outputs"])
def test_beside_the_tasks_a_secret_is_refused(key):
    found = only(body_with("run: [x]", DECLARED + key + ": {a: '${{ secrets.TOKEN }}'}\n"))
    assert found.code == "UNS140"


def test_what_the_hint_says_compiles():
    hint = only(body_with('run: "curl -- ${{ secrets.TOKEN }}"')).hint
    env = hint.split("`")[1]
    plan_of(body_with(f'run: curl "$TOKEN"\n    {env}'))


def test_a_misspelt_secret_is_guessed():
    found = only(variable("${{ secrets.TOKN }}"))
    assert (found.code, found.hint) == ("UNS142", "did you mean `secrets.TOKEN`?")
    assert only(variable("${{ secrets.token }}")).hint == "did you mean `secrets.TOKEN`?"
    assert only(variable("${{ secrets.OTHER_THING }}")).hint == "declare it at the top level: `secrets: [OTHER_THING]`"


def test_secrets_alone_or_with_members_say_nothing():
    assert codes(variable("${{ secrets }}")) == ["UNS072"]
    assert codes(variable("${{ secrets.TOKEN.x }}")) == ["UNS069"]


def test_a_secret_that_no_task_is_given_is_a_warning():
    (found,) = diagnose("secrets: [UNUSED]\ntasks: {t: {run: [x]}}\n")
    assert (found.code, found.severity, found.path) == ("UNS143", "warning", ("secrets", 0))
    assert 'env: {UNUSED: "${{ secrets.UNUSED }}"}' in found.hint


def test_of_a_faulty_list_nothing_is_called_unknown():
    assert codes(variable("${{ secrets.ANY }}", "secrets: {ANY: x, TOKEN: y}\n")) == ["UNS023"]
    assert codes(variable("${{ secrets.ANY }}", "secret: [ANY]\n")) == ["UNS020"]


def test_a_map_of_secrets_is_asked_for_as_a_list():
    found = only("secrets: {TOKEN: {file: x}, my-key: {}}\ntasks: {t: {run: [x]}}\n")
    assert found.hint == "write `secrets: [TOKEN, my_key]`"


def test_other_ways_to_keep_something_secret_have_an_answer():
    assert "secrets: [NAME]" in only("tasks: {t: {run: [x], secrets: [A]}}\n").hint
    assert "secrets: [NAME]" in only("inputs: {a: {type: string, secret: true}}\ntasks: {t: {run: [x]}}\n").hint
    assert "`secrets.NAME`" in only(variable("${{ vault.TOKEN }}")).hint


def test_the_names_are_part_of_what_a_plan_is():
    assert plan_of(variable("${{ secrets.TOKEN }}")).hash != plan_of(variable("${{ secrets.KEY }}")).hash

"""Names that stand for nothing are answered with what was meant."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import marked, only
from tests.unit.compiler.referring import argv, body_with


@pytest.mark.parametrize(
    ("expression", "code", "message", "hint"),
    [
        ("inptus.name", "UNS063", "there is no `inptus`", "did you mean `inputs`?"),
        ("github.sha", "UNS063", "there is no `github`", "use `inputs`, or `run.id`, `run.name` and `run.started_at`"),
        ("needs.made.outputs.version", "UNS063", "there is no `needs`", "write `tasks.NAME.outputs.NAME`"),
        ("quux", "UNS063", "there is no `quux`", "known here are `inputs`, `env`, `run`, `tasks`"),
        ("item", "UNS064", "`item` is known only under `for_each`", "give the task a `for_each`"),
        ("index", "UNS064", "`index` is known only under `for_each` or `matrix`", "give the task a `for_each`"),
        ("matrix.os", "UNS064", "`matrix` is known only under `matrix`", "give the task a `matrix`"),
        (
            "previous.result",
            "UNS064",
            "`previous` is known only in a sequential group, from its second step on",
            "name the task: `tasks.NAME`, with NAME in `depends_on`",
        ),
        ("event.x", "UNS064", "`event` is not supported by this version yet", "make it an input"),
        (
            "result.stdout",
            "UNS064",
            "`result` is not known before the task has run",
            "a task's own result is known in its `success_when`; of another task write `tasks.NAME.result`",
        ),
        (
            "run.state",
            "UNS064",
            "`run.state` is not known before the run has ended",
            "it is known only in the tasks of `finally`; read `tasks.NAME.state` instead",
        ),
        (
            "tasks.made.instances",
            "UNS069",
            "task `made` has no `for_each` and so no `instances`",
            "write `tasks.made.state`",
        ),
        ("inputs.nmae", "UNS065", "the document declares no input `nmae`", "did you mean `inputs.name`?"),
        ("env.ci", "UNS066", "the document's `env` has no variable `ci`", "did you mean `env.CI`?"),
        ("env.HOME", "UNS066", "the document's `env` has no variable `HOME`", "declare it in the document's `env`"),
        ("tasks.maed.state", "UNS067", "there is no task `maed`", "did you mean `tasks.made`?"),
        (
            "tasks.made.outputs.verison",
            "UNS068",
            "task `made` declares no output `verison`",
            "did you mean `version`?",
        ),
        (
            "tasks.made.outputs.stdout",
            "UNS068",
            "task `made` declares no output `stdout`",
            "write `tasks.made.result.stdout`",
        ),
        (
            "tasks.made.outputs.size",
            "UNS068",
            "task `made` declares no output `size`",
            "declare it: `outputs: {size: {type: string}}` in task `made`",
        ),
        ("tasks.made.version", "UNS069", "a task has no `version`", "write `tasks.made.outputs.version`"),
        ("tasks.made.stdout", "UNS069", "a task has no `stdout`", "write `tasks.made.result.stdout`"),
        ("tasks.made.status", "UNS069", "a task has no `status`", "write `tasks.made.state`"),
        ("tasks.made.x", "UNS069", "a task has no `x`", "it has `outputs`, `result` and `state`"),
        (
            "tasks.made.result.exitcode",
            "UNS069",
            "`tasks.made.result` has no `exitcode`",
            "did you mean `exit_code`?",
        ),
        (
            "tasks.made.result.error.kind",
            "UNS069",
            "`tasks.made.result.error` has no `kind`",
            "it has `class` and `message`",
        ),
        (
            "tasks.made.result.exit_code.x",
            "UNS069",
            "`tasks.made.result.exit_code` has no members",
            "write `tasks.made.result.exit_code`",
        ),
        ("tasks.made.state.x", "UNS069", "`tasks.made.state` has no members", "write `tasks.made.state`"),
        ("run.number", "UNS069", "`run` has no `number`", "it has `id`, `name` and `started_at`"),
        ("run.id.x", "UNS069", "`run.id` has no members", "write `run.id`"),
        ("env.CI.x", "UNS069", "`env.CI` has no members", "write `env.CI`"),
        (
            "inputs.name.first",
            "UNS069",
            "`inputs.name` is text and has no member `first`",
            "write `inputs.name`, or change its schema",
        ),
        (
            "inputs.list[0].b",
            "UNS069",
            "`inputs.list.0` is a map and has no member `b`",
            "write `inputs.list.0`, or change its schema",
        ),
        (
            "inputs.list.first",
            "UNS069",
            "`inputs.list` is a list and has no member `first`",
            "write `inputs.list`, or change its schema",
        ),
        (
            "tasks.made.outputs.count.x",
            "UNS069",
            "`tasks.made.outputs.count` is a number and has no member `x`",
            "write `tasks.made.outputs.count`, or change its schema",
        ),
        (
            "tasks | length",
            "UNS072",
            "`tasks` does not say which task is meant",
            "write `tasks.NAME.outputs.NAME`",
        ),
        (
            "tasks[inputs.name].state",
            "UNS072",
            "`tasks` does not say which task is meant",
            "write `tasks.NAME.outputs.NAME`",
        ),
        (
            "tasks.made | tojson",
            "UNS072",
            "`tasks.made` does not say which value of the task is meant",
            "write `tasks.made.outputs.NAME`, `tasks.made.result` or `tasks.made.state`",
        ),
    ],
)
def test_what_does_not_exist_is_named_with_the_way_out(expression, code, message, hint):
    body = argv(expression)
    found = only(body)
    assert (found.code, found.message, found.hint) == (code, message, hint)
    assert marked(body, found, len(expression)).startswith(expression.partition(" ")[0].partition("[")[0])


def test_variables_of_the_task_and_of_the_shell_are_pointed_to():
    own = only(body_with('run: "echo ${{ env.MINE }}"\n    env: {MINE: a}'))
    assert own.hint == "a task's own variables are the command's: write `$MINE` in the script"
    own = only(body_with('run: [x, "${{ env.MINE }}"]\n    env: {MINE: a}'))
    assert own.hint == "expressions know the document's `env` only: move the variable there"
    other = only(body_with('run: "echo ${{ env.HOME }}"'))
    assert (
        other.hint == "write `$HOME` for a variable of the command's environment, or declare it in the document's `env`"
    )

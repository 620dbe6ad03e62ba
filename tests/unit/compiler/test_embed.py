"""Documents inside documents: what is handed in, what comes out, and what may not be."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from tests.playing import FAILS, Player
from unspool.compiler.compile import Compilation, compile_document
from unspool.compiler.embed import Source
from unspool.model.commands import StartAttempt

CHILD = """
unspool: 1
name: child
inputs: {target: {type: string}, n: {type: integer, default: 3}}
env: {WHERE: "at ${{ inputs.target }}"}
defaults: {timeout: 7s, retry: {max_attempts: 2}}
limits: {timeout: 1h}
tasks:
  push: {run: [x, "${{ env.WHERE }}", 3.10], outputs: {v: {type: string, from: stdout}}}
  check: {depends_on: [push], run: [y, "${{ inputs.n }}", "${{ tasks.push.outputs.v }}"]}
finally:
  tidy: {run: [z]}
outputs: {where: "${{ tasks.push.outputs.v }}"}
"""
PARENT = """
unspool: 1
name: parent
defaults: {timeout: 1s}
tasks:
  first: {run: [x], outputs: {t: {type: string, from: stdout}}}
  sub:
    depends_on: [first]
    workflow: {path: sub/child.yaml, inputs: {target: "${{ tasks.first.outputs.t }}"}}
  after: {depends_on: [sub], run: [x, "${{ tasks.sub.outputs.where }}"]}
"""


class Files:
    """Documents in a dictionary."""

    def __init__(self, files: dict[str, str], name: str = "parent.yaml") -> None:
        self.files = files
        self.name = name

    def read(self, path: str) -> Source:
        name = path.removeprefix("../")
        if name not in self.files:
            raise ValueError("cannot be read: there is no such file")
        return Source(name, name.rpartition("/")[0], dedent(self.files[name]).encode(), "yaml")

    def beside(self, source: Source) -> Files:
        return Files(self.files, source.name)


def compiled(parent: str = PARENT, **files: str) -> Compilation:
    named = {f"sub/{name}.yaml": text for name, text in {"child": CHILD, **files}.items()}
    return compile_document(dedent(parent).lstrip(), "yaml", Files(named))


def player(parent: str = PARENT, **how: Any) -> Player:
    compilation = compiled(parent)
    assert compilation.plan is not None, compilation.diagnostics
    return Player(compilation.plan, **how)


def specs(played: Player) -> dict[str, Any]:
    orders = [order for entry in played.entries for order in entry.commands if isinstance(order, StartAttempt)]
    return {played.run.nodes[order.tasks[0]].id: order.spec for order in orders}


def test_a_document_runs_as_a_group_with_inputs_and_variables_of_its_own():
    played = player()
    played.finish()
    assert played.begun == ["first", "sub.push", "sub.check", "sub.tidy", "after"]
    found = specs(played)
    assert found["sub.push"]["argv"] == ["x", "at first", "3.10"]
    assert found["sub.push"]["env"] == {"WHERE": "at first"}
    assert found["sub.push"]["cwd"] == "sub"
    assert found["sub.check"]["argv"] == ["y", "3", "sub.push"]
    assert found["after"]["argv"] == ["x", "sub.push"]


def test_defaults_and_limits_are_those_of_its_own_document():
    plan = compiled().plan
    assert plan is not None
    tasks = {task.id: task for task in plan.tasks}
    assert (tasks["first"].timeout, tasks["sub.push"].timeout) == (1.0, 7.0)
    assert (tasks["first"].retry.max_attempts, tasks["sub.push"].retry.max_attempts) == (1, 2)
    assert tasks["sub._gate"].timeout == 3600.0


def test_the_lowest_concurrency_counts_for_the_whole_run():
    files = {"child": CHILD.replace("limits: {", "limits: {concurrency: 3, ")}
    assert compiled(PARENT, **files).plan.concurrency == 3
    wider = PARENT.replace("defaults:", "limits: {concurrency: 2}\ndefaults:")
    assert compiled(wider, **files).plan.concurrency == 2
    assert compiled(wider).plan.concurrency == 2


def test_its_failure_is_that_of_its_task():
    played = player(fates={"sub.push": FAILS})
    played.finish()
    assert played.ends()["sub"] == ("failed", "member_failed")
    assert played.ends()["sub.tidy"] == ("completed", None)
    assert played.states()["after"] == "cancelled"
    assert played.run.state == "failed"


def test_its_finally_runs_when_the_run_is_cancelled():
    played = player()
    played.finish_until("sub.push")
    played.cancel()
    played.finish()
    assert played.states()["sub.tidy"] == "completed"
    assert played.run.state == "cancelled"


def test_a_second_interrupt_ends_its_finally():
    played = player()
    played.finish_until("sub.push")
    played.cancel(by="interrupt")
    played.cancel(by="interrupt")
    played.finish()
    assert played.states()["sub.tidy"] == "cancelled"


def test_one_for_each_item():
    text = PARENT.replace(
        '    workflow: {path: sub/child.yaml, inputs: {target: "${{ tasks.first.outputs.t }}"}}',
        '    for_each: [a, b]\n    workflow: {path: sub/child.yaml, inputs: {target: "${{ item }}"}}',
    ).replace("${{ tasks.sub.outputs.where }}", "${{ tasks.sub.outputs.where | join(',') }}")
    played = player(text)
    played.finish()
    found = specs(played)
    assert found["sub[b].push"]["argv"] == ["x", "at b", "3.10"]
    assert found["after"]["argv"] == ["x", "sub[a].push,sub[b].push"]


def test_a_value_that_does_not_fit_fails_the_task_before_anything_of_it_runs():
    text = PARENT.replace("inputs: {target:", "inputs: {n: '${{ tasks.first.outputs.t }}', target:")
    played = player(text)
    played.finish()
    assert played.ends()["sub"] == ("failed", "expression_error")
    assert "sub.push" not in played.begun


@pytest.mark.parametrize(
    ("change", "files", "code", "line", "says"),
    [
        (("child.yaml", "none.yaml"), {}, "UNS180", 8, "cannot be read"),
        (("target:", "goal:"), {}, "UNS183", 8, "no input `goal`"),
        (("inputs: {target:", "inputs: {n: many, target:"), {}, "UNS183", 8, "must be a whole number"),
        (
            ("", ""),
            {"child": CHILD.replace("run: [z]", "ran: [z]")},
            "UNS181",
            8,
            "1 error, first in line 12: ",
        ),
        (("", ""), {"child": CHILD.replace("env:", "secrets: [TOKEN]\nenv:")}, "UNS184", 8, "the secret `TOKEN`"),
        (("", ""), {"child": CHILD.replace("env:", "resources: {p: {slots: 1}}\nenv:")}, "UNS184", 8, "resource `p`"),
        (
            ("", ""),
            {"child": CHILD.replace("finally:", "  more: {workflow: {path: ../sub/child.yaml}}\nfinally:")},
            "UNS181",
            8,
            "name each other: sub/child.yaml -> sub/child.yaml",
        ),
    ],
)
def test_what_cannot_be_embedded_says_why_where_it_is_named(change, files, code, line, says):
    found = [one for one in compiled(PARENT.replace(*change, 1), **files).diagnostics if one.is_error]
    assert found[0].code == code, found
    assert found[0].position is not None
    assert found[0].position.line == line
    assert any(says in one.message for one in found), found
    assert all(one.hint for one in found)


def test_a_text_that_is_no_file_can_name_no_other():
    (found,) = [one for one in compile_document(dedent(PARENT).lstrip()).diagnostics if one.code == "UNS180"]
    assert "from a text that is no file" in found.message


def test_a_script_of_another_document_is_judged_by_its_own_inputs_and_read_by_its_own_shell():
    child = """
    unspool: 1
    name: child
    inputs: {{p: {{type: string{}}}}}
    tasks: {{a: {{run: "cat ${{{{ inputs.p }}}}"}}}}
    """
    parent = """
    unspool: 1
    name: parent
    inputs: {p: {type: string, pattern: "^[a-z]+$"}}
    defaults: {shell: bash}
    tasks: {sub: {workflow: {path: sub/child.yaml, inputs: {p: "${{ inputs.p }}"}}}}
    """
    [found] = compiled(parent, child=child.format("")).diagnostics
    assert found.code == "UNS102"
    fits = compiled(parent, child=child.format(', pattern: "^[a-z]+$"'))
    assert fits.diagnostics == ()
    assert fits.plan is not None
    assert next(task.action["shell"] for task in fits.plan.tasks if task.id == "sub.a") == "sh"


def test_what_undoes_a_task_of_another_document_is_read_by_the_shell_of_that_document():
    child = """
    unspool: 1
    name: child
    defaults: {shell: zsh}
    tasks: {a: {run: go, compensate: {run: back}}}
    """
    parent = """
    unspool: 1
    name: parent
    defaults: {shell: bash}
    tasks: {sub: {workflow: {path: sub/child.yaml}}, b: {depends_on: [sub], run: [x], on_failure: {rollback: {}}}}
    """
    plan = compiled(parent, child=child).plan
    assert plan is not None
    assert {task.action["shell"] for task in plan.tasks if task.id.startswith("sub.a")} == {"zsh"}


UNDOING = """
unspool: 1
name: child
env: {A: doc, B: doc}
defaults: {timeout: 7s, shell: bash, retry: {max_attempts: 2}}
tasks:
  push: {run: [x], cwd: in, env: {A: task}, compensate: {run: "echo y"}}
  pull: {run: [x], compensate: {run: [y], cwd: out, env: {B: own}, timeout: 1s, retry: {delay: 2s}}}
  ask: {approval: well?, compensate: {run: [y]}}
  fail: {depends_on: [push, pull, ask], run: [x], on_failure: {rollback: {}}}
"""

UNDOER = "unspool: 1\nname: parent\ntasks: {sub: {workflow: {path: sub/child.yaml}}}\n"


def test_a_compensation_has_the_defaults_the_variables_and_the_folder_of_its_own_document():
    compilation = compiled(UNDOER, child=UNDOING)
    assert compilation.plan is not None, compilation.diagnostics
    push, pull, ask = (
        next(task for task in compilation.plan.tasks if task.id == f"sub.{name}/compensate")
        for name in ("push", "pull", "ask")
    )
    assert (push.env, push.cwd, push.timeout) == ({"A": "task", "B": "doc"}, "sub/in", 7)
    assert push.action["shell"] == "bash"
    assert push.retry.max_attempts == 2
    assert (pull.env, pull.cwd, pull.timeout) == ({"A": "doc", "B": "own"}, "sub/out", 1)
    assert (pull.retry.max_attempts, pull.retry.delay) == (2, 2)
    assert (ask.env, ask.cwd) == ({"A": "doc", "B": "doc"}, "sub")


ASKING = """
unspool: 1
name: child
tasks:
  push:
    http: {url: "http://a/", headers: {X-Version: 3.10}}
    compensate: {http: {url: "http://b/", headers: {X-Version: 4.10}}}
  pull:
    run: [x]
    compensate: {http: {url: "http://b/"}}
    depends_on: [push]
    on_failure: {rollback: {}}
"""


def test_requests_are_spelt_as_in_their_own_document():
    compilation = compiled(UNDOER, child=ASKING)
    assert compilation.plan is not None, compilation.diagnostics
    tasks = {task.id: task for task in compilation.plan.tasks}
    assert tasks["sub.push"].action["headers"] == {"X-Version": "3.10"}
    assert tasks["sub.push/compensate"].action["headers"] == {"X-Version": "4.10"}
    assert (tasks["sub.pull/compensate"].kind, tasks["sub.pull/compensate"].env) == ("http", {})


def test_expressions_of_a_document_work_where_the_one_around_it_has_none():
    child = """
    unspool: 1
    name: child
    tasks:
      x: {run: [x]}
      y: {depends_on: [x], run: [got, "${{ tasks.x.result.stdout }}"]}
      z: {depends_on: [x], run: "echo ${{ tasks.x.result.stdout }}"}
    """
    parent = "unspool: 1\nname: parent\ntasks: {a: {workflow: {path: sub/plain.yaml}}}\n"
    compilation = compiled(parent, plain=child)
    assert compilation.plan is not None
    tasks = {task.id: task for task in compilation.plan.tasks}
    assert tasks["a.x"].collect == ("stdout",)
    assert "${{" not in tasks["a.z"].action["script"]


def test_rules_of_a_document_inside_another_are_its_own():
    child = """
    unspool: 1
    name: child
    tasks:
      x:
        run: [x]
        on_result: [{when: "${{ outcome == 'completed' }}", ruleset: mine}]
      g: {group: {tasks: {m: {run: [x], on_result: [{ruleset: mine}]}}}}
    rulesets: {mine: [{when: "${{ attempt == 1 }}", note: "first of ${{ run.name }}"}]}
    """
    parent = "unspool: 1\nname: parent\ntasks: {a: {workflow: {path: sub/plain.yaml}}}\n"
    compilation = compiled(parent, plain=child)
    assert compilation.plan is not None, compilation.diagnostics
    played = Player(compilation.plan)
    played.finish()
    assert sorted((played.run.nodes[note.task].id, note.text) for note in played.run.notes) == [
        ("a.g.m", "first of parent"),
        ("a.x", "first of parent"),
    ]

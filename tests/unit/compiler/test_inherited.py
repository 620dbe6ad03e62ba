"""What a compensation takes over from its task, and what of it is refused."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, marked, only, task_of

POOL = "resources: {port: {items: [1, 2]}, room: {slots: 1}}\n"


def undo_of(task: str, head: str = "", name: str = "t"):
    return task_of(f"{head}tasks: {{{name}: {{{task}}}}}", f"{name}/compensate")


def test_it_has_the_variables_and_the_folder_of_its_task():
    undo = undo_of("run: [x], cwd: there, env: {A: 3.10, B: b}, compensate: {run: [y]}")
    assert (undo.env, undo.cwd, undo.dynamic) == ({"A": "3.10", "B": "b"}, "there", False)


def test_its_own_stand_in_place_of_those_of_the_same_name():
    undo = undo_of("run: [x], cwd: there, env: {A: a, B: b}, compensate: {run: [y], cwd: here, env: {B: 0x1, C: c}}")
    assert (undo.env, undo.cwd) == ({"A": "a", "B": "0x1", "C": "c"}, "here")


def test_the_folder_of_defaults_comes_last():
    head = "defaults: {cwd: all}\n"
    assert undo_of("run: [x], compensate: {run: [y]}", head).cwd == "all"
    assert undo_of("run: [x], cwd: there, compensate: {run: [y]}", head).cwd == "there"
    assert undo_of("run: [x], compensate: {run: [y], cwd: here}", head).cwd == "here"


@pytest.mark.parametrize(
    ("around", "expression"),
    [
        ("for_each: [1]", "item"),
        ("for_each: [1]", "index"),
        ("matrix: {os: [a]}", "matrix.os"),
        ("when: true", "run.id"),
    ],
)
def test_expressions_in_them_are_those_of_the_task(around, expression):
    text = "${{ " + expression + " }}"
    undo = undo_of(f"{around}, run: [x], cwd: '{text}', env: {{A: '{text}'}}, compensate: {{run: [y]}}")
    assert (undo.env, undo.cwd, undo.dynamic) == ({"A": text}, text, True)


def test_the_step_before_is_known_in_them_and_in_the_compensation_itself():
    body = """
    tasks:
      g:
        group:
          tasks:
            a: {run: [x], outputs: {v: {type: string}}}
            b:
              run: [x]
              env: {A: "${{ previous.outputs.v }}"}
              compensate: {run: [y, "${{ previous.outputs.v }}"]}
    """
    undo = task_of(body, "g.b/compensate")
    assert undo.previous == task_of(body, "g.b").previous == task_of(body, "g.a").index
    assert codes(body.replace('y, "${{ previous.outputs.v', 'y, "${{ previous.outputs.w')) == ["UNS068"]


def test_a_wrong_expression_is_told_once_and_where_it_stands():
    body = "tasks: {t: {run: [x], env: {A: '${{ inputs.none }}'}, compensate: {run: [y]}}}"
    found = only(body)
    assert (found.code, found.path) == ("UNS065", ("tasks", "t", "env", "A"))
    assert codes(body.replace("{{ inputs.none }}", "{{ (")) == ["UNS060"]


def test_it_holds_the_secrets_of_the_variables_that_it_takes_over():
    head = "secrets: [KEY, PIN]\n"
    task = "run: [x], env: {A: '${{ secrets.KEY }}', B: '${{ secrets.PIN }}'}, compensate: {run: [y], %s}"
    assert undo_of(task % "timeout: 1s", head).secrets == ("KEY", "PIN")
    assert undo_of(task % "env: {A: a}", head).secrets == ("PIN",)


@pytest.mark.parametrize(
    ("field", "path", "what", "own"),
    [
        ("env: {PORT: 'a ${{ lease.port }}'}", ("env", "PORT"), "the variable `PORT`", "`env: {PORT: TEXT}`"),
        ("cwd: 'a-${{ lease.port }}'", ("cwd",), "`cwd`", "`cwd: FOLDER`"),
    ],
)
def test_a_lease_of_the_task_is_refused_where_the_compensation_has_none(field, path, what, own):
    task = f"{{run: [x], uses: [port], {field}, compensate: {{run: [y]}}}}"
    body = f"{POOL}tasks: {{r: {{run: [x], uses: [room]}}, t: {task}}}"
    found = only(body)
    assert (found.code, found.path) == ("UNS124", ("tasks", "t", *path))
    assert found.message == (
        f"{what} names `lease.port`, and `compensate` of task `t`, which takes it over, does not have that lease"
    )
    assert own in (found.hint or "")
    assert "`${{ tasks.t.outputs.NAME }}`" in (found.hint or "")
    assert marked(body, found, 5) == "lease"
    assert codes(body.replace("compensate: {run: [y]", "compensate: {run: [y], cwd: b, env: {PORT: b}")) == []
    assert "task `t` does not use `room`" in only(body.replace("${{ lease.port", "${{ lease.room")).message, "and once"


def test_one_that_has_the_lease_by_the_defaults_takes_it_over():
    head = POOL + "defaults: {uses: [port, room]}\n"
    undo = undo_of("run: [x], env: {PORT: '${{ lease.port }}'}, compensate: {run: [y]}", head)
    assert undo.env == {"PORT": "${{ lease.port }}"}
    assert undo.uses == (("port", 1), ("room", 1))


def test_one_that_uses_something_has_leases_of_its_own():
    body = "run: [x], uses: [port], env: {PORT: '${{ lease.port }}'}, compensate: {run: [y, '${{ lease.port }}'], %s}"
    head = POOL.replace(", room: {slots: 1}", "")
    undo = undo_of(body % "uses: [port]", head)
    assert (undo.uses, undo.env) == ((("port", 1),), {"PORT": "${{ lease.port }}"})
    other, own = diagnose(f"{head}tasks: {{t: {{{body % 'timeout: 1s'}}}}}")
    assert (other.path, own.path) == (("tasks", "t", "env", "PORT"), ("tasks", "t", "compensate", "run", 1))
    assert own.message == "`compensate` of task `t` does not use `port`"
    assert "`uses: [port]`" in (own.hint or "")
    (unknown,) = diagnose(f"{head}tasks: {{t: {{{body % 'uses: [port, prot]'}}}}}")
    assert (unknown.code, unknown.path) == ("UNS192", ("tasks", "t", "compensate", "uses", 1))


@pytest.mark.parametrize("wrong", ["env: 3", "uses: 3", "cwd: 3", "en: {A: a}", "timeout: 3, enn: {}"])
def test_nothing_is_said_to_be_taken_over_where_it_may_have_its_own(wrong):
    head = f"{POOL}tasks: {{r: {{run: [x], uses: [room]}}, t: {{run: [x], uses: [port], "
    field = "cwd: '${{ lease.port }}'" if "cwd" in wrong else "env: {A: '${{ lease.port }}'}"
    found = diagnose(f"{head}{field}, compensate: {{run: [y], {wrong}}}}}}}")
    assert all(one.path[:3] == ("tasks", "t", "compensate") for one in found), found

"""Placeholders: what the core knows of secrets, and that nothing else is taken for one."""

from __future__ import annotations

import pytest

from tests.property.worlds import started
from unspool.core.evaluation import build_spec
from unspool.core.placeholders import CLOSING, OPENING, fill, is_spelt, placeholders
from unspool.core.run import Run
from unspool.errors import ExpressionError
from unspool.model.plan import Plan, Task

SPELT = f"{OPENING}TOKEN{CLOSING}"


def run_of(task: Task, **more) -> Run:
    run = Run()
    run.apply(started(Plan("p", (task,), secrets=("TOKEN", "KEY"), **more)))
    return run


def variables(env: dict[str, str], **more) -> dict[str, str]:
    task = Task(0, "t", "run", {"argv": ["x"]}, env=env, dynamic=True, secrets=("TOKEN",))
    return build_spec(task, run_of(task, **more)._seen())["env"]


def test_a_variable_holds_placeholders_until_the_host_fills_it():
    rendered = variables({"A": "Bearer ${{ secrets.TOKEN }}!", "B": "${{ run.id }}"})
    assert "${{" not in rendered["A"]
    assert is_spelt(rendered["A"])
    assert fill(rendered, {"TOKEN": "sesame"}) == {"A": "Bearer sesame!", "B": "r1"}


def test_values_are_put_in_once_and_never_looked_at_again():
    marks = placeholders(["A", "B"])
    assert fill([marks["A"], {"x": marks["B"], "n": 3}], {"A": marks["B"], "B": "b"}) == [
        marks["B"],
        {"x": "b", "n": 3},
    ]


def test_what_names_no_secret_stays():
    assert fill(f"{OPENING}OTHER{CLOSING} {OPENING}", {"TOKEN": "x"}) == f"{OPENING}OTHER{CLOSING} {OPENING}"


def test_no_value_of_a_run_can_pass_for_a_placeholder():
    for env in ({"A": "x ${{ run.name }}"}, {"A": SPELT + "${{ run.id }}"}):
        with pytest.raises(ExpressionError, match=r"A: .*U\+FDD0"):
            variables_named(env)


def variables_named(env: dict[str, str]) -> None:
    run = Run()
    task = Task(0, "t", "run", {"argv": ["x"]}, env=env, dynamic=True, secrets=("TOKEN",))
    run.apply(started(Plan(f"p{SPELT}", (task,), secrets=("TOKEN",))))
    build_spec(task, run._seen())


def test_nor_can_a_variable_of_the_document():
    run = run_of(Task(0, "t", "run", {"argv": ["x"]}), env={"D": SPELT})
    assert (run.state, run.error["class"]) == ("failed", "expression_error")
    assert "U+FDD0" in run.error["message"]


def test_elsewhere_in_a_task_there_are_no_secrets():
    task = Task(0, "t", "run", {"argv": ["${{ secrets.TOKEN }}"]}, dynamic=True)
    with pytest.raises(ExpressionError):
        build_spec(task, run_of(task)._seen())


def test_a_run_without_secrets_may_hold_any_character():
    task = Task(0, "t", "run", {"argv": ["x"]}, env={"A": f"{SPELT}${{{{ run.id }}}}"}, dynamic=True)
    run = Run()
    run.apply(started(Plan("p", (task,))))
    assert build_spec(task, run._seen())["env"] == {"A": f"{SPELT}r1"}

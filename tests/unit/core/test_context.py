"""What an expression of a run may see, and no more."""

from __future__ import annotations

import pytest

from unspool.core.context import Context, fitting, text_of
from unspool.core.state import TaskRun
from unspool.errors import ExpressionError
from unspool.model.plan import Plan, Task

RUN = {"id": "r1", "name": "p", "started_at": 5.0}


def context(env: dict[str, str] | None = None) -> Context:
    plan = Plan("p", (Task(0, "first", "run", {}), Task(1, "second", "run", {})), env=env or {})
    tasks = [TaskRun(0, 0), TaskRun(1, 0)]
    tasks[0].state, tasks[0].outputs, tasks[0].result = "completed", {"n": 3}, {"exit_code": 0}
    return Context(plan, RUN, {"flag": True}, list(plan.tasks), tasks)


def test_an_expression_sees_only_the_tasks_it_names():
    seen = context().of_expression("tasks.first.outputs.n > 2")
    assert seen["tasks"] == {"first": {"state": "completed", "outputs": {"n": 3}, "result": {"exit_code": 0}}}
    assert (seen["inputs"], seen["run"], seen["env"]) == ({"flag": True}, RUN, {})


def test_a_task_without_an_end_has_a_state_and_nothing_else():
    assert context().of_expression("tasks.second.state")["tasks"] == {"second": {"state": "created"}}


def test_expressions_that_name_no_task_share_one_context():
    made = context()
    assert made.of_expression("inputs.flag") is made.base
    assert made.of(["plain", {"deep": ["${{ run.id }}"]}, 3, None]) is made.base


def test_names_are_found_at_any_depth_and_unknown_ones_are_absent():
    seen = context().of({"a": ["x", {"b": "-${{ tasks.second.state }}-${{ tasks.nobody.state }}"}]})
    assert list(seen["tasks"]) == ["second"]


def test_what_is_ones_own_is_added_for_one_expression_only():
    made = context()
    assert made.of_expression("result.exit_code == 0", {"result": {"exit_code": 0}})["result"] == {"exit_code": 0}
    assert "result" not in made.base


def test_the_environment_of_a_document_is_evaluated_once_from_inputs_and_the_run():
    assert context({"A": "${{ run.id }}-${{ inputs.flag }}", "B": "plain"}).base["env"] == {
        "A": "r1-true",
        "B": "plain",
    }


@pytest.mark.parametrize("value", ["${{ tasks.first.outputs.n }}", "${{ env.A }}", "${{ ( }}"])
def test_the_environment_of_a_document_sees_nothing_else(value):
    with pytest.raises(ExpressionError):
        context({"A": value})


def test_a_text_keeps_its_place_in_a_process():
    assert text_of("A", "n is ${{ inputs.n }}", {"inputs": {"n": 3}}) == "n is 3"
    assert fitting("A", "x" * 98_304) == "x" * 98_304
    assert len(fitting("A", "\u00e9" * 49_152)) == 49_152


@pytest.mark.parametrize(
    ("text", "said"),
    [("a\0b", "NUL"), ("x" * 98_305, "value_too_large"), ("\u00e9" * 49_153, "value_too_large")],
)
def test_what_no_process_can_be_given_is_refused(text, said):
    with pytest.raises(ExpressionError, match=f"A: .*{said}"):
        fitting("A", text)

import pytest

from tests.property.worlds import started
from unspool.core.evaluation import build_spec, evaluate_when
from unspool.core.run import Run
from unspool.errors import ExpressionError
from unspool.model.plan import Plan, Task


def run_of(*tasks: Task, env: dict[str, str] | None = None) -> Run:
    run = Run()
    run.apply(started(Plan("p", tasks, env=env or {})))
    return run


def spec_of(action: dict, **fields) -> dict:
    task = Task(0, "t", "run", action, dynamic=True, **fields)
    run = run_of(task, env={"WHO": "${{ run.name }}"})
    return build_spec(task, run._seen())


def test_argv_env_folder_and_input_are_evaluated():
    spec = spec_of(
        {"argv": ["echo", "${{ inputs.flag }}"], "stdin": "${{ env.WHO }}!", "with": {"f": "${{ inputs.flag }}"}},
        env={"A": "${{ run.id }}"},
        cwd="${{ env.WHO }}",
    )
    assert spec == {"argv": ["echo", "true"], "stdin": "p!", "with": {"f": True}, "env": {"A": "r1"}, "cwd": "p"}


def test_script_values_are_text_and_never_the_script():
    spec = spec_of({"script": 'echo "${UNSPOOL_V1}"', "shell": "sh", "values": {"UNSPOOL_V1": "run.name"}})
    assert (spec["script"], spec["values"]) == ('echo "${UNSPOOL_V1}"', {"UNSPOOL_V1": "p"})


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"script": "x", "values": {"V": "[1, 2]"}}, "a list or a map"),
        ({"argv": ["${{ 'a' ~ \"\\u0000\" }}"]}, "NUL"),
        ({"argv": ["${{ tasks.other.outputs.x }}"]}, "absent"),
    ],
)
def test_values_that_no_process_can_take_are_errors(action, said):
    with pytest.raises(ExpressionError, match=said):
        spec_of(action)


def test_a_value_above_96_kib_is_refused():
    task = Task(0, "t", "run", {"argv": ["echo", "${{ inputs.big }}"]}, dynamic=True)
    run = Run()
    run.apply(started(Plan("p", (task,)))._replace(inputs={"big": "x" * 98_305}))
    with pytest.raises(ExpressionError, match="value_too_large"):
        build_spec(task, run._seen())


def test_when_gives_a_verdict_or_the_failure():
    run = run_of(Task(0, "t", "run", {"argv": ["x"]}))
    assert evaluate_when("inputs.flag", run._seen()) is True
    refused = evaluate_when("inputs.flag + 1", run._seen())
    assert isinstance(refused, dict)
    assert refused["class"] == "expression_error"

import pytest

from unspool.core.results import OutputError, check_end, judge, known_outputs, read_outputs, result_view
from unspool.errors import IllegalEvent
from unspool.model.events import AttemptEnded
from unspool.model.plan import Output, Task
from unspool.model.values import Ref

EXIT_1 = {"class": "exit_code", "message": "exit code 1"}


def task(*outputs: Output, **fields) -> Task:
    return Task(0, "t", "run", {"argv": ["x"]}, outputs=outputs, **fields)


def outputs_of(collected: dict, *outputs: Output) -> dict:
    return read_outputs(task(*outputs), collected, result_view(collected, None, 1.0))


def inline(value) -> dict:
    return {"inline": value}


def test_what_is_not_there_is_null():
    view = result_view({}, None, None)
    assert view == {"exit_code": None, "stdout": None, "stderr": None, "duration": None, "error": None, "json": None}


def test_a_kind_adds_fields_that_are_null_where_it_does_not_know_them():
    view = result_view({"status_code": 200}, None, 1.0, "http")
    assert (view["status_code"], view["headers"], view["retry_after"]) == (200, None, None)
    assert "status_code" not in result_view({"status_code": 200}, None, 1.0, "run")


@pytest.mark.parametrize(
    ("kind", "status", "overruled"),
    [
        ("bad_request", 404, True),
        ("server", 503, True),
        ("auth", 401, True),
        ("rate_limit", 429, True),
        ("quota", 402, True),
        ("bad_request", None, False),  # it could not even be sent
        ("connection", None, False),
        ("timeout", None, False),
        ("output_invalid", None, False),
        ("spawn_failed", None, False),
    ],
)
def test_success_when_may_judge_a_status_and_nothing_that_came_before_one(kind, status, overruled):
    error = {"class": kind, "message": ""}
    view = result_view({"status_code": status}, error, 1.0, "http")
    verdict = judge(task(success_when="true"), view, {"result": view})
    assert verdict == (None if overruled else error)


def test_success_when_may_refuse_a_status():
    view = result_view({"status_code": 200}, None, 1.0, "http")
    verdict = judge(task(success_when="result.status_code == 201"), view, {"result": view})
    assert verdict is not None
    assert verdict["class"] == "success_when_false"


def test_json_is_stdout_where_it_parses_and_what_a_function_returned():
    assert result_view({"stdout": inline('{"a": 1}\n')}, None, 1.0)["json"] == {"a": 1}
    assert result_view({"stdout": inline("no")}, None, 1.0)["json"] is None
    assert result_view({"value": inline([1])}, None, 1.0)["json"] == [1]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "a b\n", "a b"),
        ("string", "a\n\n", "a\n"),
        ("integer", "3\n", 3),
        ("number", "2.5", 2.5),
        ("boolean", "true", True),
        ("array", "[1, 2]", [1, 2]),
        ("object", '{"a": null}', {"a": None}),
    ],
)
def test_text_is_read_as_the_declared_type(kind, text, value):
    assert outputs_of({"output": {"o": inline(text)}}, Output("o", {"type": kind})) == {"o": value}
    assert outputs_of({"stdout": inline(text)}, Output("o", {"type": kind}, "stdout")) == {"o": value}


@pytest.mark.parametrize(
    ("schema", "text", "said"),
    [
        ({"type": "integer"}, "3 4", "is not JSON for type integer"),
        ({"type": "integer"}, "2.5", "not of type integer"),
        ({"type": "boolean"}, "yes", "is not JSON for type boolean"),
        ({"type": "integer", "minimum": 5}, "3", "less than the minimum of 5"),
        ({"type": "string", "pattern": r"a\Z"}, "b", "does not match"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(schema, text, said):
    with pytest.raises(OutputError, match=said):
        outputs_of({"output": {"o": inline(text)}}, Output("o", schema))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "[1, NaN]", "[" * 5000])
@pytest.mark.parametrize("kind", ["integer", "number", "boolean", "array"])
def test_what_json_does_not_know_is_refused(kind, text):
    with pytest.raises(OutputError, match=f"is not JSON for type {kind}"):
        outputs_of({"output": {"o": inline(text)}}, Output("o", {"type": kind}))
    assert result_view({"stdout": inline(text)}, None, 1.0)["json"] is None
    assert known_outputs(task(Output("o", {"type": kind}, "stdout")), {"stdout": inline(text)}, {}) == {}


@pytest.mark.parametrize("path", ["/01", "/+1", "/-1", "/\u0661", "/" + "9" * 5000, "/2", "/-"])
def test_a_pointer_into_a_list_is_a_plain_index(path):
    found = {"stdout": inline("[5, 6]")}
    with pytest.raises(OutputError, match="has nothing at"):
        outputs_of(found, Output("o", {}, "json", path=path))
    assert outputs_of(found, Output("o", {}, "json", path="/1")) == {"o": 6}
    assert outputs_of(found, Output("o", {}, "json", path="/0")) == {"o": 5}


def test_paths_into_json():
    found = {"stdout": inline('{"a": [{"b/c": 7}]}')}
    assert outputs_of(found, Output("o", {"type": "integer"}, "json", path="/a/0/b~1c")) == {"o": 7}
    assert outputs_of(found, Output("o", {}, "json", path="/x", has_default=True, default=None)) == {"o": None}
    with pytest.raises(OutputError, match="has nothing at '/x' and declares no default"):
        outputs_of(found, Output("o", {}, "json", path="/x"))


def test_missing_outputs_take_their_default_or_are_errors():
    assert outputs_of({}, Output("o", {"type": "integer"}, has_default=True, default=4)) == {"o": 4}
    with pytest.raises(OutputError, match="'o' has no value"):
        outputs_of({}, Output("o", {"type": "integer"}))


def test_undeclared_names_are_errors():
    with pytest.raises(OutputError, match="UNSPOOL_OUTPUT names 'p'"):
        outputs_of({"output": {"p": inline("1")}})
    with pytest.raises(OutputError, match="line 3"):
        outputs_of({"output_error": "UNSPOOL_OUTPUT: line 3 is not `name=value`"})


def test_a_large_text_stays_a_reference_and_a_large_number_is_refused():
    large = {"output": {"o": {"ref": "ab", "size": 9_999_999, "head": "x"}}}
    assert outputs_of(large, Output("o", {"type": "string"})) == {"o": Ref("ab", 9_999_999, "x")}
    with pytest.raises(OutputError, match="more than max_bytes"):
        outputs_of(large, Output("o", {"type": "object"}))


def test_a_failed_task_keeps_the_outputs_that_can_be_read():
    found = {"output": {"a": inline("1"), "b": inline("x")}}
    declared = (
        Output("a", {"type": "integer"}),
        Output("b", {"type": "integer"}),
        Output("c", {"type": "integer"}, has_default=True, default=9),
    )
    assert known_outputs(task(*declared), found, result_view(found, None, 1.0)) == {"a": 1, "c": 9}


def test_success_when_stands_for_the_rule_about_exit_codes():
    view = result_view({"exit_code": 1}, EXIT_1, 1.0)
    seen = {"result": view, "attempt": 1}
    assert judge(task(), view, seen) == EXIT_1
    assert judge(task(success_when="result.exit_code in [0, 1]"), view, seen) is None
    refused = judge(task(success_when="result.exit_code == 0"), view, seen)
    assert refused is not None
    assert refused["class"] == "success_when_false"


def test_success_when_has_no_say_about_what_never_ended_by_itself():
    late = {"class": "timeout", "message": "it ran longer than 5 s"}
    view = result_view({"exit_code": 143}, late, 5.0)
    assert judge(task(success_when="true"), view, {"result": view, "attempt": 1}) == late


def test_a_success_when_that_fails_is_an_expression_error():
    view = result_view({"exit_code": 0}, None, 1.0)
    refused = judge(task(success_when="result.stdout > 3"), view, {"result": view, "attempt": 1})
    assert refused is not None
    assert refused["class"] == "expression_error"


@pytest.mark.parametrize(
    ("source", "text", "said"),
    [
        ("json", "{", "has no value: standard output is no JSON (Expecting property name"),
        ("json", "[" * 100_000, "has no value: standard output is no JSON (it is nested too deeply)"),
        ("json", '"\\ud800"', "half of a surrogate pair"),
        ("file", "", "has no value: the task made no file 'no.txt'"),
    ],
)
def test_a_missing_value_is_told_with_its_reason(source, text, said):
    output = Output("o", {}, source, file="no.txt" if source == "file" else None)
    with pytest.raises(OutputError) as refused:
        outputs_of({"stdout": inline(text)}, output)
    assert said in str(refused.value)


def test_half_a_character_in_a_typed_output_is_refused():
    with pytest.raises(OutputError, match="half of a surrogate pair"):
        outputs_of({"output": {"o": inline('["\\udc00"]')}}, Output("o", {"type": "array"}, "output"))


@pytest.mark.parametrize("kind", [None, "", 3, ["exit_code"]])
def test_a_failure_without_a_class_is_refused(kind):
    """It would be the reason of its task, and every end but a good one has a reason."""
    event = AttemptEnded(1.0, 1, 1, 0.5, {"class": kind, "message": "m"}, {"exit_code": 1})
    with pytest.raises(IllegalEvent, match="is no class of errors"):
        check_end(event, began=True, stopped=False)

"""Stubs: what they make of attempts of every kind."""

from __future__ import annotations

import pytest

from tests.rehearsing import ends, outputs, rehearsed
from unspool.errors import StubNeeded
from unspool.host.stubs import chosen, duration
from unspool.model.plan import Task


def end(task: str, stub: str) -> tuple[str, dict[str, object] | None]:
    played = rehearsed(f"tasks: {{a: {task}}}", f"stubs: {{a: {stub}}}")
    return ends(played)["a"], outputs(played, "a")


@pytest.mark.parametrize(
    ("stub", "state"),
    [
        ("{}", "completed"),
        ("{exit_code: 0}", "completed"),
        ("{exit_code: 3}", "failed exit_code"),
        ("{error: {class: exit_code}}", "failed exit_code"),
        ("{error: {class: signal, message: killed}}", "failed signal"),
        ("{error: {class: spawn_failed}}", "failed spawn_failed"),
        ("{error: {class: timeout}}", "failed timeout"),
        ("[{exit_code: 3}, {exit_code: 0}]", "failed exit_code"),
    ],
)
def test_a_process_ends_as_it_is_told(stub: str, state: str):
    assert end("{run: [x]}", stub) == (state, {})


@pytest.mark.parametrize(
    ("output", "stub", "value"),
    [
        ("{type: string}", "{outputs: {n: a}}", "a"),
        ("{type: string}", '{outputs: {n: "a\\n"}}', "a\n"),
        ("{type: string}", "{outputs: {n: 3}}", "3"),
        ("{type: integer}", "{outputs: {n: 3}}", 3),
        ("{type: integer}", '{outputs: {n: "3"}}', 3),
        ("{type: object, from: output}", "{outputs: {n: {a: [1]}}}", {"a": [1]}),
        ("{type: integer, path: /a/b}", "{outputs: {n: 3}}", 3),
        ("{type: string, from: stdout}", '{stdout: "text\\n"}', "text"),
        ("{type: string, from: stdout}", "{outputs: {n: text}}", "text"),
        ("{type: integer, from: stdout, path: /a}", "{json: {a: 3}}", 3),
        ("{type: integer, from: json, path: /a/0}", "{json: {a: [3]}}", 3),
        ("{type: integer, from: json, path: /a/0}", "{stdout: '{\"a\": [3]}'}", 3),
        ("{type: integer, from: json, path: /a/b~1c}", "{outputs: {n: 3}}", 3),
        ("{type: array, from: json}", "{outputs: {n: [3]}}", [3]),
        ("{type: integer, from: json, path: /a/b}", "{json: {a: {c: 1}}, outputs: {n: 3}}", 3),
        ("{type: string, from: {file: x.txt}}", "{outputs: {n: text}}", "text"),
        ("{type: integer, from: {file: x.json}, path: /a}", "{outputs: {n: 3}}", 3),
        ("{type: integer, from: result, path: /exit_code}", "{exit_code: 0}", 0),
        ("{type: string, default: none}", "{}", "none"),
    ],
)
def test_outputs_come_from_where_the_task_reads_them(output: str, stub: str, value: object):
    assert end(f"{{run: [x], outputs: {{n: {output}}}}}", stub) == ("completed", {"n": value})


def test_an_output_that_does_not_fit_fails_as_in_life():
    assert end("{run: [x], outputs: {n: {type: integer}}}", "{outputs: {n: x}}") == ("failed output_invalid", {})
    assert end("{run: [x], outputs: {n: {type: integer}}}", "{exit_code: 0}") == ("failed output_invalid", {})


@pytest.mark.parametrize(
    ("stub", "state"),
    [
        ("{}", "completed"),
        ("{status_code: 204}", "completed"),
        ("{status_code: 503}", "failed server"),
        ("{status_code: 429, retry_after: 3}", "failed rate_limit"),
        ("{status_code: 404}", "failed bad_request"),
        ("{error: {class: connection}}", "failed connection"),
        ("{error: {class: rate_limit}, status_code: 503}", "failed rate_limit"),
    ],
)
def test_a_request_is_answered(stub: str, state: str):
    assert end('{http: {url: "http://a.test/x"}}', stub)[0] == state


def test_what_an_answer_holds_is_seen():
    task = """{http: {url: "http://a.test/x", expect: [200, 404]}, outputs: {
        code: {type: integer, from: result, path: /status_code},
        kind: {type: string, from: result, path: /headers/content-type},
        n: {type: integer, from: json, path: /n}}}"""
    found = end(task, "{status_code: 404, headers: {Content-Type: text}, json: {n: 3}}")
    assert found == ("completed", {"code": 404, "kind": "text", "n": 3})


def test_a_server_that_asks_for_patience_is_waited_for():
    retry = "retry: {max_attempts: 2, delay: 1s, jitter: false}"
    for wait in ("retry_after: 100", "headers: {Retry-After: '100'}"):
        stubs = f"stubs: {{a: [{{status_code: 429, {wait}, seconds: 1}}, {{seconds: 1}}]}}"
        played = rehearsed(f'tasks: {{a: {{http: {{url: "http://a.test/"}}, {retry}}}}}', stubs)
        assert played.run.completed_at - played.run.started_at == pytest.approx(102, abs=0.01)


@pytest.mark.parametrize(
    ("output", "stub", "value"),
    [
        ("{type: integer}", "{json: {n: 3}}", 3),
        ("{type: integer}", "{outputs: {n: 3}}", 3),
        ("{type: string}", "{outputs: {n: '3'}}", "3"),
        ("{type: integer, from: json, path: /a}", "{json: {a: 3}}", 3),
        ("{type: integer, from: json, path: /a}", "{outputs: {n: 3}}", 3),
        ("{type: string, from: stdout}", "{stdout: text}", "text"),
    ],
)
def test_a_function_returns_what_it_is_told(output: str, stub: str, value: object):
    assert end(f'{{python: "a:b", outputs: {{n: {output}}}}}', stub) == ("completed", {"n": value})


def test_a_function_raises():
    assert end('{python: "a:b"}', "{error: {class: exception, message: no}}")[0] == "failed exception"


def test_a_task_without_a_word_about_its_outputs_asks_for_it():
    with pytest.raises(
        StubNeeded, match=r"task `a` begins and has no stub that gives its outputs `m` and `n`; add one"
    ):
        rehearsed("tasks: {a: {run: [x], outputs: {m: {type: string}, n: {type: string, from: stdout}}}}")
    stubs = "stubs: {a: {seconds: 3}}"
    with pytest.raises(StubNeeded, match=r'such as `"a\[x\]": {outputs: {n: ...}}`'):
        rehearsed("tasks: {a: {for_each: [x], run: [x], outputs: {n: {type: string}}}}", stubs)


def test_one_stub_for_each_attempt_of_which_the_last_repeats():
    assert chosen(None, 1) == {}
    assert [chosen([{"seconds": 1}, {"seconds": 2}], number)["seconds"] for number in (1, 2, 3)] == [1, 2, 2]


def test_nothing_takes_longer_than_it_may_unless_it_is_told_to():
    assert duration(Task(0, "a", "run", {}, timeout=10.0), {}) == 5
    assert duration(Task(0, "a", "run", {}, timeout=10.0, estimate=2.0), {}) == 2
    assert duration(Task(0, "a", "run", {}, timeout=10.0), {"seconds": 30}) == 30
    assert duration(Task(0, "a", "run", {}), {}) == 60
    assert end("{run: [x], timeout: 10s}", "{seconds: 30}")[0] == "failed timeout"
    assert end("{run: [x], idle_timeout: 10s}", "{seconds: 30}")[0] == "completed"

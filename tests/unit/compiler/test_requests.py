"""Requests: what can be said of them before anything is sent, and what their plan holds."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, only, task_of

HEAD = "inputs: {item: {type: string}}\n"


def request(*keys: str, before: str = HEAD, after: str = "") -> str:
    """Write a document of one task `t` with these keys of its request."""
    lines = "".join(f"      {key}\n" for key in keys)
    return f"{before}tasks:\n  t:\n    http:\n{lines}{after}"


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("example.com/items", 'write `url: "https://example.com/items"`'),
        ("example.com/${{ inputs.item }}", None),
        ("ftp://example.com/", None),
        ("'ftp://${{ inputs.item }}'", None),
        ("https://", None),
        ("https://a/b c", "write `%20` for a space"),
        ('"https://a/\\n"', None),
        ("https://a:99999/", None),
    ],
)
def test_an_address_that_no_request_can_go_to(url: str, hint: str | None):
    found = only(request(f"url: {url}"))
    assert found.code == "UNS131"
    assert found.hint == (hint or "correct it; an example: `url: https://example.com/items`")
    assert found.path == ("tasks", "t", "http", "url")


@pytest.mark.parametrize(
    "url",
    [
        "https://a/${{ inputs.item | urlencode }}",
        "'${{ inputs.item }}'",
        "http://localhost:8000",
        "https://${{ env.A }}/ ",
    ],
)
def test_an_address_that_may_do(url: str):
    assert codes(request(f"url: {url}", before=HEAD + "env: {A: b}\n")) == []


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Content-Length: 3", "`Content-Length` of `headers` of `http` of task `t` is set by unspool itself"),
        ("transfer-encoding: chunked", "is set by unspool itself"),
        ('X: "a\\nb"', "holds a line end"),
    ],
)
def test_a_header_that_no_request_can_have(header: str, said: str):
    found = only(request("url: https://a/", "headers:", f"  {header}"))
    assert found.code == "UNS132"
    assert said in found.message


def test_a_header_that_stands_there_twice():
    found = only(request("url: https://a/", "headers:", "  Accept: a", "  accept: b"))
    assert (found.code, found.path[-1]) == ("UNS132", "accept")


@pytest.mark.parametrize(
    "source", ["{type: string}", "{type: string, default: a}", "{from: {file: x}}", "{from: output}"]
)
def test_an_output_that_no_answer_can_fill(source: str):
    found = only(request("url: https://a/", after=f"    outputs: {{o: {source}}}\n"))
    assert found.code == "UNS133"
    assert found.hint is not None
    assert "`from: json`" in found.hint


def test_a_request_arrives_in_the_plan_with_its_defaults():
    task = task_of(request("url: https://a/", "headers: {X-Version: 3.10, Accept: text/plain}", "expect: [200.0, 404]"))
    assert task.kind == "http"
    assert task.action == {
        "method": "GET",
        "url": "https://a/",
        "headers": {"X-Version": "3.10", "Accept": "text/plain"},
        "expect": [200, 404],
    }
    assert not task.dynamic


@pytest.mark.parametrize(
    ("content", "method"),
    [("json: null", "POST"), ("body: ''", "POST"), ("json: {a: 1}", "POST"), ("headers: {}", "GET")],
)
def test_what_is_sent_decides_the_method(content: str, method: str):
    task = task_of(request("url: https://a/", content))
    assert task.action["method"] == method
    assert ("json" in task.action, "body" in task.action) == (content.startswith("json"), content.startswith("body"))
    assert task_of(request("url: https://a/", content, "method: DELETE")).action["method"] == "DELETE"


@pytest.mark.parametrize(
    "key",
    [
        "url: https://a/${{ inputs.item }}",
        "method: ${{ inputs.item }}",
        "headers: {A: '${{ inputs.item }}'}",
        "json: {a: ['${{ inputs.item }}']}",
        "body: ${{ inputs.item }}",
        "expect: '${{ [200] }}'",
    ],
)
def test_expressions_work_in_every_part(key: str):
    keys = [key] if key.startswith("url") else ["url: https://a/", key]
    assert task_of(request(*keys)).dynamic
    assert codes(request(*(each.replace("inputs.item", "inputs.itme") for each in keys))) == (
        ["UNS065"] if "inputs" in key else []
    )


def test_what_other_tasks_read_travels():
    after = """\
  u:
    depends_on: [t]
    run: [echo, "${{ tasks.t.result.headers['content-type'] }}", "${{ tasks.t.result.status_code }}"]
"""
    assert task_of(request("url: https://a/", after=after)).collect == ("headers",)
    assert task_of(request("url: https://a/", after="    outputs: {o: {from: json}}\n")).collect == ("json",)
    assert task_of(request("url: https://a/", after="    outputs: {o: {from: result}}\n")).collect == (
        "stdout",
        "json",
        "headers",
    )


@pytest.mark.parametrize(
    "expression",
    [
        "result.status_code == 200",
        "result.headers['x-a'] == 'b'",
        "result.headers == {}",
        "result.retry_after == none",
        "result.json.a == 1",
    ],
)
def test_what_a_result_has_by_its_kind(expression: str):
    assert codes(request("url: https://a/", after=f'    success_when: "${{{{ {expression} }}}}"\n')) == []


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("result.status == 200", "did you mean `status_code`?"),
        ("result.status_code.x == 1", "write `result.status_code`"),
        (
            "result.headers['X-A'] == 'b'",
            "names of headers are in lower case there: write `result.headers['x-a']`",
        ),
    ],
)
def test_what_a_result_does_not_have(expression: str, hint: str):
    found = only(request("url: https://a/", after=f'    success_when: "${{{{ {expression} }}}}"\n'))
    assert (found.code, found.hint) == ("UNS069", hint)


def test_a_process_has_no_status():
    (found,) = diagnose('tasks: {t: {run: "true", success_when: "${{ result.status_code == 200 }}"}}')
    assert (found.code, found.hint) == ("UNS069", "only an `http` task has it")


def test_a_folder_for_all_tasks_is_none_of_a_request():
    assert task_of(request("url: https://a/", before="defaults: {cwd: '${{ run.id }}', shell: bash}\n")).cwd is None


def test_a_faulty_request_hides_nothing_and_adds_nothing():
    body = request("url: https://a/", "methd: GET", after='    success_when: "${{ result.status_code == 200 }}"\n')
    assert codes(body) == ["UNS020"]


UNDO = """
inputs: {item: {type: string}}
secrets: [KEY]
defaults: {cwd: there, shell: bash, timeout: 9s}
tasks:
  t:
    run: [x]
    env: {A: "${{ secrets.KEY }}"}
    cwd: here
    outputs: {id: {type: string, from: stdout}}
    compensate:
      http:
        url: "https://a/${{ tasks.t.outputs.id | urlencode }}"
        method: DELETE
        headers: {X-Version: 3.10, Authorization: "Bearer ${{ secrets.KEY }}"}
        expect: [200, 404]
      retry: {max_attempts: 5, on: [{status: [503]}]}
"""


def test_a_request_undoes():
    undo = task_of(UNDO, "t/compensate")
    assert undo.kind == "http"
    assert undo.action == {
        "method": "DELETE",
        "url": "https://a/${{ tasks.t.outputs.id | urlencode }}",
        "headers": {"X-Version": "3.10", "Authorization": "Bearer ${{ secrets.KEY }}"},
        "expect": [200, 404],
    }
    assert (undo.env, undo.cwd, undo.timeout, undo.secrets) == ({}, None, 9, ("KEY",))
    assert (undo.retry.max_attempts, undo.retry.on) == (5, ({"status": [503]},))


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("https://a/$", "ftp://a/$", "UNS131", "`url` of `http` of `compensate` of task `t` must begin"),
        (
            "X-Version",
            "Content-Length",
            "UNS132",
            "`Content-Length` of `headers` of `http` of `compensate` of task `t`",
        ),
        ("outputs.id |", "outputs.ix |", "UNS068", "task `t` declares no output `ix`"),
        ("tasks.t.outputs.id |", "result.stdout |", "UNS064", "`result` is not known in a compensation"),
        ("Bearer ${{ secrets.KEY }}", "${{ secrets.KEY | upper }}", "UNS141", "nothing can be computed with a secret"),
        ("${{ tasks.t.outputs.id | urlencode }}", "${{ secrets.KEY }}", "UNS140", "a secret can stand only"),
        (
            "${{ tasks.t.outputs.id | urlencode }}",
            "${{ lease.port }}",
            "UNS124",
            "`compensate` of task `t` does not use",
        ),
    ],
)
def test_what_is_wrong_with_one_that_undoes_is_told_where_it_stands(old: str, new: str, code: str, message: str):
    found = only(UNDO.replace(old, new, 1) + "outputs: {a: '${{ tasks.t.outputs.id }}'}")
    assert (found.code, found.path[:4]) == (code, ("tasks", "t", "compensate", "http"))
    assert message in found.message

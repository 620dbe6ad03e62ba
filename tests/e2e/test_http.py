"""Requests by the installed command: from the document to the report, the log and the exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.servers import LocalServer
from tests.e2e.command import start, unspool, wait_for, write


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def run(tasks: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    """Run a document of these tasks; give its exit code and its report."""
    ended = unspool("run", write("w.json", tasks, **more), "--format", "json")
    assert "Traceback" not in ended.stderr
    return ended.returncode, json.loads(ended.stdout)


def failure(report: dict[str, Any], task: str = "t") -> tuple[str, str]:
    error = report["tasks"][task]["error"]
    return error["class"], error["message"]


def test_one_request_feeds_the_next(project: Path, server: LocalServer):
    code, report = run(
        {
            "fetch": {
                "http": {"url": f"{server.url}/json"},
                "outputs": {"items": {"type": "array", "from": "json", "path": "/items"}},
            },
            "post": {
                "depends_on": ["fetch"],
                "http": {"url": f"{server.url}/echo", "json": {"items": "${{ tasks.fetch.outputs.items }}"}},
                "outputs": {
                    "sent": {"from": "json", "path": "/body"},
                    "status": {"from": "result", "path": "/status_code"},
                },
            },
            "say": {
                "depends_on": ["post"],
                "run": ["echo", "${{ tasks.post.outputs.sent }}", "${{ tasks.post.result.headers['x-twice'] }}"],
                "outputs": {"said": {"from": "stdout"}},
            },
        },
        outputs={"said": "${{ tasks.say.outputs.said }}", "status": "${{ tasks.post.outputs.status }}"},
    )
    assert code == 0
    assert report["outputs"] == {"said": '{"items": [1, 2]} a', "status": 200}
    assert report["tasks"]["post"]["kind"] == "http"
    assert server.connections == 1


def test_the_log_of_a_request_is_the_body(project: Path, server: LocalServer):
    _, report = run({"t": {"http": {"url": f"{server.url}/ok"}}, "none": {"http": {"url": f"{server.url}/status/204"}}})
    assert unspool("logs", report["run"], "t").stdout == "fine\n"


def test_what_a_server_says_to_a_refused_request_is_in_the_log(project: Path, server: LocalServer):
    code, report = run({"t": {"http": {"url": f"{server.url}/status/401"}}})
    assert code == 1
    assert report["tasks"]["t"]["reason"] == "auth"
    assert failure(report)[1].endswith("answered 401 Unauthorized; check the credentials in `headers`")
    assert unspool("logs", report["run"], "t").stdout == "status 401"


def test_a_refused_request_is_sent_again(project: Path, server: LocalServer):
    code, report = run(
        {
            "t": {
                "http": {"url": f"{server.url}/flaky/2?Retry-After=0"},
                "retry": {"max_attempts": 5, "delay": "1ms", "on": [{"status": [503]}], "max_elapsed": "1m"},
            }
        }
    )
    assert (code, report["tasks"]["t"]["attempts"]) == (0, 3)


def test_a_server_that_asks_for_longer_than_there_is_time_is_not_asked_again(project: Path, server: LocalServer):
    code, report = run(
        {
            "t": {
                "http": {"url": f"{server.url}/status/429?Retry-After=3600"},
                "retry": {"max_attempts": 5, "delay": "1ms", "max_elapsed": "1m"},
            }
        }
    )
    assert (code, report["tasks"]["t"]["attempts"], report["tasks"]["t"]["reason"]) == (1, 1, "rate_limit")


def test_success_when_judges_a_status(project: Path, server: LocalServer):
    code, report = run(
        {
            "absent": {
                "http": {"url": f"{server.url}/status/404"},
                "success_when": "${{ result.status_code in [200, 404] }}",
            },
            "t": {"http": {"url": f"{server.url}/ok"}, "success_when": "${{ result.status_code == 201 }}"},
        }
    )
    assert (code, report["tasks"]["absent"]["state"]) == (1, "completed")
    assert report["tasks"]["t"]["reason"] == "success_when_false"


def test_a_server_that_does_not_answer_is_a_timeout(project: Path, server: LocalServer):
    code, report = run({"t": {"http": {"url": f"{server.url}/slow"}, "timeout": "200ms"}})
    assert (code, report["tasks"]["t"]["reason"]) == (1, "timeout")
    assert report["tasks"]["t"]["running_s"] < 5


def test_a_request_under_way_is_cancelled(project: Path, server: LocalServer):
    process = start("run", write("w.json", {"t": {"http": {"url": f"{server.url}/slow"}}}), "--format", "ndjson")
    wait_for(server.arrived.is_set)
    (found,) = json.loads(unspool("ls", "--format", "json").stdout)
    assert unspool("cancel", found["run"]).returncode == 0
    process.communicate(timeout=20)
    assert process.returncode == 4


def test_a_value_that_would_make_another_address_fails_the_task(project: Path, server: LocalServer):
    code, report = run(
        {"t": {"http": {"url": f"{server.url}/${{{{ inputs.item }}}}"}, "retry": {"max_attempts": 3}}},
        inputs={"item": {"type": "string", "default": "a b"}},
    )
    assert (code, report["tasks"]["t"]["reason"], server.seen) == (1, "expression_error", [])


def test_a_request_goes_where_its_lease_says_and_again_after_a_crash(project: Path, server: LocalServer):
    """The engine dies while one that holds the only page waits for its answer; resumed, it leases again and is sent."""
    server.held = {"/book/2/pages/7"}
    ask = {
        "uses": ["page"],
        "http": {
            "url": f"{server.url}/book/2/pages/${{{{ lease.page }}}}",
            "headers": {"X-Page": "${{ lease.page }}"},
            "json": {"page": "${{ lease.page }}"},
        },
    }
    told = {**ask, "depends_on": ["t"], "http": {**ask["http"], "url": f"{server.url}/echo"}}
    told["outputs"] = {"all": {"from": "json"}}
    document = write("w.json", {"t": ask, "told": told}, resources={"page": {"items": [7]}})
    process = start("run", document)
    wait_for(server.arrived.is_set)
    process.kill()
    process.communicate(timeout=20)
    server.let_go()
    ended = unspool("resume", "latest", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    assert [path for _, path in server.seen] == ["/book/2/pages/7", "/book/2/pages/7", "/echo"]
    said = json.loads(ended.stdout)["tasks"]["told"]["outputs"]["all"]
    assert (said["headers"]["x-page"], json.loads(said["body"])) == ("7", {"page": 7})


def test_without_the_library_documents_are_checked_and_requests_say_what_to_install(project: Path, server: LocalServer):
    folder = project / "without"
    folder.mkdir()
    (folder / "aiohttp.py").write_text("raise ImportError('not here')\n")
    env = {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}
    document = write("w.json", {"t": {"http": {"url": f"{server.url}/ok"}}})
    for command in ("check", "plan"):
        assert unspool(command, document, env=env).returncode == 0
    ended = unspool("run", document, "--format", "json", env=env)
    assert ended.returncode == 1
    kind, message = failure(json.loads(ended.stdout))
    assert kind == "spawn_failed"
    assert "pip install 'unspool[http]'" in message

"""Rollbacks as a user meets them: where and with what things are undone, also after the engine was killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.servers import LocalServer
from tests.e2e.command import start, unspool, wait_for, write

FAIL = {"run": ["false"], "on_failure": {"rollback": {"then": "cancel"}}}


def states(document: str = "latest") -> dict[str, Any]:
    report = json.loads(unspool("show", document, "--format", "json").stdout)
    return {name: (task["state"], task.get("compensated")) for name, task in report["tasks"].items()}


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def test_a_compensation_runs_where_its_task_ran_and_with_its_variables(project: Path):
    Path("there").mkdir()
    Path("here").mkdir()
    tell = "echo $(basename $PWD) $A $B $KEY ${#KEY} >> ../told"
    book = {
        "for_each": ["one", "two"],
        "run": tell,
        "cwd": "there",
        "env": {"A": "${{ item }}", "B": "task", "KEY": "${{ secrets.KEY }}"},
    }
    tasks = {
        "book": {**book, "compensate": {"run": tell, "env": {"B": "own"}}},
        "move": {"depends_on": ["book"], "run": tell, "cwd": "there", "compensate": {"run": tell, "cwd": "here"}},
        "ship": {"depends_on": ["move"], **FAIL},
    }
    ended = unspool("run", write("flow.json", tasks, secrets=["KEY"]), "--workers", "1", env={"KEY": "sesame12"})
    assert ended.returncode == 1, ended.stderr
    told = Path("told").read_text().splitlines()
    assert told[:3] == ["there one task sesame12 8", "there two task sesame12 8", "there 0"]
    assert told[3:] == ["here 0", "there two own sesame12 8", "there one own sesame12 8"]
    assert "sesame12" not in ended.stdout + ended.stderr


@pytest.mark.leaks("the killed engine's guardian ends its tasks, and then itself")
def test_a_rollback_that_was_killed_goes_on_where_and_with_what_it_ran(project: Path):
    """The engine dies while the first of two compensations runs; resumed, it is begun again, and then the other."""
    Path("there").mkdir()
    undo = {"run": "echo $(basename $PWD) $A >> ../told; test -e ../go || sleep 1000"}
    book = {"run": ["true"], "cwd": "there", "compensate": undo}
    tasks = {
        "first": {**book, "env": {"A": "1"}},
        "second": {**book, "depends_on": ["first"], "env": {"A": "2 ${{ tasks.first.state }}"}},
        "ship": {"depends_on": ["second"], **FAIL},
    }
    engine = start("run", write("flow.json", tasks))
    wait_for(lambda: Path("told").exists() and Path("told").read_text() != "")
    engine.kill()
    engine.communicate()
    Path("go").touch()
    resumed = unspool("resume", "latest")
    assert resumed.returncode == 1, resumed.stderr
    assert Path("told").read_text().splitlines() == ["there 2 completed"] * 2 + ["there 1"]
    assert states() == {
        "first": ("completed", True),
        "second": ("completed", True),
        "ship": ("failed", None),
        "first/compensate": ("completed", None),
        "second/compensate": ("completed", None),
    }


def test_a_request_undoes_and_is_sent_again_until_its_status_is_expected(project: Path, server: LocalServer):
    """For each instance the server is busy twice; elsewhere what is to be deleted is not there, which will do."""
    gone = {
        "http": {
            "url": f"{server.url}/${{{{ tasks.book.outputs.path }}}}?id=${{{{ item }}}}&Retry-After=0",
            "method": "DELETE",
            "expect": [200, 404],
        },
        "retry": {"max_attempts": 5, "delay": "1ms", "on": [{"status": [503]}]},
    }
    booked = {"run": ["echo", "flaky/2"], "outputs": {"path": {"type": "string", "from": "stdout"}}}
    tasks = {
        "book": booked,
        "each": {"depends_on": ["book"], "for_each": ["a", "b"], "run": ["true"], "compensate": gone},
        "lost": {
            "depends_on": ["each"],
            "run": ["true"],
            "compensate": {"http": {"url": f"{server.url}/nowhere", "method": "DELETE", "expect": [404]}},
        },
        "ship": {"depends_on": ["lost"], **FAIL},
    }
    ended = unspool("run", write("flow.json", tasks), "--format", "json")
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["reason"]) == (1, "task_failed"), ended.stderr
    assert sorted({path for method, path in server.seen if method == "DELETE"}) == [
        "/flaky/2?id=a&Retry-After=0",
        "/flaky/2?id=b&Retry-After=0",
        "/nowhere",
    ]
    undone = {name: task["attempts"] for name, task in report["tasks"].items() if name.endswith("/compensate")}
    assert undone == {"each[a]/compensate": 3, "each[b]/compensate": 3, "lost/compensate": 1}
    assert all(report["tasks"][name]["compensated"] for name in ("each[a]", "each[b]", "lost"))
    assert unspool("logs", report["run"], "each[a]/compensate").stdout == "fine\n"


def test_a_request_that_is_refused_fails_the_rollback(project: Path, server: LocalServer):
    undo = {"http": {"url": f"{server.url}/status/403", "method": "DELETE"}}
    tasks = {"book": {"run": ["true"], "compensate": undo}, "ship": {"depends_on": ["book"], **FAIL}}
    ended = unspool("run", write("flow.json", tasks), "--format", "json")
    report = json.loads(ended.stdout)
    assert (ended.returncode, report["reason"]) == (1, "rollback_failed")
    assert report["tasks"]["book/compensate"]["error"]["class"] == "auth"
    assert "compensated" not in report["tasks"]["book"]


def test_the_headers_of_a_request_that_undoes_hold_secrets_which_nobody_sees(project: Path, server: LocalServer):
    headers = {"Authorization": "Bearer ${{ secrets.KEY }}", "X-Twice": "${{ tasks.book.result.exit_code }}"}
    undo = {"http": {"url": f"{server.url}/echo", "headers": headers, "json": {"undo": "${{ tasks.book.state }}"}}}
    tasks = {"book": {"run": ["true"], "compensate": undo}, "ship": {"depends_on": ["book"], **FAIL}}
    ended = unspool("run", write("flow.json", tasks, secrets=["KEY"]), "--verbose", env={"KEY": "sesame-open-12"})
    assert ended.returncode == 1, ended.stderr
    said = json.loads(unspool("logs", "latest", "book/compensate").stdout)
    assert (said["method"], json.loads(said["body"])) == ("POST", {"undo": "completed"})
    assert (said["headers"]["x-twice"], said["headers"]["authorization"]) == ("0", "Bearer ***")
    kept = [path.read_bytes() for path in (project / ".unspool").rglob("*") if path.is_file()]
    assert not any(b"sesame-open-12" in content for content in kept)


def test_a_request_that_undoes_is_sent_again_after_a_crash(project: Path, server: LocalServer):
    server.held = {"/book/1/pages/1"}
    undo = {"http": {"url": f"{server.url}/book/1/pages/${{{{ lease.page }}}}", "method": "DELETE"}, "uses": ["page"]}
    tasks = {"book": {"run": ["true"], "compensate": undo}, "ship": {"depends_on": ["book"], **FAIL}}
    engine = start("run", write("flow.json", tasks, resources={"page": {"items": [1]}}))
    wait_for(server.arrived.is_set)
    engine.kill()
    engine.communicate()
    server.let_go()
    assert unspool("resume", "latest").returncode == 1
    assert server.seen == [("DELETE", "/book/1/pages/1")] * 2
    assert states()["book"] == ("completed", True)


def test_an_engine_without_the_library_says_what_to_install_when_it_has_to_undo(project: Path, server: LocalServer):
    folder = project / "without"
    folder.mkdir()
    (folder / "aiohttp.py").write_text("raise ImportError('not here')\n")
    env = {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}
    undo = {"http": {"url": f"{server.url}/ok"}}
    tasks = {"book": {"run": ["true"], "compensate": undo}, "ship": {"depends_on": ["book"], **FAIL}}
    report = json.loads(unspool("run", write("flow.json", tasks), "--format", "json", env=env).stdout)
    assert report["reason"] == "rollback_failed"
    assert "pip install 'unspool[http]'" in report["tasks"]["book/compensate"]["error"]["message"]

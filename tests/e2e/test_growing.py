"""Runs that grow, by the installed command: rules, requests from outside, crashes and resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import start, unspool, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("project")]

LOOP = """
unspool: 1
name: loop
limits: {max_depth: 9}
tasks:
  test:
    run: "echo test >> order; exit 1"
    on_failure: skip
    on_result: [{emit: fix, with: {round: 1}}]
  report: {depends_on: [fix], run: "echo report >> order"}
templates:
  fix:
    inputs: {round: {type: integer}}
    run: |
      echo fix ${{ inputs.round }} >> order
      while [ ${{ inputs.round }} = 2 ] && [ ! -e go ]; do sleep 0.02; done
    on_result: [{when: "${{ inputs.round < 4 }}", emit: fix, max: 9, with: {round: "${{ inputs.round + 1 }}"}}]
"""


def report() -> dict[str, Any]:
    shown = unspool("show", "latest", "--format", "json")
    return json.loads(shown.stdout) if shown.returncode == 0 else {"tasks": {}}


def lines() -> list[str]:
    return Path("order").read_text().splitlines() if Path("order").exists() else []


def begin(text: str) -> subprocess.Popen[str]:
    Path("grow.yaml").write_text(text)
    return start("run", "grow.yaml")


def test_a_run_that_was_killed_while_it_grew_goes_on_where_it_was():
    engine = begin(LOOP)
    wait_for(lambda: "fix 2" in lines())
    os.kill(engine.pid, signal.SIGKILL)
    engine.communicate()
    Path("go").touch()
    resumed = unspool("resume", "latest")
    assert resumed.returncode == 0, resumed.stderr
    assert lines() == ["test", "fix 1", "fix 2", "fix 2", "fix 3", "fix 4", "report"]
    found = report()
    assert [name for name in found["tasks"] if "/" in name] == ["test" + "/fix" * n for n in range(1, 5)]
    assert found["tasks"]["test/fix/fix"]["depth"] == 2
    assert found["state"] == "completed"


def test_a_live_run_takes_tasks_from_outside():
    engine = begin(LOOP)
    wait_for(lambda: "fix 2" in lines())
    refused = unspool("submit", "latest", "fix", "-i", "round=four")
    assert refused.returncode != 0
    assert "round" in refused.stderr
    assert unspool("submit", "latest", "fixx").stderr.rstrip().endswith("did you mean 'fix'?")
    assert unspool("submit", "latest", "fix", "-i", "round=9", "--key", "mine").returncode == 0
    assert unspool("submit", "latest", "fix", "-i", "round=9", "--key", "mine").returncode == 0
    twice = unspool("submit", "latest", "fix", "-i", "round=8", "--key", "mine")
    assert twice.returncode != 0
    assert "other values" in twice.stderr
    Path("go").touch()
    engine.communicate(timeout=30)
    assert engine.returncode == 0
    assert lines().count("fix 9") == 1
    assert report()["tasks"]["fix[mine]"]["state"] == "completed"
    over = unspool("submit", "latest", "fix", "-i", "round=1")
    assert over.returncode != 0
    assert "live run" in over.stderr


def test_one_too_many_is_refused_by_name_and_ends_with_the_code_of_a_limit():
    Path("grow.yaml").write_text(LOOP.replace("max_depth: 9", "max_depth: 2"))
    Path("go").touch()
    ended = unspool("run", "grow.yaml")
    assert ended.returncode == 3, ended.stderr
    assert "fix.on_result[0]" in ended.stderr
    assert "max_depth" in ended.stderr


def test_an_open_run_is_fed_and_closed():
    Path("grow.yaml").write_text("""
unspool: 1
name: fed
open: true
tasks:
  first: {run: [echo, first]}
  last: {depends_on: [job], run: [echo, last]}
templates:
  job: {inputs: {n: {type: integer}}, run: "echo job ${{ inputs.n }} >> order"}
""")
    engine = start("run", "grow.yaml")
    wait_for(lambda: report()["tasks"].get("first", {}).get("state") == "completed")
    assert unspool("submit", "latest").returncode != 0
    for number in (1, 2):
        assert unspool("submit", "latest", "job", "-i", f"n={number}").returncode == 0
    wait_for(lambda: len(lines()) == 2)
    assert "takes more tasks" in unspool("show", "latest").stdout
    assert unspool("submit", "latest", "--close").returncode == 0
    engine.communicate(timeout=30)
    assert engine.returncode == 0
    assert sorted(lines()) == ["job 1", "job 2"]
    assert report()["tasks"]["last"]["state"] == "completed"

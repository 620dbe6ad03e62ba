"""Rollbacks as a user meets them: where and with what things are undone, also after the engine was killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import start, unspool, wait_for, write

FAIL = {"run": ["false"], "on_failure": {"rollback": {"then": "cancel"}}}


def states(document: str = "latest") -> dict[str, Any]:
    report = json.loads(unspool("show", document, "--format", "json").stdout)
    return {name: (task["state"], task.get("compensated")) for name, task in report["tasks"].items()}


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

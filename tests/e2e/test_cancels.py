"""Real processes of every shape, cancelled from outside or interrupted: one final state, and nothing survives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.crash.oracle import marked_processes
from tests.e2e.command import start, unspool, wait_for, write

WORK = "touch began.{name}; sleep 1000 & wait"
MEMBERS = {name: {"run": WORK.format(name=name)} for name in ("a", "b", "c")}
ITEMS = {"for_each": list("abcdefghij"), "run": "touch began.$X; sleep 1000 & wait", "env": {"X": "${{ item }}"}}
QUICK = {"run": "true"}

# Each with the file that tells when to cancel.
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "chain": (
        "b",
        {"tasks": {"a": QUICK, "b": {**MEMBERS["b"], "depends_on": ["a"]}, "c": {**QUICK, "depends_on": ["b"]}}},
    ),
    "fan-out": ("b", {"tasks": {"each": {**ITEMS, "for_each": {"items": ITEMS["for_each"], "max_parallel": 2}}}}),
    "diamond": (
        "b",
        {
            "tasks": {
                "a": QUICK,
                "wait": {"run": "false", "depends_on": ["a"], "retry": {"max_attempts": 9, "delay": "1h"}},
                "b": {**MEMBERS["b"], "depends_on": ["a"]},
                "end": {**QUICK, "depends_on": ["wait", "b"]},
            }
        },
    ),
    "sequence": ("b", {"tasks": {"g": {"group": {"tasks": {"a": QUICK, "b": MEMBERS["b"], "c": MEMBERS["c"]}}}}}),
    "race": ("c", {"tasks": {"g": {"group": {"mode": "parallel", "aggregate": "first", "tasks": MEMBERS}}}}),
    "pool": ("a", {"resources": {"port": {"items": [1]}}, "tasks": {"each": {**ITEMS, "uses": ["port"]}}}),
    "closing": (
        "a",
        {
            "tasks": {"a": MEMBERS["a"], "ask": {"approval": "Go?"}, "pause": {"wait": "1h"}},
            "finally": {"tidy": {"run": "touch tidied"}},
        },
    ),
}


def begin(shape: str, mark: str) -> subprocess.Popen[str]:
    """Run a shape until the moment to cancel it."""
    name, document = SHAPES[shape]
    write("flow.json", document["tasks"], env={"TREE": mark}, **{k: v for k, v in document.items() if k != "tasks"})
    command = start("run", "flow.json", "-q", "--workers", "4")
    wait_for(lambda: Path(f"began.{name}").exists())
    if shape == "diamond":
        wait_for(lambda: shown()["tasks"]["wait"]["state"] == "queued")
    return command


def shown() -> dict[str, Any]:
    told = unspool("show", "latest", "--format", "json").stdout
    return json.loads(told)  # type: ignore[no-any-return]


def end(command: subprocess.Popen[str]) -> int:
    command.communicate(timeout=30)
    return command.returncode


def check_end(shape: str, mark: str, reason: str) -> None:
    report = shown()
    assert (report["state"], report["reason"]) == ("cancelled", reason)
    assert all(task["state"] in ("completed", "cancelled", "failed", "skipped") for task in report["tasks"].values())
    assert marked_processes(f"TREE={mark}") == [], "something survived"
    if shape == "closing":
        assert Path("tidied").exists()


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_a_cancel_from_outside_ends_all_of_it(project: Path, shape: str):
    mark = f"cancel-{os.getpid()}-{shape}"
    command = begin(shape, mark)
    asked = unspool("cancel", "latest")
    assert asked.returncode == 0, asked.stderr
    assert end(command) == 4
    check_end(shape, mark, "cancelled_by_person")


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_interrupt_ends_all_of_it(project: Path, shape: str, times: int):
    mark = f"interrupt-{os.getpid()}-{shape}-{times}"
    command = begin(shape, mark)
    command.send_signal(signal.SIGINT)
    if times == 2 and shape != "closing":  # whose `finally` a second one would keep from running
        command.send_signal(signal.SIGINT)
    assert end(command) == 130
    check_end(shape, mark, "interrupted")


@pytest.mark.slow
def test_a_rollback_outlives_a_cancel_and_leaves_nothing(project: Path):
    mark = f"rollback-{os.getpid()}"
    undo = {"run": "touch undoing; sleep 1; echo $UNSPOOL_TASK >> undone"}
    tasks = {
        "book": {**QUICK, "compensate": undo},
        "pay": {**QUICK, "depends_on": ["book"], "compensate": undo},
        "log": {**MEMBERS["a"], "depends_on": ["book"]},
        "ship": {"run": "false", "depends_on": ["pay"], "on_failure": {"rollback": {"then": "cancel"}}},
    }
    write("flow.json", tasks, env={"TREE": mark})
    command = start("run", "flow.json", "-q")
    wait_for(lambda: Path("undoing").exists())
    assert unspool("cancel", "latest").returncode == 0
    assert end(command) == 4
    report = shown()
    assert [report["tasks"][name]["state"] for name in ("pay/compensate", "book/compensate")] == ["completed"] * 2
    assert report["tasks"]["pay"]["compensated"] is report["tasks"]["book"]["compensated"] is True
    assert len(Path("undone").read_text().splitlines()) == 2
    assert marked_processes(f"TREE={mark}") == []

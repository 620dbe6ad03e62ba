"""Resources as a user meets them: a pool of one, named items, a rate, and what is said of a wrong document."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.command import unspool, write


def report(*arguments: str) -> dict:
    ended = unspool("run", *arguments, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_pool_of_one_lets_one_in_at_a_time(project: Path):
    """Each finds the room empty, or `mkdir` would fail."""
    alone = {"run": "mkdir room\nprintf x >> seen\nrmdir room", "uses": ["room"]}
    write("flow.json", {f"t{number}": alone for number in range(12)}, resources={"room": {"slots": 1}})
    report("flow.json", "--workers", "6")
    assert Path("seen").read_text() == "x" * 12


def test_each_attempt_has_an_item_of_its_own(project: Path):
    """A file for each port says that it is taken; two that hold the same would meet."""
    serve = {
        "run": 'mkdir "taken-$PORT"\necho ${{ lease.port }}\nrmdir "taken-$PORT"',
        "env": {"PORT": "${{ lease.port }}"},
        "uses": ["port"],
        "outputs": {"port": {"type": "integer", "from": "stdout"}},
    }
    write("flow.json", {f"t{number}": serve for number in range(9)}, resources={"port": {"items": [8001, 8002]}})
    tasks = report("flow.json", "--workers", "6")["tasks"].values()
    assert {task["outputs"]["port"] for task in tasks} == {8001, 8002}


def test_several_items_at_once_are_a_list(project: Path):
    write(
        "flow.json",
        {"t": {"run": ["echo", "${{ lease.port }}"], "uses": {"port": 2}, "outputs": {"all": {"from": "stdout"}}}},
        resources={"port": {"items": ["a", "b"]}},
    )
    assert report("flow.json")["tasks"]["t"]["outputs"] == {"all": "a b"}


def test_a_rate_spaces_starts_out(project: Path):
    call = {"run": ["true"], "uses": ["api"]}
    write("flow.json", {f"t{number}": call for number in range(5)}, resources={"api": {"rate": "2/400ms"}})
    assert report("flow.json", "--workers", "8")["duration_s"] >= 0.55, "two at once, and three more 200 ms apart"


def test_a_plan_counts_with_what_is_shared(project: Path):
    task = {"run": ["true"], "uses": ["room"], "estimate": "10s"}
    write("flow.json", {f"t{number}": task for number in range(4)}, resources={"room": {"slots": 2}})
    planned = json.loads(unspool("plan", "flow.json", "--workers", "8", "--format", "json").stdout)
    assert planned["makespan"][-1] == {"workers": 8, "seconds": 20}
    assert "8 workers  20 s" in unspool("plan", "flow.json", "--workers", "8").stdout


def test_what_can_never_be_had_is_refused_before_anything_runs(project: Path):
    write("flow.json", {"t": {"run": ["touch", "ran"], "uses": {"room": 2}}}, resources={"room": {"slots": 1}})
    ended = unspool("run", "flow.json")
    assert ended.returncode == 2
    assert "UNS193" in ended.stderr
    assert "never has more than 1" in ended.stderr
    assert not Path("ran").exists()


def test_a_run_that_was_interrupted_holds_nothing_when_it_goes_on(project: Path):
    """The engine dies while a task holds the only one there is; resumed, that task gets it again."""
    once = {"run": "test -e began || { touch began; kill -9 $PPID; sleep 30; }\necho well", "uses": ["room"]}
    write("flow.json", {"a": once, "b": {"run": ["true"], "uses": ["room"]}}, resources={"room": {"slots": 1}})
    assert unspool("run", "flow.json").returncode == -9
    ended = unspool("resume", "latest", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    assert {task["state"] for task in json.loads(ended.stdout)["tasks"].values()} == {"completed"}

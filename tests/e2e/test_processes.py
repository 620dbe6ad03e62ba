"""No survivors: two seconds after a task has ended or its engine has died, nothing of it runs."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.oracle import marked_processes
from tests.e2e.command import start, unspool, wait_for, write
from unspool.host.engine import Engine
from unspool.host.ports import Request
from unspool.model.plan import Plan, Task

DEADLINE = 2.0  # seconds, as promised

# Each leaves processes behind; what comes after it decides whether its first process lasts or ends.
SHAPES = {
    "plain": "",
    "background": "sleep 1000 &",
    "double fork": "(sleep 1000 &); ( (sleep 1000 &) & )",
    "session of its own": "setsid sleep 1000 & setsid sh -c 'setsid sleep 1000 & sleep 1000' &",
    "ignores signals": "trap '' TERM HUP INT QUIT; sleep 1000 &",
    "holds the output": "(while :; do echo more; echo more >&2; sleep 0.05; done) &",
    "stopped": "sh -c 'kill -STOP $$; sleep 1000' & setsid sh -c 'kill -STOP $$; sleep 1000' &",
    "fifty forks": 'i=0; while [ "$i" -lt 50 ]; do sleep 1000 & i=$((i + 1)); done',
    "daemon": f'{sys.executable} -I -S -c "import os, time; os.fork() and os._exit(0); os.setsid(); '
    'os.fork() and os._exit(0); os.close(0); os.close(1); os.close(2); time.sleep(1000)"',
}
# How many processes there are when all have begun, with the first one and what it waits for.
SIZES = {
    "plain": 2,
    "background": 3,
    "double fork": 4,
    "session of its own": 6,
    "ignores signals": 3,
    "holds the output": 3,
    "stopped": 3,
    "fifty forks": 52,
    "daemon": 3,
}
# The others take as long and differ less; they are left to the slow tests.
SOME = [
    shape
    if shape in ("plain", "session of its own", "ignores signals", "stopped")
    else pytest.param(shape, marks=[pytest.mark.slow])
    for shape in SHAPES
]
LAST = "\n: > '{ready}'\nwhile :; do sleep 1000; done\n"
STOPPED_LEADER = "\n: > '{ready}'\nkill -STOP $$\n"


class Tree:
    """Tasks of certain shapes, the mark in their environment, and a stranger that must live on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"TREE={folder}"
        self.stranger = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)

    def script(self, shape: str, *, lasts: bool) -> str:
        ready = self.folder / f"ready {shape}"
        if not lasts:
            return f"{SHAPES[shape]}\n: > '{ready}'\nsleep 0.2\n"  # they need a moment to leave the session
        return SHAPES[shape] + (STOPPED_LEADER if shape == "stopped" else LAST).format(ready=ready)

    def plan(self, shape: str, *, lasts: bool, **more: Any) -> Plan:
        action = {"script": self.script(shape, lasts=lasts), "shell": "sh"}
        return Plan("tree", (Task(0, "a", "run", action, env={"TREE": str(self.folder)}, **more),))

    def is_ready(self, shape: str) -> bool:
        """Whether a lasting task has made all its processes."""
        return (self.folder / f"ready {shape}").exists() and len(self.alive()) >= SIZES[shape]

    def alive(self) -> list[int]:
        return marked_processes(self.mark)

    def survivors(self, since: float) -> list[int]:
        """Give those that still run two seconds after a moment; none the moment there are none."""
        while (found := self.alive()) and time.monotonic() < since + DEADLINE:
            select.select([], [], [], 0.02)
        return found

    def close(self) -> None:
        for pid in self.alive():
            os.kill(pid, signal.SIGKILL)
        alive = self.stranger.poll() is None
        self.stranger.kill()
        self.stranger.wait()
        assert alive, "a stranger was signalled"


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    tree = Tree(tmp_path)
    yield tree
    tree.close()


def step_until(engine: Engine, true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    engine.host.step()
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        engine._reactor.wait(0.02)
        engine.host.step()


def begin(engine: Engine, tree: Tree, shape: str, **more: Any) -> Any:
    """Start a lasting task and let it make its processes."""
    run = engine.start(tree.plan(shape, lasts=True, **more), {}, tree.folder, "tree.yaml", "r")
    step_until(engine, lambda: tree.is_ready(shape))
    assert tree.alive()
    return run


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_survives_a_cancel(tree: Tree, shape: str):
    with Engine(tree.folder / "journal", 2, "normal") as engine:
        run = begin(engine, tree, shape, grace=0.1)
        engine.host.request(Request("id", "r", "cancel"))
        engine.drive()
        ended = time.monotonic()
        assert run.tasks[0].state == "cancelled"
        assert tree.survivors(ended) == []


@pytest.mark.parametrize("shape", SOME)
def test_nothing_survives_a_forced_stop(tree: Tree, shape: str):
    with Engine(tree.folder / "journal", 2, "normal") as engine:
        run = begin(engine, tree, shape, grace=1000.0)
        engine.interrupt()
        engine.interrupt()
        engine.drive()
        ended = time.monotonic()
        assert (run.state, run.reason) == ("cancelled", "interrupted")
        assert tree.survivors(ended) == []


@pytest.mark.slow
@pytest.mark.parametrize("shape", SOME)
def test_nothing_survives_a_timeout(tree: Tree, shape: str):
    with Engine(tree.folder / "journal", 2, "normal") as engine:
        run = begin(engine, tree, shape, timeout=0.4, grace=0.1)
        engine.drive()
        ended = time.monotonic()
        assert run.tasks[0].state == "failed"
        assert run.tasks[0].error == {"class": "timeout", "message": "it ran longer than 0.4 s"}
        assert tree.survivors(ended) == []


@pytest.mark.slow
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "plain"])
def test_nothing_survives_the_end_of_its_task(tree: Tree, shape: str):
    """The engine goes on; its tasks' leavings must not wait for its end."""
    with Engine(tree.folder / "journal", 2, "normal") as engine:
        run = engine.start(tree.plan(shape, lasts=False), {}, tree.folder, "tree.yaml", "r")
        engine.drive()
        ended = time.monotonic()
        assert run.tasks[0].state == "completed"
        assert (tree.folder / f"ready {shape}").exists()
        assert tree.survivors(ended) == []


@pytest.mark.parametrize("shape", SOME[1:])
def test_nothing_survives_the_end_of_its_run(tree: Tree, shape: str):
    with Engine(tree.folder / "journal", 2, "normal") as engine:
        engine.start(tree.plan(shape, lasts=False), {}, tree.folder, "tree.yaml", "r")
        engine.drive()
    assert tree.alive() == []


def engine_with(tree: Tree, shapes: list[str]) -> subprocess.Popen[str]:
    """Begin the command with lasting tasks of these shapes, and wait until all have made their processes."""
    tasks = {f"t{number}": {"run": tree.script(shape, lasts=True)} for number, shape in enumerate(shapes)}
    write("tree.json", tasks, env={"TREE": str(tree.folder)})
    engine = start("run", "tree.json", "--workers", str(len(shapes)), "--durability", "normal")
    wait_for(lambda: all((tree.folder / f"ready {shape}").exists() for shape in shapes))
    wait_for(lambda: len(tree.alive()) >= sum(SIZES[shape] for shape in shapes))
    return engine


def kill(engine: subprocess.Popen[str]) -> float:
    engine.kill()
    engine.communicate(timeout=20)
    return time.monotonic()


def test_nothing_survives_its_engine(project: Path, tree: Tree):
    killed = kill(engine_with(tree, list(SHAPES)))
    assert tree.survivors(killed) == []


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_of_one_shape_survives_its_engine(project: Path, tree: Tree, shape: str):
    killed = kill(engine_with(tree, [shape]))
    assert tree.survivors(killed) == []


FUNCTIONS = """
import subprocess, time

def lasts():
    subprocess.Popen(["setsid", "sleep", "1000"])
    open("ready lasts", "w").close()
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_survives_its_engine(project: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch, number: int):
    """A worker has the mark of whoever started the engine, not of the document: it began before the call."""
    monkeypatch.setenv("TREE", str(tree.folder))
    Path("functions.py").write_text(FUNCTIONS)
    write("tree.json", {"a": {"python": "functions:lasts", "grace": "100ms"}})
    engine = start("run", "tree.json", "--durability", "normal")
    wait_for(lambda: Path("ready lasts").exists() and len(tree.alive()) >= 3)
    engine.send_signal(number)
    engine.communicate(timeout=20)
    assert tree.survivors(time.monotonic()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_nothing_survives_an_engine_that_is_killed_at_any_moment(project: Path, tree: Tree, seed: int):
    """Most of these moments lie in the start of a process, which takes longer than anything else."""
    chance = random.Random(seed)
    tasks = {f"t{number}": {"run": "setsid sleep 1000 & sleep 1000 & sleep 0.001"} for number in range(300)}
    write("tree.json", tasks, env={"TREE": str(tree.folder)})
    engine = start("run", "tree.json", "--durability", "normal")
    wait_for(lambda: bool(tree.alive()))
    select.select([], [], [], chance.uniform(0, 0.3))
    assert tree.survivors(kill(engine)) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_survives_a_signal_to_the_engine(project: Path, tree: Tree, number: int):
    tasks = {
        f"t{index}": {"run": tree.script(shape, lasts=True), "grace": "100ms"} for index, shape in enumerate(SHAPES)
    }
    write("tree.json", tasks, env={"TREE": str(tree.folder)})
    engine = start("run", "tree.json", "--workers", "20", "--durability", "normal")
    wait_for(lambda: all((tree.folder / f"ready {shape}").exists() for shape in SHAPES))
    engine.send_signal(number)
    engine.communicate(timeout=20)
    assert engine.returncode == 130
    assert tree.survivors(time.monotonic()) == []


def test_resume_ends_what_a_guardian_could_not(project: Path, tree: Tree):
    """The guardian may have been killed with its engine."""
    write("tree.json", {"a": {"run": "[ -e go ] || sleep 1000"}}, env={"TREE": str(tree.folder)})
    engine = start("run", "tree.json")
    wait_for(lambda: len(tree.alive()) == 2)
    guardians = [pid for pid in children_of(engine.pid) if pid not in tree.alive()]
    assert len(guardians) == 1
    os.kill(guardians[0], signal.SIGKILL)
    kill(engine)
    assert len(tree.alive()) == 2
    Path("go").touch()
    resumed = unspool("resume", "latest")
    assert resumed.returncode == 0, resumed.stderr
    assert tree.alive() == []


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

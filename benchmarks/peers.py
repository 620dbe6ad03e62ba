"""The tools that do the same work: where each is found, how it is called, and how its work is counted afterwards."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import graphs
from graphs import Graph

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Job:
    """One process to time, and the count of tasks that it did, taken from what it left in its folder."""

    argv: list[str]
    count: Callable[[], int]
    expected: int = 0


Prepare = Callable[[Path, int], Job]
"""Fills a fresh folder and says what to start there with so many tasks at a time."""


@dataclass(frozen=True)
class Tool:
    """An installed program."""

    name: str
    path: str
    version: str


@dataclass(frozen=True)
class Tools:
    """What this machine has; `missing` says what it lacks and how to get it."""

    unspool: Tool | None
    make: Tool | None
    ninjas: list[Tool]
    others: dict[str, Tool]
    missing: list[str]

    def found(self) -> list[Tool]:
        """Every tool that will be measured."""
        return [tool for tool in (self.unspool, self.make, *self.ninjas, *self.others.values()) if tool]


def environment(folder: Path) -> dict[str, str]:
    """What a measured process sees: no outer make or unspool, and its state inside its own folder."""
    kept = {name: value for name, value in os.environ.items() if not re.match("MAKE|MFLAGS|UNSPOOL_|PYTHON[DU]", name)}
    prefect = {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_LOGGING_LEVEL": "ERROR"}
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DAGU_HOME": str(folder / "dagu"), **prefect}
    return kept | {"UNSPOOL_HOME": str(folder / ".unspool"), "PYTHONPATH": str(folder), **quiet}


def find_tools(unspool: str | None, environments: Path) -> Tools:
    """Look for each tool.

    Args:
        unspool: the command to measure, by default the one beside this Python.
        environments: holds a virtual environment for each peer that is a package of Python.
    """
    beside = Path(sys.executable).with_name("unspool")
    found = {
        "unspool": _tool("unspool", unspool or (str(beside) if beside.exists() else shutil.which("unspool"))),
        "make": _tool("make", shutil.which("make")),
        "ninja (distribution)": _tool("ninja (distribution)", _existing("/usr/bin/ninja")),
        "ninja (packaged)": _tool("ninja (packaged)", _packaged_ninja()),
    }
    missing = [f"{name} is not here; its columns stay empty" for name, tool in found.items() if tool is None]
    ninjas = [tool for name, tool in found.items() if name.startswith("ninja") and tool]
    others = {name: tool for name in OTHERS if (tool := _other(name, environments))}
    for name in OTHERS:
        if name not in others and name in PACKAGES:
            path = environments / name
            missing.append(f"{name} is not here: python3 -m venv {path} && {path}/bin/pip install {PACKAGES[name]}")
        elif name not in others:
            missing.append(f"{name} is not on the PATH; its rows stay empty")
    return Tools(found["unspool"], found["make"], ninjas, others, missing)


PACKAGES = {"doit": "doit", "dbos": "dbos", "prefect": "prefect 'fastapi<0.119'"}  # which Prefect 3.7 needs
OTHERS = (*PACKAGES, "task", "dagu")  # `task` is go-task


def _other(name: str, environments: Path) -> Tool | None:
    if name not in PACKAGES:
        found = shutil.which(name)
        return _tool(name, found) if found else None
    python = environments / name / "bin" / "python"
    if not python.exists():
        return None
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return Tool(name, str(python), answer.stdout.strip()) if answer.returncode == 0 else None


def _existing(path: str) -> str | None:
    return path if Path(path).exists() else None


def _packaged_ninja() -> str | None:
    try:
        import ninja
    except ImportError:
        return None
    return _existing(str(Path(ninja.BIN_DIR) / "ninja"))


def _tool(name: str, path: str | None) -> Tool | None:
    if path is None:
        return None
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\d+(\.\d+)+\S*", answer.stdout)
    return Tool(name, path, version.group().rstrip(",") if version else "unknown") if answer.returncode == 0 else None


def contestants(tools: Tools, graph: Graph) -> dict[str, Prepare]:
    """Everybody who can run a graph of the command `true`, unspool first."""
    entries: dict[str, Prepare] = {}
    if tools.unspool:
        entries["unspool argv"] = unspool_run(tools.unspool, graph, graphs.ARGV)
        entries["unspool text"] = unspool_run(tools.unspool, graph, graphs.SCRIPT)
    if tools.make:
        entries["make"] = make_run(tools.make, graph)
    return entries | {ninja.name: ninja_run(ninja, graph) for ninja in tools.ninjas}


def other_run(tool: Tool, graph: Graph, what: str) -> Prepare:
    """A peer that is an engine of workflows; `what` is `true`, the command, or `noop`."""

    def prepare(folder: Path, jobs: int) -> Job:
        printed = (folder / "stdout").read_text
        if tool.name == "doit":
            graphs.write_lines(folder / "dodo.py", graphs.dodo_file(graph))
            return Job([tool.path, "-m", "doit", "-n", str(jobs)], lambda: printed().count(".  t:"), graph.size)
        if tool.name == "task":
            graphs.write_lines(folder / "Taskfile.yml", graphs.taskfile(graph))
            count = lambda: (folder / "stderr").read_text().count("] true")  # noqa: E731
            return Job([tool.path, "--concurrency", str(jobs), "all"], count, graph.size)
        if tool.name == "dagu":
            graphs.write_lines(folder / "graph.yaml", graphs.dag_file(graph))
            return Job(
                [tool.path, "start", "graph.yaml"], lambda: graph.size if "ucceeded" in printed() else 0, graph.size
            )
        script = str(HERE / f"peer_{tool.name}.py")
        argv = [tool.path, script, graph.shape, str(graph.size), str(jobs), what]
        return Job(argv, lambda: int(printed().split()[-1]), graph.size)

    return prepare


def make_run(tool: Tool, graph: Graph) -> Prepare:
    """GNU make without its built-in rules; each printed recipe is a task done."""

    def prepare(folder: Path, jobs: int) -> Job:
        graphs.write_lines(folder / "Makefile", graphs.makefile(graph))
        count = lambda: (folder / "stdout").read_text().split().count("true")  # noqa: E731
        return Job([tool.path, "-rR", f"-j{jobs}"], count, graph.size)

    return prepare


def ninja_run(tool: Tool, graph: Graph) -> Prepare:
    """Ninja; each line of its log but the first is a task done."""

    def prepare(folder: Path, jobs: int) -> Job:
        graphs.write_lines(folder / "build.ninja", graphs.ninja_file(graph))
        count = lambda: len((folder / ".ninja_log").read_text().splitlines()) - 1  # noqa: E731
        return Job([tool.path, "--quiet", f"-j{jobs}"], count, graph.size)

    return prepare


def unspool_run(tool: Tool, graph: Graph, body: str) -> Prepare:
    """The whole command with full durability; its own report, asked for afterwards, counts the completed tasks."""

    def prepare(folder: Path, jobs: int) -> Job:
        graphs.write_lines(folder / "graph.yaml", graphs.workflow(graph, body))
        if body == graphs.NOOP:
            shutil.copy(HERE / "bench_noop.py", folder)
        argv = [tool.path, "run", "graph.yaml", "--workers", str(jobs), "--quiet"]
        return Job(argv, lambda: _completed(tool, folder), graph.size)

    return prepare


def fan_out_run(tool: Tool, size: int, *, shared: bool) -> Prepare:
    """One task of so many instances; the parent counts as one more."""

    def prepare(folder: Path, jobs: int) -> Job:
        graphs.write_lines(folder / "graph.yaml", graphs.fan_out(size, shared=shared))
        shutil.copy(HERE / "bench_noop.py", folder)
        argv = [tool.path, "run", "graph.yaml", "--workers", str(jobs), "--quiet"]
        return Job(argv, lambda: _completed(tool, folder), size + 1)

    return prepare


def emission_run(tool: Tool, levels: int, size: int) -> Prepare:
    """Tasks that rules add; what adds them, and what stands for all of them, are tasks too."""

    def prepare(folder: Path, jobs: int) -> Job:
        graphs.write_lines(folder / "graph.yaml", graphs.emissions(levels, size))
        shutil.copy(HERE / "bench_noop.py", folder)
        argv = [tool.path, "run", "graph.yaml", "--workers", str(jobs), "--quiet"]
        return Job(argv, lambda: _completed(tool, folder), graphs.emitted(levels, size))

    return prepare


def _completed(tool: Tool, folder: Path) -> int:
    runs = _facts(tool, folder, "ls")
    report = _facts(tool, folder, "show", runs[0]["run"])
    return sum(task["state"] == "completed" for task in report["tasks"].values())


def _facts(tool: Tool, folder: Path, *words: str) -> list | dict:
    argv = [tool.path, *words, "--format", "json"]
    answer = subprocess.run(argv, cwd=folder, env=environment(folder), capture_output=True, check=True)
    return json.loads(answer.stdout)


def unspool_check(tool: Tool, graph: Graph, body: str) -> Prepare:
    """Load, check and plan a document without running it."""

    def prepare(folder: Path, _jobs: int) -> Job:
        graphs.write_lines(folder / "graph.yaml", graphs.workflow(graph, body))
        return Job([tool.path, "check", "graph.yaml"], lambda: _checked((folder / "stdout").read_text()), graph.size)

    return prepare


def _checked(printed: str) -> int:
    found = re.search(r"ok, (\d+) tasks?$", printed, re.MULTILINE)
    return int(found[1]) if found else 0


def sqlite_floor(commits: int) -> Prepare:
    """The bare loop of fsynced commits; it prints how many rows are there and that `synchronous` is 2 (FULL)."""

    def prepare(folder: Path, _jobs: int) -> Job:
        argv = [sys.executable, str(HERE / "sqlite_floor.py"), str(folder / "floor.db"), str(commits)]
        return Job(argv, lambda: _floor_rows((folder / "stdout").read_text()), commits)

    return prepare


def _floor_rows(printed: str) -> int:
    rows, synchronous = printed.split()
    return int(rows) if synchronous == "2" else 0


def starting(*argv: str) -> Prepare:
    """One small command in a folder that holds hello.yaml."""

    def prepare(folder: Path, _jobs: int) -> Job:
        shutil.copy(HERE.parent / "workflows" / "hello.yaml", folder)
        return Job(list(argv), lambda: 0)

    return prepare

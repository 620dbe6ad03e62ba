"""Measure unspool and its peers on the same work: `python benchmarks/run.py --help`."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import graphs
import peers
import report
from graphs import Graph
from report import Sample

ROOT = Path(__file__).parents[1]
NOOPS_AT_A_TIME = 16  # coroutines of one process need no processor each


@dataclass(frozen=True)
class Case:
    """The same work for everybody in `entries`, who take turns."""

    group: str
    name: str
    entries: dict[str, peers.Prepare]
    jobs: int = 2
    repeats: int = 1  # how often each round does it; short ones need more
    most: int = 1000  # rounds, however many were asked for; long ones need fewer


def main() -> None:
    """Measure, print the tables, and leave every single figure as one JSON line."""
    options = arguments()
    tools = peers.find_tools(options.unspool, Path(options.peers))
    for line in tools.missing:
        say(line)
    facts = environment_facts(options, tools)
    folder = Path(options.folder) / f"runs-{os.getpid()}"
    folder.mkdir(parents=True)
    samples = list(measure(chosen_cases(options, tools), options.rounds, folder))
    lines = Path(options.folder) / "results.jsonl"
    report.write_lines(lines, facts, samples)
    text = report.markdown(facts, samples)
    print(text)
    if options.write:
        report.update(Path(__file__).with_name("README.md"), text)
    say(f"every figure: {lines}")
    if not options.keep:
        shutil.rmtree(folder)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often everybody has a turn (default 5)")
    parser.add_argument("--only", action="append", metavar="NAME", help="cases whose group or name holds this text")
    parser.add_argument("--quick", action="store_true", help="one round of a tenth of the size: does it work at all?")
    parser.add_argument("--jobs", type=int, nargs="+", default=[2], help="tasks at a time, for every tool (default 2)")
    parser.add_argument("--unspool", metavar="PATH", help="the command to measure (default: beside this Python)")
    parser.add_argument("--folder", default=str(ROOT / "build" / "benchmarks"), help="on the disk to be measured")
    parser.add_argument("--peers", default=str(ROOT / "build" / "peers"), help="virtual environments of peers, by name")
    parser.add_argument("--keep", action="store_true", help="do not delete the folders of the runs at the end")
    parser.add_argument("--write", action="store_true", help="put the tables into benchmarks/README.md")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    return options


def environment_facts(options: argparse.Namespace, tools: peers.Tools) -> dict:
    """What a reader needs to judge the figures."""
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    disk = subprocess.run(["stat", "-f", "-c", "%T", options.folder], capture_output=True, text=True, check=False)
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "processors": os.cpu_count(),
        "disk": disk.stdout.strip() or "unknown",
        "rounds": options.rounds,
        "quick": options.quick,
        "tools": [{"name": tool.name, "version": tool.version, "path": tool.path} for tool in tools.found()],
    }


def chosen_cases(options: argparse.Namespace, tools: peers.Tools) -> list[Case]:
    """All cases, or those that were asked for."""
    size = 10 if options.quick else 1
    cases = [case for jobs in options.jobs for case in command_cases(tools, size, jobs)]
    cases += engine_cases(tools, size)
    if tools.unspool:
        cases += [*noop_cases(tools.unspool, size), *compile_cases(tools.unspool, size)]
    cases += start_cases(tools)
    if tools.unspool:  # last, since their reports make this process large, and what it starts seem so
        cases += [*fan_out_cases(tools.unspool, size), *emission_cases(tools.unspool, size)]
    wanted = options.only or [""]
    return [case for case in cases if any(text in f"{case.group} {case.name}" for text in wanted)]


def command_cases(tools: peers.Tools, size: int, jobs: int) -> list[Case]:
    """Graphs of the command `true`."""
    shapes = [
        Graph("chain", 1000 // size),
        Graph("wide", 1000 // size),
        Graph("layered", 1000 // size, 50 // size),
        Graph("wide", 5000 // size),
    ]
    return [Case("commands", graph.name, peers.contestants(tools, graph), jobs) for graph in shapes]


def engine_cases(tools: peers.Tools, size: int) -> list[Case]:
    """The same on other engines of workflows, most of which take seconds for what takes others one."""
    if tools.unspool is None or not tools.others:
        return []
    cases = []
    for graph in (Graph("chain", 1000 // size), Graph("wide", 1000 // size)):
        commands = {name: peers.other_run(tool, graph, "true") for name, tool in tools.others.items()}
        entries = {"unspool": peers.unspool_run(tools.unspool, graph, graphs.ARGV), **commands}
        cases.append(Case("engines", graph.name, entries, most=2))
    graph = Graph("chain", 1000 // size)
    inside = {name: tools.others[name] for name in ("dbos", "prefect") if name in tools.others}
    entries = {"unspool": peers.unspool_run(tools.unspool, graph, graphs.NOOP)}
    entries |= {name: peers.other_run(tool, graph, "noop") for name, tool in inside.items()}
    return [*cases, Case("engines", f"{graph.name} no-ops", entries, most=2)]


def noop_cases(tool: peers.Tool, size: int) -> list[Case]:
    """Tasks inside the process, beside the bare loop of commits; the single ones are what starting costs."""
    cases = []
    for graph in (Graph("wide", 1), Graph("chain", 1000 // size), Graph("wide", 10_000 // size)):
        entries = {
            "unspool": peers.unspool_run(tool, graph, graphs.NOOP),
            "unspool check": peers.unspool_check(tool, graph, graphs.NOOP),
        }
        if graph.shape == "chain" or graph.size == 1:
            entries["sqlite loop"] = peers.sqlite_floor(graph.size)
        cases.append(Case("no-ops", graph.name, entries, NOOPS_AT_A_TIME, repeats=3 if graph.size == 1 else 1))
    return cases


def fan_out_cases(tool: peers.Tool, size: int) -> list[Case]:
    """Instances of one task, with and without a turn in a pool and a rate; the single one is what starting costs."""
    return [
        Case(
            "fan-out",
            f"{count:,} instances",
            {
                "plain": peers.fan_out_run(tool, count, shared=False),
                "pool and rate": peers.fan_out_run(tool, count, shared=True),
            },
            NOOPS_AT_A_TIME,
            repeats=3 if count == 1 else 1,
        )
        for count in (1, 1000 // size, 10_000 // size, 100_000 // size)
    ]


def emission_cases(tool: peers.Tool, size: int) -> list[Case]:
    """Tasks that rules add, beside the same tasks written down."""
    few, many = 10_000 // size, 100_000 // size
    rules = {"by a rule": peers.emission_run(tool, 1, few), "written down": peers.emission_run(tool, 0, few)}
    deep = {"by a rule": peers.emission_run(tool, 2, many)}
    return [
        Case("emissions", f"{few:,} tasks", rules, NOOPS_AT_A_TIME),
        Case("emissions", f"{many:,} tasks", deep, NOOPS_AT_A_TIME),
    ]


def compile_cases(tool: peers.Tool, size: int) -> list[Case]:
    """Documents that are loaded, checked and planned, and not run."""
    documents = [Graph("layered", 10_000 // size), Graph("layered", 100_000 // size)]
    return [
        Case("compile", f"{it.size:,} tasks", {"unspool check": peers.unspool_check(tool, it, graphs.REALISTIC)})
        for it in documents
    ]


def start_cases(tools: peers.Tools) -> list[Case]:
    """The smallest calls, beside what Python and click alone need."""
    entries = {}
    if tools.unspool:
        entries["unspool check hello.yaml"] = peers.starting(tools.unspool.path, "check", "hello.yaml")
        entries["unspool run hello.yaml"] = peers.starting(tools.unspool.path, "run", "hello.yaml")
    entries["python -c pass"] = peers.starting(sys.executable, "-c", "pass")
    entries['python -c "import click"'] = peers.starting(sys.executable, "-c", "import click")
    return [Case("start", "start", entries, repeats=4)]


def measure(cases: list[Case], rounds: int, base: Path) -> Iterator[Sample]:
    """Everybody takes turns in every round, each time someone else first, each time in a new folder."""
    for number, case in enumerate(cases):
        say(f"{case.group}: {case.name}, {case.jobs} at a time")
        for turn in range(min(rounds * case.repeats, case.most)):
            names = list(case.entries)
            first = turn % len(names) if names else 0
            for name in names[first:] + names[:first]:
                folder = base / f"{number}-{turn}-{names.index(name)}"
                folder.mkdir()
                yield one_run(case, name, turn, folder)


def one_run(case: Case, name: str, turn: int, folder: Path) -> Sample:
    """Prepare, time and count one process; a run that did not do all of its work ends the measurement."""
    job = case.entries[name](folder, case.jobs)
    os.sync()  # what the preparation wrote is not this process's to wait for
    seconds, code, peak = timed(job, folder)
    done = job.count() if code == 0 else 0
    if code or done != job.expected:
        errors = (folder / "stderr").read_text()[-2000:]
        sys.exit(f"{name} on {case.name}: exit code {code}, {done} of {job.expected} tasks, in {folder}\n{errors}")
    return Sample(case.group, case.name, name, case.jobs, turn, job.expected, seconds, peak)


def timed(job: peers.Job, folder: Path) -> tuple[float, int, float]:
    """Seconds from the start until it is reaped, the exit code, and the peak memory in MB of its largest process."""
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as errors:
        environment = peers.environment(folder)
        start = time.perf_counter()
        process = subprocess.Popen(
            job.argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return seconds, process.returncode, usage.ru_maxrss / 1024


def say(line: str) -> None:
    """Tell the person who waits."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

"""The shapes that are measured, and how each tool's file says them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Graph:
    """A task graph without content: task `i` is called `t<i>`.

    Attributes:
        shape: `chain`, `wide` (no edges), or `layered` (each task needs three of the layer before).
        size: how many tasks.
        width: how many tasks a layer has; for `layered` only.
    """

    shape: str
    size: int
    width: int = 50

    @property
    def name(self) -> str:
        """What the tables call it."""
        if self.shape == "layered":
            return f"layered {self.size // self.width} x {self.width}"
        return f"{self.shape} {self.size:,}"

    def tasks(self) -> Iterator[tuple[str, list[str]]]:
        """Each task with the tasks it needs; a needed one comes first."""
        for number in range(self.size):
            yield f"t{number}", [f"t{needed}" for needed in self._needs(number)]

    def _needs(self, number: int) -> list[int]:
        if self.shape == "chain":
            return [number - 1] if number else []
        if self.shape == "layered" and number >= self.width:
            layer, column = divmod(number, self.width)
            return [(layer - 1) * self.width + (column + step) % self.width for step in (0, 1, 2)]
        return []


def write_lines(path: Path, lines: Iterator[str]) -> None:
    """Write line by line: the driver must stay small, for its size is the floor of what memory is reported."""
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in lines)


def makefile(graph: Graph) -> Iterator[str]:
    """One phony target a task. The recipe is printed, so that the run can be counted; make needs no shell for it."""
    names = " ".join(name for name, _ in graph.tasks())
    yield f".PHONY: all {names}"
    yield f"all: {names}"
    for name, needs in graph.tasks():
        yield f"{name}: {' '.join(needs)}"
        yield "\ttrue"


def ninja_file(graph: Graph) -> Iterator[str]:
    """One build statement a task; ninja writes each finished one to its log."""
    yield "rule run"
    yield "  command = true"
    for name, needs in graph.tasks():
        yield f"build {name}: run {' '.join(needs)}"


def dodo_file(graph: Graph) -> Iterator[str]:
    """doit: one task each, always run."""
    yield "def task_t():"
    yield "    yield from TASKS"
    yield "TASKS = ["
    for name, needs in graph.tasks():
        before = [f"t:{need}" for need in needs]
        yield f"    {{'name': {name!r}, 'actions': ['true'], 'task_dep': {before}}},"
    yield "]"


def taskfile(graph: Graph) -> Iterator[str]:
    """go-task: one task each; `all` needs them all."""
    yield "version: '3'"
    yield "tasks:"
    yield f"  all: {{deps: [{', '.join(name for name, _ in graph.tasks())}]}}"
    for name, needs in graph.tasks():
        yield f"  {name}: {{deps: [{', '.join(needs)}], cmds: ['true'], run: once}}"


def dag_file(graph: Graph) -> Iterator[str]:
    """Dagu: one step each."""
    yield "maxActiveSteps: 2"
    yield "steps:"
    for name, needs in graph.tasks():
        yield f"  - {{name: {name}, command: 'true', depends: [{', '.join(needs)}]}}"


def workflow(graph: Graph, body: str) -> Iterator[str]:
    """An unspool document in which each task is `body`, lines of YAML parted by newlines."""
    yield "unspool: 1"
    yield f"name: {graph.shape}"
    yield f"limits: {{max_tasks: {graph.size}}}"
    yield "inputs: {word: {type: string, default: hello}}"
    yield "tasks:"
    for name, needs in graph.tasks():
        yield f"  {name}:"
        if needs:
            yield f"    depends_on: [{', '.join(needs)}]"
        for line in body.split("\n"):
            yield f"    {line}"


def fan_out(size: int, *, shared: bool) -> Iterator[str]:
    """An unspool document with one task of so many instances, which all take their turn in a pool of 8 and a rate."""
    yield "unspool: 1"
    yield "name: fan-out"
    yield f"limits: {{max_tasks: {size + 1}}}"
    if shared:
        yield 'resources: {pool: {slots: 8}, quick: {rate: "1000000/1s"}}'
    yield "tasks:"
    yield "  each:"
    yield f"    for_each: [{', '.join(map(str, range(size)))}]"
    yield f"    {NOOP}"
    if shared:
        yield "    uses: [pool, quick]"


FANNED = 1000  # tasks that the first of two levels of rules adds


def emissions(levels: int, size: int) -> Iterator[str]:
    """An unspool document whose rules add so many no-ops at one or two levels; at none they are written down."""
    yield "unspool: 1"
    yield "name: emissions"
    yield f"limits: {{max_tasks: {2 * size + 10}}}"
    yield "tasks:"
    if not levels:
        yield f"  first: {{{NOOP}}}"
        for number in range(size):
            yield f"  t{number}: {{{NOOP}, depends_on: {{first: any}}}}"
        return
    counts = [size] if levels == 1 else [FANNED, size // FANNED]
    yield from _emitting("first", counts[0], "last" if levels == 1 else "middle", counts[0])
    yield "templates:"
    if levels == 2:
        yield from _emitting("middle", counts[1], "last", size)
    yield f"  last: {{{NOOP}}}"


def _emitting(name: str, count: int, template: str, most: int) -> Iterator[str]:
    yield f"  {name}:"
    yield '    python: "bench_noop:numbers"'
    yield f"    with: {{count: {count}}}"
    yield f'    on_result: [{{emit: {template}, for_each: "${{{{ result.json }}}}", max: {most}}}]'


def emitted(levels: int, size: int) -> int:
    """Give how many tasks complete: those that count, what adds them, and what stands for all of a template."""
    return size + 1 + (0, 1, FANNED + 2)[levels]


ARGV = 'run: ["true"]'
SCRIPT = 'run: "true"'
NOOP = 'python: "bench_noop:noop"'
# What the compiler is measured on: a task as people write them, about 140 bytes with its name and needs.
REALISTIC = 'description: one of many\nrun: [echo, "${{ inputs.word }}"]\ntimeout: 30s\nretry: {max_attempts: 2}'

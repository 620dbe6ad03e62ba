"""The graph of a document: who waits for whom, names that do not exist, cycles, and the order of the plan."""

from __future__ import annotations

from collections import Counter
from graphlib import CycleError, TopologicalSorter
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from unspool.compiler.cycles import shortest_cycles
from unspool.compiler.readable import Readable
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.plan import DEFAULT_MAX_TASKS
from unspool.model.similar import closest

CODES = {
    "UNS040": "a task depends on a task that does not exist",
    "UNS041": "a task depends on itself",
    "UNS043": "tasks wait for each other in a cycle",
    "UNS044": "a dependency waits for a state that cannot happen",
    "UNS110": "the document has more tasks than `limits.max_tasks` allows",
}

GATE = "._gate"  # ends the name of what everything in a group comes after
COPIED = "[]"  # ends the name of the group that instances, or what is made of a template, are copies of
DOOR = "_open"  # what keeps a run open, which every template waits for
EACH = "[*]"  # ends the name of what stands for all instances of a template
MOST_SUGGESTIONS = 30  # looking for a similar name costs milliseconds where there are many
_MANY_NAMES = 2000
_MOST_LISTED = 6


class Graph(NamedTuple):
    """The tasks of a document as nodes numbered in document order.

    Attributes:
        names: of each node, its task's name.
        number: the node of each name.
        needs: of each node, who it waits for and the state asked for, in ascending order.
        order: the nodes in plan order, without those that a cycle keeps from ever starting.
        uncertain: those nodes, and the ones some of whose dependencies could not be read.
    """

    names: tuple[str, ...]
    number: dict[str, int]
    needs: list[list[tuple[int, str]]]
    order: list[int]
    uncertain: frozenset[int]


def read_graph(readable: Readable) -> tuple[Graph, list[Diagnostic]]:
    """Build the graph of a document and say what is wrong with it.

    The order is the document's own where that is already possible; else, of the tasks that could
    stand next, always the one written first.

    Cost: O(tasks + dependencies) and a logarithm where the order has to change. No recursion.
    """
    reader = _Reader(readable)
    found = reader.read()
    order, cycle_found = _order(reader)
    found += cycle_found
    if cycle_found:
        reader.uncertain.update(set(range(len(reader.names))).difference(order))
    graph = Graph(reader.names, reader.index, reader.needs, order, frozenset(reader.uncertain))
    return graph, found + _impossible_states(graph, list(reader.tasks.values()))


def needed_path(task: dict[str, Any], name: str, needed: str) -> tuple[Path, bool]:
    """Give the path of a dependency in `depends_on`, and whether it is a key there."""
    depends_on = task["depends_on"]
    if isinstance(depends_on, dict):
        return ("tasks", name, "depends_on", needed), True
    return ("tasks", name, "depends_on", depends_on.index(needed)), False


class _Reader:
    """Resolves the names in `depends_on`."""

    def __init__(self, readable: Readable) -> None:
        self.tasks: dict[str, dict[str, Any]] = readable.document["tasks"]
        self.names = tuple(self.tasks)
        self.index = {name: number for number, name in enumerate(self.names)}
        self.needs: list[list[tuple[int, str]]] = []
        self.holes = readable.holes
        self.uncertain: set[int] = set()
        self._suggested = 0

    def read(self) -> list[Diagnostic]:
        found: list[Diagnostic] = []
        index = self.index
        no_needs: list[tuple[int, str]] = []
        for node, (name, task) in enumerate(self.tasks.items()):
            depends_on = task.get("depends_on")
            if not depends_on:
                self.needs.append(no_needs)
                continue
            wanted = depends_on if type(depends_on) is dict else dict.fromkeys(depends_on, "ok")
            needs = [(index[need], state) for need, state in wanted.items() if need in index and need != name]
            if len(needs) != len(depends_on):
                found += self._explain(node, name, depends_on)
            needs.sort()
            self.needs.append(needs)
        if self.holes:
            self.uncertain.update(index[str(path[1])] for path in self.holes if path[2:] == ("depends_on",))
        return found

    def _explain(self, node: int, name: str, depends_on: list[str] | dict[str, str]) -> list[Diagnostic]:
        found: list[Diagnostic] = []
        is_map = isinstance(depends_on, dict)
        for number, need in enumerate(depends_on):
            path: Path = ("tasks", name, "depends_on", need if is_map else number)
            if need == name:
                message = f"task {quote(name)} depends on itself"
                found.append(Diagnostic("UNS041", message, path, on_key=is_map, hint="remove this dependency"))
            elif need not in self.index:
                self.uncertain.add(node)
                found.append(self._unknown(name, need, path, on_key=is_map))
        return found

    def _unknown(self, name: str, need: str, path: Path, *, on_key: bool) -> Diagnostic:
        self._suggested += 1
        hint = "name a task of this document"
        if self._suggested <= MOST_SUGGESTIONS:
            hint = self._suggest(name, need) or hint
        message = f"task {quote(name)} depends on {quote(need)}, which does not exist"
        return Diagnostic("UNS040", message, path, on_key=on_key, hint=hint)

    def _suggest(self, name: str, need: str) -> str | None:
        others = [other for other in self.names if other.isidentifier() and other != name.partition(GATE)[0]]
        group = next((other for other in self.names if other.endswith(f".{need}")), "").rpartition(".")[0]
        if group:
            return f"{quote(need)} is a task of the group {quote(group)}: wait for the group"
        similar = similar_name(need, others)
        if similar is not None:
            return f"did you mean {quote(similar)}?"
        if others and len(others) <= _MOST_LISTED:
            return "the other tasks are " + ", ".join(map(quote, others))
        return None


def similar_name(word: str, known: list[str]) -> str | None:
    """Give the known name that a wrong one probably means; `-` and capitals count for little."""
    plain = word.replace("-", "_").replace(" ", "_").lower()
    if plain in known:
        return plain
    if len(known) > _MANY_NAMES:
        known = [name for name in known if name[:1] == plain[:1] and abs(len(name) - len(plain)) <= 1][:_MANY_NAMES]
    return closest(plain, known)


def _order(reader: _Reader) -> tuple[list[int], list[Diagnostic]]:
    needs = reader.needs
    if all(not wanted or wanted[-1][0] < node for node, wanted in enumerate(needs)):
        return list(range(len(needs))), []
    sorter = TopologicalSorter({node: [need for need, _ in wanted] for node, wanted in enumerate(needs)})
    found: list[Diagnostic] = []
    try:
        sorter.prepare()
    except CycleError:
        found = [_cycle_found(reader, cycle) for cycle in shortest_cycles(needs)]
    ready = list(sorter.get_ready())
    heapify(ready)
    order: list[int] = []
    while ready:
        node = heappop(ready)
        order.append(node)
        sorter.done(node)
        for freed in sorter.get_ready():
            heappush(ready, freed)
    return order, found


def _cycle_found(reader: _Reader, cycle: list[int]) -> Diagnostic:
    names = [reader.names[node] for node in cycle]
    path, on_key = needed_path(reader.tasks[names[0]], names[0], names[1])
    shown = names if len(names) <= 12 else [*names[:6], "...", *names[-5:]]
    message = f"these tasks wait for each other: {quote_path(shown)}"
    hint = f"remove one of these dependencies, such as {quote(names[1])} in `depends_on` of {quote(names[0])}"
    return Diagnostic("UNS043", message, path, on_key=on_key, hint=hint)


def quote_path(names: list[str]) -> str:
    """Write a way through the graph; each task depends on the one to its right."""
    return "`" + " -> ".join(names) + "`"


def gates_of(graph: Graph) -> dict[int, int]:
    """Give the gate of each node that is the end of a group."""
    ends = ((name.removesuffix(GATE), node) for node, name in enumerate(graph.names) if name.endswith(GATE))
    return {graph.number[name]: node for name, node in ends}


def stands_in(graph: Graph, task: dict[str, Any]) -> int | None:
    """Give the node that says how the substitute of a task ends, None where it has none."""
    policy = task.get("on_failure")
    name = policy.get("substitute") if isinstance(policy, dict) else None
    return None if name is None else graph.number.get(f"{name}{COPIED}", graph.number.get(name))


def tolerant(graph: Graph, tasks: list[dict[str, Any]]) -> list[bool]:
    """Say of each node whether dependents may go on after its failure, or that of what stands in for it."""
    own = [task.get("on_failure") == "skip" for task in tasks]
    return _through_stand_ins(own, _stand_ins(graph, tasks))


def _stand_ins(graph: Graph, tasks: list[dict[str, Any]]) -> dict[int, int]:
    found = ((node, stands_in(graph, task)) for node, task in enumerate(tasks) if "on_failure" in task)
    return {node: other for node, other in found if other is not None}


def _through_stand_ins(holds: list[bool], stand_ins: dict[int, int]) -> list[bool]:
    """Say of each node whether something holds for it, or for one of those that stand in for it in their turn."""
    holds = holds.copy()
    seen: set[int] = set()
    for node in stand_ins:
        way, at = [], node
        while at in stand_ins and at not in seen:
            seen.add(at)
            way.append(at)
            at = stand_ins[at]
        for each in reversed(way):
            holds[each] = holds[each] or holds[stand_ins[each]]
    return holds


def skippable(graph: Graph, tasks: list[dict[str, Any]]) -> tuple[list[bool], list[bool]]:
    """Say of each node whether it may end skipped, and whether that may happen for want of a dependency.

    Of a node that is uncertain both are taken to be so. A group is skipped where its gate is, or all its tasks are; of
    its tasks it is said in relation to each other: where their gate was open. What stands in for a task may be skipped
    in its place.
    """
    may_skip = [
        node in graph.uncertain or task.get("when", True) is not True or "emitters" in task
        for node, task in enumerate(tasks)
    ]
    by_needs = [node in graph.uncertain for node in range(len(tasks))]
    stand_ins, is_tolerant = _stand_ins(graph, tasks), tolerant(graph, tasks)
    while True:
        _skip_along(graph, tasks, is_tolerant, may_skip, by_needs)
        widened = _through_stand_ins(may_skip, stand_ins)
        if widened == may_skip:
            return may_skip, by_needs
        may_skip = widened


def _skip_along(
    graph: Graph, tasks: list[dict[str, Any]], is_tolerant: list[bool], may_skip: list[bool], by_needs: list[bool]
) -> None:
    """Tell all that wait for what may be skipped, in the order of the plan."""
    gates = gates_of(graph)
    closed = frozenset(gates.values())
    for node in graph.order:
        if (
            by_needs[node]
            or "join" in tasks[node]
            or any(
                _may_go_unmet(state, is_tolerant=is_tolerant[need], may_skip=may_skip[need])
                for need, state in graph.needs[node]
                if need not in closed
            )
        ):
            may_skip[node] = by_needs[node] = True
        if node in gates:
            gate = gates[node]
            members = [may_skip[need] for need, _ in graph.needs[node] if need != gate]
            may_skip[node] = may_skip[node] or may_skip[gate] or all(members)
            by_needs[node] = by_needs[gate]


def _may_go_unmet(state: str, *, is_tolerant: bool, may_skip: bool) -> bool:
    """Whether a task may end in another state than this without taking its dependents along."""
    if state == "completed":
        return may_skip or is_tolerant
    return state in ("failed", "skipped")


def _impossible_states(graph: Graph, tasks: list[dict[str, Any]]) -> list[Diagnostic]:
    """Warn of what is waited for in vain: of the task where it can then never run, else of the dependency alone."""
    waits = [
        (node, need, state)
        for node, wanted in enumerate(graph.needs)
        for need, state in wanted
        if state == "skipped" or (state == "failed" and tasks[need].get("on_failure") == "abort")
    ]
    if not waits:
        return []
    may_skip, _ = skippable(graph, tasks)
    vain = [wait for wait in waits if wait[2] == "failed" or not may_skip[wait[1]]]
    count = Counter(node for node, _, _ in vain)
    return [
        _never_met(
            graph,
            tasks[node],
            node,
            (need, state),
            is_needed=len(graph.needs[node]) - count[node] < _least(tasks[node], graph.needs[node]),
        )
        for node, need, state in vain
    ]


def _least(task: dict[str, Any], needs: list[tuple[int, str]]) -> float:
    """Give how many of its dependencies a task asks for."""
    join = task.get("join", "all")
    return len(needs) if join == "all" else 1 if join == "any" else float(join)


def _never_met(graph: Graph, task: dict[str, Any], node: int, wait: tuple[int, str], *, is_needed: bool) -> Diagnostic:
    name, needed, state = graph.names[node], graph.names[wait[0]], wait[1]
    what = f"task {quote(name)} never runs" if is_needed else "this dependency is never met"
    path, _ = needed_path(task, name, needed)
    if state == "failed":
        why = f"the failure of {quote(needed)} aborts the run"
        hint = f"change `on_failure` of {quote(needed)}, or wait for another state of it"
    else:
        why = f"{quote(needed)} is never skipped"
        hint = f"give {quote(needed)} a `when`, or wait for another state of it"
    return Diagnostic("UNS044", f"{what}: {why}", path, hint=hint, severity="warning")


def check_size(count: int, worst: int, limits: dict[str, Any]) -> list[Diagnostic]:
    """Refuse a document that has, or may come to have, more tasks than its limit allows.

    Args:
        count: how many tasks there are.
        worst: how many there are with all instances that there may be.
        limits: the document's `limits`.
    """
    limit = limits.get("max_tasks", DEFAULT_MAX_TASKS)
    if worst <= limit:
        return []
    given = "max_tasks" in limits
    has = f"has {count} tasks" if worst == count else f"may come to have {worst} tasks with all instances"
    message = f"the document {has}, more than `limits.max_tasks` allows ({limit:g})"
    hint = f"raise it: `limits: {{max_tasks: {worst}}}`" + (
        "" if worst == count else ", or bound the fan-outs by `max`"
    )
    path: Path = ("limits", "max_tasks") if given else ("tasks",)
    return [Diagnostic("UNS110", message, path, on_key=not given, hint=hint)]

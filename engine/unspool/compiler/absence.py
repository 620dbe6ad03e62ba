"""Judge what one task reads of another: is it an ancestor, and can the value be missing?"""

from __future__ import annotations

from typing import Any, NamedTuple

from unspool.compiler.ancestry import Standing, standings, with_groups
from unspool.compiler.flatten import Flat
from unspool.compiler.graph import Graph, skippable
from unspool.compiler.reaches import may_ask, waiting_hint
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path

_MOST_HINTS = 30  # finding out whether an edge would close a cycle is a walk over the graph


class Reading(NamedTuple):
    """One reference from a task to another.

    Attributes:
        target, node: who is read, and who reads.
        names: the reference's steps.
        path, offset: where it stands.
        is_safe: it works through an absent value.
        keeps_failure: a failure of the target leaves the value there.
        consumer: of the list of a fan-out that has null for what is missing, who needs every entry of it.
    """

    target: int
    node: int
    names: tuple[str | int, ...]
    path: Path
    offset: int
    is_safe: bool
    keeps_failure: bool
    consumer: str | None = None


def check_readings(graph: Graph, tasks: list[dict[str, Any]], readings: list[Reading], flat: Flat) -> list[Diagnostic]:
    """Say which readings are not of ancestors, and which may find nothing.

    Nothing is said of tasks before which some dependency could not be read.
    """
    if not readings:
        return []
    judged = with_groups(graph)
    unsure = _downstream(graph)
    sure = [reading for reading in readings if reading.node not in unsure]
    known = standings(graph, tasks, {(reading.target, reading.node) for reading in sure})
    found: list[Diagnostic] = []
    may_skip = skippable(graph, tasks)[0] if any(reading.consumer is not None for reading in sure) else []
    strangers = 0
    for reading in sure:
        standing = known[reading.target, reading.node]
        if not standing.is_ancestor:
            strangers += 1
            found.append(_not_before(graph, reading, flat, explain=strangers <= _MOST_HINTS))
        elif not reading.is_safe and _may_be_absent(reading, standing):
            found.append(_absent(judged, tasks[reading.node], reading, standing, flat))
        elif reading.consumer is not None:
            found += _gaps(graph, tasks, reading, standing, may_skip)
    return found


def _gaps(
    graph: Graph, tasks: list[dict[str, Any]], reading: Reading, standing: Standing, may_skip: list[bool]
) -> list[Diagnostic]:
    from unspool.compiler.gaps import gap_found, skips_instances  # a plain document has no such lists

    target = reading.target
    ends = ["was skipped"] if not standing.may_not_have_run and skips_instances(graph, tasks, target, may_skip) else []
    ends += ["failed"] if standing.may_have_failed else []
    if not ends:
        return []
    assert reading.consumer is not None  # noqa: S101 - whoever calls has looked
    value = ".".join(map(str, reading.names))
    return [gap_found(value, graph.names[target], ends, reading.consumer, reading.path, reading.offset)]


def _downstream(graph: Graph) -> set[int]:
    """Give the tasks with an unreadable dependency somewhere before them."""
    unsure = set(graph.uncertain)
    if unsure:
        for node in graph.order:
            if any(need in unsure for need, _ in graph.needs[node]):
                unsure.add(node)
    return unsure


def _may_be_absent(reading: Reading, standing: Standing) -> bool:
    return standing.may_not_have_run or (standing.may_have_failed and not reading.keeps_failure)


def _not_before(graph: Graph, reading: Reading, flat: Flat, *, explain: bool) -> Diagnostic:
    name, target = graph.names[reading.node], graph.names[reading.target]
    hint = waiting_hint(flat, name, target)
    if explain and _comes_before(graph, reading.node, reading.target):
        hint = f"{quote(target)} itself waits for {quote(name)}: read it in a task that comes after {quote(target)}"
    message = f"task {quote(name)} reads {quote(target)}, which does not come before it"
    return Diagnostic("UNS070", message, reading.path, offset=reading.offset, hint=hint)


def _comes_before(graph: Graph, first: int, then: int) -> bool:
    seen, left = {then}, [then]
    while left:
        for need, _ in graph.needs[left.pop()]:
            if need not in seen:
                seen.add(need)
                left.append(need)
    return first in seen


def _absent(graph: Graph, reader: dict[str, Any], reading: Reading, standing: Standing, flat: Flat) -> Diagnostic:
    name, target = graph.names[reading.node], graph.names[reading.target]
    value = quote(".".join(map(str, reading.names)))
    is_loose = reader.get("join", "all") != "all"  # then nothing is sure of any state that it asks for
    state = None if is_loose else _direct_state(graph, reading)
    when = "ends" if target in flat.role(name).members else "starts"
    message = f"{value} may be absent when {quote(name)} {when}: {quote(target)} {_why(reading, standing, state)}"
    ways_out = ["add `| default(...)`"]
    if not standing.may_not_have_run:
        ways_out.append("give the output a `default`")
    if state not in ("failed", "skipped") and not is_loose and may_ask(flat, name, target):
        asked = target.removeprefix(flat.role(name).scope)
        ways_out.append(f"let {quote(name)} depend on `{{{asked}: completed}}`")
    return Diagnostic("UNS071", message, reading.path, offset=reading.offset, hint=", or ".join(ways_out))


def _direct_state(graph: Graph, reading: Reading) -> str | None:
    return next((state for need, state in graph.needs[reading.node] if need == reading.target), None)


def _why(reading: Reading, standing: Standing, state: str | None) -> str:
    if state == "skipped":
        return "was skipped"
    if state == "failed":
        return "has failed"
    ends = []
    if standing.may_not_have_run:
        ends.append("have been skipped" if state == "ok" else "have been skipped or cancelled")
    if standing.may_have_failed and not reading.keeps_failure:
        ends.append("have failed")
    return "may " + ", or ".join(ends)

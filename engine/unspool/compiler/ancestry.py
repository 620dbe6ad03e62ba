"""What is sure about a task when another one starts: whether it came before, whether it ran, whether it completed.

The rule. When D starts, every dependency of D has ended in a state that D asked for. So of a direct
dependency A it is known: `ok` - it completed, or was skipped (if it can be), or failed (if its
failure is tolerated); `completed`, `failed`, `skipped` - just that; `any` - nothing. Of a task A
further up, what B knew of it when B started still holds for D, if B is a dependency of D that surely
had its own dependencies met: it ran, or only its `when` skipped it. What several ways from D to A
say holds together. What stands for the end of a group looks at its members only where none of them
failed, so it reads them as if it depended on each by `ok`. Where instances end for themselves, there
are lists of what they gave even if all of them were skipped.
"""

from __future__ import annotations

from typing import NamedTuple

from unspool.compiler.flatten import asks_each, locals_of
from unspool.compiler.graph import Graph, gates_of, skippable, tolerant

_BATCH = 1024  # targets looked at in one sweep: one bit of a number for each


class Standing(NamedTuple):
    """What is known of a task when another one starts.

    Attributes:
        is_ancestor: the other one waits for it, directly or through others.
        may_not_have_run: it may have been skipped or cancelled.
        may_have_failed: it may have failed.
    """

    is_ancestor: bool
    may_not_have_run: bool = True
    may_have_failed: bool = True


NOT_BEFORE = Standing(is_ancestor=False)


def standings(
    graph: Graph, tasks: list[dict[str, object]], pairs: set[tuple[int, int]]
) -> dict[tuple[int, int], Standing]:
    """Say for each pair (A, D) of nodes what is known of A when D starts.

    Cost: a lookup for a direct dependency that is sure to have completed; for all others together
    one sweep over the part of the plan between the tasks, for every 1,024 different tasks A.
    """
    graph = with_groups(graph)
    judge = _Judge(graph, tasks)
    known: dict[tuple[int, int], Standing] = {}
    left = []
    for pair in pairs:
        direct = judge.direct(*pair)
        if direct is not None and not direct.may_not_have_run and not direct.may_have_failed:
            known[pair] = direct
        else:
            left.append(pair)
    known.update(_sweeps(judge, graph, left))
    return known


def with_groups(graph: Graph) -> Graph:
    """Give the graph with what the end of a group tells: that its gate was open, unless the group was skipped.

    Its members are looked at only where none of them failed.
    """
    gates = gates_of(graph)
    if not gates:
        return graph
    needs = list(graph.needs)
    for end in gates:
        needs[end] = [(need, "ok") for need, _ in needs[end]]
    return graph._replace(needs=needs)


class _Judge:
    """Knows what each kind of dependency says about the task that is waited for."""

    def __init__(self, graph: Graph, tasks: list[dict[str, object]]) -> None:
        self._needs = graph.needs
        self._tolerant = tolerant(graph, tasks)
        self._may_skip, self._skipped_by_needs = skippable(graph, tasks)
        self._gives_lists = [
            "emitters" in task or (bool(locals_of(task)) and (task.get("when", True) is True or asks_each(task)))
            for task in tasks
        ]
        # Of what such a task waits for, nothing is sure but that it was asked for.
        self.is_loose = [task.get("join", "all") != "all" for task in tasks]

    def direct(self, target: int, node: int) -> Standing | None:
        for need, state in self._needs[node]:
            if need == target and self.is_loose[node]:
                return Standing(is_ancestor=True)
            if need == target:
                return Standing(
                    is_ancestor=True,
                    may_not_have_run=self.may_not_have_run(need, state),
                    may_have_failed=self.may_have_failed(need, state),
                )
        return None

    def may_not_have_run(self, need: int, state: str) -> bool:
        if state == "ok":
            return self._may_skip[need] and (self._skipped_by_needs[need] or not self._gives_lists[need])
        return state in ("skipped", "any")

    def may_have_failed(self, need: int, state: str) -> bool:
        if state == "ok":
            return self._tolerant[need]
        return state in ("failed", "any")

    def had_its_needs_met(self, need: int, state: str) -> bool:
        if state == "any":
            return False
        return not (self.may_not_have_run(need, state) and self._skipped_by_needs[need])


def _sweeps(judge: _Judge, graph: Graph, pairs: list[tuple[int, int]]) -> dict[tuple[int, int], Standing]:
    order = graph.order
    place = {node: at for at, node in enumerate(order)} if pairs else {}
    by_target: dict[int, list[int]] = {}
    known: dict[tuple[int, int], Standing] = {}
    for target, node in pairs:
        if target in place:
            by_target.setdefault(place[target], []).append(place[node])
        else:  # a cycle keeps the target from starting, and not the other one
            known[target, node] = NOT_BEFORE
    targets = sorted(by_target)
    for start in range(0, len(targets), _BATCH):
        batch = targets[start : start + _BATCH]
        last = max(max(by_target[at]) for at in batch)
        sweep = _Sweep(judge, graph, [order[at] for at in batch])
        sweep.run(order[batch[0] : last + 1])
        for at in batch:
            known.update({(order[at], order[to]): sweep.standing(order[at], order[to]) for to in by_target[at]})
    return known


class _Sweep:
    """One pass along the plan; bit number i of every number is about target i."""

    def __init__(self, judge: _Judge, graph: Graph, targets: list[int]) -> None:
        self._judge = judge
        self._needs = graph.needs
        self._bit = {target: 1 << number for number, target in enumerate(targets)}
        self._all = (1 << len(targets)) - 1
        self._facts: dict[int, tuple[int, int, int]] = {}  # ancestors, may not have run, may have failed

    def run(self, nodes: list[int]) -> None:
        nothing = (0, self._all, self._all)
        for node in nodes:
            facts = nothing
            for need, state in self._needs[node]:
                upper = self._facts.get(need, nothing)
                bit = self._bit.get(need)
                if bit is not None or upper is not nothing:
                    facts = self._joined(facts, upper, bit, need, state)
            self._facts[node] = (facts[0], self._all, self._all) if self._judge.is_loose[node] else facts

    def _joined(
        self, facts: tuple[int, int, int], upper: tuple[int, int, int], bit: int | None, need: int, state: str
    ) -> tuple[int, int, int]:
        judge = self._judge
        before, absent, failed = upper
        if not judge.had_its_needs_met(need, state):
            absent = failed = self._all
        if bit is not None:
            before |= bit
            absent = absent | bit if judge.may_not_have_run(need, state) else absent & ~bit
            failed = failed | bit if judge.may_have_failed(need, state) else failed & ~bit
        return facts[0] | before, facts[1] & absent, facts[2] & failed

    def standing(self, target: int, node: int) -> Standing:
        bit = self._bit[target]
        before, absent, failed = self._facts.get(node, (0, 0, 0))
        if not before & bit:
            return NOT_BEFORE
        return Standing(is_ancestor=True, may_not_have_run=bool(absent & bit), may_have_failed=bool(failed & bit))

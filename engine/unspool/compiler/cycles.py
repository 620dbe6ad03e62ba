"""Cycles of a graph, each named by a shortest way round."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

_WORK = 400_000  # edges looked at in the search for the shortest cycle of one knot of tasks

Needs = Sequence[Sequence[tuple[int, str]]]


def shortest_cycles(needs: Needs) -> list[list[int]]:
    """Give one cycle of every strongly connected component, first and last node the same.

    It is a shortest one of its component, unless the component is so large that only some of its
    nodes can be tried; then it is a shortest through one of those. A cycle begins at its lowest node.
    """
    cycles = [_shortest(needs, component) for component in components(needs) if len(component) > 1]
    return sorted(_rotated(cycle) for cycle in cycles)


def components(needs: Needs) -> list[list[int]]:
    """Give the strongly connected components (Tarjan's algorithm, with a stack of its own)."""
    count = len(needs)
    number, low = [0] * count, [0] * count  # 0: not visited
    on_stack = [False] * count
    stack: list[int] = []
    found: list[list[int]] = []
    clock = 0
    for root in range(count):
        if number[root]:
            continue
        work = [(root, 0)]
        while work:
            node, position = work.pop()
            if position == 0:
                clock += 1
                number[node] = low[node] = clock
                stack.append(node)
                on_stack[node] = True
            else:
                low[node] = min(low[node], low[needs[node][position - 1][0]])
            edges = needs[node]
            while position < len(edges):
                need = edges[position][0]
                position += 1
                if not number[need]:
                    work.append((node, position))
                    work.append((need, 0))
                    break
                if on_stack[need]:
                    low[node] = min(low[node], number[need])
            else:
                if low[node] == number[node]:
                    found.append(_pop_component(stack, on_stack, node))
    return found


def _pop_component(stack: list[int], on_stack: list[bool], node: int) -> list[int]:
    at = len(stack) - 1
    while stack[at] != node:
        at -= 1
    component = stack[at:]
    del stack[at:]
    for member in component:
        on_stack[member] = False
    return component


def _shortest(needs: Needs, component: list[int]) -> list[int]:
    members = frozenset(component)
    edges = sum(len(needs[node]) for node in component)
    best: list[int] = []
    for node in sorted(component)[: max(1, _WORK // edges)]:
        cycle = _through(needs, members, node, len(best))
        if cycle and (not best or len(cycle) < len(best)):
            best = cycle
        if len(best) == 3:  # a -> b -> a: none is shorter
            break
    return best


def _through(needs: Needs, members: frozenset[int], start: int, known: int) -> list[int]:
    """Give a shortest cycle through `start`; empty where it is not shorter than `known` nodes."""
    came_from = {start: start}
    queue = deque([(start, 1)])
    while queue:
        node, length = queue.popleft()
        if known and length + 1 >= known:
            return []
        for need, _ in needs[node]:
            if need == start:
                return [*_way(came_from, node), start]
            if need in members and need not in came_from:
                came_from[need] = node
                queue.append((need, length + 1))
    return []


def _way(came_from: dict[int, int], node: int) -> list[int]:
    way = [node]
    while came_from[node] != node:
        node = came_from[node]
        way.append(node)
    return way[::-1]


def _rotated(cycle: list[int]) -> list[int]:
    ring = cycle[:-1]
    at = ring.index(min(ring))
    return [*ring[at:], *ring[:at], ring[at]]

"""Strongly connected components, and a shortest way round each."""

from __future__ import annotations

from itertools import pairwise

from unspool.compiler.cycles import components, shortest_cycles


def test_components_and_cycles_of_plain_graphs():
    needs = [[(1, "ok")], [(2, "ok")], [(0, "ok"), (3, "ok")], []]
    assert sorted(map(sorted, components(needs))) == [[0, 1, 2], [3]]
    assert shortest_cycles(needs) == [[0, 1, 2, 0]]
    assert shortest_cycles([[], [(0, "ok")]]) == []


def test_a_shortest_cycle_is_found_even_if_it_is_not_at_the_first_task():
    ring = [[((node + 1) % 50, "ok")] for node in range(50)]
    ring[30].append((29, "ok"))
    assert shortest_cycles(ring) == [[29, 30, 29]]


def test_cycles_apart_are_all_found():
    needs = [[(1, "ok")], [(0, "ok")], [(3, "ok"), (0, "ok")], [(4, "ok")], [(2, "ok")], []]
    assert shortest_cycles(needs) == [[0, 1, 0], [2, 3, 4, 2]]


def test_a_huge_knot_takes_bounded_work_and_gives_a_real_cycle():
    count = 40_000
    needs = [[((node + 1) % count, "ok"), ((node * 7 + 1) % count, "ok")] for node in range(count)]
    needs = [[(need, state) for need, state in wanted if need != node] for node, wanted in enumerate(needs)]
    [cycle] = shortest_cycles(needs)
    assert cycle[0] == cycle[-1]
    assert all(after in dict(needs[before]) for before, after in pairwise(cycle))

"""What is known of a task when another starts; `tests/property/test_plans.py` compares it with every possible run."""

from __future__ import annotations

from tests.unit.compiler.compiling import argv_tasks
from unspool.compiler.ancestry import NOT_BEFORE, Standing, standings
from unspool.compiler.graph import read_graph
from unspool.compiler.readable import whole


def known(edges, pairs, **settings):
    document = argv_tasks(edges)
    for name, keys in settings.items():
        document["tasks"][name].update(keys)
    graph, _ = read_graph(whole(document))
    numbers = [(graph.number[one], graph.number[other]) for one, other in pairs]
    found = standings(graph, list(document["tasks"].values()), set(numbers))
    return [found[pair] for pair in numbers]


def test_a_direct_dependency_that_must_complete_is_sure():
    sure = Standing(is_ancestor=True, may_not_have_run=False, may_have_failed=False)
    assert known({"a": None, "b": ["a"]}, [("a", "b")]) == [sure]
    assert known({"a": None, "b": {"a": "completed"}}, [("a", "b")], a={"on_failure": "skip"}) == [sure]


def test_a_task_to_the_side_or_behind_is_no_ancestor():
    assert known({"a": None, "b": ["a"], "c": ["a"]}, [("b", "c"), ("b", "a")]) == [NOT_BEFORE, NOT_BEFORE]


def test_what_two_ways_tell_is_added_up():
    edges = {"a": None, "loose": {"a": "any"}, "strict": {"a": "completed"}, "end": ["loose", "strict"]}
    edges["end"] = {"loose": "ok", "strict": "completed"}
    by_both, by_one = known({**edges, "other": ["loose"]}, [("a", "end"), ("a", "other")])
    assert (by_both.may_not_have_run, by_both.may_have_failed) == (False, False)
    assert (by_one.may_not_have_run, by_one.may_have_failed) == (True, True)


def test_a_target_in_a_cycle_is_no_ancestor_of_a_task_outside():
    assert known({"a": ["b"], "b": ["a"], "c": None}, [("a", "c")]) == [NOT_BEFORE]


def test_standings_of_many_targets_take_several_sweeps():
    count = 2500
    tasks = {f"t{number}": {"run": ["x"]} for number in range(count)}
    tasks["t0"]["when"] = "${{ inputs.go }}"
    for number in range(1, count):
        tasks[f"t{number}"]["depends_on"] = [f"t{number - 1}"]
    graph, _ = read_graph(whole({"tasks": tasks}))
    pairs = {(number, count - 1) for number in range(count - 1)} | {(count - 1, 5)}
    known = standings(graph, list(tasks.values()), pairs)
    assert all(known[number, count - 1].is_ancestor for number in range(count - 1))
    assert known[0, count - 1].may_not_have_run
    assert not known[1, count - 1].may_not_have_run
    assert not known[count - 1, 5].is_ancestor

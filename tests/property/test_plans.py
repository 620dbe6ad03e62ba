"""Random graphs become plans whose order, waves, paths and JSON agree with slow and simple oracles."""

from __future__ import annotations

import json
from itertools import pairwise, permutations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.compiler.compiling import argv_tasks
from unspool.analysis.critical_path import schedule
from unspool.analysis.makespan import makespan
from unspool.analysis.report import plan_report
from unspool.analysis.waves import wave_numbers
from unspool.compiler.ancestry import standings
from unspool.compiler.compile import compile_document
from unspool.compiler.graph import read_graph, skippable
from unspool.compiler.readable import whole
from unspool.model.plan_json import plan_from_json, plan_to_json

STATES = ("ok", "completed", "failed", "skipped", "any")


@st.composite
def graphs(draw, most=12, states=STATES):
    """Draw a document whose tasks stand in any order; every edge goes to a task with a lower number."""
    count = draw(st.integers(1, most))
    numbers = draw(st.permutations(range(count)))
    document = argv_tasks({f"t{number}": None for number in numbers})
    for number in numbers:
        needs = draw(st.lists(st.integers(0, number - 1), unique=True, max_size=4)) if number else []
        task = document["tasks"][f"t{number}"]
        if needs and draw(st.booleans()):
            task["depends_on"] = [f"t{need}" for need in needs]
        elif needs:
            task["depends_on"] = {f"t{need}": draw(st.sampled_from(states)) for need in needs}
        task["estimate"] = draw(st.sampled_from(("0s", "1s", "2s", "2500ms", "1m", "7m")))
        task["on_failure"] = draw(st.sampled_from(("cancel_dependents", "skip")))
        if draw(st.booleans()):
            task["when"] = "${{ inputs.go }}"
    return {**document, "inputs": {"go": {"type": "boolean", "default": True}}}


def compiled(document):
    plan, found = compile_document(json.dumps(document), "json")
    assert not any(one.is_error for one in found), found
    return plan


def needs_of(document):
    return {name: list(task.get("depends_on", ())) for name, task in document["tasks"].items()}


@given(graphs())
@settings(max_examples=150)
def test_the_order_respects_every_need_and_the_document_as_far_as_it_can(document):
    plan = compiled(document)
    order = [task.id for task in plan.tasks]
    assert sorted(order) == sorted(document["tasks"])
    needs, written = needs_of(document), list(document["tasks"])
    done: set[str] = set()
    for name in order:
        startable = [other for other in written if other not in done and done.issuperset(needs[other])]
        assert name == startable[0]
        done.add(name)
    for task in plan.tasks:
        assert {order[need] for need, _ in task.needs} == set(needs[task.id])
        assert list(task.dependents) == [at for at, name in enumerate(order) if task.id in needs[name]]


@given(graphs(most=8))
@settings(max_examples=120)
def test_waves_and_the_critical_path_agree_with_all_ways_through_the_graph(document):
    plan = compiled(document)
    times, numbers = schedule(plan), wave_numbers(plan)
    ways = list(all_ways(plan))
    lengths = [sum(times.duration[index] for index in way) for way in ways]
    assert times.total == max(lengths)
    assert sum(times.duration[index] for index in times.critical_path) == times.total
    assert any(is_part(times.critical_path, way) for way in ways)
    for index in range(len(plan.tasks)):
        before = [way[: way.index(index)] for way in ways if index in way]
        behind = [way[way.index(index) :] for way in ways if index in way]
        assert numbers[index] == max(map(len, before))
        assert times.earliest[index] == max(sum(times.duration[at] for at in way) for way in before)
        assert times.latest[index] == times.total - max(sum(times.duration[at] for at in way) for way in behind)
        assert times.slack(index) >= 0


def all_ways(plan):
    """Give every way from a task without needs to one without dependents."""
    left = [[task.index] for task in plan.tasks if not task.needs]
    while left:
        way = left.pop()
        dependents = plan.tasks[way[-1]].dependents
        if not dependents:
            yield way
        left += [[*way, dependent] for dependent in dependents]


def is_part(path, way):
    """Whether a path is a stretch of a way; the rest of it takes no time."""
    return any(way[at : at + len(path)] == path for at in range(len(way)))


@given(graphs(most=6), st.integers(1, 4))
@settings(max_examples=60)
def test_a_makespan_lies_between_the_best_schedule_and_the_bound_of_list_schedules(document, workers):
    plan = compiled(document)
    times = schedule(plan)
    found = makespan(plan, times, workers)
    work = sum(times.duration)
    assert max(times.total, -(-work // workers)) <= found <= work
    assert found >= best_schedule(plan, times.duration, workers)
    assert found <= work / workers + times.total * (workers - 1) / workers + 1  # Graham's bound


def best_schedule(plan, duration, workers):
    """Try every order of the tasks; each starts on the worker that is free first, once its needs are over."""
    best = sum(duration)
    for order in permutations(range(len(plan.tasks))):
        place = {index: at for at, index in enumerate(order)}
        if any(place[need] > place[task.index] for task in plan.tasks for need, _ in task.needs):
            continue
        free, ends = [0] * workers, {}
        for index in order:
            free.sort()
            start = max([free[0], *(ends[need] for need, _ in plan.tasks[index].needs)])
            free[0] = ends[index] = start + duration[index]
        best = min(best, max(free))
    return best


@given(graphs())
@settings(max_examples=60)
def test_a_plan_survives_its_json_and_its_report_adds_up(document):
    plan = compiled(document)
    assert plan_from_json(plan_to_json(plan)) == plan
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan
    report = plan_report(plan)
    assert [name for batch in report["waves"] for name in batch] != []
    assert sorted(name for batch in report["waves"] for name in batch) == sorted(report["tasks"])
    assert all(name in report["waves"][task["wave"]] for name, task in report["tasks"].items())
    assert report["makespan"][0] == {"workers": 1, "seconds": report["total_work_s"]}
    assert all(one["seconds"] >= report["critical_path"]["seconds"] for one in report["makespan"])


@given(graphs(), st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_the_order_of_keys_inside_a_task_and_of_dependencies_leaves_the_hash_alone(document, chance):
    shuffled = dict(sorted(document.items(), key=lambda _: chance.random()))
    shuffled["tasks"] = {name: shaken(task, chance) for name, task in document["tasks"].items()}
    assert compiled(shuffled).hash == compiled(document).hash


def shaken(value, chance):
    if isinstance(value, dict):
        return {key: shaken(part, chance) for key, part in sorted(value.items(), key=lambda _: chance.random())}
    if isinstance(value, list) and "true" not in value:  # the order of an argv matters
        return sorted(value, key=lambda _: chance.random())
    return value


@given(graphs(), graphs())
@settings(max_examples=60)
def test_different_plans_have_different_hashes(one, other):
    first, second = compiled(one), compiled(other)
    assert (first.hash == second.hash) == (first == second)


@given(graphs(most=15, states=("ok", "completed", "any")), st.data())
@settings(max_examples=150)
def test_a_planted_cycle_is_named_by_a_cycle_that_is_there(document, data):
    tasks = document["tasks"]
    ring = data.draw(st.lists(st.sampled_from(list(tasks)), unique=True, min_size=2) if len(tasks) > 1 else st.just([]))
    assume(ring)
    for name, need in zip(ring, [*ring[1:], ring[0]], strict=True):
        wanted = tasks[name].get("depends_on", [])
        states = dict(wanted) if isinstance(wanted, dict) else dict.fromkeys(wanted, "ok")
        tasks[name]["depends_on"] = {**states, need: "ok"}
    plan, found = compile_document(json.dumps(document), "json")
    assert plan is None
    cycles = [one for one in found if one.code == "UNS043"]
    needs = needs_of(document)
    for one in cycles:
        way = one.message.split("`")[1].split(" -> ")
        if "..." not in way:
            assert way[0] == way[-1]
            assert len(set(way)) == len(way) - 1
            assert all(need in needs[name] for name, need in pairwise(way))
            assert one.path == ("tasks", way[0], "depends_on", way[1]) or one.path[:2] == ("tasks", way[0])
    assert len(cycles) == len(knots(needs))


def knots(needs):
    """Give the sets of tasks that reach each other."""
    reach = {name: set(wanted) for name, wanted in needs.items()}
    for middle, beyond in reach.items():
        for wanted in reach.values():
            if middle in wanted:
                wanted.update(beyond)
    return {frozenset(other for other in reach[name] if name in reach[other]) for name in reach if name in reach[name]}


# -- what is known of a task when another one starts ------------------------------------------------


@given(graphs(most=5))
@settings(max_examples=150)
def test_standings_cover_every_way_a_run_can_go(document):
    graph, _ = read_graph(whole(document))
    tasks = list(document["tasks"].values())
    pairs = {(a, d) for a in range(len(tasks)) for d in range(len(tasks)) if a != d}
    known = standings(graph, tasks, pairs)
    seen: dict[tuple[int, int], set[str]] = {}
    for states, started in runs(graph, tasks):
        for d in started:
            for a in states:
                seen.setdefault((a, d), set()).add(states[a])
    may_skip, _ = skippable(graph, tasks)
    for (a, d), standing in known.items():
        assert standing.is_ancestor == (a in ancestors(graph, d))
        ends = seen.get((a, d))
        if standing.is_ancestor and ends is not None:
            assert standing.may_not_have_run or not ends & {"skipped", "cancelled"}
            assert standing.may_have_failed or "failed" not in ends
        assert may_skip[a] or "skipped" not in {states[a] for states, _ in runs(graph, tasks) if a in states}


def ancestors(graph, node):
    found, left = set(), [node]
    while left:
        for need, _ in graph.needs[left.pop()]:
            if need not in found:
                found.add(need)
                left.append(need)
    return found


def runs(graph, tasks):
    """Give each way a run can end: the state of every task, and which tasks started.

    In plan order each task whose dependencies are met completes, fails, or is skipped by its `when`;
    any other ends by the rule of unmet dependencies. A person may cancel any task at any time.
    """
    ways = [({}, ())]
    for node in graph.order:
        ways = [way for states, started in ways for way in one_step(graph, tasks, node, states, started)]
    return ways


def one_step(graph, tasks, node, states, started):
    unmet = [need for need, state in graph.needs[node] if not is_met(tasks[need], states[need], state)]
    stopped = [need for need in unmet if is_cause_of_cancel(tasks[need], states[need])]
    if unmet:
        ends = ["cancelled"] if stopped else ["skipped", "cancelled"]
        return [({**states, node: end}, started) for end in ends]
    ends = ["completed", "failed", "cancelled"]
    ways = [({**states, node: end}, (*started, node)) for end in ends]
    return [*ways, ({**states, node: "skipped"}, started)] if "when" in tasks[node] else ways


def is_met(task, end, wanted):
    if wanted == "ok":
        return end in ("completed", "skipped") or (end == "failed" and task["on_failure"] == "skip")
    return wanted in ("any", end)


def is_cause_of_cancel(task, end):
    return end == "cancelled" or (end == "failed" and task["on_failure"] != "skip")

"""Names, cycles, order and size of the graph."""

from __future__ import annotations

import json

import pytest

from tests.unit.compiler.compiling import argv_tasks, codes, diagnose, document, marked, only, plan_of
from unspool.compiler.compile import compile_document
from unspool.compiler.graph import check_size, read_graph, similar_name, skippable
from unspool.compiler.readable import whole

_ABORTS = "task `t` never runs: the failure of `b` aborts the run"


def order_of(edges):
    graph, found = read_graph(whole(argv_tasks(edges)))
    assert found == []
    return [graph.names[node] for node in graph.order]


def test_a_document_that_is_in_order_keeps_its_order():
    edges = {"c": None, "a": ["c"], "d": None, "b": ["a", "d"]}
    assert order_of(edges) == ["c", "a", "d", "b"]


def test_a_task_moves_only_behind_what_it_waits_for():
    edges = {"last": ["b"], "a": None, "b": ["a"], "c": None}
    assert order_of(edges) == ["a", "b", "last", "c"]


def test_of_the_tasks_that_may_come_next_the_first_written_does():
    edges = {"z": ["y"], "y": None, "x": ["w"], "w": None}
    assert order_of(edges) == ["y", "z", "w", "x"]


def test_a_long_chain_written_backwards_needs_no_recursion():
    count = 30_000
    edges = {f"t{number}": [f"t{number + 1}"] for number in range(count)}
    edges[f"t{count}"] = None
    assert order_of(edges) == [f"t{number}" for number in range(count, -1, -1)]


@pytest.mark.parametrize("needs", ["[biuld]", "{biuld: completed}"])
def test_an_unknown_dependency_is_shown_with_the_name_that_was_meant(needs):
    body = f"""
    tasks:
      build: {{run: [make]}}
      test: {{run: [make], depends_on: {needs}}}
    """
    found = only(body)
    assert (found.code, found.message) == ("UNS040", "task `test` depends on `biuld`, which does not exist")
    assert found.hint == "did you mean `build`?"
    assert marked(body, found, 5) == "biuld"


def test_without_a_similar_name_the_hint_lists_the_few_there_are():
    found = only("tasks: {a: {run: [x]}, b: {run: [x]}, c: {run: [x], depends_on: [something]}}")
    assert found.hint == "the other tasks are `a`, `b`"


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("build-app", ["build_app", "build"], "build_app"),
        ("Build", ["build"], "build"),
        ("tset", ["test", "lint"], "test"),
        ("zzz", ["test", "lint"], None),
        ("t1999x", [f"t{number}" for number in range(5000)], "t1999"),
    ],
)
def test_a_similar_name_is_found_across_dashes_capitals_and_slips(word, known, meant):
    assert similar_name(word, known) == meant


def test_a_task_that_depends_on_itself():
    body = "tasks: {a: {run: [x], depends_on: [a]}}"
    found = only(body)
    assert (found.code, found.message) == ("UNS041", "task `a` depends on itself")
    assert marked(body, found, 2) == "a]"


def test_a_cycle_is_named_by_its_way_round_and_shown_at_a_dependency_in_it():
    body = """
    tasks:
      a: {run: [x], depends_on: [start, b]}
      start: {run: [x]}
      b: {run: [x], depends_on: [c]}
      c: {run: [x], depends_on: {a: completed}}
      behind: {run: [x], depends_on: [c]}
    """
    found = only(body)
    assert (found.code, found.message) == ("UNS043", "these tasks wait for each other: `a -> b -> c -> a`")
    assert found.hint == "remove one of these dependencies, such as `b` in `depends_on` of `a`"
    assert marked(body, found, 2) == "b]"


def test_every_knot_of_tasks_is_reported_once_by_a_shortest_cycle():
    edges = {
        "a": ["b", "c"],
        "b": ["d"],
        "c": ["a"],  # a -> c -> a is shorter than a -> b -> d -> a
        "d": ["a"],
        "e": ["f", "a"],
        "f": ["e"],
        "g": ["e"],
    }
    _, diagnostics = compile_document(json.dumps(argv_tasks(edges)), "json")
    assert [one.message.partition(": ")[2] for one in diagnostics] == ["`a -> c -> a`", "`e -> f -> e`"]


def test_a_very_long_cycle_is_shortened_in_the_message():
    count = 2000
    edges = {f"t{number}": [f"t{(number + 1) % count}"] for number in range(count)}
    _, diagnostics = compile_document(json.dumps(argv_tasks(edges)), "json")
    assert [one.code for one in diagnostics] == ["UNS043"]
    assert "`t0 -> t1 -> t2 -> t3 -> t4 -> t5 -> ... -> t1996" in diagnostics[0].message


def test_a_cycle_does_not_hide_what_is_wrong_elsewhere():
    body = """
    tasks:
      a: {run: [x], depends_on: [b]}
      b: {run: [x, "${{ tasks.free.state }}"], depends_on: [a]}
      behind: {run: [x, "${{ tasks.free.state }}"], depends_on: [a]}
      free: {run: [x]}
      other: {run: [x, "${{ tasks.free.state }}", "${{ tasks.a.state }}"]}
    """
    found = diagnose(body)
    assert [one.code for one in found] == ["UNS043", "UNS070", "UNS070"]
    assert [one.path for one in found[1:]] == [("tasks", "other", "run", 1), ("tasks", "other", "run", 2)]


@pytest.mark.parametrize(
    ("other", "state", "warned"),
    [
        ("", "skipped", True),
        (", when: true", "skipped", True),
        (", when: '${{ inputs.go }}'", "skipped", False),
        (", depends_on: {first: failed}", "skipped", False),
        (", depends_on: {maybe: completed}", "skipped", False),
        (", depends_on: {first: completed}", "skipped", True),
        (", depends_on: [maybe]", "skipped", True),
        (", on_failure: abort", "failed", True),
        ("", "failed", False),
    ],
)
def test_waiting_for_what_cannot_happen_is_a_warning(other, state, warned):
    body = f"""
    inputs: {{go: {{type: boolean, default: true}}}}
    tasks:
      first: {{run: [x]}}
      maybe: {{run: [x], when: '${{{{ inputs.go }}}}'}}
      other: {{run: [x]{other}}}
      handler: {{run: [x], depends_on: {{other: {state}}}}}
    """
    found = diagnose(body)
    assert [(one.code, one.severity) for one in found] == ([("UNS044", "warning")] if warned else [])
    if warned:
        assert found[0].message.startswith("task `handler` never runs: ")


@pytest.mark.parametrize(
    ("needs", "join", "messages"),
    [
        ("{a: skipped, b: failed}", "any", ["task `t` never runs: `a` is never skipped", _ABORTS]),
        ("{a: skipped, b: completed}", "2", ["task `t` never runs: `a` is never skipped"]),
        ("{a: skipped, b: completed}", "all", ["task `t` never runs: `a` is never skipped"]),
        ("{a: skipped, b: completed}", "any", ["this dependency is never met: `a` is never skipped"]),
        ("{a: skipped, b: completed, c: ok}", "2", ["this dependency is never met: `a` is never skipped"]),
        ("{a: completed, b: completed}", "2", []),
        ("{s: skipped, a: ok}", "all", []),
    ],
)
def test_a_task_never_runs_only_where_no_way_is_left(needs, join, messages):
    body = f"""
    tasks:
      a: {{run: [x]}}
      b: {{run: [x], on_failure: abort}}
      c: {{run: [x]}}
      s: {{run: [x], on_failure: {{substitute: f}}}}
      t: {{run: [x], depends_on: {needs}, join: {join}}}
      g: {{group: {{mode: dag, tasks: {{a: {{run: [x]}}, b: {{run: [x], on_failure: abort}}, c: {{run: [x]}}}}}}}}
    templates: {{f: {{run: [x], when: "${{{{ run.id == run.name }}}}"}}}}
    """
    assert [found.message for found in compile_document(document(body)).diagnostics] == messages


@pytest.mark.parametrize(("join", "start"), [("any", "this dependency is never met"), ("2", "task `g.t` never runs")])
def test_the_gate_of_a_group_is_no_way_that_is_left(join, start):
    last = f"{{run: [x], depends_on: {{a: skipped, b: ok}}, join: {join}}}"
    group = f"{{mode: dag, tasks: {{a: {{run: [x]}}, b: {{run: [x]}}, t: {last}}}}}"
    [found] = compile_document(document(f"tasks: {{g: {{group: {group}}}}}")).diagnostics
    assert found.message == f"{start}: `g.a` is never skipped"


def test_a_tolerated_failure_lets_what_asks_for_completion_be_skipped():
    tasks = [{"on_failure": "skip"}, {}, {}]
    graph, _ = read_graph(whole(argv_tasks({"a": None, "b": {"a": "completed"}, "c": ["b"]})))
    assert skippable(graph, tasks) == ([False, True, False], [False, True, False])


def test_more_tasks_than_the_default_limit_are_refused():
    edges = dict.fromkeys(f"t{number}" for number in range(1001))
    document = argv_tasks(edges)
    del document["limits"]
    plan, diagnostics = compile_document(json.dumps(document), "json")
    assert plan is None
    assert [(one.code, one.path, one.on_key) for one in diagnostics] == [("UNS110", ("tasks",), True)]
    assert diagnostics[0].hint == 'raise it: `"limits": {"max_tasks": 1001}`'


def test_the_limit_of_the_document_counts_and_is_shown():
    body = """
    limits: {max_tasks: 1}
    tasks: {a: {run: [x]}, b: {run: [x]}}
    """
    found = only(body)
    assert found.message == "the document has 2 tasks, more than `limits.max_tasks` allows (1)"
    assert marked(body, found, 2) == "1}"
    assert check_size(2, 2, {"max_tasks": 2}) == []
    assert codes("limits: {max_tasks: 1.0}\ntasks: {a: {run: [x]}, b: {run: [x]}}") == ["UNS110"]


def test_dependents_and_needs_point_at_each_other():
    plan = plan_of("tasks: {c: {run: [x], depends_on: {b: any, a: ok}}, a: {run: [x]}, b: {run: [x]}}")
    assert [task.id for task in plan.tasks] == ["a", "b", "c"]
    assert plan.tasks[2].needs == ((0, "ok"), (1, "any"))
    assert [task.dependents for task in plan.tasks] == [(2,), (2,), ()]


def test_errors_of_shape_do_not_hide_errors_of_the_graph_and_cause_no_others():
    body = """
    tasks:
      a: {run: [x], timeout: 30, depends_on: [nowhere]}
      b: {run: [x], needs: [a], env: {V: "${{ tasks.a.outputs.v }}"}}
      c: {run: [x, "${{ tasks.b.state }}"], depends_on: [b, c]}
      d: {run: [x, "${{ tasks.c.state }}", "${{ tasks.e.state }}"], depends_on: a}
      e: {run: [x, "${{ inputs.unknown }}"], output: {v: {}}}
    """
    assert codes(body) == ["UNS030", "UNS040", "UNS020", "UNS068", "UNS041", "UNS023", "UNS065", "UNS020"]

"""`resources` and `uses` of a document: what they become, and what is refused."""

import pytest

from tests.unit.compiler.compiling import codes, diagnose, marked, only, plan_of, task_of
from unspool.compiler.resources import task_uses, uses_of
from unspool.model.plan import Breaker, Resource
from unspool.model.plan_json import plan_from_json, plan_to_json

SHARED = """
resources:
  browser: {slots: 2}
  port: {items: [8001, 8002]}
  model: {rate: 60/1m, circuit_breaker: {failures: 5}}
"""


def with_uses(uses: str, resources: str = SHARED) -> str:
    return f"{resources}\ntasks:\n  rest: {{run: [x], uses: [browser, port, model]}}\n  t: {{run: [x], uses: {uses}}}\n"


def test_resources_stand_in_the_plan_by_name():
    plan = plan_of(with_uses("[model]"))
    assert plan.resources == (
        Resource("browser", slots=2),
        Resource("model", rate=(60, 60.0), breaker=Breaker(5, 60.0, 1)),
        Resource("port", items=(8001, 8002)),
    )
    assert plan_from_json(plan_to_json(plan)) == plan


def test_a_breaker_in_full():
    body = "resources: {m: {circuit_breaker: {failures: 3, reset_after: 2m, successes: 2}}}\n"
    assert plan_of(body + "tasks: {t: {run: [x], uses: [m]}}").resources[0].breaker == Breaker(3, 120.0, 2)


@pytest.mark.parametrize(
    ("uses", "lowered"),
    [
        ("[port, browser]", (("browser", 1), ("port", 1))),
        ("{port: 2, browser: 1}", (("browser", 1), ("port", 2))),
        ("[]", ()),
        ("{}", ()),
    ],
)
def test_uses_are_counts_by_name(uses, lowered):
    assert task_of(with_uses(uses)).uses == lowered


def test_the_uses_of_a_task_stand_in_place_of_those_of_defaults():
    tasks = "defaults: {uses: [model]}\ntasks: {a: {run: [x]}, t: {run: [x], uses: [browser, port]}}"
    body = SHARED + tasks
    assert [task_of(body, name).uses for name in ("a", "t")] == [(("model", 1),), (("browser", 1), ("port", 1))]


def test_a_plan_without_resources_is_what_it_was():
    assert plan_of("tasks: {t: {run: [x]}}").resources == ()


@pytest.mark.parametrize(
    ("uses", "code", "says", "hint"),
    [
        ("[browsr]", "UNS192", "task `t` uses `browsr`, which", "did you mean `browser`?"),
        ("[zzz]", "UNS192", "task `t` uses `zzz`", "resources: {zzz: {slots: 1}}`; declared are `browser`, `port`"),
        (
            "{browser: 3}",
            "UNS193",
            "uses 3 of `browser` at once, which never has more than 2 (its `slots`)",
            "at most 2",
        ),
        ("{port: 3}", "UNS193", "more than 2 (its `items`)", "ask for at most 2, or list more `items` there"),
        ("{model: 61}", "UNS193", "more than 60 (its `rate: 60/1m`)", "raise its `rate`"),
    ],
)
def test_what_can_never_be_had_is_an_error(uses, code, says, hint):
    found = only(with_uses(uses))
    assert found.code == code
    assert says in found.message
    assert hint in (found.hint or "")


def test_the_smallest_bound_counts():
    body = "resources: {r: {slots: 4, items: [a, b, c], rate: 9/1s}}\ntasks: {t: {run: [x], uses: {r: 4}}}"
    assert "never has more than 3 (its `items`)" in only(body).message


def test_a_resource_that_nobody_uses_is_a_warning():
    found = only("resources: {r: {slots: 1}}\ntasks: {t: {run: [x]}}")
    assert (found.code, found.severity) == ("UNS194", "warning")


def test_a_number_of_what_nothing_counts_is_a_warning():
    found = only("resources: {r: {circuit_breaker: {failures: 1}}}\ntasks: {t: {run: [x], uses: {r: 2}}}")
    assert (found.code, found.severity) == ("UNS123", "warning")


def test_the_uses_of_defaults_are_checked_where_they_stand():
    found = diagnose("resources: {r: {slots: 1}}\ndefaults: {uses: {r: 2, s: 1}}\ntasks: {t: {run: [x]}}")
    assert [(one.code, one.path) for one in found] == [
        ("UNS193", ("defaults", "uses", "r")),
        ("UNS192", ("defaults", "uses", "s")),
    ]


@pytest.mark.parametrize(
    ("resource", "code", "hint"),
    [
        ("2", "UNS023", "write `r: {slots: 2}`"),
        ("[8001]", "UNS023", "write `r: {items: [8001]}`"),
        ("{}", "UNS029", "an example: `r: {slots: 2}`"),
        ("{size: 2}", "UNS020", "`size` is spelt `slots` here"),
        ("{slots: 0}", "UNS028", "write `slots: 1`"),
        ("{items: []}", "UNS029", "an example: `items: [8001, 8002]`"),
        ("{items: [a, a]}", "UNS038", "keep one `a`"),
        ("{rate: 5/s}", "UNS037", 'write `rate: "5/1s"`'),
        ("{rate: 10 per minute}", "UNS037", 'write `rate: "10/1m"`'),
        ("{rate: 60}", "UNS023", 'write `rate: "60/1m"`'),
        ("{circuit_breaker: 3}", "UNS023", "write `circuit_breaker: {failures: 3}`"),
        ("{circuit_breaker: {}}", "UNS022", "add it, such as `failures: 5`"),
        ("{circuit_breaker: {failures: 2, reset_timeout: 30}}", "UNS020", "write `reset_after: 30s`"),
    ],
)
def test_a_resource_of_another_form_gets_the_form_it_should_have(resource, code, hint):
    found = diagnose(f"resources:\n  r: {resource}\ntasks:\n  t: {{run: [x], uses: [r]}}\n")
    assert [one.code for one in found] == [code], "and nothing that follows from it"
    assert hint in (found[0].hint or "")


@pytest.mark.parametrize(
    ("task", "code", "hint"),
    [
        ("uses: browser", "UNS023", "write `uses: [browser]`"),
        ("pool: browser", "UNS020", "`pool` is spelt `uses` here: write `uses: [browser]`"),
        ("uses: {browser: 0}", "UNS028", "write `browser: 1`"),
        ("uses: [browser, browser]", "UNS038", "keep one `browser`"),
        ("uses: [Browser]", "UNS025", "write `browser`"),
    ],
)
def test_uses_of_another_form_get_the_form_they_should_have(task, code, hint):
    found = diagnose(f"resources: {{browser: {{slots: 1}}}}\ntasks:\n  t: {{run: [x], {task}}}\n")
    assert [one.code for one in found] == [code], "and nothing that follows from it"
    assert hint in (found[0].hint or "")


def test_a_misspelt_resources_makes_nothing_unknown():
    assert codes("pools: {r: {slots: 1}}\ntasks: {t: {run: [x], uses: [r]}}") == ["UNS020"]


def test_a_list_asks_for_one_of_each():
    assert uses_of(["a", "b"]) == {"a": 1, "b": 1}
    assert uses_of({"a": 2.0}) == {"a": 2}
    assert task_uses({"defaults": {"uses": ["a"]}}, {}) == {"a": 1}
    assert task_uses({"defaults": {"uses": ["a"]}}, {"uses": []}) == {}


def test_a_task_of_a_group_is_told_at_its_place():
    body = "tasks: {g: {group: {tasks: {t: {run: [x], uses: [disk]}}}}}"
    found = only(body)
    assert found.message.startswith("task `g.t` uses `disk`")
    assert marked(body, found, 5) == "disk]"


def test_defaults_are_looked_at_too():
    assert only("defaults: {uses: [disk]}\ntasks: {t: {run: [x]}}").message.startswith("`defaults` uses `disk`")

"""Cases of rehearsals against their workflow: what cannot be is told with its place and a way out."""

from __future__ import annotations

from textwrap import indent

import pytest

from tests.playing import plan_of
from unspool.compiler.rehearsals import (
    DEFAULT_START,
    DEFAULT_WORKERS,
    check_cases,
    is_rehearsal,
    load_rehearsal,
    needs_stub,
    strange_instances,
)

PLAN = plan_of("""
inputs: {who: {type: string}, count: {type: integer, default: 1}}
tasks:
  build: {run: [x, "${{ inputs.who }}", "${{ inputs.count }}"], outputs: {url: {type: string}}}
  call: {http: {url: "http://a.test/"}, outputs: {n: {type: integer, from: result, path: /status_code}}}
  work: {python: "a:b"}
  ask: {approval: "Go?"}
  pause: {wait: 1s}
  each: {for_each: [a, b], run: [x]}
  ship: {group: {tasks: {push: {run: [x]}}}}
  kept: {run: [x], cache: {key: one}}
outputs: {url: "${{ tasks.build.outputs.url }}", n: "${{ tasks.call.outputs.n }}"}
""")


def checked(case: str):
    text = "unspool_rehearsal: 1\ncases:\n  one:\n    inputs: {who: me}\n" + indent(case, "    ")
    loaded, found = load_rehearsal(text, "yaml")
    assert found == ()
    return check_cases(PLAN, loaded.value)


def test_a_case_has_defaults():
    (case,), found = checked("")
    assert found == []
    assert (case.name, case.inputs, case.expect) == ("one", {"who": "me", "count": 1}, {})
    assert (case.start, case.workers, case.resumes, case.path) == (
        DEFAULT_START,
        DEFAULT_WORKERS,
        True,
        ("cases", "one"),
    )


def test_a_case_says_what_it_likes():
    (case,), found = checked(
        "at: 1970-01-01T00:01:00Z\nworkers: 2\nresume: false\ndescription: why\nstubs: {build: {exit_code: 1}}\n"
    )
    assert found == []
    assert (case.start, case.workers, case.resumes, case.description) == (60.0, 2, False, "why")
    assert case.stubs.find("build") == [{"exit_code": 1}]


@pytest.mark.parametrize(
    "case",
    [
        "stubs: {ask: {approved: false, by: ann, note: no, seconds: 3}}",
        "stubs: {call: {status_code: 200, headers: {a: b}, retry_after: 1, json: {}}}",
        "stubs: {work: {json: 1, stderr: x}, each: [{exit_code: 1}, {}], 'each[a]': {}}",
        "stubs: {kept: {cached: true}, '*': {exit_code: 1}, ship.push: {stdout: x}}",
        "expect: {tasks: {ship: {outputs: {any: 1}}, 'each[*]': completed}, order: [build, ship.push]}",
        "expect: {outputs: {url: x}, tasks: {build: {outputs: {url: x}}}}",
    ],
)
def test_what_can_be_is_good(case: str):
    cases, found = checked(case)
    assert found == []
    assert len(cases) == 1


@pytest.mark.parametrize(
    ("case", "path", "code", "message", "hint"),
    [
        ("stubs: {biuld: {}}", "stubs biuld", "UNS200", "no task `biuld`", "did you mean `build`?"),
        ("stubs: {'build[1]': {}}", "stubs build[1]", "UNS200", "has no instances", "write `build`"),
        ("expect: {tasks: {biuld: failed}}", "expect tasks biuld", "UNS200", "no task `biuld`", "`build`"),
        ("expect: {order: [build, x]}", "expect order 1", "UNS200", "no task `x`", "its tasks are"),
        ("stubs: {pause: {}}", "stubs pause", "UNS201", "takes no stub: it waits for a moment", "remove the stub"),
        ("stubs: {ship: {}}", "stubs ship", "UNS201", "name those, such as `ship.member`", "remove"),
        ("stubs: {ask: {exit_code: 1}}", "stubs ask exit_code", "UNS201", "asks a person", "approved: false"),
        ("stubs: {build: {approved: true}}", "stubs build approved", "UNS201", "asks nobody", "remove it"),
        ("stubs: {build: [{}, {headers: {}}]}", "stubs build 1 headers", "UNS201", "kind `run`, which gives no", ""),
        ("stubs: {call: {exit_code: 1}}", "stubs call exit_code", "UNS201", "kind `http`", "remove it"),
        ("stubs: {work: {status_code: 200}}", "stubs work status_code", "UNS201", "kind `python`", "remove it"),
        ("stubs: {build: {cached: true}}", "stubs build cached", "UNS201", "uses no cache", "give the task a `cache`"),
        (
            "stubs: {build: {stdout: a, json: 1}}",
            "stubs build stdout",
            "UNS201",
            "both `stdout` and `json`",
            "keep one",
        ),
        ("stubs: {build: {outputs: {ulr: 1}}}", "stubs build outputs ulr", "UNS202", "no output `ulr`", "`url`?"),
        ("stubs: {work: {outputs: {a: 1}}}", "stubs work outputs a", "UNS202", "no output `a`", "it declares none"),
        ("stubs: {call: {outputs: {n: 1}}}", "stubs call outputs n", "UNS201", "read from the result", "exit_code"),
        ("expect: {outputs: {zzz: 1}}", "expect outputs zzz", "UNS202", "workflow `played`", "it has `n`, `url`"),
        (
            "expect: {tasks: {build: {outputs: {a: 1}}}}",
            "expect tasks build outputs a",
            "UNS202",
            "no output `a`",
            "url",
        ),
        ("at: tomorrow", "at", "UNS204", "is no moment", "correct it"),
    ],
)
def test_what_cannot_be_is_told(case: str, path: str, code: str, message: str, hint: str):
    cases, (found,) = checked(case)
    assert cases == []
    steps = [int(step) if step.isdigit() else step for step in path.split()]
    assert (found.path, found.code) == (("cases", "one", *steps), code), found
    assert message in found.message
    assert hint in (found.hint or "")


@pytest.mark.parametrize(
    ("inputs", "key", "code", "hint"),
    [
        ("{}", "who", "UNS121", "add it under `inputs` of case `one`"),
        ("{who: me, what: 1}", "what", "UNS120", "its inputs are"),
        ("{who: 3}", "who", "UNS122", "give another value under `inputs` of the case"),
    ],
)
def test_inputs_are_checked(inputs: str, key: str, code: str, hint: str):
    loaded, _ = load_rehearsal(f"unspool_rehearsal: 1\ncases: {{one: {{inputs: {inputs}}}}}", "yaml")
    _, (found,) = check_cases(PLAN, loaded.value)
    assert (found.code, found.path) == (code, ("cases", "one", "inputs", key))
    assert hint in found.hint


def test_a_stub_for_an_instance_that_is_not_there_is_a_warning():
    (case,), _ = checked("stubs: {'each[a]': {}, 'each[z]': {}, 'each[*]': {}, build: {}}")
    (found,) = strange_instances(case, ["each", "each[a]", "each[b]"])
    assert (found.code, found.path[-1], found.is_error) == ("UNS206", "each[z]", False)
    assert "`each`" in (found.hint or "")


def test_a_stub_that_is_needed_is_asked_for_at_its_case():
    (case,), _ = checked("")
    found = needs_stub(case, "task `a` begins; add one")
    assert (found.message, found.hint, found.path) == ("task `a` begins", "add one", ("cases", "one", "stubs"))


def test_a_rehearsal_is_told_from_a_map_of_stubs():
    assert is_rehearsal({"unspool_rehearsal": 1})
    assert is_rehearsal({"cases": {}})
    assert not is_rehearsal({"build": {}})
    assert not is_rehearsal(None)

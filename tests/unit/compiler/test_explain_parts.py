"""Faults of shape in fan-outs, groups, waits, policies, templates and compensations, each with a hint that heals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.compiler.compiling import only
from tests.unit.compiler.hints import follow
from unspool.compiler.shape import check_shape

STEP = {"run": ["x"]}
# Keys of a task beside or in place of `run: x`; where the fault is; its code; its hint.
FAULTS: tuple[tuple[dict[str, Any], tuple[Any, ...], str, str], ...] = (
    ({"join": 0}, ("join",), "UNS028", "write `join: 1`"),
    ({"join": "most"}, ("join",), "UNS024", "an example: `join: any`"),
    ({"join": "first"}, ("join",), "UNS024", "write `join: any`"),
    ({"join": "2"}, ("join",), "UNS024", "write `join: 2`"),
    ({"join": 1.5}, ("join",), "UNS023", "write `join: 1`"),
    ({"join": None}, ("join",), "UNS031", "give it a value or remove it; an example: `join: any`"),
    (
        {"trigger_rule": "one_success"},
        ("trigger_rule",),
        "UNS020",
        "`trigger_rule` is spelt `join` here: write `join: any`",
    ),
    ({"trigger_rule": "all_done", "depends_on": ["b"]}, ("trigger_rule",), "UNS020", "write `depends_on: {b: any}`"),
    (
        {"trigger_rule": "none_failed"},
        ("trigger_rule",),
        "UNS020",
        "that is how `depends_on` is read anyway: remove it",
    ),
    ({"for_each": "unit, api"}, ("for_each",), "UNS037", "write `for_each: [unit, api]`"),
    ({"for_each": "inputs.suites"}, ("for_each",), "UNS037", 'write `for_each: "${{ inputs.suites }}"`'),
    ({"for_each": "{{ inputs.suites }}"}, ("for_each",), "UNS037", 'write `for_each: "${{ inputs.suites }}"`'),
    ({"for_each": 3}, ("for_each",), "UNS023", "write `for_each: [0, 1, 2]`"),
    ({"for_each": None}, ("for_each",), "UNS031", "give it a value or remove it; an example: `for_each: [unit, api]`"),
    ({"for_each": {}}, ("for_each",), "UNS022", "add it, such as `items: [unit, api]`"),
    ({"for_each": {"in": [1]}}, ("for_each", "in"), "UNS020", "`in` is spelt `items` here"),
    ({"for_each": {"items": "a b"}}, ("for_each", "items"), "UNS037", "write `items: [a, b]`"),
    ({"for_each": {"items": [], "max": 0}}, ("for_each", "max"), "UNS028", "write `max: 1`"),
    ({"for_each": {"items": [], "key": 3}}, ("for_each", "key"), "UNS023", 'write `key: "3"`'),
    (
        {"for_each": {"items": [], "as": "x"}},
        ("for_each", "as"),
        "UNS020",
        "an item is called `item` in every task: remove it",
    ),
    ({"with_items": ["a"]}, ("with_items",), "UNS020", "`with_items` is spelt `for_each` here"),
    ({"withItems": "a b"}, ("withItems",), "UNS020", "`withItems` is spelt `for_each` here: write `for_each: [a, b]`"),
    ({"matrix": {}}, ("matrix",), "UNS029", "an example: `matrix: {os: [linux, mac]}`"),
    ({"matrix": [{"os": "a"}]}, ("matrix",), "UNS023", "write `matrix: {include: [{os: a}]}`"),
    ({"matrix": {"os": "linux"}}, ("matrix", "os"), "UNS037", "write `os: [linux]`"),
    ({"matrix": {"os": 3}}, ("matrix", "os"), "UNS023", "write `os: [3]`"),
    ({"matrix": {"os": []}}, ("matrix", "os"), "UNS029", "an example: `os: [linux, mac]`"),
    (
        {"matrix": {"python-version": ["3"]}},
        ("matrix", "python-version"),
        "UNS025",
        "write `python_version`; a `-` would read as minus in an expression",
    ),
    ({"matrix": {"os": ["a"], "include": {"os": "b"}}}, ("matrix", "include"), "UNS023", "write `include: [{os: b}]`"),
    ({"matrix": {"os": ["a"], "exclude": ["b"]}}, ("matrix", "exclude", 0), "UNS023", "an example: `{os: linux}`"),
    (
        {"strategy": {"matrix": {"os": ["a"]}, "fail-fast": False}},
        ("strategy",),
        "UNS020",
        "`strategy` is spelt `matrix` here: write `matrix: {os: [a]}`",
    ),
    ({"wait": 30}, ("wait",), "UNS030", "write `wait: 30s`"),
    ({"wait": "10 minutes"}, ("wait",), "UNS030", "write `wait: 10m`"),
    ({"wait": "2030-01-01 07:00"}, ("wait",), "UNS030", 'write `wait: {until: "2030-01-01T07:00:00Z"}`'),
    ({"wait": "tomorrow"}, ("wait",), "UNS030", "an example: `wait: 10m`"),
    ({"wait": {}}, ("wait",), "UNS022", 'add it, such as `until: "2030-03-01T07:00:00Z"`'),
    ({"wait": {"at": "x"}}, ("wait", "at"), "UNS020", "`at` is spelt `until` here"),
    ({"sleep": 30}, ("sleep",), "UNS020", "`sleep` is spelt `wait` here: write `wait: 30s`"),
    (
        {"run": "x", "delay": 5},
        ("delay",),
        "UNS020",
        "`wait` is an action of its own: remove it, and depend on a task such as `pause: {wait: 10m}`",
    ),
    ({"wait": "1s", "shell": "sh"}, ("shell",), "UNS027", "remove `shell`"),
    ({"wait": "1s", "python": "a:b"}, (), "UNS026", "keep one and remove `wait`"),
    ({"approval": True}, ("approval",), "UNS023", 'write `approval: "Go on?"`'),
    ({"approval": ""}, ("approval",), "UNS029", 'an example: `approval: "Deploy it?"`'),
    ({"approval": {}}, ("approval",), "UNS022", 'add it, such as `prompt: "Deploy it?"`'),
    ({"approval": {"message": "x"}}, ("approval", "message"), "UNS020", "`message` is spelt `prompt` here"),
    ({"approval": {"prompt": "x", "default": "yes"}}, ("approval", "default"), "UNS024", "write `default: approve`"),
    ({"approval": {"prompt": "x", "default": False}}, ("approval", "default"), "UNS023", "write `default: reject`"),
    (
        {"approval": {"prompt": "x", "reviewers": ["a"]}},
        ("approval", "reviewers"),
        "UNS020",
        "whoever can reach the run may decide: remove it",
    ),
    ({"suspend": {}}, ("suspend",), "UNS020", '`suspend` is spelt `approval` here: write `approval: "Go on?"`'),
    ({"group": {}}, ("group",), "UNS022", "add it, such as `tasks: {build: {run: [make]}}`"),
    ({"group": {"tasks": {}}}, ("group", "tasks"), "UNS029", "an example: `tasks: {build: {run: [make]}}`"),
    (
        {"group": [STEP, {"run": "y", "name": "Push it"}]},
        ("group",),
        "UNS023",
        'write `group: {tasks: {step_1: {run: [x]}, push_it: {run: "y"}}}`',
    ),
    (
        {"group": {"build": STEP}},
        ("group", "build"),
        "UNS020",
        "the tasks of a group stand under `tasks`: write `tasks: {build: {run: [x]}}`",
    ),
    ({"group": {"tasks": {"b": STEP}, "mode": "serial"}}, ("group", "mode"), "UNS024", "write `mode: sequential`"),
    ({"group": {"tasks": {"b": STEP}, "parallel": True}}, ("group", "parallel"), "UNS020", "write `mode: parallel`"),
    (
        {"group": {"tasks": {"b": STEP}, "aggregate": "all"}},
        ("group", "aggregate"),
        "UNS024",
        "write `aggregate: collect`",
    ),
    (
        {"group": {"tasks": {"b": STEP}, "aggregate": "${{ tasks.b.state }}"}},
        ("group", "aggregate"),
        "UNS024",
        'write `aggregate: {reduce: "${{ tasks.b.state }}"}`',
    ),
    (
        {"group": {"tasks": {"b": STEP}, "aggregate": {"reduce": "tasks.b.state"}}},
        ("group", "aggregate", "reduce"),
        "UNS037",
        'write `reduce: "${{ tasks.b.state }}"`',
    ),
    (
        {"group": {"tasks": {"b-c": STEP}}},
        ("group", "tasks", "b-c"),
        "UNS025",
        "write `b_c`; a `-` would read as minus in an expression",
    ),
    ({"group": {"tasks": {"b": {"wait": 3}}}}, ("group", "tasks", "b", "wait"), "UNS030", "write `wait: 3s`"),
    (
        {"group": {"tasks": {"b": {"group": {"tasks": {"c": {"rnu": "x"}}}}}}},
        ("group", "tasks", "b", "group", "tasks", "c", "rnu"),
        "UNS020",
        "did you mean `run`?",
    ),
    (
        {"steps": [{"name": "Build it", "run": "make"}, {"run": "test"}]},
        ("steps",),
        "UNS020",
        "`steps` is spelt `group` here: write `group: {tasks: {build_it: {run: make}, step_2: {run: test}}}`",
    ),
    (
        {"jobs": {"b": STEP}},
        ("jobs",),
        "UNS020",
        "`jobs` is spelt `group` here: write `group: {tasks: {b: {run: [x]}}}`",
    ),
    ({"on_failure": True}, ("on_failure",), "UNS023", "write `on_failure: skip`"),
    ({"on_failure": {}}, ("on_failure",), "UNS022", "add one, such as `rollback: {then: cancel}`"),
    ({"on_failure": "rollback"}, ("on_failure",), "UNS024", "write `on_failure: {rollback: {then: cancel}}`"),
    (
        {"on_failure": "retry"},
        ("on_failure",),
        "UNS024",
        "another attempt is asked for by `retry: {max_attempts: 3}`; remove it",
    ),
    ({"on_failure": {"rollback": "retry"}}, ("on_failure", "rollback"), "UNS023", "write `rollback: {then: retry}`"),
    (
        {"on_failure": {"rollback": 2}},
        ("on_failure", "rollback"),
        "UNS023",
        "write `rollback: {then: retry, attempts: 2}`",
    ),
    (
        {"on_failure": {"rollback": {"then": "again"}}},
        ("on_failure", "rollback", "then"),
        "UNS024",
        "write `then: retry`",
    ),
    ({"on_failure": {"rollbak": {}}}, ("on_failure", "rollbak"), "UNS020", "did you mean `rollback`?"),
    ({"on_failure": {"undo": {}}}, ("on_failure", "undo"), "UNS020", "`undo` is spelt `rollback` here"),
    (
        {"on_failure": {"substitute": "f", "rollback": {}}},
        ("on_failure", "rollback"),
        "UNS027",
        "keep one and remove `rollback`",
    ),
    ({"on_failure": {"rollback": {}, "with": {}}}, ("on_failure", "with"), "UNS027", "remove `with`"),
    ({"on_failure": {"template": "f"}}, ("on_failure", "template"), "UNS020", "`template` is spelt `substitute` here"),
    (
        {"on_failure": {"substitute": "F-x"}},
        ("on_failure", "substitute"),
        "UNS025",
        "write `f_x`; a `-` would read as minus in an expression",
    ),
    ({"compensate": "undo.sh"}, ("compensate",), "UNS023", "write `compensate: {run: undo.sh}`"),
    ({"compensate": ["undo", "x"]}, ("compensate",), "UNS023", "write `compensate: {run: [undo, x]}`"),
    (
        {"compensate": {}},
        ("compensate",),
        "UNS026",
        "add one, such as `run: [make, test]` or `python: package.module:function`",
    ),
    ({"compensate": {"run": "a", "python": "a:b"}}, ("compensate",), "UNS026", "keep one and remove `python`"),
    ({"compensate": {"run": ["a"], "shell": "sh"}}, ("compensate", "shell"), "UNS027", "remove `shell`"),
    (
        {"compensate": {"http": {"url": "http://a"}, "env": {"A": "a"}}},
        ("compensate", "env"),
        "UNS027",
        "remove `env`; write the values into `http`, where expressions work",
    ),
    (
        {"compensate": {"http": {"url": "http://a"}, "cwd": "a"}},
        ("compensate", "cwd"),
        "UNS027",
        "remove `cwd`; no folder plays a part in a request",
    ),
    (
        {"compensate": {"http": {"url": "http://a"}, "run": "a"}},
        ("compensate",),
        "UNS026",
        "keep one and remove `http`",
    ),
    (
        {"compensate": {"url": "http://a"}},
        ("compensate", "url"),
        "UNS020",
        '`url` is spelt `http` here: write `http: {url: "http://a"}`',
    ),
    ({"compensate": {"command": "a"}}, ("compensate", "command"), "UNS020", "`command` is spelt `run` here"),
    (
        {"rollback": "undo.sh"},
        ("rollback",),
        "UNS020",
        "`rollback` is spelt `compensate` here: write `compensate: {run: undo.sh}`",
    ),
    ({"undo": {"run": "y"}}, ("undo",), "UNS020", "`undo` is spelt `compensate` here"),
)
_WITHOUT_RUN = {"wait", "approval", "group", "sleep", "suspend", "steps", "jobs"}


def document(keys: dict[str, Any]) -> dict[str, Any]:
    return {"unspool": 1, "name": "x", "tasks": {"a": body(keys)}}


def body(keys: dict[str, Any]) -> dict[str, Any]:
    return keys if keys.keys() & _WITHOUT_RUN else {"run": "x", **keys}


def within(keys: dict[str, Any]) -> dict[str, tuple[dict[str, Any], tuple[Any, ...]]]:
    """The same task wherever a task may stand, and its path there."""
    head = {"unspool": 1, "name": "x", "tasks": {"o": STEP}}
    group = {"group": {"tasks": {"b": STEP, "a": body(keys)}}}
    return {
        "group": ({**head, "tasks": {"o": STEP, "g": group}}, ("tasks", "g", "group", "tasks", "a")),
        "template": ({**head, "templates": {"b": STEP, "a": body(keys)}}, ("templates", "a")),
        "finally": ({**head, "finally": {"b": STEP, "a": body(keys)}}, ("finally", "a")),
        "group of a template": (
            {**head, "templates": {"g": group}},
            ("templates", "g", "group", "tasks", "a"),
        ),
    }


def heals(value: Any) -> bool:
    for _ in range(6):
        found = check_shape(value)
        if not found:
            return True
        value = follow(value, found[0])
        if value is None:
            return False
    return False


@pytest.mark.parametrize(("keys", "path", "code", "hint"), FAULTS, ids=str)
def test_a_fault_is_said_once_where_it_is_and_its_hint_heals(keys, path, code, hint):
    (found,) = check_shape(document(keys))
    assert (found.code, found.path, found.hint) == (code, ("tasks", "a", *path), hint)
    assert heals(document(keys))


@pytest.mark.parametrize("where", ["group", "template", "finally", "group of a template"])
@pytest.mark.parametrize(("keys", "path", "code", "hint"), FAULTS, ids=str)
def test_the_same_is_said_wherever_the_task_stands(keys, path, code, hint, where):
    value, at = within(keys)[where]
    (found,) = check_shape(value)
    assert (found.code, found.path, found.hint) == (code, (*at, *path), hint)


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("group", "task `g.a`"),
        ("template", "template `a`"),
        ("finally", "task `a`"),
        ("group of a template", "task `g.a`"),
    ],
)
def test_a_task_is_named_with_the_groups_around_it(where, name):
    value, _ = within({"timeout": 3})[where]
    (found,) = check_shape(value)
    assert found.message.startswith(f"`timeout` of {name} must be")
    value, _ = within({"outputs": {"n": {"type": "integer", "default": "3"}}})[where]
    (found,) = check_shape(value)
    assert found.message.startswith(f"the default of output `n` of {name} does not fit")


@pytest.mark.parametrize(
    ("keys", "path", "hint"),
    [
        ({"templates": [1]}, ("templates",), "write each template under its name"),
        ({"templates": {"F": STEP}}, ("templates", "F"), "write `f`"),
        ({"templates": {"f": None}}, ("templates", "f"), "say what it is: write `f: {run: [make]}`"),
        ({"templates": {"f": {"inputs": {}}}}, ("templates", "f"), "add one, such as `run: [make, test]`"),
        (
            {"templates": {"f": {"run": "x", "params": {}}}},
            ("templates", "f", "params"),
            "`params` is spelt `inputs` here",
        ),
        (
            {"templates": {"f": {"run": "x", "inputs": {"a": "string"}}}},
            ("templates", "f", "inputs", "a"),
            "write `a: {type: string}`",
        ),
        (
            {"templates": {"f": {"run": "x", "inputs": {"a": {"type": "integer", "default": "3"}}}}},
            ("templates", "f", "inputs", "a", "default"),
            "write `default: 3`, or change the schema",
        ),
        ({"finally": [STEP]}, ("finally",), "write each task under its name"),
        ({"finally": {"b": {"rnu": "x"}}}, ("finally", "b", "rnu"), "did you mean `run`?"),
        ({"onExit": {"b": STEP}}, ("onExit",), "`onExit` is spelt `finally` here"),
        ({"on-exit": {"b": STEP}}, ("on-exit",), "`on-exit` is spelt `finally` here"),
    ],
    ids=str,
)
def test_templates_and_finally_are_explained(keys, path, hint):
    (found,) = check_shape({**document({}), **keys})
    assert found.path == path
    assert found.hint is not None
    assert found.hint.startswith(hint)


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        ({"mode": "dag"}, "`mode` stands in `group`: move it there"),
        ({"max_parallel": 3}, "`max_parallel` stands in `for_each`: move it there"),
        ({"substitute": "f"}, "`substitute` stands in `on_failure`: move it there"),
        ({"strategy": "linear"}, "`strategy` stands in `retry`: move it there"),
        ({"approval": {"prompt": "x", "timeout": "1h"}}, "`timeout` stands in a task: move it there"),
        ({"group": {"tasks": {"b": STEP}, "when": True}}, "`when` stands in a task: move it there"),
        ({"wait": {"for": "10m"}}, "a duration stands there by itself, as in `wait: 10m`"),
        ({"trigger_rule": "odd"}, "say which end of a dependency is waited for"),
        ({"trigger_rule": "one_failed", "depends_on": ["b"]}, "write `depends_on: {b: failed}` with `join: any`"),
        ({"on_failure": {"substitute": STEP}}, "write the task under `templates`, and its name here"),
        ({"compensate": {"wait": "1m"}}, "write a `run` or `python` action in its place"),
        ({"compensate": {"http": {"url": "http://x"}, "headers": {}}}, "`headers` stands in `http`: move it there"),
        ({"for_each": "x ${{ y }}"}, "write a list, or nothing beside the one expression that gives it"),
        ({"when": "manual"}, "a person is asked by a task of its own"),
        ({"steps": [{"uses": "x"}]}, "`steps` is spelt `group` here: write `group: {tasks: {build: {run: [make]}}}`"),
        ({"group": {"tasks": {"b": STEP}, "aggregate": {"python": "a:b"}}}, "write it under `reduce`"),
    ],
    ids=str,
)
def test_what_asks_for_a_decision_says_which(keys, hint):
    (found,) = check_shape(document(keys))
    assert found.hint is not None
    assert found.hint.startswith(hint)


def test_one_fault_among_very_many_members_is_found_quickly_and_alone():
    members: dict[str, Any] = {f"t{number}": STEP for number in range(5000)}
    members["t77"] = {"run": ["x"], "tiemout": "5m"}
    (found,) = check_shape(document({"group": {"tasks": members}}))
    assert found.path == ("tasks", "a", "group", "tasks", "t77", "tiemout")


def test_a_substitute_without_a_template_is_shown_where_its_name_goes():
    found = only("tasks: {a: {run: [x], on_failure: substitute}}")
    assert (found.code, found.hint) == ("UNS024", "name the template that stands in: `on_failure: {substitute: NAME}`")

"""`lease.NAME` is a named thing of a resource that the task uses."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, marked, only
from unspool.compiler.leases import lease_type

HEAD = "resources: {port: {items: [8001, 8002]}, name: {items: [a, b, c]}, pool: {slots: 2}}\n"
OTHERS = "o: {run: [x], uses: [port, name, pool]}"


def task(uses, field):
    return f"{HEAD}tasks: {{t: {{run: [x], uses: {uses}, {field}}}, {OTHERS}}}"


@pytest.mark.parametrize(
    ("uses", "expression"),
    [
        ("[port]", "lease.port"),
        ("[port, name]", "lease.name ~ lease.port"),
        ("{name: 2}", "lease.name[1]"),
        ("{name: 2}", "lease.name | join(',')"),
        ("[port]", "lease | tojson"),
    ],
)
def test_what_is_leased_can_be_named(uses, expression):
    assert codes(task(uses, f'stdin: "${{{{ {expression} }}}}"')) == []


@pytest.mark.parametrize(
    ("uses", "expression", "code", "message", "hint"),
    [
        (
            "[port]",
            "lease.name",
            "UNS124",
            "task `t` does not use `name`",
            "add it to its `uses`, as in `uses: [port, name]`",
        ),
        ("[port]", "lease.prt", "UNS124", "task `t` does not use `prt`", "did you mean `lease.port`?"),
        (
            "[port]",
            "lease.quux",
            "UNS124",
            "task `t` does not use `quux`",
            "declare `quux` under `resources` with `items`, and name it under `uses` of the task",
        ),
        (
            "[pool]",
            "lease.pool",
            "UNS125",
            "`lease.pool` has no value: `pool` has no `items` of which one could be leased",
            "name its things, as in `pool: {items: [a, b]}`, or remove the expression",
        ),
        (
            "[pool]",
            "lease",
            "UNS125",
            "nothing that task `t` uses has `items` (it uses `pool`)",
            "give one of them `items`",
        ),
        (
            "[]",
            "lease",
            "UNS124",
            "task `t` uses no resource",
            "name one with `items` under `uses`, or remove `lease`",
        ),
        ("[port]", "lease.port.x", "UNS069", "`lease.port` is one item and has no members", "write `lease.port`"),
        (
            "{name: 2}",
            "lease.name[2]",
            "UNS069",
            "`lease.name` is a list of 2 items",
            "write `lease.name[0]` to `lease.name[1]`, or `lease.name` for the list",
        ),
    ],
)
def test_what_is_not_leased_has_an_answer(uses, expression, code, message, hint):
    body = task(uses, f"stdin: '${{{{ {expression} }}}}'")
    found = only(body)
    assert (found.code, found.message, found.hint) == (code, message, hint)
    assert marked(body, found, len(expression)) == expression


def test_nothing_is_leased_before_a_task_may_start():
    found = only(task("[port]", "when: '${{ lease.port > 1 }}'"))
    assert found.message == "`lease` is not known in `when`, which is decided before anything is leased"


def test_a_task_of_a_group_has_leases_of_its_own():
    inner = "g: {group: {tasks: {t: {uses: [port], run: [x, '${{ lease.port }}', '${{ lease.name }}']}}}}"
    found = only(f"{HEAD}tasks: {{{inner}, {OTHERS}}}")
    assert found.path == ("tasks", "g", "group", "tasks", "t", "run", 2)
    assert found.message == "task `g.t` does not use `name`"


@pytest.mark.parametrize(
    ("uses", "rest", "kind"),
    [
        (["port"], ("port",), "number"),
        (["name"], ("name",), "string"),
        ({"name": 2}, ("name",), "array"),
        ({"name": 2}, ("name", 0), "string"),
        (["mixed"], ("mixed",), None),
        (["port"], (), "object"),
    ],
)
def test_the_type_of_a_lease_is_that_of_its_items(uses, rest, kind):
    resources = {"port": {"items": [1, 2]}, "name": {"items": ["a"]}, "mixed": {"items": ["a", 1]}}
    assert lease_type({"resources": resources}, {"uses": uses}, rest) == kind

"""`lease.NAME`: where it is known, of what, and of which type."""

import pytest

from tests.unit.compiler.compiling import codes, diagnose, only, task_of
from unspool.compiler.leases import lease_type

SHARED = """
resources:
  browser: {slots: 2}
  port: {items: [8001, 8002]}
  host: {items: [a, b]}
  mixed: {items: [a, 1]}
"""


def body(field: str, uses: str = "[port]") -> str:
    rest = "  rest: {run: [x], uses: [browser, port, host, mixed]}\n"
    return f"{SHARED}\ntasks:\n{rest}  t:\n    {field}\n" + (f"    uses: {uses}\n" if uses else "")


@pytest.mark.parametrize(
    "field",
    [
        'run: [x, "${{ lease.port }}"]',
        "run: x ${{ lease.port }}",
        'run: [x, "${{ lease }}"]',
        'run: [x]\n    stdin: "${{ lease.port }}"',
        'run: [x]\n    with: {a: "${{ lease.port + 1 }}"}',
        'run: [x]\n    env: {A: "${{ lease.port }}"}',
        'run: [x]\n    cwd: "${{ lease.port }}"',
        'http: {url: "http://127.0.0.1:${{ lease.port }}/"}',
        'http: {url: "http://a.example", headers: {X-Port: "${{ lease.port }}"}}',
        'http: {url: "http://a.example", json: {port: "${{ lease.port }}"}}',
        'http: {url: "http://a.example", body: "${{ lease.port }}"}',
        "http: {url: \"http://a.example\", method: \"${{ 'GET' if lease.port == 8001 else 'HEAD' }}\"}",
    ],
)
def test_it_is_known_in_the_action_env_and_cwd(field):
    assert codes(body(field)) == []
    assert task_of(body(field)).dynamic


@pytest.mark.parametrize(
    ("field", "uses", "code", "says", "hint"),
    [
        ('run: [x, "${{ lease.prt }}"]', "[port]", "UNS124", "does not use `prt`", "did you mean `lease.port`?"),
        ('run: [x, "${{ lease.host }}"]', "[port]", "UNS124", "does not use `host`", "`uses: [port, host]`"),
        (
            'run: [x, "${{ lease.none }}"]',
            "[port]",
            "UNS124",
            "does not use `none`",
            "declare `none` under `resources`",
        ),
        ('run: [x, "${{ lease.port }}"]', "", "UNS124", "task `t` does not use `port`", "`uses: [port]`"),
        ('run: [x, "${{ lease }}"]', "", "UNS124", "task `t` uses no resource", "under `uses`"),
        ('run: [x, "${{ lease }}"]', "[browser]", "UNS125", "nothing that task `t` uses has `items`", "give one"),
        ('run: [x, "${{ lease.browser }}"]', "[browser]", "UNS125", "has no `items`", "`browser: {items: [a, b]}`"),
        ('run: [x, "${{ lease.port.x }}"]', "[port]", "UNS069", "one item and has no members", "write `lease.port`"),
        ('run: [x, "${{ lease.port[2] }}"]', "{port: 2}", "UNS069", "a list of 2 items", "`lease.port[0]` to"),
        ("run: x ${{ lease.port }}", "{port: 2}", "UNS075", "is a list or a map", "join"),
        ('run: [x]\n    when: "${{ lease.port == 1 }}"', "[port]", "UNS064", "not known in `when`", "`env` or `cwd`"),
        ('http: {url: "http://a.example/${{ lease.prt }}"}', "[port]", "UNS124", "does not use `prt`", "`lease.port`?"),
        (
            'http: {url: "http://a.example"}\n    cache: {key: "${{ lease.port }}"}',
            "[port]",
            "UNS064",
            "`cache`",
            "`env`",
        ),
        ('run: [x]\n    success_when: "${{ lease.port == 1 }}"', "[port]", "UNS064", "in `success_when`", "`env`"),
    ],
)
def test_it_is_refused_where_it_has_no_value(field, uses, code, says, hint):
    found = only(body(field, uses))
    assert found.code == code
    assert says in found.message
    assert hint in (found.hint or "")


@pytest.mark.parametrize("where", ['env: {A: "${{ lease.port }}"}', 'outputs: {a: "${{ lease.port }}"}'])
def test_nothing_is_leased_outside_tasks(where):
    assert [one.code for one in diagnose(body("run: [x]") + f"\n{where}")] == ["UNS064"]


def test_items_of_a_list_are_reached_by_number():
    assert codes(body('run: [x, "${{ lease.port[1] }}", "${{ lease.port[-1] }}"]', "{port: 2}")) == []


def test_the_uses_of_defaults_lease_too():
    assert codes(SHARED + 'defaults: {uses: [port]}\ntasks: {t: {run: [x, "${{ lease.port }}"]}}') == ["UNS194"] * 3


def test_what_cannot_be_read_makes_no_lease_unknown():
    assert codes(body('run: [x, "${{ lease.port }}"]', "port")) == ["UNS023"]
    assert codes('resources: {port: 1}\ntasks: {t: {run: [x, "${{ lease.port }}"], uses: [port]}}') == ["UNS023"]
    assert codes('defaults: {uses: port}\ntasks: {t: {run: [x, "${{ lease.port }}"]}}') == ["UNS023"]


def test_a_task_of_a_group_has_leases_of_its_own():
    head, others = "resources: {port: {items: [1, 2]}, name: {items: [a]}}\n", "o: {run: [x], uses: [port, name]}"
    inner = "g: {group: {tasks: {t: {uses: [port], run: [x, '${{ lease.port }}', '${{ lease.name }}']}}}}"
    found = only(f"{head}tasks: {{{inner}, {others}}}")
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

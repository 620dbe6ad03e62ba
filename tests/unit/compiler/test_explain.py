"""Faults of shape in the author's words; whoever follows the hint has a good document."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import pytest

from tests.property.mutants import mutants
from tests.unit.compiler.hints import follow
from unspool.compiler.foreign_keys import ADVICE, LATER, RENAMES, normalised
from unspool.compiler.shape import check_shape

GOOD: dict[str, Any] = {
    "unspool": 1,
    "name": "nightly",
    "inputs": {"branch": {"type": "string", "default": "main"}},
    "tasks": {
        "checkout": {"run": ["git", "fetch"]},
        "build": {"depends_on": ["checkout"], "run": "make", "timeout": "5m", "retry": {"max_attempts": 3}},
        "report": {"depends_on": {"build": "any"}, "python": "reports.nightly:send", "on_failure": "skip"},
    },
}


class Breakage(NamedTuple):
    """A way to break the good document, and what is said about it."""

    name: str
    path: tuple[Any, ...]
    value: Any
    code: str
    message: str
    hint: str
    at: tuple[Any, ...] | None = None
    replaces: str | None = None


BUILD = ("tasks", "build")
BREAKAGES = (
    Breakage(
        name="a misspelt key",
        path=(*BUILD, "tiemout"),
        value="5m",
        replaces="timeout",
        code="UNS020",
        message="unknown key `tiemout` in task `build`",
        hint="did you mean `timeout`?",
    ),
    Breakage(
        name="a key of GitHub Actions",
        path=(*BUILD, "needs"),
        value=["checkout"],
        replaces="depends_on",
        code="UNS020",
        message="unknown key `needs` in task `build`",
        hint="`needs` is spelt `depends_on` here",
    ),
    Breakage(
        name="a timeout without a unit",
        path=(*BUILD, "timeout"),
        value=30,
        code="UNS030",
        message="`timeout` of task `build` must be a whole number with its unit, such as `30s`, `5m` or `2h`, "
        "not the number 30",
        hint="write `timeout: 30s`",
    ),
    Breakage(
        name="retry as a number",
        path=(*BUILD, "retry"),
        value=3,
        code="UNS023",
        message="`retry` of task `build` must be a map, not the number 3",
        hint="write `retry: {max_attempts: 3}`",
    ),
    Breakage(
        name="one dependency as text",
        path=(*BUILD, "depends_on"),
        value="checkout",
        code="UNS023",
        message="`depends_on` of task `build` must be a list or a map, not the text `checkout`",
        hint="write `depends_on: [checkout]`",
    ),
    Breakage(
        name="yes for true",
        path=(*BUILD, "when"),
        value="yes",
        code="UNS037",
        message="`when` of task `build` must be one expression, `${{ ... }}`, or true or false, not the text `yes`",
        hint="write `when: true`",
    ),
    Breakage(
        name="a task without an action",
        path=("tasks", "idle"),
        value={"description": "Nothing."},
        code="UNS026",
        message="task `idle` has no action",
        hint="add one, such as `run: [make, test]` or `python: package.module:function`",
    ),
    Breakage(
        name="a task with two actions",
        path=(*BUILD, "python"),
        value="a:b",
        code="UNS026",
        message="task `build` has two actions, `run` and `python`",
        hint="keep one and remove `python`",
        at=BUILD,
    ),
    Breakage(
        name="a dash in a name",
        path=("tasks", "unit-tests"),
        value={"run": "x"},
        code="UNS025",
        message="`unit-tests` in `tasks` cannot be the name of a task: it takes lower-case letters, digits and `_`, "
        "beginning with a letter, at most 64 in all",
        hint="write `unit_tests`; a `-` would read as minus in an expression",
    ),
    Breakage(
        name="another word for skip",
        path=("tasks", "report", "on_failure"),
        value="continue",
        code="UNS024",
        message="`on_failure` of task `report` must be `cancel_dependents`, `abort` or `skip`, not the text `continue`",
        hint="write `on_failure: skip`",
    ),
    Breakage(
        name="no language version",
        path=("unspool",),
        value=...,
        code="UNS022",
        message="the document has no `unspool`",
        hint="add `unspool: 1` as the first line",
        at=(),
    ),
    Breakage(
        name="another language version",
        path=("unspool",),
        value=2,
        code="UNS032",
        message="version 2 of the language is not supported by this version of unspool, which reads version 1",
        hint="write `unspool: 1`, or install a version of unspool that reads it",
    ),
    Breakage(
        name="a key of a later version",
        path=("triggers",),
        value=True,
        code="UNS021",
        message="`triggers` at the top level is not supported by this version yet",
        hint="remove it",
    ),
    Breakage(
        name="a key without a value",
        path=(*BUILD, "env"),
        value=None,
        code="UNS031",
        message="`env` of task `build` has no value",
        hint='give it a value or remove it; an example: `env: {CI: "1"}`',
    ),
    Breakage(
        name="a function without its colon",
        path=("tasks", "report", "python"),
        value="reports.nightly.send",
        code="UNS037",
        message="`python` of task `report` must be a module and a function, `package.module:function`, "
        "not the text `reports.nightly.send`",
        hint="write `python: reports.nightly:send`",
    ),
    Breakage(
        name="a default that does not fit",
        path=("inputs", "count"),
        value={"type": "integer", "default": "3"},
        code="UNS036",
        message="the default of input `count` does not fit its own schema: it must be a whole number, not the text `3`",
        hint="write `default: 3`, or change the schema",
        at=("inputs", "count", "default"),
    ),
    Breakage(
        name="a shell for a command without one",
        path=("tasks", "checkout", "shell"),
        value="bash",
        code="UNS027",
        message="`shell` of task `checkout` goes only with a script, which is `run` as text",
        hint="remove `shell`",
    ),
    Breakage(
        name="no attempt at all",
        path=(*BUILD, "retry", "max_attempts"),
        value=0,
        code="UNS028",
        message="`max_attempts` of `retry` of task `build` must be at least 1, not 0",
        hint="write `max_attempts: 1`",
    ),
    Breakage(
        name="an empty command",
        path=("tasks", "checkout", "run"),
        value=[],
        code="UNS029",
        message="`run` of task `checkout` must not be empty",
        hint="an example: `run: [make, test]`",
    ),
    Breakage(
        name="a dependency named twice",
        path=(*BUILD, "depends_on"),
        value=["checkout", "checkout"],
        code="UNS038",
        message="`depends_on` of task `build` names `checkout` more than once",
        hint="keep one `checkout`",
    ),
    Breakage(
        name="a pattern that does not compile",
        path=("inputs", "branch", "pattern"),
        value="[a-",
        code="UNS035",
        message="the pattern `[a-` of input `branch` is not a regular expression: "
        "unterminated character set at character 1",
        hint=r'correct it; to find just this text, write `pattern: "\\[a\\-"`',
    ),
)


def broken(breakage: Breakage) -> Any:
    document = copy.deepcopy(GOOD)
    holder = document
    for key in breakage.path[:-1]:
        holder = holder[key]
    if breakage.replaces:
        del holder[breakage.replaces]
    if breakage.value is ...:
        del holder[breakage.path[-1]]
    else:
        holder[breakage.path[-1]] = breakage.value
    return document


def task(**keys: Any) -> dict[str, Any]:
    return {"unspool": 1, "name": "x", "tasks": {"a": keys}}


def heals(document: Any) -> bool:
    """Whether following one hint after the other ends with a good document."""
    for _ in range(8):
        found = check_shape(document)
        if not found:
            return True
        document = follow(document, found[0])
        if document is None:
            return False
    return False


def hints(document: Any) -> list[str | None]:
    return [found.hint for found in check_shape(document)]


def test_the_good_document_is_good():
    assert check_shape(GOOD) == []


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_a_breakage_is_said_once_in_the_right_place(breakage):
    (found,) = check_shape(broken(breakage))
    assert (found.code, found.message, found.hint) == (breakage.code, breakage.message, breakage.hint)
    assert found.path == (breakage.path if breakage.at is None else breakage.at)
    assert found.is_error


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_following_the_hint_makes_the_document_good(breakage):
    document = broken(breakage)
    (found,) = check_shape(document)
    followed = follow(document, found)
    if breakage.code == "UNS035":
        # The text to find is known now; that the default does not hold it is another matter.
        assert [each.code for each in check_shape(followed)] == ["UNS036"]
    else:
        assert check_shape(followed) == []


@pytest.mark.parametrize(("count", "seed"), [(400, 7), pytest.param(4_000, 8, marks=pytest.mark.slow)])
def test_hints_heal_nearly_every_mutant(count, seed):
    refused = [document for document in mutants(count, seed) if check_shape(document)]
    healed = sum(heals(document) for document in refused)
    assert len(refused) > count / 5
    assert healed / len(refused) > 0.9  # the others ask for a decision, such as where to move a key


def test_the_key_is_meant_where_the_key_is_wrong():
    document = {**task(run="x", rnu="y"), "Limits": {}}
    assert all(found.on_key for found in check_shape(document))


def test_independent_faults_are_all_said():
    codes = [found.code for found in check_shape(task(run="x", timeout=3, neds=["b"], tags=1, priority="urgent"))]
    assert sorted(codes) == ["UNS020", "UNS023", "UNS024", "UNS030"]


def test_an_unknown_key_that_means_an_action_is_not_said_twice():
    for key in ("command", "script", "rnu", "steps", "agent"):
        assert [found.path for found in check_shape(task(**{key: "x"}))] == [("tasks", "a", key)]


def test_an_unknown_key_that_means_a_missing_one_is_not_said_twice():
    found = check_shape({"version": 3, "title": "x", "jobs": {"a": {"run": "x"}}})
    assert [each.hint for each in found] == [
        "`version` is spelt `unspool` here: write `unspool: 1`",
        "`title` is spelt `name` here",
        "`jobs` is spelt `tasks` here",
    ]


def test_a_later_key_does_not_hide_a_missing_one():
    found = check_shape({"unspool": 1, "triggers": ["A"], "tasks": {"a": {"run": "x"}}})
    assert [each.code for each in found] == ["UNS022", "UNS021"]


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("timeout-minutes", 10, "`timeout-minutes` is spelt `timeout` here: write `timeout: 10m`"),
        ("timeout_sec", 90, "`timeout_sec` is spelt `timeout` here: write `timeout: 90s`"),
        ("timeoutSeconds", 120, "`timeoutSeconds` is spelt `timeout` here: write `timeout: 2m`"),
        ("retries", 2, "`retries` is spelt `retry` here: write `retry: {max_attempts: 3}`"),
        ("continue-on-error", True, "`continue-on-error` is spelt `on_failure` here: write `on_failure: skip`"),
        ("allow_failure", True, "`allow_failure` is spelt `on_failure` here: write `on_failure: skip`"),
        ("needs", "b", "`needs` is spelt `depends_on` here: write `depends_on: [b]`"),
        ("dependsOn", ["b"], "did you mean `depends_on`?"),
        ("if", "inputs.x", '`if` is spelt `when` here: write `when: "${{ inputs.x }}"`'),
        ("environment", ["A=1"], '`environment` is spelt `env` here: write `env: {A: "1"}`'),
        ("working-directory", "src", "`working-directory` is spelt `cwd` here"),
        ("cwd_", "src", "did you mean `cwd`?"),
        ("concurrency", 3, "`concurrency` stands in `limits`: move it there"),
    ],
)
def test_foreign_keys_of_a_task_are_translated_with_their_values(key, value, hint):
    assert hints(task(run="x", **{key: value})) == [hint]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"http": "https://a/"}, [("UNS023", 'write `http: {url: "https://a/"}`')]),
        ({"url": "https://a/"}, [("UNS020", '`url` is spelt `http` here: write `http: {url: "https://a/"}`')]),
        ({"http": {}}, [("UNS022", 'add it, such as `url: "https://example.com/items"`')]),
        ({"http": {"uri": "https://a/"}}, [("UNS020", "`uri` is spelt `url` here")]),
        ({"http": {"url": "https://a/", "method": "get"}}, [("UNS024", "write `method: GET`")]),
        ({"http": {"url": "https://a/", "expect": 200}}, [("UNS023", "write `expect: [200]`")]),
        ({"http": {"url": "https://a/", "expect": [20]}}, [("UNS028", "write `100`")]),
        ({"http": {"url": "https://a/", "expect": []}}, [("UNS029", "an example: `expect: [200]`")]),
        (
            {"http": {"url": "https://a/", "status": 200}},
            [("UNS020", "`status` is spelt `expect` here: write `expect: [200]`")],
        ),
        ({"http": {"url": "https://a/", "timeout": "5s"}}, [("UNS020", "`timeout` stands in a task: move it there")]),
        (
            {"http": {"url": "https://a/", "json": None, "body": "x"}},
            [("UNS027", "remove `body`; a request sends one of the two")],
        ),
        ({"http": {"url": "https://a/", "headers": {"X y": "1"}}}, [("UNS025", "write `X-y`")]),
        ({"http": {"url": "https://a/", "headers": ["A=b"]}}, [("UNS023", "write `headers: {A: b}`")]),
        ({"http": {"url": "https://a/"}, "method": "POST"}, [("UNS020", "`method` stands in `http`: move it there")]),
        ({"http": {"url": "https://a/"}, "expect": [200]}, [("UNS020", "`expect` stands in `http`: move it there")]),
        ({"http": {"url": "https://a/"}, "stdin": "x"}, [("UNS027", "remove `stdin`")]),
        ({"http": {"url": "https://a/"}, "shell": "sh"}, [("UNS027", "remove `shell`")]),
        (
            {"http": {"url": "https://a/"}, "with": {"a": 1}},
            [("UNS027", "remove `with`; what is sent stands in `json` or `body` of `http`")],
        ),
        (
            {"http": {"url": "https://a/"}, "env": {"A": 1}, "cwd": "x"},
            [
                ("UNS027", "remove `env`; write the values into `http`, where expressions work"),
                ("UNS027", "remove `cwd`; no folder plays a part in a request"),
            ],
        ),
        ({"http": {"url": "https://a/"}, "python": "a:b"}, [("UNS026", "keep one and remove `http`")]),
        ({"run": "x", "retry": {"max_elapsed": "0s"}}, [("UNS030", None)]),
        ({"run": "x", "retry": {"max_elapsed": 60}}, [("UNS030", "write `max_elapsed: 1m`")]),
        ({"run": "x", "retry": {"on": [{"status": 503}]}}, [("UNS023", "write `status: [503]`")]),
        ({"run": "x", "retry": {"on": [{"status_code": [503]}]}}, [("UNS020", "`status_code` is spelt `status` here")]),
        ({"run": "x", "retry": {"on": [{}]}}, [("UNS029", None)]),
        (
            {"run": "x", "retry": {"on": [{"status": [503], "exit_code": [1]}]}},
            [("UNS028", "write an item of the list for each")],
        ),
    ],
)
def test_requests_and_filters_are_explained(keys, said):
    found = [(each.code, each.hint) for each in check_shape(task(**keys))]
    assert [code for code, _ in found] == [code for code, _ in said]
    assert all(wanted in (None, hint) for (_, hint), (_, wanted) in zip(found, said, strict=True)), found
    assert all(hint for _, hint in found)


def test_a_translation_of_a_key_that_is_there_already_asks_to_remove_it():
    assert hints(task(run="x", command="y")) == ["`run` is there already: remove `command`"]


def test_commands_of_other_systems_become_one_script():
    assert hints(task(script=["make", "make test"])) == [
        r'`script` is spelt `run` here: write `run: "make\nmake test"`'
    ]
    assert hints(task(command="make", args=["test"]))[0] == "`command` is spelt `run` here: write `run: [make, test]`"


def test_later_keys_under_foreign_names_are_said_to_be_later():
    (found,) = check_shape({**task(run="x"), "cron": "0 3 * * *"})
    assert found.code == "UNS021"
    assert "`cron`, which is spelt `triggers` here," in found.message


def test_what_holds_for_all_tasks_is_sent_to_the_defaults():
    document = {**task(run="x"), "timeout": "5m"}
    assert hints(document) == ["what holds for all tasks stands in `defaults`: write `defaults: {timeout: 5m}`"]


def test_the_form_that_the_value_chose_is_explained_and_no_other():
    found = check_shape(task(run=["x", None], depends_on={"b": "success"}, retry={"on": [{"exit_code": 3}]}))
    assert [(each.path[2:], each.hint) for each in found] == [
        (("run", 1), "remove the item, or write the text in quotes"),
        (("depends_on", "b"), "write `b: ok`"),
        (("retry", "on", 0, "exit_code"), "write `exit_code: [3]`"),
    ]


def test_an_argument_that_yaml_read_as_a_map_is_given_its_quotes():
    assert hints(task(run=["echo", {"a": "b"}])) == ['write `"a: b"`']


def test_status_functions_of_other_systems_point_to_depends_on():
    (hint,) = hints(task(run="x", when="always()"))
    assert hint == "say which end of a dependency is waited for, as in `depends_on: {build: any}`, and remove it"


@pytest.mark.parametrize("value", ["x" * 500, "a\nb", "\x1b[31mred", "`", "${{ x }}"])
def test_hostile_values_stay_on_one_short_line(value):
    for found in check_shape(task(run="x", timeout=value, **{value: 1})):
        assert found.message.isprintable()
        assert len(found.message) < 300


def test_tables_of_foreign_keys_are_spelt_as_they_are_looked_up():
    for table in (*RENAMES.values(), *ADVICE.values()):
        assert [key for key in table if normalised(key) != key] == []
    assert all(normalised(key) == key for keys in LATER.values() for key in keys)


def test_tables_of_foreign_keys_lead_to_known_keys():
    from unspool.compiler.faults import document_schema

    definitions = document_schema()["$defs"]
    policies = definitions["Substitute"]["properties"] | definitions["Rollback"]["properties"]
    parts = {
        "document": document_schema(),
        "task": definitions["Task"],
        "template": definitions["Template"],
        "compensate": definitions["Compensation"],
        "group": definitions["Group"],
        "aggregate": definitions["Reduce"],
        "for_each": definitions["FanOut"],
        "wait": definitions["Moment"],
        "approval": definitions["Approval"],
        "on_failure": {"properties": policies},
        "rollback": definitions["RollbackThen"],
        "resource": definitions["Resource"],
        "circuit_breaker": definitions["CircuitBreaker"],
        "defaults": definitions["Task"],
        "limits": definitions["Limits"],
        "retry": definitions["Retry"],
        "cache": definitions["Cache"],
        "filter": definitions["Filter"],
        "http": definitions["Http"],
        "source": definitions["FileSource"],
        "schema": definitions["ValueSchema"],
        "output": definitions["Output"],
    }
    assert parts.keys() == RENAMES.keys()
    for kind, table in RENAMES.items():
        known = parts[kind]["properties"].keys() | LATER.get(kind, frozenset()) | LATER["task"]
        assert {ours for ours in table.values() if ours not in known} == set(), kind
        assert table.keys().isdisjoint(parts[kind]["properties"]), kind

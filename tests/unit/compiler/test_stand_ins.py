"""What stands in for a failed task fits: it is given what it needs, and gives what others read."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, marked, only

TEMPLATE = (
    "templates: {f: {inputs: {n: {type: string}, o: {default: 1}}, run: [x, '${{ inputs.n }}', '${{ inputs.o }}']}}"
)

TASK = "tasks: {t: {run: [x], outputs: %s, on_failure: {substitute: f}}}"


@pytest.mark.parametrize(
    ("policy", "message", "hint", "place"),
    [
        (
            "{substitute: f}",
            "the template `f` needs a value for its input `n`",
            "write `with: {n: ...}`",
            "{substitute",
        ),
        (
            "{substitute: f, with: {n: a, other: b}}",
            "the template `f` has no input `other`",
            "remove it, or declare it in the template",
            "other: b",
        ),
        (
            "{substitute: f, with: {n: 3}}",
            "the value for the input `n` of the template `f` must be text, not the number 3",
            "correct it, or change the schema of the input",
            "3}",
        ),
        ("{substitute: ff}", "there is no template `ff`", "did you mean `f`?", "ff}"),
        ("{substitute: quux}", "there is no template `quux`", "known are `f`", "quux}"),
        (
            "{substitute: t}",
            "there is no template `t`",
            "`t` is a task: move what stands in for another one to `templates`",
            "t}",
        ),
    ],
)
def test_a_substitute_is_given_what_its_template_declares(policy, message, hint, place):
    body = f"tasks: {{t: {{run: [x], on_failure: {policy}}}}}\n{TEMPLATE}"
    found = next(one for one in diagnose(body) if one.code == "UNS166")
    assert (found.message, found.hint) == (message, hint)
    assert marked(body, found, len(place)) == place


@pytest.mark.parametrize("value", ["a", "'${{ run.id }}'", "'x ${{ run.id }}'"])
def test_a_value_that_is_known_in_the_run_is_not_judged(value):
    assert codes(f"tasks: {{t: {{run: [x], on_failure: {{substitute: f, with: {{n: {value}}}}}}}}}\n{TEMPLATE}") == []


@pytest.mark.parametrize(
    ("outputs", "template", "message"),
    [
        ("{v: {}, w: {}}", "run: [x], outputs: {w: {}}", "it does not declare `v`"),
        ("{v: {type: string}}", "run: [x], outputs: {v: {type: integer}}", "its output `v` is of another type"),
        ("{v: {type: string}}", "for_each: [1], run: [x], outputs: {v: {type: string}}", "its outputs are lists"),
    ],
)
def test_it_gives_what_the_task_would_have_given(outputs, template, message):
    body = f"{TASK % outputs}\ntemplates: {{f: {{{template}}}}}"
    assert only(body).message == f"the template `f` cannot stand in for task `t`: {message}"


@pytest.mark.parametrize(
    ("outputs", "template"),
    [
        ("{v: {type: number}}", "run: [x], outputs: {v: {type: integer}, w: {}}"),
        ("{v: {type: string}}", "run: [x], outputs: {v: {}}"),
        ("{v: {}}", "group: {tasks: {a: {run: [x]}}}, outputs: {v: {from: json, path: /a}}"),
        ("{}", "for_each: [1], run: [x]"),
    ],
)
def test_more_or_less_precise_is_well(outputs, template):
    body = f"{TASK % outputs}\ntemplates: {{f: {{{template}}}}}"
    assert codes(body) == []


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ("f: {run: [x], on_failure: {substitute: f}}", "the template `f` stands in for itself without end"),
        (
            "f: {run: [x], on_failure: {substitute: g}}, g: {run: [x], on_failure: {substitute: f}}",
            "these templates stand in for each other without end: `f -> g -> f`",
        ),
        (
            (
                "f: {group: {tasks: {a: {run: [x], on_failure: {substitute: g}}}}}, "
                "g: {run: [x], on_failure: {substitute: f}}"
            ),
            "these templates stand in for each other without end: `f -> g -> f`",
        ),
    ],
)
def test_a_circle_of_substitutes_is_refused(templates, message):
    body = f"tasks: {{t: {{run: [x], on_failure: {{substitute: f}}}}}}\ntemplates: {{{templates}}}"
    found = only(body)
    assert (found.code, found.message) == ("UNS178", message)
    assert found.path[-2:] == ("on_failure", "substitute")
    assert marked(body, found, 2) in ("f}", "g}")


def test_a_chain_that_ends_is_none():
    body = """
    tasks: {t: {run: [x], on_failure: {substitute: f}}, u: {run: [x], on_failure: {substitute: g}}}
    templates: {f: {run: [x], on_failure: {substitute: g}}, g: {run: [x]}}
    """
    assert codes(body) == []

"""An input that no expression names is a warning, in a document with expressions in which nothing is wrong."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import document, marked
from unspool.compiler.compile import compile_document


def warned(body, code="UNS176"):
    return [found for found in compile_document(document(body)).diagnostics if found.code == code]


def test_it_is_said_at_the_name():
    body = "inputs: {a: {default: 1}, b: {type: string}}\ntasks: {t: {run: [x, '${{ inputs.a }}']}}"
    (found,) = warned(body)
    assert found.message == "no expression uses the input `b`"
    assert found.hint == "write `${{ inputs.b }}` where its value is meant, or remove it"
    assert found.severity == "warning"
    assert marked(body, found, 2) == "b:"


@pytest.mark.parametrize(
    "use",
    [
        "env: {A: '${{ inputs.b }}'}\ntasks: {t: {run: [x]}}",
        "tasks: {t: {run: [x]}}\noutputs: {o: '${{ inputs.b }}'}",
        "tasks: {t: {run: [x], when: \"${{ inputs.b == 'c' }}\"}}",
        "tasks: {t: {run: 'echo ${{ inputs.b }}'}}",
        "tasks: {t: {run: [x, '${{ inputs | tojson }}']}}",
        "tasks: {t: {run: [x, '${{ inputs[run.name] }}']}}",
        "tasks: {t: {run: [x], for_each: ['${{ inputs.b }}']}}",
        "tasks: {g: {group: {tasks: {t: {run: [x, '${{ inputs.b }}']}}}}}",
        "tasks: {t: {run: [x], compensate: {run: [y, '${{ inputs.b }}']}}}",
        "tasks: {t: {run: [x]}}\nfinally: {u: {run: [x, '${{ inputs.b }}']}}",
        (
            "tasks: {t: {run: [x], on_failure: {substitute: f, with: {c: '${{ inputs.b }}'}}}}\n"
            "templates: {f: {inputs: {c: {}}, run: [x, '${{ inputs.c }}']}}"
        ),
    ],
)
def test_every_place_counts(use):
    assert warned(f"inputs: {{b: {{type: string}}}}\n{use}") == []


def test_a_template_has_inputs_of_its_own():
    body = """
    inputs: {a: {default: 1}}
    tasks: {t: {run: [x], on_failure: {substitute: f, with: {a: 1}}}}
    templates: {f: {inputs: {a: {}, c: {default: 2}}, run: [x, '${{ inputs.a }}']}}
    """
    assert [found.path for found in warned(body)] == [("inputs", "a"), ("templates", "f", "inputs", "c")]


def test_a_document_without_expressions_is_not_told():
    assert warned("inputs: {a: {default: 1}}\ntasks: {t: {run: [x]}}") == []
    assert warned('inputs: {a: {default: 1}}\ntasks: {t: {run: ["x\\n"]}}') == []


def test_a_document_with_errors_is_told_of_them_only():
    assert warned("inputs: {a: {default: 1}}\ntasks: {t: {run: [x, '${{ run.id }}'], timeout: 3}}") == []


MADE = "a: {run: [x], outputs: {o: {type: string}, p: {type: string}}}"


def test_an_output_that_nothing_reads_is_said_at_its_name():
    body = f"tasks: {{{MADE}, b: {{run: [x, '${{{{ tasks.a.outputs.o }}}}'], depends_on: [a]}}}}"
    (found,) = warned(body, "UNS186")
    assert found.message == "no expression reads the output `p` of task `a`"
    assert found.hint == "write `${{ tasks.a.outputs.p }}` where its value is meant, or remove it"
    assert found.severity == "warning"
    assert marked(body, found, 2) == "p:"


@pytest.mark.parametrize(
    "rest",
    [
        "b: {run: [x]}}",
        "b: {run: [x, '${{ tasks.a.outputs | tojson }}'], depends_on: [a]}}",
        "b: {run: [x], depends_on: [a]}}\noutputs: {o: '${{ tasks.a.outputs.o }}', p: '${{ tasks.a.outputs.p }}'}",
        'b: {run: [x, \'${{ tasks.a.outputs.o ~ tasks["a"].outputs["p"] }}\'], depends_on: [a]}}',
    ],
)
def test_what_is_read_or_only_reported_is_no_finding(rest):
    assert warned(f"tasks: {{{MADE}, {rest}", "UNS186") == []


def test_a_document_without_expressions_reads_none():
    assert len(warned(f"tasks: {{{MADE}, b: {{run: [x], depends_on: [a]}}}}", "UNS186")) == 2

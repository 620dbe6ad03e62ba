"""Libraries that documents import."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, marked, only, plan_of
from unspool.compiler.compile import compile_document
from unspool.model.resources import LIBRARIES, library_text

CODING = """
import: [unspool/agents]
tasks:
  code: {run: [x], interpret: claude_code, on_result: [{ruleset: coding}]}
"""


def kinds(body: str) -> dict[str, str]:
    return {task.id: task.kind for task in plan_of(body).tasks if task.template}


def test_what_is_used_comes_in_and_no_more():
    assert codes(CODING) == []
    assert kinds(CODING) == dict.fromkeys(("fix_compilation", "fix_tests", "review_warnings"), "approval")


def test_a_template_of_the_document_takes_the_place_of_one_in_the_library():
    own = CODING + "templates: {fix_tests: {inputs: {errors: {type: array}, files: {type: array}}, run: [fix]}}\n"
    assert codes(own) == []
    assert kinds(own) == {"fix_compilation": "approval", "fix_tests": "run", "review_warnings": "approval"}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("{errors: {type: array}}", "takes the place of one in a library, which has the input `files`"),
        (
            "{errors: {type: array}, files: {type: array}, x: {type: string}}",
            "takes the place of one in a library, which gives no `x`",
        ),
    ],
)
def test_it_has_to_take_what_the_library_gives(inputs, message):
    (found,) = [
        one for one in diagnose(f"{CODING}templates: {{fix_tests: {{inputs: {inputs}, run: [x]}}}}\n") if one.is_error
    ]
    assert found.code == "UNS189"
    assert message in found.message


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        (CODING.replace("unspool/agents", "unspool/agent"), "UNS188", "unspool/agent"),
        ("import: [unspool/agents]\ntasks: {a: {run: [x]}}\n", "UNS188", "unspool/agents"),
        (CODING.replace("interpret: claude_code, ", ""), "UNS064", "import"),
        (CODING.replace("claude_code", "analysis"), "UNS069", "import"),
    ],
)
def test_what_is_wrong_is_told_where_it_can_be_mended(body, code, place):
    found = [one for one in diagnose(body) if one.code == code]
    assert found
    assert marked(body, found[0], len(place)) == place


def test_every_ruleset_of_a_library_fits_the_interpreter_that_it_is_for():
    for ruleset, interpreter in (("coding", "claude_code"), ("swarm", "claude_flow"), ("analysis", "analysis")):
        assert codes(CODING.replace("coding", ruleset).replace("claude_code", interpreter)) == []


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_is_a_document(name):
    compilation = compile_document(library_text(name))
    assert compilation.plan is not None
    assert {found.code for found in compilation.diagnostics} <= {"UNS168", "UNS199"}


def test_a_parameter_of_an_interpreter_is_checked():
    found = only("tasks: {a: {run: [x, '${{ run.id }}'], interpret: {claude_flow: {quality_threshold: high}}}}")
    assert (found.code, found.message) == (
        "UNS187",
        "`quality_threshold` of `claude_flow` must be a number",
    )

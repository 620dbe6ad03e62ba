"""Which warnings about scripts an input's schema answers."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import document, plan_of
from unspool.compiler.compile import compile_document
from unspool.compiler.shell_inputs import harmless


@pytest.mark.parametrize(
    ("schema", "answers"),
    [
        ({"type": "string"}, False),
        ({"type": "string", "pattern": "^[a-z0-9]"}, True),
        ({"type": "string", "pattern": "^[A-Za-z0-9/_.]+$"}, True),
        ({"type": "string", "pattern": "^v[0-9-]+$"}, True),
        ({"type": "string", "pattern": r"^\w+$"}, True),
        ({"type": "string", "pattern": "^(?!-)"}, True),
        ({"type": "string", "pattern": "[a-z]+"}, False),  # it may stand anywhere
        ({"type": "string", "pattern": "^[a-z]*$"}, False),
        ({"type": "string", "pattern": "^[a-z]?"}, False),
        ({"type": "string", "pattern": "^[a-z]{0,3}-"}, False),
        ({"type": "string", "pattern": "^[-a-z]+$"}, False),
        ({"type": "string", "pattern": "^[a-z-]+$"}, False),
        ({"type": "string", "pattern": "^[+-/]"}, False),  # a range that a minus lies in
        ({"type": "string", "pattern": "^[^-]"}, False),  # true, and too clever to be told apart
        ({"type": "string", "pattern": "^a|-b"}, False),
        ({"type": "string", "pattern": "^.+$"}, False),
        ({"enum": ["a", "b"]}, True),
        ({"enum": ["a", "-b"]}, False),
        ({"type": "integer"}, False),
        ({"type": "integer", "minimum": 0}, True),
        ({"type": "integer", "minimum": -1}, False),
        ({"type": "boolean"}, True),
    ],
)
def test_a_schema_answers_the_warning_about_options(schema: dict, answers: bool):
    assert ("inputs.x" in harmless({"x": schema})["UNS102"]) is answers


def codes(script: str, schema: str) -> list[str]:
    text = f"unspool: 1\nname: x\ninputs: {{x: {schema}}}\ntasks:\n  a:\n    run: |\n      {script}\n"
    compilation = compile_document(text, "yaml")
    assert compilation.plan is not None
    return [diagnostic.code for diagnostic in compilation.diagnostics]


PATTERN = '{type: string, pattern: "^[a-z0-9]", default: a}'
ENUM = "{enum: [ls, pwd], default: ls}"


@pytest.mark.parametrize(
    ("script", "schema", "expected"),
    [
        ("rm ${{ inputs.x }}", "{type: string, default: a}", ["UNS102"]),
        ("rm ${{ inputs.x }}", PATTERN, []),
        ('rm "${{ inputs.x }}/y"', PATTERN, []),
        ("rm -${{ inputs.x }}", PATTERN, ["UNS102"]),  # the minus stands there already
        ('rm "$y"${{ inputs.x }}', PATTERN, ["UNS102"]),
        ("rm ${{ inputs.x ~ 'y' }}", PATTERN, ["UNS102"]),  # not the input itself
        ("${{ inputs.x }} y", PATTERN, ["UNS101"]),
        ("${{ inputs.x }} y", ENUM, []),
        ("eval ${{ inputs.x }}", PATTERN, ["UNS100"]),
    ],
)
def test_a_warning_is_left_out_where_the_schema_answers_it(script: str, schema: str, expected: list[str]):
    assert codes(script, schema) == expected


def test_items_are_the_documents_own_words():
    known = harmless({}, {"port": {"items": [8001]}, "flag": {"items": ["-v"]}, "pool": {"slots": 1}})
    assert {"lease.port", "lease.flag"} <= known["UNS101"]
    assert "lease.port" in known["UNS102"]
    assert "lease.flag" not in known["UNS102"]


def test_a_script_of_a_template_is_judged_by_the_inputs_of_the_template():
    body = """
    inputs: {{p: {{type: string{outer}}}}}
    tasks: {{t: {{run: [x, "${{{{ inputs.p }}}}"], on_failure: {{substitute: f, with: {{p: a}}}}}}}}
    templates: {{f: {{inputs: {{p: {{type: string{inner}}}}}, run: "cat ${{{{ inputs.p }}}}"}}}}
    """
    pattern = ', pattern: "^[a-z]+$"'
    plan_of(body.format(outer="", inner=pattern))
    [found] = compile_document(document(body.format(outer=pattern, inner=""))).diagnostics
    assert (found.code, found.path) == ("UNS102", ("templates", "f", "run"))

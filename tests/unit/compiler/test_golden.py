"""Ten mistakes in one real document: what an author reads, to the letter, and that following the hint mends it.

`golden/release.yaml` is the document, `golden/NAME.txt` what is printed for a mistake. After a change
of wording, `python -m tests.unit.compiler.test_golden` writes the texts anew; read the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from unspool.compiler.compile import compile_document
from unspool.compiler.render import render

GOLDEN = Path(__file__).parent / "golden"
DOCUMENT = (GOLDEN / "release.yaml").read_text()


class Mistake(NamedTuple):
    """A change of the document that breaks it, and the one that its hint asks for."""

    right: str
    wrong: str
    mended: str


LINT = "  lint:\n    depends_on: [checkout]\n"

MISTAKES = {
    "unknown_key": Mistake("    priority: high", "    priorty: high", "    priority: high"),
    "needs": Mistake(LINT, "  lint:\n    needs: [checkout]\n", LINT),
    "timeout_without_unit": Mistake("timeout: 2m", "timeout: 120", "timeout: 2m"),
    "duplicate_key": Mistake(
        "    timeout: 2m\n    priority: high",
        "    timeout: 2m\n    priority: high\n    timeout: 3m",
        "    timeout: 2m\n    priority: high",
    ),
    "cycle": Mistake(
        "    run: [git, fetch, origin, --tags]",
        "    depends_on: [test]\n    run: [git, fetch, origin, --tags]",
        "    run: [git, fetch, origin, --tags]",
    ),
    "unknown_task": Mistake("depends_on: [lint, test]", "depends_on: [lint, tests]", "depends_on: [lint, test]"),
    "unknown_reference": Mistake(
        "is out.", "of ${{ tasks.build.outputs.weel }} is out.", "of ${{ tasks.build.outputs.wheel }} is out."
    ),
    "not_an_ancestor": Mistake(
        "run: [ruff, check]",
        'run: [ruff, check, "${{ tasks.build.outputs.wheel }}"]',
        'run: [ruff, check, "${{ tasks.build.outputs.wheel }}"]',
    ),
    "single_quotes": Mistake(
        'VERSION="${{ inputs.version }}"', "VERSION='${{ inputs.version }}'", 'VERSION="${{ inputs.version }}"'
    ),
    "two_actions": Mistake(
        "    run: [ruff, check]\n", "    run: [ruff, check]\n    python: lint:main\n", "    run: [ruff, check]\n"
    ),
}
# The hint of this one asks for a change in another place than the mistake.
ALSO = {"not_an_ancestor": (LINT, "  lint:\n    depends_on: [checkout, build]\n")}


def broken(name):
    right, wrong, _ = MISTAKES[name]
    assert DOCUMENT.count(right) == 1
    return DOCUMENT.replace(right, wrong)


def printed(text):
    _, found = compile_document(text)
    return "".join(render(one, "release.yaml", text) + "\n" for one in found)


def test_the_document_itself_is_right():
    plan, found = compile_document(DOCUMENT)
    assert found == ()
    assert [task.id for task in plan.tasks] == ["checkout", "lint", "build", "test", "publish", "announce"]


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_shown_where_it_is_with_the_way_out(name):
    assert printed(broken(name)) == (GOLDEN / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", MISTAKES)
def test_following_the_hint_mends_the_document(name):
    mended = broken(name).replace(MISTAKES[name].wrong, MISTAKES[name].mended)
    if name in ALSO:
        mended = mended.replace(*ALSO[name])
    assert printed(mended) == ""


def test_every_text_belongs_to_a_mistake():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(MISTAKES)


if __name__ == "__main__":
    for mistake in MISTAKES:
        (GOLDEN / f"{mistake}.txt").write_text(printed(broken(mistake)))

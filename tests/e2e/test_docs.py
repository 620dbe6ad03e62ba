"""The pages for newcomers: every file in them is written, every command run, and what it prints compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import by_shell
from unspool.cli.documents import compile_file
from unspool.cli.rehearsals import is_named_so
from unspool.core.transitions import mermaid

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Give each command of a console block with what it should print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, expected = part.partition("\n")
        yield line, expected


def fits(expected: str, found: str) -> bool:
    """Compare, where `...` stands for anything: within a line, or for lines."""
    pattern = re.escape(expected.rstrip("\n")).replace(re.escape("..."), ".*")
    return re.fullmatch(pattern, found.rstrip("\n"), re.DOTALL) is not None


@pytest.mark.parametrize("page", ["docs/tutorial.md", "docs/how-to/rehearse-a-workflow.md"])
def test_a_page_says_what_happens(project: Path, page: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("UNSPOOL_HOME")
    ran = 0
    for block in _BLOCK.finditer((ROOT / page).read_text()):
        if block["file"]:
            Path(block["file"]).write_text(block["text"])
        if block["kind"] != "console":
            continue
        for line, expected in commands(block["text"]):
            ended = by_shell(line)
            code = f"[exit code {ended.returncode}]\n" if ended.returncode else ""
            found = re.sub(r" +", " ", ended.stdout + ended.stderr + code)
            assert fits(re.sub(r" +", " ", expected), found), f"$ {line}\n{found}"
            ran += 1
    assert ran > 8


def test_the_state_diagram_is_the_table_of_moves():
    (diagram,) = re.findall(
        r"^```mermaid\n(.*?)^```$", (ROOT / "docs/reference/states.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert diagram == mermaid(), "write it anew from unspool.core.transitions.mermaid()"


PAGES = ["README.md", "docs/reference/language.md", "docs/reference/interpretations.md"]
PAGES += [f"docs/how-to/{page.name}" for page in sorted((ROOT / "docs/how-to").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_every_document_in_a_page_compiles(page: str, project: Path):
    blocks = [
        block for block in _BLOCK.finditer((ROOT / page).read_text()) if block["kind"] in ("yaml", "toml", "json")
    ]
    assert blocks
    named = [(block["file"] or f"block{number}.{block['kind']}", block["text"]) for number, block in enumerate(blocks)]
    for name, text in named:
        (project / name).write_text(text)
    for name, text in named:
        if is_named_so(name) or text.startswith("# stubs"):
            continue  # the commands of the page read it
        compilation, _ = compile_file(str(project / name))
        assert [found.message for found in compilation.diagnostics] == [], text
        assert compilation.plan is not None

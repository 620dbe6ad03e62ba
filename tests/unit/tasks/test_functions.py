"""Functions of the user's project, read and not imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from unspool.errors import SpawnError
from unspool.tasks.functions import is_coroutine


@pytest.mark.parametrize(
    ("text", "coroutine"),
    [
        ("async def f(): pass", True),
        ("def f(): pass", False),
        ("@wrapped\nasync def f(): pass", True),
        ("def f(): pass\nasync def f(): pass", True),
        ("async def f(): pass\ndef f(): pass", False),
        ("from other import f", False),
        ("import f.g", False),
        ("from other import *", False),
        ("f = make()", False),
        ("class f: pass", False),
        ("if x:\n    async def f(): pass", False),
        ("def __getattr__(name): pass", False),
        ("raise RuntimeError\nasync def f(): pass", True),
    ],
)
def test_what_the_text_tells(tmp_path: Path, text: str, coroutine: bool):
    (tmp_path / "steps.py").write_text(text)
    assert is_coroutine("steps:f", str(tmp_path)) is coroutine


def test_modules_of_packages_are_found_without_importing_them(tmp_path: Path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "steps.py").write_text("async def f(): pass")
    assert is_coroutine("package.steps:f", str(tmp_path))


def test_the_folder_comes_before_everything_else(tmp_path: Path):
    (tmp_path / "json.py").write_text("async def f(): pass")
    assert is_coroutine("json:f", str(tmp_path))
    assert not is_coroutine("json:dumps", "/")
    assert not is_coroutine("time:sleep", "/")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing:f", "there is no module 'missing'"),
        ("steps.more:f", "there is no module 'steps.more'"),
        ("steps:totl", "has no 'totl'; did you mean 'total'?"),
        ("broken:f", "SyntaxError"),
    ],
)
def test_what_cannot_be_found_is_refused(tmp_path: Path, name: str, said: str):
    (tmp_path / "steps.py").write_text("def total(): pass")
    (tmp_path / "broken.py").write_text("def f(:")
    with pytest.raises(SpawnError, match="cannot load") as refusal:
        is_coroutine(name, str(tmp_path))
    assert said in str(refusal.value)

"""Which files fit patterns: any depth, nothing hidden, no link out of the folder, never too many."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool.host import matching as module
from unspool.host.matching import TooMany, matching

FILES = "a.c a.h src/a.c src/deep/b.c src/deep/er/c.c src/deep/er/d.txt .hidden .git/x.c src/.env".split()
FILES.append("odd [1].c")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    for name in FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (folder / "empty").mkdir()
    return folder


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["*.c"], ["a.c", "odd [1].c"]),
        (["a.?"], ["a.c", "a.h"]),
        (["[!b]*.h"], ["a.h"]),
        (["src/*"], ["src/a.c"]),
        (["src/**/*.c"], ["src/a.c", "src/deep/b.c", "src/deep/er/c.c"]),
        (["src/**"], ["src/a.c", "src/deep/b.c", "src/deep/er/c.c", "src/deep/er/d.txt"]),
        (["**/er/*"], ["src/deep/er/c.c", "src/deep/er/d.txt"]),
        (["src"], ["src/a.c", "src/deep/b.c", "src/deep/er/c.c", "src/deep/er/d.txt"]),
        (["src/deep/"], ["src/deep/b.c", "src/deep/er/c.c", "src/deep/er/d.txt"]),
        ([".hidden", ".git/*", ".git"], [".git/x.c", ".hidden"]),
        ([".*"], [".hidden"]),
        (["odd*"], ["odd [1].c"]),
        (["a.c", "./a.c", "**/a.c"], ["a.c", "src/a.c"]),
        (["empty", "nothing", "nothing/**", "a.c/b", "a.c/**"], []),
        ([], []),
    ],
)
def test_patterns_fit_what_they_say(tree: Path, patterns: list[str], found: list[str]):
    assert matching(str(tree), patterns) == found


def test_the_folder_itself_is_all_that_is_not_hidden(tree: Path):
    assert matching(str(tree), ["."]) == sorted(name for name in FILES if "/." not in f"/{name}")


def test_links_count_only_where_they_lead_to_a_file_in_the_folder(tree: Path, tmp_path: Path):
    (tmp_path / "secret").write_text("s")
    (tmp_path / "tree2").mkdir()
    (tmp_path / "tree2" / "x.c").write_text("x")
    (tree / "in.c").symlink_to("src/a.c")
    (tree / "out.c").symlink_to(tmp_path / "secret")
    (tree / "beside.c").symlink_to(tmp_path / "tree2" / "x.c")  # a folder whose name begins like ours
    (tree / "gone.c").symlink_to("nowhere")
    (tree / "loop.c").symlink_to("loop.c")
    (tree / "folder").symlink_to(tmp_path)
    (tree / "back").symlink_to("src")
    assert matching(str(tree), ["*.c", "folder", "folder/**", "folder/secret", "back/*", "**/secret"]) == [
        "a.c",
        "in.c",
        "odd [1].c",
    ]


def test_only_files_count(tree: Path):
    import os

    os.mkfifo(tree / "pipe.c")
    assert "pipe.c" not in matching(str(tree), ["*.c", "pipe.c"])


def test_too_many_are_refused(tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MAX_FILES", 2)
    with pytest.raises(TooMany, match="more than 2 files"):
        matching(str(tree), ["src"])
    monkeypatch.setattr(module, "MAX_LOOKED", 3)
    with pytest.raises(TooMany, match="more than 3 names"):
        matching(str(tree), ["**/nothing"])


def test_many_stars_cost_no_more_than_few(tree: Path):
    for _ in range(4):
        tree = tree / "d"
    tree.mkdir(parents=True)
    (tree / "f").write_text("f")
    root = str(tree.parents[3])
    assert matching(root, ["**/*/**/*/**/*/**/f"]) == ["d/d/d/d/f"]


NAMES = st.sampled_from(("a", "b", "ab", "a.c"))
PARTS = st.sampled_from(("a", "b", "*", "a*", "?", "**", "*.c"))


@given(
    st.sets(st.lists(NAMES, min_size=1, max_size=4).map("/".join), max_size=8), st.lists(PARTS, min_size=1, max_size=4)
)
@settings(max_examples=150)
def test_it_fits_what_the_standard_library_fits(tmp_path_factory, paths, parts):
    """For patterns that name no folder alone: `pathlib` is the oracle."""
    root = tmp_path_factory.mktemp("tree")
    for path in sorted(paths, key=len, reverse=True):
        target = root / path
        if not target.exists() and all(not parent.is_file() for parent in target.parents):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text("x")
    pattern = "/".join((*parts, "*") if parts[-1] in ("a", "b", "**") else parts)
    expected = {str(found.relative_to(root)) for found in root.glob(pattern) if found.is_file()}
    assert set(matching(str(root), [pattern])) == expected

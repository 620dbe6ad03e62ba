"""What every guardian must do: the process that outlives an engine, and the twin that only counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from unspool.tasks.guardian import NoGuardian, ProcessGuardian


@pytest.fixture(params=["process", "none"])
def guardian(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return ProcessGuardian(f"test.{os.getpid()}.{tmp_path}") if request.param == "process" else NoGuardian()


def children() -> set[str]:
    lists = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
    return set(" ".join(lists).split())


def test_it_comes_and_goes(guardian: Any):
    guardian.start()
    guardian.close()


def test_closing_one_that_never_began_is_nothing(guardian: Any):
    guardian.close()


def test_closing_twice_is_closing_once(guardian: Any):
    guardian.start()
    guardian.close()
    guardian.close()


def test_beginning_twice_is_beginning_once(guardian: Any):
    before = children()
    guardian.start()
    one = children()
    guardian.start()
    assert children() == one
    assert len(one - before) <= 1
    guardian.close()
    assert children() == before


def test_it_can_begin_again(guardian: Any):
    for _ in range(2):
        guardian.start()
        guardian.close()


def test_a_folder_may_be_named_at_any_time(guardian: Any, tmp_path: Path):
    (tmp_path / "one").mkdir()
    guardian.remove_after_death(str(tmp_path / "one"))
    guardian.start()
    guardian.close()
    assert (tmp_path / "one").is_dir(), "who closes it is not dead"


def test_the_twin_counts():
    guardian = NoGuardian()
    guardian.start()
    guardian.start()
    assert guardian.starts == 2
    guardian.close()
    assert guardian.starts == 0

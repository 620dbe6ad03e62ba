"""Folders that are made are private, and synced where they are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unspool.journal.folders import make_private_folder, sync_folder


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    found: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: found.append(Path(os.readlink(f"/proc/self/fd/{descriptor}"))))
    return found


def test_every_new_name_is_synced_from_the_top(tmp_path: Path, synced: list[Path]):
    make_private_folder(tmp_path / "a" / "b" / "c")
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")} == {0o700}
    make_private_folder(tmp_path / "a" / "d")
    assert synced[3:] == [tmp_path / "a"]
    make_private_folder(tmp_path / "a" / "d")
    assert len(synced) == 4


def test_a_file_in_the_way_is_an_error(tmp_path: Path):
    (tmp_path / "a").write_text("")
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "a")
    with pytest.raises(OSError, match="File exists"):
        make_private_folder(tmp_path / "a" / "b")


def test_syncing_a_folder_syncs_that_folder(tmp_path: Path, synced: list[Path]):
    sync_folder(tmp_path)
    assert synced == [tmp_path]
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "nothing")

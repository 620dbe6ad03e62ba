"""Artifacts on disk: synced before they are named, private, and never other than their name says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unspool.errors import JournalDamaged
from unspool.host.artifacts import FileArtifacts


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Collect what is synced, in order."""
    found: list[Path] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        found.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return found


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_value_and_its_names_are_synced_before_the_reference_is_given(tmp_path: Path, synced: list[Path]):
    folder = tmp_path / "artifacts"
    ref = FileArtifacts(folder).put(b"value")
    content = next(path for path in synced if path.name.startswith(ref.sha256))
    assert synced.index(content) < synced.index(folder / ref.sha256[:2]), "a name must not come before its content"
    assert set(synced) == {content, tmp_path, folder, folder / ref.sha256[:2]}


def test_a_name_somebody_else_may_not_have_synced_is_synced(tmp_path: Path, synced: list[Path]):
    folder = tmp_path / "artifacts"
    ref = FileArtifacts(folder).put(b"value")
    synced.clear()
    FileArtifacts(folder).put(b"value")
    assert synced == [folder / ref.sha256[:2]]


def test_one_file_for_one_value_and_nobody_else_may_read_it(tmp_path: Path):
    store = FileArtifacts(tmp_path / "artifacts")
    for _ in range(3):
        store.put(b"value")
    found = files(tmp_path)
    assert len(found) == 1
    assert found[0].stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in found[0].parents[:2]} == {0o700}


def test_what_a_kill_left_half_written_is_no_value(tmp_path: Path):
    store = FileArtifacts(tmp_path / "artifacts")
    ref = store.put(b"value" * 1000)
    file = files(tmp_path)[0]
    file.rename(file.with_name(f"{ref.sha256}.{os.getpid()}.part"))
    with pytest.raises(KeyError):
        store.get(ref.sha256)
    assert store.put(b"value" * 1000) == ref
    assert store.get(ref.sha256) == b"value" * 1000
    assert len(files(tmp_path)) == 1


def test_a_changed_file_is_never_taken_for_the_value(tmp_path: Path):
    store = FileArtifacts(tmp_path / "artifacts")
    ref = store.put(b"value")
    files(tmp_path)[0].write_bytes(b"other")
    with pytest.raises(JournalDamaged, match=ref.sha256):
        store.get(ref.sha256)


def test_a_file_is_kept_as_a_value_is_and_comes_back_whole(tmp_path: Path, synced: list[Path]):
    folder = tmp_path / "artifacts"
    store, source, target = FileArtifacts(folder), tmp_path / "source", tmp_path / "target"
    content = b"value" * 500_000
    source.write_bytes(content)
    ref = store.put_file(source)
    assert (ref.sha256, ref.size) == (store.put(content).sha256, len(content))
    assert [path.suffix for path in synced if path.is_relative_to(folder) and path.suffix] == [".part"]
    assert store.path(ref.sha256).stat().st_mode & 0o777 == 0o600
    store.copy(ref.sha256, str(target))
    assert target.read_bytes() == content
    assert [path.name for path in files(folder)] == [ref.sha256]


def test_a_file_that_cannot_be_kept_leaves_nothing(tmp_path: Path):
    store = FileArtifacts(tmp_path / "artifacts")
    with pytest.raises(FileNotFoundError):
        store.put_file(tmp_path / "nothing")
    assert files(tmp_path) == []


def test_a_copy_of_what_is_missing_or_spoilt_is_refused(tmp_path: Path):
    store = FileArtifacts(tmp_path / "artifacts")
    ref = store.put(b"value")
    store.verify(ref.sha256)
    store.path(ref.sha256).write_bytes(b"other")
    with pytest.raises(JournalDamaged):
        store.verify(ref.sha256)
    with pytest.raises(JournalDamaged):
        store.copy(ref.sha256, str(tmp_path / "target"))
    for digest in ("0" * 64, "../../etc/passwd", ""):
        with pytest.raises(KeyError):
            store.verify(digest)

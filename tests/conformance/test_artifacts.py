"""What every store of large values must do: files named by their content, and the twin in memory."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from unspool.host.artifacts import FileArtifacts, MemoryArtifacts

VALUES = [b"", b"\0", b"text\n", bytes(range(256)) * 5000]


class Case(NamedTuple):
    """A store, and how another process would open the same one."""

    store: Any
    reopen: Callable[[], Any]


@pytest.fixture(params=["file", "memory"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "memory":
        twin = MemoryArtifacts()
        return Case(twin, lambda: twin)
    return Case(FileArtifacts(tmp_path / "artifacts"), lambda: FileArtifacts(tmp_path / "artifacts"))


@pytest.mark.parametrize("content", VALUES, ids=len)
def test_a_value_comes_back_byte_by_byte(case: Case, content: bytes):
    ref = case.store.put(content)
    assert (ref.sha256, ref.size) == (sha256(content).hexdigest(), len(content))
    assert case.store.get(ref.sha256) == content
    assert case.reopen().get(ref.sha256) == content


@pytest.mark.parametrize("content", VALUES, ids=len)
def test_a_value_that_comes_in_parts_is_the_same_value(case: Case, content: bytes):
    ref = case.store.put_parts(content[at : at + 1000] for at in range(0, len(content), 1000))
    assert ref == case.store.put(content)
    assert case.reopen().get(ref.sha256) == content


def test_a_value_whose_parts_break_off_leaves_nothing(case: Case, tmp_path: Path):
    def parts():
        yield b"x"
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        case.store.put_parts(parts())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_same_value_is_kept_once(case: Case):
    first = case.store.put(b"same")
    assert case.store.put(b"same") == first
    assert case.reopen().put(b"same") == first
    assert case.store.get(first.sha256) == b"same"


def test_values_do_not_meet(case: Case):
    refs = {content: case.store.put(content) for content in VALUES}
    assert len({ref.sha256 for ref in refs.values()}) == len(VALUES)
    assert {content: case.store.get(ref.sha256) for content, ref in refs.items()} == {value: value for value in VALUES}


@pytest.mark.parametrize("digest", ["0" * 64, "", "..", "../../etc/hostname", "zz", "/etc/hostname", "a\0b"])
def test_what_is_not_there_is_a_key_error(case: Case, digest: str):
    case.store.put(b"something else")
    with pytest.raises(KeyError):
        case.store.get(digest)

"""The spool of files: private, whole or not at all, and proof against what else may lie there."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path
from typing import Any

import pytest

from unspool.errors import UnspoolError
from unspool.host.ports import Request
from unspool.host.spool import FileSpool, new_request

GOOD = {"id": "good", "run": "r", "action": "cancel", "task": None, "by": "person"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "requests"


@pytest.fixture
def spool(folder: Path) -> FileSpool:
    return FileSpool(folder)


def put(folder: Path, name: str, content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return file


def test_only_its_owner_may_put_requests(folder: Path, spool: FileSpool):
    spool.send(Request("id", "r", "cancel"))
    assert folder.stat().st_mode & 0o777 == 0o700
    spool.listen()
    spool.close()
    assert (folder / "wake").stat().st_mode & 0o777 == 0o600


def test_a_request_that_is_being_written_is_not_seen(folder: Path, spool: FileSpool):
    put(folder, "half.part", b'{"id": "half", "ru')
    assert spool.take() == []
    assert (folder / "half.part").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 5000,
        b'{"id": "bad", "run": "r", "action": "cancel"}' + b" " * 1_100_000,
        [],
        "text",
        {},
        {**GOOD, "id": "other"},
        {**GOOD, "id": "../bad"},
        {**GOOD, "id": "bad", "more": 1},
        {**GOOD, "id": "bad", "run": ["r"]},
        {**GOOD, "id": "bad", "action": None},
        {**GOOD, "id": "bad", "task": 5},
        {**GOOD, "id": "bad", "by": {}},
    ],
    ids=lambda content: repr(content)[:40],
)
def test_what_is_no_request_is_put_aside_once(folder: Path, spool: FileSpool, content: Any):
    put(folder, "bad.json", content)
    put(folder, "good.json", GOOD)
    assert spool.take() == [Request("good", "r", "cancel")]
    assert sorted(path.name for path in folder.iterdir()) == ["bad.refused", "good.json"]


def test_what_is_no_file_is_put_aside(folder: Path, spool: FileSpool, tmp_path: Path):
    put(folder, "good.json", GOOD)
    (folder / "folder.json").mkdir()
    os.mkfifo(folder / "pipe.json")
    put(tmp_path, "elsewhere", {**GOOD, "id": "link"})
    (folder / "link.json").symlink_to(tmp_path / "elsewhere")
    (folder / "nowhere.json").symlink_to(tmp_path / "nothing")
    assert [request.id for request in spool.take()] == ["good"]
    assert [request.id for request in spool.take()] == ["good"]
    assert sorted(path.name for path in folder.glob("*.json")) == ["good.json"]


def test_a_request_that_comes_in_the_same_tick_as_a_look_is_found(folder: Path, spool: FileSpool):
    put(folder, "good.json", GOOD)
    spool.take()
    moment = folder.stat().st_mtime_ns
    put(folder, "late.json", {**GOOD, "id": "late"})
    os.utime(folder, ns=(moment, moment))
    assert {request.id for request in spool.take()} == {"good", "late"}


def test_a_folder_where_nothing_changed_is_not_read_again(
    folder: Path, spool: FileSpool, monkeypatch: pytest.MonkeyPatch
):
    put(folder, "good.json", GOOD)
    long_ago = folder.stat().st_mtime_ns - 10**9
    os.utime(folder, ns=(long_ago, long_ago))
    found = spool.take()
    looks = []
    monkeypatch.setattr(os, "scandir", looks.append)
    assert spool.take() == found
    assert looks == []


def test_an_answer_is_whole_when_it_is_there(folder: Path, spool: FileSpool):
    spool.send(Request("id", "r", "cancel"))
    spool.answer("id", "nö")
    assert sorted(path.name for path in folder.iterdir()) == ["id.answer"]
    assert spool.answered("id") == "nö"
    spool.withdraw("id")
    assert list(folder.iterdir()) == []


def is_called(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], 0)[0])


def test_a_request_calls_the_owner(folder: Path, spool: FileSpool):
    descriptor = spool.listen()
    assert not is_called(descriptor)
    FileSpool(folder).send(new_request("r", "cancel"))
    assert is_called(descriptor)
    spool.heard()
    assert not is_called(descriptor)
    spool.heard()
    spool.close()
    spool.close()


def test_nobody_waits_for_an_owner_that_does_not_listen(folder: Path, spool: FileSpool):
    spool.listen()
    spool.close()
    FileSpool(folder).send(Request("id", "r", "cancel"))
    assert [request.id for request in FileSpool(folder).take()] == ["id"]
    descriptor = spool.listen()
    assert not is_called(descriptor), "the request waits in the folder, not in the pipe"
    spool.close()


def test_nobody_waits_when_the_pipe_is_full(folder: Path, spool: FileSpool):
    descriptor = spool.listen()
    while select.select([], [descriptor], [], 0)[1]:
        os.write(descriptor, b"!" * 4096)
    FileSpool(folder).send(Request("id", "r", "cancel"))
    assert len(spool.take()) == 1
    spool.close()


def test_a_pipe_that_is_none_is_replaced(folder: Path, spool: FileSpool):
    put(folder, "wake", b"restored from a copy, perhaps")
    descriptor = spool.listen()
    assert (folder / "wake").is_fifo()
    FileSpool(folder).send(Request("id", "r", "cancel"))
    assert is_called(descriptor)
    spool.close()


def test_a_request_that_its_owner_would_not_read_is_not_sent(folder: Path, spool: FileSpool):
    large = new_request("r", "submit", "t")._replace(given={"text": "x" * 2_000_000})
    with pytest.raises(UnspoolError, match="hand large ones over in files"):
        spool.send(large)
    assert not list(folder.glob("*"))
    spool.send(large._replace(given={"text": "x" * 900_000}))
    assert [request.action for request in spool.take()] == ["submit"]


@pytest.mark.parametrize("given", ['{"n": NaN}', '{"n": Infinity}', "[1]", '"x"'])
def test_values_that_no_journal_could_keep_are_no_request(given: str, folder: Path, spool: FileSpool):
    text = json.dumps({**GOOD, "action": "submit", "task": "t"})[:-1] + f', "given": {given}}}'
    put(folder, "good.json", text.encode())
    assert spool.take() == []
    assert (folder / "good.refused").exists()

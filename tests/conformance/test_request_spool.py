"""What every request spool must do: files in a folder, and the twin in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from unspool.host.ports import Request
from unspool.host.spool import FileSpool, MemorySpool, new_request


class Ends(NamedTuple):
    """Who asks, who answers, and how a new owner opens the same spool."""

    sender: Any
    owner: Any
    reopen: Callable[[], Any]


@pytest.fixture(params=["file", "memory"])
def spool(request: pytest.FixtureRequest, tmp_path: Path) -> Ends:
    if request.param == "memory":
        twin = MemorySpool()
        return Ends(twin, twin, lambda: twin)
    folder = tmp_path / "requests"
    return Ends(FileSpool(folder), FileSpool(folder), lambda: FileSpool(folder))


def test_a_new_spool_is_empty(spool: Ends):
    assert spool.owner.take() == []


def test_a_request_arrives_as_it_was_sent(spool: Ends):
    sent = Request("id1", "run", "cancel", "täsk", "interrupt")
    spool.sender.send(sent)
    assert spool.owner.take() == [sent]


def test_requests_come_oldest_first(spool: Ends):
    sent = [Request(name, "run", "cancel") for name in ("c", "a", "d", "b")]
    for request in sent:
        spool.sender.send(request)
    assert spool.owner.take() == sent


def test_sending_twice_is_sending_once(spool: Ends):
    request = Request("id1", "run", "cancel")
    spool.sender.send(request)
    spool.sender.send(request)
    assert spool.owner.take() == [request]


def test_a_request_is_given_until_it_is_answered(spool: Ends):
    first, second = Request("id1", "run", "cancel"), Request("id2", "run", "cancel", "a")
    spool.sender.send(first)
    assert spool.owner.take() == [first]
    assert spool.owner.take() == [first]
    spool.sender.send(second)
    assert spool.owner.take() == [first, second]
    spool.owner.answer("id1", "ok")
    assert spool.owner.take() == [second]
    assert spool.owner.take() == [second]
    spool.owner.answer("id2", "ok")
    assert spool.owner.take() == []


def test_a_new_owner_finds_what_the_old_one_did_not_answer(spool: Ends):
    first, second = Request("id1", "run", "cancel"), Request("id2", "run", "cancel")
    spool.sender.send(first)
    spool.sender.send(second)
    assert spool.owner.take() == [first, second]
    spool.owner.answer("id1", "ok")
    assert spool.reopen().take() == [second]


def test_the_answer_reaches_who_asked(spool: Ends):
    spool.sender.send(Request("id1", "run", "cancel"))
    assert spool.sender.answered("id1") is None
    spool.owner.take()
    assert spool.sender.answered("id1") is None
    spool.owner.answer("id1", "run has no task 'ä'")
    assert spool.sender.answered("id1") == "run has no task 'ä'"
    assert spool.sender.answered("id1") == "run has no task 'ä'"


def test_a_withdrawn_request_is_gone_with_its_answer(spool: Ends):
    spool.sender.send(Request("id1", "run", "cancel"))
    spool.sender.withdraw("id1")
    assert spool.owner.take() == []
    spool.sender.send(Request("id2", "run", "cancel"))
    spool.owner.take()
    spool.owner.answer("id2", "ok")
    spool.sender.withdraw("id2")
    assert spool.sender.answered("id2") is None
    spool.sender.withdraw("id2")


def test_a_request_that_is_withdrawn_while_it_is_answered_harms_nobody(spool: Ends):
    spool.sender.send(Request("id1", "run", "cancel"))
    assert len(spool.owner.take()) == 1
    spool.sender.withdraw("id1")
    spool.owner.answer("id1", "ok")
    assert spool.owner.take() == []


def test_a_request_of_ones_own_is_like_no_other():
    ids = {new_request("run", "cancel").id for _ in range(1000)}
    assert len(ids) == 1000
    assert new_request("run", "cancel", "a")[1:6] == ("run", "cancel", "a", "person", None)
    assert new_request("run", "approve", "a", "ann", "fine")[1:6] == ("run", "approve", "a", "ann", "fine")

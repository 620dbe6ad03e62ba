"""The codec of every journal: what is written is what is read, and damage is said."""

from __future__ import annotations

import json

import pytest

from unspool.errors import JournalDamaged
from unspool.journal.rows import chain, commands_text, decode_event, encode_body
from unspool.model.commands import (
    CancelTimer,
    FinishRun,
    ReleaseAdmission,
    RequestAdmission,
    SetTimer,
    StartAttempt,
    StopAttempt,
    WithdrawRequest,
)
from unspool.model.events import (
    EVENTS,
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    OwnerChanged,
    PersonDecided,
    RunClosed,
    RunStarted,
    TaskAdmitted,
    TaskSubmitted,
    TimerFired,
)

TOLD = [
    RunStarted(1.5, "r", {"tasks": []}, {"a": [1, None, True]}, 7, {"engine": "0"}, "/p", None, "w.yaml"),
    TaskAdmitted(1.5, 0, 1, 1),
    AttemptStarted(1.0, 1, 1, {"pid": 3}),
    AttemptEnded(2.0, 1, 1, 1.0, {"class": "exit_code", "message": "\u00e9\u2028\ud800\0"}, {"exit_code": 10**30}),
    AttemptLost(2.0, 1, 1),
    TimerFired(2.0, "retry:0.2"),
    CancelRequested(2.0, "c", None, "interrupt"),
    PersonDecided(2.0, "p", 3, False, "ann", None),
    TaskSubmitted(2.0, "s", 4, "k", {"n": [1, None]}, "ann"),
    RunClosed(2.0, "o", "ann"),
    OwnerChanged(2.0, 2),
]


@pytest.mark.parametrize("event", TOLD, ids=lambda event: type(event).__name__)
def test_an_event_is_read_as_it_was_written(event):
    body = encode_body(event)
    assert body.isascii()
    assert json.loads(body) == list(event)
    assert decode_event(type(event).__name__, body, 1) == event


def test_every_event_is_told():
    assert {type(event).__name__ for event in TOLD} == set(EVENTS)


def test_fields_that_came_later_have_their_defaults_in_an_old_row():
    assert decode_event("AttemptEnded", "[2.0,1,1]", 4) == AttemptEnded(2.0, 1, 1, None, None, None)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_does_not_know_is_never_written(number):
    with pytest.raises(ValueError, match="JSON"):
        encode_body(AttemptStarted(number, 1, 1))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("Unknown", "[]"),
        ("AttemptLost", "[1.0]"),
        ("AttemptLost", "[1.0,1,1,1,1]"),
        ("AttemptLost", "{"),
        ("AttemptLost", "3"),
        ("AttemptLost", "[" * 100_000),
    ],
)
def test_a_row_that_is_no_event_is_damage(kind, body):
    with pytest.raises(JournalDamaged, match="event 9"):
        decode_event(kind, body, 9)


def test_every_command_has_a_short_form():
    commands = [
        RequestAdmission(1, 2, 0),
        WithdrawRequest(1, 2),
        ReleaseAdmission(2),
        StartAttempt(2, (1,), 1),
        StopAttempt(2, "polite"),
        SetTimer("retry:1.2", 1003.25),
        CancelTimer("grace:2"),
        FinishRun("failed", "task_failed"),
    ]
    assert commands_text(commands) == (
        "ask:1:2;withdraw:1:2;release:2;start:1:2;stop:2:polite;timer:retry:1.2:1003.25;untimer:grace:2;finish:failed"
    )
    assert commands_text(()) == ""


def test_what_an_attempt_was_given_is_part_of_its_order():
    texts = {
        commands_text([StartAttempt(2, (1,), 1, 1, spec)])
        for spec in (None, {"argv": ["a"]}, {"argv": ["b"]}, {"argv": []})
    }
    assert len(texts) == 4
    assert all(text.startswith("start:1:2") for text in texts)


def test_many_commands_are_kept_as_a_count_and_a_digest():
    many = [RequestAdmission(index, index + 1, 2) for index in range(1000)]
    text = commands_text(many)
    assert text.startswith("1000 commands, crc ")
    assert commands_text(many[::-1]) != text
    assert commands_text([*many[:-1], RequestAdmission(999, 1001, 2)]) != text


def test_a_checksum_covers_the_row_its_place_and_all_before():
    told = chain(0, (1, 0, 1), "AttemptLost", "[1.0,1,1]", "release:1")
    others = {
        chain(1, (1, 0, 1), "AttemptLost", "[1.0,1,1]", "release:1"),
        chain(0, (2, 0, 1), "AttemptLost", "[1.0,1,1]", "release:1"),
        chain(0, (1, 1, 1), "AttemptLost", "[1.0,1,1]", "release:1"),
        chain(0, (1, 0, 2), "AttemptLost", "[1.0,1,1]", "release:1"),
        chain(0, (1, 0, 1), "AttemptStarted", "[1.0,1,1]", "release:1"),
        chain(0, (1, 0, 1), "AttemptLost", "[1.0,1,2]", "release:1"),
        chain(0, (1, 0, 1), "AttemptLost", "[1.0,1,1]", ""),
    }
    assert len(others) == 7
    assert told not in others

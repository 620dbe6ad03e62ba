"""How events become rows and rows events: one codec for every journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from zlib import crc32

from unspool.errors import JournalDamaged
from unspool.model.commands import Command, StartAttempt
from unspool.model.events import EVENTS, Event

_MAX_COMMANDS = 400  # characters of command text kept as they are; more are kept as a count and a digest


def _make_encoder() -> Callable[[Any], str]:
    """Give a JSON encoder. `json.dumps` builds its C encoder anew in each call, which costs more than encoding."""
    whole = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return whole.encode
    sort_keys = skip_keys = allow_nan = False
    ascii_text = json.encoder.encode_basestring_ascii
    parts = make(None, whole.default, ascii_text, None, ":", ",", sort_keys, skip_keys, allow_nan)
    return lambda value: "".join(parts(value, 0))


_encode = _make_encoder()


class Row(NamedTuple):
    """A stored event. `commands` is what `commands_text` gave when it was applied."""

    seq: int
    run: str
    epoch: int
    event: Event
    commands: str


class RunRow(NamedTuple):
    """A run as lists show it."""

    id: str
    name: str
    started_at: float
    state: str
    reason: str | None = None
    completed_at: float | None = None


class Owner(NamedTuple):
    """A process, told apart from every other that ever had its number."""

    pid: int
    started: int
    boot: str


def encode_body(event: Event) -> str:
    """Give the fields of an event as a JSON list.

    Raises:
        ValueError: a field is not plain JSON, such as NaN.
    """
    return _encode(event)


def decode_event(kind: str, body: str, seq: int) -> Event:
    """Rebuild an event.

    Raises:
        JournalDamaged: the row is not an event that this version knows.
    """
    try:
        event: Event = EVENTS[kind](*json.loads(body))
    except (KeyError, TypeError, ValueError, RecursionError) as problem:
        raise JournalDamaged(f"event {seq} ({kind}) cannot be read: {problem}") from None
    return event


def commands_text(commands: Iterable[Command]) -> str:
    """Write commands down shortly: what a replay must give again."""
    text = ";".join([_command_text(command) for command in commands])
    if len(text) <= _MAX_COMMANDS:
        return text
    return f"{text.count(';') + 1} commands, crc {crc32(text.encode()):08x}"


def chain(previous: int, place: tuple[int, int, int], kind: str, body: str, commands: str) -> int:
    """Give the checksum that ties a row to all rows before it; `place` is its number, its run's, its owner's."""
    return crc32(f"{place[0]} {place[1]} {place[2]} {kind}\n{body}\n{commands}".encode(), previous)


def _command_text(command: Command) -> str:
    if type(command) is StartAttempt and command.spec is not None:
        return f"{command.text}:{crc32(_encode(command.spec).encode()):08x}"
    return command.text

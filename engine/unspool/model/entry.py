"""What a host hands to a journal, and a journal's readers to listeners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from unspool.model.commands import Command
from unspool.model.events import Event


class Entry(NamedTuple):
    """An event of a run, and the commands that followed from it.

    `moves` are the changes of state it made (task, state, reason); listeners are told, nobody stores them.
    """

    run: str
    event: Event
    commands: Sequence[Command]
    moves: Sequence[tuple[int, str, str | None]] = ()

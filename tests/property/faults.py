"""Faults to plant: each breaks one promise of the engine, as a slip in its code would."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from unspool.core import book as book_module
from unspool.core import breaker as breaker_module
from unspool.core import dependencies as dependencies_module
from unspool.core import ending as ending_module
from unspool.core import evaluation as evaluation_module
from unspool.core import lines as lines_module
from unspool.core import policies as policies_module
from unspool.core import pools as pools_module
from unspool.core import results as results_module
from unspool.core import run as run_module
from unspool.core.admission import Admission
from unspool.core.book import Book
from unspool.core.run import Run
from unspool.host import resume as resume_module
from unspool.host.local import LocalHost
from unspool.journal import memory as memory_module
from unspool.journal import sqlite as sqlite_module
from unspool.journal.memory import MemoryJournal
from unspool.model import status
from unspool.model.commands import SetTimer
from unspool.model.events import AttemptEnded, AttemptStarted

Patch = pytest.MonkeyPatch


def wrap(patch: Patch, owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Put `around(real, *arguments)` in the place of a function."""
    real = getattr(owner, name)
    patch.setattr(owner, name, lambda *arguments: around(real, *arguments))


# -- facts ------------------------------------------------------------------------------------------


def double_apply(patch: Patch) -> None:
    """An attempt that is over lives again when its facts are told again."""
    ghosts: dict[tuple[int, int], Any] = {}

    def live(real: Any, self: Book, number: int, token: int) -> Any:
        self.attempts.setdefault(number, ghosts.get((id(self), number)) or self.attempts[number])
        found = ghosts[id(self), number] = real(self, number, token)
        return found

    wrap(patch, Book, "_live", live)


def an_end_counts_twice(patch: Patch) -> None:
    """The time of an attempt is added up whenever its end is told."""
    over: dict[tuple[int, int], int] = {}

    def adds(real: Any, self: Run, event: AttemptEnded) -> None:
        attempt = self.attempts.get(event.attempt)
        if attempt is None and (id(self), event.attempt) in over:
            self.tasks[over[id(self), event.attempt]].running_s += 1.0
        real(self, event)
        if attempt is not None:
            over[id(self), event.attempt] = attempt.task

    wrap(patch, Run, "_on_attempt_ended", adds)


def requests_are_forgotten(patch: Patch) -> None:
    class Forgetful(set[str]):
        def add(self, request: str) -> None:
            pass

    def begins(real: Any, self: Run) -> None:
        real(self)
        self._requests = Forgetful()

    wrap(patch, Run, "__init__", begins)


def half_done_refusals(patch: Patch) -> None:
    """An end is looked at only while it is being judged."""
    patch.setattr(run_module, "check_end", lambda *_, **__: None)


def stale_tokens(patch: Patch) -> None:
    patch.setattr(Book, "_live", lambda self, number, token: self._attempt(number))


def grants_of_former_owners(patch: Patch) -> None:
    patch.setattr(Run, "_on_owner_changed", lambda self, event: None)


def ambient_chance(patch: Patch) -> None:
    patch.setattr(ending_module, "chance", lambda *_: random.random())


# -- dependencies and verdicts ----------------------------------------------------------------------


def ends_are_passed_on_too_early(patch: Patch) -> None:
    """What a cancelled task leaves behind starts while something above it still runs."""

    def tell(self: Run) -> None:
        while self._settled or self._doomed:
            index = (self._doomed or self._settled).pop()
            for dependent, wanted in self._edges[index]:
                task = self.tasks[dependent]
                if task.state == status.CREATED:
                    task.waiting -= 1
                    self._count(dependent, task, wanted, self.tasks[index].state)

    patch.setattr(Run, "_tell_dependents", tell)
    patch.setattr("tests.property.driver.verify", lambda run: [])


def a_started_task_gains_a_need(patch: Patch) -> None:
    def gains(real: Any, self: Run, event: AttemptStarted) -> None:
        real(self, event)
        for attempt in self.attempts.values():
            self._edges[0].append((attempt.task, "any"))

    wrap(patch, Run, "_on_attempt_started", gains)


def a_skip_is_a_failure(patch: Patch) -> None:
    def met(real: Any, wanted: str, outcome: str) -> bool:
        return real(wanted, outcome) and (wanted, outcome) != ("ok", "skipped")

    wrap(patch, dependencies_module, "met", met)


def a_tolerated_failure_hurts(patch: Patch) -> None:
    patch.setattr(dependencies_module, "TOLERATED", status.FAILED)


def hasty_when(patch: Patch) -> None:
    patch.setattr(evaluation_module, "evaluate_when", lambda *_: True)


def numbers_beyond_json(patch: Patch) -> None:
    patch.setattr(results_module, "_JSON", json.JSONDecoder())


# -- retries, crashes and cancels -------------------------------------------------------------------


def attempts_are_not_counted(patch: Patch) -> None:
    wrap(patch, ending_module, "decide_retry", lambda real, retry, attempt, *rest: real(retry, 1, *rest))


def never_is_ignored(patch: Patch) -> None:
    wrap(patch, ending_module, "decide_retry", lambda real, retry, *rest: real(retry._replace(never=()), *rest))


def delays_do_not_grow(patch: Patch) -> None:
    wrap(patch, policies_module, "retry_delay", lambda real, retry, attempt, draw: real(retry, 1, draw))


def delays_have_no_cap(patch: Patch) -> None:
    wrap(patch, policies_module, "retry_delay", lambda real, retry, *rest: real(retry._replace(max_delay=1e9), *rest))


def no_end_of_crashes(patch: Patch) -> None:
    patch.setattr(run_module, "MAX_RECOVERIES", 10**9)


def a_crash_counts_as_an_attempt(patch: Patch) -> None:
    def ask(real: Any, self: Book, index: int, number: int) -> None:
        real(self, index, number + (self.tasks[index].recoveries > 0))

    wrap(patch, Book, "_ask", ask)


def a_cancel_forgets_the_queued(patch: Patch) -> None:
    def cancel(real: Any, self: Book, index: int, reason: str) -> None:
        if self.tasks[index].state != status.QUEUED:
            real(self, index, reason)

    wrap(patch, Book, "_cancel_task", cancel)


def a_stop_is_never_forced(patch: Patch) -> None:
    def set_timer(real: Any, self: Book, timer: str, due: float) -> None:
        if not timer.startswith(book_module.GRACE_TIMER):
            real(self, timer, due)

    wrap(patch, Book, "_set_timer", set_timer)


# -- admission --------------------------------------------------------------------------------------


def a_kept_slot(patch: Patch) -> None:
    patch.setattr(Admission, "release", lambda self, run, attempt, *_: None)


def a_kept_pool(patch: Patch) -> None:
    patch.setattr(pools_module.Hold, "give_back", lambda self, at, outcome: None)


def a_probe_that_stays(patch: Patch) -> None:
    """An end that says nothing leaves the breaker waiting for it."""

    def leave(real: Any, self: Any, era: int, at: float, outcome: str | None) -> None:
        if outcome is not None:
            real(self, era, at, outcome)

    wrap(patch, breaker_module.Circuit, "leave", leave)


def ends_are_not_told(patch: Patch) -> None:
    wrap(patch, Book, "_close_attempt", lambda real, self, number, attempt, *_: real(self, number, attempt))


def nothing_is_due(patch: Patch) -> None:
    patch.setattr(Admission, "due", lambda self, now, waiting=0: None)


def no_priority(patch: Patch) -> None:
    wrap(
        patch,
        Admission,
        "ask",
        lambda real, self, run, task, attempt, _, *rest: real(self, run, task, attempt, 2, *rest),
    )


def no_ageing(patch: Patch) -> None:
    patch.setattr(lines_module, "AGEING", 1e9)


def idle_rises(patch: Patch) -> None:
    patch.setattr(lines_module, "IDLE", -1)


def no_limit_for_a_run(patch: Patch) -> None:
    wrap(patch, Admission, "open", lambda real, self, run, limit=None, resources=(): real(self, run, None, resources))


# -- the journal and what is folded from it ---------------------------------------------------------


def a_skipped_sync(patch: Patch) -> None:
    patch.setitem(sqlite_module.SYNCHRONOUS, "full", 1)


def a_lossy_journal(patch: Patch) -> None:
    wrap(patch, MemoryJournal, "append", lambda real, self, entries: real(self, entries[:-1] or entries))


def a_batch_is_written_backwards(patch: Patch) -> None:
    def append(real: Any, self: MemoryJournal, entries: Any) -> int:
        return real(self, [entries[0], *reversed(entries[1:])])

    wrap(patch, MemoryJournal, "append", append)


def a_batch_ends_twice(patch: Patch) -> None:
    wrap(patch, MemoryJournal, "append", lambda real, self, entries: real(self, [*entries, entries[-1]]))


def orders_are_not_recorded(patch: Patch) -> None:
    patch.setattr(memory_module, "commands_text", lambda commands: "")


class _Anything(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def nothing_is_compared(patch: Patch) -> None:
    patch.setattr(resume_module, "commands_text", lambda commands: _Anything())


def nothing_is_compared_and_chance_is_ambient(patch: Patch) -> None:
    """The orders would tell; without them the folded state still does."""
    nothing_is_compared(patch)
    ambient_chance(patch)


def losses_are_forgotten(patch: Patch) -> None:
    """Whoever takes a run over does not say what was lost."""
    patch.setattr("tests.property.simulated.losses", lambda run, epoch, at: resume_module.losses(run, epoch, at)[:1])


# -- the host ---------------------------------------------------------------------------------------


def a_dropped_timer(patch: Patch) -> None:
    def carry_out(real: Any, self: LocalHost, run: str, command: Any) -> None:
        if not isinstance(command, SetTimer):
            real(self, run, command)

    wrap(patch, LocalHost, "_carry_out", carry_out)


def act_before_append(patch: Patch) -> None:
    def commit(real: Any, self: LocalHost) -> None:
        append, held = self.journal.append, []
        self.journal.append = lambda entries: held.append(list(entries)) or 0  # type: ignore[method-assign]
        try:
            real(self)
            self._fill_slots()
        finally:
            self.journal.append = append  # type: ignore[method-assign]
        for entries in held:
            append(entries)

    wrap(patch, LocalHost, "_commit", commit)


def starts_are_never_told(patch: Patch) -> None:
    """No AttemptStarted, so no timeout."""
    wrap(patch, LocalHost, "_starts", lambda real, self, now: real(self, now) and [])


def stopped_intents_begin(patch: Patch) -> None:
    def forgets(real: Any, self: LocalHost, run: str, command: Any) -> None:
        intents = self._intents.copy()
        real(self, run, command)
        self._intents = intents

    wrap(patch, LocalHost, "_stop", forgets)

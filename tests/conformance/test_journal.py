"""What every journal must do: the one on disk and its twin in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from unspool.errors import JournalDamaged, JournalError
from unspool.journal.memory import MemoryJournal
from unspool.journal.rows import Owner, commands_text
from unspool.journal.sqlite import FILE_NAME, SqliteJournal
from unspool.model.commands import CancelTimer, FinishRun, ReleaseAdmission, RequestAdmission, StartAttempt, StopAttempt
from unspool.model.entry import Entry
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    Event,
    OwnerChanged,
    RunStarted,
    TaskAdmitted,
    TimerFired,
)
from unspool.model.plan import Plan, Task
from unspool.model.plan_json import plan_to_json

PLAN = plan_to_json(Plan("flow", (Task(0, "a", "run", {"argv": ["true"]}),)))


class Case(NamedTuple):
    """A journal, and how to change a stored body behind its back."""

    journal: Any
    tamper: Callable[[int, str], None]


@pytest.fixture(params=["sqlite", "memory"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    if request.param == "memory":
        yield memory_case()
        return
    journal = SqliteJournal(tmp_path / "journal", Owner(1, 2, "boot"))

    def tamper(seq: int, body: str) -> None:
        other = apsw.Connection(str(tmp_path / "journal" / FILE_NAME))
        other.execute("UPDATE event SET body = ? WHERE seq = ?", (body, seq))
        other.close()

    yield Case(journal, tamper)
    journal.close()


def memory_case() -> Case:
    journal = MemoryJournal()

    def tamper(seq: int, body: str) -> None:
        row = list(journal._rows[seq - 1])
        row[row.index(next(part for part in row if isinstance(part, str) and part.startswith("[")))] = body
        journal._rows[seq - 1] = tuple(row)  # type: ignore[call-overload]

    return Case(journal, tamper)


@pytest.fixture
def journal(case: Case) -> Any:
    return case.journal


def started(run: str, at: float = 1.0) -> Entry:
    return Entry(run, RunStarted(at, run, PLAN, {}, 7, {}, "/folder"), (RequestAdmission(0, 1, 2),))


def fact(run: str, at: float) -> Entry:
    return Entry(run, TimerFired(at, f"timer {at}"), ())


def events(journal: Any, *arguments: Any) -> list[Event]:
    return [row.event for row in journal.read(*arguments)]


def test_a_new_journal_is_empty(journal: Any):
    assert list(journal.read()) == []
    assert journal.runs() == []
    assert journal.epoch == 1


def test_append_numbers_the_rows_from_one(journal: Any):
    assert journal.append([started("r")]) == 1
    assert journal.append([fact("r", 2.0), fact("r", 3.0)]) == 3
    assert [row.seq for row in journal.read()] == [1, 2, 3]


def test_nothing_to_append_changes_nothing(journal: Any):
    assert journal.append([]) == 0
    journal.append([started("r")])
    assert journal.append([]) == 1
    assert len(events(journal)) == 1


def test_every_kind_of_event_comes_back_as_it_was(journal: Any):
    stored: list[Event] = [
        RunStarted(1.0, "r", PLAN, {"list": [1, None, True], "text": "ä\u2028\ud800\0"}, 2**53, {"engine": "0"}, "/f"),
        TaskAdmitted(1.5, 0, 1, 3, {"port": 8001}),
        AttemptStarted(2.0, 1, 3, {"pid": 4711}),
        AttemptEnded(2.25, 1, 3, 2.0, {"class": "exit_code", "message": "exit code 1"}, {"exit_code": 1}),
        AttemptLost(3.0, 1, 3),
        TimerFired(0.1 + 0.2, "retry:0"),
        CancelRequested(1e9 + 0.000001, "abc", None, "interrupt"),
        OwnerChanged(5.0, 2),
    ]
    journal.append([Entry("r", event, ()) for event in stored])
    assert events(journal, "r") == stored
    assert [type(event) for event in events(journal)] == [type(event) for event in stored]


def test_a_row_tells_its_run_its_owner_and_what_followed(journal: Any):
    commands = (StopAttempt(4, "polite"), CancelTimer("timeout:4"), ReleaseAdmission(4))
    journal.append([started("r"), Entry("r", TimerFired(2.0, "timeout:4"), commands)])
    row = list(journal.read("r"))[1]
    assert (row.run, row.epoch) == ("r", journal.epoch)
    assert row.commands == commands_text(commands) == "stop:4:polite;untimer:timeout:4;release:4"


def test_long_commands_are_kept_as_a_digest(journal: Any):
    commands = [StartAttempt(number, (number,), 1) for number in range(1000)]
    journal.append([Entry("r", started("r").event, commands)])
    row = next(journal.read())
    assert row.commands == commands_text(commands)
    assert row.commands.startswith("1000 commands, crc ")
    assert commands_text(commands[:-1]) != row.commands


def test_reading_begins_behind_a_number(journal: Any):
    journal.append([started("r"), *(fact("r", float(at)) for at in range(2, 8))])
    assert [row.seq for row in journal.read(None, 4)] == [5, 6, 7]
    assert list(journal.read(None, 7)) == []
    assert list(journal.read(None, 70)) == []


def test_reading_one_run_leaves_the_others_out(journal: Any):
    journal.append([started("r1"), started("r2"), fact("r1", 2.0)])
    journal.append([fact("r2", 3.0), fact("r1", 4.0)])
    assert [row.seq for row in journal.read("r1")] == [1, 3, 5]
    assert [row.seq for row in journal.read("r2", 2)] == [4]
    assert list(journal.read("r3")) == []
    assert [row.run for row in journal.read()] == ["r1", "r2", "r1", "r2", "r1"]


def test_many_rows_come_in_order(journal: Any):
    journal.append([started("r")])
    journal.append([fact("r", float(at)) for at in range(2, 5000)])
    assert [row.seq for row in journal.read("r")] == list(range(1, 5000))


def test_runs_are_listed_oldest_first_with_their_verdict(journal: Any):
    journal.append([started("r2", 1.0), started("r1", 2.0)])
    journal.append([Entry("r2", TimerFired(9.0, "t"), (FinishRun("failed", "task_failed"),))])
    first, second = journal.runs()
    assert (first.id, first.name, first.started_at) == ("r2", "flow", 1.0)
    assert (first.state, first.reason, first.completed_at) == ("failed", "task_failed", 9.0)
    assert (second.id, second.state, second.reason, second.completed_at) == ("r1", "running", None, None)


def test_a_run_that_never_started_is_refused(journal: Any):
    journal.append([started("r")])
    with pytest.raises(JournalError, match="ghost"):
        journal.append([fact("r", 2.0), fact("ghost", 2.0)])
    assert len(events(journal)) == 1
    assert journal.append([fact("r", 3.0)]) == 2


def test_entries_are_kept_all_or_not_at_all(journal: Any):
    journal.append([started("r")])
    with pytest.raises(ValueError, match="JSON"):
        journal.append([fact("r", 2.0), fact("r", float("nan"))])
    assert len(events(journal)) == 1
    assert journal.append([fact("r", 2.0)]) == 2
    assert [event.at for event in events(journal)] == [1.0, 2.0]


def test_a_run_whose_first_append_failed_can_start_again(journal: Any):
    with pytest.raises(ValueError, match="JSON"):
        journal.append([started("r"), fact("r", float("nan"))])
    assert journal.runs() == []
    journal.append([started("r"), fact("r", 2.0)])
    assert [run.id for run in journal.runs()] == ["r"]
    assert [row.seq for row in journal.read("r")] == [1, 2]


def test_a_verdict_that_was_not_kept_is_not_listed(journal: Any):
    journal.append([started("r")])
    last = Entry("r", TimerFired(9.0, "t"), (FinishRun("completed", None),))
    with pytest.raises(ValueError, match="JSON"):
        journal.append([last, fact("r", float("nan"))])
    assert journal.runs()[0].state == "running"


def test_a_changed_row_ends_the_reading(case: Case):
    case.journal.append([started("r"), fact("r", 2.0), fact("r", 3.0)])
    case.tamper(2, '[2.0,"timer 7.0"]')
    reading = case.journal.read("r")
    assert next(reading).seq == 1
    with pytest.raises(JournalDamaged, match="event 2"):
        next(reading)


def test_a_changed_row_of_another_run_ends_the_reading_too(case: Case):
    case.journal.append([started("r1"), started("r2"), fact("r2", 2.0), fact("r1", 2.0)])
    case.tamper(3, '[2.0,"timer 7.0"]')
    with pytest.raises(JournalDamaged, match="event 3"):
        list(case.journal.read("r1"))


def test_rows_behind_a_changed_one_can_be_read_by_asking_behind_it(case: Case):
    case.journal.append([started("r"), fact("r", 2.0), fact("r", 3.0)])
    case.tamper(1, "[]")
    assert [row.seq for row in case.journal.read("r", 2)] == [3]


def test_reading_goes_on_while_rows_are_appended(journal: Any):
    journal.append([started("r"), fact("r", 2.0)])
    reading = journal.read("r")
    first = next(reading)
    journal.append([fact("r", 3.0)])
    seqs = [first.seq, *(row.seq for row in reading)]
    assert seqs in ([1, 2], [1, 2, 3])


def test_what_the_caller_changes_later_is_not_changed_here(journal: Any):
    inputs = {"x": 1}
    journal.append([Entry("r", RunStarted(1.0, "r", PLAN, inputs, 7, {}), ())])
    inputs["x"] = 2
    event = events(journal)[0]
    assert isinstance(event, RunStarted)
    assert event.inputs == {"x": 1}
    event.inputs["x"] = 3
    again = events(journal)[0]
    assert isinstance(again, RunStarted)
    assert again.inputs == {"x": 1}


def test_a_closed_journal_takes_no_more(journal: Any):
    journal.append([started("r")])
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append([fact("r", 2.0)])


def test_closing_twice_is_closing_once(journal: Any):
    journal.close()
    journal.close()

import random

import pytest

from tests.property.driver import Driver, snapshot
from tests.property.worlds import scripted, started
from unspool.errors import JournalDamaged, JournalMismatch
from unspool.host.resume import fold, losses
from unspool.journal.memory import MemoryJournal
from unspool.journal.rows import Row
from unspool.model.events import AttemptEnded, AttemptLost, OwnerChanged, TaskAdmitted
from unspool.model.plan import Plan, Task

PLAN = Plan("p", (Task(0, "a", "run", {"argv": ["x"]}), Task(1, "b", "run", {"argv": ["x"]}, ((0, "ok"),))))


def rows(count: int | None = None) -> list[Row]:
    driver = Driver(scripted(PLAN), random.Random(1))
    driver.finish()
    journal = MemoryJournal()
    journal.append(driver.entries)
    return list(journal.read())[:count]


def test_folding_every_beginning_gives_a_run_that_can_go_on():
    told = rows()
    for count in range(1, len(told) + 1):
        run = fold(told[:count])
        at_work = [attempt for attempt in run.attempts.values() if attempt.admitted]
        lost = losses(run, 2, 2000.0)
        assert lost[0] == OwnerChanged(2000.0, 2)
        assert len(lost) == 1 + len(at_work)
        for event in lost:
            run.apply(event)
        assert run.is_final or run.attempts
        assert not any(attempt.admitted for attempt in run.attempts.values())


def test_other_commands_than_recorded_are_a_mismatch():
    told = rows()
    told[1] = told[1]._replace(commands="start:9:9")
    with pytest.raises(JournalMismatch, match=r"recorded 'start:9:9', now 'start:0:1'"):
        fold(told)
    assert snapshot(fold(told, compare=False)) == snapshot(fold(rows()))


def test_an_event_that_cannot_have_happened_is_damage():
    told = [Row(1, "r1", 1, started(PLAN), ""), Row(2, "r1", 1, AttemptEnded(1.0, 99, 1), "")]
    with pytest.raises(JournalDamaged, match="event 2"):
        fold(told, compare=False)


def test_a_journal_without_a_start_is_damage():
    with pytest.raises(JournalDamaged, match="no start"):
        fold([])


def test_a_task_that_takes_the_engine_down_fails_in_the_end():
    run = fold(rows(1))
    for number in range(1, 5):
        run.apply(TaskAdmitted(1001.0, 0, number, 1))
        run.apply(AttemptLost(1002.0, number, 1))
    assert (run.tasks[0].state, run.tasks[0].reason) == ("failed", "crash_limit")
    assert run.tasks[1].state == "cancelled"
    assert run.state == "failed"

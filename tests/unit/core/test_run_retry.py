"""Waits between attempts: until when, since when, and across a change of owners."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.property.simulated import Dies, FragileJournal, Simulated
from tests.property.worlds import started
from tests.unit.core.test_run import EXIT_1, FIXED, admitted, ended, reasons, run_of, tell
from unspool.core.run import Run
from unspool.errors import IllegalEvent
from unspool.host.resume import fold
from unspool.host.simulate import Stub
from unspool.model.commands import SetTimer
from unspool.model.events import AttemptEnded, AttemptLost, AttemptStarted, OwnerChanged, TimerFired
from unspool.model.plan import Plan, Retry, Task
from unspool.model.plan_json import plan_from_json, plan_to_json

LIMITED = FIXED._replace(max_attempts=9, max_elapsed=60.0)
BUSY = {"class": "rate_limit", "message": "429"}


def plan_with(retry: Retry) -> Plan:
    return Plan("p", (Task(0, "t0", "run", {"argv": ["x"]}, retry=retry),))


def test_max_elapsed_counts_from_the_start_of_the_first_attempt():
    run = run_of({"retry": LIMITED})
    tell(run, admitted(1, at=1500.0), AttemptStarted(2000.0, 1, 1))
    assert tell(run, AttemptEnded(2050.0, 1, 1, 2000.0, EXIT_1)) == ["release:1", "timer:retry:0.2:2060.0"]
    tell(run, TimerFired(2060.0, "retry:0.2"), admitted(2, at=2060.0))
    assert tell(run, AttemptEnded(2060.5, 2, 1, 2060.0, EXIT_1)) == ["release:2", "finish:failed"]
    assert (reasons(run), run.tasks[0].attempts) == (["exit_code"], 2)


def test_an_attempt_that_could_not_begin_counts_too():
    run = run_of({"retry": LIMITED})
    refused = {"class": "spawn_failed", "message": "no"}
    assert tell(run, admitted(1), AttemptEnded(2000.0, 1, 1, None, refused))[1] == "timer:retry:0.2:2010.0"
    tell(run, TimerFired(2010.0, "retry:0.2"), admitted(2))
    assert tell(run, AttemptEnded(2039.0, 2, 1, 2038.0, EXIT_1))[1] == "timer:retry:0.3:2059.0"
    tell(run, TimerFired(2059.0, "retry:0.3"), admitted(3))
    assert tell(run, AttemptEnded(2059.5, 3, 1, 2059.0, EXIT_1)) == ["release:3", "finish:failed"]


def test_the_time_of_a_crash_counts():
    run = run_of({"retry": LIMITED})
    tell(run, admitted(1), AttemptStarted(1002.0, 1, 1), OwnerChanged(5000.0, 2), AttemptLost(5000.0, 1, 1))
    tell(run, admitted(2, token=2, at=5000.0))
    assert tell(run, AttemptEnded(5001.0, 2, 2, 5000.0, EXIT_1)) == ["release:2", "finish:failed"]


def test_what_a_server_asks_for_is_waited_for():
    run = run_of({"retry": FIXED._replace(max_delay=15.0)})
    assert tell(run, admitted(1), ended(1, BUSY, status_code=429, retry_after=120.0))[1] == "timer:retry:0.2:1123.0"
    tell(run, TimerFired(1123.0, "retry:0.2"), admitted(2))
    assert tell(run, ended(2, BUSY, 1200.0, status_code=429))[1] == "timer:retry:0.3:1215.0"


def test_a_server_that_asks_for_too_long_ends_the_task():
    run = run_of({"retry": LIMITED})
    assert tell(run, admitted(1), ended(1, BUSY, retry_after=61.0)) == ["release:1", "finish:failed"]


@pytest.mark.parametrize(
    "told",
    [
        {"retry_after": -1},
        {"retry_after": float("nan")},
        {"retry_after": float("inf")},
        {"retry_after": "3"},
        {"status_code": "200"},
        {"headers": []},
    ],
)
def test_an_answer_that_is_none_is_refused(told):
    run = run_of({})
    tell(run, admitted(1))
    with pytest.raises(IllegalEvent, match="cannot be read"):
        run.apply(ended(1, BUSY, **told))


def test_a_fold_gives_the_same_moments_and_a_new_owner_waits_for_what_is_left():
    plan = Plan(
        "p", (Task(0, "t0", "run", {"argv": ["x"]}, retry=Retry(max_attempts=5, strategy="jittered", delay=60.0)),)
    )
    events = [
        started(plan),
        admitted(1),
        ended(1, EXIT_1),
        TimerFired(1200.0, "retry:0.2"),
        admitted(2, at=1200.0),
        ended(2, EXIT_1, 1201.0),
    ]
    one, other = Run(), Run()
    told = [[order.text for order in one.apply(event)] for event in events]
    assert told == [[order.text for order in other.apply(event)] for event in events]
    other.apply(OwnerChanged(9000.0, 2))
    (timer,) = other.outstanding()
    assert isinstance(timer, SetTimer)
    assert timer.text == told[5][1]


def test_delays_are_of_the_run_and_not_of_the_moment():
    plan = plan_with(Retry(max_attempts=5, strategy="jittered"))

    def due(seed: int) -> str:
        run = Run()
        run.apply(started(plan)._replace(seed=seed))
        return tell(run, admitted(1), ended(1, EXIT_1))[1]

    assert due(1) == due(1)
    assert len({due(seed) for seed in range(20)}) == 20


def test_a_wait_in_virtual_time_is_what_the_server_asked_for():
    plan = plan_with(Retry(max_attempts=3, delay=1.0, max_delay=5.0))
    begun: list[float] = []

    def script(spec):
        begun.append(world.clock.now())
        done = spec.number == 3
        return Stub(
            1.0, {"exit_code": 0} if done else {"status_code": 429, "retry_after": 600.0}, None if done else BUSY
        )

    world = Simulated(plan, script)
    assert world.drive().state == "completed"
    assert [round(later - earlier) for earlier, later in pairwise(begun)] == [601, 601]


def test_a_resume_waits_for_the_rest_of_a_delay_only():
    plan = plan_with(Retry(max_attempts=2, strategy="linear", delay=600.0, jitter=False))
    begun: list[float] = []
    journal = FragileJournal()

    def world_at(at: float | None = None) -> Simulated:
        world = Simulated(plan, script, journal=journal, **({} if at is None else {"at": at}))
        worlds.append(world)
        return world

    def script(spec):
        begun.append(worlds[-1].clock.now())
        return Stub(1.0, {"exit_code": int(spec.number == 1)}, EXIT_1 if spec.number == 1 else None)

    worlds: list[Simulated] = []
    first = world_at()
    first.host.step()
    while not first.run.timers:
        first.reactor.wait(first.host._patience())
        first.host.step()
    (due,) = fold(journal.read("r1")).timers.values()
    journal.dies_at = journal.commits + 1
    with pytest.raises(Dies):
        first.drive()
    journal.dies_at = None
    resumed = world_at(due - 100.0)
    assert resumed.drive().state == "completed"
    assert due <= begun[-1] < due + 1.0
    assert len(begun) == 2


def test_a_plan_of_an_older_version_has_no_limit():
    plan = plan_with(LIMITED)
    stored = plan_to_json(plan)
    assert plan_from_json(stored).tasks[0].retry == LIMITED
    stored["tasks"][0]["retry"] = list(stored["tasks"][0]["retry"])[:7]
    assert plan_from_json(stored).tasks[0].retry == LIMITED._replace(max_elapsed=None)

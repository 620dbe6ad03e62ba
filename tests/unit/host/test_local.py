"""The local host in virtual time, with stubs for tasks: what is committed, begun and told, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.property.simulated import Simulated
from tests.property.worlds import plan_of
from unspool.errors import JournalError
from unspool.host.local import LocalHost
from unspool.host.ports import Request
from unspool.host.simulate import Stub
from unspool.host.spool import new_request
from unspool.model.events import AttemptStarted
from unspool.model.plan import Resource, Retry

FAILED = {"class": "exit_code", "message": "exit code 1"}


def states(world: Simulated) -> list[str]:
    return [task.state for task in world.run.tasks]


def kinds(world: Simulated) -> list[str]:
    return [type(row.event).__name__ for row in world.journal.read()]


def test_never_more_than_the_slots_and_the_runs_limit_at_once():
    for slots, limit, most in ((2, None, 2), (4, 1, 1)):
        alive, seen = [], []
        plan = plan_of(*[{}] * 7)

        def script(spec, alive=alive, seen=seen):
            alive.append(spec.attempt)
            seen.append(len(alive))
            return Stub(0.5)

        world = Simulated(replace(plan, concurrency=limit), script, slots)
        ended = world.host.ended

        def end(run, attempt, told, alive=alive, ended=ended):
            alive.remove(attempt)
            ended(run, attempt, told)

        world.host.ended = end
        world.drive()
        assert world.run.state == "completed"
        assert max(seen) == most


def test_short_attempts_are_told_in_one_event_and_long_ones_in_two():
    quick = Simulated(plan_of({}), lambda _: Stub(0.001))
    quick.drive()
    assert kinds(quick) == ["RunStarted", "TaskAdmitted", "AttemptEnded"]
    slow = Simulated(plan_of({}), lambda _: Stub(1.0))
    slow.drive()
    assert kinds(slow) == ["RunStarted", "TaskAdmitted", "AttemptStarted", "AttemptEnded"]
    assert slow.run.tasks[0].running_s == pytest.approx(1.0)


def test_facts_of_busy_slots_share_a_commit():
    """Forty attempts of 2 ms: intents are committed ahead, so that far fewer commits than tasks are needed."""
    world = Simulated(plan_of(*[{}] * 40), lambda _: Stub(0.002))
    commits = 0
    append = world.journal.append

    def counted(entries):
        nonlocal commits
        commits += 1
        return append(entries)

    world.journal.append = counted
    world.drive()
    assert world.run.state == "completed"
    assert commits <= 25


def test_short_attempts_that_share_a_pool_share_commits_too_and_never_more_run_than_it_has():
    alive, seen, commits = [], [], []
    plan = plan_of(*[{"uses": (("pool", 1),)}] * 200)

    def script(spec):
        alive.append(spec.attempt)
        seen.append(len(alive))
        return Stub(0.001)

    world = Simulated(replace(plan, resources=(Resource("pool", slots=2),)), script, 8)
    append, ended = world.journal.append, world.host.ended

    def counted(entries):
        commits.append(len(entries))
        return append(entries)

    def end(run, attempt, told):
        alive.remove(attempt)
        ended(run, attempt, told)

    world.journal.append, world.host.ended = counted, end
    world.drive()
    assert world.run.state == "completed"
    assert max(seen) == 2
    assert len(commits) <= 60
    assert world.run.completed_at - world.run.started_at == pytest.approx(0.1, abs=0.03)


def test_a_retry_waits_its_delay_and_holds_no_slot():
    retry = Retry(max_attempts=2, strategy="linear", delay=30.0, jitter=False)
    world = Simulated(
        plan_of({"retry": retry}, {}), lambda spec: Stub(1.0, error=FAILED if spec.task.index == 0 else None), slots=1
    )
    world.drive()
    first, second = [spec for spec in world.kind.started if spec.task.index == 0]
    assert (first.number, second.number) == (1, 2)
    assert world.run.completed_at - world.run.started_at == pytest.approx(1 + 30 + 1, abs=0.1)
    assert world.run.tasks[1].completed_at < world.run.tasks[0].completed_at


def test_a_run_that_is_taken_over_goes_on_though_nothing_new_happens():
    """What is outstanding is a timer only: it must be set without a fact that would be committed first."""
    retry = Retry(max_attempts=2, strategy="linear", delay=30.0, jitter=False)
    world = Simulated(plan_of({"retry": retry}), lambda spec: Stub(1.0, error=FAILED if spec.number == 1 else None))
    world.host.step()
    while world.run.tasks[0].reason != "retry_wait":
        world.reactor.wait(1.0)
        world.host.step()
    run = world.run
    world.host = LocalHost(world.journal, {"run": world.kind}, world.reactor, world.clock, 2)
    world.host.open(run)
    world.drive()
    assert world.run.state == "completed"


def test_a_timeout_counts_from_the_start_and_ends_by_force_after_the_grace():
    world = Simulated(plan_of({"timeout": 5.0, "grace": 2.0}), lambda _: Stub(900.0, stubborn=True))
    world.drive()
    task = world.run.tasks[0]
    assert (task.state, task.reason) == ("failed", "timeout")
    assert task.running_s == pytest.approx(7.0, abs=0.1)


def test_a_program_that_cannot_be_started_fails_its_task_only():
    world = Simulated(
        plan_of({"on_failure": "skip"}, {}),
        lambda spec: Stub(refuses="no such program") if spec.task.index == 0 else Stub(0.1),
    )
    world.drive()
    assert [(task.state, task.reason) for task in world.run.tasks] == [("failed", "spawn_failed"), ("completed", None)]
    assert world.run.tasks[0].attempts == 1


def test_an_intent_that_is_stopped_before_it_began_never_begins():
    world = Simulated(plan_of(*[{}] * 30), lambda _: Stub(0.001))
    world.host._mean = 0.001  # short attempts, so that intents are committed ahead
    world.host.step()
    ahead = len(world.host._intents)
    assert ahead > 0
    world.host.request(Request("c1", "r1", "cancel"))
    world.drive()
    assert len(world.kind.started) <= 30 - ahead
    assert world.run.state == "cancelled"
    assert set(states(world)) <= {"cancelled", "completed"}


def test_requests_are_answered_after_their_commit():
    world = Simulated(plan_of({}), lambda _: Stub(9.0))
    world.host.step()
    wrong, unknown, right = (
        new_request("r1", "cancel", "nobody"),
        new_request("other", "cancel"),
        new_request("r1", "cancel"),
    )
    for request in (wrong, unknown, right):
        world.spool.send(request)
    world.host.look_for_requests()
    world.host.step()
    assert "no task 'nobody'" in world.spool.answered(wrong.id)
    assert "is not here" in world.spool.answered(unknown.id)
    assert world.spool.answered(right.id) == "ok"
    assert kinds(world)[-1] in ("CancelRequested", AttemptStarted.__name__)
    world.drive()
    assert world.run.state == "cancelled"


def test_a_second_interrupt_ends_by_force_at_once():
    world = Simulated(plan_of({"grace": 3600.0}), lambda _: Stub(9000.0, stubborn=True))
    world.host.step()
    for number in (1, 2):
        world.host.request(Request(f"i{number}", "r1", "cancel", None, "interrupt"))
    world.drive()
    assert (world.run.state, world.run.reason) == ("cancelled", "interrupted")
    assert world.run.completed_at - world.run.started_at < 1


def test_a_commit_that_fails_ends_the_host_and_starts_nothing():
    world = Simulated(plan_of({}, {"needs": ((0, "ok"),)}), lambda _: Stub(1.0))
    world.host.step()

    def full(_entries):
        raise JournalError("no space left")

    world.journal.append = full
    with pytest.raises(JournalError, match="no space left"):
        world.drive()
    assert [spec.task.index for spec in world.kind.started] == [0]


def test_listeners_hear_of_what_is_committed():
    world = Simulated(plan_of({}, {"when": "false"}), lambda _: Stub(0.1))
    heard = []

    class Ear:
        def heard(self, entries):
            heard.extend((move, len(kinds(world))) for entry in entries for move in entry.moves)

    world.host.listen(Ear())
    world.drive()
    assert [move for move, _ in heard] == [
        (0, "ready", None),
        (1, "skipped", "when_false"),
        (0, "running", None),
        (0, "completed", None),
    ]
    assert all(rows >= 1 for _, rows in heard)


def test_a_start_that_is_worth_a_commit_does_not_wait_for_the_facts_that_linger():
    """Else the host would ask the reactor for nothing, again and again, until they have lingered enough."""
    world = Simulated(plan_of({}, {}, {}), lambda spec: Stub((3.0, 0.009, 3.0)[spec.task.index]), slots=2)
    world.host._mean = 0.001  # so that the third is committed ahead, and no slot is ever idle
    world.host.step()
    waits = 0
    wait = world.reactor.wait

    def counted(seconds):
        nonlocal waits
        waits += 1
        wait(seconds)

    world.reactor.wait = counted
    world.drive()
    assert waits < 50

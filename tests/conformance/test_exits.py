"""However an attempt ends, what it used is back, and the breaker has been told what it should hear of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.property.simulated import Dies, Simulated, simulated
from tests.property.worlds import plan_of, scripted
from unspool.core.pools import Pool
from unspool.host.ports import Request
from unspool.host.simulate import Stub
from unspool.model.commands import ReleaseAdmission
from unspool.model.plan import Breaker, Plan, Resource, Retry
from unspool.tasks.attempt import AttemptSpec

RESOURCES = (
    Resource("one", slots=1, breaker=Breaker(99)),
    Resource("port", items=(8001,)),
)
USES = (("one", 1), ("port", 1))
SERVER = {"class": "server", "message": "503"}
EXIT_1 = {"class": "exit_code", "message": "exit code 1"}


def sharing(*tasks: dict) -> Plan:
    plan = plan_of(*({"uses": USES, **task} for task in tasks))
    return replace(plan, resources=RESOURCES)


class Watched:
    """A simulated host whose releases are listed; pools are looked at before the run is closed."""

    def __init__(self, world: Simulated) -> None:
        self.world = world
        self.told: list[str | None] = []
        admission = world.host.admission
        self.pools: tuple[Pool, ...] = admission.pools
        release, close = admission.release, admission.close

        def releases(run, attempt, at, outcome):
            self.told.append(outcome)
            release(run, attempt, at, outcome)

        def closes(run):
            assert not admission._runs[run].held, "something is held by a run that is over"
            close(run)

        admission.release, admission.close = releases, closes

    def assert_back(self) -> None:
        for pool in self.pools:
            assert pool.free == pool.size == 1
            assert pool.items is None or list(pool.items) == [8001]
        assert self.world.host.admission.free == self.world.host.admission.slots


def drive(plan: Plan, script) -> Watched:
    world = Simulated(plan, script)
    watched = Watched(world)
    world.drive()
    watched.assert_back()
    return watched


@pytest.mark.parametrize(
    ("task", "stub", "told", "state"),
    [
        ({}, Stub(), "ok", "completed"),
        ({}, Stub(error=EXIT_1), "exit_code", "failed"),
        ({}, Stub(error=SERVER), "server", "failed"),
        ({}, Stub(refuses="no such program"), None, "failed"),
        ({"timeout": 5.0, "grace": 1.0}, Stub(99.0, stubborn=True), "timeout", "failed"),
        ({"timeout": 5.0}, Stub(99.0), "timeout", "failed"),
        ({"success_when": "false"}, Stub(result={"exit_code": 0}), "success_when_false", "failed"),
        ({"success_when": "nothing.here"}, Stub(result={"exit_code": 0}), "expression_error", "failed"),
        ({"action": {"argv": ["${{ inputs.flag + 1 }}"]}, "dynamic": True}, Stub(), None, "failed"),
    ],
)
def test_what_one_attempt_used_serves_the_next(task, stub, told, state):
    action = task.pop("action", None)
    plan = sharing({**task, "on_failure": "skip"}, {})
    if action is not None:
        plan = replace(plan, tasks=(replace(plan.tasks[0], action=action), plan.tasks[1]))
    watched = drive(plan, lambda spec: Stub() if spec.task.index else stub)
    assert watched.told == [told, "ok"]
    assert [one.state for one in watched.world.run.tasks] == [state, "completed"]


def test_a_retry_waits_without_what_it_used():
    retry = Retry(max_attempts=2, strategy="linear", delay=30.0, jitter=False)
    watched = drive(sharing({"retry": retry}, {}), lambda spec: Stub(error=EXIT_1 if spec.number == 1 else None))
    assert [(spec.task.index, spec.number) for spec in watched.world.kind.started][:2] == [(0, 1), (1, 1)]


@pytest.mark.parametrize("task", [None, "t0"])
def test_a_cancel_gives_back_and_says_nothing(task):
    world = Simulated(sharing({"grace": 1.0}, {}), lambda spec: Stub(60.0, stubborn=spec.task.index == 0))
    watched = Watched(world)
    world.host.step()
    world.host.request(Request("c", "r1", "cancel", task))
    world.drive()
    watched.assert_back()
    assert watched.told == ([None] if task is None else [None, "ok"])


def test_an_abort_gives_back_what_others_hold():
    plan = sharing({"uses": (), "on_failure": "abort"}, {"grace": 1.0}, {})
    watched = drive(plan, lambda spec: Stub(60.0 if spec.task.index else 1.0, error=EXIT_1))
    assert watched.told == ["exit_code", None]


def test_a_lost_attempt_holds_nothing_for_the_next_owner():
    plan = sharing({}, {}, {"needs": ((0, "ok"), (1, "ok"))})
    host = simulated(scripted(plan))
    host.journal.dies_at = 3
    with pytest.raises(Dies):
        host.drive()
    again = simulated(scripted(plan), journal=host.journal, at=host.clock.now() + 60.0)
    watched = Watched(again)
    again.drive()
    watched.assert_back()
    assert again.run.state == "completed"
    assert watched.told == [None, "ok", "ok", "ok"], "what was lost says nothing, and begins again"


def test_never_two_hold_what_there_is_one_of():
    alive: set[int] = set()

    def script(spec: AttemptSpec) -> Stub:
        assert not alive, "two hold it"
        alive.add(spec.attempt)
        return Stub(0.002)

    world = Simulated(sharing(*[{}] * 20), script, slots=4)
    ended = world.host.ended

    def end(run, attempt, told):
        alive.discard(attempt)
        ended(run, attempt, told)

    world.host.ended = end
    world.host._mean = 0.001  # intents are committed ahead
    watched = Watched(world)
    world.drive()
    watched.assert_back()
    assert watched.told == ["ok"] * 20


def test_every_attempt_sees_the_item_it_leased():
    plan = sharing({}, {}, {})
    action = {"argv": ["x", "${{ lease.port }}"], "env": {}}
    tasks = tuple(replace(task, action=action, dynamic=True, uses=(("port", 1),)) for task in plan.tasks)
    resources = (Resource("port", items=(8001, 8002)),)
    world = Simulated(replace(plan, tasks=tasks, resources=resources), lambda _: Stub(5.0), slots=3)
    world.drive()
    assert [spec.action["argv"][1] for spec in world.kind.started] == ["8001", "8002", "8001"]
    leases = [row.event.leases for row in world.journal.read() if type(row.event).__name__ == "TaskAdmitted"]
    assert leases == [{"port": 8001}, {"port": 8002}, {"port": 8001}]


def test_a_rate_spaces_attempts_out_though_nothing_else_happens():
    plan = replace(plan_of(*[{"uses": (("pace", 1),)}] * 5), resources=(Resource("pace", rate=(2, 20.0)),))
    world = Simulated(plan, lambda _: Stub(0.001), slots=9)
    world.drive()
    begun = [task.started_at - world.run.started_at for task in world.run.tasks]
    assert begun == pytest.approx([0, 0, 10, 20, 30], abs=0.01)


def test_an_open_breaker_keeps_attempts_away_until_a_probe_succeeds():
    retry = Retry(max_attempts=9, strategy="immediate", on=("server",))
    plan = replace(
        plan_of(*[{"uses": (("model", 1),), "retry": retry}] * 3),
        resources=(Resource("model", breaker=Breaker(failures=3, reset_after=60.0, successes=1)),),
    )
    broken_until = 90.0

    def script(spec: AttemptSpec) -> Stub:
        return Stub(1.0, error=SERVER if world.clock.now() - 1_700_000_000.0 < broken_until else None)

    world = Simulated(plan, script, slots=9)
    begun: list[float] = []
    start = world.kind.start
    world.kind.start = lambda spec, sink: begun.append(world.clock.now() - 1_700_000_000.0) or start(spec, sink)
    world.drive()
    assert world.run.state == "completed"
    assert begun == pytest.approx([0, 0, 0, 61, 122, 123, 123], abs=0.1)


def test_a_release_tells_its_outcome_beside_its_text():
    assert ReleaseAdmission(4, "server").text == ReleaseAdmission(4).text == "release:4"

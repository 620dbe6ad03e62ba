"""Each planted fault is noticed by the check that is named beside it, and for the reason that is given there."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.property import faults, test_hosts, test_laws, test_sharing
from tests.property.driver import Driver
from tests.property.simulated import Simulated, simulated
from tests.property.test_verdicts import check_foreseen
from tests.property.worlds import Scenario, plan_of, scenario, scripted, started
from unspool.core.admission import Admission
from unspool.core.breaker import Circuit
from unspool.core.policies import decide_retry
from unspool.core.results import OutputError, read_outputs, result_view
from unspool.core.run import Run
from unspool.errors import JournalDamaged, JournalMismatch
from unspool.host.home import this_process
from unspool.host.ports import Request
from unspool.host.resume import fold
from unspool.host.simulate import Stub
from unspool.journal.memory import MemoryJournal
from unspool.journal.sqlite import SqliteJournal
from unspool.model.events import AttemptLost, CancelRequested, OwnerChanged, TaskAdmitted
from unspool.model.plan import Breaker, Output, Plan, Resource, Retry, Task

EXIT_1 = {"class": "exit_code", "message": "exit code 1"}

# -- the checks of the laws, in forty worlds --------------------------------------------------------


def in_many_worlds(check: Callable[[Scenario, int], Any], *, abort: bool = False) -> Callable[[], None]:
    def checked() -> None:
        for seed in range(40):
            check(scenario(seed % 9 + 2, seed, abort=abort), seed)

    checked.__name__ = check.__name__
    return checked


same_in_same_out = in_many_worlds(test_laws.check_same_in_same_out, abort=True)
total = in_many_worlds(test_laws.check_total, abort=True)
idempotent = in_many_worlds(test_laws.check_idempotent, abort=True)
stale_tokens = in_many_worlds(test_laws.check_stale_tokens, abort=True)
replay = in_many_worlds(test_laws.check_replay, abort=True)
never_stuck = in_many_worlds(test_laws.check_never_stuck, abort=True)
growth_only = in_many_worlds(test_laws.check_growth_only, abort=True)
starts = in_many_worlds(test_laws.check_nothing_starts_early)
verdicts = in_many_worlds(check_foreseen)
deaths = in_many_worlds(test_hosts.check_a_death_changes_nothing)
ticks = in_many_worlds(test_hosts.check_ticks)

# -- checks of one thing only -----------------------------------------------------------------------


def check_what_stands_above() -> None:
    """t2 is cancelled as soon as t1 fails, and t3 asks for any end of t2 and what became of t0."""
    plan = plan_of(
        {}, {}, {"needs": ((0, "any"), (1, "ok"))}, {"needs": ((2, "any"),), "when": "tasks.t0.state == 'completed'"}
    )
    world = scripted(plan, [["ok"], ["signal"], ["ok"], ["ok"]], {3: ("state", 0, "completed")})
    for seed in range(10):
        test_laws.check_nothing_starts_early(world, seed)
        check_foreseen(world, seed)


def check_never() -> None:
    """A filter of `never` wins, also in a run."""
    retry = Retry(max_attempts=3, strategy="immediate", on=("exit_code",), never=({"exit_code": [3]},))
    check_foreseen(scripted(plan_of({"retry": retry}), [["exit 3"] * 3]), 1)


def check_delays() -> None:
    """Delays grow as documented, up to their cap."""
    retry = Retry(max_attempts=9, strategy="exponential", delay=1.0, max_delay=6.0, jitter=False)
    told = [decide_retry(retry, number, EXIT_1, {"exit_code": 1}, 0.5) for number in range(1, 6)]
    assert told == [1.0, 2.0, 4.0, 6.0, 6.0], "other delays than documented"


def check_numbers() -> None:
    """What a journal cannot keep never gets into a run."""
    task = Task(0, "t", "run", {}, outputs=(Output("n", {"type": "number"}, "stdout"),))
    for text in ("NaN", "1e999"):
        collected = {"stdout": {"inline": text}}
        try:
            read = read_outputs(task, collected, result_view(collected, None, 1.0))
        except OutputError:
            continue
        raise AssertionError(f"{text} was read as {read}")


def one_task() -> Run:
    run = Run()
    run.apply(started(plan_of({})))
    return run


def check_stale_grants() -> None:
    run = one_task()
    run.apply(OwnerChanged(1001.0, 2))
    assert run.apply(TaskAdmitted(1002.0, 0, 1, 1)) == (), "a grant of a former owner is believed"


def check_requests_once() -> None:
    """An interrupt that is delivered twice is one."""
    run = one_task()
    run.apply(TaskAdmitted(1001.0, 0, 1, 1))
    interrupt = CancelRequested(1002.0, "same", None, "interrupt")
    assert run.apply(interrupt)
    assert run.apply(interrupt) == (), "a request counts twice"


def check_crash_limit() -> None:
    run = one_task()
    for number in range(1, 10):
        if not run.is_final:
            run.apply(TaskAdmitted(1001.0, 0, number, 1))
            run.apply(AttemptLost(1002.0, number, 1))
    assert (run.tasks[0].reason, run.tasks[0].recoveries) == ("crash_limit", 4), "crashes have no end"


def check_tampering() -> None:
    """Another order than was recorded is a mismatch, whichever it is."""
    driver = Driver(scenario(6, 3), random.Random(1))
    driver.finish()
    journal = MemoryJournal()
    journal.append(driver.entries)
    rows = list(journal.read())
    for number, row in enumerate(rows):
        told = [*rows[:number], row._replace(commands=row.commands + ";start:0:99"), *rows[number + 1 :]]
        try:
            fold(told)
        except JournalMismatch:
            continue
        raise AssertionError("nobody noticed that an order had changed")


def check_full_durability() -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = SqliteJournal(Path(folder) / "j", this_process())
        try:
            assert journal.synchronous == 2, "commits are not synced"
        finally:
            journal.close()


def granted(*requests: tuple[int, float], slots: int = 1, limit: int | None = None, ahead: int = 0) -> list[int]:
    """Let tasks ask with a priority at a moment; give those that get a place."""
    admission = Admission(slots)
    admission.open("r", limit)
    for task, (priority, at) in enumerate(requests):
        admission.ask("r", task, task + 1, priority, at)
    return [grant.task for grant in admission.grant(2e9, ahead)]


def check_ageing() -> None:
    """A normal request that is older than a minute goes before a fresh high one, a younger one does not."""
    assert granted((2, 1000.0), (1, 1061.0)) == [0], "an old request does not rise"
    assert granted((2, 1000.0), (1, 1059.0)) == [1]


def check_idle() -> None:
    assert granted((4, 0.0), (3, 1e9)) == [1], "an idle request goes before another"


def check_a_runs_limit() -> None:
    assert len(granted(*[(2, 0.0)] * 5, slots=9, limit=2, ahead=9)) == 2, "a run has more than its limit"


def check_priority() -> None:
    host = Simulated(plan_of(*[{"priority": priority} for priority in (3, 2, 1, 0, 4)]), lambda _: Stub(0.1), slots=1)
    host.drive()
    assert [spec.task.priority for spec in host.kind.started] == [0, 1, 2, 3, 4], "not in the order of priority"


def check_what_is_shared() -> None:
    test_sharing.check_nobody_starves(test_sharing.Load(7, 60))


def check_probes() -> None:
    circuit = Circuit(Breaker(1, 5.0))
    for outcome in ("server", None):
        circuit.leave(circuit.enter(), 0.0, outcome)
    assert circuit.moment() <= 5.0, "the probe's place is not free"


def sharing(resource: Resource, count: int) -> Plan:
    return replace(plan_of(*[{"uses": ((resource.name, 1),)}] * count), resources=(resource,))


def check_breakers() -> None:
    """Six attempts fail one after the other; from the third on the breaker keeps them apart."""
    server = {"class": "server", "message": "503"}
    plan = sharing(Resource("model", slots=1, breaker=Breaker(2, 60.0)), 4)
    host = Simulated(plan, lambda _: Stub(1.0, error=server))
    host.drive()
    took = host.run.completed_at - host.run.started_at
    assert took > 120, "begun while the breaker was open"


def check_rates() -> None:
    Simulated(sharing(Resource("pace", rate=(1, 10.0)), 3), lambda _: Stub(0.1)).drive()


def check_timeouts() -> None:
    test_hosts.check_ticks(scripted(plan_of({"timeout": 30.0}), [["timeout"]]), 1)


def check_retries() -> None:
    """Delays are waited for, and the task ends when its attempts are used up or one goes well."""
    retry = Retry(max_attempts=3, strategy="linear", delay=2.0)
    plan = plan_of({"retry": retry}, {"retry": retry}, {"needs": ((0, "any"),)})
    test_hosts.check_ticks(scripted(plan, [["exit 1", "exit 1", "ok"], ["exit 1"] * 3, ["ok"]]), 1)


def check_cancel_reaches_everybody() -> None:
    """One task waits for a retry, one runs and does not heed a polite stop, one waits for both."""
    plan = plan_of({"retry": Retry(max_attempts=9, delay=200.0)}, {}, {"needs": ((0, "ok"), (1, "ok"))})
    host = Simulated(plan, lambda spec: Stub(900.0, stubborn=True) if spec.task.index else Stub(0.1, error=EXIT_1))
    for _ in range(4):
        host.host.step()
        host.reactor.wait(0.2)
    assert [task.state for task in host.run.tasks] == ["queued", "running", "created"]
    host.host.request(Request("c", "r1", "cancel"))
    host.drive()
    ends = [task.state for task in host.run.tasks]
    took = host.run.completed_at - host.run.started_at
    assert ends == ["cancelled"] * 3, "a cancel does not reach everybody"
    assert took < 60, "a cancel takes too long"


def check_stopped_intents() -> None:
    """What is cancelled after its intent was committed, and before it began, does not begin."""
    host = simulated(scripted(plan_of(*[{}] * 9)), slots=1)
    host.host._mean = 0.001
    host.host.step()
    ahead = {intent.tasks[0] for _, intent in host.host._intents}
    assert ahead
    host.host.request(Request("c", "r1", "cancel"))
    host.drive()
    assert not {task for task, _ in host.begun} & ahead, "a stopped intent began"


# -- who notices what, and how ----------------------------------------------------------------------

NOTICED = [
    (faults.ambient_chance, same_in_same_out, "other orders than in life"),
    (faults.half_done_refusals, total, "was neither taken nor refused"),
    (faults.double_apply, idempotent, "said again, gives orders"),
    (faults.an_end_counts_twice, idempotent, "said again, changes the state"),
    (faults.requests_are_forgotten, check_requests_once, "a request counts twice"),
    (faults.stale_tokens, stale_tokens, "of another owner is believed"),
    (faults.grants_of_former_owners, check_stale_grants, "a grant of a former owner is believed"),
    (faults.a_lossy_journal, replay, r"attempt \d+ is not admitted|nobody asked for attempt \d+|recorded '.+', now"),
    (faults.a_batch_is_written_backwards, replay, r"nobody asked for attempt \d+|recorded '.+', now '.+'"),
    (faults.a_batch_ends_twice, replay, r"recorded '.+', now 'nothing'"),
    (faults.orders_are_not_recorded, replay, "recorded 'nothing', now '"),
    (faults.nothing_is_compared_and_chance_is_ambient, replay, "another state than in life"),
    (faults.nothing_is_compared, check_tampering, "nobody noticed that an order had changed"),
    (faults.a_kept_slot, never_stuck, "nothing is outstanding, and the run is not final|a place was not given back"),
    (faults.a_started_task_gains_a_need, growth_only, "started and has changed"),
    (faults.ends_are_passed_on_too_early, starts, "starts before"),
    (faults.ends_are_passed_on_too_early, check_what_stands_above, "another end than foreseen"),
    (faults.a_skip_is_a_failure, verdicts, "another end than foreseen"),
    (faults.a_tolerated_failure_hurts, verdicts, "another end than foreseen"),
    (faults.hasty_when, verdicts, "another end than foreseen"),
    (faults.attempts_are_not_counted, verdicts, r"attempt \d+ of t\d+ is one too many"),
    (faults.never_is_ignored, check_never, "another end than foreseen"),
    (faults.delays_do_not_grow, check_delays, "other delays than documented"),
    (faults.delays_have_no_cap, check_delays, "other delays than documented"),
    (faults.numbers_beyond_json, check_numbers, "NaN was read as"),
    (faults.no_end_of_crashes, check_crash_limit, "crashes have no end"),
    (faults.losses_are_forgotten, deaths, "the host waits for nothing"),
    (faults.a_crash_counts_as_an_attempt, deaths, r"attempt \d+ of t\d+ is one too many"),
    (faults.act_before_append, ticks, "begun before its commit"),
    (faults.a_skipped_sync, check_full_durability, "commits are not synced"),
    (faults.a_dropped_timer, check_retries, "the host waits for nothing"),
    (faults.starts_are_never_told, check_timeouts, "another end than foreseen"),
    (faults.a_stop_is_never_forced, check_cancel_reaches_everybody, "a cancel takes too long"),
    (faults.a_cancel_forgets_the_queued, check_cancel_reaches_everybody, "a cancel does not reach everybody"),
    (faults.stopped_intents_begin, check_stopped_intents, "a stopped intent began"),
    (faults.a_kept_pool, check_what_is_shared, "nothing will ever happen"),
    (faults.a_probe_that_stays, check_probes, "the probe's place is not free"),
    (faults.ends_are_not_told, check_breakers, "begun while the breaker was open"),
    (faults.nothing_is_due, check_rates, "the host waits for nothing"),
    (faults.no_priority, check_priority, "not in the order of priority"),
    (faults.no_ageing, check_ageing, "an old request does not rise"),
    (faults.idle_rises, check_idle, "an idle request goes before another"),
    (faults.no_limit_for_a_run, check_a_runs_limit, "a run has more than its limit"),
]
CHECKS = list(dict.fromkeys(check for _, check, _ in NOTICED))


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
def test_the_checks_pass_without_a_fault(check):
    check()


@pytest.mark.parametrize(
    ("fault", "check", "says"),
    NOTICED,
    ids=[f"{fault.__name__}-{check.__name__}" for fault, check, _ in NOTICED],
)
def test_a_planted_fault_is_noticed(fault, check, says, monkeypatch):
    fault(monkeypatch)
    with pytest.raises((AssertionError, JournalMismatch, JournalDamaged), match=says):
        check()


def test_a_core_that_reads_the_clock_is_noticed():
    with pytest.raises(AssertionError, match="the core asks the world"):
        test_laws.check_nothing_ambient("ending_module.chance = lambda *_: time.time() % 1")

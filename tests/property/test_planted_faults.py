"""More planted faults, each against the check of a law that must notice it, and notice it for the right reason.

`test_faults.py` plants faults in scripted worlds; most of these go against the laws under random ones.
"""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.property import test_core_laws as laws
from tests.property.plans import Driver, Scenario, scenario
from tests.property.test_core_laws import Machine
from tests.property.test_core_oracle import check_foreseen
from unspool.core import admission as admission_module
from unspool.core import policies as policies_module
from unspool.core import results as results_module
from unspool.core import run as run_module
from unspool.core.admission import Admission
from unspool.core.book import Book
from unspool.core.run import Run
from unspool.errors import JournalDamaged, JournalMismatch
from unspool.host import resume as resume_module
from unspool.host.local import LocalHost
from unspool.host.ports import Request
from unspool.host.resume import fold
from unspool.journal import memory as memory_module
from unspool.journal.memory import MemoryJournal
from unspool.model import status
from unspool.model.events import AttemptEnded, AttemptLost, CancelRequested, OwnerChanged, TaskAdmitted
from unspool.model.plan import Output, Plan, Retry, Task

WORLDS = [(scenario(seed % 9 + 2, seed), seed) for seed in range(40)]
EXIT_1 = {"class": "exit_code", "message": "exit code 1"}


def in_many_worlds(check: Any, *, abort: bool = False) -> None:
    for world, seed in WORLDS:
        check(scenario(len(world.plan.tasks), seed, abort=abort), seed)


def foreseen(*fates: str, needs: dict[int, Any] | None = None) -> Scenario:
    """Build tasks that need what `needs` says; each has one attempt."""
    tasks = [
        Task(index, f"t{index}", "run", {"argv": ["x"]}, (needs or {}).get(index, ())) for index in range(len(fates))
    ]
    none = (None,) * len(fates)
    return Scenario(
        Plan("foreseen", tuple(tasks)),
        tuple((fate,) for fate in fates),
        (("none",),) * len(fates),
        none,
        (1,) * len(fates),
        True,
    )


def one_task() -> Run:
    run = Run()
    run.apply(laws.beginning(foreseen("ok")))
    return run


# -- the checks: those of the laws, and a few for one thing only ---------------------------------------


def check_the_end() -> None:
    in_many_worlds(check_foreseen)


def check_any_fact() -> None:
    in_many_worlds(laws.check_total, abort=True)


def check_said_twice() -> None:
    in_many_worlds(laws.check_idempotent_in_depth, abort=True)


def check_deaths() -> None:
    in_many_worlds(laws.check_a_death_changes_nothing)


def check_the_host() -> None:
    in_many_worlds(lambda world, seed: laws.check_ticks(world, seed, lambda *_: None))


def check_what_stands_above() -> None:
    """t2 is cancelled as soon as t1 fails, and t3 asks for any end of t2 and what became of t0."""
    needs = ((), (), ((0, "any"), (1, "ok")), ((2, "any"),))
    when = (None, None, None, "tasks.t0.state == 'completed'")
    tasks = [Task(index, f"t{index}", "run", {}, needs[index], when=when[index]) for index in range(4)]
    conditions = (("none",), ("none",), ("none",), ("state", 0, "completed"))
    fates = (("ok",), ("signal",), ("ok",), ("ok",))
    world = Scenario(Plan("crossroads", tuple(tasks)), fates, conditions, (None,) * 4, (1,) * 4, flag=True)
    for seed in range(10):
        laws.check_nothing_starts_early(world, seed)
        check_foreseen(world, seed)


def check_replay() -> None:
    """What was lived and what is folded from the journal are one, at every moment."""
    for world, seed in WORLDS:
        driver, lived = Driver(world, random.Random(seed), crashes=True), {}
        while not driver.run.is_final:
            lived[len(driver.entries)] = laws.memory_of(driver.run)
            driver.step()
        journal = MemoryJournal()
        for at in range(0, len(driver.entries), 5):
            journal.append(driver.entries[at : at + 5])
        rows = list(journal.read())
        assert laws.memory_of(fold(rows)) == laws.memory_of(driver.run)
        for count in random.Random(seed).sample(sorted(lived), min(5, len(lived))):
            assert laws.memory_of(fold(rows[:count])) == lived[count]


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
        raise AssertionError(f"nobody noticed that the orders of row {row.seq} had changed")


def check_stale_grants() -> None:
    run = one_task()
    run.apply(OwnerChanged(1001.0, 2))
    assert run.apply(TaskAdmitted(1002.0, 0, 1, 1)) == ()


def check_requests_once() -> None:
    """An interrupt that is delivered twice is one."""
    run = one_task()
    run.apply(TaskAdmitted(1001.0, 0, 1, 1))
    interrupt = CancelRequested(1002.0, "same", None, "interrupt")
    assert run.apply(interrupt)
    assert run.apply(interrupt) == ()


def check_crash_limit() -> None:
    run = one_task()
    for number in range(1, 10):
        if run.is_final:
            break
        run.apply(TaskAdmitted(1001.0, 0, number, 1))
        run.apply(AttemptLost(1002.0, number, 1))
    assert (run.tasks[0].reason, run.tasks[0].recoveries) == ("crash_limit", 4)


def check_delays() -> None:
    """Delays grow as documented, up to their cap."""
    retry = Retry(max_attempts=9, strategy="exponential", delay=1.0, max_delay=6.0, jitter=False)
    told = [policies_module.decide_retry(retry, number, EXIT_1, 1, 0.5) for number in range(1, 6)]
    assert told == [1.0, 2.0, 4.0, 6.0, 6.0]


def check_never() -> None:
    """A filter of `never` wins, also in a run."""
    retry = Retry(max_attempts=3, strategy="immediate", on=("exit_code",), never=({"exit_code": [3]},))
    world = foreseen("exit 3")
    task = Task(0, "t0", "run", {"argv": ["x"]}, retry=retry)
    check_foreseen(Scenario(Plan("p", (task,)), (("exit 3",) * 3,), world.conditions, (None,), (1,), flag=True), 1)


def check_numbers() -> None:
    """What a journal cannot keep never gets into a run."""
    task = Task(0, "t", "run", {}, outputs=(Output("n", {"type": "number"}, "stdout"),))
    for text in ("NaN", "1e999"):
        collected = {"stdout": {"inline": text}}
        try:
            read = results_module.read_outputs(task, collected, results_module.result_view(collected, None, 1.0))
        except results_module.OutputError:
            continue
        raise AssertionError(f"{text} was read as {read}")


def check_idle() -> None:
    admission = Admission(1)
    admission.open("r")
    admission.ask("r", 0, 1, 4, 0.0)
    admission.ask("r", 1, 2, 3, 1e9)
    assert [grant.task for grant in admission.grant()] == [1]


def check_a_runs_limit() -> None:
    admission = Admission(9)
    admission.open("r", 2)
    for number in range(5):
        admission.ask("r", number, number + 1, 2, 0.0)
    assert len(admission.grant(ahead=9)) == 2


def check_timeouts() -> None:
    task = Task(0, "t0", "run", {"argv": ["x"]}, timeout=30.0)
    world = Scenario(Plan("p", (task,)), (("timeout",),), (("none",),), (None,), (1,), flag=True)
    laws.check_ticks(world, 1, lambda *_: None)


def check_stopped_intents() -> None:
    """What is cancelled after its intent was committed, and before it began, does not begin."""
    machine = Machine(foreseen(*["ok"] * 9), laws.FragileJournal(), slots=1)
    machine.host._mean = 0.001
    machine.begin()
    machine.host.step()
    ahead = {intent.tasks[0] for _, intent in machine.host._intents}
    assert ahead
    machine.host.request(Request("c", "r1", "cancel"))
    machine.drive()
    assert not {task for task, _ in machine.starts} & ahead


# -- the faults -------------------------------------------------------------------------------------


def an_end_counts_twice(patch: pytest.MonkeyPatch) -> None:
    """The time of an attempt is added up whenever its end is told."""
    real = Run._on_attempt_ended
    over: dict[tuple[int, int], int] = {}

    def adds(self: Run, event: AttemptEnded) -> None:
        attempt = self.attempts.get(event.attempt)
        if attempt is None and (id(self), event.attempt) in over:
            self.tasks[over[id(self), event.attempt]].running_s += 1.0
        real(self, event)
        if attempt is not None:
            over[id(self), event.attempt] = attempt.task

    patch.setattr(Run, "_on_attempt_ended", adds)


def requests_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    class Forgetful(set[str]):
        def add(self, request: str) -> None:
            pass

    begins = Run.__init__

    def init(self: Run) -> None:
        begins(self)
        self._requests = Forgetful()

    patch.setattr(Run, "__init__", init)


def ends_are_passed_on_too_early(patch: pytest.MonkeyPatch) -> None:
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
    patch.setattr("tests.property.plans.verify", lambda run: [])


def half_done_refusals(patch: pytest.MonkeyPatch) -> None:
    """An end is looked at only while it is being judged."""
    patch.setattr(run_module, "check_end", lambda *_, **__: None)


def grants_of_former_owners(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Run, "_on_owner_changed", lambda self, event: None)


def losses_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Whoever takes a run over does not say what was lost."""
    patch.setattr(laws, "losses", lambda run, epoch, at: resume_module.losses(run, epoch, at)[:1])


def no_end_of_crashes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(run_module, "MAX_RECOVERIES", 10**9)


def a_crash_counts_as_an_attempt(patch: pytest.MonkeyPatch) -> None:
    ask = Book._ask
    patch.setattr(
        Book, "_ask", lambda self, index, number: ask(self, index, number + (self.tasks[index].recoveries > 0))
    )


class _Anything(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def nothing_is_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resume_module, "commands_text", lambda commands: _Anything())


def nothing_is_compared_and_chance_is_ambient(patch: pytest.MonkeyPatch) -> None:
    """Without the recorded orders nobody would see it in the commands; the folded state still tells."""
    nothing_is_compared(patch)
    patch.setattr(run_module, "chance", lambda *_: random.random())


def a_batch_is_written_backwards(patch: pytest.MonkeyPatch) -> None:
    append = MemoryJournal.append
    patch.setattr(MemoryJournal, "append", lambda self, entries: append(self, [entries[0], *reversed(entries[1:])]))


def a_batch_ends_twice(patch: pytest.MonkeyPatch) -> None:
    append = MemoryJournal.append
    patch.setattr(MemoryJournal, "append", lambda self, entries: append(self, [*entries, entries[-1]]))


def orders_are_not_recorded(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory_module, "commands_text", lambda commands: "")


def delays_do_not_grow(patch: pytest.MonkeyPatch) -> None:
    delay = policies_module.retry_delay
    patch.setattr(policies_module, "retry_delay", lambda retry, attempt, draw: delay(retry, 1, draw))


def delays_have_no_cap(patch: pytest.MonkeyPatch) -> None:
    delay = policies_module.retry_delay
    patch.setattr(policies_module, "retry_delay", lambda retry, *rest: delay(retry._replace(max_delay=1e9), *rest))


def never_is_ignored(patch: pytest.MonkeyPatch) -> None:
    decide = policies_module.decide_retry
    patch.setattr(run_module, "decide_retry", lambda retry, *rest: decide(retry._replace(never=()), *rest))


def a_tolerated_failure_hurts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(run_module, "TOLERATED", status.FAILED)


def numbers_beyond_json(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(results_module, "_JSON", json.JSONDecoder())


def idle_rises(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(admission_module, "_IDLE", -1)


def no_limit_for_a_run(patch: pytest.MonkeyPatch) -> None:
    opens = Admission.open
    patch.setattr(Admission, "open", lambda self, run, limit=None: opens(self, run))


def starts_are_never_told(patch: pytest.MonkeyPatch) -> None:
    """No AttemptStarted, so no timeout."""
    patch.setattr(LocalHost, "_ripe", lambda self, now: False)
    patch.setattr(LocalHost, "_starts", lambda self, now: [])


def stopped_intents_begin(patch: pytest.MonkeyPatch) -> None:
    stop = LocalHost._stop

    def forgets(self: LocalHost, run: str, command: Any) -> None:
        intents = self._intents.copy()
        stop(self, run, command)
        self._intents = intents

    patch.setattr(LocalHost, "_stop", forgets)


CAUGHT = [
    (an_end_counts_twice, check_said_twice),
    (requests_are_forgotten, check_requests_once),
    (ends_are_passed_on_too_early, check_what_stands_above),
    (half_done_refusals, check_any_fact),
    (grants_of_former_owners, check_stale_grants),
    (losses_are_forgotten, check_deaths),
    (no_end_of_crashes, check_crash_limit),
    (a_crash_counts_as_an_attempt, check_deaths),
    (nothing_is_compared, check_tampering),
    (nothing_is_compared_and_chance_is_ambient, check_replay),
    (a_batch_is_written_backwards, check_replay),
    (a_batch_ends_twice, check_replay),
    (orders_are_not_recorded, check_replay),
    (delays_do_not_grow, check_delays),
    (delays_have_no_cap, check_delays),
    (never_is_ignored, check_never),
    (a_tolerated_failure_hurts, check_the_end),
    (numbers_beyond_json, check_numbers),
    (idle_rises, check_idle),
    (no_limit_for_a_run, check_a_runs_limit),
    (starts_are_never_told, check_timeouts),
    (stopped_intents_begin, check_stopped_intents),
]


@pytest.mark.parametrize("check", sorted({check for _, check in CAUGHT}, key=lambda check: check.__name__))
def test_the_checks_pass_without_a_fault(check):
    check()


def test_the_host_is_sound_in_many_worlds():
    check_the_host()


@pytest.mark.parametrize(
    ("fault", "check"), CAUGHT, ids=[f"{fault.__name__}-{check.__name__}" for fault, check in CAUGHT]
)
def test_a_planted_fault_is_caught(fault, check, monkeypatch):
    fault(monkeypatch)
    with pytest.raises((AssertionError, JournalMismatch, JournalDamaged)):
        check()

"""The laws of the core under facts forged, garbled, reordered and said twice, and a host that dies at any commit."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.plans import FINAL, Driver, Scenario, beginning, deep, ends_of, expected, scenarios
from unspool.core.admission import Admission
from unspool.core.run import Run
from unspool.core.verify import verify
from unspool.errors import IllegalEvent, JournalError
from unspool.host import local as local_module
from unspool.host.clock import VirtualClock
from unspool.host.local import LocalHost
from unspool.host.resume import fold, losses
from unspool.host.simulate import Stub, StubKind, VirtualReactor
from unspool.journal.memory import MemoryJournal
from unspool.model.commands import StartAttempt
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    OwnerChanged,
    TaskAdmitted,
    TimerFired,
)

SEEDS = st.integers(0, 2**32)
ANYWHERE = scenarios(8, abort=True)
SCRATCH = ("_out", "moves", "_at")  # of the last event only; everything else counts


def memory_of(run: Run) -> Any:
    """Take down everything that a run remembers, its plan and its context too."""
    return deep({name: value for name, value in vars(run).items() if name not in SCRATCH})


# -- facts that nobody in his right mind tells ------------------------------------------------------


def forged(run: Run, chance: random.Random) -> Any:
    """Make up a fact, mostly about what is really going on."""
    number = chance.choice([*run.attempts, *run.attempts, -1, 0, 1, 10**6])
    attempt = run.attempts.get(number)
    token = attempt.token if attempt and chance.random() < 0.8 else chance.randrange(4)
    task = attempt.task if attempt and chance.random() < 0.8 else chance.randrange(-2, 9)
    at = chance.choice((0.0, 1000.5, 2000.0))
    match chance.randrange(9):
        case 0:
            return TaskAdmitted(at, task, number, max(token, run.epoch))
        case 1:
            return AttemptStarted(at, number, token, chance.choice((None, {"pid": 1})))
        case 2 | 3 | 4:
            return AttemptEnded(at, number, token, chance.choice((None, at)), _error(chance), _result(chance))
        case 5:
            return AttemptLost(at, number, token)
        case 6:
            kind = chance.choice(("timeout:", "grace:", "retry:", "", "other:"))
            return TimerFired(at, chance.choice([*run.timers, f"{kind}{number}", f"{kind}{number}.1"]))
        case 7:
            return chance.choice(
                (OwnerChanged(at, run.epoch + chance.randrange(-2, 2)), 3, None, ("AttemptLost", at, 1, 1))
            )
        case _:
            by = chance.choice(("person", "interrupt"))
            wanted = chance.choice((task, task, task, None))
            return CancelRequested(at, f"c{chance.randrange(6)}", wanted, by)


def _error(chance: random.Random) -> Any:
    classes = (
        "exit_code",
        "signal",
        "spawn_failed",
        "timeout",
        "auth",
        "expression_error",
        "crash_limit",
        "made up",
        "",
    )
    good = {"class": chance.choice(classes), "message": "m"}
    return chance.choice(
        (None, None, good, good, good, {}, {"message": "m"}, {"class": None}, {"class": ["exit_code"]})
    )


def _result(chance: random.Random) -> Any:
    texts = ("3\n", "NaN", "1e999", "[" * 4000, "", '{"a": [1]}', "\ud800", "true", "9" * 5000)
    value = {"inline": chance.choice(texts)}
    large = {"ref": "ab", "size": 10**9, "head": "x"}
    part = chance.choice((value, value, value, large, None, {}, {"ref": "ab"}, "text", 3))
    full = {"exit_code": chance.choice((0, 1, None, "0")), "stdout": part}
    odd = {"output": {"n": part}, "outputs": {"m": part}, "value": part, "stderr": part}
    return chance.choice(
        (None, {}, full, full, full | odd, odd, {"output_error": "bad"}, {"output": 3}, {"outputs": []})
    )


def check_total(world: Scenario, seed: int) -> int:
    """Any fact gives orders or a refusal that changes nothing, and the run goes on to its end. Counts refusals."""
    chance = random.Random(seed)
    driver = Driver(world, random.Random(seed))
    refused = 0
    for _ in range(300):
        if driver.run.is_final:
            break
        if chance.random() < 0.3:
            driver.step()
        else:
            refused += not _accepts(driver, forged(driver.run, chance))
    driver.finish()
    for _ in range(5):
        _accepts(driver, forged(driver.run, chance))
    assert all(task.state in FINAL for task in driver.run.tasks)
    return refused


def _accepts(driver: Driver, event: Any) -> bool:
    before = memory_of(driver.run)
    try:
        commands = driver.run.apply(event)
    except IllegalEvent as problem:
        assert memory_of(driver.run) == before, f"{event} was refused ({problem}) and left something behind"
        return False
    except Exception as problem:
        raise AssertionError(f"{event} was neither taken nor refused: {problem!r}") from problem
    assert isinstance(commands, tuple)
    assert verify(driver.run) == [], event
    return True


@given(ANYWHERE, SEEDS)
@settings(max_examples=300)
def test_law_2_any_fact_in_any_state(world, seed):
    check_total(world, seed)


def test_the_forger_is_refused_and_believed():
    from tests.property.plans import scenario

    refused = [check_total(scenario(6, seed, abort=True), seed) for seed in range(20)]
    assert sum(refused) > 50


# -- facts in the wrong order, or more than once ----------------------------------------------------


@given(ANYWHERE, SEEDS)
@settings(max_examples=150)
def test_a_history_in_any_order_and_twice_leaves_a_run_that_can_end(world, seed):
    chance = random.Random(seed)
    history = [entry.event for entry in _lived(world, seed).entries[1:]]
    shuffled = chance.sample(history * 2, len(history) * 2)
    driver = Driver(world, chance)
    for event in shuffled:
        _accepts(driver, event)
    driver.finish()


def check_idempotent_in_depth(world: Scenario, seed: int) -> None:
    """Any fact of the past, said again at any later moment, changes nothing at all."""
    lived, chance = _lived(world, seed), random.Random(seed)
    run, said = Run(), []
    for entry in lived.entries:
        run.apply(entry.event)
        said.append(entry.event)
        before = memory_of(run)
        for event in {id(event): event for event in (entry.event, *chance.choices(said, k=3))}.values():
            assert run.apply(event) == (), event
        assert memory_of(run) == before


@given(ANYWHERE, SEEDS)
@settings(max_examples=150)
def test_law_3_idempotent_in_depth(world, seed):
    check_idempotent_in_depth(world, seed)


def _lived(world: Scenario, seed: int) -> Driver:
    """Live through a scenario with crashes and cancels."""
    chance = random.Random(seed)
    driver = Driver(world, chance, crashes=True)
    while not driver.run.is_final:
        if chance.random() < 0.06:
            task = chance.choice((None, None, *range(len(driver.run.tasks))))
            driver.say(
                CancelRequested(driver.at, f"c{len(driver.entries)}", task, chance.choice(("person", "interrupt")))
            )
        else:
            driver.step()
    return driver


# -- what stands above a task -----------------------------------------------------------------------


def check_nothing_starts_early(world: Scenario, seed: int) -> None:
    """When a task leaves `created` to run, everything above it is final and stays as it is."""
    above: list[set[int]] = []
    for task in world.plan.tasks:
        above.append({need for need, _ in task.needs}.union(*(above[need] for need, _ in task.needs)))
    driver = Driver(world, random.Random(seed), crashes=True)
    ready = driver.run.moves
    while not driver.run.is_final:
        for index, state, _ in ready:
            if state == "ready":
                early = [need for need in above[index] if driver.run.tasks[need].state not in FINAL]
                assert not early, f"t{index} starts before {early}"
        driver.step()
        ready = driver.run.moves


@given(scenarios(), SEEDS)
@settings(max_examples=200)
def test_nothing_starts_before_all_above_it_is_final(world, seed):
    check_nothing_starts_early(world, seed)


# -- a host that dies at any commit -----------------------------------------------------------------


class Dies(JournalError):
    """The machine stops in the middle of a commit."""


class FragileJournal(MemoryJournal):
    """Takes so many commits; the one after them kills the host, before or after it is durable."""

    def __init__(self) -> None:
        super().__init__()
        self.commits = 0
        self.dies_at: int | None = None
        self.survives = False  # whether the deadly commit is durable

    def append(self, entries: Any) -> int:
        self.commits += 1
        if self.commits == self.dies_at:
            if self.survives:
                super().append(entries)
            raise Dies("the machine stops")
        return super().append(entries)


class Machine:
    """The real local host over a journal that may die, in virtual time; attempts end by their fates."""

    def __init__(
        self, world: Scenario, journal: FragileJournal, slots: int = 2, start: float = 1_700_000_000.0
    ) -> None:
        self.world = world
        self.journal = journal
        self.clock = VirtualClock(start)
        self.reactor = VirtualReactor(self.clock)
        self.kind = StubKind(self.reactor, self._stub)
        self.host = LocalHost(journal, {"run": self.kind}, self.reactor, self.clock, slots)
        self.starts: list[tuple[int, int]] = []  # task and number of what began, in order
        start_one = self.kind.start

        def start(spec: Any, sink: Any) -> Any:
            told = [row.commands for row in journal.read("r1")]
            assert any(f"start:{spec.task.index}:{spec.attempt}" in text for text in told), "begun before its commit"
            self.starts.append((spec.task.index, spec.number))
            return start_one(spec, sink)

        self.kind.start = start  # type: ignore[method-assign]

    def _stub(self, spec: Any) -> Stub:
        fate = self.world.fate(spec.task.index, spec.number)
        seconds = random.Random(f"{spec.task.index}/{spec.number}").choice((0.001, 0.02, 3.0))
        if fate == "refused":
            return Stub(refuses="no such program")
        if fate == "timeout":
            return Stub(1e6, stubborn=spec.number % 2 == 0)
        text = "no number" if fate == "garbled" else f"{self.world.values[spec.task.index]}\n"
        code = int(fate[5:]) if fate.startswith("exit") else 143 if fate == "signal" else 0
        error = {"class": "signal" if fate == "signal" else "exit_code", "message": fate} if code else None
        return Stub(seconds, {"exit_code": code, "stdout": {"inline": text}}, error)

    def begin(self) -> None:
        self.host.begin(beginning(self.world)._replace(at=self.clock.now()))

    def take_over(self) -> None:
        """Take the run up again as another process does."""
        run = fold(self.journal.read("r1"))
        self.journal.epoch += 1
        self.host.open(run)
        for event in losses(run, self.journal.epoch, self.clock.now()):
            self.host.put("r1", event, urgent=True)

    def drive(self) -> Run:
        self.host.step()
        for _ in range(3000):
            run = self.host.runs["r1"]
            if run.is_final and not self.host._inbox:
                return run
            patience = self.host._patience()
            assert patience is not None or self.reactor._due, "the host waits for nothing"
            self.reactor.wait(patience)
            self.clock.advance(1e-6)  # as it does in life: what is due now, but for a rounding, is due soon
            self.host.step()
        raise AssertionError("the run does not end")


def check_a_death_changes_nothing(world: Scenario, seed: int, deaths: int = 2) -> None:
    """A run that was killed at any commits ends as one that was not; nothing committed as final runs again."""
    chance = random.Random(seed)
    journal = FragileJournal()
    machine = Machine(world, journal)
    journal.dies_at = chance.randint(2, 8)
    machine.begin()
    over: set[int] = set()
    for death in range(deaths + 1):
        before = over
        try:
            machine.drive()
            dead = False
        except Dies:
            dead = True
        assert not {task for task, _ in machine.starts} & before, "a task that was over ran again"
        run = fold(journal.read("r1"))
        over = {task.index for task in run.tasks if task.state in FINAL}
        if not dead or run.is_final:
            break
        machine = Machine(world, journal, start=machine.clock.now() + 60.0)
        journal.survives = chance.random() < 0.5
        journal.dies_at = journal.commits + chance.randint(1, 6) if death < deaths - 1 else None
        machine.take_over()
    assert ends_of(run) == expected(world)
    assert memory_of(fold(journal.read("r1"))) == memory_of(run)


@given(scenarios(7), SEEDS)
@settings(max_examples=150)
def test_law_4_a_host_that_dies_at_any_commit_changes_nothing(world, seed):
    check_a_death_changes_nothing(world, seed)


# -- ticks ------------------------------------------------------------------------------------------


def check_ticks(world: Scenario, seed: int, patch: Any) -> None:
    """However facts are grouped into commits, and however many slots there are: one end, and a sound journal."""
    chance = random.Random(seed)
    patch(local_module, "LINGER", chance.choice((0.0, 0.01, 2.0)))
    patch(local_module, "BATCH", chance.choice((1, 3, 64)))
    patch(local_module, "AHEAD_MOST", chance.choice((0, 4, 64)))
    patch(local_module, "AHEAD_HORIZON", chance.choice((0.0, 0.03, 100.0)))
    journal = FragileJournal()
    machine = Machine(world, journal, chance.randint(1, 4))
    machine.begin()
    run = machine.drive()
    assert ends_of(run) == expected(world)
    assert memory_of(fold(journal.read("r1"))) == memory_of(run)
    assert machine.host.admission.free == machine.host.admission.slots
    ordered = sum(isinstance(command, StartAttempt) for row in [*_commands(journal)] for command in row)
    refused = sum(fate == "refused" for index, number in machine.starts for fate in [world.fate(index, number)])
    assert len(machine.starts) == ordered, "what was ordered began once"
    assert len(machine.kind.started) == ordered - refused


def _commands(journal: MemoryJournal) -> list[tuple[Any, ...]]:
    run = Run()
    return [run.apply(row.event) for row in journal.read("r1")]


def test_ticks_do_not_change_the_end(monkeypatch):
    @given(scenarios(8), SEEDS)
    @settings(max_examples=150)
    def in_any_groups(world, seed):
        check_ticks(world, seed, monkeypatch.setattr)

    in_any_groups()


# -- cost -------------------------------------------------------------------------------------------


def whole_run(needs: list[tuple[int, ...]], first: str = "ok") -> int:
    """Count what all events of a run cost together; the first task ends as told, all others well."""
    from tests.property.test_cost import build, operations

    run = build(needs)

    def live() -> None:
        while run.attempts:
            number, attempt = next(iter(run.attempts.items()))
            run.apply(TaskAdmitted(1001.0, attempt.task, number, 1))
            error = {"class": "signal", "message": "m"} if attempt.task == 0 and first != "ok" else None
            run.apply(AttemptEnded(1002.0, number, 1, 1001.5, error))

    count = operations(live)
    assert run.is_final
    return count


def test_a_whole_run_costs_in_proportion_to_its_tasks_and_edges():
    from tests.property.test_cost import chain, fan_in, layered, wide

    for shape in (wide, chain, layered, fan_in):
        for first in ("ok", "fails"):
            small, large = whole_run(shape(400), first), whole_run(shape(800), first)
            assert large <= 2.1 * small + 200, (shape.__name__, first, small, large)


def test_a_fan_out_of_cancels_that_meet_again_is_told_once_for_each_edge():
    """A ladder of diamonds has 2^n ways through it."""

    def ladder(rungs: int) -> list[tuple[int, ...]]:
        needs: list[tuple[int, ...]] = [()]
        for _ in range(rungs):
            top = len(needs) - 1
            needs += [(top,), (top,), (top + 1, top + 2)]
        return needs

    small, large = whole_run(ladder(100), "fails"), whole_run(ladder(200), "fails")
    assert large <= 2.1 * small


class Counted(float):
    """A moment that counts how often it is compared."""

    compared = 0
    __slots__ = ()
    __hash__ = float.__hash__

    def __add__(self, other: float) -> Counted:
        return Counted(float(self) + other)

    def __lt__(self, other: float) -> bool:
        Counted.compared += 1
        return float(self) < float(other)

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return float(self) == other


def test_a_grant_compares_as_often_as_the_heap_is_high():
    counts = []
    for waiting in (1_000, 32_000):
        admission = Admission(10**6)
        admission.open("r")
        moments = random.Random(waiting).sample(range(10 * waiting), waiting)
        Counted.compared = 0
        for attempt, moment in enumerate(moments):
            admission.ask("r", attempt, attempt, 2, Counted(moment))
        asked = Counted.compared
        Counted.compared = 0
        admission.slots = 100
        assert len(admission.grant()) == 100
        counts.append((asked / waiting, Counted.compared / 100))
    (ask_small, grant_small), (ask_large, grant_large) = counts
    assert ask_large <= ask_small + 10
    assert grant_large <= grant_small + 30, "32 times as many: five levels more, a few comparisons each"
    assert grant_large < 200

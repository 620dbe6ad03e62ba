"""A driver that lives through a scenario in any order, and what is to be seen of a run."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.property.worlds import OVERDUE, REFUSED, Scenario, ending, started
from unspool.core.admission import Admission
from unspool.core.limits import RUN_TIMER
from unspool.core.run import Run
from unspool.core.state import Attempt
from unspool.core.verify import verify
from unspool.model.commands import (
    CancelTimer,
    Command,
    ReleaseAdmission,
    RequestAdmission,
    SetTimer,
    WithdrawRequest,
)
from unspool.model.entry import Entry
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    CancelRequested,
    Event,
    OwnerChanged,
    TaskAdmitted,
    TimerFired,
)

LOSSES = 3  # how often an attempt may be lost before its task fails


class Driver:
    """Lets what is outstanding in a run happen, one thing at a time, in any order that chance likes.

    What is outstanding is known from the orders (`places`, `timers`) and from the books of the run, and both must
    agree. With `slots` attempts are admitted as `Admission` grants, without in any order. With `crashes` the engine
    dies at times, or loses an attempt, never more often than a task survives.
    """

    def __init__(
        self, world: Scenario, chance: random.Random, *, crashes: bool = False, slots: int | None = None
    ) -> None:
        self.world = world
        self.chance = chance
        self.crashes = crashes
        self.admission = Admission(slots or 10**6)
        self.admission.open("r1", world.plan.concurrency, world.plan.resources)
        self.in_turn = slots is not None
        self.at = 1000.0
        self.run = Run()
        self.entries: list[Entry] = []
        self.places: set[int] = set()  # attempts that were asked for and are not over
        self.timers: dict[str, float] = {}
        self.say(started(world.plan, flag=world.flag))

    def say(self, event: Event) -> tuple[Command, ...]:
        """Tell the run a fact, keep it with the orders that follow, and hold them against the books."""
        commands = self.run.apply(event)
        self.entries.append(Entry("r1", event, commands))
        if isinstance(event, TimerFired):
            self.timers.pop(event.timer, None)
        for command in commands:
            self._obey(command)
        problems = verify(self.run)
        assert not problems, problems
        assert self.places == set(self.run.attempts), "orders and books disagree about the attempts"
        assert self.timers == self.run.timers, "orders and books disagree about the timers"
        return commands

    def _obey(self, command: Command) -> None:
        match command:
            case RequestAdmission():
                self.places.add(command.attempt)
                uses = self.run.nodes[command.task].uses
                self.admission.ask("r1", command.task, command.attempt, command.priority, self.at, uses)
            case WithdrawRequest():
                self.places.discard(command.attempt)
                self.admission.withdraw("r1", command.attempt)
            case ReleaseAdmission():
                self.places.discard(command.attempt)
                self.admission.release("r1", command.attempt, self.at, command.outcome)
            case SetTimer():
                self.timers[command.timer] = command.due
            case CancelTimer():
                self.timers.pop(command.timer, None)

    def finish(self) -> Run:
        for _ in range(2000):
            if self.run.is_final:
                return self.run
            self.step()
        raise AssertionError("the run does not end")

    def step(self) -> None:
        """Let one outstanding thing happen."""
        self.at += self.chance.random()
        if self.crashes and self.chance.random() < 0.05:
            self._lose()
        elif RUN_TIMER in self.run.timers and self.chance.random() < 0.02:
            self._fire(RUN_TIMER)
        elif not (self.in_turn and self._admit()):
            self._go_on()

    def cancel(self) -> None:
        """Let a person or an interrupt cancel the run or a task."""
        task = self.chance.choice((None, None, *range(len(self.run.tasks))))
        request = f"c{len(self.entries)}"
        self.say(CancelRequested(self.at, request, task, self.chance.choice(("person", "interrupt"))))

    def _admit(self) -> bool:
        grants = self.admission.grant(self.at)
        for grant in grants:
            self.say(TaskAdmitted(self.at, grant.task, grant.attempt, self.run.epoch, grant.leases))
        return bool(grants)

    def _go_on(self) -> None:
        attempts = [item for item in self.run.attempts.items() if item[1].admitted or not self.in_turn]
        timers = [timer for timer in self.run.timers if not timer.startswith((*OVERDUE.values(), "run:"))]
        if not attempts and not timers:
            due = self.admission.due(self.at)
            assert due is not None, "nothing is outstanding, and the run is not final"
            self.at = max(self.at, due)
            assert self._admit(), "what was due could not go"
            return
        what = self.chance.choice([*attempts, *timers])
        if isinstance(what, str):
            self._fire(what)
        else:
            self._move_on(*what)

    def _fire(self, timer: str) -> None:
        self.at = max(self.at, self.run.timers[timer])
        self.say(TimerFired(self.at, timer))

    def _move_on(self, number: int, attempt: Attempt) -> None:
        fate = self.world.fate(attempt.task, attempt.number)
        if not attempt.admitted:
            self.say(TaskAdmitted(self.at, attempt.task, number, self.run.epoch))
        elif attempt.stop is None and attempt.started_at is None and fate != "refused" and self.chance.random() < 0.6:
            self.say(AttemptStarted(self.at, number, attempt.token, {"pid": number}))
        elif self._is_reusable(attempt) and self.chance.random() < 0.4:
            _, result = ending(self.chance.choice(("ok", "ok", "exit 3", "garbled")), self.world.values[attempt.task])
            self.say(AttemptEnded(self.at, number, attempt.token, None, None, {**result, "duration": 3.0}, cached=True))
        elif fate in OVERDUE and attempt.stop is None:
            self._time_out(number, attempt, OVERDUE[fate])
        else:
            self.say(self._end(number, attempt, fate))

    def _is_reusable(self, attempt: Attempt) -> bool:
        """Whether the cache may answer: as a host asks it, only before anything began, and not after a bad answer."""
        task = self.run.nodes[attempt.task]
        return task.cache is not None and attempt.started_at is None and not self.run.tasks[attempt.task].fresh

    def _time_out(self, number: int, attempt: Attempt, timer: str) -> None:
        if attempt.started_at is None:
            self.say(AttemptStarted(self.at, number, attempt.token))
        else:
            self._fire(f"{timer}{number}")

    def _end(self, number: int, attempt: Attempt, fate: str) -> AttemptEnded:
        if fate == "refused" or (attempt.stop is not None and attempt.started_at is None):
            return AttemptEnded(self.at, number, attempt.token, None, REFUSED)
        error, result = ending(fate, self.world.values[attempt.task])
        began = attempt.started_at if attempt.started_at is not None else self.at - 0.2
        return AttemptEnded(self.at, number, attempt.token, began, error, None if fate in OVERDUE else result)

    def _lose(self) -> None:
        """Lose everything to a new owner, or one attempt to a mishap."""
        at_work = [(number, attempt) for number, attempt in self.run.attempts.items() if attempt.admitted]
        if any(self.run.tasks[attempt.task].recoveries >= LOSSES for _, attempt in at_work):
            return
        if self.chance.random() < 0.3:
            at_work = at_work[:1]
        else:
            self.say(OwnerChanged(self.at, self.run.epoch + 1))
        for number, attempt in at_work:
            self.say(AttemptLost(self.at, number, attempt.token))


def living(world: Scenario, seed: int) -> Iterator[Driver]:
    """Live through a scenario with crashes, cancels and any number of slots; give the driver after each step."""
    chance = random.Random(seed)
    driver = Driver(world, chance, crashes=True, slots=chance.choice((None, None, 1, 2, 3)))
    yield driver
    for _ in range(2000):
        if driver.run.is_final:
            return
        if chance.random() < 0.06:
            driver.cancel()
        else:
            driver.step()
        yield driver
    raise AssertionError("the run does not end")


def lived(world: Scenario, seed: int) -> Driver:
    """Live through a scenario to its end."""
    *_, driver = living(world, seed)
    return driver


def lacking(admission: Admission) -> list[str]:
    """Name the pools that are not as full as they were, or whose breaker waits for somebody who has gone."""
    pools = admission._pools.values()
    return [
        pool.name
        for pool in pools
        if pool.free != pool.size
        or (pool.items is not None and len(pool.items) != pool.size)
        or (pool.circuit is not None and pool.circuit.moment() == math.inf)
    ]


# -- what is looked at ------------------------------------------------------------------------------

End = tuple[str, str | None, int]  # state, reason, attempts
_SCRATCH = ("_out", "moves", "_at")  # of the last event only; everything else counts


def ends_of(run: Run) -> tuple[list[End], str]:
    return [(task.state, task.reason, task.attempts) for task in run.tasks], run.state


def snapshot(run: Run) -> Any:
    """Take down everything that a run remembers, its plan and its context too."""
    return _deep({name: value for name, value in vars(run).items() if name not in _SCRATCH}, set())


def _deep(value: Any, inside: set[int]) -> Any:
    """Take down all that an object holds, to any depth, as plain values; nothing is left out."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if id(value) in inside:
        return "..."
    inside.add(id(value))
    if isinstance(value, dict):
        held = [(key, _deep(item, inside)) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        held = [_deep(item, inside) for item in value]
    else:
        held = [type(value).__name__, *(_deep(getattr(value, name), inside) for name in _slots(type(value)))]
        held += [_deep(vars(value), inside)] if hasattr(value, "__dict__") else []
    inside.remove(id(value))
    return held


@cache
def _slots(kind: type) -> list[str]:
    return [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]

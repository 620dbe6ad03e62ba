"""Lives through a random document in any order, with crashes, cancels and late timers, and looks at each step."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.property.documents import Grown
from tests.property.driver import lacking, snapshot
from unspool.core.admission import Admission
from unspool.core.run import Run
from unspool.core.state import Attempt, Family
from unspool.core.verify import verify
from unspool.errors import IllegalEvent
from unspool.model.commands import (
    CancelTimer,
    Command,
    FinishRun,
    ReleaseAdmission,
    RequestAdmission,
    SetTimer,
    StartAttempt,
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
    PersonDecided,
    RunStarted,
    TaskAdmitted,
    TimerFired,
)
from unspool.model.plan_json import plan_to_json
from unspool.model.status import CANCELLING, COMPLETED, CREATED, FINAL_STATES, FINISHING, WAITING_FOR_PERSON

_LATE = ("timeout", "idle", "span", "approval", "run")  # kinds of timers that fire only where somebody is late
_SIGNAL = {"class": "signal", "message": "stopped"}
_NOBODY = Family()


class Life:
    """Lets what is outstanding in a run happen, one thing at a time, as chance likes.

    A `quiet` life has no crash, no cancel and nobody who is late, and ends alike in whatever order.
    """

    def __init__(self, world: Grown, seed: int, *, quiet: bool = False) -> None:
        self.world = world
        self.quiet = quiet
        self.chance = random.Random(seed)
        self.at = 1000.0
        self.run = Run()
        self.entries: list[Entry] = []
        self.places: set[int] = set()  # attempts that were asked for and are not over
        self.timers: dict[str, float] = {}
        self.undone: list[tuple[int, int]] = []  # by whose failure, and what, in the order in which that began
        self.verdict: tuple[str, str | None] | None = None
        self.admission = Admission(self.chance.choice((1, 2, 3, 100)))
        self.admission.open("r1", world.plan.concurrency, world.plan.resources)
        given = {name: schema["default"] for name, schema in world.plan.inputs.items()}
        self.say(RunStarted(self.at, "r1", plan_to_json(world.plan), given, seed, {"engine": "0"}, "/p"))

    # -- facts --------------------------------------------------------------------------------------

    def say(self, event: Event) -> tuple[Command, ...]:
        """Tell the run a fact, and look at everything that a fact must leave in order."""
        known = len(self.run.nodes)
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
        assert self.run.apply(event) == (), "a repeated fact did something"
        self._look_at_growth(known)
        self._look_at_verdict(commands)
        self._look_at_crowds()
        return commands

    def _obey(self, command: Command) -> None:
        match command:
            case RequestAdmission():
                self.places.add(command.attempt)
                if command.attempt in self.run.attempts:  # else it was asked for and withdrawn by one fact
                    self._may_begin(command.task)
                uses = self.run.nodes[command.task].uses
                self.admission.ask("r1", command.task, command.attempt, command.priority, self.at, uses)
            case StartAttempt():
                self._may_begin(command.tasks[0])
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

    # -- what is looked at --------------------------------------------------------------------------

    def _may_begin(self, index: int) -> None:
        node, family = self.run.nodes[index], self.run.tasks[index].family or _NOBODY
        over = self.run.completed_at is not None and self.run.state != FINISHING
        if node.closing and family.undoes < 0:
            assert self.run.state == FINISHING or over, f"{node.id} of `finally` begins before the verdict"
        elif family.undoes < 0:
            assert self.run.state == "running", f"{node.id} begins in a run that is {self.run.state}"
        else:
            assert node.closing or self.run.state in ("running", CANCELLING), f"{node.id} undoes after the verdict"

    def _look_at_growth(self, known: int) -> None:
        for node in self.run.nodes[known:]:
            family = self.run.tasks[node.index].family
            if family is not None and family.undoes >= 0 and not node.template:
                rollback = next((each for each in self.run.rollbacks if each.current == node.index), None)
                if rollback is not None:
                    self._look_at_undoing(rollback.cause, family.undoes, again=rollback.retries)

    def _look_at_undoing(self, cause: int, target: int, *, again: bool) -> None:
        task = self.run.tasks[target]
        if cause == target:
            assert task.state in ("failed", "queued"), "what is undone has not failed"
        else:
            assert task.state == COMPLETED, "what is undone has not completed"
        if again:
            return
        assert target not in {done for _, done in self.undone}, f"{self.run.nodes[target].id} is undone twice"
        before = [done for by, done in self.undone if by == cause and done != cause]
        if before:
            last = self.run.tasks[before[-1]].completed_at
            assert cause != target, "what failed is undone last"
            assert (last, before[-1]) > (task.completed_at, target), "not newest first"
        self.undone.append((cause, target))

    def _look_at_verdict(self, commands: tuple[Command, ...]) -> None:
        run = self.run
        if run.state == FINISHING and self.verdict is None:
            self.verdict = (run._verdict, run.reason)
        for command in commands:
            if isinstance(command, FinishRun):
                state, reason = self.verdict or (command.state, command.reason)
                assert command.state == state, "`finally` changed the verdict"
                assert command.reason == reason or (reason is None and command.reason == "finally_failed")

    def _look_at_crowds(self) -> None:
        """No more instances are on their way than may be."""
        for node in self.run.nodes:
            family = self.run.tasks[node.index].family
            if node.fan_out is None or node.fan_out.max_parallel is None or family is None:
                continue
            live = [last for last in family.instances if self._is_on_its_way(node, last)]
            assert len(live) <= node.fan_out.max_parallel, f"too many instances of {node.id} are on their way"

    def _is_on_its_way(self, parent: Any, last: int) -> bool:
        run = self.run
        if run.tasks[last].state in FINAL_STATES:
            return False
        return any(run.tasks[each].state not in (CREATED, *FINAL_STATES) for each in run._nodes_of(parent, last))

    # -- moves --------------------------------------------------------------------------------------

    def live(self, most: int = 4000) -> Iterator[None]:
        """Go on to the end, a step at a time."""
        for _ in range(most):
            if self.run.is_final:
                self._look_at_the_end()
                return
            self.step()
            yield
        raise AssertionError("the run does not end")

    def finish(self) -> Run:
        """Go on to the end."""
        for _ in self.live():
            pass
        return self.run

    def step(self) -> None:
        """Let one thing happen."""
        self.at += self.chance.random()
        draw = 1.0 if self.quiet else self.chance.random()
        if draw < 0.02:
            self.crash()
        elif draw < 0.04:
            self.cancel()
        elif draw < 0.06 and (late := [timer for timer in self.run.timers if timer.startswith(_LATE)]):
            self._fire(self.chance.choice(late))
        elif not self._admit():
            self._go_on()

    def cancel(self) -> None:
        """Let a person or an interrupt cancel the run, or some task of it; often twice."""
        tasks = [node.index for node in self.run.nodes if not node.template]
        task = self.chance.choice((None, *self.chance.sample(tasks, min(len(tasks), 3))))
        by = self.chance.choice(("person", "interrupt"))
        for turn in range(self.chance.choice((1, 1, 2))):
            self.say(CancelRequested(self.at, f"c{len(self.entries)}.{turn}", task, by))

    def crash(self) -> None:
        """Let the engine die, or one attempt be lost."""
        self.say(OwnerChanged(self.at, self.run.epoch + 1))
        for number, attempt in sorted(self.run.attempts.items()):
            if attempt.admitted:
                self.say(AttemptLost(self.at, number, attempt.token))

    def _admit(self) -> bool:
        grants = self.admission.grant(self.at)
        for grant in grants:
            if grant.attempt in self.run.attempts:
                self.say(TaskAdmitted(self.at, grant.task, grant.attempt, self.run.epoch, grant.leases))
            else:  # it was admitted and ended by somebody who made that up
                self.admission.release("r1", grant.attempt, self.at)
        return bool(grants)

    def _go_on(self) -> None:
        moves = self._moves()
        if not moves:
            due = self.admission.due(self.at)
            assert due is not None, "nothing is outstanding, and the run is not final"
            self.at = max(self.at, due)
            assert self._admit(), "what was due could not go"
            return
        self.chance.choice(moves)()

    def _moves(self) -> list[Callable[[], Any]]:
        run = self.run
        moves: list[Callable[[], Any]] = [
            partial(self._move_on, number, attempt) for number, attempt in run.attempts.items() if attempt.admitted
        ]
        moves += [partial(self._fire, timer) for timer in run.timers if not timer.startswith(_LATE)]
        for node, task in zip(run.nodes, run.tasks, strict=True):
            if task.reason == WAITING_FOR_PERSON:
                moves.append(partial(self._decide, node.index))
        return moves

    def _decide(self, index: int) -> None:
        approved = self.world.approves(self.run.nodes[index].id)
        self.say(PersonDecided(self.at, f"p{len(self.entries)}", index, approved, "ann", None))

    def _fire(self, timer: str) -> None:
        self.at = max(self.at, self.run.timers[timer])
        self.say(TimerFired(self.at, timer))

    def _move_on(self, number: int, attempt: Attempt) -> None:
        if attempt.started_at is None and attempt.stop is None and self.chance.random() < 0.6:
            self.say(AttemptStarted(self.at, number, attempt.token, {"pid": number}))
            return
        began = self.at if attempt.started_at is None else attempt.started_at
        if attempt.stop is not None or attempt.forced:
            self.say(AttemptEnded(self.at, number, attempt.token, attempt.started_at, _SIGNAL, {"exit_code": None}))
            return
        fate = self.world.fate(self.run.nodes[attempt.task].id, attempt.number)
        if isinstance(fate, dict):
            self.say(AttemptEnded(self.at, number, attempt.token, began, fate, {"exit_code": 1}))
        else:
            result = {"exit_code": 0, "stdout": {"inline": fate}}
            self.say(AttemptEnded(self.at, number, attempt.token, began, None, result))

    # -- the end ------------------------------------------------------------------------------------

    def _look_at_the_end(self) -> None:
        run = self.run
        shown = [(node, task) for node, task in zip(run.nodes, run.tasks, strict=True) if not node.template]
        assert [node.id for node, task in shown if task.state not in FINAL_STATES] == [], "not final at the end"
        unsaid = [node.id for node, task in shown if task.state != COMPLETED and not task.reason]
        assert unsaid == [], f"final without a reason: {unsaid}"
        names = Counter(node.id for node, _ in shown)
        assert [name for name, count in names.items() if count > 1] == [], "two tasks have one name"
        assert not run.attempts, "attempts are left"
        assert not run.timers, "timers are left"
        assert not run.rollbacks, "rollbacks are left"
        assert (self.admission.free, self.admission.waiting) == (self.admission.slots, 0), "a place was not given back"
        assert lacking(self.admission) == [], "a resource was not given back"

    def ends(self) -> dict[str, tuple[str, str | None]]:
        """Give state and reason of every task that people see."""
        pairs = zip(self.run.nodes, self.run.tasks, strict=True)
        return {node.id: (task.state, task.reason) for node, task in pairs if node.is_shown}


def replayed(life: Life) -> Run:
    """Fold what was lived through; each fact must give the same orders again, and all of them the same state."""
    again = Run()
    for entry in life.entries:
        assert again.apply(entry.event) == entry.commands, "a replay decides otherwise"
    assert snapshot(again) == snapshot(life.run), "a replay ends in another state"
    return again


def is_refused(life: Life, event: Any) -> bool:
    """Tell what may never happen; what is refused must leave nothing behind."""
    before = snapshot(life.run)
    try:
        life.say(event)
    except IllegalEvent:
        assert snapshot(life.run) == before, f"{event} was refused and left something behind"
        return True
    return False

"""Plays a document through the core in any order that chance likes, without a host, a clock or a process."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from textwrap import dedent
from typing import Any

from unspool.compiler.compile import compile_document
from unspool.core.run import Run
from unspool.core.verify import verify
from unspool.model.commands import Command
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
from unspool.model.plan import Plan
from unspool.model.plan_json import plan_to_json
from unspool.model.status import WAITING_FOR_PERSON

Fate = dict[str, Any] | str | None  # what an attempt gives: text it writes, or an error with its class, or nothing
Ends = dict[str, tuple[str, str | None]]

_SLOW_TIMERS = ("timeout", "span", "approval", "idle")


def plan_of(text: str) -> Plan:
    """Compile the tasks of a document, given without its first lines."""
    compilation = compile_document("unspool: 1\nname: played\n" + dedent(text))
    assert compilation.plan is not None, compilation.diagnostics
    return compilation.plan


class Player:
    """Lets what is outstanding in a run happen, one thing at a time.

    `fates` says how attempts end, by task or by task and number (`test[a]#2`). `late` names timers that fire
    (`timeout`, `span`, `approval`); others of these kinds never do while anything else can happen.
    """

    def __init__(
        self,
        text: str | Plan,
        fates: dict[str, Fate] | None = None,
        *,
        inputs: dict[str, Any] | None = None,
        seed: int = 0,
        answers: dict[str, bool] | None = None,
        late: tuple[str, ...] = (),
        crashes: float = 0.0,
    ) -> None:
        self.plan = text if isinstance(text, Plan) else plan_of(text)
        self.fates = fates or {}
        self.answers = answers or {}
        self.late = late
        self.crashes = crashes
        self.chance = random.Random(seed)
        self.at = 1000.0
        self.run = Run()
        self.entries: list[Entry] = []
        self.begun: list[str] = []  # ids, in the order in which attempts were told to begin
        given = {name: schema["default"] for name, schema in self.plan.inputs.items() if "default" in schema}
        self.say(
            RunStarted(self.at, "r1", plan_to_json(self.plan), {**given, **(inputs or {})}, 7, {"engine": "0"}, "/p")
        )

    def say(self, event: Event) -> tuple[Command, ...]:
        """Tell the run a fact, and check its books."""
        commands = self.run.apply(event)
        self.entries.append(Entry("r1", event, commands))
        problems = verify(self.run)
        assert not problems, (event, problems)
        assert self.run.apply(event) == (), "a repeated fact did something"
        for command in commands:
            if type(command).__name__ == "StartAttempt":
                self.begun.append(self.run.nodes[command.tasks[0]].id)
        return commands

    def finish(self, most: int = 5000) -> Run:
        """Play on to the end."""
        for _ in range(most):
            if self.run.is_final:
                return self.run
            self.step()
        raise AssertionError("the run does not end")

    def finish_until(self, task: str) -> None:
        """Play on until an attempt of this task was told to begin."""
        while task not in self.begun:
            self.step()

    def step(self) -> None:
        """Let one outstanding thing happen."""
        self.at += self.chance.random()
        moves = self._moves()
        assert moves, f"nothing is outstanding: {self.ends()}"
        self.chance.choice(moves)()

    def _moves(self) -> list[Callable[[], Any]]:
        run = self.run
        moves: list[Callable[[], Any]] = [partial(self._move_on, number) for number in run.attempts]
        for timer in run.timers:
            kind = timer.partition(":")[0]
            if kind not in _SLOW_TIMERS or kind in self.late:
                moves.append(partial(self._fire, timer))
        for node, task in zip(run.nodes, run.tasks, strict=True):
            if task.reason == WAITING_FOR_PERSON and node.id in self.answers:
                moves.append(partial(self.decide, node.id))
        return moves

    def say_of(self, task: str, fate: Fate = None) -> None:
        """Let the attempt of one task begin and end."""
        index = self.index(task)
        if fate is not None:
            self.fates = {**self.fates, task: fate}
        number = self.run.tasks[index].attempt
        if not self.run.attempts[number].admitted:
            self.say(TaskAdmitted(self.at, index, number, self.run.epoch))
        self.say(self._end(number))

    def decide(self, task: str) -> None:
        """Let a person decide."""
        approved = self.answers.get(task, True)
        self.say(PersonDecided(self.at, f"p{len(self.entries)}", self.index(task), approved, "ann", None))

    def cancel(self, task: str | None = None, by: str = "person") -> None:
        """Let somebody cancel the run, or a task of it."""
        index = None if task is None else self.index(task)
        self.say(CancelRequested(self.at, f"c{len(self.entries)}", index, by))

    def crash(self) -> None:
        """Let the engine die: another one takes over, and what was under way is lost."""
        self.say(OwnerChanged(self.at, self.run.epoch + 1))
        for number, attempt in sorted(self.run.attempts.items()):
            if attempt.admitted:
                self.say(AttemptLost(self.at, number, attempt.token))

    def _fire(self, timer: str) -> None:
        self.at = max(self.at, self.run.timers[timer])
        self.say(TimerFired(self.at, timer))

    def _move_on(self, number: int) -> None:
        attempt = self.run.attempts[number]
        if not attempt.admitted:
            self.say(TaskAdmitted(self.at, attempt.task, number, self.run.epoch))
        elif attempt.started_at is None and attempt.stop is None and self.chance.random() < 0.6:
            self.say(AttemptStarted(self.at, number, attempt.token, {"pid": number}))
        else:
            self.say(self._end(number))

    def _end(self, number: int) -> AttemptEnded:
        attempt = self.run.attempts[number]
        name = self.run.nodes[attempt.task].id
        if attempt.stop is not None or attempt.forced:
            error: Any = {"class": "signal", "message": "stopped"}
            return AttemptEnded(self.at, number, attempt.token, attempt.started_at, error, {"exit_code": None})
        fate = self.fates.get(f"{name}#{attempt.number}", self.fates.get(name, f"{name}\n"))
        began = self.at if attempt.started_at is None else attempt.started_at
        if isinstance(fate, dict):
            return AttemptEnded(self.at, number, attempt.token, began, fate, {"exit_code": 1})
        result = {"exit_code": 0, "stdout": {"inline": fate or ""}, "stderr": {"inline": ""}}
        return AttemptEnded(self.at, number, attempt.token, began, None, result)

    def index(self, task: str) -> int:
        """Give the node with this id."""
        return next(node.index for node in self.run.nodes if node.id == task)

    def ends(self) -> Ends:
        """Give state and reason of every task that people see."""
        pairs = zip(self.run.nodes, self.run.tasks, strict=True)
        return {node.id: (task.state, task.reason) for node, task in pairs if node.is_shown}

    def states(self) -> dict[str, str]:
        """Give the state of every task that people see."""
        return {name: state for name, (state, _) in self.ends().items()}


FAILS = {"class": "exit_code", "message": "exit code 1"}


def play(text: str, fates: dict[str, Fate] | None = None, orders: int = 6, **how: Any) -> Player:
    """Play a document in several orders, which must all end alike; a replay of the last one decides the same."""
    players = [Player(text, fates, seed=seed, **how) for seed in range(orders)]
    for player in players:
        player.finish()
        assert player.ends() == players[0].ends(), "the order mattered"
        assert player.run.state == players[0].run.state
    again = Run()
    for entry in players[-1].entries:
        assert again.apply(entry.event) == entry.commands, "a replay decides otherwise"
    return players[0]

"""Random plans, a driver that answers a run's commands in random order, and an oracle of final states.

The oracle shares nothing with the engine but the values of a plan.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from unspool.core.admission import Admission
from unspool.core.run import Run
from unspool.core.verify import verify
from unspool.model.commands import (
    CancelTimer,
    FinishRun,
    ReleaseAdmission,
    RequestAdmission,
    SetTimer,
    StartAttempt,
    StopAttempt,
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
    RunStarted,
    TaskAdmitted,
    TimerFired,
)
from unspool.model.plan import Output, Plan, Retry, Task, plan_to_json

STATES = ("ok", "completed", "failed", "skipped", "any")
RETRIES = (
    Retry(),
    Retry(max_attempts=3, strategy="immediate"),
    Retry(max_attempts=2, strategy="linear", delay=2.0),
    Retry(max_attempts=3, strategy="exponential", never=({"exit_code": [9]},)),
    Retry(max_attempts=2, strategy="jittered", on=("timeout", {"exit_code": [1]})),
)
OUTCOMES = ("ok", "ok", "ok", "exit 1", "exit 9", "signal", "refused", "timeout", "lost", "bad output")


@st.composite
def plans(draw: st.DrawFn, *, simple: bool = False) -> Plan:
    """Draw a plan of one to nine tasks. A simple one has no retries, timeouts or aborts: its end is foreseeable."""
    count = draw(st.integers(1, 9))
    tasks = []
    for index in range(count):
        needs = draw(st.lists(st.integers(0, index - 1), unique=True, max_size=3)) if index else []
        spare = (
            {}
            if simple
            else {"retry": draw(st.sampled_from(RETRIES)), "timeout": draw(st.sampled_from([None, None, 5.0]))}
        )
        if not simple and draw(st.booleans()):
            spare["outputs"] = (Output("n", {"type": "integer"}, "stdout", has_default=draw(st.booleans()), default=1),)
        tasks.append(
            Task(
                index,
                f"t{index}",
                "run",
                {"argv": ["x"]},
                tuple((need, draw(st.sampled_from(STATES))) for need in sorted(needs)),
                when=draw(st.sampled_from([None, None, None, "true", "false", "inputs.flag"])),
                on_failure=draw(st.sampled_from(["cancel_dependents", "skip"] + ([] if simple else ["abort"]))),
                priority=draw(st.integers(0, 4)),
                **spare,
            )
        )
    return Plan("random", tuple(tasks), concurrency=draw(st.sampled_from([None, 1, 2])))


def started(plan: Plan, seed: int = 7) -> RunStarted:
    return RunStarted(1000.0, "r1", plan_to_json(plan), {"flag": True}, seed, {"engine": "0"}, "/project")


class World:
    """Answers what a run orders, in an order that chance decides, and keeps all that was said."""

    def __init__(
        self, plan: Plan, chance: random.Random, outcome: Callable[[int, int], str], *, cancels: bool = True
    ) -> None:
        self.run = Run()
        self.chance = chance
        self.outcome = outcome
        self.cancels = cancels
        self.at = 1000.0
        self.epoch = 1
        self.entries: list[Entry] = []
        self.admission = Admission(chance.randint(1, 3))
        self.admission.open("r1", plan.concurrency)
        self.waiting: dict[int, tuple[int, int]] = {}  # attempt: task, number; admitted, not begun
        self.running: dict[int, tuple[int, int]] = {}
        self.stopping: dict[int, str] = {}
        self.timers: dict[str, float] = {}
        self.finished: list[FinishRun] = []
        self.say(started(plan))

    def say(self, event: Event) -> None:
        """Apply an event, keep it with its commands, and take the commands in."""
        commands = self.run.apply(event)
        self.entries.append(Entry("r1", event, commands))
        for command in commands:
            self._take(command)
        problems = verify(self.run)
        assert problems == [], problems

    def _take(self, command: Any) -> None:
        match command:
            case RequestAdmission():
                self.admission.ask("r1", command.task, command.attempt, command.priority, self.at)
            case WithdrawRequest():
                self.admission.withdraw("r1", command.attempt)
            case ReleaseAdmission():
                self.admission.release("r1", command.attempt)
            case StartAttempt():
                self.waiting[command.attempt] = (command.tasks[0], command.number)
            case StopAttempt():
                self.stopping[command.attempt] = command.mode
            case SetTimer():
                self.timers[command.timer] = command.due
            case CancelTimer():
                self.timers.pop(command.timer)
            case FinishRun():
                self.finished.append(command)

    def step(self) -> bool:
        """Let one thing happen; False when nothing can."""
        self.at += self.chance.random()
        grants = self.admission.grant() if self.chance.random() < 0.8 else []
        for grant in grants:
            self.say(TaskAdmitted(self.at, grant.task, grant.attempt, self.epoch))
        moves = [self._begin] * bool(self.waiting) + [self._end] * bool(self.waiting or self.running)
        moves += [self._fire] * bool(self.timers) + [self._cancel] * (self.cancels and self.chance.random() < 0.03)
        moves += [self._crash] * (self.cancels and self.chance.random() < 0.02)
        if moves:
            self.chance.choice(moves)()
        return bool(moves or grants or self.admission.waiting)

    def drive(self, most: int = 2000) -> Run:
        for _ in range(most):
            if self.run.is_final:
                return self.run
            assert self.step(), "nothing can happen, and the run is not final"
        raise AssertionError("the run does not end")

    def _begin(self) -> None:
        attempt = self.chance.choice(sorted(self.waiting))
        self.running[attempt] = self.waiting.pop(attempt)
        self.say(AttemptStarted(self.at, attempt, self.epoch, {"pid": attempt}))

    def _end(self) -> None:
        attempt = self.chance.choice(sorted(self.waiting | self.running))
        begun = attempt in self.running
        task, number = self.running.pop(attempt, None) or self.waiting.pop(attempt)
        outcome = self.outcome(task, number)
        if outcome == "timeout" and begun and f"timeout:{attempt}" in self.timers and attempt not in self.stopping:
            self.running[attempt] = (task, number)
            self._fire(f"timeout:{attempt}")
            return
        if outcome == "lost":
            self.say(AttemptLost(self.at, attempt, self.epoch))
            return
        started_at = None if outcome == "refused" and not begun else self.at - 0.25
        self.say(AttemptEnded(self.at, attempt, self.epoch, started_at, *_fields(outcome)))

    def _fire(self, timer: str | None = None) -> None:
        timer = timer or min(self.timers, key=lambda name: (self.timers[name], name))
        self.at = max(self.at, self.timers.pop(timer))
        self.say(TimerFired(self.at, timer))

    def _cancel(self) -> None:
        task = self.chance.choice([None, None, *range(len(self.run.tasks))])
        request = f"c{self.chance.randint(0, 50)}"
        self.say(CancelRequested(self.at, request, task, self.chance.choice(["person", "interrupt"])))

    def _crash(self) -> None:
        """Another owner takes over: what was under way is lost."""
        lost = sorted(self.waiting | self.running)
        self.waiting, self.running = {}, {}
        self.epoch += 1
        old = self.epoch - 1
        self.say(OwnerChanged(self.at, self.epoch))
        for attempt in lost:
            self.say(AttemptLost(self.at, attempt, old))


def _fields(outcome: str) -> tuple[dict[str, str] | None, dict[str, Any]]:
    match outcome:
        case "exit 1" | "exit 9":
            code = int(outcome[5:])
            return {"class": "exit_code", "message": f"exit code {code}"}, {"exit_code": code}
        case "signal" | "timeout":
            return {"class": "signal", "message": "ended by SIGTERM"}, {"exit_code": 143}
        case "refused":
            return {"class": "spawn_failed", "message": "no such program"}, {}
        case "bad output":
            return None, {"exit_code": 0, "stdout": {"inline": "no number"}}
        case _:
            return None, {"exit_code": 0, "stdout": {"inline": "3\n"}}


def outcomes(seed: int) -> Callable[[int, int], str]:
    """Give each attempt an outcome that depends on nothing but its task and number."""
    return lambda task, number: random.Random(f"{seed}/{task}/{number}").choice(OUTCOMES)


SCRATCH = ("_out", "moves", "_at")


def snapshot(run: Run) -> Any:
    """Take down everything a run remembers, as plain values."""
    return _plain({name: value for name, value in vars(run).items() if name not in SCRATCH})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set) else value)]
    slots = getattr(type(value), "__slots__", None)
    if slots and not isinstance(value, Plan | Task):
        return {name: _plain(getattr(value, name)) for name in slots}
    return repr(value) if type(value).__name__ != "Context" else "context"


def final_states(plan: Plan, outcome: Callable[[int], str], *, flag: bool) -> tuple[list[str], str]:
    """Say by the rules of the language how each task of a simple plan ends, and the run."""
    ends: list[str] = []
    for task in plan.tasks:
        unmet, hopeless = False, False
        for need, wanted in task.needs:
            end = ends[need]
            tolerated = end == "failed" and plan.tasks[need].on_failure == "skip"
            met = {
                "ok": end in ("completed", "skipped") or tolerated,
                "completed": end == "completed",
                "failed": end == "failed",
                "skipped": end == "skipped",
                "any": True,
            }[wanted]
            unmet = unmet or not met
            hopeless = hopeless or (not met and (end == "cancelled" or (end == "failed" and not tolerated)))
        if hopeless:
            ends.append("cancelled")
        elif unmet or task.when == "false" or (task.when == "inputs.flag" and not flag):
            ends.append("skipped")
        else:
            ends.append("completed" if outcome(task.index) == "ok" else "failed")
    untolerated = any(end == "failed" and task.on_failure != "skip" for end, task in zip(ends, plan.tasks, strict=True))
    return ends, "failed" if untolerated else "completed"

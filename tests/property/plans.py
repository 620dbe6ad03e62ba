"""Random scenarios, a driver that lives by the books of a run, and an oracle that knows only the language page.

A scenario is a plan together with the fate of every attempt, so that the end of each task is foreseeable:
`expected` says it by plain recursion, with no thought of the order in which things happen.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from unspool.core.run import Run
from unspool.core.state import Attempt
from unspool.core.verify import verify
from unspool.model.entry import Entry
from unspool.model.events import (
    AttemptEnded,
    AttemptLost,
    AttemptStarted,
    Event,
    OwnerChanged,
    RunStarted,
    TaskAdmitted,
    TimerFired,
)
from unspool.model.plan import Output, Plan, Retry, Task, plan_to_json

NEEDS = ("ok", "ok", "completed", "failed", "skipped", "any", "any", "any")
FATES = ("ok", "ok", "ok", "ok", "exit 3", "exit 3", "exit 75", "signal", "refused", "garbled", "timeout")
FILTERS: tuple[Any, ...] = (
    "exit_code",
    "signal",
    "timeout",
    "spawn_failed",
    {"exit_code": [75]},
    {"exit_code": [3, 4]},
)
STRATEGIES = ("immediate", "linear", "exponential", "jittered")
FINAL = ("completed", "failed", "cancelled", "skipped")
LOSSES = 3  # how often an attempt may be lost with its engine before its task fails


@dataclass(frozen=True)
class Scenario:
    """A plan and what chance has decided about it.

    `conditions` say what each `when` means, `codes` which exit codes each `success_when` takes, `values` what
    each task writes, `fates` how its attempts end.
    """

    plan: Plan
    fates: tuple[tuple[str, ...], ...]
    conditions: tuple[tuple[Any, ...], ...]
    codes: tuple[tuple[int, ...] | None, ...]
    values: tuple[int, ...]
    flag: bool

    def fate(self, task: int, number: int) -> str:
        """Say how attempt `number` of a task ends."""
        assert number <= len(self.fates[task]), f"attempt {number} of t{task} is one too many"
        return self.fates[task][number - 1]


def scenario(size: int, seed: int, *, abort: bool = False) -> Scenario:
    """Draw a scenario of `size` tasks."""
    chance = random.Random(f"{size}/{seed}")
    ancestors: list[set[int]] = []
    tasks, conditions, codes, fates = [], [], [], []
    for index in range(size):
        above = sorted(chance.sample(range(index), min(index, chance.choice((0, 1, 1, 2, 3)))))
        needs = tuple((need, chance.choice(NEEDS)) for need in above)
        ancestors.append({*above, *(far for need in above for far in ancestors[need])})
        condition = _condition(chance, sorted(ancestors[index] - set(above)) or above)
        action = _action(chance, sorted(ancestors[index]))
        accepted = chance.choice((None, None, None, (0, 3), (3,)))
        task = Task(
            index,
            f"t{index}",
            "run",
            action,
            needs,
            when=_source(condition),
            success_when=None if accepted is None else f"result.exit_code in {list(accepted)}",
            timeout=chance.choice((None, 30.0)),
            retry=_retry(chance),
            on_failure=chance.choice(("cancel_dependents", "cancel_dependents", "skip") + ("abort",) * abort),
            outputs=_outputs(chance),
            priority=chance.randrange(5),
            dynamic="${{" in str(action),
        )
        tasks.append(task)
        conditions.append(condition)
        codes.append(accepted)
        fates.append(tuple(_fate(chance, task) for _ in range(task.retry.max_attempts)))
    env = {"FLAG": "${{ inputs.flag }}"}
    plan = Plan("scenario", tuple(tasks), env=env, concurrency=chance.choice((None, 1, 3)))
    values = tuple(chance.randrange(10) for _ in tasks)
    return Scenario(plan, tuple(fates), tuple(conditions), tuple(codes), values, chance.random() < 0.5)


def scenarios(largest: int = 12, *, abort: bool = False) -> st.SearchStrategy[Scenario]:
    """Draw scenarios by size and seed, so that a failing one shrinks to few tasks."""
    return st.builds(
        lambda size, seed: scenario(size, seed, abort=abort), st.integers(0, largest), st.integers(0, 2**32)
    )


def _condition(chance: random.Random, above: list[int]) -> tuple[Any, ...]:
    kinds = ["none"] * 4 + ["true", "false", "flag", "broken"] + ["state", "value"] * (3 if above else 0)
    kind = chance.choice(kinds)
    if kind == "state":
        return (kind, chance.choice(above), chance.choice(FINAL))
    if kind == "value":
        return (kind, chance.choice(above), chance.randrange(-1, 9))
    return (kind,)


def _action(chance: random.Random, above: list[int]) -> dict[str, Any]:
    if not above or chance.random() < 0.7:
        return {"argv": ["x"]}
    return {"argv": ["x", f"${{{{ tasks.t{chance.choice(above)}.outputs.n | default(0) }}}}", "${{ env.FLAG }}"]}


def _source(condition: tuple[Any, ...]) -> str | None:
    match condition:
        case ("none",):
            return None
        case ("flag",):
            return "inputs.flag"
        case ("broken",):
            return "inputs.flag + 1"
        case ("state", above, state):
            return f"tasks.t{above}.state == '{state}'"
        case ("value", above, limit):
            return f"tasks.t{above}.outputs.n | default(0) > {limit}"
        case (plain,):
            return str(plain)
    raise AssertionError(condition)


def _retry(chance: random.Random) -> Retry:
    return Retry(
        chance.choice((1, 1, 2, 4)),
        chance.choice(STRATEGIES),
        chance.choice((0.5, 2.0)),
        chance.choice((1.0, 60.0)),
        chance.random() < 0.5,
        chance.choice((None, None, tuple(chance.sample(FILTERS, 2)))),
        chance.choice(((), (), tuple(chance.sample(FILTERS, 1)))),
    )


def _outputs(chance: random.Random) -> tuple[Output, ...]:
    if chance.random() < 0.5:
        return ()
    return (Output("n", {"type": "integer"}, "stdout", has_default=chance.random() < 0.5, default=4),)


def _fate(chance: random.Random, task: Task) -> str:
    fate = chance.choice(FATES)
    return "ok" if fate == "timeout" and task.timeout is None else fate


# -- the oracle -------------------------------------------------------------------------------------

End = tuple[str, str | None, int]  # state, reason, attempts


def expected(world: Scenario) -> tuple[list[End], str]:
    """Say how every task ends, and the run, by sections 2, 3 and 5 of the language page."""
    ends: list[End] = []
    outputs: list[int | None] = []  # what `tasks.x.outputs.n` is, None where it is absent
    for task in world.plan.tasks:
        end, output = _end_of(world, task, ends, outputs)
        ends.append(end)
        outputs.append(output)
    hurt = any(
        end[0] == "failed" and task.on_failure != "skip" for end, task in zip(ends, world.plan.tasks, strict=True)
    )
    return ends, "failed" if hurt else "completed"


def _end_of(world: Scenario, task: Task, ends: list[End], outputs: list[int | None]) -> tuple[End, int | None]:
    unmet = [need for need, wanted in task.needs if not _is_met(world.plan.tasks[need], ends[need][0], wanted)]
    if any(_is_a_blow(world.plan.tasks[need], ends[need][0]) for need in unmet):
        return ("cancelled", "dependency_failed", 0), None
    if unmet:
        return ("skipped", "dependency_not_met", 0), None
    default = task.outputs[0].default if task.outputs and task.outputs[0].has_default else None
    match world.conditions[task.index]:
        case ("broken",):
            return ("failed", "expression_error", 0), default
        case ("false",):
            wanted = False
        case ("flag",):
            wanted = world.flag
        case ("state", above, state):
            wanted = ends[above][0] == state
        case ("value", above, limit):
            wanted = (outputs[above] or 0) > limit
        case _:
            wanted = True
    if not wanted:
        return ("skipped", "when_false", 0), None
    return _outcome(world, task, default)


def _is_met(need: Task, end: str, wanted: str) -> bool:
    if wanted == "any":
        return True
    if wanted == "ok":
        return end in ("completed", "skipped") or (end == "failed" and need.on_failure == "skip")
    return end == wanted


def _is_a_blow(need: Task, end: str) -> bool:
    return end == "cancelled" or (end == "failed" and need.on_failure != "skip")


def _outcome(world: Scenario, task: Task, default: int | None) -> tuple[End, int | None]:
    """Go through the attempts of a task that starts."""
    number = 0
    for fate in world.fates[task.index]:
        number += 1
        kind, code = _error(world, task, fate)
        if kind is None or not _again(task.retry, kind, code):
            break
    reads = bool(task.outputs) and fate not in ("garbled", "refused", "timeout")
    output = world.values[task.index] if reads else default
    return ("failed" if kind else "completed", kind, number), output


def _error(world: Scenario, task: Task, fate: str) -> tuple[str | None, int | None]:
    if fate in ("signal", "refused", "timeout"):
        return {"signal": "signal", "refused": "spawn_failed", "timeout": "timeout"}[fate], None
    code = int(fate[5:]) if fate.startswith("exit") else 0
    accepted = world.codes[task.index]
    if accepted is not None and code not in accepted:
        return "success_when_false", code
    if accepted is None and code:
        return "exit_code", code
    return ("output_invalid" if fate == "garbled" and task.outputs else None), code


def _again(retry: Retry, kind: str, code: int | None) -> bool:
    def named(filters: tuple[Any, ...]) -> bool:
        return any(
            kind == one if isinstance(one, str) else kind != "timeout" and code in one["exit_code"] for one in filters
        )

    return kind != "output_invalid" and not named(retry.never) and (retry.on is None or named(retry.on))


# -- the driver -------------------------------------------------------------------------------------


def beginning(world: Scenario, seed: int = 5) -> RunStarted:
    return RunStarted(1000.0, "r1", plan_to_json(world.plan), {"flag": world.flag}, seed, {"engine": "0"}, "/project")


class Driver:
    """Answers what the books of a run say is outstanding, one thing at a time, in any order that chance likes.

    There is no admission here, so that the order is as wild as can be. With `crashes`, the engine dies at times,
    never more often than a task survives.
    """

    def __init__(self, world: Scenario, chance: random.Random, *, crashes: bool = False) -> None:
        self.world = world
        self.chance = chance
        self.crashes = crashes
        self.at = 1000.0
        self.run = Run()
        self.entries: list[Entry] = []
        self.say(beginning(world))

    def say(self, event: Event) -> tuple[Any, ...]:
        commands = self.run.apply(event)
        self.entries.append(Entry("r1", event, commands))
        problems = verify(self.run)
        assert problems == [], problems
        return commands

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
            self._crash()
            return
        attempts = list(self.run.attempts.items())
        timers = [timer for timer in self.run.timers if not timer.startswith("timeout:")]
        assert attempts or timers, "nothing is outstanding, and the run is not final"
        what = self.chance.choice([*attempts, *timers])
        if isinstance(what, str):
            self.at = max(self.at, self.run.timers[what])
            self.say(TimerFired(self.at, what))
        else:
            self._go_on(*what)

    def _go_on(self, number: int, attempt: Attempt) -> None:
        fate = self.world.fate(attempt.task, attempt.number)
        if not attempt.admitted:
            self.say(TaskAdmitted(self.at, attempt.task, number, self.run.epoch))
        elif attempt.stop is None and attempt.started_at is None and fate != "refused" and self.chance.random() < 0.6:
            self.say(AttemptStarted(self.at, number, attempt.token, {"pid": number}))
        elif fate == "timeout" and attempt.stop is None:
            self._time_out(number, attempt)
        else:
            self.say(self.end(number, attempt, fate))

    def _time_out(self, number: int, attempt: Attempt) -> None:
        if attempt.started_at is None:
            self.say(AttemptStarted(self.at, number, attempt.token))
        else:
            self.at = max(self.at, self.run.timers[f"timeout:{number}"])
            self.say(TimerFired(self.at, f"timeout:{number}"))

    def end(self, number: int, attempt: Attempt, fate: str) -> AttemptEnded:
        """Tell how an attempt ended."""
        if fate == "refused" or (attempt.stop is not None and attempt.started_at is None):
            error = {"class": "spawn_failed", "message": "no such program"}
            return AttemptEnded(self.at, number, attempt.token, None, error)
        error, code = None, 0
        if fate.startswith("exit"):
            code = int(fate[5:])
            error = {"class": "exit_code", "message": fate}
        elif fate in ("signal", "timeout"):
            code = 143
            error = {"class": "signal", "message": "ended by SIGTERM"}
        text = "no number" if fate == "garbled" else f"{self.world.values[attempt.task]}\n"
        result = None if fate == "timeout" else {"exit_code": code, "stdout": {"inline": text}}
        began = attempt.started_at if attempt.started_at is not None else self.at - 0.2
        return AttemptEnded(self.at, number, attempt.token, began, error, result)

    def _crash(self) -> None:
        at_work = [(number, attempt) for number, attempt in self.run.attempts.items() if attempt.admitted]
        if any(self.run.tasks[attempt.task].recoveries >= LOSSES for _, attempt in at_work):
            return
        self.say(OwnerChanged(self.at, self.run.epoch + 1))
        for number, attempt in at_work:
            self.say(AttemptLost(self.at, number, attempt.token))


def ends_of(run: Run) -> tuple[list[End], str]:
    return [(task.state, task.reason, task.attempts) for task in run.tasks], run.state


def deep(value: Any, seen: frozenset[int] = frozenset()) -> Any:
    """Take down all that an object holds, to any depth, as plain values; nothing is left out."""
    if value is None or isinstance(value, str | int | float):
        return value
    if id(value) in seen:
        return "..."
    seen |= {id(value)}
    if isinstance(value, dict):
        return [(deep(key, seen), deep(item, seen)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [deep(item, seen) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())] + list(
        getattr(value, "__dict__", ())
    )
    return [type(value).__name__, *((name, deep(getattr(value, name), seen)) for name in sorted(set(names)))]

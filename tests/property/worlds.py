"""Random scenarios: a plan together with the fate of every attempt, so that the end of each task is foreseeable."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from unspool.model.events import RunStarted
from unspool.model.plan import Breaker, Cache, Output, Plan, Resource, Retry, Task
from unspool.model.plan_json import plan_to_json

NEEDS = ("ok", "ok", "completed", "failed", "skipped", "any", "any", "any")
FATES = ("ok", "ok", "ok", "ok", "exit 3", "exit 3", "exit 75", "signal", "refused", "garbled", "timeout", "idle")
FILTERS: tuple[Any, ...] = (
    "exit_code",
    "signal",
    "timeout",
    "idle_timeout",
    "spawn_failed",
    {"exit_code": [75]},
    {"exit_code": [3, 4]},
)
OVERDUE = {"timeout": "timeout:", "idle": "idle:"}  # fates of attempts that a timer ends
STRATEGIES = ("immediate", "linear", "exponential", "jittered")
RESOURCES = (
    Resource("gate", slots=2, breaker=Breaker(failures=1, reset_after=5.0)),
    Resource("port", items=("a", "b")),
    Resource("pace", rate=(3, 2.0)),
)
USES = ((), (), (("gate", 1),), (("port", 1),), (("pace", 1),), (("gate", 2), ("pace", 1), ("port", 2)))
FINAL = ("completed", "failed", "cancelled", "skipped")
REFUSED = {"class": "spawn_failed", "message": "no such program"}
SEEDS = st.integers(0, 2**32)


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
    flag: bool = True

    def fate(self, task: int, number: int) -> str:
        """Say how attempt `number` of a task ends."""
        assert number <= len(self.fates[task]), f"attempt {number} of t{task} is one too many"
        return self.fates[task][number - 1]


def plan_of(*tasks: dict[str, Any]) -> Plan:
    """Build a plan of tasks that have these fields."""
    built = [Task(index, f"t{index}", "run", {"argv": ["x"]}, **fields) for index, fields in enumerate(tasks)]
    return Plan("scripted", tuple(built))


def scripted(
    plan: Plan, fates: Sequence[Sequence[str]] | None = None, conditions: dict[int, tuple[Any, ...]] | None = None
) -> Scenario:
    """Build a scenario by hand; without `fates` every attempt goes well."""
    count = len(plan.tasks)
    return Scenario(
        plan,
        tuple(map(tuple, fates or [["ok"]] * count)),
        tuple((conditions or {}).get(index, ("none",)) for index in range(count)),
        (None,) * count,
        (1,) * count,
    )


def scenario(size: int, seed: int, *, abort: bool = False) -> Scenario:
    """Draw a scenario of `size` tasks; with `abort` its end depends on who was first."""
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
            idle_timeout=chance.choice((None, 20.0)),
            retry=_retry(chance),
            on_failure=chance.choice(("cancel_dependents", "cancel_dependents", "skip") + ("abort",) * abort),
            outputs=_outputs(chance),
            priority=chance.randrange(5),
            dynamic="${{" in str(action),
        )
        if abort and chance.random() < 0.3:
            task = replace(task, cache=Cache(), dynamic=True)
        tasks.append(task)
        conditions.append(condition)
        codes.append(accepted)
        fates.append(tuple(_fate(chance, task) for _ in range(task.retry.max_attempts)))
    env = {"FLAG": "${{ inputs.flag }}"}
    apart = random.Random(f"uses {size}/{seed}")  # what tasks share decides when they run, never how they end
    shared = tuple(replace(task, uses=apart.choice(USES)) for task in tasks)
    plan = Plan("scenario", shared, env=env, concurrency=chance.choice((None, 1, 3)), resources=RESOURCES)
    if abort:
        plan = replace(plan, run_timeout=chance.choice((None, None, 60.0)), queue=chance.choice((None, None, 1, 3)))
    values = tuple(chance.randrange(10) for _ in tasks)
    return Scenario(plan, tuple(fates), tuple(conditions), tuple(codes), values, chance.random() < 0.5)


def scenarios(largest: int = 12, *, abort: bool = False) -> st.SearchStrategy[Scenario]:
    """Draw scenarios by size and seed, so that a failing one shrinks to few tasks."""
    return st.builds(lambda size, seed: scenario(size, seed, abort=abort), st.integers(0, largest), SEEDS)


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
    if (fate == "timeout" and task.timeout is None) or (fate == "idle" and task.idle_timeout is None):
        return "ok"
    return fate


def started(plan: Plan, *, flag: bool = True) -> RunStarted:
    inputs = {name: schema["default"] for name, schema in plan.inputs.items() if "default" in schema}
    return RunStarted(1000.0, "r1", plan_to_json(plan), {**inputs, "flag": flag}, 7, {"engine": "0"}, "/project")


def ending(fate: str, value: int) -> tuple[dict[str, str] | None, dict[str, Any]]:
    """Give the error and the result of an attempt that began."""
    signalled = fate in ("signal", *OVERDUE)
    code = int(fate[5:]) if fate.startswith("exit") else 143 if signalled else 0
    error = {"class": "signal" if signalled else "exit_code", "message": fate} if code else None
    text = "no number" if fate == "garbled" else f"{value}\n"
    return error, {"exit_code": code, "stdout": {"inline": text}}

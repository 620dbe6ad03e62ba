"""Plans as plain JSON: what a journal stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unspool.model.plan import (
    DEFAULT_MAX_DEPTH,
    TASK_FIELDS,
    Batch,
    Breaker,
    Cache,
    Emission,
    FanOut,
    Group,
    Output,
    Plan,
    Resource,
    Retry,
    Rule,
    Task,
)

PLAN_FORMAT = 1


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Give the plan as plain JSON: what a journal stores and `plan_from_json` reads."""
    return {
        "format": PLAN_FORMAT,
        "name": plan.name,
        "hash": plan.hash,
        "description": plan.description,
        "inputs": plan.inputs,
        "env": plan.env,
        "concurrency": plan.concurrency,
        "max_tasks": plan.max_tasks,
        "outputs": plan.outputs,
        "resources": [list(resource) for resource in plan.resources],
        "run_timeout": plan.run_timeout,
        "queue": plan.queue,
        "bound": plan.bound,
        "max_depth": plan.max_depth,
        "max_cost_usd": plan.max_cost_usd,
        "max_tokens": plan.max_tokens,
        "idle": plan.idle,
        "secrets": list(plan.secrets),
        "tasks": [_task_to_json(task) for task in plan.tasks],
    }


def plan_from_json(data: dict[str, Any]) -> Plan:
    """Rebuild a plan from what `plan_to_json` gave.

    Raises:
        ValueError: the data is of a plan format that this version does not know.
    """
    if data.get("format") != PLAN_FORMAT:
        raise ValueError(f"plan format {data.get('format')!r} is not {PLAN_FORMAT}")
    return Plan(
        name=data["name"],
        hash=data["hash"],
        description=data["description"],
        inputs=data["inputs"],
        env=data["env"],
        concurrency=data["concurrency"],
        max_tasks=data["max_tasks"],
        outputs=data["outputs"],
        resources=resources_from_json(data["resources"]),
        run_timeout=data.get("run_timeout"),
        queue=data.get("queue"),
        bound=data.get("bound", 0),
        max_depth=data.get("max_depth", DEFAULT_MAX_DEPTH),
        max_cost_usd=data.get("max_cost_usd"),
        max_tokens=data.get("max_tokens"),
        idle=data.get("idle"),
        secrets=tuple(data.get("secrets", ())),
        tasks=tuple(_task_from_json(i, row) for i, row in enumerate(data["tasks"])),
    )


_DEFAULTS = Task(0, "", "", {})
_OPTIONAL = tuple(name for name in TASK_FIELDS if name not in ("index", "id", "kind", "action"))


def _task_to_json(task: Task) -> dict[str, Any]:
    row: dict[str, Any] = {"id": task.id, "kind": task.kind, "action": task.action}
    for name in _OPTIONAL:
        value = getattr(task, name)
        if value != getattr(_DEFAULTS, name):
            row[name] = value
    return row


def _task_from_json(index: int, stored: dict[str, Any]) -> Task:
    row = {name: _READERS[name](value) if name in _READERS else value for name, value in stored.items()}
    return Task(index=index, **row)


def _retry(stored: list[Any]) -> Retry:
    attempts, strategy, delay, most, jitter, on, never, *later = stored
    return Retry(attempts, strategy, delay, most, jitter, None if on is None else tuple(on), tuple(never), *later)


def _fan_out(stored: list[Any]) -> FanOut:
    *plain, include, exclude = stored
    return FanOut._make((*plain, tuple(include), tuple(exclude)))


def _cache(stored: list[Any]) -> Cache:
    key, inputs, files, ttl = stored
    return Cache(key, tuple(inputs), tuple(files), ttl)


def _group(stored: list[Any]) -> Group:
    gate, members, *rest = stored
    return Group(gate, tuple(members), *rest)


def _rule(stored: list[Any]) -> Rule:
    path, when, emits, fail, retry, cancels, event, note = stored
    given = None if event is None else (event[0], event[1])
    return Rule(path, when, tuple(Emission(*each) for each in emits), fail, retry, cancels, given, note)


def _pairs(stored: list[Any]) -> tuple[Any, ...]:
    return tuple((first, second) for first, second in stored)


def resources_from_json(rows: list[list[Any]]) -> tuple[Resource, ...]:
    """Rebuild the resources of a plan from what `plan_to_json` gave."""
    return tuple(map(_resource, rows))


def _resource(stored: list[Any]) -> Resource:
    name, slots, items, rate, breaker = stored
    return Resource(
        name,
        slots,
        None if items is None else tuple(items),
        None if rate is None else (rate[0], rate[1]),
        None if breaker is None else Breaker(*breaker),
    )


# How JSON becomes the fields that it cannot hold as they are.
_READERS: dict[str, Callable[[Any], Any]] = {
    "needs": _pairs,
    "uses": _pairs,
    "retry": _retry,
    "outputs": lambda stored: tuple(Output(*fields) for fields in stored),
    "fan_out": _fan_out,
    "group": _group,
    "cache": _cache,
    "batch": lambda stored: Batch(*stored),
    "rules": lambda stored: tuple(map(_rule, stored)),
    "peers": tuple,
    "interpret": tuple,
    **dict.fromkeys(("dependents", "tags", "collect", "secrets", "region", "substitute", "rollback"), tuple),
}

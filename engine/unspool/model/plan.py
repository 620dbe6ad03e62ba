"""A plan: the compiled, frozen form of a document that a run is driven by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Need = Literal["ok", "completed", "failed", "skipped", "any"]
OnFailure = Literal["cancel_dependents", "abort", "skip"]
Strategy = Literal["immediate", "linear", "exponential", "jittered"]

PRIORITIES = ("critical", "high", "normal", "low", "idle")
DEFAULT_PRIORITY = PRIORITIES.index("normal")
DEFAULT_GRACE = 5.0  # seconds between the polite and the forced end of a process tree
DEFAULT_ESTIMATE = 60.0  # seconds a task is expected to take until something better is known
DEFAULT_MAX_TASKS = 1000
DEFAULT_MAX_BYTES = 65536  # an output larger than this travels as a file
PLAN_FORMAT = 1


class Retry(NamedTuple):
    """How often and when a failed attempt is followed by another.

    `on` and `never` hold error classes and `{"exit_code": [...]}` filters; `on=None` means every
    class that can pass by itself. `delay` and `max_delay` are seconds.
    """

    max_attempts: int = 1
    strategy: Strategy = "exponential"
    delay: float = 1.0
    max_delay: float = 300.0
    jitter: bool = True
    on: tuple[Any, ...] | None = None
    never: tuple[Any, ...] = ()


class Breaker(NamedTuple):
    """A circuit breaker: opens after so many `failures` in a row, tries again after `reset_after` seconds.

    While it is half open one attempt at a time goes through; `successes` of them in a row close it.
    """

    failures: int
    reset_after: float = 60.0
    successes: int = 1


class Resource(NamedTuple):
    """Something that attempts share: what a task names under `uses`.

    A counted pool has `slots`, a pool of named things `items`, each leased to one attempt at a time.
    `rate` is how many attempts may begin per so many seconds. Any of them may be guarded by a `breaker`.
    """

    name: str
    slots: int | None = None
    items: tuple[Any, ...] | None = None
    rate: tuple[int, float] | None = None
    breaker: Breaker | None = None


class Output(NamedTuple):
    """One declared output: where it is read from, and the JSON Schema it must fit.

    `source` is `output`, `stdout`, `json`, `result`, or `file` with its `file` path.
    `default` counts only when `has_default` is set, so that null can be a default.
    """

    name: str
    schema: dict[str, Any]
    source: str = "output"
    file: str | None = None
    path: str | None = None
    has_default: bool = False
    default: Any = None
    max_bytes: int = DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Task:
    """One node of a plan.

    Attributes:
        index: dense number of the task in the plan.
        id: the name that people see.
        kind: which task kind carries it out (`run`, `python`).
        action: what to do, plain JSON; strings in it may hold `${{ }}`. For `run`:
            `{"argv": [...]}` or `{"script": text, "shell": name, "values": {variable: expression}}`,
            either with `"stdin"`; for `python`: `{"function": "module:function"}`. Both may have `"with"`.
        needs: pairs of a task index and the state it must reach.
        dependents: indexes of the tasks that name this one in `needs`, ascending.
        when, success_when: one expression's source, without `${{ }}`.
        timeout, grace, estimate: seconds.
        collect: what the host must read for the core after an attempt: `stdout`, `stderr`, `json`.
        dynamic: some field of `action`, `env` or `cwd` holds an expression.
        uses: names of resources and how many of each an attempt takes; all at once or none.
    """

    index: int
    id: str
    kind: str
    action: dict[str, Any]
    needs: tuple[tuple[int, Need], ...] = ()
    dependents: tuple[int, ...] = ()
    when: str | None = None
    success_when: str | None = None
    timeout: float | None = None
    grace: float = DEFAULT_GRACE
    retry: Retry = Retry()
    on_failure: OnFailure = "cancel_dependents"
    outputs: tuple[Output, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None
    priority: int = DEFAULT_PRIORITY
    estimate: float = DEFAULT_ESTIMATE
    description: str | None = None
    tags: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    dynamic: bool = False
    uses: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled document. Tasks stand in an order in which every need comes before its dependents.

    Attributes:
        hash: SHA-256 (hex) of the plan's own JSON without this field.
        inputs: JSON Schema of each input; `default` in it makes the input optional.
        env: the document's environment; values may use `inputs`.
        concurrency: how many tasks of one run may run at once; None leaves it to the host.
        outputs: the run's outputs by name, text with `${{ }}` or plain JSON.
        resources: what the tasks share.
    """

    name: str
    tasks: tuple[Task, ...]
    hash: str = ""
    description: str | None = None
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    concurrency: int | None = None
    max_tasks: int = DEFAULT_MAX_TASKS
    outputs: dict[str, Any] = field(default_factory=dict)
    resources: tuple[Resource, ...] = ()


_TASK_FIELDS = tuple(Task.__dataclass_fields__)


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
        tasks=tuple(_task_from_json(i, row) for i, row in enumerate(data["tasks"])),
    )


_DEFAULTS = Task(0, "", "", {})
_OPTIONAL = tuple(name for name in _TASK_FIELDS if name not in ("index", "id", "kind", "action"))


def _task_to_json(task: Task) -> dict[str, Any]:
    row: dict[str, Any] = {"id": task.id, "kind": task.kind, "action": task.action}
    for name in _OPTIONAL:
        value = getattr(task, name)
        if value != getattr(_DEFAULTS, name):
            row[name] = value
    return row


def _task_from_json(index: int, stored: dict[str, Any]) -> Task:
    row = dict(stored)
    if "needs" in row:
        row["needs"] = tuple((need, state) for need, state in row["needs"])
    if "dependents" in row:
        row["dependents"] = tuple(row["dependents"])
    if "retry" in row:
        attempts, strategy, delay, most, jitter, on, never = row["retry"]
        row["retry"] = Retry(attempts, strategy, delay, most, jitter, None if on is None else tuple(on), tuple(never))
    if "outputs" in row:
        row["outputs"] = tuple(Output(*fields) for fields in row["outputs"])
    if "uses" in row:
        row["uses"] = tuple((name, count) for name, count in row["uses"])
    for name in ("tags", "collect"):
        if name in row:
            row[name] = tuple(row[name])
    return Task(index=index, **row)


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

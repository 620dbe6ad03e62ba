"""A plan: the compiled, frozen form of a document that a run is driven by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal, NamedTuple

Need = Literal["ok", "completed", "failed", "skipped", "any"]
OnFailure = Literal["cancel_dependents", "abort", "skip", "substitute", "rollback"]
OnCrash = Literal["retry", "fail"]
Aggregate = Literal["collect", "first", "reduce", "values"]
Strategy = Literal["immediate", "linear", "exponential", "jittered"]

PRIORITIES = ("critical", "high", "normal", "low", "idle")
DEFAULT_PRIORITY = PRIORITIES.index("normal")
DEFAULT_GRACE = 5.0  # seconds between the polite and the forced end of a process tree
DEFAULT_ESTIMATE = 60.0  # seconds a task is expected to take until something better is known
DEFAULT_MAX_TASKS = 1000
DEFAULT_MAX_DEPTH = 5
DEFAULT_MOST_INSTANCES = 100  # of a fan-out whose list is not known before the run
DEFAULT_CLOSING_TIMEOUT = 300.0  # seconds an attempt of a `finally` task may take unless it says otherwise
DEFAULT_MAX_BYTES = 65536  # an output larger than this travels as a file


class Retry(NamedTuple):
    """How often and when a failed attempt is followed by another.

    `on` and `never` hold error classes and `{"exit_code": [...]}` or `{"status": [...]}` filters; `on=None`
    means every class that can pass by itself. `delay`, `max_delay` and `max_elapsed` are seconds; the last
    counts from the start of the first attempt, and no attempt begins later.
    """

    max_attempts: int = 1
    strategy: Strategy = "exponential"
    delay: float = 1.0
    max_delay: float = 300.0
    jitter: bool = True
    on: tuple[Any, ...] | None = None
    never: tuple[Any, ...] = ()
    max_elapsed: float | None = None


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


class Cache(NamedTuple):
    """What a result depends on beside the action, what files come with it, and how many seconds it may be reused.

    Texts may hold `${{ }}`; `inputs` and `files` are patterns that count from the task's folder.
    """

    key: str | None = None
    inputs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    ttl: float | None = None


class Batch(NamedTuple):
    """How instances share attempts: at most `size` of them, those that arrive `within` seconds of the first.

    `by` is text with an expression: only instances for which it gives the same come together.
    """

    size: int
    within: float = 0.0
    by: str | None = None


class FanOut(NamedTuple):
    """One instance for each item of a list, or for each combination of the values of axes.

    Attributes:
        items: a list, or text with one expression that gives one; with `axes` it is not used.
        key: text with `${{ }}` that names an instance; None takes a scalar item itself, else its index.
        max_parallel: how many instances may be on their way at once.
        most: how many there may be; one too many fails the task.
        is_open: how many there will be is not known before the run.
        when_each: `when` is tested for each instance, not once.
        axes: of a matrix: the values of each axis, a list or text with one expression.
        include, exclude: combinations to add, and what to drop: all that match.
    """

    items: Any = None
    key: str | None = None
    max_parallel: int | None = None
    most: int = DEFAULT_MOST_INSTANCES
    is_open: bool = True
    when_each: bool = False
    axes: dict[str, Any] | None = None
    include: tuple[dict[str, Any], ...] = ()
    exclude: tuple[dict[str, Any], ...] = ()


class Group(NamedTuple):
    """What the node that stands for a whole group knows of it.

    Attributes:
        gate: the node that everything in the group comes after.
        members: the nodes of its tasks.
        aggregate: `collect` gives the values of all members by name, `first` that of the first to
            complete, `reduce` what the expression `reduce` makes of them, `values` what each text in it gives.
    """

    gate: int
    members: tuple[int, ...]
    aggregate: Aggregate = "collect"
    reduce: Any = None


class Emission(NamedTuple):
    """Tasks that a rule adds to a run.

    Attributes:
        template: the node that they are copies of.
        rule: tells the rule apart from all others of the plan; copies of a task share it.
        most: how many tasks the rule may add in the whole run.
        given: values for the inputs of the template; texts may hold `${{ }}`.
        items: a list, or text with one expression that gives one: a task for each of them. None: one task.
        key: text with `${{ }}` that names an instance; None takes a scalar item itself, else its index.
    """

    template: int
    rule: int
    most: int
    given: dict[str, Any]
    items: Any = None
    key: str | None = None


class Rule(NamedTuple):
    """What follows from the end of a task, if `when` holds.

    Attributes:
        path: what it is called in messages, such as `test.on_result[0]`.
        when: the source of one expression, without `${{ }}`; None: in any case.
        emits: the tasks that it adds.
        fail: text with `${{ }}`: the task has failed, and this is why.
        retry: a duration, text with `${{ }}`: the task is tried again after it.
        cancels: the run is cancelled.
        event: its name and its values, for the triggers of other workflows.
        note: text with `${{ }}` for the report.
    """

    path: str
    when: str | None = None
    emits: tuple[Emission, ...] = ()
    fail: str | None = None
    retry: str | None = None
    cancels: bool = False
    event: tuple[str, dict[str, Any]] | None = None
    note: str | None = None


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
        kind: which task kind carries it out (`run`, `python`, `http`).
        action: what to do, plain JSON; strings in it may hold `${{ }}`. For `run`:
            `{"argv": [...]}` or `{"script": text, "shell": name, "values": {variable: expression}}`,
            either with `"stdin"`; for `python`: `{"function": "module:function"}`. Both may have `"with"`.
            For `http`: `{"method": ..., "url": ..., "headers": {...}, "expect": [...]}`, with `"json"` or `"body"`.
        needs: pairs of a task index and the state it must reach.
        dependents: indexes of the tasks that name this one in `needs`, ascending.
        when, success_when: one expression's source, without `${{ }}`.
        timeout, grace, estimate: seconds.
        collect: what the host must read for the core after an attempt: `stdout`, `stderr`, `json`.
        dynamic: some field of `action`, `env` or `cwd` holds an expression.
        uses: names of resources and how many of each an attempt takes; all at once or none.
        join: how many of `needs` must be met; None means all of them.
        fan_out: the task is a parent: instances of it are made in the run.
        region: of a parent, the nodes (first, behind last) that each instance is a copy of; None: of the parent itself.
        template: how many times the node must be copied before a copy runs; 0 for what runs itself.
        scope: what stands before the ids of the tasks that it calls by their short names, such as `deploy.`.
        group: the node stands for the end of a group.
        closing: a task of `finally`.
        undo: the template that undoes this task.
        substitute: the template that stands in for this task once it has failed, and the arguments for it.
        inputs: of a template, the JSON Schema of each of its inputs.
        frame: of a task of another document, the gate that knows the inputs and variables of that document.
        shielded: a cancel does not reach it: it is of `finally` of another document.
        batch: instances of the task share attempts.
        previous: of a step in a sequence, the node of the step before.
        rollback: `cancel`, or `retry` and how often, once it has failed.
        on_crash: what becomes of an attempt that was under way when the engine died.
        cache: when a completed result is reused; None is never.
        idle_timeout: seconds after which an attempt that writes nothing is ended.
        secrets: names of those that its variables hold.
        interpret: what reads its result for `interpretation`: the name of an interpreter and its parameters.
        rules: what follows from its end, in their order.
        collector: of a template, the node that stands for all its instances, where there is one.
        peers: of a node that stands for all instances of a template, those of the templates that may emit each other,
            with itself; of any other node empty.
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
    join: int | None = None
    fan_out: FanOut | None = None
    region: tuple[int, int] | None = None
    template: int = 0
    scope: str = ""
    group: Group | None = None
    closing: bool = False
    undo: int | None = None
    substitute: tuple[int, dict[str, Any]] | None = None
    rollback: tuple[str, int] | None = None
    inputs: dict[str, dict[str, Any]] | None = None
    previous: int | None = None
    frame: int | None = None
    shielded: bool = False
    batch: Batch | None = None
    on_crash: OnCrash = "retry"
    idle_timeout: float | None = None
    secrets: tuple[str, ...] = ()
    cache: Cache | None = None
    interpret: tuple[str, dict[str, Any]] | None = None
    rules: tuple[Rule, ...] = ()
    collector: int | None = None
    peers: tuple[int, ...] = ()

    @property
    def is_shown(self) -> bool:
        """Whether people see it as a task: what copies are made of, and the gates of groups, they do not."""
        return not self.template and self.kind not in ("gate", "door")


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
        run_timeout: seconds that the run may take, from its start.
        bound: how many tasks a run may come to have; 0 where it grows none.
        queue: how many attempts may wait for admission at once.
        max_depth: how far a task may be from one of the document: what that emits has depth 1.
        max_cost_usd, max_tokens: what the run may spend, as far as results tell; None is without end.
        idle: seconds for which an open run may have nothing to do.
        secrets: names of the values that nothing may show; no task inherits a variable of such a name.
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
    run_timeout: float | None = None
    queue: int | None = None
    secrets: tuple[str, ...] = ()
    bound: int = 0
    max_depth: int = DEFAULT_MAX_DEPTH
    max_cost_usd: float | None = None
    max_tokens: int | None = None
    idle: float | None = None


TASK_FIELDS = tuple(Task.__dataclass_fields__)
_fields_of = attrgetter(*TASK_FIELDS)
_SETTERS: dict[str, Callable[[Task, Any], None]] = {name: getattr(Task, name).__set__ for name in TASK_FIELDS}


def changed(task: Task, **fields: Any) -> Task:
    """Give a copy of a task with other values in some fields.

    What `dataclasses.replace` gives, in a fifth of its time: a run copies a node for each instance.
    """
    made = object.__new__(Task)
    for put, value in zip(_SETTERS.values(), _fields_of(task), strict=True):
        put(made, value)
    for name, value in fields.items():
        _SETTERS[name](made, value)
    return made

"""From a checked document to its plan: defaults merged, durations in seconds, text as the author spelt it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, NamedTuple

from unspool.compiler.collecting import with_collected
from unspool.compiler.conditions import condition_source
from unspool.compiler.emissions import Counts, interpreter_of
from unspool.compiler.flatten import Flat, Role
from unspool.compiler.graph import EACH, Graph
from unspool.compiler.inherited import inherited
from unspool.compiler.parts import action_without_attempt, needs_within, parts_of, plan_order
from unspool.model.diagnostics import Path
from unspool.model.durations import parse_duration, parse_rate
from unspool.model.plan import (
    DEFAULT_CLOSING_TIMEOUT,
    DEFAULT_ESTIMATE,
    DEFAULT_MAX_BYTES,
    DEFAULT_MAX_DEPTH,
    DEFAULT_MAX_TASKS,
    PRIORITIES,
    Batch,
    Breaker,
    Cache,
    FanOut,
    Output,
    Plan,
    Resource,
    Retry,
    Task,
)
from unspool.model.plan_json import plan_to_json

DEFAULT_SHELL = "sh"

SourceText = Callable[[Path], str | None]

NOTHING: Mapping[str, Collection[str]] = {}
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_PORTION = 500  # tasks
_HAS_ATTEMPTS = frozenset(
    ("wait", "approval", "group", "compensate", "on_failure")
)  # and what else needs a second look

_STREAMS = ("stdout", "stderr", "json")
_STREAMS_OF = {"http": ("stdout", "json", "headers")}
_EVALUATED = frozenset(("stdin", "with", "url", "method", "headers", "json", "body", "expect"))


class Script(NamedTuple):
    """A script whose expressions have become variables."""

    text: str
    values: dict[str, str]


class Bounds(NamedTuple):
    """How much may grow from a document.

    Attributes:
        fans: the fan-out of each task that has one.
        counts: how many tasks rules may add; None where there are no rules.
        worst: how many tasks a run may come to have.
    """

    fans: Mapping[str, FanOut]
    counts: Counts | None = None
    worst: int = 0


def lower(
    flat: Flat,
    graph: Graph,
    uses: Mapping[str, Collection[str]],
    scripts: Mapping[str, Script],
    source_text: SourceText,
    bounds: Bounds,
    secrets: Mapping[str, Collection[str]] = NOTHING,
) -> Plan:
    """Make the plan of a document in which nothing is wrong.

    Args:
        flat: plain JSON values that fit the schema, laid out.
        graph: its graph, in order.
        uses: of each task, the fields of its `result` that expressions read; `*` is all.
        scripts: those task scripts that hold `${{`.
        source_text: gives a scalar as it is spelt in the file.
        bounds: how much may grow.
        secrets: of each task that is given any, their names.

    Cost: O(size of the document).
    """
    document = flat.readable.document
    limits = document.get("limits", {})
    concurrency = limits.get("concurrency")
    plan = Plan(
        name=document["name"],
        tasks=_Lowering(flat, graph, uses, scripts, source_text, bounds, secrets).tasks(),
        description=document.get("description"),
        inputs=document.get("inputs", {}),
        env=_environment(document.get("env", {}), ("env",), source_text),
        concurrency=None if concurrency is None else int(concurrency),
        max_tasks=int(limits.get("max_tasks", DEFAULT_MAX_TASKS)),
        outputs=document.get("outputs", {}),
        idle=parse_duration(limits["idle"]) if "idle" in limits else None,
        max_cost_usd=limits.get("max_cost_usd"),
        max_tokens=int(limits["max_tokens"]) if "max_tokens" in limits else None,
        max_depth=int(limits.get("max_depth", DEFAULT_MAX_DEPTH)),
        queue=int(limits["queue"]) if "queue" in limits else None,
        run_timeout=parse_duration(limits["timeout"]) if "timeout" in limits else None,
        secrets=tuple(document.get("secrets", ())),
        resources=_resources(document.get("resources", {})),
        bound=bounds.worst if bounds.worst > len(graph.names) else 0,
    )
    return replace(plan, hash=plan_hash(plan))


def plan_hash(plan: Plan) -> str:
    """Give the SHA-256 (hex) of the plan's JSON without its `hash`, with sorted keys and no white space."""
    head = plan_to_json(replace(plan, tasks=()))
    del head["hash"], head["tasks"]
    digest = sha256(_canonical(head)[:-1].encode("ascii") + b',"tasks":[')
    # `tasks` is the last key, so its rows can follow in portions: the whole text may be hundreds of megabytes.
    for start in range(0, len(plan.tasks), _PORTION):
        rows = plan_to_json(replace(plan, tasks=plan.tasks[start : start + _PORTION]))["tasks"]
        digest.update((b"," if start else b"") + _canonical(rows)[1:-1].encode("ascii"))
    digest.update(b"]}")
    return digest.hexdigest()


class _Lowering:
    """Makes the tasks of one plan."""

    def __init__(
        self,
        flat: Flat,
        graph: Graph,
        uses: Mapping[str, Collection[str]],
        scripts: Mapping[str, Script],
        source_text: SourceText,
        bounds: Bounds,
        secrets: Mapping[str, Collection[str]],
    ) -> None:
        document = flat.readable.document
        self._flat = flat
        self._counts = bounds.counts
        self._rules = 0  # that were lowered so far
        self._fans = bounds.fans
        self._bodies: list[dict[str, Any]] = list(document["tasks"].values())
        self._graph = graph
        self._order = plan_order(flat, graph)
        self._place: dict[str, int] = {}
        self._uses = with_collected(flat, uses)
        self._scripts = scripts
        self._source_text = source_text
        self._secrets = secrets
        defaults = document.get("defaults", {})
        self._retry_keys: dict[str, Any] = defaults.get("retry", {})
        self._retry = _retry(self._retry_keys)
        self._shell: str = defaults.get("shell", DEFAULT_SHELL)
        self._common = _settings({key: value for key, value in defaults.items() if key not in ("retry", "shell")})

    def tasks(self) -> tuple[Task, ...]:
        place = [0] * len(self._order)
        for at, node in enumerate(self._order):
            place[node] = at
        if self._flat.roles:
            self._place = {self._graph.names[node]: at for at, node in enumerate(self._order)}
        kept = needs_within(self._flat, self._graph)
        needs = [sorted((place[need], state) for need, state in kept[node]) for node in self._order]
        dependents: list[list[int]] = [[] for _ in needs]
        for at, wanted in enumerate(needs):
            for need, _ in wanted:
                dependents[need].append(at)
        return tuple(
            self._task(at, node, tuple(needs[at]), tuple(dependents[at])) for at, node in enumerate(self._order)
        )

    def _task(self, at: int, node: int, needs: tuple[Any, ...], dependents: tuple[int, ...]) -> Task:
        name, body = self._graph.names[node], self._bodies[node]
        role = self._flat.roles.get(name)
        is_foreign = role is not None and role.frame is not None  # it has the defaults of its own document
        fields = _settings(body) if is_foreign else {**self._common, **_settings(body)}
        if role is not None or not _HAS_ATTEMPTS.isdisjoint(body):
            fields = self._special(name, body, role or Role(), fields)
        kind = fields.pop("kind", None) or ("run" if "run" in body else "python" if "python" in body else "http")
        if kind == "http":
            fields.pop("cwd", None)  # which `defaults` may have for other tasks
        action = self._action(name, body)
        env = _environment(body["env"], ("tasks", name, "env"), self._source_text) if "env" in body else {}
        if role is not None and role.kind == "undo":
            taken = inherited(self._flat, name)
            env = _environment(taken.pop("env", {}), ("tasks", str(role.undoes), "env"), self._source_text) | env
            fields |= taken
        outputs = _outputs(body["outputs"]) if "outputs" in body else ()
        if "retry" in body:
            fields["retry"] = _retry({**({} if is_foreign else self._retry_keys), **body["retry"]})
        else:
            fields["retry"] = Retry() if is_foreign else self._retry
        if "join" in body and body["join"] != "all":
            fields["join"] = 1 if body["join"] == "any" else int(body["join"])
        fields |= self._growing(name, body, kind)
        if "batch" in body:
            fields["batch"] = _batch(body["batch"])
        if "cache" in body:
            fields["cache"] = _cache(body["cache"])
        return Task(
            index=at,
            id=name.removesuffix(EACH),
            kind=kind,
            action=action,
            needs=needs,
            dependents=dependents,
            outputs=outputs,
            env=env,
            collect=_collected(self._uses.get(name, ()), outputs, _STREAMS_OF.get(kind, _STREAMS)),
            dynamic="cache" in body or _is_dynamic(action, env, fields.get("cwd")),
            secrets=tuple(sorted(self._secrets.get(name, ()))),
            **fields,
        )

    def _special(self, name: str, body: dict[str, Any], role: Role, fields: dict[str, Any]) -> dict[str, Any]:
        """Give the fields of a task that is a part of something, or needs no attempt."""
        part = parts_of(name, body, role, self._place)
        kind = part.get("kind")
        if kind in ("gate", "door", "group", "template"):
            fields = {key: value for key, value in fields.items() if key in _settings(body) or key == "on_failure"}
            fields["estimate"] = (
                fields.get("estimate", 0.0)
                if kind in ("gate", "door") or role.members or (kind == "template" and role.region)
                else fields.get("estimate", DEFAULT_ESTIMATE)
            )
        elif "wait" in body or "approval" in body:
            fields.pop("timeout", None)
            fields.update({key: value for key, value in _settings(body).items() if key == "timeout"})
        elif role.closing:
            fields["timeout"] = _settings(body).get("timeout", DEFAULT_CLOSING_TIMEOUT)
        return {**fields, **part}

    def _growing(self, name: str, body: dict[str, Any], kind: str) -> dict[str, Any]:
        """Give the fields that say what a task may become, or add to the run."""
        fields: dict[str, Any] = {"fan_out": self._fans[name]} if name in self._fans else {}
        if self._counts is not None and "on_result" in body:
            from unspool.compiler.rule_plans import plan_rules  # most documents have none

            fields["rules"] = plan_rules(self._flat.source, name, body, self._counts, self._place, self._rules)
            self._rules += len(fields["rules"])
        if "interpret" in body:
            fields["interpret"] = interpreter_of(body)
        if self._counts is not None and kind == "template":
            fields["fan_out"] = FanOut(most=self._counts.instances(name.removesuffix(EACH)))
        return fields

    def _action(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        run = body.get("run")
        if "http" in body:
            return self._request(name, body["http"])
        if run is None and "python" not in body:
            return action_without_attempt(body)
        if run is None:
            action: dict[str, Any] = {"function": body["python"]}
        elif isinstance(run, str):
            script = self._scripts.get(name)
            text, values = (run, {}) if script is None else script
            action = {"script": text, "shell": body.get("shell", self._shell), "values": values}
        else:
            action = {"argv": self._argv(name, run)}
        for key in ("stdin", "with"):
            if key in body:
                action[key] = body[key]
        return action

    def _request(self, name: str, http: dict[str, Any]) -> dict[str, Any]:
        has_content = "json" in http or "body" in http
        expect = http.get("expect")
        action: dict[str, Any] = {
            "method": http.get("method", "POST" if has_content else "GET"),
            "url": http["url"],
            "headers": _environment(http.get("headers", {}), ("tasks", name, "http", "headers"), self._source_text),
            "expect": [int(status) for status in expect] if isinstance(expect, list) else expect,
        }
        return action | {key: http[key] for key in ("json", "body") if key in http}

    def _argv(self, name: str, items: list[Any]) -> list[str]:
        return [
            item if type(item) is str else _spelt(item, ("tasks", name, "run", number), self._source_text)
            for number, item in enumerate(items)
        ]


def _uses(value: Any) -> tuple[tuple[str, int], ...]:
    # By name, so that tasks which use the same wait in one line.
    counts = value if isinstance(value, dict) else dict.fromkeys(value, 1)
    return tuple((name, int(counts[name])) for name in sorted(counts))


# Keys of a task (and of `defaults`) that are fields of the plan's task, and how they get there.
_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "timeout": parse_duration,
    "idle_timeout": parse_duration,
    "grace": parse_duration,
    "estimate": parse_duration,
    "priority": PRIORITIES.index,
    "when": condition_source,
    "success_when": condition_source,
    "on_failure": lambda policy: policy if isinstance(policy, str) else next(iter(policy.keys() - {"with"})),
    "on_crash": str,
    "cwd": str,
    "description": str,
    "tags": tuple,
    "uses": _uses,
}


def _settings(body: dict[str, Any]) -> dict[str, Any]:
    return {key: _SETTINGS[key](value) for key, value in body.items() if key in _SETTINGS}


def _resources(declared: dict[str, dict[str, Any]]) -> tuple[Resource, ...]:
    return tuple(_resource(name, declared[name]) for name in sorted(declared))


def _resource(name: str, declared: dict[str, Any]) -> Resource:
    breaker = declared.get("circuit_breaker")
    return Resource(
        name=name,
        slots=int(declared["slots"]) if "slots" in declared else None,
        items=tuple(declared["items"]) if "items" in declared else None,
        rate=parse_rate(declared["rate"]) if "rate" in declared else None,
        breaker=None if breaker is None else _breaker(breaker),
    )


def _breaker(declared: dict[str, Any]) -> Breaker:
    fields: dict[str, Any] = {key: int(declared[key]) for key in ("failures", "successes") if key in declared}
    if "reset_after" in declared:
        fields["reset_after"] = parse_duration(declared["reset_after"])
    return Breaker(**fields)


def _retry(keys: dict[str, Any]) -> Retry:
    fields = dict(keys)
    for key in ("delay", "max_delay", "max_elapsed"):
        if key in fields:
            fields[key] = parse_duration(fields[key])
    for key in ("on", "never"):
        if key in fields:
            fields[key] = tuple(fields[key])
    if "max_attempts" in fields:
        fields["max_attempts"] = int(fields["max_attempts"])
    return Retry(**fields)


def _batch(keys: dict[str, Any]) -> Batch:
    return Batch(int(keys["size"]), parse_duration(keys.get("within", "0s")), keys.get("by"))


def _cache(keys: dict[str, Any]) -> Cache:
    ttl = keys.get("ttl")
    return Cache(
        keys.get("key"),
        tuple(keys.get("inputs", ())),
        tuple(keys.get("files", ())),
        None if ttl is None else parse_duration(ttl),
    )


def _environment(env: dict[str, Any], path: Path, source_text: SourceText) -> dict[str, str]:
    return {
        name: value if type(value) is str else _spelt(value, (*path, name), source_text) for name, value in env.items()
    }


def _spelt(value: Any, path: Path, source_text: SourceText) -> str:
    """Give a number or boolean as the author wrote it: `3.10` and `0x1F` stay what they are, TOML's `1_000` is 1000."""
    text = source_text(path)
    return json.dumps(value) if text is None else text.replace("_", "")


def _outputs(declared: dict[str, dict[str, Any]]) -> tuple[Output, ...]:
    # By name, so that the plan and its hash do not depend on the order in which they were written.
    return tuple(_output(name, declared[name]) for name in sorted(declared))


def _output(name: str, declared: dict[str, Any]) -> Output:
    source = declared.get("from", "output")
    is_file = isinstance(source, dict)
    return Output(
        name=name,
        schema={key: value for key, value in declared.items() if key not in ("from", "path", "default", "max_bytes")},
        source="file" if is_file else source,
        file=source["file"] if is_file else None,
        path=declared.get("path"),
        has_default="default" in declared,
        default=declared.get("default"),
        max_bytes=int(declared.get("max_bytes", DEFAULT_MAX_BYTES)),
    )


def _collected(uses: Collection[str], outputs: tuple[Output, ...], streams: tuple[str, ...]) -> tuple[str, ...]:
    if not uses and not outputs:
        return ()
    wanted = set(uses)
    for output in outputs:
        wanted.add(_result_field(output.path or "") if output.source == "result" else output.source)
    return tuple(stream for stream in streams if stream in wanted or "*" in wanted)


def _result_field(pointer: str) -> str:
    """Give the field of the result that a JSON Pointer leads into; `*` where it is all of it."""
    return pointer[1:].partition("/")[0] or "*"


def _is_dynamic(action: dict[str, Any], env: dict[str, str], cwd: str | None) -> bool:
    for key, value in action.items():
        if key == "argv":
            if "${{" in "\n".join(value):
                return True
        elif key == "values":
            if value:
                return True
        elif key in _EVALUATED and has_expressions(value):
            return True
    return (bool(env) and has_expressions(env)) or (cwd is not None and "${{" in cwd)


def has_expressions(value: Any) -> bool:
    """Whether some text in a value of lists and maps holds `${{`."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            if "${{" in item:
                return True
        elif isinstance(item, dict):
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return False

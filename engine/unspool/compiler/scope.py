"""What the names in expressions stand for, and what is wrong with one that stands for nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from unspool.compiler.contexts import (
    CONTEXTS,
    ERROR_FIELDS,
    RESULT_FIELDS,
    RUN_FIELDS,
    TASK_FIELDS,
    Place,
    foreign,
    unavailable,
)
from unspool.compiler.graph import MOST_SUGGESTIONS, Graph, similar_name
from unspool.compiler.readable import Readable
from unspool.compiler.schema_paths import type_at, wrong_member
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Path
from unspool.model.similar import closest

Steps = tuple[str | int, ...]
Problem = tuple[str, str, str]  # code, message, hint

_MOST_LISTED = 6
_FIELD_TYPES: dict[Steps, str] = {
    ("inputs",): "object",
    ("env",): "object",
    ("run",): "object",
    ("run", "id"): "string",
    ("run", "name"): "string",
    ("run", "started_at"): "number",
    ("outputs",): "object",
    ("state",): "string",
    ("attempt",): "integer",
    ("result",): "object",
    ("result", "exit_code"): "integer",
    ("result", "stdout"): "string",
    ("result", "stderr"): "string",
    ("result", "duration"): "number",
    ("result", "error"): "object",
}


class Spot(NamedTuple):
    """Where an expression stands: the place by its rules, the field, and the task by its number (-1: none)."""

    place: Place
    path: Path
    node: int = -1

    @property
    def is_script(self) -> bool:
        """Whether it is a script of a task."""
        return self.node >= 0 and self.path[2:] == ("run",)


class Scope:
    """Knows every name of one document.

    Attributes:
        uses: of each task, the fields of its `result` that some reference reads; `*` is all of it.
    """

    def __init__(self, readable: Readable, graph: Graph) -> None:
        document = readable.document
        self.uses: dict[str, set[str]] = {}
        self._suggested = 0
        self._holes = readable.holes
        self._graph = graph
        self._inputs: dict[str, Any] = document.get("inputs", {})
        self._env: dict[str, Any] = document.get("env", {})
        self._document = document
        self._tasks: list[dict[str, Any]] = list(document["tasks"].values())

    def problem(self, path: Steps, spot: Spot) -> Problem | None:
        """Say what is wrong with a reference, as far as its name and its place tell."""
        root, rest = str(path[0]), path[1:]
        if root not in CONTEXTS[spot.place]:
            return _unknown_root(root, spot.place)
        if root == "tasks":
            return self._task(path, spot)
        if root == "inputs":
            return self._input(rest)
        if root == "env":
            return self._variable(rest, spot)
        if root == "run":
            return _run(rest)
        if root == "lease":
            from unspool.compiler.leases import lease_problem  # most documents lease nothing

            return lease_problem(self._document, self._holes, rest, spot)
        if root == "result":
            self._use(spot.node, rest)
            return _result(("result",), rest)
        return _no_members(path) if rest else None

    def has_default(self, task: str, output: str) -> bool:
        """Whether an output declares what it is where a task gives nothing; True where that cannot be known."""
        declared = self._tasks[self._graph.number[task]].get("outputs")
        return declared is None or "default" in declared.get(output, ())

    def declared_type(self, path: Steps, node: int = -1) -> str | None:
        """Give the JSON type that a sound reference of a task surely has; None where that is not known."""
        root, *rest = path
        if root == "lease":
            from unspool.compiler.leases import lease_type

            return lease_type(self._document, self._tasks[node], tuple(rest))
        if root == "inputs" and rest:
            return type_at(self._inputs.get(str(rest[0]), {}), tuple(rest[1:]))
        if root == "tasks" and len(rest) > 2 and rest[1] == "outputs":
            outputs = self._tasks[self._graph.number[str(rest[0])]].get("outputs", {})
            return type_at(outputs.get(str(rest[2]), {}), tuple(rest[3:]))
        return _FIELD_TYPES.get(path[2:] if root == "tasks" else path) or ("string" if root == "env" and rest else None)

    def _input(self, rest: Steps) -> Problem | None:
        if not rest or ("inputs",) in self._holes:
            return None
        name = rest[0]
        if name not in self._inputs:
            return (
                "UNS065",
                f"the document declares no input {quote(str(name))}",
                self._names(str(name), self._inputs, "inputs"),
            )
        return _member(self._inputs[str(name)], ("inputs", name), rest[1:])

    def _variable(self, rest: Steps, spot: Spot) -> Problem | None:
        if not rest or ("env",) in self._holes:
            return None
        name = rest[0]
        if name not in self._env:
            return (
                "UNS066",
                f"the document's `env` has no variable {quote(str(name))}",
                self._variable_hint(str(name), spot),
            )
        return _no_members(("env", *rest)) if len(rest) > 1 else None

    def _variable_hint(self, name: str, spot: Spot) -> str:
        similar = {known.lower(): known for known in self._env}.get(name.lower()) or closest(name, self._env)
        if similar is not None:
            return f"did you mean `env.{similar}`?"
        if spot.node >= 0 and name in self._tasks[spot.node].get("env", {}):
            if spot.is_script:
                return f"a task's own variables are the command's: write `${name}` in the script"
            return "expressions know the document's `env` only: move the variable there"
        if spot.is_script:
            return f"write `${name}` for a variable of the command's environment, or declare it in the document's `env`"
        return "declare it in the document's `env`"

    def _task(self, path: Steps, spot: Spot) -> Problem | None:
        if len(path) == 1:
            return "UNS072", "`tasks` does not say which task is meant", "write `tasks.NAME.outputs.NAME`"
        name = str(path[1])
        target = self._graph.number.get(name)
        if target is None:
            return "UNS067", f"there is no task {quote(name)}", self._names(name, self._graph.number, "tasks")
        if len(path) == 2:
            hint = f"write `tasks.{name}.outputs.NAME`, `tasks.{name}.result` or `tasks.{name}.state`"
            return "UNS072", f"`tasks.{name}` does not say which value of the task is meant", hint
        problem = self._task_member(name, target, path)
        if problem is None and target == spot.node:
            return _own(name, path, spot.place)
        return problem

    def _task_member(self, name: str, target: int, path: Steps) -> Problem | None:
        field, rest = path[2], path[3:]
        if field == "outputs":
            return self._output(name, target, rest)
        if field == "result":
            self._use(target, rest)
            return _result(path[:3], rest)
        if field == "state":
            return _no_members(path) if rest else None
        if field == "instances":
            return "UNS064", "`instances` is not supported by this version yet", "write one task for each item"
        return "UNS069", f"a task has no {quote(str(field))}", self._task_member_hint(name, target, field)

    def _task_member_hint(self, name: str, target: int, field: str | int) -> str:
        if field in self._tasks[target].get("outputs", {}):
            return f"write `tasks.{name}.outputs.{field}`"
        if field in RESULT_FIELDS:
            return f"write `tasks.{name}.result.{field}`"
        if field == "status":
            return f"write `tasks.{name}.state`"
        similar = similar_name(str(field), list(TASK_FIELDS))
        return f"did you mean {quote(similar)}?" if similar else "it has `outputs`, `result` and `state`"

    def _output(self, name: str, target: int, rest: Steps) -> Problem | None:
        if not rest or ("tasks", name, "outputs") in self._holes:
            return None
        outputs = self._tasks[target].get("outputs", {})
        output = str(rest[0])
        if output in outputs:
            return _member(outputs[output], ("tasks", name, "outputs", output), rest[1:])
        hint = f"declare it: `outputs: {{{output}: {{type: string}}}}` in task {quote(name)}"
        similar = self._similar(output, outputs)
        if similar is not None:
            hint = f"did you mean {quote(similar)}?"
        elif output in RESULT_FIELDS:
            hint = f"write `tasks.{name}.result.{output}`"
        return "UNS068", f"task {quote(name)} declares no output {quote(output)}", hint

    def _names(self, name: str, known: Collection[str], root: str) -> str:
        similar = self._similar(name, known)
        if similar is not None:
            return f"did you mean `{root}.{similar}`?"
        if not known:
            return f"declare it under `{root}`"
        if len(known) <= _MOST_LISTED:
            return "known are " + ", ".join(map(quote, known))
        return f"name one of the document's `{root}`"

    def _similar(self, name: str, known: Collection[str]) -> str | None:
        self._suggested += 1
        return similar_name(name, list(known)) if self._suggested <= MOST_SUGGESTIONS else None

    def _use(self, node: int, rest: Steps) -> None:
        self.uses.setdefault(self._graph.names[node], set()).add(str(rest[0]) if rest else "*")


def _unknown_root(root: str, place: Place) -> Problem:
    elsewhere = unavailable(root, place)
    if elsewhere is not None:
        return "UNS064", elsewhere.message, elsewhere.hint
    known = CONTEXTS[place]
    similar = similar_name(root, list(known))
    hint = foreign(root) or (f"did you mean {quote(similar)}?" if similar else None)
    common = [name for name in known if name != "lease"]  # few tasks have any
    return "UNS063", f"there is no {quote(root)}", hint or "known here are " + ", ".join(map(quote, common))


def _shown(path: Steps) -> str:
    return quote(".".join(map(str, path)))


def _no_members(path: Steps) -> Problem:
    return "UNS069", f"{_shown(path[:-1])} has no members", f"write {_shown(path[:-1])}"


def _run(rest: Steps) -> Problem | None:
    if not rest or (rest[0] in RUN_FIELDS and len(rest) == 1):
        return None
    if rest[0] in RUN_FIELDS:
        return _no_members(("run", *rest))
    if rest[0] in ("state", "reason"):
        return "UNS064", f"`run.{rest[0]}` is not known before the run has ended", "read `tasks.NAME.state` instead"
    return "UNS069", f"`run` has no {quote(str(rest[0]))}", "it has `id`, `name` and `started_at`"


def _result(prefix: Steps, rest: Steps) -> Problem | None:
    if not rest or rest[0] == "json":
        return None
    field = rest[0]
    if field not in RESULT_FIELDS:
        similar = similar_name(str(field), list(RESULT_FIELDS))
        hint = f"did you mean {quote(similar)}?" if similar else "it has " + ", ".join(map(quote, RESULT_FIELDS))
        return "UNS069", f"{_shown(prefix)} has no {quote(str(field))}", hint
    if len(rest) == 1 or (field == "error" and rest[1] in ERROR_FIELDS and len(rest) == 2):
        return None
    if field == "error" and rest[1] not in ERROR_FIELDS:
        return "UNS069", f"{_shown((*prefix, field))} has no {quote(str(rest[1]))}", "it has `class` and `message`"
    if field in ("stdout", "stderr") and isinstance(rest[1], int) and len(rest) == 2:
        return None
    return _no_members((*prefix, *rest))


def _member(schema: Any, prefix: Steps, rest: Steps) -> Problem | None:
    wrong = wrong_member(schema, rest) if rest and isinstance(schema, dict) else None
    if wrong is None:
        return None
    at, what = wrong
    holder = _shown((*prefix, *rest[:at]))
    return (
        "UNS069",
        f"{holder} is {what} and has no member {quote(str(rest[at]))}",
        f"write {holder}, or change its schema",
    )


def _own(name: str, path: Steps, place: Place) -> Problem:
    if place == "success_when" and path[2] == "result":
        hint = f"write `{'.'.join(map(str, path[2:]))}`"
    elif place == "success_when":
        hint = "write `result`, such as `result.json`"
    else:
        hint = "a value of its own that a task needs goes into `env` or `with`"
    return "UNS070", f"task {quote(name)} reads its own {quote(str(path[2]))}", hint

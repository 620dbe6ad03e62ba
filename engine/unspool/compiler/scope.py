"""What the names in expressions stand for, and what is wrong with one that stands for nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from unspool.compiler import secrets
from unspool.compiler.contexts import (
    CONTEXTS,
    HTTP_FIELDS,
    LOCAL,
    RESULT_FIELDS,
    TASK_FIELDS,
    Place,
    foreign,
    unavailable,
)
from unspool.compiler.emissions import interpreter_of
from unspool.compiler.flatten import Flat, Role, locals_of
from unspool.compiler.graph import EACH, MOST_SUGGESTIONS, Graph, similar_name
from unspool.compiler.members import (
    FIELD_TYPES,
    TYPES_OF_MANY,
    Problem,
    Steps,
    member,
    no_members,
    own,
    result_of,
    run_of,
    shown,
)
from unspool.compiler.nearby import Fan, member_problem
from unspool.compiler.reaches import inside_hint, out_of_reach, own_value
from unspool.compiler.schema_paths import type_at
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Path
from unspool.model.similar import closest

_INNER = frozenset("./[")  # in names that no author can write
_MOST_LISTED = 6
_OF_ATTEMPTS = frozenset(("run", "python", "http", "with", "stdin", "env", "cwd", "cache"))


class Spot(NamedTuple):
    """Where an expression stands: the place by its rules, the field, and the task by its number (-1: none).

    `knows_own` says that what the task's own fan-out brings in is known; `scope` is what stands before the names
    around it, where that is another than the task's; `words` are known besides, with nothing known of them.
    """

    place: Place
    path: Path
    node: int = -1
    knows_own: bool = True
    scope: str | None = None
    words: frozenset[str] = frozenset()

    @property
    def is_script(self) -> bool:
        """Whether it is a script of a task."""
        return self.node >= 0 and self.path[2:] == ("run",)


class Scope:
    """Knows every name of one document.

    Attributes:
        uses: of each task, the fields of its `result` that some reference reads; `*` is all of it.
        secrets: of each task that is given any, their names.
        asked: of the inputs of the document and of each template, by their identity, the names that are used; `*` is
            all of them.
        read: of each task, by its number, the outputs that some expression reads; `*` is all of them.
    """

    def __init__(self, flat: Flat, graph: Graph) -> None:
        readable = flat.readable
        document = readable.document
        self._flat = flat
        self.uses: dict[str, set[str]] = {}
        self.secrets: dict[str, set[str]] = {}
        self.asked: dict[int, set[str]] = {}
        self.read: dict[int, set[str]] = {}
        self._suggested = 0
        self._holes = readable.holes
        self._graph = graph
        self._inputs: dict[str, Any] = document.get("inputs", {})
        self._env: dict[str, Any] = document.get("env", {})
        self._secrets: list[str] = document.get("secrets", [])
        self._document = document
        self._tasks: list[dict[str, Any]] = list(document["tasks"].values())

    def problem(self, path: Steps, spot: Spot) -> Problem | None:
        """Say what is wrong with a reference, as far as its name and its place tell."""
        root, rest = str(path[0]), path[1:]
        if root in LOCAL and root in self._local(spot):
            return self._local_value(path, spot)
        if root == secrets.ROOT:
            return self._secret(path, spot)
        if root not in CONTEXTS[spot.place]:
            return own_value(self._flat, root, self._name(spot), spot.path) or _unknown_root(
                root, spot.place, self._local(spot)
            )
        if root == "tasks":
            return self._task(path, spot)
        if root == "inputs":
            return self._input(rest, spot)
        if root == "env":
            return self._variable(rest, spot)
        return self._value_of_run(path, rest, spot)

    def _value_of_run(self, path: Steps, rest: Steps, spot: Spot) -> Problem | None:
        """Judge what is only known while the run goes on."""
        root = path[0]
        if root == "run":
            return None if self._role(spot).closing and rest in (("state",), ("reason",)) else run_of(rest)
        if root == "lease":
            from unspool.compiler.leases import lease_problem  # most documents lease nothing

            return lease_problem(self._document, self._holes, rest, spot)
        if root == "result":
            self._use(spot.node, rest)
            return result_of(("result",), rest, self._fields(spot.node))
        if root == "outputs":
            return self._output(self._graph.names[spot.node], spot.node, rest)
        return no_members(path) if rest else None

    def _name(self, spot: Spot) -> str | None:
        return self._graph.names[spot.node] if spot.node >= 0 else None

    def _role(self, spot: Spot) -> Role:
        return self._flat.role(self._graph.names[spot.node]) if spot.node >= 0 else Role()

    def _local(self, spot: Spot) -> frozenset[str]:
        """Give the words that only expressions at this place know."""
        if spot.node < 0:
            return frozenset()
        role = self._role(spot)
        if "interpret" in self._tasks[spot.node] and spot.place in ("success_when", "on_result"):
            role = role._replace(local=role.local | {"interpretation"})
        if self._is_hole(spot.node, "for_each"):
            return role.local | {"item", "index", "items", "matrix"}
        if spot.words:
            return role.local | spot.words | locals_of(self._tasks[spot.node])
        if not spot.knows_own:
            return role.local
        body = self._tasks[spot.node]
        if "batch" in body and spot.path[2:3] and spot.path[2] in _OF_ATTEMPTS:
            return role.local | {"items"}
        return role.local | locals_of(body)

    def _local_value(self, path: Steps, spot: Spot) -> Problem | None:
        """Judge what is asked of `item`, `index`, `matrix` or `previous`."""
        if path[0] == "previous":
            return self._previous(path, spot)
        if path[0] in spot.words:
            return None
        if path[0] == "interpretation":
            self._use(spot.node, ())
            return member_problem("interpretation", self._interpretation(spot), path[1:])
        return member_problem(str(path[0]), self._fan(spot).schema(str(path[0]), self._inputs_at(spot)), path[1:])

    def _previous(self, path: Steps, spot: Spot) -> Problem | None:
        """The step before is a task like any other."""
        target = self.target("previous", spot)
        if target is None:
            return None
        if len(path) == 1:
            hint = "write `previous.outputs.NAME`, `previous.result` or `previous.state`"
            return "UNS072", "`previous` does not say which value of the step before is meant", hint
        short = self._graph.names[target].removeprefix(self._role(spot).scope)
        problem = self._task_member(short, target, ("tasks", short, *path[1:]))
        if problem is None:
            return None
        code, message, hint = (text.replace(f"tasks.{short}", "previous") for text in problem)
        return code, message, hint

    def _interpretation(self, spot: Spot) -> dict[str, Any]:
        """Give the schema of what the interpreter of a task makes of its result."""
        from unspool.model.interpreters import FIELDS  # most documents have no interpreter

        name, _ = interpreter_of(self._tasks[spot.node])
        found: dict[str, Any] = FIELDS.get(name, {})
        return found

    def _fan(self, spot: Spot) -> Fan:
        around = self._role(spot).fan
        return around.within(self._tasks[spot.node]) if spot.knows_own else around

    def _is_hole(self, node: int, field: str) -> bool:
        """Whether a field of a task could not be read."""
        return ("tasks", self._graph.names[node], field) in self._holes

    def target(self, name: str, spot: Spot) -> int | None:
        """Give the task that a name means where it stands, None where there is none that may be named."""
        if name == "previous" and spot.scope is None and self._role(spot).previous is not None:
            return self._graph.number[str(self._role(spot).previous)]
        found = self._flat.find(name, self._role(spot).scope if spot.scope is None else spot.scope)
        if found is not None and f"{found}{EACH}" in self._graph.number:
            found = f"{found}{EACH}"
        if found is None or not _INNER.isdisjoint(name):
            return None
        node, role = self._graph.number[found], self._flat.role(found)
        is_hidden = role.kind in ("gate", "undo") or (role.template and not role.scope)
        return None if is_hidden and node != spot.node else node

    def fans_out(self, node: int) -> bool:
        """Whether what others see of a task are lists."""
        return bool(locals_of(self._tasks[node])) or "emitters" in self._tasks[node]

    def has_default(self, node: int, output: str) -> bool:
        """Whether an output declares what it is where a task gives nothing; True where that cannot be known."""
        declared = self._tasks[node].get("outputs")
        return declared is None or "default" in declared.get(output, ())

    def declared_type(self, path: Steps, spot: Spot) -> str | None:
        """Give the JSON type that a sound reference surely has; None where that is not known."""
        root, *rest = path
        if root == "previous":
            return self._type_of_task(self.target("previous", spot), tuple(rest)) if rest else None
        if root in spot.words:
            return None
        if root == "interpretation":
            return type_at(self._interpretation(spot), tuple(rest))
        if root in LOCAL:
            return type_at(self._fan(spot).schema(str(root), self._inputs_at(spot)), tuple(rest))
        if root == "lease":
            from unspool.compiler.leases import lease_type

            return lease_type(self._document, self._tasks[spot.node], tuple(rest))
        if root == "inputs" and rest:
            return type_at(self._inputs_at(spot).get(str(rest[0]), {}), tuple(rest[1:]))
        if root == "outputs" and rest and spot.node >= 0:
            return type_at(self._tasks[spot.node].get("outputs", {}).get(str(rest[0]), {}), tuple(rest[1:]))
        if root == "tasks" and len(rest) > 1:
            return self._type_of_task(self.target(str(rest[0]), spot), tuple(rest[1:]))
        return FIELD_TYPES.get(path[2:] if root == "tasks" else path) or ("string" if root == "env" and rest else None)

    def _type_of_task(self, node: int | None, steps: Steps) -> str | None:
        if node is None:
            return None
        if self.fans_out(node) and steps[0] != "state":
            return TYPES_OF_MANY.get((str(steps[0]), len(steps)))
        if steps[0] == "outputs" and len(steps) > 1:
            return type_at(self._tasks[node].get("outputs", {}).get(str(steps[1]), {}), steps[2:])
        return FIELD_TYPES.get(steps)

    def _inputs_at(self, spot: Spot) -> dict[str, Any]:
        """Give the inputs that are known: those of the template an expression stands in, else the document's."""
        own = self._role(spot).inputs
        return self._inputs if own is None else own

    def _input(self, rest: Steps, spot: Spot) -> Problem | None:
        inputs = self._inputs_at(spot)
        self.asked.setdefault(id(inputs), set()).add(str(rest[0]) if rest else "*")
        is_unread = ("inputs",) in self._holes if inputs is self._inputs else not self._role(spot).knows_inputs
        if not rest or is_unread:
            return None
        name = rest[0]
        if name not in inputs:
            holder = "document" if inputs is self._inputs else "template"
            return (
                "UNS065",
                f"the {holder} declares no input {quote(str(name))}",
                self._input_hint(str(name), inputs, spot),
            )
        return member(inputs[str(name)], ("inputs", name), rest[1:])

    def _input_hint(self, name: str, inputs: dict[str, Any], spot: Spot) -> str:
        if inputs is self._inputs or name not in self._inputs or self._similar(name, inputs):
            return self._names(name, inputs, "inputs")
        given = f'`with: {{{name}: "${{{{ inputs.{name} }}}}"}}`'
        return f"a template knows only its own: declare it there, and hand the document's over by {given}"

    def _variable(self, rest: Steps, spot: Spot) -> Problem | None:
        own = self._role(spot).env
        if not rest or (own is None and ("env",) in self._holes):
            return None
        name = rest[0]
        if name not in (self._env if own is None else own):
            return (
                "UNS066",
                f"the document's `env` has no variable {quote(str(name))}",
                self._variable_hint(str(name), spot),
            )
        return no_members(("env", *rest)) if len(rest) > 1 else None

    def _secret(self, path: Steps, spot: Spot) -> Problem | None:
        name = str(path[1]) if len(path) > 1 else None
        wrong = secrets.misplaced(name, spot.place, spot.path, is_script=spot.is_script)
        if wrong is not None:
            return wrong
        if name is None:
            return "UNS072", "`secrets` does not say which secret is meant", "write `secrets.NAME`"
        if name not in self._secrets:
            return None if ("secrets",) in self._holes else secrets.unknown(name, self._secrets)
        self.secrets.setdefault(self._graph.names[spot.node], set()).add(name)
        return no_members(path) if len(path) > 2 else None

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
        target = self.target(name, spot)
        found = None if target is None else self._graph.names[target]
        is_known = target is not None or self._suggested <= MOST_SUGGESTIONS  # else looking further costs too much
        refused = out_of_reach(self._flat, name, found, self._name(spot)) if is_known else None
        if refused is not None:
            return refused
        if target is None:
            return "UNS067", f"there is no task {quote(name)}", self._names(name, self._known_tasks(spot), "tasks")
        if len(path) == 2:
            hint = f"write `tasks.{name}.outputs.NAME`, `tasks.{name}.result` or `tasks.{name}.state`"
            return "UNS072", f"`tasks.{name}` does not say which value of the task is meant", hint
        problem = self._task_member(name, target, path)
        if problem is None and target == spot.node:
            return own(name, path, spot.place)
        return problem

    def _known_tasks(self, spot: Spot) -> list[str]:
        """Give the names that may be used in a place: those of the group around it, and those of the top level."""
        scope = self._role(spot).scope if spot.scope is None else spot.scope
        names = [name.removeprefix(scope) for name in self._graph.names if scope and name.startswith(scope)]
        names += [name for name in self._graph.names if not self._flat.role(name).template]
        return [name for name in dict.fromkeys(names) if _INNER.isdisjoint(name) and not name.startswith("_")]

    def _task_member(self, name: str, target: int, path: Steps) -> Problem | None:
        field, rest = path[2], path[3:]
        if self.fans_out(target) and field in TASK_FIELDS:
            return self._member_of_many(name, target, path)
        if field == "outputs":
            return self._output(name, target, rest)
        if field == "result":
            self._use(target, rest)
            return result_of(path[:3], rest, self._fields(target))
        if field == "state":
            return no_members(path) if rest else None
        if field == "instances":
            return (
                "UNS069",
                f"task {quote(name)} has no `for_each` and so no `instances`",
                f"write `tasks.{name}.state`",
            )
        hint = inside_hint(self._flat, self._graph.names[target], str(field))
        return "UNS069", f"a task has no {quote(str(field))}", hint or self._task_member_hint(name, target, field)

    def _member_of_many(self, name: str, target: int, path: Steps) -> Problem | None:
        """What a fan-out shows are lists: of each output, of results, of instances."""
        field, rest = path[2], path[3:]
        if field == "state":
            return no_members(path) if rest else None
        if field == "result":
            self._use(target, ())
        if field == "outputs" and rest:
            problem = self._output(name, target, rest[:1])
            inside = rest[1:2]
        else:
            problem, inside = None, rest[:1]
        if problem is None and inside and not isinstance(inside[0], int):
            holder = shown(path[: len(path) - len(rest) + (1 if field == "outputs" else 0)])
            hint = "take one, as in `[0]`, or all with `| map(attribute='...')`"
            return (
                "UNS069",
                f"{holder} is a list, one entry for each instance, and has no {quote(str(inside[0]))}",
                hint,
            )
        return problem

    def _task_member_hint(self, name: str, target: int, field: str | int) -> str:
        if field in self._tasks[target].get("outputs", {}):
            return f"write `tasks.{name}.outputs.{field}`"
        if field in self._fields(target):
            return f"write `tasks.{name}.result.{field}`"
        if field == "status":
            return f"write `tasks.{name}.state`"
        similar = similar_name(str(field), list(TASK_FIELDS))
        return f"did you mean {quote(similar)}?" if similar else "it has `outputs`, `result` and `state`"

    def _output(self, name: str, target: int, rest: Steps) -> Problem | None:
        self.read.setdefault(target, set()).add(str(rest[0]) if rest else "*")
        if not rest or self._is_hole(target, "outputs"):
            return None
        outputs = self._tasks[target].get("outputs", {})
        output = str(rest[0])
        if output in outputs:
            return member(outputs[output], ("tasks", name, "outputs", output), rest[1:])
        hint = f"declare it: `outputs: {{{output}: {{type: string}}}}` in task {quote(name)}"
        similar = self._similar(output, outputs)
        if similar is not None:
            hint = f"did you mean {quote(similar)}?"
        elif output in self._fields(target):
            hint = f"write `tasks.{name}.result.{output}`"
        return "UNS068", f"task {quote(name)} declares no output {quote(output)}", hint

    def _fields(self, node: int) -> tuple[str, ...]:
        """Give the members that `result` of a task has by its kind; of a faulty action, all that it may have."""
        is_other = not self._tasks[node].keys().isdisjoint(("run", "python", "wait", "approval", "group"))
        return RESULT_FIELDS if is_other else (*RESULT_FIELDS, *HTTP_FIELDS)

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


def _unknown_root(root: str, place: Place, local: Collection[str]) -> Problem:
    elsewhere = unavailable(root, place)
    if elsewhere is not None and root == "items" and "item" in local:
        return "UNS064", elsewhere.message, "did you mean `item`? Each instance has one of the list"
    if elsewhere is not None:
        return "UNS064", elsewhere.message, elsewhere.hint
    known = [*CONTEXTS[place], *sorted(local)]
    similar = similar_name(root, known)
    hint = foreign(root) or (f"did you mean {quote(similar)}?" if similar else None)
    common = [name for name in known if name != "lease"]  # few tasks have any
    return "UNS063", f"there is no {quote(root)}", hint or "known here are " + ", ".join(map(quote, common))

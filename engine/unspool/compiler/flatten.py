"""Lays the parts of a document out side by side: groups, templates, compensations and `finally` become plain tasks.

The rest of the compiler knows nothing but a flat map of tasks. Names that no author can write keep the parts apart:
`deploy._gate` is what everything in the group `deploy` comes after, `deploy.push` a task of it, `deploy` its end;
`test[]` is what the instances of a group with `for_each` are copies of, `push/compensate` undoes `push`.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from unspool.compiler.graph import COPIED, DOOR, EACH, GATE
from unspool.compiler.nearby import Fan
from unspool.compiler.places import value_at
from unspool.compiler.readable import Readable
from unspool.compiler.reducers import REDUCER, reducer_of, reduction
from unspool.compiler.wording import place, quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.similar import closest

CODES = {
    "UNS160": "a task of a group depends on what its group does not have",
    "UNS161": "a group has a key that goes with single tasks",
    "UNS170": "two of the document's tasks and templates have the same name",
}

UNDO = "/compensate"
_FAN_KEYS = ("for_each", "matrix")
_BEFORE = ("depends_on", "join", "when")
_NOT_OF_INSTANCES = ("inputs", "depends_on", "join")
_SINGLE_ONLY = (
    *("retry", "cache", "uses", "batch", "compensate", "stdin", "shell", "with", "cwd", "env"),
    *("idle_timeout", "grace", "on_crash", "priority"),
)
_OF_EACH = frozenset(("group", "success_when", "when", "timeout", "on_result", "interpret"))
_FAN_WORDS = frozenset(("item", "index", "matrix"))
_TASK_NAME = re.compile(r"(?<![a-z])(?<!no )task `([a-z0-9_]+)`")
_UNDO_NAME = re.compile(rf"(?:task )?`([^`]+){UNDO}`")
_INNER_NAME = re.compile(r"(?<=[a-z0-9_\]])(\[\*?\]|\._gate)(?=[.`/\[ ])")
_TWICE = re.compile(r"(?<=[` ])(\S+)(?: -> \1(?=[` ]))+")


class Role(NamedTuple):
    """What a task is beside what its body says.

    Attributes:
        scope: what stands before the names of the tasks around it.
        closing: it stands under `finally`.
        template: how many times it must be copied before a copy runs.
        local: the words that only expressions here know: `item`, `index`, `matrix`, `previous`.
        kind: `task`, `gate`, `group`, `fan_out` (of a group), `undo`, `door` (what keeps a run open), or `template`,
            which stands for all instances.
        members: of a group, its tasks.
        region: of a group with `for_each`, or a template that is a group, and of what stands for all instances of
            that: the tasks that make up a copy.
        peers: of what stands for all instances of a template: those of the templates that may emit each other.
        previous: of a step in a sequence, the step before.
        undoes: of a compensation, the task that it undoes.
        inputs: of what stands in a template or in another document, the schemas of its inputs.
        env: of what stands in another document, the names of that document's variables.
        frame: of what stands in another document, the gate that knows its inputs.
        shielded: it stands under `finally` of another document: a cancel does not reach it.
        knows_inputs: those of a template could be read.
        fan: how the tasks around it multiply.
    """

    scope: str = ""
    closing: bool = False
    template: int = 0
    local: frozenset[str] = frozenset()
    kind: str = "task"
    members: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    previous: str | None = None
    undoes: str | None = None
    inputs: dict[str, Any] | None = None
    env: dict[str, Any] | None = None
    frame: str | None = None
    shielded: bool = False
    knows_inputs: bool = True
    fan: Fan = Fan()


_PLAIN = Role()


class Flat(NamedTuple):
    """A document laid out.

    Attributes:
        readable: the document with nothing but tasks in it.
        roles: of tasks that are not plain ones of the top level.
        paths: where those stand in the document.
        diagnostics: what is wrong with how they are nested.
        source: the document before.
    """

    readable: Readable
    roles: dict[str, Role]
    paths: dict[str, Path]
    diagnostics: list[Diagnostic]
    source: dict[str, Any]

    def role(self, name: str) -> Role:
        """Give what a task is."""
        return self.roles.get(name, _PLAIN)

    def find(self, name: str, scope: str) -> str | None:
        """Find a task by its name as it is written: what is nearest counts, then what is around it."""
        tasks = self.readable.document["tasks"]
        while True:
            if f"{scope}{name}" in tasks:
                return f"{scope}{name}"
            if not scope:
                return None
            outer = scope[:-1].rpartition(".")
            scope = f"{outer[0]}." if outer[1] else ""

    def path_of(self, path: Path) -> Path:
        """Give the path in the document of a path in what was laid out."""
        if len(path) < 2 or path[0] != "tasks" or path[1] not in self.paths:
            return path
        name = str(path[1])
        path = tuple(part.removesuffix(EACH) if isinstance(part, str) else part for part in path)
        if self.roles[name].frame is not None and self.roles[name].kind != "gate":
            return self.paths[name]
        if path[2:3] == ("depends_on",) and self.roles[name].scope:
            return self._path_of_need(name, path)
        return (*self.paths[name], *path[2:])

    def _path_of_need(self, name: str, path: Path) -> Path:
        """A task of a group names its siblings by their short names, in a list or a map."""
        holder = (*self.paths[name], "depends_on")
        written = value_at(self.source, holder)
        short = str(path[3]).removeprefix(self.roles[name].scope) if len(path) == 4 else None
        if short is None or not isinstance(written, list | dict) or short not in written:
            return holder if written is not None else holder[:-1]
        return (*holder, written.index(short) if isinstance(written, list) else short)

    def placed(self, found: Diagnostic) -> Diagnostic:
        """Give a finding in terms of the document."""
        if not self.roles:
            return found
        path = self.path_of(found.path)
        return found._replace(
            path=path,
            on_key=found.on_key and not isinstance(path[-1:] and path[-1], int),
            message=self._worded(found.message),
            hint=None if found.hint is None else self._worded(found.hint),
        )

    def _worded(self, text: str) -> str:
        """Give text with the names that the author gave."""
        text = _INNER_NAME.sub("", text)
        if " -> " in text:
            text = _TWICE.sub(r"\1", text)  # a group waits for its gate
        if UNDO in text:
            text = _UNDO_NAME.sub(r"`compensate` of task `\1`", text)
        if "task `" in text and "templates" in self.source:
            text = _TASK_NAME.sub(self._kind_named, text)
        return text

    def _kind_named(self, match: re.Match[str]) -> str:
        is_template = self.paths.get(match[1]) == ("templates", match[1])
        return f"template `{match[1]}`" if is_template else match[0]


def flatten(readable: Readable) -> Flat:
    """Lay out what can be read of a document.

    Cost: O(size of the document) where it has groups, templates or the like, O(tasks) where not.
    """
    document = readable.document
    tasks = document["tasks"]
    nested = any("group" in body or "compensate" in body for body in tasks.values())
    if not nested and "finally" not in document and "templates" not in document:
        return Flat(readable, {}, {}, [], document)
    layout = _Layout(readable.holes)
    layout.add_all(tasks, ("tasks",), _PLAIN)
    layout.add_all(document.get("finally", {}), ("finally",), Role(closing=True))
    for name, body in document.get("templates", {}).items():
        knows_inputs = ("templates", name, "inputs") not in readable.holes
        role = Role(template=1, inputs=body.get("inputs", {}), knows_inputs=knows_inputs)
        plain = {key: value for key, value in body.items() if key not in _NOT_OF_INSTANCES}
        layout.add_template(name, plain, ("templates", name), role)
    if layout.templates and document.get("open"):
        layout.add_door()
    if layout.templates:
        from unspool.compiler.emissions import add_collectors

        add_collectors(document, layout.tasks, layout.roles, layout.paths, layout.templates)
    flat = {**document, "tasks": layout.tasks}
    return Flat(Readable(flat, layout.placed_holes()), layout.roles, layout.paths, layout.found, document)


class _Layout:
    """Collects the tasks in an order in which each comes after the parts it is made of."""

    def __init__(self, holes: frozenset[Path]) -> None:
        self._holes = holes
        self.tasks: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, Role] = {}
        self.paths: dict[str, Path] = {}
        self.found: list[Diagnostic] = []
        self.templates: set[str] = set()

    def placed_holes(self) -> frozenset[Path]:
        """Give the holes of nested tasks in terms of what was laid out."""
        if not self._holes:
            return self._holes
        names: dict[Path, list[str]] = {}
        for name, path in self.paths.items():
            names.setdefault(path, []).append(name)
        placed = (("tasks", name, *hole[-1:]) for hole in self._holes for name in names.get(hole[:-1], ()))
        return frozenset((*(hole for hole in self._holes if hole[:-1] not in names), *placed))

    def add_door(self) -> None:
        """Add what keeps a run open."""
        self._put(DOOR, {}, ("open",), Role(kind="door"))

    def add_all(self, tasks: dict[str, Any], path: Path, role: Role) -> None:
        for name, body in tasks.items():
            self.add(name, body, (*path, name), role)

    def add(self, name: str, body: dict[str, Any], path: Path, role: Role) -> None:
        """Add a task with all its parts; `name` is its whole name."""
        if self._is_taken(name, path):
            return
        if "group" not in body:
            self._add_single(name, body, path, role)
            return
        self._check_keys(name, body, path)
        if any(key in body for key in _FAN_KEYS):
            self._add_copied(name, body, path, role)
        else:
            self._add_group(name, body, path, role)

    def add_template(self, name: str, body: dict[str, Any], path: Path, role: Role) -> None:
        if self._is_taken(name, path):
            return
        self.templates.add(name)
        if "group" not in body:
            self._add_single(name, body, path, role)
            return
        self._check_keys(name, body, path)
        for key in _FAN_KEYS:
            if key in body:
                message = f"`{key}` cannot stand in the template {quote(name)}, which is a group, in this version yet"
                hint = f"give the `{key}` to the tasks in its group"
                self._find("UNS161", message, (*path, key), hint, on_key=True)
        role = role._replace(local=locals_of(body), fan=role.fan.within(body))
        body = {key: value for key, value in body.items() if key not in _FAN_KEYS}
        self._put(name, {}, path, role._replace(kind="fan_out", region=self._region(name, body, path, role, {})))

    def _is_taken(self, name: str, path: Path) -> bool:
        """Say so where something in another part of the document has the name."""
        if name not in self.tasks:
            return False
        first = self.paths.get(name, ("tasks", name))
        message = f"the name {quote(name)} is taken: there is a {place(first)} under `{first[0]}`"
        self._find("UNS170", message, path, "give it a name of its own", on_key=True)
        return True

    def _put(self, name: str, body: dict[str, Any], path: Path, role: Role) -> None:
        self.tasks[name] = body
        if role is not _PLAIN:
            self.roles[name] = role
            self.paths[name] = path

    def _add_single(self, name: str, body: dict[str, Any], path: Path, role: Role) -> None:
        self._put(name, body, path, role)
        if "compensate" in body:
            local = role.local | locals_of(body) | self._unread_locals(path)
            undo = role._replace(
                kind="undo",
                template=role.template + 1,
                undoes=name,
                local=local,
                fan=role.fan.within(body),
            )
            needs = {"depends_on": {name: "completed"}}
            self._put(f"{name}{UNDO}", {**body["compensate"], **needs}, (*path, "compensate"), undo)

    def _add_copied(self, name: str, body: dict[str, Any], path: Path, role: Role) -> None:
        """A group with `for_each`: a parent, and what its instances are copies of."""
        each = asks_each(body)
        before = {key: body[key] for key in _BEFORE if key in body and not (key == "when" and each)}
        head = {key: value for key, value in body.items() if key not in _OF_EACH}
        inner = {key: value for key, value in body.items() if key not in _FAN_KEYS and (key != "when" or each)}
        local = role.local | locals_of(body)
        deeper = role._replace(template=role.template + 1, local=local, fan=role.fan.within(body))
        region = self._region(name, inner, path, deeper, before)
        self._put(name, {**head, **before}, path, role._replace(kind="fan_out", region=region))

    def _region(
        self, name: str, body: dict[str, Any], path: Path, role: Role, before: dict[str, Any]
    ) -> tuple[str, ...]:
        known = len(self.tasks)
        self._add_group(f"{name}{COPIED}", {**body, **before} if before else body, path, role)
        return tuple(self.tasks)[known:]

    def _add_group(self, name: str, body: dict[str, Any], path: Path, role: Role) -> None:
        group = body["group"]
        gate = f"{name}{GATE}"
        role = role._replace(local=role.local | self._unread_locals(path))
        unread = frozenset(("previous",)) if (*path, "mode") in self._holes else frozenset[str]()
        gate_body = {key: body[key] for key in (*_BEFORE, "timeout") if key in body}
        outer = role
        if "is_document" in group:
            gate_body["workflow"] = {"inputs": group["given"], "env": group["env"], "declared": group["inputs"]}
            role = Role(
                closing=role.closing, template=role.template, inputs=group["inputs"], env=group["env"], frame=gate
            )
        self._put(gate, gate_body, path, outer._replace(kind="gate"))
        members = tuple(f"{name}.{short}" for short in group["tasks"])
        mode = group.get("mode", "sequential")
        before: str | None = None
        for short, member in group["tasks"].items():
            place = path if "is_document" in group else (*path, "group", "tasks", short)
            needs = self._needs(name, short, group["tasks"], place, mode)
            if mode == "sequential" and before is not None:
                needs[before] = "ok"
            previous = before if mode == "sequential" else None
            local = role.local | ({"previous"} if previous else unread)
            inner = role._replace(scope=f"{name}.", local=local, previous=previous)
            behind = {**member, "depends_on": {gate: "completed", **needs}}
            if member.get("join", "all") != "all":  # the gate is always met before any other
                behind["join"] = 1 + (1 if member["join"] == "any" else int(member["join"]))
            self.add(f"{name}.{short}", behind, place, inner)
            before = f"{name}.{short}"
        last = self._add_closing(name, gate, members, group.get("closing", {}), path, role)
        reducer = reducer_of(group)
        if reducer is not None:
            group = {**group, "aggregate": {"reduce": f"${{{{ tasks.{REDUCER}.result.json | default(null) }}}}"}}
            body = {**body, "group": group}
            behind = reduction(reducer, group["tasks"], {gate: "completed", **dict.fromkeys(members, "ok")})
            inner = role._replace(scope=f"{name}.", previous=None)
            self.add(f"{name}.{REDUCER}", behind, (*path, "group", "aggregate", "reduce"), inner)
            members += (f"{name}.{REDUCER}",)
        ends = {key: value for key, value in body.items() if key not in (*_BEFORE, "timeout")}
        ends["depends_on"] = dict.fromkeys((gate, *members, *last), "any")
        self._put(name, ends, path, outer._replace(kind="group", members=members))

    def _add_closing(
        self, name: str, gate: str, members: tuple[str, ...], tasks: dict[str, Any], path: Path, role: Role
    ) -> tuple[str, ...]:
        """Add `finally` of another document: it comes after all of its tasks, whatever became of them."""
        inner = role._replace(scope=f"{name}.", previous=None, shielded=True)
        for short, body in tasks.items():
            needs = self._needs(name, short, tasks, path, "dag")
            before = {gate: "completed", **dict.fromkeys(members, "any"), **needs}
            self.add(f"{name}.{short}", {**body, "depends_on": before, "on_failure": "skip"}, path, inner)
        return tuple(f"{name}.{short}" for short in tasks)

    def _unread_locals(self, path: Path) -> frozenset[str]:
        return _FAN_WORDS if (*path, "for_each") in self._holes else frozenset()

    def _needs(self, group: str, short: str, siblings: dict[str, Any], path: Path, mode: str) -> dict[str, str]:
        """Give what a task of a group depends on, by whole names."""
        depends_on = siblings[short].get("depends_on", {})
        wanted = depends_on if isinstance(depends_on, dict) else dict.fromkeys(depends_on, "ok")
        needs: dict[str, str] = {}
        for number, (need, state) in enumerate(wanted.items()):
            on_key = isinstance(depends_on, dict)
            at: Path = (*path, "depends_on", need if on_key else number)
            if mode != "dag":
                message = f"`depends_on` cannot stand in a {mode} group"
                self._find("UNS160", message, at, "write `mode: dag`, or remove it", on_key=on_key)
            elif need not in siblings:
                message = f"task {quote(short)} depends on {quote(need)}, which its group does not have"
                meant = closest(need, siblings)
                hint = "what the whole group waits for stands in its own `depends_on`"
                hint = f"did you mean {quote(meant)}?" if meant else hint
                self._find("UNS160", message, at, hint, on_key=on_key)
            elif need == short:
                self._find(
                    "UNS041", f"task {quote(short)} depends on itself", at, "remove this dependency", on_key=on_key
                )
            else:
                needs[f"{group}.{need}"] = state
        return needs

    def _check_keys(self, name: str, body: dict[str, Any], path: Path) -> None:
        for key in _SINGLE_ONLY:
            if key in body:
                message = f"`{key}` cannot stand in the group {quote(name)}"
                self._find("UNS161", message, (*path, key), "write it in the tasks of the group", on_key=True)

    def _find(self, code: str, message: str, path: Path, hint: str, *, on_key: bool) -> None:
        self.found.append(Diagnostic(code, message, path, on_key=on_key, hint=hint))


def locals_of(body: dict[str, Any]) -> frozenset[str]:
    """Give the words that a task's own fan-out brings in."""
    if "for_each" in body:
        return frozenset(("item", "index"))
    return frozenset(("matrix", "index")) if "matrix" in body else frozenset()


def asks_each(body: dict[str, Any]) -> bool:
    """Whether `when` is tested for each instance: it uses what only they know."""
    when = body.get("when")
    own = locals_of(body)
    if not own or not isinstance(when, str):
        return False
    from unspool.compiler.conditions import NotOneExpression, condition
    from unspool.expr.syntax import ExpressionSyntaxError

    try:
        return any(reference.path[0] in own for reference in condition(when).references)
    except (ExpressionSyntaxError, NotOneExpression):
        return False

"""Which values an expression may name, and where: the table of contexts of the language."""

from __future__ import annotations

from typing import Literal, NamedTuple

from unspool.model.kinds import KIND_FIELDS

Place = Literal["env", "start", "variable", "success_when", "on_result", "outputs"]

RESULT_FIELDS = ("exit_code", "stdout", "stderr", "json", "duration", "error")
HTTP_FIELDS = KIND_FIELDS["http"]
ERROR_FIELDS = ("class", "message")
TASK_FIELDS = ("outputs", "result", "state", "instances")
RUN_FIELDS = ("id", "name", "started_at")

_AT_START = ("inputs", "env", "run", "tasks")

CONTEXTS: dict[Place, tuple[str, ...]] = {
    "env": ("inputs", "run"),
    "start": (*_AT_START, "lease"),
    "variable": (*_AT_START, "lease", "secrets"),
    "success_when": (*_AT_START, "result", "attempt"),
    "on_result": (*_AT_START, "result", "outputs", "outcome", "reason", "attempt"),
    "outputs": _AT_START,
}

PLACES: dict[Place, str] = {
    "env": "in the document's `env`",
    "start": "before the task has run",
    "variable": "before the task has run",
    "success_when": "in `success_when`",
    "on_result": "in `on_result`",
    "outputs": "in the outputs of the workflow",
}


class Elsewhere(NamedTuple):
    """Why a name cannot be used, and what to do."""

    message: str
    hint: str


_OWN_RESULT = "a task's own result is known in its `success_when`; of another task write `tasks.NAME.result`"

_IN_RULES = "it is known in the rules under `on_result`"
_HERE: dict[tuple[str, Place], str] = {
    ("env", "env"): "a variable cannot use another one: write the value again, or make it an input",
    ("tasks", "env"): "the document's `env` is known before any task runs: put the variable into the task's `env`",
    ("result", "env"): _OWN_RESULT,
    ("result", "start"): _OWN_RESULT,
    ("result", "outputs"): "name the task: `tasks.NAME.result`",
    ("outputs", "success_when"): "outputs are read after `success_when`: use `result`, such as `result.json`",
    ("outputs", "start"): "a task's outputs are known after it ran; of another task write `tasks.NAME.outputs`",
    ("outputs", "env"): "the document's `env` is known before any task runs",
    ("outputs", "outputs"): "name the task: `tasks.NAME.outputs`",
    ("attempt", "start"): "the number of the attempt is known in `success_when`; a process finds it in UNSPOOL_ATTEMPT",
    ("attempt", "env"): "the number of the attempt is known in `success_when`; a process finds it in UNSPOOL_ATTEMPT",
    ("lease", "env"): "nothing is leased before a task starts: put the variable into the task's `env`",
    ("lease", "on_result"): "put it into the task's `env` and let the command tell, or use `result`",
    ("lease", "success_when"): "put it into the task's `env` and let the command tell, or use `result`",
    ("lease", "outputs"): "let a task give it as one of its `outputs`",
    ("attempt", "outputs"): "the number of the attempt is known in `success_when`",
}

# Words of the language that have no meaning in this version.
_LATER = {
    "event": "make it an input",
}

# What other systems call these things.
_FOREIGN = {
    "github": "use `inputs`, or `run.id`, `run.name` and `run.started_at`",
    "needs": "write `tasks.NAME.outputs.NAME`",
    "steps": "write `tasks.NAME.outputs.NAME`",
    "jobs": "write `tasks.NAME.outputs.NAME`",
    "job": "write `tasks.NAME.state`",
    "task": "write `tasks.NAME`",
    "dependencies": "write `tasks.NAME.outputs.NAME`",
    "workflow": "write `inputs.NAME` or `run.name`",
    "vars": "write `inputs.NAME`",
    "var": "write `inputs.NAME`",
    "params": "write `inputs.NAME`",
    "parameters": "write `inputs.NAME`",
    "args": "write `inputs.NAME`",
    "config": "write `inputs.NAME`",
    "input": "write `inputs.NAME`",
    "environ": "write `env.NAME`",
    "secret": "write `secrets.NAME`",
    "vault": "write `secrets.NAME`",
    "output": "write `tasks.NAME.outputs.NAME`",
    "this": "write `result` in `success_when`",
    "self": "write `result` in `success_when`",
    "runner": "let the command find out, such as with `uname`",
    "strategy": "remove it",
    "status": "write `result.exit_code`, or `tasks.NAME.state`",
    "exit_code": "write `result.exit_code`",
    "stdout": "write `result.stdout`",
    "stderr": "write `result.stderr`",
}

WORDS = ("inputs", "env", "run", "tasks", "result", "attempt", "lease", "outcome", "reason")

# Words that only some tasks know, and what brings them in.
LOCAL = {
    "item": "is known only under `for_each`",
    "index": "is known only under `for_each` or `matrix`",
    "matrix": "is known only under `matrix`",
    "items": "is known only in a task with `batch`",
    "previous": "is known only in a sequential group, from its second step on",
    "interpretation": "is known only in `success_when` and `on_result` of a task with `interpret`",
}
_LOCAL_HINTS = {
    "item": "give the task a `for_each`",
    "index": "give the task a `for_each`",
    "matrix": "give the task a `matrix`",
    "items": "give the task a `for_each` and a `batch`",
    "previous": "name the task: `tasks.NAME`, with NAME in `depends_on`",
    "interpretation": "give the task an interpreter, such as `interpret: claude_code`",
}


def unavailable(root: str, place: Place) -> Elsewhere | None:
    """Say why a word of the language cannot be used in a place; None for a word that is none of it."""
    if root in LOCAL:
        return Elsewhere(f"`{root}` {LOCAL[root]}", _LOCAL_HINTS[root])
    if root in _LATER:
        return Elsewhere(f"`{root}` is not supported by this version yet", _LATER[root])
    if root in WORDS or root == "outputs":
        return Elsewhere(
            f"`{root}` is not known {PLACES[place]}",
            _HERE.get((root, "start" if place == "variable" else place), _IN_RULES),
        )
    return None


def foreign(root: str) -> str | None:
    """Say what to write instead of another system's word."""
    return _FOREIGN.get(root)

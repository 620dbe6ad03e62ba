"""What the values of a run are made of, and what is wrong with a member that one does not have."""

from __future__ import annotations

from typing import Any

from unspool.compiler.contexts import ERROR_FIELDS, HTTP_FIELDS, RUN_FIELDS, Place
from unspool.compiler.graph import similar_name
from unspool.compiler.schema_paths import wrong_member
from unspool.compiler.wording import quote

Steps = tuple[str | int, ...]

# Of a fan-out: what it shows, and how many steps lead there.
TYPES_OF_MANY = {("outputs", 1): "object", ("outputs", 2): "array", ("result", 1): "array", ("instances", 1): "array"}
FIELD_TYPES: dict[Steps, str] = {
    ("inputs",): "object",
    ("env",): "object",
    ("run",): "object",
    ("run", "id"): "string",
    ("run", "name"): "string",
    ("run", "started_at"): "number",
    ("outputs",): "object",
    ("state",): "string",
    ("attempt",): "integer",
    ("outcome",): "string",
    ("reason",): "string",
    ("result",): "object",
    ("result", "exit_code"): "integer",
    ("result", "stdout"): "string",
    ("result", "stderr"): "string",
    ("result", "duration"): "number",
    ("result", "error"): "object",
    ("result", "status_code"): "integer",
    ("result", "headers"): "object",
    ("result", "retry_after"): "number",
}
Problem = tuple[str, str, str]  # code, message, hint


def shown(path: Steps) -> str:
    """Quote a path as an expression has it."""
    return quote(".".join(map(str, path)))


def no_members(path: Steps) -> Problem:
    """Say that a value has no members."""
    return "UNS069", f"{shown(path[:-1])} has no members", f"write {shown(path[:-1])}"


def run_of(rest: Steps) -> Problem | None:
    """Judge what follows `run`, outside of `finally`."""
    if not rest or (rest[0] in RUN_FIELDS and len(rest) == 1):
        return None
    if rest[0] in RUN_FIELDS:
        return no_members(("run", *rest))
    if rest[0] in ("state", "reason"):
        hint = "it is known only in the tasks of `finally`; read `tasks.NAME.state` instead"
        return "UNS064", f"`run.{rest[0]}` is not known before the run has ended", hint
    return "UNS069", f"`run` has no {quote(str(rest[0]))}", "it has `id`, `name` and `started_at`"


def result_of(prefix: Steps, rest: Steps, known: tuple[str, ...]) -> Problem | None:
    """Judge what follows a `result`; `known` are the members it has."""
    if not rest or rest[0] == "json":
        return None
    field = rest[0]
    if field not in known:
        similar = similar_name(str(field), list(known))
        hint = f"did you mean {quote(similar)}?" if similar else "it has " + ", ".join(map(quote, known))
        if field in HTTP_FIELDS:
            hint = "only an `http` task has it"
        return "UNS069", f"{shown(prefix)} has no {quote(str(field))}", hint
    if len(rest) == 1 or (field == "error" and rest[1] in ERROR_FIELDS and len(rest) == 2):
        return None
    if field == "error" and rest[1] not in ERROR_FIELDS:
        return "UNS069", f"{shown((*prefix, field))} has no {quote(str(rest[1]))}", "it has `class` and `message`"
    if field == "headers" and len(rest) == 2:
        return _header(prefix, str(rest[1]))
    if field in ("stdout", "stderr") and isinstance(rest[1], int) and len(rest) == 2:
        return None
    return no_members((*prefix, *rest))


def _header(prefix: Steps, name: str) -> Problem | None:
    """Judge the name of a header of an answer."""
    if name == name.lower():
        return None
    hint = f"names of headers are in lower case there: write `{'.'.join(map(str, prefix))}.headers['{name.lower()}']`"
    return "UNS069", f"{shown((*prefix, 'headers'))} has no {quote(name)}", hint


def member(schema: Any, prefix: Steps, rest: Steps) -> Problem | None:
    """Judge what follows a value with a declared schema."""
    wrong = wrong_member(schema, rest) if rest and isinstance(schema, dict) else None
    if wrong is None:
        return None
    at, what = wrong
    holder = shown((*prefix, *rest[:at]))
    return (
        "UNS069",
        f"{holder} is {what} and has no member {quote(str(rest[at]))}",
        f"write {holder}, or change its schema",
    )


def own(name: str, path: Steps, place: Place) -> Problem:
    """Say what to do for a task that reads itself."""
    if place == "success_when" and path[2] == "result":
        hint = f"write `{'.'.join(map(str, path[2:]))}`"
    elif place == "success_when":
        hint = "write `result`, such as `result.json`"
    else:
        hint = "a value of its own that a task needs goes into `env` or `with`"
    return "UNS070", f"task {quote(name)} reads its own {quote(str(path[2]))}", hint

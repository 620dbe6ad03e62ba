"""Turn what the JSON Schema finds wrong in a document into sentences that its author can act on."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from unspool.compiler.faults import Fault, document_faults, document_schema
from unspool.compiler.guesses import EXAMPLES
from unspool.compiler.places import kind_of
from unspool.compiler.unknown_keys import unknown_key
from unspool.compiler.wording import found, inside, place, snippet
from unspool.compiler.wrong_values import explain_value
from unspool.model.diagnostics import Diagnostic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unspool.model.diagnostics import Path

LANGUAGE_VERSION = 1
# What the schema library may report before it is stopped: a document this wrong is read by no one to the end.
_MOST_FAULTS = 200
_FIRST = ("type", "anyOf", "additionalProperties")
_OTHER_ACTIONS = frozenset(("python", "http", "wait", "approval", "group"))
# Keys that no process reads: what to do about each.
_RULED_OUT = {
    "with": ("http", "remove `with`; what is sent stands in `json` or `body` of `http`"),
    "env": ("http", "remove `env`; write the values into `http`, where expressions work"),
    "cwd": ("http", "remove `cwd`; no folder plays a part in a request"),
    "body": ("json", "remove `body`; a request sends one of the two"),
}
# Keys that stand in a map inside a task; their other ones have a meaning elsewhere too.
_NARROW_HOMES = {
    "for_each": frozenset(("max_parallel",)),
    "group": frozenset(("mode", "aggregate")),
    "on_failure": frozenset(("substitute", "rollback")),
}
_STARTERS = {
    "unspool": "add `unspool: 1` as the first line",
    "name": "add a name, such as `name: nightly-quality`",
    "tasks": "add tasks, such as `tasks: {build: {run: [make]}}`",
}


class Sink(NamedTuple):
    """What has been explained so far, and which absent keys an unknown key stands in for."""

    diagnostics: list[Diagnostic]
    meant: set[tuple[Path, str]]


def explain(value: Any) -> list[Diagnostic]:
    """Say everything that is wrong with the shape of a document.

    Args:
        value: the document as plain JSON values.

    Returns:
        One diagnostic for each independent fault, in no particular order; none for a document of the right shape.
    """
    early = _not_this_language(value)
    if early is not None:
        return [early]
    faults = sorted(document_faults(value, _MOST_FAULTS), key=lambda fault: fault.rule not in _FIRST)
    sink = Sink([], set())
    mistyped = {fault.path for fault in faults if fault.rule in ("type", "anyOf")}
    for fault in faults:
        if fault.rule not in ("enum", "const") or fault.path not in mistyped:
            _EXPLAINERS.get(fault.rule, _explain_value)(fault, sink)
    return list(dict.fromkeys(sink.diagnostics))


def _not_this_language(value: Any) -> Diagnostic | None:
    if value is None or value == {}:
        return Diagnostic("UNS022", "the document is empty", hint="begin with `unspool: 1`, a `name` and `tasks`")
    if not isinstance(value, dict):
        message = f"a document must be a map of keys, not {found(value)}"
        return Diagnostic("UNS023", message, hint="begin with `unspool: 1`, a `name` and `tasks`")
    version = value.get("unspool", LANGUAGE_VERSION)
    if isinstance(version, bool) or not isinstance(version, int | float) or version == LANGUAGE_VERSION:
        return None
    # Under another version of the language nothing else in the document can be judged.
    message = f"version {version} of the language is not supported by this version of unspool, which reads version 1"
    hint = "write `unspool: 1`, or install a version of unspool that reads it"
    return Diagnostic("UNS032", message, ("unspool",), hint=hint)


def _explain_unknown_keys(fault: Fault, sink: Sink) -> None:
    known = fault.schema["properties"]
    if kind_of(fault.path) == "on_failure":
        known = _known_of_policies(fault, sink)
    extra = [key for key in fault.value if key not in known and not _is_extension(key, fault.schema)]
    for key in extra[:_MOST_FAULTS]:
        diagnostic, means = unknown_key(fault.path, key, fault.value, known, _homes())
        sink.diagnostics.append(diagnostic)
        if means is not None:
            sink.meant.add((fault.path, means))


def _known_of_policies(fault: Fault, sink: Sink) -> set[str]:
    """Give the keys of all forms of `on_failure`, and say which ones do not go together."""
    keys = fault.value.keys()
    if {"substitute", "rollback"} <= keys:
        message = f"{place(fault.path)} has both `substitute` and `rollback`"
        hint = "keep one and remove `rollback`"
        sink.diagnostics.append(Diagnostic("UNS027", message, (*fault.path, "rollback"), on_key=True, hint=hint))
    elif {"rollback", "with"} <= keys:
        sink.diagnostics.append(_without(fault.path, "with", "`substitute`"))
    return {"substitute", "rollback", "with"}


def _is_extension(key: str, schema: Mapping[str, Any]) -> bool:
    return any(re.search(pattern, key) for pattern in schema.get("patternProperties", ()))


@cache
def _homes() -> dict[str, frozenset[str]]:
    """Give the keys of each map of a document."""
    root = document_schema()
    parts = {name.lower(): root["$defs"][name] for name in ("Task", "Defaults", "Limits", "Retry", "Http")}
    homes = {name: frozenset(part["properties"]) for name, part in {"document": root, **parts}.items()}
    return homes | _NARROW_HOMES


def _explain_missing_keys(fault: Fault, sink: Sink) -> None:
    for key in fault.bound:
        if key not in fault.value and (fault.path, key) not in sink.meant and not _means_policy(fault.path, sink):
            sink.diagnostics.append(_missing(fault.path, key))


def _means_policy(path: Path, sink: Sink) -> bool:
    """Whether an unknown key stands for the other form of `on_failure`."""
    return kind_of(path) == "on_failure" and (path, "rollback") in sink.meant


def _missing(path: Path, key: str) -> Diagnostic:
    if not path:
        return Diagnostic("UNS022", f"the document has no `{key}`", hint=_STARTERS[key])
    if key == "substitute":
        message = f"{place(path)} has neither `substitute` nor `rollback`"
        return Diagnostic("UNS022", message, path, hint=f"add one, such as {snippet('rollback', EXAMPLES['rollback'])}")
    example = EXAMPLES.get(kind_of((*path, key)))
    hint = "add it" if example is None else f"add it, such as {snippet(key, example)}"
    return Diagnostic("UNS022", f"`{key}` is missing {inside(path)}", path, hint=hint)


def _explain_actions(fault: Fault, sink: Sink) -> None:
    if not isinstance(fault.value, dict):
        return  # its type has been explained
    actions = [branch["required"][0] for branch in fault.bound]
    given = [action for action in actions if action in fault.value]
    if given:
        listed = " and ".join(f"`{action}`" for action in given)
        count = "two" if len(given) == 2 else str(len(given))
        message, hint = f"{place(fault.path)} has {count} actions, {listed}", f"keep one and remove `{given[-1]}`"
    elif any((fault.path, action) in sink.meant for action in actions):
        return
    else:
        message = f"{place(fault.path)} has no action"
        hint = "add one, such as `run: [make, test]` or `python: package.module:function`"
    sink.diagnostics.append(Diagnostic("UNS026", message, fault.path, on_key=True, hint=hint))


def _explain_companions(fault: Fault, sink: Sink) -> None:
    if not fault.value.keys() & _OTHER_ACTIONS:
        return  # the missing action has been explained
    for key, companions in fault.bound.items():
        if key in fault.value and not fault.value.keys() & set(companions):
            sink.diagnostics.append(_without(fault.path, key, "`run`"))


def _without(path: Path, key: str, companion: str) -> Diagnostic:
    message = f"`{key}` of {place(path)} goes only with {companion}"
    return Diagnostic("UNS027", message, (*path, key), on_key=True, hint=f"remove `{key}`")


def _ruled_out(path: Path) -> Diagnostic:
    *holder, key = path
    companion, hint = _RULED_OUT[str(key)]
    message = f"`{key}` of {place(tuple(holder))} does not go with `{companion}`"
    return Diagnostic("UNS027", message, path, on_key=True, hint=hint)


def _explain_value(fault: Fault, sink: Sink) -> None:
    if fault.rule == "not":  # a key that another one beside it rules out
        sink.diagnostics.append(_ruled_out(fault.path))
    elif not fault.conditional:
        sink.diagnostics.append(explain_value(fault))
    elif isinstance(fault.value, list):
        sink.diagnostics.append(_without(fault.path[:-1], "shell", "a script, which is `run` as text"))


_EXPLAINERS: dict[str, Callable[[Fault, Sink], None]] = {
    "additionalProperties": _explain_unknown_keys,
    "required": _explain_missing_keys,
    "oneOf": _explain_actions,
    "dependentRequired": _explain_companions,
}

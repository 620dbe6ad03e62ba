"""Say what to do about a key that is not known where it stands: misspelt, foreign, misplaced or not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from unspool.compiler.foreign_keys import (
    ADVICE,
    LATER,
    LATER_ACTIONS,
    RENAMES,
    TRIGGER_RULES,
    UNSUPPORTED_SCHEMA_KEYS,
    normalised,
)
from unspool.compiler.guesses import EXAMPLES, fitted, is_task
from unspool.compiler.places import ACTORS, TASKS, kind_of
from unspool.compiler.remedies import duration
from unspool.compiler.wording import choices, inside, place, quote, write
from unspool.model.diagnostics import Diagnostic
from unspool.model.similar import closest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from unspool.model.diagnostics import Path

_NONE: frozenset[str] = frozenset()
_COUNTED_WITHOUT_THE_FIRST = frozenset(("retries", "retry_count", "retry_limit", "max_retries", "num_retries"))
_TOLERANT = frozenset(("continue_on_error", "allow_failure", "ignore_error", "ignore_errors", "ignore_failure"))
# Actions that other systems have as an addition to another one.
_OWN_TASKS = {
    "wait": "depend on a task such as `pause: {wait: 10m}`",
    "approval": "depend on a task such as `confirm: {approval: Go on?}`",
}
_SECONDS = {"minutes": 60, "ms": 0.001}


class Unknown(NamedTuple):
    """An unknown key explained, and the known key that its author most probably meant."""

    diagnostic: Diagnostic
    means: str | None = None


class _Key(NamedTuple):
    """An unknown key with its surroundings."""

    path: Path
    key: str
    holder: Mapping[str, Any]
    known: Collection[str]
    homes: Mapping[str, Collection[str]]

    @property
    def kind(self) -> str:
        return kind_of(self.path)

    @property
    def value(self) -> Any:
        return self.holder[self.key]


def unknown_key(
    path: Path, key: str, holder: Mapping[str, Any], known: Collection[str], homes: Mapping[str, Collection[str]]
) -> Unknown:
    """Explain one unknown key.

    Args:
        path: leads to the map that holds the key.
        key: the key as written.
        holder: the map.
        known: the keys that the map may have.
        homes: the keys of the other maps of a document: `document`, `task`, `defaults`, `limits`, `retry`, `http`.
    """
    case = _Key(path, key, holder, known, homes)
    for explain in _EXPLAINERS:
        answer = explain(case)
        if answer is not None:
            return answer
    return _stranger(case)


def _of_the_request(case: _Key) -> Unknown | None:
    """A key of `http` that stands beside it."""
    is_beside = case.kind in ACTORS and "http" in case.holder and case.key in case.homes["http"]
    return Unknown(_unknown(case, f"`{case.key}` stands in `http`: move it there")) if is_beside else None


def _misspelt_form(case: _Key) -> Unknown | None:
    plain = _letters(case.key)
    ours = next((known for known in case.known if _letters(known) == plain), None)
    return _meant(case, ours, f"did you mean `{ours}`? ") if ours else None


def _letters(key: str) -> str:
    return normalised(key).replace("_", "")


def _member(case: _Key) -> Unknown | None:
    """A task that stands in a group itself, not under its `tasks`."""
    if case.kind != "group" or not is_task(case.value):
        return None
    asked = write("tasks", {case.key: case.value}) or "move it there"
    return Unknown(_unknown(case, f"the tasks of a group stand under `tasks`: {asked}"), "tasks")


def _trigger_rule(case: _Key) -> Unknown | None:
    """A rule of Airflow, which says two things in one word."""
    if case.kind not in TASKS or normalised(case.key) != "trigger_rule":
        return None
    state, join = TRIGGER_RULES.get(normalised(str(case.value)), (None, None))
    if state is None:
        return None
    if join is not None and state == "ok":
        return Unknown(_unknown(case, f"`{case.key}` is spelt `join` here: {write('join', join)}"), "join")
    if state == "ok":
        return Unknown(_unknown(case, "that is how `depends_on` is read anyway: remove it"))
    return Unknown(_unknown(case, _states_asked(case, state) + (" with `join: any`" if join else "")))


def _states_asked(case: _Key, state: str) -> str:
    needs = case.holder.get("depends_on")
    names = [name for name in needs if isinstance(name, str)] if isinstance(needs, list) else []
    asked = write("depends_on", dict.fromkeys(names, state)) if names else None
    return asked or f"say so in `depends_on: {{NAME: {state}}}`"


def _later(case: _Key) -> Unknown | None:
    plain = normalised(case.key)
    if plain not in LATER.get(case.kind, _NONE):
        return None
    is_action = case.kind in ACTORS and plain in LATER_ACTIONS
    hint = "write a `run` or `python` action in its place" if is_action else "remove it"
    means = "run" if is_action else None
    return Unknown(_not_yet(case, quote(case.key), hint), means)


def _not_yet(case: _Key, subject: str, hint: str) -> Diagnostic:
    message = f"{subject} {inside(case.path)} is not supported by this version yet"
    return Diagnostic("UNS021", message, (*case.path, case.key), on_key=True, hint=hint)


def _advised(case: _Key) -> Unknown | None:
    plain = normalised(case.key)
    hint = ADVICE.get(case.kind, {}).get(plain)
    if hint is None:
        return None
    means = "run" if plain in ("args", "argv") and case.kind in TASKS else None
    means = {"wait": "until", "aggregate": "reduce"}.get(case.kind, means)
    if plain in ("concurrency", "max_tasks") and isinstance(case.value, int):
        hint = "it is a limit: " + str(write("limits", {plain: case.value}))
    return Unknown(_unknown(case, hint), means)


def _foreign(case: _Key) -> Unknown | None:
    ours = RENAMES.get(case.kind, {}).get(normalised(case.key))
    if ours == "matrix" and not isinstance(case.value, dict):
        ours = None  # the strategy of a retry
    if ours is None or (ours not in case.known and case.kind == "defaults" and ours not in LATER["defaults"]):
        return _elsewhere(case, "task") if ours and ours in case.homes["task"] else None
    if ours not in case.known:
        return Unknown(_not_yet(case, f"{quote(case.key)}, which is spelt `{ours}` here,", "remove it"))
    return _meant(case, ours, f"`{case.key}` is spelt `{ours}` here: ")


def _meant(case: _Key, ours: str, hint: str) -> Unknown:
    if ours in case.holder:
        return Unknown(_unknown(case, f"`{ours}` is there already: remove {quote(case.key)}"), ours)
    if ours in _OWN_TASKS and is_task(case.holder):
        return Unknown(_unknown(case, f"`{ours}` is an action of its own: remove it, and {_OWN_TASKS[ours]}"))
    rewritten = _rewritten(case, ours)
    if ours == "group" and rewritten is None:
        return Unknown(_unknown(case, f"{hint}{write(ours, EXAMPLES[ours])}"), ours)
    asked = None if rewritten in (None, case.value) else write(ours, rewritten)
    return Unknown(_unknown(case, f"{hint}{asked}" if asked else hint.rstrip(": ")), ours)


def _rewritten(case: _Key, ours: str) -> Any:
    plain, value = normalised(case.key), case.value
    if ours == "run":
        return _command(case)
    if plain in _COUNTED_WITHOUT_THE_FIRST and isinstance(value, int) and not isinstance(value, bool):
        return {"max_attempts": value + 1} if ours == "retry" else value + 1
    if plain in _TOLERANT and value is True:
        return "skip"
    if plain == "fail_fast" and value is True:
        return "abort"
    if ours == "timeout" and isinstance(value, int | float):
        return duration(value * _SECONDS.get(plain.rpartition("_")[2], 1))
    if ours == "unspool":
        return 1
    if ours == "on" and "code" in plain:
        return [{"exit_code": value if isinstance(value, list) else [value]}]
    return fitted(kind_of((*case.path, ours)), value)


def _command(case: _Key) -> Any:
    value, arguments = case.value, case.holder.get("args")
    if isinstance(value, str) and isinstance(arguments, list):
        return [value, *arguments]
    several = isinstance(value, list) and len(value) > 1 and all(isinstance(line, str) for line in value)
    if several and normalised(case.key) in ("cmds", "commands", "script", "scripts"):
        return "\n".join(value)
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) else None


def _at_home_elsewhere(case: _Key) -> Unknown | None:
    if case.kind == "document" and case.key in case.homes["defaults"]:
        asked = write("defaults", {case.key: case.value}) or "write it there"
        return Unknown(_unknown(case, f"what holds for all tasks stands in `defaults`: {asked}"))
    return next((_elsewhere(case, home) for home, keys in case.homes.items() if case.key in keys), None)


def _elsewhere(case: _Key, home: str) -> Unknown:
    where = {"document": "at the top level", "task": "in a task"}.get(home, f"in `{home}`")
    is_theirs = case.key not in case.homes[home]
    ours = RENAMES.get(case.kind, {}).get(normalised(case.key), case.key) if is_theirs else case.key
    return Unknown(_unknown(case, f"`{ours}` stands {where}: move it there"))


def _misspelt(case: _Key) -> Unknown | None:
    ours = closest(case.key, case.known)
    return _meant(case, ours, f"did you mean `{ours}`? ") if ours else None


def _stranger(case: _Key) -> Unknown:
    if case.kind in ("schema", "output") and case.key in UNSUPPORTED_SCHEMA_KEYS:
        return Unknown(_unknown(case, "unspool does not know this word of JSON Schema: remove it"))
    own_notes = "; a key for notes or anchors begins with `x-`" if case.kind == "document" else ""
    return Unknown(_unknown(case, f"remove it; {place(case.path)} may have {choices(sorted(case.known))}{own_notes}"))


def _unknown(case: _Key, hint: str) -> Diagnostic:
    message = f"unknown key {quote(case.key)} {inside(case.path)}"
    return Diagnostic("UNS020", message, (*case.path, case.key), on_key=True, hint=hint)


# In this order: the first that has an answer gives it.
_EXPLAINERS = (
    _of_the_request,
    _misspelt_form,
    _member,
    _trigger_rule,
    _later,
    _advised,
    _foreign,
    _at_home_elsewhere,
    _misspelt,
)

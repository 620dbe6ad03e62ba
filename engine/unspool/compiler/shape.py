"""Check the shape of a document: every key known, every value of the right form."""

from __future__ import annotations

from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from unspool.compiler.places import value_at
from unspool.model.diagnostics import Diagnostic
from unspool.model.resources import schema_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jsonschema_rs

    from unspool.compiler.scalars import SuspectKind
    from unspool.model.diagnostics import Path

CODES = {
    "UNS020": "a key is not known where it stands",
    "UNS021": "a part of the language is not supported by this version yet",
    "UNS022": "a key that must be there is missing",
    "UNS023": "a value is of the wrong type",
    "UNS024": "a word is not one of those that its place takes",
    "UNS025": "a name is not of the form that names have",
    "UNS026": "a task has no action, or more than one",
    "UNS027": "a key stands without the one that it goes with",
    "UNS028": "a number or the length of a text is out of bounds",
    "UNS029": "something is empty that must not be",
    "UNS030": "a duration is not a whole number with a unit",
    "UNS031": "a key has no value",
    "UNS032": "the version of the language is not supported",
    "UNS035": "the pattern of an input or output is not a regular expression",
    "UNS036": "the default of an input or output does not fit its own schema",
    "UNS037": "a text is not of the form that its place takes",
    "UNS038": "a list names something more than once",
    "UNS039": "the document has further errors of shape",
}

OTHER_VERSION = "UNS032"
MOST_DIAGNOSTICS = 50


def accepts(value: Any) -> bool:
    """Whether a document, as plain JSON values, fits the published schema."""
    try:
        return _acceptor("").is_valid(value)
    except ValueError:
        # Text that is no Unicode cannot be handed to the quick validator: the slow one decides.
        return not _explained(value)


def check_shape(value: Any, suspects: Sequence[tuple[Path, SuspectKind, str]] = ()) -> list[Diagnostic]:
    """Say everything that is wrong with the shape of a document.

    Args:
        value: the document as plain JSON values.
        suspects: path, `yes_no` or `lossy_number`, and source text of each plain scalar that YAML readers
            disagree about.

    Returns:
        Every independent fault in the order of the document, each with path and hint; at most 50, the last
        of which then says that there are more. Empty for a good document.
    """
    good = accepts(value)
    found = [] if good else _explained(value) or [_unexplained(value)]
    if found and found[0].code == OTHER_VERSION:
        return found
    if not good or _declares_values(value):
        from unspool.compiler.value_schemas import check_value_schemas  # a plain document declares none

        found += check_value_schemas(value, None if good else _fits)
    if suspects:
        from unspool.compiler.suspects import with_suspects

        found = with_suspects(value, suspects, found)
    return _bounded(_in_document_order(value, found)) if found else []


def _declares_values(document: dict[str, Any]) -> bool:
    if not document.keys().isdisjoint(("inputs", "templates", "finally")):
        return True
    return any("outputs" in task or "group" in task for task in document["tasks"].values())


@cache
def _acceptor(part: str) -> jsonschema_rs.Draft202012Validator:
    """Build the quick validator of documents, or of one definition in their schema."""
    import jsonschema_rs  # 20 ms, and `unspool --help` does not need it

    text = schema_text("workflow")
    return jsonschema_rs.Draft202012Validator(_part(text, part) if part else text, offline=True)


def _part(text: str, name: str) -> dict[str, Any]:
    import json

    return {"$defs": json.loads(text)["$defs"], "$ref": f"#/$defs/{name}"}


def _explained(value: Any) -> list[Diagnostic]:
    from unspool.compiler.explain import explain

    return explain(_without_good_tasks(value))


def _without_good_tasks(value: Any) -> Any:
    """Drop the tasks that have no fault, so that one fault among 100,000 tasks is explained as quickly as in ten."""
    if not isinstance(value, dict):
        return value
    parts = {"tasks": "Task", "templates": "Template", "finally": "Task"}
    return {key: _faulty_tasks(part, parts[key]) if key in parts else part for key, part in value.items()}


def _faulty_tasks(tasks: Any, kind: str) -> Any:
    if not isinstance(tasks, dict) or not tasks:
        return tasks
    faults = ((name, task) for name, task in tasks.items() if not (_fits("Name", name) and _fits(kind, task)))
    faulty = dict(islice(faults, MOST_DIAGNOSTICS + 1))  # the first ones; further ones would not be shown
    if not faulty:
        return dict([next(iter(tasks.items()))])
    return {name: _without_good_members(task) for name, task in faulty.items()}


def _without_good_members(task: Any) -> Any:
    group = task.get("group") if isinstance(task, dict) else None
    if not isinstance(group, dict) or "tasks" not in group:
        return task
    return {**task, "group": {**group, "tasks": _faulty_tasks(group["tasks"], "Task")}}


def _fits(part: str, value: Any) -> bool:
    try:
        return _acceptor(part).is_valid(value)
    except ValueError:
        return False


def _unexplained(value: Any) -> Diagnostic:
    error = next(iter(_acceptor("").iter_errors(value)))
    path: Path = tuple(error.instance_path)
    return Diagnostic("UNS039", f"the document does not fit its schema: {error.message}", path, hint="correct it")


def _in_document_order(value: Any, found: Sequence[Diagnostic]) -> list[Diagnostic]:
    ranks: dict[int, dict[Any, int]] = {}
    return sorted(found, key=lambda diagnostic: _rank(value, diagnostic.path, ranks))


def _rank(value: Any, path: Path, ranks: dict[int, dict[Any, int]]) -> tuple[int, ...]:
    """Give the place of a value among its siblings, level by level."""
    rank = []
    for key in path:
        rank.append(key if isinstance(key, int) else _ranks(value, ranks).get(key, 0))
        value = value_at(value, (key,))
    return tuple(rank)


def _ranks(holder: Any, ranks: dict[int, dict[Any, int]]) -> dict[Any, int]:
    known = ranks.get(id(holder))
    if known is None:
        known = ranks[id(holder)] = {key: index for index, key in enumerate(holder or ())}
    return known


def _bounded(found: list[Diagnostic]) -> list[Diagnostic]:
    if len(found) <= MOST_DIAGNOSTICS:
        return found
    message = "there are more errors than are shown"
    return [*found[: MOST_DIAGNOSTICS - 1], Diagnostic("UNS039", message, hint="correct these first, then check again")]

"""Guess what was meant where tasks multiply, nest, wait or are undone; any other guess is one of `remedies.py`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from unspool.compiler import remedies
from unspool.compiler.foreign_keys import WORDS, normalised

if TYPE_CHECKING:
    from collections.abc import Callable

_FALLBACK = {"run": ["./fallback.sh"]}
EXAMPLES: dict[str, Any] = {
    **remedies.EXAMPLES,
    "join": "any",
    "for_each": ["unit", "api"],
    "each": ["unit", "api"],
    "instance_key": "${{ item.name }}",
    "max_parallel": 4,
    "max": 100,
    "matrix": {"os": ["linux", "mac"]},
    "axis": ["linux", "mac"],
    "combinations": [{"os": "linux"}],
    "combination": {"os": "linux"},
    "wait": "10m",
    "until": "2030-03-01T07:00:00Z",
    "approval": "Deploy it?",
    "prompt": "Deploy it?",
    "verdict": "reject",
    "group": {"tasks": {"build": {"run": ["make"]}}},
    "mode": "sequential",
    "aggregate": "collect",
    "reduce": "${{ tasks.build.result.json }}",
    "compensate": {"run": ["./undo.sh"]},
    "substitute": "fallback",
    "rollback": {"then": "cancel"},
    "on_result": [{"when": "${{ result.exit_code == 1 }}", "emit": "fix"}],
    "rule": {"when": "${{ result.exit_code == 1 }}", "emit": "fix"},
    "rulesets": {"repair": [{"when": "${{ result.exit_code == 1 }}", "emit": "fix"}]},
    "emit": "fix",
    "again": {"after": "10s"},
    "cancel": "run",
    "max_depth": 5,
    "then": "cancel",
    "attempts": 1,
    "templates": {"fallback": _FALLBACK},
    "finally": {"cleanup": {"run": ["./cleanup.sh"]}},
}

_MOST_REPEATS = 20
_VALUE = re.compile(r"(?:inputs|tasks|item|matrix|env)(?:\.[A-Za-z_][A-Za-z0-9_]*)+")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+)?(Z|[+-][0-9:]+)?")
_ACTIONS = frozenset(("run", "python", "http", "wait", "approval", "group"))


def fitted(kind: str, value: Any) -> Any:
    """Give the value that an author probably meant in a place of this kind, None without a good guess."""
    fit = _FITS.get(kind)
    return fit(value) if fit else remedies.fitted(kind, value)


def is_task(value: Any) -> bool:
    """Whether a value looks like the body of a task."""
    return isinstance(value, dict) and not _ACTIONS.isdisjoint(value)


def expression(value: Any) -> str | None:
    """Put `${{ }}` around what another system would have as an expression; None for other text."""
    if not isinstance(value, str) or "{%" in value or "${{" in value:
        return None
    inner = re.sub(r"^\$?\{{1,2}|\}{1,2}$", "", value.strip()).strip()
    return f"${{{{ {inner} }}}}" if inner and ("{{" in value or _VALUE.fullmatch(inner)) else None


def _list(value: Any) -> Any:
    """A list is also written as words, as a number of repetitions, or as an expression."""
    if isinstance(value, str):
        text = value.strip()
        if "{" not in text and "$" not in text:
            return expression(text) or [part for part in re.split(r"[,\s]+", text) if part] or None
        return expression(text)
    if isinstance(value, int) and not isinstance(value, bool):
        return list(range(value)) if 0 < value <= _MOST_REPEATS else None
    return None


def _axis(value: Any) -> Any:
    return [value] if isinstance(value, int | float) else _list(value)


def _matrix(value: Any) -> dict[str, Any] | None:
    """`strategy: {matrix: ...}` has one map too many, a list of combinations one too few."""
    if isinstance(value, dict) and isinstance(value.get("matrix"), dict):
        return dict(value["matrix"])
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return {"include": value}
    return None


def _combinations(value: Any) -> list[Any] | None:
    return [value] if isinstance(value, dict) else None


def _join(value: Any) -> str | int | None:
    if isinstance(value, str):
        count = remedies.fitted("slots", value)
        return count if count is not None else WORDS["join"].get(normalised(value))
    return None if isinstance(value, bool) or not isinstance(value, int | float) else max(1, int(value))


def _wait(value: Any) -> Any:
    moment = until(value)
    return remedies.fitted("delay", value) if moment is None else {"until": moment}


def until(value: Any) -> str | None:
    """Spell a moment the way documents do, in UTC where no zone is given; None if it is none."""
    parts = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if parts is None:
        return None
    date, time, zone = value.strip()[:10], (parts[1] or "T00:00:00").replace(" ", "T"), parts[2] or "Z"
    return f"{date}{time}{':00' if time.count(':') == 1 else ''}{zone}"


def _approval(value: Any) -> str | None:
    return "Go on?" if value is True or value == {} else None


def _group(value: Any) -> dict[str, Any] | None:
    """Steps in a list become tasks with names; a map of tasks only lacks the key that holds them."""
    if isinstance(value, list) and value:
        steps = [step if is_task(step) else remedies.fitted("task", step) for step in value]
        named = [_named_step(step, number) for number, step in enumerate(steps, 1) if step is not None]
        tasks = dict(named)
        return {"tasks": tasks} if len(tasks) == len(value) else None
    if isinstance(value, dict) and value and "tasks" not in value and all(map(is_task, value.values())):
        return {"tasks": value}
    return {"tasks": {"build": {"run": value}}} if isinstance(value, str) and value else None


def _named_step(step: dict[str, Any], number: int) -> tuple[str, dict[str, Any]]:
    body = {key: part for key, part in step.items() if key not in ("name", "id")}
    given = step.get("id", step.get("name"))
    name = remedies.task_name(given) if isinstance(given, str) else None
    return name or f"step_{number}", body


def _compensate(value: Any) -> Any:
    return remedies.fitted("task", value)


def _policy(value: Any) -> Any:
    """`rollback` is a map here; other words and booleans stand for one of ours."""
    if isinstance(value, bool):
        return "skip" if value else "cancel_dependents"
    if not isinstance(value, str):
        return None
    plain = normalised(value)
    return {"rollback": {"then": "cancel"}} if plain in _UNDOING else WORDS["on_failure"].get(plain)


def _rollback(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str):
        word = normalised(value)
        return {"then": WORDS["then"].get(word, word)}
    if value is True:
        return {"then": "cancel"}
    return {"then": "retry", "attempts": max(1, int(value))} if isinstance(value, int | float) else None


def _aggregate(value: Any) -> Any:
    made = expression(value) or (value if isinstance(value, str) and value.lstrip().startswith("${{") else None)
    return {"reduce": made} if made else None


def _verdict(value: Any) -> str | None:
    if isinstance(value, bool):
        return "approve" if value else "reject"
    return None


_UNDOING = frozenset(("rollback", "roll_back", "undo", "compensate", "revert"))

_FITS: dict[str, Callable[[Any], Any]] = {
    "for_each": _list,
    "each": _list,
    "axis": _axis,
    "matrix": _matrix,
    "combinations": _combinations,
    "join": _join,
    "wait": _wait,
    "until": until,
    "approval": _approval,
    "verdict": _verdict,
    "group": _group,
    "compensate": _compensate,
    "on_failure": _policy,
    "rollback": _rollback,
    "aggregate": _aggregate,
    "reduce": expression,
    "template": lambda value: remedies.fitted("task", value),
    "max": lambda value: remedies.fitted("slots", value),
    "max_parallel": lambda value: remedies.fitted("slots", value),
    "attempts": lambda value: remedies.fitted("slots", value),
}

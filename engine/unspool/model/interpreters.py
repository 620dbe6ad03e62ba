"""What interpreters of results take and give: their parameters, and the JSON Schema of each interpretation."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

MAX_CHARACTERS = 500  # of any text in an interpretation
MAX_ERRORS = 20
MAX_ITEMS = 100
MAX_TEXT_LIMIT = 1_000_000
_MAX_WORDS = 20
_MAX_WORD = 100
_MAX_FILES = 100


class _Parameter(NamedTuple):
    """What can be set of an interpreter: the value it has by default, which others fit, and how to say that."""

    default: Any
    fits: Callable[[Any], bool]
    wanted: str


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isfinite(value) if isinstance(value, float) else abs(value) <= 2**53


def _is_limit(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_TEXT_LIMIT


def _are_texts(value: Any, most: int, longest: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(isinstance(one, str) and one.strip() == one != "" and len(one) <= longest for one in value)
    )


def _words(*default: str) -> _Parameter:
    wanted = f"a list of at most {_MAX_WORDS} words of 1 to {_MAX_WORD} characters, without blanks around them"
    return _Parameter(list(default), lambda value: _are_texts(value, _MAX_WORDS, _MAX_WORD), wanted)


def _threshold(default: float) -> _Parameter:
    return _Parameter(default, _is_number, "a number")


def _switch(*, default: bool) -> _Parameter:
    return _Parameter(default, lambda value: isinstance(value, bool), "true or false")


_PARAMETERS: dict[str, dict[str, _Parameter]] = {
    "claude_code": {
        "expected_files": _Parameter(
            default=False,
            fits=lambda value: isinstance(value, bool) or _are_texts(value, _MAX_FILES, MAX_CHARACTERS),
            wanted=f"true, false, or a list of at most {_MAX_FILES} names of files",
        ),
        "failed_words": _words("FAILED"),
        "error_words": _words("error"),
        "warning_words": _words("warning"),
        "text_limit": _Parameter(20_000, _is_limit, f"a whole number from 1 to {MAX_TEXT_LIMIT}"),
    },
    "claude_flow": {
        "quality_threshold": _threshold(0.7),
        "require_consensus": _switch(default=False),
        "done_states": _words("completed", "done"),
    },
    "analysis": {"confidence_threshold": _threshold(0.8)},
}

INTERPRETERS: dict[str, dict[str, Any]] = {
    name: {each: parameter.default for each, parameter in parameters.items()}
    for name, parameters in _PARAMETERS.items()
}
"""The parameters of each interpreter, with the values they have by default."""


def with_defaults(name: str, parameters: Any) -> dict[str, Any]:
    """Give all parameters of an interpreter; what `check_parameters` would refuse counts as not given."""
    known = _PARAMETERS[name]
    given = parameters if isinstance(parameters, dict) else {}
    chosen = {each: parameter.default for each, parameter in known.items()}
    chosen |= {each: value for each, value in given.items() if each in known and known[each].fits(value)}
    return chosen


def check_parameters(name: str, parameters: Any) -> str | None:
    """Say in a sentence what is wrong with the parameters of an interpreter, None where nothing is."""
    if name not in _PARAMETERS:
        return f"there is no interpreter `{name}`; there are {_listed(_PARAMETERS)}"
    known = _PARAMETERS[name]
    if not isinstance(parameters, dict):
        return f"the parameters of `{name}` must be a map of {_listed(known)}"
    for each, value in parameters.items():
        if each not in known:
            shown = f"`{each[:MAX_CHARACTERS]}`" if isinstance(each, str) else "one whose name is no text"
            return f"`{name}` has no parameter {shown}; it has {_listed(known)}"
        if not known[each].fits(value):
            return f"`{each}` of `{name}` must be {known[each].wanted}"
    return None


def _listed(names: dict[str, Any]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _fields(own: dict[str, Any], suggestions: dict[str, str], checks: list[str]) -> dict[str, Any]:
    """Build the schema of an interpretation from what is its own, its suggestions with priorities, and its checks."""
    suggestion = {
        "name": {"type": "string", "enum": list(suggestions)},
        "priority": {"type": "string", "enum": list(dict.fromkeys(suggestions.values()))},
        "because": _TEXT,
    }
    problem = {"check": {"type": "string", "enum": checks}, "message": _TEXT}
    return _object(
        {
            "success": {"type": "boolean"},
            **own,
            "suggestions": {"type": "array", "items": _object(suggestion), "maxItems": len(suggestions)},
            "problems": {"type": "array", "items": _object(problem), "maxItems": len(checks)},
            "truncated": _texts(MAX_ITEMS),
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_TEXT: dict[str, Any] = {"type": "string", "maxLength": MAX_CHARACTERS}


def _texts(most: int) -> dict[str, Any]:
    return {"type": "array", "items": _TEXT, "maxItems": most}


FIELDS: dict[str, dict[str, Any]] = {
    "claude_code": _fields(
        {
            "files_modified": _texts(MAX_ITEMS),
            "tests_passed": {"type": ["boolean", "null"]},
            "errors": _texts(MAX_ERRORS),
            "cost_usd": {"type": ["number", "null"], "minimum": 0},
            "tokens": {"type": ["integer", "null"], "minimum": 0},
        },
        {"fix_tests": "high", "fix_compilation": "critical", "review_warnings": "low"},
        ["missing_result", "error", "tests_not_passed", "files_not_written", "command_failed"],
    ),
    "claude_flow": _fields(
        {
            "agents_completed": {"type": ["integer", "null"], "minimum": 0},
            "consensus_reached": {"type": ["boolean", "null"]},
            "quality_score": {"type": ["number", "null"]},
        },
        {"improve_quality": "normal", "resolve_conflicts": "high"},
        ["missing_result", "error", "agents_not_done", "quality", "consensus"],
    ),
    "analysis": _fields(
        {
            "patterns": _texts(MAX_ITEMS),
            "insights": _texts(MAX_ITEMS),
            "anomalies": _texts(MAX_ITEMS),
            "confidence": {"type": ["number", "null"]},
        },
        {"apply_insights": "normal", "investigate_anomalies": "high"},
        ["missing_result", "error"],
    ),
}
"""The JSON Schema of each interpretation."""

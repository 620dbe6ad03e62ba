"""From a task's result to its `interpretation`: typed findings, why it is no success, and what could follow.

An interpretation decides nothing. It is data for `success_when` and for rules. Nothing that a result can hold
makes an interpreter fail: a value of another type than asked for counts as absent, and so does one that is kept in a
file because it is large.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from unspool.core.interpret_analysis import interpret_analysis
from unspool.core.interpret_claude_code import interpret_claude_code
from unspool.core.interpret_claude_flow import interpret_claude_flow
from unspool.model.interpreters import FIELDS, INTERPRETERS, check_parameters, with_defaults

_BY_NAME: dict[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = {
    "claude_code": interpret_claude_code,
    "claude_flow": interpret_claude_flow,
    "analysis": interpret_analysis,
}


def interpret(name: str, view: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Compute `interpretation`.

    Args:
        name: of an interpreter, one of `INTERPRETERS`.
        view: `result`, as expressions see it (`results.result_view`); it is not changed.
        parameters: those that are not as by default. What `check_parameters` would refuse counts as not given.

    Returns:
        JSON that fits `FIELDS[name]`, and shares no part with `view`.

    Raises:
        KeyError: there is no such interpreter.
    """
    return _BY_NAME[name](view, with_defaults(name, parameters))


__all__ = ["FIELDS", "INTERPRETERS", "check_parameters", "interpret"]

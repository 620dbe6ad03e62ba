"""What a run evaluates with the expression language: actions and conditions. Loaded only where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unspool import expr
from unspool.core.context import fitting, text_of
from unspool.core.results import Failure, failure
from unspool.errors import ExpressionError
from unspool.model.status import EXPRESSION_ERROR

if TYPE_CHECKING:
    from unspool.core.context import Context
    from unspool.model.plan import Task


def build_spec(task: Task, context: Context, leases: dict[str, Any] | None = None) -> dict[str, Any]:
    """Evaluate a task's action, `env` and `cwd`; `leases` are what `lease` holds there.

    Raises:
        ExpressionError: an expression fails, or a value cannot be handed to a process.
    """
    own = None if leases is None else {"lease": leases}
    action, seen = task.action, context.of([task.action, task.env, task.cwd], own)
    spec: dict[str, Any] = {}
    for key, value in action.items():
        if key == "argv":
            spec[key] = [fitting("argv", item) for item in expr.render_argv(value, seen)]
        elif key == "values":
            spec[key] = {name: _script_value(source, context, own) for name, source in value.items()}
        elif key in ("script", "shell", "function"):
            spec[key] = value
        elif key == "stdin":
            spec[key] = expr.as_text(expr.render(value, seen))
        else:
            spec[key] = expr.render(value, seen)
    spec["env"] = {name: text_of(name, value, seen) for name, value in task.env.items()}
    spec["cwd"] = None if task.cwd is None else text_of("cwd", task.cwd, seen)
    return spec


def evaluate_when(source: str, context: Context) -> bool | Failure:
    """Give what `when` says, or the failure of saying it."""
    try:
        return expr.evaluate_boolean(source, context.of_expression(source))
    except ExpressionError as problem:
        return failure(EXPRESSION_ERROR, f"when: {problem}")


def _script_value(source: str, context: Context, own: dict[str, Any] | None) -> str:
    value = expr.evaluate(source, context.of_expression(source, own))
    if isinstance(value, list | dict):
        raise ExpressionError(
            f"${{{{ {source} }}}} is a list or a map and cannot stand in a script; use `| join(' ')` or argv"
        )
    return fitting(source, expr.as_text(value))

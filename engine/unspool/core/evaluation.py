"""What a run evaluates with the expression language: actions and conditions. Loaded only where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unspool import expr
from unspool.core.context import fitting, text_of
from unspool.core.results import Failure, failure
from unspool.errors import ExpressionError
from unspool.model.globs import flaw_of
from unspool.model.status import EXPRESSION_ERROR

if TYPE_CHECKING:
    from unspool.core.context import Context
    from unspool.model.plan import Cache, Task


def build_spec(
    task: Task, context: Context, local: dict[str, Any] | None = None, *, fresh: bool = False
) -> dict[str, Any]:
    """Evaluate a task's action, `env`, `cwd` and `cache`; where it is to be `fresh`, no result may be reused.

    Raises:
        ExpressionError: an expression fails, or a value cannot be handed to a process.
    """
    action, seen = (
        task.action,
        context.of([task.action, task.env, task.cwd, *_cache_texts(task)], local, task.scope),
    )
    if task.kind == "http":
        from unspool.core.requests import build_request

        request = {**build_request(action, seen, context), "env": {}, "cwd": None}
        return request if task.cache is None else {**request, "cache": _cache(task.cache, seen, fresh=fresh)}
    spec: dict[str, Any] = {}
    for key, value in action.items():
        if key == "argv":
            spec[key] = [fitting("argv", item) for item in expr.render_argv(value, seen)]
        elif key == "values":
            spec[key] = {name: _script_value(source, context, local, task.scope) for name, source in value.items()}
        elif key in ("script", "shell", "function"):
            spec[key] = value
        elif key == "stdin":
            spec[key] = expr.as_text(expr.render(value, seen))
        else:
            spec[key] = expr.render(value, seen)
    spec["env"] = {name: context.variable(name, value, seen) for name, value in task.env.items()}
    spec["cwd"] = None if task.cwd is None else text_of("cwd", task.cwd, seen)
    if task.cache is not None:
        spec["cache"] = _cache(task.cache, seen, fresh=fresh)
    return spec


def _cache_texts(task: Task) -> list[Any]:
    return [] if task.cache is None else [task.cache.key, *task.cache.inputs, *task.cache.files]


def _cache(cache: Cache, seen: dict[str, Any], *, fresh: bool) -> dict[str, Any]:
    key = None if cache.key is None else expr.as_text(expr.render(cache.key, seen))
    found: dict[str, Any] = {"key": key, "ttl": cache.ttl, "fresh": fresh}
    for name, patterns in (("inputs", cache.inputs), ("files", cache.files)):
        found[name] = expr.render_argv(list(patterns), seen)
        for pattern in found[name]:
            flaw = flaw_of(pattern)
            if flaw is not None:
                raise ExpressionError(
                    f"cache.{name}: the pattern {pattern!r} {flaw}; it must stay in the task's folder"
                )
    return found


def evaluate_when(
    source: str, context: Context, local: dict[str, Any] | None = None, scope: str = ""
) -> bool | Failure:
    """Give what `when` says, or the failure of saying it."""
    try:
        return expr.evaluate_boolean(source, context.of_expression(source, local, scope))
    except ExpressionError as problem:
        return failure(EXPRESSION_ERROR, f"when: {problem}")


def _script_value(source: str, context: Context, local: dict[str, Any] | None, scope: str) -> str:
    value = expr.evaluate(source, context.of_expression(source, local, scope))
    if isinstance(value, list | dict):
        raise ExpressionError(
            f"${{{{ {source} }}}} is a list or a map and cannot stand in a script; use `| join(' ')` or argv"
        )
    return fitting(source, expr.as_text(value))

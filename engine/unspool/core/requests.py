"""The request of an `http` task with every expression evaluated, checked before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unspool import expr
from unspool.errors import ExpressionError
from unspool.model.urls import METHODS, header_problem, url_problem

if TYPE_CHECKING:
    from unspool.core.context import Context


def build_request(action: dict[str, Any], seen: dict[str, Any], context: Context) -> dict[str, Any]:
    """Evaluate the action of an `http` task.

    Raises:
        ExpressionError: an expression fails, or what it gives cannot be sent.
    """
    request: dict[str, Any] = {
        "url": _url(_text("url", action["url"], seen)),
        "method": _method(_text("method", action["method"], seen)),
        "headers": {
            name: _header(name, context.variable(name, value, seen)) for name, value in action["headers"].items()
        },
        "expect": _statuses(expr.render(action["expect"], seen)),
    }
    if "json" in action:
        request["json"] = expr.render(action["json"], seen)
    if "body" in action:
        request["body"] = _text("body", action["body"], seen)
    return request


def _text(name: str, value: str, seen: dict[str, Any]) -> str:
    try:
        rendered = expr.render(value, seen)
    except ExpressionError as problem:
        raise ExpressionError(f"{name}: {problem}") from None
    if rendered is None:
        raise ExpressionError(f"{name}: {value} gives null; say what to take then with `| default(..., true)`")
    return expr.as_text(rendered)


def _url(url: str) -> str:
    problem = url_problem(url)
    if problem is not None:
        raise ExpressionError(f"url: {url[:200]!r} {problem}; a value in it is made safe by `| urlencode`")
    return url


def _method(method: str) -> str:
    if method not in METHODS:
        raise ExpressionError(f"method: {method[:40]!r} is none of {', '.join(METHODS)}")
    return method


def _header(name: str, value: str) -> str:
    problem = header_problem(value)
    if problem is not None:
        raise ExpressionError(f"{name}: the value {problem}; cut it with `| trim`")
    return value


def _statuses(value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list) and value and all(type(status) is int and 100 <= status <= 599 for status in value):
        return value
    raise ExpressionError("expect: it must be a list of statuses from 100 to 599, such as [200, 201]")

"""The expression language, `${{ }}`: parse, names used, sandboxed evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unspool.expr.data import LargeValue, as_text
    from unspool.expr.evaluate import evaluate, evaluate_boolean
    from unspool.expr.names import Reference
    from unspool.expr.render import render, render_argv
    from unspool.expr.syntax import CODES, ExpressionSyntaxError
    from unspool.expr.template import Expression, Template, has_expression, parse_expression, parse_template

_HOMES = {
    "data": ("LargeValue", "as_text"),
    "evaluate": ("evaluate", "evaluate_boolean"),
    "names": ("Reference",),
    "render": ("render", "render_argv"),
    "syntax": ("CODES", "ExpressionSyntaxError"),
    "template": ("Expression", "Template", "has_expression", "parse_expression", "parse_template"),
}

__all__ = [
    "CODES",
    "Expression",
    "ExpressionSyntaxError",
    "LargeValue",
    "Reference",
    "Template",
    "as_text",
    "evaluate",
    "evaluate_boolean",
    "has_expression",
    "parse_expression",
    "parse_template",
    "render",
    "render_argv",
]


def __getattr__(name: str) -> Any:
    """Load a part when it is first used: a document without expressions pays for none."""
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value = globals()[name] = getattr(import_module(f"unspool.expr.{module}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The expression language, `${{ }}`: parse, names used, sandboxed evaluation."""

from __future__ import annotations

from unspool.expr.data import LargeValue, as_text
from unspool.expr.evaluate import evaluate, evaluate_boolean
from unspool.expr.names import Reference
from unspool.expr.render import render, render_argv
from unspool.expr.syntax import CODES, ExpressionSyntaxError
from unspool.expr.template import Expression, Template, has_expression, parse_expression, parse_template

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

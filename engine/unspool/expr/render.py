"""From a field of a document to its value: expressions inside texts, lists and maps, in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unspool.errors import ExpressionError
from unspool.expr.data import as_text
from unspool.expr.evaluate import evaluate
from unspool.expr.limits import check_text
from unspool.expr.template import Expression, Template, has_expression, parse_template


def render(value: Any, context: Mapping[str, Any]) -> Any:
    """Evaluate every expression in a field.

    A text that is exactly one expression becomes its value, type and all; any other text becomes
    text. Lists and maps are rendered inside; the names of a map are left as they are. What an
    expression gives is never looked at again, so a value cannot bring in an expression.

    Raises:
        ExpressionError: an expression fails, or gives null in the midst of a text.
    """
    if isinstance(value, str):
        return _render_text(value, context) if has_expression(value) else value
    if isinstance(value, list):
        return [render(item, context) for item in value]
    if isinstance(value, dict):
        return {key: render(item, context) for key, item in value.items()}
    return value


def render_argv(items: list[str], context: Mapping[str, Any]) -> list[str]:
    """Evaluate the items of an argument list to texts.

    An item that is exactly one expression and gives a list is spliced: each of its items becomes
    one argument, and an empty list none.

    Raises:
        ExpressionError: an expression fails, or gives null, a map, or a list in a list.
    """
    arguments: list[str] = []
    for item in items:
        value = render(item, context)
        if isinstance(value, list):
            arguments += [_argument(item, part) for part in value]
        elif value is None:
            hint = "write `x if x != null else 'y'` (`default` replaces only what is absent)"
            raise ExpressionError(f"{item} gives null, which cannot be an argument; {hint}")
        else:
            arguments.append(_argument(item, value))
    return arguments


def _argument(item: str, value: Any) -> str:
    if value is None:
        raise ExpressionError(f"{item} gives null in a list, which cannot be an argument; drop it with `| reject('none')`")
    if isinstance(value, list | dict):
        kind = "a list in a list" if isinstance(value, list) else "a map"
        raise ExpressionError(f"{item} gives {kind}, which cannot be an argument; write it as JSON with `| tojson`")
    return as_text(value)


def _render_text(text: str, context: Mapping[str, Any]) -> Any:
    template = parse_template(text)
    single = template.single
    if single is not None:
        return evaluate(single, context)
    return _joined(template, context)


def _joined(template: Template, context: Mapping[str, Any]) -> str:
    texts: list[str] = []
    length = 0
    for part in template.parts:
        texts.append(_text_of(part, context))
        length += len(texts[-1])
        check_text(length)
    return "".join(texts)


def _text_of(part: str | Expression, context: Mapping[str, Any]) -> str:
    if isinstance(part, str):
        return part
    value = evaluate(part, context)
    if value is None:
        raise ExpressionError(
            f"${{{{ {part.source} }}}} is null, which has no text; "
            f"say what to write instead: `{part.source} if {part.source} is not none else ''`"
        )
    return as_text(value)

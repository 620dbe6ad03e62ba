"""The text of `when` and `success_when`: exactly one expression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unspool.expr.template import Expression


class NotOneExpression(ValueError):
    """There is something beside the expression; `offset` is where, in characters."""

    def __init__(self, offset: int) -> None:
        super().__init__("not exactly one expression")
        self.offset = offset


def condition(text: str) -> Expression:
    """Give the one expression of a condition, written with `${{ }}` or without.

    Raises:
        NotOneExpression: there is text beside it, or a second one.
        ExpressionSyntaxError: the expression cannot be read.
    """
    from unspool.expr.template import parse_expression, parse_template

    if "${{" not in text:
        return parse_expression(text)
    only: Expression | None = None
    for part in parse_template(text).parts:
        if isinstance(part, str):
            if part.strip():
                # An escape in the part is not found in the text: its place is then the start.
                raise NotOneExpression(max(0, text.find(part.strip())))
        elif only is not None:
            raise NotOneExpression(part.offset)
        else:
            only = part
    if only is None:
        raise NotOneExpression(0)
    return only


def condition_source(value: Any) -> str:
    """Give the bare expression of a condition, which is text or a boolean: `result.exit_code == 0`, `true`."""
    return str(value).lower() if isinstance(value, bool) else condition(value).source

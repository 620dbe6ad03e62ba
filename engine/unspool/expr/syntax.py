"""What can be wrong with the text of an expression."""

from __future__ import annotations

from unspool.errors import ExpressionError

CODES = {
    "UNS060": "the text is not a valid expression",
    "UNS061": "an expression uses a filter, test or function that does not exist, or with wrong arguments",
    "UNS062": "an expression is too long or too deeply nested",
}
GRAMMAR = "write names, values, comparisons, `and`, `or`, `not`, `a if b else c`, or `value | filter`"


class ExpressionSyntaxError(ExpressionError):
    """An expression's text cannot be used.

    Attributes:
        message: what is wrong, without a final full stop.
        offset: characters into the text that was given.
        hint: what to do, or None.
        code: one of `CODES`.
    """

    def __init__(self, message: str, offset: int = 0, hint: str | None = None, code: str = "UNS060") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.offset = offset
        self.hint = hint
        self.code = code

    def moved(self, by: int) -> ExpressionSyntaxError:
        """Give the same error for a text in which the expression stands `by` characters later."""
        return ExpressionSyntaxError(self.message, self.offset + by, self.hint, self.code)

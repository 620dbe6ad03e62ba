"""The bounds of an expression: counted steps and sizes, never a clock."""

from __future__ import annotations

from math import isfinite
from typing import Final

from unspool.errors import ExpressionError

MAX_SOURCE: Final = 4096  # characters of one expression
MAX_BRACKETS: Final = 24  # brackets open at once; each costs the parser about a dozen stack frames
MAX_PREFIXES: Final = 20  # `not` or signs in a row
MAX_CONDITIONALS: Final = 50  # `if` in one expression
MAX_DEPTH: Final = 100  # levels of the tree an expression parses to
MAX_STEPS: Final = 100_000  # steps of one evaluation
MAX_TEXT: Final = 1 << 20  # characters of one text
MAX_ITEMS: Final = 100_000  # items of one list; values of all levels in one result
MAX_RESULT_TEXT: Final = 16 * MAX_TEXT  # characters of all texts in one result
MAX_VALUE_DEPTH: Final = 100  # lists and maps inside each other, in a result
INTEGER_LIMIT: Final = 1 << 63  # results of arithmetic stay in [-2^63, 2^63)

_CHARACTERS_PER_STEP: Final = 64


class Meter:
    """Counts the steps of one evaluation.

    A step is one node of the expression, one item handled, or 64 characters handled; so equal
    expressions over equal data cost the same on every machine.
    """

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = 0

    def spend(self, steps: int) -> None:
        """Count `steps` before they are done.

        Raises:
            ExpressionError: the evaluation would take more than `MAX_STEPS`.
        """
        total = self.steps + steps
        if total > MAX_STEPS:
            raise ExpressionError(
                f"the expression takes more than {MAX_STEPS:,} steps; make the data smaller, or do this in a task"
            )
        self.steps = total

    def spend_text(self, characters: int) -> None:
        """Count the handling of so many characters."""
        self.spend(1 + characters // _CHARACTERS_PER_STEP)


def check_text(characters: int) -> None:
    """Refuse a text longer than `MAX_TEXT` before it is made."""
    if characters > MAX_TEXT:
        raise ExpressionError(f"the expression makes a text of {characters:,} characters; at most {MAX_TEXT:,} fit")


def check_items(count: int) -> None:
    """Refuse a list longer than `MAX_ITEMS` before it is made."""
    if count > MAX_ITEMS:
        raise ExpressionError(f"the expression makes a list of {count:,} items; at most {MAX_ITEMS:,} fit")


def checked_number(number: float) -> int | float:
    """Give the number back if it is one that every reader of JSON can hold.

    Raises:
        ExpressionError: it is an integer beyond 63 bits, infinite, or not a number.
    """
    if isinstance(number, int):
        if not -INTEGER_LIMIT <= number < INTEGER_LIMIT:
            raise ExpressionError("the result is an integer beyond 63 bits")
    elif not isfinite(number):
        raise ExpressionError("the result is not a finite number")
    return number

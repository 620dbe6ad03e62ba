"""The tests of an expression: what may follow `is`, and be named in `select`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from unspool.errors import ExpressionError
from unspool.expr.data import NUMBERS, Absent, is_member, is_ordered, mismatch, problem_of, same
from unspool.expr.limits import Meter
from unspool.expr.signature import Signature, signatures
from unspool.expr.text_filters import text_argument

ABSORBING: Final = frozenset({"defined", "undefined"})  # these may look at what is absent or in a file


def holds(meter: Meter, name: str, value: Any, arguments: tuple[Any, ...] = ()) -> bool:
    """Run a test on a value that may be absent.

    Raises:
        ExpressionError: the value is absent or the test cannot work on it.
    """
    if name not in ABSORBING:
        problem = problem_of(value, "an item")
        if problem is not None:
            raise problem
    return bool(TESTS[name].run(meter, value, *arguments))


def _defined(_meter: Meter, value: Any) -> bool:
    return not isinstance(value, Absent)


def _undefined(_meter: Meter, value: Any) -> bool:
    return isinstance(value, Absent)


def _none(_meter: Meter, value: Any) -> bool:
    return value is None


def _true(_meter: Meter, value: Any) -> bool:
    return value is True


def _false(_meter: Meter, value: Any) -> bool:
    return value is False


def _boolean(_meter: Meter, value: Any) -> bool:
    return type(value) is bool


def _string(_meter: Meter, value: Any) -> bool:
    return type(value) is str


def _number(_meter: Meter, value: Any) -> bool:
    return type(value) in NUMBERS


def _integer(_meter: Meter, value: Any) -> bool:
    return type(value) is int


def _float(_meter: Meter, value: Any) -> bool:
    return type(value) is float


def _sequence(_meter: Meter, value: Any) -> bool:
    return type(value) is list


def _mapping(_meter: Meter, value: Any) -> bool:
    return type(value) is dict


def _even(_meter: Meter, value: Any) -> bool:
    return _whole("even", value) % 2 == 0


def _odd(_meter: Meter, value: Any) -> bool:
    return _whole("odd", value) % 2 == 1


def _divisibleby(_meter: Meter, value: Any, num: Any) -> bool:
    if _whole("divisibleby", num) == 0:
        raise ExpressionError("nothing is divisible by 0")
    return _whole("divisibleby", value) % int(num) == 0


def _whole(name: str, value: Any) -> int:
    if type(value) is not int:
        raise mismatch(f"`is {name}`", "an integer", value)
    return value


def _eq(meter: Meter, value: Any, other: Any) -> bool:
    return same(meter, value, other)


def _ne(meter: Meter, value: Any, other: Any) -> bool:
    return not same(meter, value, other)


def _lt(meter: Meter, value: Any, other: Any) -> bool:
    return is_ordered(meter, "<", value, other)


def _le(meter: Meter, value: Any, other: Any) -> bool:
    return is_ordered(meter, "<=", value, other)


def _gt(meter: Meter, value: Any, other: Any) -> bool:
    return is_ordered(meter, ">", value, other)


def _ge(meter: Meter, value: Any, other: Any) -> bool:
    return is_ordered(meter, ">=", value, other)


def _in(meter: Meter, value: Any, seq: Any) -> bool:
    return is_member(meter, value, seq)


def _contains(meter: Meter, value: Any, item: Any) -> bool:
    return is_member(meter, item, value)


def _startswith(meter: Meter, value: Any, start: Any) -> bool:
    return text_argument(meter, "is startswith", value).startswith(text_argument(meter, "is startswith", start))


def _endswith(meter: Meter, value: Any, end: Any) -> bool:
    return text_argument(meter, "is endswith", value).endswith(text_argument(meter, "is endswith", end))


_FUNCTIONS: Final[dict[str, Callable[..., bool]]] = {
    "defined": _defined,
    "undefined": _undefined,
    "none": _none,
    "true": _true,
    "false": _false,
    "boolean": _boolean,
    "string": _string,
    "number": _number,
    "integer": _integer,
    "float": _float,
    "sequence": _sequence,
    "mapping": _mapping,
    "even": _even,
    "odd": _odd,
    "divisibleby": _divisibleby,
    "eq": _eq,
    "ne": _ne,
    "lt": _lt,
    "le": _le,
    "gt": _gt,
    "ge": _ge,
    "in": _in,
    "contains": _contains,
    "startswith": _startswith,
    "endswith": _endswith,
}

TESTS: Final[dict[str, Signature]] = signatures(_FUNCTIONS)

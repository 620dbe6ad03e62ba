"""What the values of an expression are: plain JSON data, and the two that are not there to be used."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Final, NamedTuple

from unspool.errors import ExpressionError, ValueTooLarge
from unspool.expr.limits import MAX_ITEMS, MAX_RESULT_TEXT, MAX_VALUE_DEPTH, Meter, check_text
from unspool.model.values import Ref

_CONTAINER_STEPS: Final = 3  # to begin with a list or map takes as long as some steps
JSON_STEPS: Final = 8  # to begin with reading or writing JSON takes as long as some steps
_PLAIN_BITS: Final = 64  # integers so long are written without further care
_SHOWN: Final = 40  # characters of a value in a message

_KINDS: Final = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
    list: "a list",
    dict: "a map",
}
PLAIN: Final = frozenset(_KINDS)
NUMBERS: Final = frozenset({int, float})


class Absent(NamedTuple):
    """A value that is not there.

    Attributes:
        path: what was asked for, as the author wrote it.
        why: what is missing on the way to it.
    """

    path: str
    why: str


class _Nothing:
    """No such member, where null is one."""


NOTHING: Final = _Nothing()


class LargeValue(ValueTooLarge):
    """An expression used a value that stays in a file.

    Attributes:
        path: what was used, as the author wrote it.
        ref: where the value is.
    """

    def __init__(self, path: str, ref: Ref) -> None:
        of_result = path.endswith((".stdout", ".stderr", ".json"))
        cure = "write what is needed to UNSPOOL_OUTPUT" if of_result else "raise `max_bytes` of the output"
        super().__init__(
            f"value_too_large: {path} has {ref.size:,} bytes, more than an expression may hold; "
            f"{cure}, or hand it over whole in `env`, `stdin` or `with`"
        )
        self.path = path
        self.ref = ref


def kind_of(value: Any) -> str:
    """Name the kind of a value for a message."""
    return _KINDS.get(type(value), "no plain data")


def shown(value: Any) -> str:
    """Name the kind of a value, with the value where it is short."""
    if type(value) not in (str, int, float, bool):
        return kind_of(value)
    if isinstance(value, int) and value.bit_length() > _SHOWN:
        return kind_of(value)
    text = json.dumps(value[:_SHOWN] if isinstance(value, str) else value, ensure_ascii=False)
    return f"{kind_of(value)} ({text})" if len(text) <= _SHOWN else kind_of(value)


def mismatch(what: str, wanted: str, value: Any, hint: str | None = None) -> ExpressionError:
    """Build the error for a value that something cannot work on."""
    unusable = problem_of(value, "an item")
    if unusable is not None:
        return unusable
    return ExpressionError(f"{what} needs {wanted}, not {shown(value)}" + (f"; {hint}" if hint else ""))


def problem_of(value: Any, path: str) -> ExpressionError | None:
    """Say why a value cannot be used at all, or None where it can."""
    if type(value) in PLAIN:
        return None
    if isinstance(value, Absent):
        return ExpressionError(
            f"{value.path} is absent: {value.why}; add `| default(...)`, or test it with `is defined`"
        )
    if isinstance(value, Ref):
        return LargeValue(path, value)
    return ExpressionError(f"{path} is not plain data")


def find(holder: Any, key: Any) -> Any:
    """Look a member up: text in a map, an integer in a list or text. Never a Python attribute.

    Returns:
        The member, or `NOTHING`.
    """
    kind = type(holder)
    if kind is dict:
        return holder.get(key, NOTHING) if type(key) is str else NOTHING
    if (kind is list or kind is str) and type(key) is int and -len(holder) <= key < len(holder):
        return holder[key]
    return NOTHING


def why_nothing(holder: Any, key: Any, name: str) -> str:
    """Say why `find` gave nothing; `name` is how the author calls the holder."""
    kind = type(holder)
    if kind is dict:
        if type(key) is int:
            return f"{name} is a map and its names are text: write ['{key}']"
        return f"{name} has no member {key!r}"
    if kind is list and type(key) is str:
        return f"{name} is a list, which has items but no member {key!r}"
    if type(key) is int and (kind is list or kind is str):
        return f"{name} has only {len(holder)} {'items' if kind is list else 'characters'}"
    return f"{name} is {kind_of(holder)}" + ("" if holder is None else f" and has no member {key!r}")


def same(meter: Meter, left: Any, right: Any, depth: int = 0) -> bool:
    """Compare as JSON does: 1 equals 1.0, but no boolean equals a number."""
    kind, other = type(left), type(right)
    if kind not in PLAIN or other not in PLAIN:
        raise mismatch("a comparison", "plain data", left if kind not in PLAIN else right)
    if kind is not other:
        return {kind, other} == {int, float} and bool(left == right)
    if kind is str:
        meter.spend_text(min(len(left), len(right)))
    elif kind is list or kind is dict:
        return len(left) == len(right) and _same_inside(meter, left, right, _deeper(depth))
    return bool(left == right)


def _same_inside(meter: Meter, left: Any, right: Any, depth: int) -> bool:
    meter.spend(_CONTAINER_STEPS + len(left))
    if type(left) is list:
        return all(same(meter, a, b, depth) for a, b in zip(left, right, strict=True))
    return all(key in right and same(meter, value, right[key], depth) for key, value in left.items())


def freeze(meter: Meter, value: Any, depth: int = 0) -> Any:
    """Give a hashable form that is equal exactly where `same` holds."""
    kind = type(value)
    if kind not in PLAIN:
        raise mismatch("a comparison", "plain data", value)
    if kind is list or kind is dict:
        meter.spend(_CONTAINER_STEPS + len(value))
        depth = _deeper(depth)
        if kind is list:
            return ("list", *(freeze(meter, item, depth) for item in value))
        return ("map", frozenset((key, freeze(meter, item, depth)) for key, item in value.items()))
    if kind is str:
        meter.spend_text(len(value))
    return ("boolean", value) if kind is bool else value


def _deeper(depth: int) -> int:
    if depth == MAX_VALUE_DEPTH:
        raise ExpressionError(f"a value is nested more than {MAX_VALUE_DEPTH} levels deep")
    return depth + 1


def is_member(meter: Meter, item: Any, holder: Any) -> bool:
    """Say whether `item in holder`: an item of a list, a part of a text, a name of a map."""
    kind = type(holder)
    if kind is list:
        meter.spend(len(holder))
        return any(same(meter, item, other) for other in holder)
    if kind is not str and kind is not dict:
        raise mismatch("`in`", "a list, text or map on its right", holder)
    if type(item) is not str:
        raise mismatch(f"`in` with {_KINDS[kind]} on its right", "text on its left", item)
    if kind is str:
        meter.spend_text(len(holder))
    return item in holder


def is_ordered(meter: Meter, operator: str, left: Any, right: Any) -> bool:
    """Compare two numbers or two texts by `<`, `<=`, `>` or `>=`."""
    if type(left) is str and type(right) is str:
        meter.spend_text(min(len(left), len(right)))
    elif not (type(left) in NUMBERS and type(right) in NUMBERS):
        raise unusable_pair(f"`{operator}`", "two numbers or two texts", left, right)
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    return bool(left > right if operator == ">" else left >= right)


def unusable_pair(what: str, wanted: str, left: Any, right: Any, hint: str | None = None) -> ExpressionError:
    """Build the error for two operands that do not go together."""
    for value in (left, right):
        if type(value) not in PLAIN:
            return mismatch(what, wanted, value)
    return ExpressionError(
        f"{what} needs {wanted}, not {shown(left)} and {shown(right)}" + (f"; {hint}" if hint else "")
    )


def measure(value: list[Any] | dict[str, Any]) -> tuple[int, int]:
    """Walk a list or map, and refuse what is no plain, bounded JSON.

    Returns:
        How many values it holds at all levels, and how many characters of text.

    Raises:
        ExpressionError: too many, too deep, or no JSON.
        ValueTooLarge: one of the values stays in a file.
    """
    values = characters = depth = 0
    level: list[Any] = [value]
    while level:
        if depth == MAX_VALUE_DEPTH:
            raise ExpressionError(f"a value is nested more than {MAX_VALUE_DEPTH} levels deep")
        inner: list[Any] = []
        for holder in level:
            values += len(holder)
            if values > MAX_ITEMS:
                raise ExpressionError(f"a list or map holds more than {MAX_ITEMS:,} values in all")
            items, names = (holder, 0) if type(holder) is list else (holder.values(), sum(map(len, holder)))
            characters += names + sum(map(_characters, items))
            inner += [item for item in items if type(item) is list or type(item) is dict]
        if characters > MAX_RESULT_TEXT:
            raise ExpressionError(f"a list or map holds more than {MAX_RESULT_TEXT:,} characters of text")
        level = inner
        depth += 1
    return values, characters


def _characters(item: Any) -> int:
    kind = type(item)
    if kind is str:
        return len(item)
    if kind not in PLAIN:
        raise problem_of(item, "a value in the list or map") or ExpressionError("a value is not plain data")
    if kind is float and not isfinite(item):
        raise ExpressionError("a list or map holds a number that is not finite")
    return 0


def to_json_text(value: Any, meter: Meter | None = None) -> str:
    """Write a value as compact JSON, names in their order, other letters than ASCII as they are."""
    values = characters = 0
    if type(value) is list or type(value) is dict:
        values, characters = measure(value)
    elif type(value) is str:
        characters = len(value)
    check_text(values + characters)
    if meter is not None:
        meter.spend(JSON_STEPS + values)
        meter.spend_text(characters)
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as problem:
        raise ExpressionError(f"a value cannot be written as JSON: {problem}") from None
    check_text(len(text))
    return text


def as_text(value: Any, meter: Meter | None = None) -> str:
    """Write a value as it stands in a text: true or false, numbers, JSON for lists and maps.

    Args:
        value: plain JSON data.
        meter: counts the work, inside an evaluation.

    Raises:
        ExpressionError: the value is null, or no plain data, or its text would be too long.
    """
    kind = type(value)
    if kind is str:
        text: str = value
        return text
    if kind is bool:
        return "true" if value else "false"
    if kind is int and value.bit_length() <= _PLAIN_BITS:
        return str(value)
    if value is None:
        raise ExpressionError("null has no text; say what to write instead, as in `x if x is not none else ''`")
    if kind not in PLAIN:
        raise mismatch("text", "plain data", value)
    return to_json_text(value, meter)

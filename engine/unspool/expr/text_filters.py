"""Filters on text, numbers and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from unspool.errors import ExpressionError
from unspool.expr.data import JSON_STEPS, NUMBERS, as_text, measure, mismatch, shown, to_json_text
from unspool.expr.limits import MAX_ITEMS, Meter, check_items, check_text, checked_number

_UNSET: Final = object()  # null is a value that an author may give
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,25}\s*", re.ASCII)
_FLOAT: Final = re.compile(r"\s*[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,5})?\s*", re.ASCII)
_MAX_PRECISION: Final = 15


def text_argument(meter: Meter, name: str, value: Any) -> str:
    """Give the text, or refuse anything else; counts its length."""
    if type(value) is not str:
        raise mismatch(f"`{name}`", "text", value, None if value is None else "turn it into text with `| string`")
    meter.spend_text(len(value))
    return value


def count_argument(name: str, value: Any) -> int:
    """Give an integer from 0 up, or refuse anything else."""
    if type(value) is not int or value < 0:
        raise mismatch(f"`{name}`", "an integer from 0 up", value)
    return value


def _upper(meter: Meter, value: Any) -> str:
    return _changed(text_argument(meter, "upper", value).upper())


def _lower(meter: Meter, value: Any) -> str:
    return _changed(text_argument(meter, "lower", value).lower())


def _title(meter: Meter, value: Any) -> str:
    return _changed(text_argument(meter, "title", value).title())


def _capitalize(meter: Meter, value: Any) -> str:
    return _changed(text_argument(meter, "capitalize", value).capitalize())


def _changed(text: str) -> str:
    check_text(len(text))  # a change of case makes a text at most three times as long
    return text


def _trim(meter: Meter, value: Any, chars: Any = None) -> str:
    if chars is not None:
        text_argument(meter, "trim", chars)
    return text_argument(meter, "trim", value).strip(chars)


def _replace(meter: Meter, value: Any, old: Any, new: Any, count: Any = None) -> str:
    text = text_argument(meter, "replace", value)
    text_argument(meter, "replace", old)
    text_argument(meter, "replace", new)
    found = text.count(old)
    if count is not None:
        found = min(found, count_argument("replace", count))
    length = len(text) + found * (len(new) - len(old))
    check_text(length)
    meter.spend_text(length)
    return text.replace(old, new, found)


def _split(meter: Meter, value: Any, sep: Any = None) -> list[str]:
    text = text_argument(meter, "split", value)
    if sep is not None and not text_argument(meter, "split", sep):
        raise ExpressionError("`split` needs a separator that is not empty; leave it out to split at white space")
    return _counted(meter, text.split(sep, MAX_ITEMS))


def _lines(meter: Meter, value: Any) -> list[str]:
    text = text_argument(meter, "lines", value).replace("\r\n", "\n")
    return _counted(meter, text.removesuffix("\n").split("\n", MAX_ITEMS)) if text else []


def _counted(meter: Meter, parts: list[str]) -> list[str]:
    check_items(len(parts))
    meter.spend(len(parts) // 8)
    return parts


def _string(meter: Meter, value: Any) -> str:
    return as_text(value, meter)


def _int(meter: Meter, value: Any, default: Any = _UNSET) -> Any:
    number = _as_integer(meter, value)
    if number is not None:
        return checked_number(number)
    return _fallback("int", "an integer, or text that is one", value, default)


def _as_integer(meter: Meter, value: Any) -> int | None:
    if type(value) in NUMBERS:
        return int(checked_number(value))
    if type(value) is str:
        meter.spend_text(len(value))
        return int(value) if _INTEGER.fullmatch(value) else None
    return None


def _float(meter: Meter, value: Any, default: Any = _UNSET) -> Any:
    if type(value) in NUMBERS:
        return float(checked_number(value))
    if type(value) is str:
        meter.spend_text(len(value))
        if _FLOAT.fullmatch(value):
            return checked_number(float(value))
    return _fallback("float", "a number, or text that is one", value, default)


def _fallback(name: str, wanted: str, value: Any, default: Any) -> Any:
    if default is not _UNSET:
        return default
    raise mismatch(f"`{name}`", wanted, value, f"give it a default: `| {name}(0)`")


def number_argument(name: str, value: Any) -> int | float:
    """Give the number, or refuse anything else."""
    if type(value) not in NUMBERS:
        raise mismatch(f"`{name}`", "a number", value, "turn it into one with `| int` or `| float`")
    return value  # type: ignore[no-any-return]


def _abs(_meter: Meter, value: Any) -> int | float:
    return checked_number(abs(number_argument("abs", value)))


def _round(_meter: Meter, value: Any, precision: Any = 0, method: Any = "common") -> int | float:
    number = checked_number(number_argument("round", value))
    if count_argument("round", precision) > _MAX_PRECISION:
        raise ExpressionError(f"`round` knows at most {_MAX_PRECISION} digits, not {precision}")
    rounded: int | float
    if method == "common":
        rounded = round(number, precision or None)
    elif method in ("floor", "ceil"):
        rounded = _rounded_down(number, precision) if method == "floor" else -_rounded_down(-number, precision)
    else:
        raise ExpressionError(f"`round` knows the methods 'common', 'floor' and 'ceil', not {shown(method)}")
    return checked_number(rounded)


def _rounded_down(number: float, precision: int) -> int | float:
    if isinstance(number, int):
        return number
    factor = 10**precision
    scaled = checked_number(number * factor) // 1
    return scaled / factor if precision else int(scaled)


def _tojson(meter: Meter, value: Any) -> str:
    return to_json_text(value, meter)


def _urlencode(meter: Meter, value: Any) -> str:
    if type(value) is not str and type(value) not in NUMBERS:
        raise mismatch("`urlencode`", "text or a number", value)
    from urllib.parse import quote  # 4 ms, and few documents build addresses

    encoded = quote(as_text(value, meter), safe="", errors="replace")
    check_text(len(encoded))
    meter.spend_text(len(encoded))
    return encoded


def _fromjson(meter: Meter, value: Any) -> Any:
    text = text_argument(meter, "fromjson", value)
    bound = text.count(",") + text.count("[") + text.count("{")  # no more values than that can be inside
    check_items(bound)
    meter.spend(JSON_STEPS + bound // 4)
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise ExpressionError(f"`fromjson` got text that is no JSON: {problem}") from None
    if type(parsed) in NUMBERS:
        return checked_number(parsed)
    if type(parsed) in (list, dict):
        measure(parsed)
    return _without_surrogates(parsed, text)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _without_surrogates(parsed: Any, text: str) -> Any:
    if "\\ud" in text.lower():
        try:
            to_json_text(parsed).encode()
        except UnicodeEncodeError:
            raise ExpressionError("`fromjson` got half of a surrogate pair, which no text may hold") from None
    return parsed


TEXT_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "upper": _upper,
    "lower": _lower,
    "title": _title,
    "capitalize": _capitalize,
    "trim": _trim,
    "replace": _replace,
    "split": _split,
    "lines": _lines,
    "string": _string,
    "int": _int,
    "float": _float,
    "abs": _abs,
    "round": _round,
    "tojson": _tojson,
    "fromjson": _fromjson,
    "urlencode": _urlencode,
}

"""Filters on lists and maps, and those that treat a text as a list of characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from unspool.expr.data import NOTHING, NUMBERS, Absent, as_text, find, freeze, kind_of, mismatch, why_nothing
from unspool.expr.limits import Meter, check_items, check_text, checked_number
from unspool.expr.text_filters import count_argument, number_argument, text_argument


def list_argument(meter: Meter, name: str, value: Any) -> list[Any]:
    """Give the list, or refuse anything else; counts its items."""
    if type(value) is not list:
        hint = "take its `| items`, `| keys` or `| values`" if type(value) is dict else None
        raise mismatch(f"`{name}`", "a list", value, hint)
    meter.spend(len(value))
    return value


def attribute_of(item: Any, path: Any) -> Any:
    """Follow `a.b` or an index into an item; gives an `Absent` where it leads nowhere."""
    if type(path) is not str and type(path) is not int:
        raise mismatch("`attribute`", "a name or an index", path)
    for step in path.split(".") if isinstance(path, str) else (path,):
        found = find(item, step)
        if found is NOTHING:
            return Absent(f"attribute {path!r} of an item", why_nothing(item, step, "the item"))
        item = found
    return item


def _attributes(meter: Meter, name: str, value: Any, attribute: Any) -> list[Any]:
    items = list_argument(meter, name, value)
    return items if attribute is None else [attribute_of(item, attribute) for item in items]


def _sized(name: str, value: Any) -> Any:
    if type(value) not in (str, list, dict):
        raise mismatch(f"`{name}`", "a list, a map or text", value)
    return value


def _sequence(meter: Meter, name: str, value: Any) -> Any:
    if type(value) is not str and type(value) is not list:
        raise mismatch(f"`{name}`", "a list or text", value)
    meter.spend_text(len(value))
    return value


def _map(name: str, value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise mismatch(f"`{name}`", "a map", value)
    return value


def _length(_meter: Meter, value: Any) -> int:
    return len(_sized("length", value))


def _first(_meter: Meter, value: Any) -> Any:
    return _end("first", value, 0)


def _last(_meter: Meter, value: Any) -> Any:
    return _end("last", value, -1)


def _end(name: str, value: Any, index: int) -> Any:
    if type(value) is not str and type(value) is not list:
        raise mismatch(f"`{name}`", "a list or text", value)
    return value[index] if value else Absent(f"the {name} item", f"the {kind_of(value).split()[-1]} is empty")


def _head(meter: Meter, value: Any, count: Any) -> Any:
    wanted = count_argument("head", count)
    return _sequence(meter, "head", value)[:wanted]


def _tail(meter: Meter, value: Any, count: Any) -> Any:
    wanted = count_argument("tail", count)
    return _sequence(meter, "tail", value)[-wanted:] if wanted else _sequence(meter, "tail", value)[:0]


def _reverse(meter: Meter, value: Any) -> Any:
    return _sequence(meter, "reverse", value)[::-1]


def _list(meter: Meter, value: Any) -> list[Any]:
    check_items(len(_sized("list", value)))
    meter.spend(len(value))
    return list(value)


def _items(meter: Meter, value: Any) -> list[dict[str, Any]]:
    meter.spend(len(_map("items", value)))
    return [{"key": key, "value": item} for key, item in value.items()]


def _keys(meter: Meter, value: Any) -> list[str]:
    meter.spend(len(_map("keys", value)))
    return list(value)


def _values(meter: Meter, value: Any) -> list[Any]:
    meter.spend(len(_map("values", value)))
    return list(value.values())


def _join(meter: Meter, value: Any, sep: Any = "", attribute: Any = None) -> str:
    items = _attributes(meter, "join", value, attribute)
    text_argument(meter, "join", sep)
    texts: list[str] = []
    length = -len(sep)
    for item in items:
        texts.append(as_text(item, meter))
        length += len(sep) + len(texts[-1])
        check_text(length)
    meter.spend_text(length)
    joined: str = sep.join(texts)
    return joined


def _sum(meter: Meter, value: Any, attribute: Any = None, start: Any = 0) -> int | float:
    total = number_argument("sum", start)
    for item in _attributes(meter, "sum", value, attribute):
        total = checked_number(total + checked_number(number_argument("sum", item)))
    return total


def _min(meter: Meter, value: Any, attribute: Any = None) -> Any:
    return _extreme(meter, "min", min, value, attribute)


def _max(meter: Meter, value: Any, attribute: Any = None) -> Any:
    return _extreme(meter, "max", max, value, attribute)


def _extreme(meter: Meter, name: str, choose: Callable[..., Any], value: Any, attribute: Any) -> Any:
    ranks = _ranks(meter, name, value, attribute)
    if not ranks:
        return Absent(f"the {name} item", "the list is empty")
    return value[choose(range(len(ranks)), key=ranks.__getitem__)]


def _sort(meter: Meter, value: Any, reverse: Any = None, attribute: Any = None) -> list[Any]:
    if reverse is not None and type(reverse) is not bool:
        raise mismatch("`sort` with `reverse`", "true or false", reverse)
    ranks = _ranks(meter, "sort", value, attribute)
    meter.spend(len(ranks) * (len(ranks).bit_length() // 8))
    order = sorted(range(len(ranks)), key=ranks.__getitem__, reverse=reverse is True)
    return [value[index] for index in order]


def _ranks(meter: Meter, name: str, value: Any, attribute: Any) -> list[Any]:
    """Give what the items are ordered by: all numbers, or all texts."""
    ranks = _attributes(meter, name, value, attribute)
    kinds = {type(rank) for rank in ranks}
    if kinds <= NUMBERS:
        return ranks
    if kinds != {str}:
        odd = next(rank for rank in ranks if type(rank) is not str and (type(rank) not in NUMBERS or str in kinds))
        raise mismatch(f"`{name}`", "only numbers or only texts", odd, "say what to compare: `attribute='...'`")
    meter.spend_text(sum(map(len, ranks)) * len(ranks).bit_length())
    return ranks


def _unique(meter: Meter, value: Any, attribute: Any = None) -> list[Any]:
    seen: set[Any] = set()
    kept: list[Any] = []
    for item, rank in zip(value, _attributes(meter, "unique", value, attribute), strict=True):
        mark = freeze(meter, rank)
        if mark not in seen:
            seen.add(mark)
            kept.append(item)
    return kept


LIST_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "length": _length,
    "first": _first,
    "last": _last,
    "head": _head,
    "tail": _tail,
    "reverse": _reverse,
    "list": _list,
    "items": _items,
    "keys": _keys,
    "values": _values,
    "join": _join,
    "sum": _sum,
    "min": _min,
    "max": _max,
    "sort": _sort,
    "unique": _unique,
}

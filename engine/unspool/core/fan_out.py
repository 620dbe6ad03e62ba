"""From the list of a fan-out to its instances: what each is called and what its expressions see."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from itertools import product
from math import prod
from typing import Any, NamedTuple
from urllib.parse import quote

from unspool.errors import ExpressionError
from unspool.model.plan import FanOut
from unspool.model.status import BUDGET_EXHAUSTED, DUPLICATE_KEY, EXPRESSION_ERROR

_SAFE = ","  # beside letters, digits and `_.-~`, which `quote` never touches
_MOST_KEY = 64  # characters of a key in an id
_HASHED = 12  # of them a hash, where the key was longer
_MOST_COMBINATIONS = 1_000_000  # of a matrix before `exclude`

Evaluate = Callable[[Any, "dict[str, Any] | None"], Any]


class FanOutError(Exception):
    """The instances cannot be made; `kind` is the class of the failure."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Instance(NamedTuple):
    """One instance: its key, as it stands in its id, and the values that only it sees."""

    key: str
    local: dict[str, Any]


def instances_of(fan_out: FanOut, evaluate: Evaluate) -> list[Instance]:
    """Compute the instances in their order.

    Args:
        fan_out: how the task fans out.
        evaluate: gives a field of the document with its expressions evaluated; its second argument holds
            values that only this one evaluation sees.

    Raises:
        FanOutError: an expression fails or gives no list, two instances have one key, or there are too many.
    """
    try:
        own = _items(fan_out, evaluate) if fan_out.axes is None else _combinations(fan_out, evaluate)
        if len(own) > fan_out.most:
            raise _too_many(f"the list has {len(own):,} items", fan_out.most)
        made = [Instance(_key(fan_out, values, evaluate), values) for values in own]
    except ExpressionError as problem:
        raise FanOutError(EXPRESSION_ERROR, str(problem)) from None
    _check_keys(made)
    return made


def _too_many(what: str, most: int) -> FanOutError:
    cure = "raise `max`, or `maxItems` of the input"
    return FanOutError(BUDGET_EXHAUSTED, f"{what}; at most {most:,} may become instances: {cure}")


def _list(name: str, value: Any, evaluate: Evaluate) -> list[Any]:
    found = evaluate(value, None)
    if not isinstance(found, list):
        kind = {dict: "a map", str: "text", bool: "a boolean", type(None): "null"}.get(type(found), "a number")
        raise FanOutError(EXPRESSION_ERROR, f"{name} must be a list, not {kind}")
    return found


def _items(fan_out: FanOut, evaluate: Evaluate) -> list[dict[str, Any]]:
    items = _list("for_each", fan_out.items, evaluate)
    return [{"item": item, "index": index} for index, item in enumerate(items)]


def _combinations(fan_out: FanOut, evaluate: Evaluate) -> list[dict[str, Any]]:
    axes = {name: _list(f"matrix.{name}", values, evaluate) for name, values in (fan_out.axes or {}).items()}
    size = prod(map(len, axes.values())) if axes else 0
    if size > _MOST_COMBINATIONS:  # never build what could only be refused
        raise _too_many(f"the matrix has {size:,} combinations", fan_out.most)
    rows = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    dropped = [evaluate(row, None) for row in fan_out.exclude]
    rows = [row for row in rows if not any(_matches(row, wanted) for wanted in dropped)]
    rows += [evaluate(row, None) for row in fan_out.include]
    return [{"matrix": row, "index": index} for index, row in enumerate(rows)]


def _matches(row: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(name in row and _same(row[name], value) for name, value in wanted.items())


def _same(left: Any, right: Any) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _key(fan_out: FanOut, own: dict[str, Any], evaluate: Evaluate) -> str:
    if fan_out.key is not None:
        text = scalar(evaluate(fan_out.key, own))
        if text is None:
            raise FanOutError(EXPRESSION_ERROR, f"key: {fan_out.key} gives no text, number or boolean")
        return encoded(text)
    values = list(own["matrix"].values()) if "matrix" in own else [own["item"]]
    texts = [text for text in map(scalar, values) if text is not None]
    return encoded(",".join(texts) if texts and len(texts) == len(values) else str(own["index"]))


def scalar(value: Any) -> str | None:
    """Give the text of a scalar as it stands in a key, None for what is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def encoded(text: str) -> str:
    """Spell a key as it stands in an id: bounded, and free of what could be mistaken for a part of the id."""
    key = quote(text, safe=_SAFE).replace("~", "%7E")
    if len(key) <= _MOST_KEY:
        return key
    digest = blake2b(text.encode(), digest_size=_HASHED // 2).hexdigest()
    return f"{key[: _MOST_KEY - _HASHED - 1]}-{digest}"


def _check_keys(made: list[Instance]) -> None:
    seen: set[str] = set()
    for instance in made:
        if instance.key in seen:
            raise FanOutError(DUPLICATE_KEY, f"two instances would be called {instance.key!r}: give each its own `key`")
        seen.add(instance.key)

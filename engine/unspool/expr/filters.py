"""All filters by name, and those that apply another filter or test to each item."""

from __future__ import annotations

from typing import Any, Final

from unspool.errors import ExpressionError
from unspool.expr.data import Absent, mismatch, problem_of
from unspool.expr.hints import unknown
from unspool.expr.limits import Meter
from unspool.expr.list_filters import LIST_FILTERS, attribute_of, list_argument
from unspool.expr.predicates import TESTS, holds
from unspool.expr.signature import Signature, signatures
from unspool.expr.text_filters import TEXT_FILTERS

_UNSET: Final = object()  # null is a value that an author may give


def applied_problem(table: dict[str, Signature], name: Any, count: int) -> tuple[str, str | None] | None:
    """Say why a filter or test named by text cannot be applied with `count` arguments.

    Returns:
        What is wrong and a hint, or None.
    """
    kind = "filter" if table is FILTERS else "test"
    if type(name) is not str:
        return f"the {kind} to apply must be given by its name, as in 'upper' or 'none'", None
    if name == "default" and table is FILTERS:
        return "`default` cannot be applied to each item", "write `map(attribute='...', default=...)`"
    if name not in table:
        return unknown(kind, name, table)
    problem = table[name].problem(count)
    return (f"the {kind} `{name}` {problem}", None) if problem else None


def _require(table: dict[str, Signature], name: Any, arguments: tuple[Any, ...]) -> None:
    problem = applied_problem(table, name, len(arguments))
    if problem is not None:
        raise ExpressionError("; ".join(filter(None, problem)))


def _map(meter: Meter, value: Any, *arguments: Any, attribute: Any = None, default: Any = _UNSET) -> list[Any]:
    items = list_argument(meter, "map", value)
    if attribute is not None:
        return [_member_of(item, attribute, default) for item in items]
    if not arguments:
        raise ExpressionError("`map` needs the name of a filter, or `attribute='...'`")
    name, *rest = arguments
    _require(FILTERS, name, tuple(rest))
    run = FILTERS[name].run
    return [_present(run(meter, _present(item), *rest)) for item in items]


def _member_of(item: Any, attribute: Any, default: Any) -> Any:
    found = attribute_of(item, attribute)
    if isinstance(found, Absent) and default is not _UNSET:
        return default
    return _listed(found)


def _listed(item: Any) -> Any:
    """Give an item that may stand in a list: also one that stays in a file, since nothing reads it here."""
    if isinstance(item, Absent):
        raise problem_of(item, "an item") or ExpressionError("absent")
    return item


def _present(item: Any) -> Any:
    problem = problem_of(item, "an item")
    if problem is not None:
        raise problem
    return item


def _select(meter: Meter, value: Any, test: Any, *arguments: Any) -> list[Any]:
    return _chosen(meter, "select", value, None, (test, *arguments), wanted=True)


def _reject(meter: Meter, value: Any, test: Any, *arguments: Any) -> list[Any]:
    return _chosen(meter, "reject", value, None, (test, *arguments), wanted=False)


def _selectattr(meter: Meter, value: Any, attribute: Any, *arguments: Any) -> list[Any]:
    return _chosen(meter, "selectattr", value, attribute, arguments, wanted=True)


def _rejectattr(meter: Meter, value: Any, attribute: Any, *arguments: Any) -> list[Any]:
    return _chosen(meter, "rejectattr", value, attribute, arguments, wanted=False)


def _chosen(meter: Meter, name: str, value: Any, attribute: Any, test: tuple[Any, ...], *, wanted: bool) -> list[Any]:
    items = list_argument(meter, name, value)
    if test:
        _require(TESTS, test[0], test[1:])
    return [
        item
        for item in items
        if _passes(meter, name, item if attribute is None else attribute_of(item, attribute), test) is wanted
    ]


def _passes(meter: Meter, name: str, value: Any, test: tuple[Any, ...]) -> bool:
    if test:
        return holds(meter, test[0], value, test[1:])
    if type(value) is not bool:
        raise mismatch(f"`{name}` without a test", "an attribute that is true or false", value)
    return value


FILTERS: Final[dict[str, Signature]] = signatures(
    {
        **TEXT_FILTERS,
        **LIST_FILTERS,
        "map": _map,
        "select": _select,
        "reject": _reject,
        "selectattr": _selectattr,
        "rejectattr": _rejectattr,
    }
)

#: Filters that apply what they are given the name of: the table it is looked up in, and its place.
APPLYING: Final[dict[str, tuple[dict[str, Signature], int]]] = {
    "map": (FILTERS, 0),
    "select": (TESTS, 0),
    "reject": (TESTS, 0),
    "selectattr": (TESTS, 1),
    "rejectattr": (TESTS, 1),
}

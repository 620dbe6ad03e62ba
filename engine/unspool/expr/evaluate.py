"""From an expression's tree and a context to a value: a walk that counts its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final, NoReturn

from unspool.errors import ExpressionError
from unspool.expr import tree
from unspool.expr.data import (
    NOTHING,
    NUMBERS,
    PLAIN,
    Absent,
    LargeValue,
    as_text,
    find,
    is_member,
    is_ordered,
    measure,
    mismatch,
    problem_of,
    same,
    shown,
    unusable_pair,
    why_nothing,
)
from unspool.expr.filters import FILTERS
from unspool.expr.limits import Meter, check_items, check_text, checked_number
from unspool.expr.predicates import ABSORBING, holds
from unspool.expr.template import Expression, parse_expression
from unspool.model.values import Ref

_SOURCE_SHOWN: Final = 80  # characters of an expression in a message

_COMPARED_WITH: Final = {
    str: "compare it, as in `!= ''`",
    int: "compare it, as in `!= 0`",
    float: "compare it, as in `!= 0`",
    type(None): "test it with `is not none`",
    list: "test its `| length > 0`",
    dict: "test its `| length > 0`",
}


def evaluate(expression: Expression | str, context: Mapping[str, Any]) -> Any:
    """Evaluate one expression.

    Args:
        expression: parsed, or its text without `${{ }}`.
        context: plain JSON data by name; a `Ref` stands for a value that stays in a file. Nothing
            in it is changed, and lists and maps in the result may be parts of it.

    Returns:
        Plain JSON data.

    Raises:
        ExpressionSyntaxError: the text is no expression.
        ExpressionError: a value is absent or of the wrong kind, or a bound was reached.
        ValueTooLarge: a value stays in a file.
    """
    if isinstance(expression, str):
        expression = parse_expression(expression)
    try:
        return _checked(Walk(context).value(expression.node))
    except ExpressionError as problem:
        _say_where(problem, expression.source)
        raise


def _checked(value: Any) -> Any:
    kind = type(value)
    if kind is list or kind is dict:
        measure(value)
    elif kind is float and not isfinite(value):
        raise ExpressionError("the value is not a finite number")
    return value


def evaluate_boolean(expression: Expression | str, context: Mapping[str, Any]) -> bool:
    """Evaluate a condition; takes and raises what `evaluate` does.

    Raises:
        ExpressionError: also where the value is neither true nor false.
    """
    value = evaluate(expression, context)
    if type(value) is not bool:
        source = expression if isinstance(expression, str) else expression.source
        problem = _no_boolean("a condition", "", value)
        _say_where(problem, source.strip())
        raise problem
    return value


def _say_where(problem: ExpressionError, source: str) -> None:
    short = source if len(source) <= _SOURCE_SHOWN else source[:_SOURCE_SHOWN] + "..."
    problem.args = (f"{problem} (in `{short}`)",)


def _no_boolean(what: str, name: str, value: Any) -> ExpressionError:
    hint = _COMPARED_WITH.get(type(value))
    return ExpressionError(
        f"{what} needs true or false, but {name or 'it'} is {shown(value)}" + (f"; {hint}" if hint else "")
    )


class Walk(Meter):
    """One evaluation over one context."""

    __slots__ = ("context",)

    def __init__(self, context: Mapping[str, Any]) -> None:
        self.steps = 0
        self.context = context

    def read(self, node: tree.Node) -> Any:
        """Evaluate a node; the value may be `Absent` or a `Ref`."""
        self.steps += 1
        return _VISITS[type(node)](self, node)

    def value(self, node: tree.Node) -> Any:
        """Evaluate a node whose value is used, so that it must be there."""
        self.steps += 1
        found = _VISITS[type(node)](self, node)
        if type(found) not in PLAIN:
            self._refuse(node, found)
        return found

    def _refuse(self, node: tree.Node, found: Any) -> NoReturn:
        raise problem_of(found, tree.text_of(node)) or ExpressionError("a value is not plain data")

    def boolean(self, node: tree.Node, what: str) -> bool:
        """Evaluate a node that must be true or false: there is no truthiness."""
        found = self.value(node)
        if type(found) is not bool:
            raise _no_boolean(what, tree.text_of(node), found)
        return found


def _constant(_walk: Walk, node: tree.Constant) -> Any:
    return node.value


def _name(walk: Walk, node: tree.Name) -> Any:
    try:
        return walk.context[node.name]
    except KeyError:
        return Absent(node.name, f"there is nothing called `{node.name}` here")


def _member(walk: Walk, node: tree.Member) -> Any:
    holder = walk.read(node.target)
    found = find(holder, node.key)
    return _missing(node, holder, node.key) if found is NOTHING else found


def _subscript(walk: Walk, node: tree.Subscript) -> Any:
    holder = walk.read(node.target)
    key = walk.value(node.key)
    if type(key) is not str and type(key) is not int:
        raise mismatch("a member in [ ]", "a name or an index", key)
    found = find(holder, key)
    return _missing(node, holder, key) if found is NOTHING else found


def _missing(node: tree.Member | tree.Subscript, holder: Any, key: str | int) -> Absent:
    if isinstance(holder, Absent):
        return Absent(tree.text_of(node), holder.why)
    name = tree.text_of(node.target)
    if isinstance(holder, Ref):
        raise LargeValue(name, holder)
    why = why_nothing(holder, key, name)
    if key in FILTERS and type(holder) is not dict:
        why += f" (`{name} | {key}` is a filter)"
    return Absent(tree.text_of(node), why)


def _slice(walk: Walk, node: tree.Slice) -> Any:
    holder = walk.read(node.target)
    if isinstance(holder, Absent):
        return Absent(tree.text_of(node), holder.why)
    if type(holder) is not list and type(holder) is not str:
        raise problem_of(holder, tree.text_of(node.target)) or mismatch("a slice", "a list or text", holder)
    start, stop, step = (None if part is None else walk.value(part) for part in (node.start, node.stop, node.step))
    for bound in (start, stop, step):
        if bound is not None and type(bound) is not int:
            raise mismatch("a slice", "integers", bound)
    if step == 0:
        raise ExpressionError("the step of a slice cannot be 0")
    walk.spend_text(len(holder))
    return holder[start:stop:step]


def _list(walk: Walk, node: tree.ListOf) -> list[Any]:
    return [walk.value(item) for item in node.items]


def _map(walk: Walk, node: tree.MapOf) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key_node, value_node in node.pairs:
        key = walk.value(key_node)
        if type(key) is not str:
            raise mismatch("a map", "text for its names", key)
        made[key] = walk.value(value_node)
    return made


def _sign(walk: Walk, node: tree.Sign) -> Any:
    number = walk.value(node.operand)
    if type(number) not in NUMBERS:
        raise mismatch(f"`{node.operator}`", "a number", number)
    return checked_number(-number if node.operator == "-" else number)


_OPERATIONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
}


def _arithmetic(walk: Walk, node: tree.Arithmetic) -> Any:
    left, right = walk.value(node.left), walk.value(node.right)
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        return _joined(walk, node.operator, left, right)
    try:
        return checked_number(_OPERATIONS[node.operator](left, right))
    except ZeroDivisionError:
        raise ExpressionError(f"`{node.operator}` by 0: {tree.text_of(node.right)} is 0") from None
    except OverflowError:
        raise ExpressionError("the result is not a finite number") from None


def _joined(walk: Walk, operator: str, left: Any, right: Any) -> Any:
    """Put two texts or two lists together: the only use of an operator on anything but numbers."""
    if operator != "+":
        raise unusable_pair(f"`{operator}`", "two numbers", left, right, _number_hint(left, right))
    if type(left) is str and type(right) is str:
        check_text(len(left) + len(right))
        walk.spend_text(len(left) + len(right))
    elif type(left) is list and type(right) is list:
        check_items(len(left) + len(right))
        walk.spend_text(len(left) + len(right))
    else:
        hint = "write `~` to put values together as text" if str in (type(left), type(right)) else None
        raise unusable_pair("`+`", "two numbers, two texts or two lists", left, right, hint)
    return left + right


def _number_hint(left: Any, right: Any) -> str | None:
    return "turn text into a number with `| int` or `| float`" if str in (type(left), type(right)) else None


def _concat(walk: Walk, node: tree.Concat) -> str:
    texts: list[str] = []
    length = 0
    for part in node.parts:
        texts.append(_text_of_part(walk, part))
        length += len(texts[-1])
        check_text(length)
    walk.spend_text(length)
    return "".join(texts)


def _text_of_part(walk: Walk, part: tree.Node) -> str:
    value = walk.value(part)
    if value is None:
        name = tree.text_of(part)
        raise ExpressionError(f"{name} is null, which has no text; write `{name} if {name} is not none else ''`")
    return as_text(value, walk)


def _compare(walk: Walk, node: tree.Compare) -> bool:
    left = walk.value(node.first)
    for operator, operand in node.rest:
        right = walk.value(operand)
        if not _COMPARISONS[operator](walk, left, right):
            return False
        left = right
    return True


_COMPARISONS: Final[dict[str, Callable[[Meter, Any, Any], bool]]] = {
    "==": same,
    "!=": lambda meter, left, right: not same(meter, left, right),
    "<": lambda meter, left, right: is_ordered(meter, "<", left, right),
    "<=": lambda meter, left, right: is_ordered(meter, "<=", left, right),
    ">": lambda meter, left, right: is_ordered(meter, ">", left, right),
    ">=": lambda meter, left, right: is_ordered(meter, ">=", left, right),
    "in": is_member,
    "not in": lambda meter, left, right: not is_member(meter, left, right),
}


def _and(walk: Walk, node: tree.And) -> bool:
    return walk.boolean(node.left, "`and`") and walk.boolean(node.right, "`and`")


def _or(walk: Walk, node: tree.Or) -> bool:
    return walk.boolean(node.left, "`or`") or walk.boolean(node.right, "`or`")


def _not(walk: Walk, node: tree.Not) -> bool:
    return not walk.boolean(node.operand, "`not`")


def _conditional(walk: Walk, node: tree.Conditional) -> Any:
    return walk.value(node.then if walk.boolean(node.test, "`if`") else node.otherwise)


def _default(walk: Walk, node: tree.Default) -> Any:
    found = walk.read(node.target)
    return walk.read(node.fallback) if isinstance(found, Absent) else found


def _filter(walk: Walk, node: tree.Filter) -> Any:
    value = walk.value(node.target)
    arguments = [walk.value(argument) for argument in node.arguments]
    named = {name: walk.value(argument) for name, argument in node.named}
    return FILTERS[node.name].run(walk, value, *arguments, **named)


def _is(walk: Walk, node: tree.Is) -> bool:
    value = walk.read(node.target) if node.name in ABSORBING else walk.value(node.target)
    return holds(walk, node.name, value, tuple(walk.value(argument) for argument in node.arguments))


_VISITS: Final[dict[type, Callable[[Walk, Any], Any]]] = {
    tree.Constant: _constant,
    tree.Name: _name,
    tree.Member: _member,
    tree.Subscript: _subscript,
    tree.Slice: _slice,
    tree.ListOf: _list,
    tree.MapOf: _map,
    tree.Sign: _sign,
    tree.Arithmetic: _arithmetic,
    tree.Concat: _concat,
    tree.Compare: _compare,
    tree.And: _and,
    tree.Or: _or,
    tree.Not: _not,
    tree.Conditional: _conditional,
    tree.Default: _default,
    tree.Filter: _filter,
    tree.Is: _is,
}

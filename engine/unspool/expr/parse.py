"""From the text of an expression to its tree: jinja2 parses, an allow-list of its nodes is taken over."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from unspool.expr import tree
from unspool.expr.filters import APPLYING, FILTERS, applied_problem
from unspool.expr.hints import call_hint, token_hint, unknown
from unspool.expr.lexing import check_source, environment, tokens_of
from unspool.expr.limits import MAX_DEPTH
from unspool.expr.predicates import TESTS
from unspool.expr.syntax import ExpressionSyntaxError

if TYPE_CHECKING:
    from jinja2.lexer import Token

_CHAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_CONSTANTS: Final = {
    "true": True,
    "false": False,
    "none": None,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}
_WORDS: Final = frozenset({"and", "or", "not", "in", "is", "if", "else"})


def parse(source: str) -> tree.Node:
    """Parse an expression, without `${{ }}` and without white space around it.

    Raises:
        ExpressionSyntaxError: it is no expression, or uses what there is not; `offset` is in `source`.
    """
    if _CHAIN.fullmatch(source):
        check_source(source)
        first, *members = source.split(".")
        if first not in _CONSTANTS and first not in _WORDS:
            return _chain(first, members)
    try:
        return _parse_with_jinja(source)
    except RecursionError:
        raise ExpressionSyntaxError(
            "the expression is nested too deeply", hint="compute the value in a task", code="UNS062"
        ) from None


def _chain(first: str, members: list[str]) -> tree.Node:
    """Build the commonest expression, `a.b.c`, without the 30 to 60 ms that importing jinja2 takes."""
    node: tree.Node = tree.Name(first, 0)
    offset = len(first)
    if len(members) >= MAX_DEPTH:
        raise _too_deep(offset)
    for member in members:
        node = tree.Member(node, member, offset)
        offset += 1 + len(member)
    return node


def _too_deep(offset: int) -> ExpressionSyntaxError:
    return ExpressionSyntaxError("the expression is nested too deeply", offset, "compute it in steps", "UNS062")


def _parse_with_jinja(source: str) -> tree.Node:
    tokens = tokens_of(source)
    from jinja2.exceptions import TemplateSyntaxError
    from jinja2.lexer import TokenStream
    from jinja2.parser import Parser

    parser = Parser(environment(), "")
    parser.stream = TokenStream(tokens, None, None)
    try:
        parsed = parser.parse_expression()
        if not parser.stream.eos:
            parser.fail("expected an operator or the end")
    except TemplateSyntaxError as problem:
        raise _grammar_error(source, tokens, problem.lineno, problem.message or "") from None
    return _Builder().build(parsed)


def _grammar_error(source: str, tokens: list[Token], offset: int, message: str) -> ExpressionSyntaxError:
    index = next(i for i, token in enumerate(tokens) if token.lineno >= offset)
    if index == len(tokens) - 1:
        return ExpressionSyntaxError("the expression ends too early", len(source))
    found = source[tokens[index].lineno : tokens[index + 1].lineno].rstrip()
    before = tokens[index - 1] if index else None
    if before is not None and before.type == "string" and not before.value:
        return ExpressionSyntaxError(
            f"unexpected `{found}`", offset, "outside a quoted YAML text, quotes are not doubled"
        )
    if before is not None and before.type == "name" and before.value == "if":
        return ExpressionSyntaxError(f"unexpected `{found}`", offset, "put brackets around the test before `if`")
    wanted = re.match(r"expected token '(\S+)'", message)
    expected = f", expected `{wanted[1]}`" if wanted and not wanted[1].isalpha() else ""
    return ExpressionSyntaxError(f"unexpected `{found}`{expected}", offset, token_hint(tokens[index].type))


class _Builder:
    """Takes the allowed nodes over into a tree of our own, and refuses the rest."""

    def __init__(self) -> None:
        self._depth = 0

    def build(self, node: Any) -> tree.Node:
        make = _MAKERS.get(type(node).__name__)
        if make is None:
            raise ExpressionSyntaxError(f"{type(node).__name__} cannot stand in an expression", node.lineno)
        if self._depth == MAX_DEPTH:
            raise _too_deep(node.lineno)
        self._depth += 1
        made = make(self, node)
        self._depth -= 1
        return made

    def build_all(self, nodes: list[Any]) -> tuple[tree.Node, ...]:
        return tuple(self.build(node) for node in nodes)


def _constant(_builder: _Builder, node: Any) -> tree.Node:
    return tree.Constant(node.value, node.lineno)


def _name(_builder: _Builder, node: Any) -> tree.Node:
    if node.name in _CONSTANTS:
        return tree.Constant(_CONSTANTS[node.name], node.lineno)
    if node.name in _WORDS:
        raise ExpressionSyntaxError(f"unexpected `{node.name}`", node.lineno, "put what stands before it in brackets")
    return tree.Name(node.name, node.lineno)


def _member(builder: _Builder, node: Any) -> tree.Node:
    return tree.Member(builder.build(node.node), node.attr, node.lineno)


def _subscript(builder: _Builder, node: Any) -> tree.Node:
    target = builder.build(node.node)
    kind = type(node.arg).__name__
    if kind == "Slice":
        start, stop, step = (None if part is None else builder.build(part) for part in _bounds(node.arg))
        return tree.Slice(target, start, stop, step, node.lineno)
    if kind == "Tuple":
        raise ExpressionSyntaxError("a member has one name or index", node.lineno)
    key = builder.build(node.arg)
    static = _static_key(key)
    return tree.Subscript(target, key, node.lineno) if static is None else tree.Member(target, static, node.lineno)


def _bounds(cut: Any) -> tuple[Any, Any, Any]:
    return cut.start, cut.stop, cut.step


def _static_key(key: tree.Node) -> str | int | None:
    if isinstance(key, tree.Constant) and type(key.value) in (str, int):
        return key.value  # type: ignore[no-any-return]
    if isinstance(key, tree.Sign) and key.operator == "-" and isinstance(key.operand, tree.Constant):
        return -key.operand.value if type(key.operand.value) is int else None
    return None


def _list(builder: _Builder, node: Any) -> tree.Node:
    return tree.ListOf(builder.build_all(node.items), node.lineno)


def _dict(builder: _Builder, node: Any) -> tree.Node:
    pairs = tuple((builder.build(pair.key), builder.build(pair.value)) for pair in node.items)
    return tree.MapOf(pairs, node.lineno)


def _sign(operator: str) -> Callable[[_Builder, Any], tree.Node]:
    return lambda builder, node: tree.Sign(operator, builder.build(node.node), node.lineno)


def _arithmetic(operator: str) -> Callable[[_Builder, Any], tree.Node]:
    return lambda builder, node: tree.Arithmetic(
        operator, builder.build(node.left), builder.build(node.right), node.lineno
    )


def _power(_builder: _Builder, node: Any) -> tree.Node:
    raise ExpressionSyntaxError("there is no operator `**`", node.lineno, token_hint("pow"))


def _concat(builder: _Builder, node: Any) -> tree.Node:
    return tree.Concat(builder.build_all(node.nodes), node.lineno)


_COMPARISONS: Final = {
    "eq": "==",
    "ne": "!=",
    "lt": "<",
    "lteq": "<=",
    "gt": ">",
    "gteq": ">=",
    "in": "in",
    "notin": "not in",
}


def _compare(builder: _Builder, node: Any) -> tree.Node:
    first = builder.build(node.expr)
    rest = tuple((_COMPARISONS[operand.op], builder.build(operand.expr)) for operand in node.ops)
    return tree.Compare(first, rest, first.offset)


def _and(builder: _Builder, node: Any) -> tree.Node:
    return tree.And(builder.build(node.left), builder.build(node.right), node.lineno)


def _or(builder: _Builder, node: Any) -> tree.Node:
    return tree.Or(builder.build(node.left), builder.build(node.right), node.lineno)


def _not(builder: _Builder, node: Any) -> tree.Node:
    return tree.Not(builder.build(node.node), node.lineno)


def _conditional(builder: _Builder, node: Any) -> tree.Node:
    if node.expr2 is None:
        raise ExpressionSyntaxError("a choice needs an `else`", node.lineno, "write `a if test else b`")
    return tree.Conditional(builder.build(node.test), builder.build(node.expr1), builder.build(node.expr2), node.lineno)


def _filter(builder: _Builder, node: Any) -> tree.Node:
    _refuse_stars(node)
    if node.name == "default":
        return _default(builder, node)
    if node.name not in FILTERS:
        raise _wrong(*unknown("filter", node.name, FILTERS), node.lineno)
    names = tuple(pair.key for pair in node.kwargs)
    problem = FILTERS[node.name].problem(len(node.args), names)
    if problem:
        raise _wrong(f"the filter `{node.name}` {problem}", _argument_hint(node.name), node.lineno)
    _check_applied(node)
    named = tuple((pair.key, builder.build(pair.value)) for pair in node.kwargs)
    return tree.Filter(builder.build(node.node), node.name, builder.build_all(node.args), named, node.lineno)


def _default(builder: _Builder, node: Any) -> tree.Node:
    given = [*node.args, *(pair.value for pair in node.kwargs if pair.key == "default_value")]
    if len(given) != 1 or len(node.args) + len(node.kwargs) != 1:
        raise _wrong(
            "the filter `default` takes one argument, the value to take where the other is absent",
            "write `x | default(0)`; only what is absent is replaced, not null or empty values",
            node.lineno,
        )
    return tree.Default(builder.build(node.node), builder.build(given[0]), node.lineno)


def _check_applied(node: Any) -> None:
    """Check the filter or test that `map`, `select` and their kin are given the name of."""
    if node.name not in APPLYING:
        return
    table, place = APPLYING[node.name]
    if len(node.args) <= place:
        if node.name == "map" and not any(pair.key == "attribute" for pair in node.kwargs):
            raise _wrong("the filter `map` needs the name of a filter, or `attribute='...'`", None, node.lineno)
        return
    applied = node.args[place]
    if type(applied).__name__ == "Const":
        problem = applied_problem(table, applied.value, len(node.args) - place - 1)
        if problem:
            raise _wrong(*problem, applied.lineno)


def _argument_hint(name: str) -> str | None:
    if name in ("select", "reject"):
        return "name a test: `select('string')`, `reject('none')`"
    return None


def _test(builder: _Builder, node: Any) -> tree.Node:
    _refuse_stars(node)
    if node.name not in TESTS:
        raise _wrong(*unknown("test", node.name, TESTS), node.lineno)
    problem = TESTS[node.name].problem(len(node.args), tuple(pair.key for pair in node.kwargs))
    if problem or node.kwargs:
        raise _wrong(f"the test `{node.name}` {problem or 'takes its arguments by place'}", None, node.lineno)
    return tree.Is(builder.build(node.node), node.name, builder.build_all(node.args), node.lineno)


def _refuse_stars(node: Any) -> None:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise _wrong("arguments cannot be unpacked with `*`", "write them one by one", node.lineno)


def _call(_builder: _Builder, node: Any) -> tree.Node:
    callee = type(node.node).__name__
    if callee == "Getattr":
        hint = call_hint(node.node.attr, is_method=True, filters=FILTERS)
        raise _wrong(f"values have no methods to call, such as `{node.node.attr}`", hint, node.node.lineno + 1)
    if callee == "Name":
        hint = call_hint(node.node.name, is_method=False, filters=FILTERS)
        raise _wrong(f"there is no function `{node.node.name}`", hint, node.node.lineno)
    raise _wrong("nothing can be called", "use a filter: `x | upper`", node.lineno)


def _wrong(message: str, hint: str | None, offset: int) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(message, offset, hint, "UNS061")


_MAKERS: Final[dict[str, Callable[[_Builder, Any], tree.Node]]] = {
    "Const": _constant,
    "Name": _name,
    "Getattr": _member,
    "Getitem": _subscript,
    "List": _list,
    "Tuple": _list,
    "Dict": _dict,
    "Neg": _sign("-"),
    "Pos": _sign("+"),
    "Add": _arithmetic("+"),
    "Sub": _arithmetic("-"),
    "Mul": _arithmetic("*"),
    "Div": _arithmetic("/"),
    "FloorDiv": _arithmetic("//"),
    "Mod": _arithmetic("%"),
    "Pow": _power,
    "Concat": _concat,
    "Compare": _compare,
    "And": _and,
    "Or": _or,
    "Not": _not,
    "CondExpr": _conditional,
    "Filter": _filter,
    "Test": _test,
    "Call": _call,
}

"""What `item` and `matrix` stand for: as much of their schema as the text of a fan-out tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from unspool.compiler.graph import similar_name
from unspool.compiler.schema_paths import wrong_member
from unspool.compiler.wording import choices, quote

_COMBINATIONS = ("include", "exclude")
_MOST_LISTED = 6


class Fan(NamedTuple):
    """How the tasks around an expression multiply.

    Attributes:
        items: of the nearest `for_each`, its list, or the text of the expression that gives it; None without one.
        axes: of the nearest `matrix`, the values of each axis; None without one, or where it could not be read.
    """

    items: Any = None
    axes: Mapping[str, Any] | None = None

    def within(self, body: Mapping[str, Any]) -> Fan:
        """Give how tasks multiply inside a task that may do so itself."""
        fan = self
        if "for_each" in body:
            each = body["for_each"]
            fan = fan._replace(items=each.get("items") if isinstance(each, dict) else each)
        if "matrix" in body:
            fan = fan._replace(axes=body["matrix"] or None)
        return fan

    def schema(self, root: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Give what is sure of the schema of `item` or `matrix`.

        Args:
            root: the word.
            inputs: the inputs that are known where the list stands.
        """
        if root == "item":
            return _of_items(self.items, inputs)
        if root == "matrix" and self.axes is not None:
            return {"type": "object", "properties": self._axes(inputs), "additionalProperties": False}
        return {"type": "integer"} if root == "index" else {}

    def _axes(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        axes = self.axes or {}
        known = {name: _of_items(values, inputs) for name, values in axes.items() if name not in _COMBINATIONS}
        for combination in axes.get("include", ()):
            known.update({axis: {} for axis in combination})  # it may bring in other values, or other axes
        return known


def _of_items(items: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(items, list):
        return _of_values(items)
    if not isinstance(items, str):
        return {}
    inner = _of_expression(items, inputs).get("items")
    return inner if isinstance(inner, dict) else {}


def _of_values(values: list[Any]) -> dict[str, Any]:
    """Give the schema that literal values have in common."""
    if not values or any("${{" in value for value in values if isinstance(value, str)):
        return {}
    kinds = {type(value) for value in values}
    if kinds == {dict}:
        return {
            "type": "object",
            "properties": {key: {} for value in values for key in value},
            "additionalProperties": False,
        }
    kind = kinds.pop()
    return {} if kinds else {"type": _TYPES[kind]} if kind in _TYPES else {}


_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}


def _of_expression(text: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Give the schema of the input, or of its member, that an expression names; of any other nothing is known."""
    from unspool.compiler.conditions import NotOneExpression, condition
    from unspool.expr.syntax import ExpressionSyntaxError
    from unspool.expr.tree import Member, Name

    try:
        expression = condition(text)
    except (ExpressionSyntaxError, NotOneExpression):
        return {}
    if not isinstance(expression.node, Name | Member) or len(expression.references) != 1:
        return {}
    root, *steps = expression.references[0].path
    if root != "inputs" or not steps or not expression.references[0].exact:
        return {}
    schema = inputs.get(str(steps[0]), {})
    for step in steps[1:]:
        inner = schema.get("properties", {}).get(str(step)) if isinstance(schema, dict) else None
        schema = inner if isinstance(inner, dict) else {}
    return schema if isinstance(schema, dict) else {}


def member_problem(root: str, schema: dict[str, Any], rest: tuple[str | int, ...]) -> tuple[str, str, str] | None:
    """Say what is wrong with a member of `item` or `matrix`: code, message and hint; None where it may be there."""
    wrong = wrong_member(schema, rest) if rest else None
    if wrong is None:
        return None
    at, what = wrong
    holder = ".".join(map(str, (root, *rest[:at])))
    key = str(rest[at])
    known = list(schema.get("properties", ())) if at == 0 else []
    similar = similar_name(key, known)
    hint = f"write {quote(holder)}"
    if similar is not None:
        hint = f"did you mean `{holder}.{similar}`?"
    elif known and len(known) <= _MOST_LISTED:
        hint = f"it has {choices(known).replace(' or ', ' and ')}"
    if (root, at) == ("matrix", 0):
        return "UNS069", f"`matrix` has no axis {quote(key)}", hint
    return "UNS069", f"{quote(holder)} is {what} and has no member {quote(key)}", hint

"""The values that a run is given: text from the command line parsed, defaults filled in, all checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from unspool.compiler.graph import similar_name
from unspool.compiler.wording import TYPE_PHRASES, quote
from unspool.errors import InputError
from unspool.model.diagnostics import Diagnostic
from unspool.model.plan import Plan

CODES = {
    "UNS120": "a value is given for an input that the document does not declare",
    "UNS121": "an input without a default has no value",
    "UNS122": "a value does not fit the schema of its input",
}


def parse_input(plan: Plan, name: str, text: str) -> Any:
    """Give the value that `-i name=text` means: the text itself for `type: string`, else JSON.

    An input that declares no type takes JSON where the text is some, else the text. So does one
    that may be text among other types. A name that the plan does not declare is treated alike:
    `resolve_inputs` reports it.

    Raises:
        InputError: the input's type is not text, and the text is not JSON.
    """
    wanted = plan.inputs.get(name, {}).get("type")
    if wanted == "string":
        return text
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as problem:
        if isinstance(problem, _TooLarge):
            raise InputError(f"input {quote(name)}: the number {problem} is too large") from None
        if wanted is None or "string" in wanted:
            return text
        raise InputError(
            f"input {quote(name)} must be {_phrase(wanted)}, and {quote(text)} is not JSON for it"
        ) from None
    return int(value) if wanted == "integer" and isinstance(value, float) and value.is_integer() else value


class _TooLarge(ValueError):
    """A number that no float can hold."""


def _finite(text: str) -> float:
    number = float(text)
    if math.isfinite(number):
        return number
    raise _TooLarge(quote(text))


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _phrase(wanted: str | list[str]) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    return " or ".join(TYPE_PHRASES[name] for name in names)


def resolve_inputs(plan: Plan, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Diagnostic]]:
    """Check the values given for a run and fill in the defaults.

    Args:
        plan: whose inputs they are.
        given: plain JSON values by name.

    Returns:
        the value of each declared input that has a good one, in the order of the document, and what
        is wrong: names that are not declared, values that are missing or do not fit. The
        diagnostics' paths are `("inputs", NAME)`; they have no place in the document's text.
    """
    found = [_unknown(plan, name) for name in given if name not in plan.inputs]
    values: dict[str, Any] = {}
    for name, schema in plan.inputs.items():
        if name not in given:
            if "default" in schema:
                values[name] = schema["default"]
            else:
                found.append(_missing(name, schema))
            continue
        complaint = _complaint(schema, given[name])
        if complaint is None:
            values[name] = given[name]
        else:
            message = f"input {quote(name)} {complaint}"
            found.append(Diagnostic("UNS122", message, ("inputs", name), hint=f"give another value: `-i {name}=...`"))
    return values, found


def _complaint(schema: dict[str, Any], value: Any) -> str | None:
    if schema.get("type") == "string" and isinstance(value, str) and schema.keys() <= _SAYS_NOTHING:
        return None
    from unspool.compiler.value_schemas import misfit  # it needs a library that costs 20 ms

    return misfit(schema, value)


_SAYS_NOTHING = frozenset(("type", "default", "description", "title", "examples", "format"))


def _unknown(plan: Plan, name: str) -> Diagnostic:
    known = list(plan.inputs)
    similar = similar_name(name, known)
    if similar is not None:
        hint = f"did you mean {quote(similar)}?"
    elif known:
        hint = "its inputs are " + ", ".join(map(quote, known))
    else:
        hint = "it declares no inputs"
    return Diagnostic("UNS120", f"{quote(plan.name)} has no input {quote(name)}", ("inputs", name), hint=hint)


def _missing(name: str, schema: dict[str, Any]) -> Diagnostic:
    wanted = schema.get("type")
    kind = f" ({_phrase(wanted)})" if wanted else ""
    message = f"input {quote(name)}{kind} has no value and no default"
    return Diagnostic("UNS121", message, ("inputs", name), hint=f"give it: `-i {name}=...`")

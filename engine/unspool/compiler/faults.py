"""What the schema library finds wrong, as plain values; of several allowed forms only the one that was meant."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from unspool.model.resources import schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from unspool.model.diagnostics import Path


class Fault(NamedTuple):
    """One rule of a schema that a value breaks.

    Attributes:
        path: leads to the value.
        value: the value; for a rule about names, the name.
        rule: the keyword of the schema that is broken, such as `type`.
        bound: what the keyword says, such as `["string", "number"]`.
        schema: the schema that holds the keyword.
        place: the schema of everything that may stand at `path`; other than `schema` where forms are chosen from.
        about_name: the rule is one for the keys of the map at `path`.
        conditional: the rule holds only because of another key beside the value.
        message: the library's own words.
    """

    path: Path
    value: Any
    rule: str
    bound: Any
    schema: Mapping[str, Any]
    place: Mapping[str, Any]
    about_name: bool = False
    conditional: bool = False
    message: str = ""


def document_schema() -> dict[str, Any]:
    """Give the published schema of documents."""
    return published_schema("workflow")


@cache
def published_schema(name: str) -> dict[str, Any]:
    """Give a published schema by its short name."""
    return cast("dict[str, Any]", json.loads(schema_text(name)))


@cache
def _validator(name: str) -> Validator:
    from jsonschema import Draft202012Validator  # 90 ms, and only a faulty document needs it
    from jsonschema.validators import extend
    from referencing import Registry

    validator = cast("type[Validator]", extend(Draft202012Validator, {"pattern": _pattern}))  # type: ignore[no-untyped-call]
    return validator(published_schema(name), registry=Registry())


def _pattern(validator: Validator, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    # In JSON Schema `$` is the very end; in Python it also stands before a final newline.
    exact = re.sub(r"\$$", r"\\Z", pattern)
    if validator.is_type(instance, "string") and re.search(exact, instance) is None:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def document_faults(value: Any, most: int, name: str = "workflow") -> list[Fault]:
    """Give what is wrong with a document, looking no further once `most` of its parts were found wrong.

    Args:
        value: the document as plain JSON values.
        most: of its parts.
        name: of the published schema that it must fit.
    """
    errors = islice(_validator(name).iter_errors(value), most)
    return [_fault(leaf) for error in errors for leaf in _leaves(error)]


def fits_part(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value fits a part of the schema of documents."""
    return bool(_validator("workflow").evolve(schema=schema).is_valid(value))


def value_fault(schema: Mapping[str, Any], value: Any) -> Fault | None:
    """Give the most telling thing that is wrong with a value under a schema that a document declares."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry

    from unspool.model.patterns import bounded

    error = best_match(bounded(Draft202012Validator)(dict(schema), registry=Registry()).iter_errors(value))
    return None if error is None else _fault(error)


def _fault(error: ValidationError) -> Fault:
    steps = error.absolute_schema_path
    return Fault(
        path=tuple(error.absolute_path),
        value=error.instance,
        rule=str(error.validator),
        bound=error.validator_value,
        schema=cast("Mapping[str, Any]", error.schema),
        place=cast("Mapping[str, Any]", _outermost(error).schema),
        about_name="propertyNames" in steps,
        conditional="dependentSchemas" in steps,
        message=error.message,
    )


def _outermost(error: ValidationError) -> ValidationError:
    if error.parent is None or error.relative_path:
        return error
    return _outermost(cast("ValidationError", error.parent))


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Replace "none of these forms fits" by what is wrong with the form that the value's type chooses."""
    branch = _chosen_branch(error) if error.validator == "anyOf" else None
    if branch is None:
        yield error
        return
    for inner in branch:
        yield from _leaves(inner)


def _chosen_branch(error: ValidationError) -> list[ValidationError] | None:
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    fitting = [inners for inners in branches.values() if not any(map(_is_mistyped, inners))]
    return min(fitting, key=_missing_keys, default=None)  # of several maps the one whose keys are there


def _missing_keys(errors: list[ValidationError]) -> int:
    return sum(error.validator == "required" and not error.relative_path for error in errors)


def _is_mistyped(error: ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path

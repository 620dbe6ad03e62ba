"""Judge the plain words and numbers that YAML readers disagree about: `yes`, `no`, `on`, `off`, `3.10`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from unspool.compiler.foreign_keys import WORDS
from unspool.compiler.places import BOOLEANS, INTEGERS, NUMBERS, TEXTS, kind_of, under_extension, value_at
from unspool.compiler.remedies import boolean
from unspool.compiler.scalars import Suspect, suspect_diagnostic
from unspool.compiler.wording import flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unspool.compiler.scalars import SuspectKind
    from unspool.model.diagnostics import Diagnostic, Path

# Taken by their source text, so nothing is lost and nothing is mistaken.
_SPELT_AS_WRITTEN = frozenset(("argument", "variable"))
_TRAILING_ZEROS = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+")
_NUMERIC_TYPES = frozenset(("integer", "number"))


def with_suspects(
    value: Any, suspects: Iterable[tuple[Path, SuspectKind, str]], explained: Sequence[Diagnostic]
) -> list[Diagnostic]:
    """Add what is wrong with suspects, and drop what they explain better.

    Args:
        value: the document.
        suspects: path, `yes_no` or `lossy_number`, and source text of each plain scalar that deserves a look.
        explained: the diagnostics found without them.
    """
    keys = {found.path for found in explained if found.on_key}
    values = {found.path for found in explained if not found.on_key}
    added = []
    for path, sort, text in suspects:
        if _is_harmless(path) or any(path[:length] in keys for length in range(1, len(path) + 1)):
            continue
        found = Suspect(path, sort, text)
        diagnostic = _yes_or_no(found, value) if sort == "yes_no" else _lossy(found, value, explained=path in values)
        if diagnostic is not None:
            added.append(diagnostic)
    replaced = {found.path for found in added}
    return [found for found in explained if found.on_key or found.path not in replaced] + added


def _is_harmless(path: Path) -> bool:
    return under_extension(path) or kind_of(path) in _SPELT_AS_WRITTEN


def _yes_or_no(found: Suspect, value: Any) -> Diagnostic:
    kind = kind_of(found.path)
    declared = _declared_types(found.path, value)
    meant = boolean(found.text)
    word = WORDS.get(kind, {}).get(found.text.lower())
    if word is not None:
        hint = _asked(found.path, word)
    elif kind in BOOLEANS or declared == {"boolean"}:
        hint = _asked(found.path, meant)
    elif kind in TEXTS or declared == {"string"}:
        hint = f"{_asked(found.path, found.text)} for the text"
    else:
        hint = f"{_asked(found.path, meant)}, or `{json.dumps(found.text)}` for the text"
    return suspect_diagnostic(found)._replace(hint=hint)


def _lossy(found: Suspect, value: Any, *, explained: bool) -> Diagnostic | None:
    kind = kind_of(found.path)
    declared = _declared_types(found.path, value)
    number = value_at(value, found.path)
    if kind in TEXTS or isinstance(number, str) or declared == {"string"}:
        hint = f"{_asked(found.path, found.text)} for the text"
    elif explained:
        return None
    elif kind in INTEGERS | NUMBERS or declared & _NUMERIC_TYPES:
        if _TRAILING_ZEROS.fullmatch(found.text):
            return None  # 0.50 is 0.5 to everyone where only a number can be meant
        hint = _asked(found.path, number)
    else:
        hint = f"{_asked(found.path, found.text)} for the text, or `{flow(number)}` for the number"
    return suspect_diagnostic(found)._replace(hint=hint)


def _asked(path: Path, value: Any) -> str:
    """Ask for a value in its place, text always in quotes."""
    shown = json.dumps(value, ensure_ascii=False)
    return f"write `{shown}`" if isinstance(path[-1], int) else f"write `{path[-1]}: {shown}`"


def _declared_types(path: Path, value: Any) -> set[str]:
    """Give the types of the schema, such as that of an input, that a value like its default belongs to."""
    schema = value_at(value, path[:-2] if isinstance(path[-1], int) else path[:-1])
    declared = schema.get("type") if isinstance(schema, dict) and kind_of(path) == "any" else None
    names = declared if isinstance(declared, list) else [declared]
    return {name for name in names if isinstance(name, str)}

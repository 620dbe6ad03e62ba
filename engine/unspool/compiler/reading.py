"""What reading the text of a document gives, in whatever format it is written."""

from __future__ import annotations

from typing import Any, NamedTuple

from unspool.compiler.scalars import Suspect
from unspool.model.diagnostics import Diagnostic


class Reading(NamedTuple):
    """What a text says.

    Attributes:
        value: plain JSON; None where the text cannot be read.
        diagnostics: what is wrong with it, each with its position.
        suspects: scalars that probably mean something else.
    """

    value: Any
    diagnostics: tuple[Diagnostic, ...]
    suspects: tuple[Suspect, ...]

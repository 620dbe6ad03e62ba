"""One diagnostic as an author reads it: place and message, the line with a caret, the hint."""

from __future__ import annotations

import re
import unicodedata

from unspool.compiler.locate import Lines
from unspool.model.diagnostics import Diagnostic, Position

MAX_WIDTH = 100  # columns of a source line that are shown
_TAB = 4
_MARGIN = "    "
_HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]"
)


def render(diagnostic: Diagnostic, source_name: str, text: str) -> str:
    """Print a diagnostic.

    Args:
        diagnostic: what was found; without a position neither numbers nor a line are shown.
        source_name: what the text is called, such as its path.
        text: the whole text that the position counts in.

    Returns:
        Lines without a final line end. Characters that a terminal would act on are shown as escapes.
    """
    position = diagnostic.position
    place = [source_name, *map(str, position or ())]
    lines = [f"{visible(':'.join(place))}: {diagnostic.severity}[{diagnostic.code}]: {visible(diagnostic.message)}"]
    if position is not None:
        lines += _excerpt(Lines(text.removeprefix("\ufeff")).content(position.line), position)
    if diagnostic.hint:
        lines.append(f"  hint: {visible(diagnostic.hint)}")
    return "\n".join(lines)


def visible(text: str) -> str:
    """Show control characters, and those that change the order of others, as escapes."""
    return text if text.isascii() and text.isprintable() else _HIDDEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _excerpt(line: str, position: Position) -> list[str]:
    """Give the line and the caret under it; a long line is cut on both sides."""
    caret = min(position.column - 1, len(line))
    left = max(0, caret - MAX_WIDTH // 2)
    right = left + MAX_WIDTH
    before, after = _columns(line[left:caret]), _columns(line[caret:right])
    opening, ending = "…" if left else "", "…" if right < len(line) else ""
    if not (before + after).strip():
        return []
    return [f"{_MARGIN}{opening}{before}{after}".rstrip() + ending, f"{_MARGIN}{' ' * _width(opening + before)}^"]


def _columns(text: str) -> str:
    return visible(text.replace("\t", " " * _TAB))


def _width(text: str) -> int:
    """Give the columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_character_width, text))


def _character_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1

"""What a YAML parser's complaint means for an author, and how to put it right."""

from __future__ import annotations

import re
from typing import NamedTuple

from unspool.compiler.locate import Lines
from unspool.compiler.text_limits import MAX_KEY
from unspool.compiler.wording import quote
from unspool.compiler.yaml_events import Failure
from unspool.model.diagnostics import Diagnostic

_QUOTE_EXPRESSION = "quote the expression: '${{ ... }}'"
_CUT_EXPRESSION = re.compile(r"^[^'\"]*\$\{\{(?:(?!\}\}).)*?[ \t](?=#)")
_GLUED_COLON = re.compile(r"\s*(?:- )?(?P<key>[A-Za-z_][A-Za-z0-9_]*):(?P<value>[^\s:/].*)")
_CUT_VALUE = re.compile(
    r"[{,]\s*(?P<key>[A-Za-z_][A-Za-z0-9_]*):\s+(?P<value>[^\s'\"\[{,][^,{}\[\]]*)(?:,[^,:{}\[\]]*)*,\s*$"
)
_MOST_LOOKED_BACK = 500  # characters
_WORD = re.compile(r"[^\s,\[\]{}]+")


class _Trap(NamedTuple):
    """A complaint of either parser and what to say instead; `{line}` is the line where the context began."""

    pattern: str
    message: str
    hint: str | None = None
    at_context: bool = False
    code: str = "UNS001"


_TRAPS = (
    _Trap(
        r"mapping values are not allowed",
        "a key cannot stand here, below a value",
        "give this line the indentation of the keys beside it, and end the key above with `:`",
    ),
    _Trap(
        r"sequence entries are not allowed",
        "a list with `- ` cannot begin here",
        "put each `- item` on a line of its own under the key, or write [a, b]",
    ),
    _Trap(r"mapping keys are not allowed", "`? ` cannot begin a value here", "quote the value"),
    _Trap(
        r"expected '-' indicator|expected <block end>, but found '\?'",
        "this line does not belong to the list that begins on line {line}",
        "begin it with `- `, at the indentation of the other items",
    ),
    _Trap(
        r"expected key|expected <block end>",
        "this does not fit the map that begins on line {line}",
        "give the line the same indentation as the keys beside it",
    ),
    _Trap(
        r"expected ',' or '\]'",
        "the list that begins on line {line} goes on without `,` or `]`",
        "put `,` between the items and `]` behind the last; quote an item that holds one of `[]{}?`",
    ),
    _Trap(
        r"expected ',' or '\}'",
        "the map that begins on line {line} goes on without `,` or `}`",
        "put `,` between the pairs and `}` behind the last; quote a value that holds one of `[]{}?`",
    ),
    _Trap(
        r"unexpected end of stream",
        "the quote that opens here is never closed",
        "close it; inside '...' write '' for a quote, inside \"...\" write \\\"",
        at_context=True,
    ),
    _Trap(
        r"could not find expected ':'",
        "this is neither a key with a `:` nor part of the value above",
        "write `key: value`, or indent the line if it continues the value",
        at_context=True,
    ),
    _Trap(
        r"unknown escape character",
        'this escape means nothing inside "..."',
        "double the backslash, or use '...', where a backslash is just a backslash",
    ),
    _Trap(
        r"invalid Unicode character escape|chr\(\) arg",
        "this escape is no character",
        "write a character beyond FFFF as \\U0001F600, not as two \\uD83D\\uDE00",
        code="UNS004",
    ),
    _Trap(
        r"hexdecimal number|escape sequence of \d",
        "this escape has too few digits",
        "write 2 hexadecimal digits after \\x, 4 after \\u, 8 after \\U",
    ),
    _Trap(
        r"comment or (a )?line break|chomping or indentation|indentation indicator",
        "only `-`, `+` or a digit may follow `|` or `>`",
        "begin the text on the next line, or quote a value that starts with `|` or `>`",
    ),
    _Trap(
        r"more indented",
        "the lines of this block text are indented in another way than its first line",
        "indent them alike, or write the indentation behind the sign, as in `|2`",
    ),
    _Trap(
        r"unexpected document (indicator|separator)",
        "`---` or `...` stands inside a quoted text",
        "close the quote before it, or indent the line",
    ),
    _Trap(
        r"directive|version number|incompatible YAML document|'?<document start>'?, but found",
        "a line that starts with `%` is a directive, and directives are not supported",
        "remove the line",
        code="UNS019",
    ),
    _Trap(
        r"<document start>|document end marker",
        "this line does not belong to the document that has ended above it",
        "indent it like the lines above; a quoted key needs a space after its `:`",
    ),
    _Trap(r"[Tt]ag|URI|expected the '>'", "this is no valid tag", "quote a value that starts with `!`", code="UNS007"),
    _Trap(
        r"unexpected ':'", "a `:` stands here without a space behind it", "put a space behind it, or quote the value"
    ),
    _Trap(r"node content", "a value is missing here", "write one, or quote what stands here if it is meant as text"),
)


class _Finding(NamedTuple):
    """What is wrong at a character; `sure` says that the hint is right whatever else stands on the line."""

    code: str
    message: str
    hint: str | None
    place: int
    sure: bool = False


def explain(failure: Failure, text: str, lines: Lines) -> Diagnostic:
    """Turn a parser's failure into a diagnostic with its position."""
    for number in _lines_meant(failure, lines):
        cut = _CUT_EXPRESSION.match(lines.content(number))
        if cut is not None:
            return comment_cuts_expression(lines.starts[number - 1] + cut.end(), lines)
    found = next(filter(None, (look(failure, text, lines) for look in _LOOKS)), None) or _trap(failure, text, lines)
    hint = found.hint
    if found.code == "UNS001" and _holds_expression(failure, lines):
        hint = f"{hint}, and {_QUOTE_EXPRESSION}" if found.sure else _QUOTE_EXPRESSION
    position = lines.position(min(found.place, len(text.rstrip())))
    return Diagnostic(found.code, found.message, position=position, hint=hint)


def comment_cuts_expression(index: int, lines: Lines) -> Diagnostic:
    """Say that the comment which begins at a character ends an expression too early."""
    message = "a YAML comment begins here, in the middle of `${{ ... }}`"
    return Diagnostic("UNS016", message, position=lines.position(index), hint=_QUOTE_EXPRESSION)


def reserved_start(index: int, text: str) -> tuple[str, str]:
    """Say, as message and hint, that the value at a character starts with a sign that YAML reserves."""
    word = _WORD.match(text, index)
    shown = word.group() if word else text[index : index + 1]
    sign = "a backtick" if shown[0] == "`" else f"`{shown[0]}`"
    message = f"a value without quotes cannot start with {sign}"
    cut = _CUT_VALUE.search(text, max(text.rfind("\n", 0, index) + 1, index - _MOST_LOOKED_BACK), index)
    if cut is not None:
        mark = '"' if "'" in cut["value"] else "'"
        whole = f"{cut['key']}: {mark}{cut['value'][:40]}, ...{mark}"
        return message, f"a comma ends a value inside `{{ }}`: quote the whole text, as in {whole}"
    return message, f"quote the whole value, as in '{shown[:40]}'"


def _lines_meant(failure: Failure, lines: Lines) -> list[int]:
    """Give the numbers of the lines that the failure may be about: its own, the one above, the opening one."""
    own = lines.position(failure.place).line
    numbers = [own]
    if failure.origin is not None and not re.search("block (mapping|collection|sequence)", failure.context):
        numbers.append(lines.position(failure.origin).line)
    above = next((number for number in range(own - 1, 0, -1) if lines.content(number).strip()), None)
    return numbers if above is None else [*numbers, above]


def _holds_expression(failure: Failure, lines: Lines) -> bool:
    return any("${{" in lines.content(number) for number in _lines_meant(failure, lines)[:2])


def _reserved(failure: Failure, text: str, _lines: Lines) -> _Finding | None:
    index = failure.place
    if "alphabetic or numeric" in failure.problem and failure.origin is not None:
        index = failure.origin
    elif "cannot start any token" not in failure.problem:
        return None
    if text[index : index + 1] not in tuple("*&@`%|>"):
        return None
    return _Finding("UNS019", *reserved_start(index, text), index)


def _tab(failure: Failure, text: str, lines: Lines) -> _Finding | None:
    line = lines.position(failure.place).line
    content = lines.content(line)
    indentation = content[: len(content) - len(content.lstrip())]
    if "\t" in indentation:
        index = lines.starts[line - 1] + indentation.index("\t")
    elif text[failure.place : failure.place + 1] == "\t":
        index = failure.place
    else:
        return None
    return _Finding("UNS001", "a tab stands where YAML wants spaces", "indent with spaces only", index, sure=True)


def _long_key(failure: Failure, text: str, lines: Lines) -> _Finding | None:
    place = lines.position(failure.place)
    length = len(lines.content(place.line)[: place.column - 1].lstrip())
    if length <= MAX_KEY or text[failure.place : failure.place + 1] != ":":
        return None
    message = f"a key of {length:,} characters; the limit is {MAX_KEY:,}"
    return _Finding("UNS005", message, "shorten it", failure.place - length)


def _glued_colon(failure: Failure, _text: str, lines: Lines) -> _Finding | None:
    if "mapping values" not in failure.problem and "expected ':'" not in failure.problem:
        return None
    for number in _lines_meant(failure, lines):
        glued = _GLUED_COLON.match(lines.content(number))
        if glued is not None:
            index = lines.starts[number - 1] + glued.end("key")
            return _Finding("UNS001", *glued_colon(glued["key"], glued["value"]), index, sure=True)
    return None


def glued_colon(key: str, value: str) -> tuple[str, str]:
    """Say, as message and hint, that a colon needs a space behind it."""
    return f"the `:` after {quote(key)} has no space behind it", f"write `{key[:40]}: {value[:40]}`"


def _text_after_quote(failure: Failure, text: str, _lines: Lines) -> _Finding | None:
    before = text[: failure.place].rstrip(" \t")[-1:]
    if before not in ("'", '"') or not re.search("expected key|<block end>", failure.problem):
        return None
    return _Finding("UNS001", "text follows the closing quote", "put the whole value inside the quotes", failure.place)


def _unclosed(failure: Failure, text: str, _lines: Lines) -> _Finding | None:
    if text[failure.place :].strip() or "flow" not in failure.context:
        return None
    index = failure.place if failure.origin is None else failure.origin
    bracket = text[index : index + 1]
    if bracket not in ("[", "{"):
        return _Finding("UNS001", "the document ends before a `[` or `{` is closed", "close it", failure.place)
    closing = {"[": "]", "{": "}"}[bracket]
    return _Finding("UNS001", f"this `{bracket}` is never closed", f"close it with `{closing}`", index)


def _second_colon(failure: Failure, _text: str, lines: Lines) -> _Finding | None:
    place = lines.position(failure.place)
    if "mapping values" not in failure.problem or not re.search(r":\s", lines.content(place.line)[: place.column - 1]):
        return None
    return _Finding("UNS001", "a second `: ` on the same line", "quote the whole value", failure.place)


_LOOKS = (_reserved, _tab, _long_key, _glued_colon, _second_colon, _text_after_quote, _unclosed)


def _trap(failure: Failure, _text: str, lines: Lines) -> _Finding:
    start = failure.place if failure.origin is None else failure.origin
    for trap in _TRAPS:
        if re.search(trap.pattern, f"{failure.problem}; {failure.context}"):
            message = trap.message.replace("{line}", str(lines.position(start).line))
            return _Finding(trap.code, message, trap.hint, start if trap.at_context else failure.place)
    hint = "look at the quotes, brackets and indentation around this place"
    return _Finding("UNS001", f"this is not YAML: {failure.problem}", hint, failure.place)

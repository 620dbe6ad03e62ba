"""Find the words by which tools tell of failed tests, errors and warnings in what they wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from unspool.core.interpret_values import MAX_CHARACTERS

_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,32}[ -/]{0,4}[@-~]")
_AROUND = 32  # characters before and after a word that may take its meaning back
_DENIED = re.compile(r"(?<![\w.])(?:no|zero|0+|without|any|not|not an?|api)[ \t]{1,4}$", re.IGNORECASE)
_NOTHING = r"""[ \t]{0,4}(?:0{1,4}|none|null|nil|false|n/a|\[\]|\{\}|""|'')[ \t]{0,4}(?:$|[,;|)\]}]|\.(?:\s|$))"""
_NOTHING_FOLLOWS = re.compile(_NOTHING, re.IGNORECASE)
_NOTHING_COUNTED = re.compile("[ \t]{0,4}[:=]" + _NOTHING, re.IGNORECASE)
_LONGEST_WORD = 200  # a cut may go through a longer one: it is none that is looked for
_BEFORE_MATCH = 100  # how much of a long line is shown before the word


class Words:
    """A way to tell lines that hold one of some words from others."""

    def __init__(self, pattern: re.Pattern[str] | None, empty: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._empty = empty

    def lines(self, text: str, limit: int) -> Iterator[str]:
        """Give the lines of a text that hold one, without blanks around them, at most 500 characters of each.

        Only the first and the last `limit` characters are looked at, and no line that is a JSON object. That takes time
        in proportion to `limit`.
        """
        if self._pattern is None:
            return
        for line in _COLOUR.sub("", ends(text, limit)).splitlines():
            if not (line.startswith('{"') and line.endswith("}")):
                start = self._find(line)
                if start is not None:
                    yield _window(line, start)

    def _find(self, line: str) -> int | None:
        for match in self._pattern.finditer(line) if self._pattern is not None else ():
            before = line[max(match.start() - _AROUND, 0) : match.start()]
            after = line[match.end() : match.end() + _AROUND]
            if not _DENIED.search(before) and not self._empty.match(after):
                return match.start()
        return None


def whole_words(words: Sequence[str]) -> Words:
    """Look for words by themselves, capitals as they are, such as `FAILED`: not in XFAILED, nor in TEST_FAILED.

    Not where the text says that there is none: `0 FAILED`, `no FAILED`, `FAILED: 0`, `FAILED=0`.
    """
    return Words(_compiled(words, r"(?<!\w)(?:{})(?!\w)", 0), _NOTHING_COUNTED)


def labels(words: Sequence[str]) -> Words:
    """Look for words with a colon, in capitals or not: `error:`, `Fatal error:`, `error[E0308]:`, `error TS2322:`.

    The word must begin where a word does (not in `SyntaxError:` or `on-error:`), and a second colon must not follow
    (`error::Error`). Not where the text says that there is none: `no error:`, `0 error:`, `without error:`,
    `error: 0`, `error: none`, `error: null`, `error: []`; nor `API Error:`, which is the agent's and not the work's.
    """
    code = r"(?:\[[\w.:-]{1,40}\]|\([\w.-]{1,40}\)|[ ][A-Z]{1,8}[0-9]{1,6})?"
    return Words(_compiled(words, r"(?<![\w.$/-])(?:{})" + code + r"[ ]?:(?!:)", re.IGNORECASE), _NOTHING_FOLLOWS)


def _compiled(words: Sequence[str], pattern: str, flags: int) -> re.Pattern[str] | None:
    either = "|".join(map(re.escape, words))
    return re.compile(pattern.replace("{}", either, 1), flags) if either else None


def ends(text: str, limit: int) -> str:
    """Give the first and the last `limit` characters of a text, without the words that the cuts go through."""
    if len(text) <= 2 * limit:
        return text
    head, tail = limit, len(text) - limit
    while head > max(limit - _LONGEST_WORD, 0) and _in_word(text, head):
        head -= 1
    while tail < min(len(text) - limit + _LONGEST_WORD, len(text)) and _in_word(text, tail):
        tail += 1
    return f"{text[:head]}\n{text[tail:]}"


def _in_word(text: str, at: int) -> bool:
    """Whether a cut before a character goes through a word."""
    return _is_of_word(text[at - 1]) and _is_of_word(text[at])


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _window(line: str, start: int) -> str:
    """Give a line, or of a long one the part around the word."""
    if len(line) > MAX_CHARACTERS:
        line = line[max(start - _BEFORE_MATCH, 0) :][:MAX_CHARACTERS]
    return line.strip()

"""Groups the words of a shell script into commands: reserved words, assignments, `case`, `for`, redirections."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

HOLE = "\0"  # an expression, outside quotes
QUOTED_HOLE = "\3"  # an expression inside quotes; only in `Word.shape`
DYNAMIC = "\1"  # what only the shell knows: $name, $(...), ${...}
QUOTED = "\2"  # text inside quotes; only in `Word.shape`

_PREFIXES = frozenset("if then else elif do while until ! { time always".split())
_CLOSERS = frozenset("fi done }".split())
_LOOPS = frozenset("for select foreach".split())
RESERVED = _PREFIXES | _CLOSERS | _LOOPS | {"case", "esac", "function", "[[", "repeat"}
ASSIGNMENT = re.compile(r"([A-Za-z_\0\3][A-Za-z0-9_\0\3]*)(?:\[.*\])?\+?=", re.DOTALL)
ARRAY_START = re.compile(r"[A-Za-z_\0][A-Za-z0-9_\0]*(?:\[.*\])?\+?=\Z", re.DOTALL)
_SUBSCRIPT_START = re.compile(r"[A-Za-z_\0]?[A-Za-z0-9_\0]*\[")
_KEPT_OVER_NEWLINE = frozenset(("case_in", "pattern", "for_in"))
PATTERN_OPERATORS = frozenset(("=~", "==", "=", "!="))


class Doubt(Exception):
    """From `position` on it is not certain how the shell reads the script."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position = position
        self.reason = reason


@dataclass(slots=True)
class Word:
    """One word of a script.

    Attributes:
        start: where it begins in the text.
        holes: numbers of the expressions in it.
        nested: numbers of the expressions in command substitutions in it.
        literal: its text without quotes, with `HOLE` and `DYNAMIC` for what is not known.
        shape: its text with `QUOTED` for each quoted piece and marks for expressions.
    """

    start: int
    holes: list[int] = field(default_factory=list)
    nested: list[int] = field(default_factory=list)
    literal: str = ""
    shape: str = ""
    _literals: list[str] = field(default_factory=list)
    _shapes: list[str] = field(default_factory=list)

    def add(self, literal: str, shape: str) -> None:
        """Append one piece."""
        self._literals.append(literal)
        self._shapes.append(shape)

    def joined(self) -> Word:
        """Make `literal` and `shape` current."""
        self.literal, self.shape = "".join(self._literals), "".join(self._shapes)
        return self

    @property
    def is_one_piece(self) -> bool:
        """Whether nothing but one run of characters was read so far."""
        return len(self._shapes) == 1

    @property
    def last(self) -> str:
        """The last character of the shape so far."""
        return self._shapes[-1][-1:] if self._shapes else ""

    @property
    def bare(self) -> str:
        """The text of a word without quotes, expansions and expressions, else nothing."""
        return self.literal if self.literal == self.shape and HOLE not in self.shape else ""


@dataclass(slots=True)
class Command:
    """One simple command: assignments before it, then its words; redirections are left out."""

    prefix: list[Word]
    words: list[Word]


@dataclass(slots=True)
class HereDocument:
    """A here-document whose body has not come yet."""

    start: int
    end_line: str
    quoted: bool
    strip_tabs: bool
    pipeline: list[Command]
    index: int


@dataclass(slots=True)
class Parsed:
    """What was read: every list is in the order of the text.

    Attributes:
        pipelines: the simple commands, those joined by `|` together.
        conditions: the operands and operators inside `[[ ]]`, split at `&&`, `||` and parentheses.
        arrays: array literals as the word before the parenthesis and their elements.
        words: each word that holds an expression.
        inputs: texts handed to a command's standard input: pipeline, place of the command in it, expressions.
        evaluated: expressions in a command substitution whose output is read as arithmetic or as a pattern.
        refused: number of an expression and why it cannot stand where it stands; the first reason counts.
    """

    pipelines: list[list[Command]] = field(default_factory=list)
    conditions: list[list[Word]] = field(default_factory=list)
    arrays: list[tuple[str, list[Word]]] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    inputs: list[tuple[list[Command], int, list[int]]] = field(default_factory=list)
    evaluated: list[int] = field(default_factory=list)
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)

    def refuse(self, holes: Iterable[int], why: str, detail: str = "") -> None:
        """Record that these expressions cannot stand where they stand."""
        for hole in holes:
            self.refused.setdefault(hole, (why, detail))


class Reader:
    """Takes the pieces of words and finds out what each word is.

    Args:
        parsed: where finished commands go.
        shell: the shell's name.
        expect: what the next word is; `array`, `condition` and `text` stay for the reader's whole life.
        documents: here-documents that wait for the next line, shared with the reader around a subshell.
    """

    def __init__(
        self, parsed: Parsed, shell: str, expect: str = "command", documents: list[HereDocument] | None = None
    ) -> None:
        self.parsed = parsed
        self.zsh = shell == "zsh"
        self.expect = expect
        self.documents: list[HereDocument] = [] if documents is None else documents
        self.word: Word | None = None
        self.prefix: list[Word] = []
        self.words: list[Word] = []
        self.redirect = ""
        self.cases = 0
        self.pattern_started = False
        self.pipeline: list[Command] = []
        self._piped = False

    def current(self, at: int) -> Word:
        """The word being read; one begins at `at` where there is none."""
        if self.word is None:
            self.word = Word(at)
        return self.word

    def add(self, at: int, literal: str, shape: str) -> None:
        """Append a piece to the current word."""
        self.current(at).add(literal, shape)

    def hole(self, at: int, number: int, mark: str) -> None:
        """Append an expression."""
        word = self.current(at)
        word.add(HOLE, mark)
        word.holes.append(number)

    def substitution(self, at: int, nested: Iterable[int] = ()) -> None:
        """Append something that only the shell knows, with the expressions inside it."""
        word = self.current(at)
        word.add(DYNAMIC, DYNAMIC)
        word.nested.extend(nested)

    def end_word(self) -> str:
        """Finish the current word, if any; gives `[[` or `]]` when the word was that."""
        if self.word is None:
            return ""
        word, self.word = self.word.joined(), None
        if word.holes:
            self.parsed.words.append(word)
        if self.redirect:
            self._redirected(word)
            return ""
        return self._roles[self.expect](self, word)

    def end_command(self, separator: str) -> None:
        """Finish the current command at an operator or a newline."""
        self.end_word()
        self.redirect = ""
        self._flush(separator)
        if separator in {";;", ";&", ";;&", ";|"} and self.cases:
            self.expect, self.pattern_started = "pattern", False
        elif self.expect != "pattern" and not (separator == "\n" and self.expect in _KEPT_OVER_NEWLINE):
            self.expect = "command"

    def after_compound(self) -> None:
        """A subshell, `[[ ]]` or `(( ))` ended: a reserved word may follow."""
        self.expect = "command"

    def end_condition(self) -> None:
        """Split the words inside `[[ ]]` at an operator."""
        if self.words:
            self.parsed.conditions.append(self.words)
            self.words = []

    def is_descriptor(self) -> bool:
        """Whether the current word is the number or `{name}` in front of a redirection."""
        if self.word is None:
            return False
        bare = self.word.joined().bare
        return bare.isdigit() or (bare[:1] == "{" and bare[-1:] == "}")

    def _flush(self, separator: str) -> None:
        found = bool(self.prefix or self.words)
        if found:
            if not self.pipeline:
                self.parsed.pipelines.append(self.pipeline)
            self.pipeline.append(Command(self.prefix, self.words))
            self.prefix, self.words = [], []
        if separator in {"|", "|&"}:
            self._piped = True
        elif found or not self._piped or separator != "\n":
            self.pipeline, self._piped = [], False

    def _redirected(self, word: Word) -> None:
        operator, self.redirect = self.redirect, ""
        if operator == "<<<":
            self.parsed.inputs.append((self.pipeline, len(self.pipeline), word.holes + word.nested))
        elif operator.endswith("&"):  # bash 5.2 expands the target of >& a second time
            self.parsed.refuse(word.holes + word.nested, "descriptor")

    def _command(self, word: Word) -> str:
        bare = word.bare
        if bare == "coproc" and not self.prefix:
            raise Doubt(word.start, "`coproc`, which may be followed by a name or by a command")
        if bare in RESERVED and not self.prefix and (bare != "repeat" or self.zsh):
            return self._reserved(bare)
        if bare in {"-p", "--"} and not self.prefix:  # options of the reserved word `time`
            return ""
        if ASSIGNMENT.match(word.shape):
            self.prefix.append(word)
            return ""
        _closed_subscript(word)
        self.words.append(word)
        self.expect = "arguments"
        return ""

    def _reserved(self, bare: str) -> str:
        if bare == "esac":
            self.cases = max(0, self.cases - 1)
        elif bare == "case":
            self.expect = "case_word"
        elif bare in _LOOPS:
            self.expect = "for_name"
        elif bare in {"function", "repeat"}:
            self.expect = bare
        return bare if bare == "[[" else ""

    def _arguments(self, word: Word) -> str:
        if self.zsh and word.bare in {"{", "}"}:
            self._flush(";")
            self.expect = "command"
            return ""
        self.words.append(word)
        return ""

    def _case_word(self, _word: Word) -> str:
        self.expect = "case_in"
        return ""

    def _case_in(self, word: Word) -> str:
        if word.bare != "in":
            raise Doubt(word.start, "a `case` without its `in`")
        self.cases += 1
        self.expect, self.pattern_started = "pattern", False
        return ""

    def _pattern(self, word: Word) -> str:
        if word.bare == "esac" and not self.pattern_started:
            self.cases -= 1
            self.expect = "command"
        self.pattern_started = True
        return ""

    def _for_name(self, word: Word) -> str:
        self.parsed.refuse(word.holes, "name")
        self.expect = "for_in"
        return ""

    def _for_in(self, word: Word) -> str:
        if word.bare in {"do", "{"}:
            self.expect = "command"
        elif word.bare == "in":
            self.expect = "for_words"
        else:
            raise Doubt(word.start, "a loop without its `in`")
        return ""

    def _any(self, _word: Word) -> str:
        return ""

    def _function(self, word: Word) -> str:
        self.parsed.refuse(word.holes, "name")
        self.expect = "command"
        return ""

    def _repeat(self, word: Word) -> str:
        self.parsed.refuse(word.holes, "arithmetic")
        self.expect = "command"
        return ""

    def _array(self, word: Word) -> str:
        _closed_subscript(word)
        self.words.append(word)
        return ""

    def _condition(self, word: Word) -> str:
        if word.bare == "]]":
            self.end_condition()
            return "]]"
        self.words.append(word)
        return ""

    _roles: ClassVar[dict[str, Callable[[Reader, Word], str]]] = {
        "command": _command,
        "arguments": _arguments,
        "case_word": _case_word,
        "case_in": _case_in,
        "pattern": _pattern,
        "for_name": _for_name,
        "for_in": _for_in,
        "for_words": _any,
        "function": _function,
        "repeat": _repeat,
        "array": _array,
        "condition": _condition,
        "text": _any,
    }


def _closed_subscript(word: Word) -> None:
    """Doubt a word such as `a[1`: bash reads a subscript with blanks in it as one word."""
    start = _SUBSCRIPT_START.match(word.shape)
    if start and word.shape != "[" and "]" not in word.shape[start.end() :]:
        raise Doubt(word.start, "an array subscript with blanks in it")

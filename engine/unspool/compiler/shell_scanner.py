"""Reads the inside of words of a shell script: quotes, `$name`, `${...}`, `$(( ))`, backticks, backslashes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from unspool.compiler.shell_words import DYNAMIC, HOLE, QUOTED, QUOTED_HOLE, Doubt, HereDocument, Parsed, Reader

MAX_NESTING = 100  # constructs inside each other; also what keeps the time linear

_PLAIN_QUOTED = re.compile(r"[^\"\\`$\0]+")
_PLAIN_DOCUMENT = re.compile(r"[^\\`$\0]+")
_PLAIN_PARAMETER = re.compile(r"[^'\"\\`${}\0]+")
_PLAIN_ARITHMETIC = re.compile(r"[^'\"\\`$()\[\]\0]+")
_PLAIN_GROUP = re.compile(r"[^'\"\\`$()\n\0]+")
_BACKTICKS = re.compile(r"`[^`\\]*(?:\\.[^`\\]*)*`", re.DOTALL)
_ANSI_QUOTED = re.compile(r"\$'[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL)
_NAME = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?$!-])")
_ZSH_NAME = re.compile(r"\$[+~=^#]*(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])|\$[+~=^#]+")
_SIMPLE_PARAMETER = re.compile(r"\$\{[A-Za-z0-9_@*#?!-]+\}")
_DEFAULT_PARAMETER = re.compile(r"\$\{(?:[A-Za-z_][A-Za-z0-9_]*(?:\[[A-Za-z0-9_@*]+\])?|[0-9]+):?([-=?+])")
_ZSH_FLAGS = re.compile(r"\$\{\((?![A-Za-z@#%^&0-9]*\))")
_ZSH_SUBSCRIPT = re.compile(r"\[(?![A-Za-z0-9_,@*-]*\])")
_ZSH_MODIFIER = re.compile(r":[A-Za-rt-z]*[s&]")
_SIMPLE_QUOTES = re.compile(r"\"(?:[A-Za-z0-9_ ./:,=+%@*?^~-]|\$[A-Za-z0-9_]|\$\{[A-Za-z0-9_]+\})*\"")
_CONTINUATION_GAP = frozenset("$<>|&;({")


@dataclass(slots=True)
class Frame:
    """One construct that is open.

    Attributes:
        kind: which step reads it: `command`, `quotes`, `parameter`, `arithmetic`, `group` or `document`.
        start: where it began.
        reader: who takes its words.
        refusal: why no expression may stand in it, or nothing.
        quoted: it stands inside double quotes or a here-document.
        close: what ends a command list (`$` for a substitution, `(` for a subshell) or an arithmetic expression.
        depth: parentheses or brackets open inside.
        label: the word in front of an array literal.
    """

    kind: str
    start: int
    reader: Reader
    refusal: str = ""
    quoted: bool = False
    close: str = ""
    depth: int = 0
    label: str = ""

    @property
    def is_quoted(self) -> bool:
        """Whether an expansion here gives one word, whatever its value."""
        return self.quoted or self.kind == "quotes"


Step = Callable[[Any, Frame], None]


class Scanner:
    """The state of reading one script, and the steps for what stands inside a word.

    Args:
        text: the script, with `HOLE` for each expression.
        shell: one of the supported shells.

    Attributes:
        parsed: what was found.
        styles: for each expression `word`, `quoted` or `comment`; nothing where it was not reached.
    """

    def __init__(self, text: str, shell: str) -> None:
        self.text = text
        self.shell = shell
        self.zsh = shell == "zsh"
        self.rich = shell in {"bash", "zsh"}
        self.positions = [match.start() for match in re.finditer(HOLE, text)]
        self.styles = [""] * len(self.positions)
        self.parsed = Parsed()
        self.stack: list[Frame] = []
        self.at = 0
        self.end = len(text)
        self.readers: list[Reader] = []
        self.waiting = 0  # here-documents announced in this region whose text has not come yet
        self._names = _ZSH_NAME if self.zsh else _NAME

    # -- tools -------------------------------------------------------------------------------------------------------

    def new_reader(self, expect: str, documents: list[HereDocument] | None = None) -> Reader:
        """Make a reader whose last command will be finished at the end."""
        reader = Reader(self.parsed, self.shell, expect, documents)
        self.readers.append(reader)
        return reader

    def peek(self, distance: int) -> str:
        """The character so far ahead, or nothing behind the end."""
        at = self.at + distance
        return self.text[at] if at < self.end else ""

    def take(self, pattern: re.Pattern[str]) -> str:
        """Move over what the pattern matches here and give it, else nothing."""
        match = pattern.match(self.text, self.at, self.end)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def holes(self, start: int, end: int) -> range:
        """The numbers of the expressions between two places."""
        return range(bisect_left(self.positions, start), bisect_left(self.positions, end))

    def push(self, kind: str, size: int, reader: Reader, **more: str | bool) -> Frame:
        """Open a construct whose first `size` characters are read already."""
        if len(self.stack) >= MAX_NESTING:
            raise Doubt(self.at, "too many constructs inside each other")
        frame = Frame(kind, self.at, reader, **more)  # type: ignore[arg-type]
        self.stack.append(frame)
        self.at += size
        return frame

    def no_document_waits(self) -> None:
        """Doubt a line end at which shells do not agree where a here-document begins."""
        if self.waiting:
            raise Doubt(self.at, "a line end inside quotes or parentheses before the here-document's text")

    def _lines_pass(self, start: int) -> None:
        """Check a piece that was just passed over as a whole."""
        if self.waiting and "\n" in self.text[start : self.at]:
            self.no_document_waits()

    # -- pieces that mean the same in most places --------------------------------------------------------------------

    def _hole(self, frame: Frame) -> None:
        number = bisect_left(self.positions, self.at)
        self.styles[number] = "quoted" if frame.is_quoted else "word"
        if frame.refusal:
            self.parsed.refuse((number,), frame.refusal)
        frame.reader.hole(self.at, number, HOLE if frame.kind == "command" else QUOTED_HOLE)
        self.at += 1

    def _backslash(self, frame: Frame) -> None:
        after = self.peek(1)
        if after == HOLE:
            self.parsed.refuse(self.holes(self.at, self.at + 2), "escaped")
            self.at += 1
            self._hole(frame)
            return
        if after == "\n":
            self._continuation(frame)
        else:
            frame.reader.add(self.at, after or "\\", QUOTED)
        self.at += 2

    def _continuation(self, frame: Frame) -> None:
        before = self.text[self.at - 1] if self.at else ""
        after = self.peek(2)
        if frame.kind == "command" and before in _CONTINUATION_GAP and after and after in "<>|&;({-":
            raise Doubt(self.at, "an operator broken over two lines")
        self.no_document_waits()

    def _single_quotes(self, frame: Frame) -> None:
        close = self.text.find("'", self.at + 1, self.end)
        if close < 0:
            raise Doubt(self.at, "a single quote is never closed")
        literal = self.text[self.at + 1 : close].replace(HOLE, DYNAMIC)
        self._opaque(frame, close + 1, "single_quotes", literal, QUOTED)

    def _opaque(self, frame: Frame, end: int, refusal: str, literal: str = DYNAMIC, shape: str = DYNAMIC) -> None:
        """Pass over a piece in which no expression can stand."""
        start, self.at = self.at, end
        inside = self.holes(start, end)
        for number in inside:
            self.styles[number] = "quoted"
        self.parsed.refuse(inside, refusal)
        frame.reader.add(start, literal, shape)
        self._lines_pass(start)

    def _double_quotes(self, frame: Frame) -> None:
        frame.reader.add(self.at, "", QUOTED)
        self.push("quotes", 1, frame.reader, refusal=frame.refusal)

    def _backticks(self, frame: Frame) -> None:
        match = _BACKTICKS.match(self.text, self.at, self.end)
        if match is None:
            raise Doubt(self.at, "a backtick is never closed")
        self._opaque(frame, match.end(), "backticks")

    # -- what begins with a dollar -----------------------------------------------------------------------------------

    def _dollar(self, frame: Frame) -> None:
        after = self.peek(1)
        step = self._dollars.get(after)
        if step is None:
            self._name(frame)
        elif frame.is_quoted and after in "'\"":
            self._lone_dollar(frame)
        else:
            step(self, frame)

    def _lone_dollar(self, frame: Frame) -> None:
        frame.reader.add(self.at, "$", "$")
        self.at += 1

    def _dollar_hole(self, frame: Frame) -> None:
        self.parsed.refuse(self.holes(self.at, self.at + 2), "escaped")
        self._lone_dollar(frame)

    def _dollar_backslash(self, frame: Frame) -> None:
        if self.peek(2) == "\n":
            raise Doubt(self.at, "a `$` at the end of a continued line")
        self._lone_dollar(frame)

    def _name(self, frame: Frame) -> None:
        start = self.at
        if not self.take(self._names):
            self._lone_dollar(frame)
            return
        frame.reader.substitution(start)
        if self.zsh and (_ZSH_SUBSCRIPT.match(self.text, self.at) or _ZSH_MODIFIER.match(self.text, self.at)):
            raise Doubt(start, "a subscript or a modifier behind $name")

    def _substitution(self, frame: Frame) -> None:
        if self.peek(2) == "(":
            self.push("arithmetic", 3, frame.reader, refusal="arithmetic", close=")", quoted=True)
        else:
            self.push("command", 2, self.new_reader("command"), close="$")

    def _brackets(self, frame: Frame) -> None:
        if not self.rich:
            raise Doubt(self.at, "`$[`, which only some shells read as arithmetic")
        self.push("arithmetic", 2, frame.reader, refusal="arithmetic", close="]", quoted=True)

    def _parameter(self, frame: Frame) -> None:
        start, quoted = self.at, frame.is_quoted
        frame.reader.substitution(start)
        if self.take(_SIMPLE_PARAMETER):
            return
        if self.zsh and _ZSH_FLAGS.match(self.text, start, self.end):
            raise Doubt(start, "parameter flags with arguments")
        match = _DEFAULT_PARAMETER.match(self.text, start, self.end)
        refusal = "" if match else "parameter"
        if match and match.group(1) == "=" and not quoted:
            refusal = "assigned_default"
        size = match.end() - start if match else 2
        self.push("parameter", size, frame.reader, refusal=frame.refusal or refusal, quoted=quoted)

    def _ansi_quotes(self, frame: Frame) -> None:
        match = _ANSI_QUOTED.match(self.text, self.at, self.end)
        if match is None:
            raise Doubt(self.at, "`$'` is never closed")
        if not self.rich and "\\" in match.group():
            raise Doubt(self.at, "`$'...'` with a backslash, which not every sh knows")
        self._opaque(frame, match.end(), "ansi_quotes")

    def _translated_quotes(self, frame: Frame) -> None:
        self.at += 1
        self._double_quotes(frame)

    def _simple_quotes(self, where: str) -> None:
        """Pass over double quotes where shells disagree about all but the plainest content."""
        if not self.take(_SIMPLE_QUOTES):
            raise Doubt(self.at, f"quotes inside {where}")

    # -- one step for each kind of construct -------------------------------------------------------------------------

    def in_quotes(self) -> None:
        """Read on inside double quotes."""
        frame, start = self.stack[-1], self.at
        plain = self.take(_PLAIN_QUOTED)
        if plain:
            frame.reader.add(start, plain, QUOTED)
            self._lines_pass(start)
        elif self.text[start] == '"':
            self.stack.pop()
            self.at += 1
        else:
            self._expanding[self.text[start]](self, frame)

    def in_document(self) -> None:
        """Read on in the text of a here-document."""
        if not self.take(_PLAIN_DOCUMENT):
            self._expanding[self.text[self.at]](self, self.stack[-1])

    def in_parameter(self) -> None:
        """Read on behind the operator of a `${...}`."""
        frame, start = self.stack[-1], self.at
        if self.take(_PLAIN_PARAMETER):
            self._lines_pass(start)
            return
        c = self.text[start]
        if c == "}":
            self.stack.pop()
            self.at += 1
            self._results_pass(frame)
        elif c == "{" or (c == "'" and frame.quoted):
            raise Doubt(start, f"`{c}` inside ${{...}}")
        elif c == '"' and frame.quoted:
            self._simple_quotes("${...} inside quotes")
        else:
            self.common[c](self, frame)

    def in_arithmetic(self) -> None:
        """Read on inside `$(( ))`, `(( ))` or `$[ ]`."""
        frame, start = self.stack[-1], self.at
        if self.take(_PLAIN_ARITHMETIC):
            self._lines_pass(start)
            return
        c = self.text[start]
        if c in "()[]":
            self._arithmetic_bracket(frame, c)
        elif c == "'":
            raise Doubt(start, "a single quote inside arithmetic")
        elif c == '"':
            self._simple_quotes("arithmetic")
        else:
            self.common[c](self, frame)

    def _arithmetic_bracket(self, frame: Frame, c: str) -> None:
        if c == ("[" if frame.close == "]" else "("):
            frame.depth += 1
        elif c == frame.close and frame.depth:
            frame.depth -= 1
        elif c == frame.close:
            self._close_arithmetic(frame, c)
        self.at += 1

    def _close_arithmetic(self, frame: Frame, c: str) -> None:
        if c == ")":
            if self.peek(1) != ")":
                raise Doubt(frame.start, "`((` that is not closed by `))`")
            self.at += 1
        self.stack.pop()
        self._results_pass(frame)
        outer = self.stack[-1].reader
        if frame.reader is outer:
            outer.substitution(frame.start)
        else:
            outer.after_compound()

    def _results_pass(self, frame: Frame) -> None:
        """Remember what reaches a refused place through a command substitution."""
        if frame.refusal:
            self.parsed.evaluated.extend(self.holes(frame.start, self.at))

    def in_group(self) -> None:
        """Read on inside parentheses that belong to a pattern."""
        frame, start = self.stack[-1], self.at
        plain = self.take(_PLAIN_GROUP)
        if plain:
            frame.reader.add(start, plain, plain)
            return
        c = self.text[start]
        if c == "\n":
            raise Doubt(frame.start, "a pattern over two lines")
        if c not in "()":
            self.common[c](self, frame)
            return
        frame.reader.add(start, c, c)
        frame.depth += 1 if c == "(" else -1
        self.at += 1
        if not frame.depth:
            self.stack.pop()

    _dollars: ClassVar[dict[str, Step]] = {
        "(": _substitution,
        "{": _parameter,
        "[": _brackets,
        "'": _ansi_quotes,
        '"': _translated_quotes,
        HOLE: _dollar_hole,
        "\\": _dollar_backslash,
    }
    _expanding: ClassVar[dict[str, Step]] = {"\\": _backslash, "`": _backticks, "$": _dollar, HOLE: _hole}
    common: ClassVar[dict[str, Step]] = {**_expanding, "'": _single_quotes, '"': _double_quotes}

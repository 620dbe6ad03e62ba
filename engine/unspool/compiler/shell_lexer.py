"""Reads the commands of a shell script: operators, parentheses, comments, redirections, here-documents."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any, ClassVar

from unspool.compiler.shell_scanner import Frame, Scanner, Step
from unspool.compiler.shell_words import ARRAY_START, HOLE, PATTERN_OPERATORS, RESERVED, Doubt, HereDocument, Reader

MAX_DOCUMENTS = 20  # here-documents inside each other

_PLAIN = re.compile(r"[^ \t\n'\"\\`$<>&|;()\0]+")
_BLANK = re.compile(r"[ \t]+")
_COMMENT = re.compile(r"#[^\n]*")
_REDIRECT = re.compile(r"<<<|<<-|<<|<>|<&|>>|>\||>&|<|>")
_ZSH_REDIRECT = re.compile(r"<<<|<<-|<<|<>|<&|>>?&[|!]?|>>?[|!]?|<")
_BOTH_REDIRECT = re.compile(r"&>>?[|!]?")
_SEPARATOR = re.compile(r";;&|;;|;&|;\||;|&&|&\||&!|&|\|\||\|&|\|")
_END_WORD = re.compile(r"(?:[^ \t\n'\"\\`$<>&|;()\0]|'[^'\\\n\0]*'|\"[^\"\\`$\n\0]*\"|\\[^\n\0])+")
_UNQUOTE = re.compile(r"\\(.)|['\"]")
_EMPTY_PARENTHESES = re.compile(r"\([ \t]*\)")
_ODD_BEHIND_END_WORD = frozenset((HOLE, "$", "`", "\\", "'", '"'))


class Lexer(Scanner):
    """Reads one script in one pass; see `Scanner` for what it leaves behind."""

    def __init__(self, text: str, shell: str) -> None:
        super().__init__(text, shell)
        self._open_documents = 0
        self._redirects = _ZSH_REDIRECT if self.zsh else _REDIRECT

    def run(self) -> Lexer:
        """Read the script; expressions behind a doubtful place are refused."""
        reader = self.new_reader("command")
        try:
            self._region(0, self.end, Frame("command", 0, reader))
        except Doubt as doubt:
            self._doubtful(doubt)
        if reader.cases:
            self._doubtful(Doubt(0, "a `case` without its `esac`"))
        self._finish()
        return self

    def _doubtful(self, doubt: Doubt) -> None:
        line = self.text.count("\n", 0, doubt.position) + 1
        behind = range(bisect_left(self.positions, doubt.position), len(self.positions))
        unread = (number for number, style in enumerate(self.styles) if not style)
        self.parsed.refuse((*behind, *unread), "doubt", f"line {line}: {doubt.reason}")

    def _finish(self) -> None:
        for reader in self.readers:
            if reader.expect == "text":
                continue
            try:
                reader.end_command(";")
            except Doubt as doubt:
                self._doubtful(doubt)

    def _region(self, start: int, end: int, frame: Frame) -> None:
        """Read the whole script, or the text of one here-document."""
        outer = self.stack, self.end, self.waiting
        self.stack, self.end, self.waiting, self.at = [frame], end, 0, start
        while self.at < end:
            self._steps[self.stack[-1].kind](self)
        if self.stack[-1].kind == "command":
            self._end_word()
        if len(self.stack) > 1:
            opened = self.stack[1]
            raise Doubt(opened.start, f"`{self.text[opened.start : opened.start + 2].strip(HOLE)}` is never closed")
        self.stack, self.end, self.waiting = outer

    def _end_word(self) -> bool:
        """Finish a word; true when that opened or closed `[[ ]]`, so that the character must be looked at again."""
        frame = self.stack[-1]
        signal = frame.reader.end_word()
        if signal == "[[":
            refusal = frame.refusal or ("" if self.rich else "condition")
            self.push("command", 0, self.new_reader("condition"), refusal=refusal)
        elif signal == "]]":
            self.stack.pop()
            self.stack[-1].reader.after_compound()
        return bool(signal)

    def _in_command(self) -> None:
        frame, start = self.stack[-1], self.at
        c = self.text[start]
        if c == "#" and frame.reader.word is None:
            self._comment(frame)
            return
        plain = self.take(_PLAIN)
        if plain:
            frame.reader.add(start, plain, plain)
        elif c in self.common:
            self.common[c](self, frame)
        elif c in "<>(" or not self._end_word():
            self._operators[c](self, frame)

    def _comment(self, frame: Frame) -> None:
        if frame.reader.expect == "condition":
            raise Doubt(self.at, "`#` inside [[ ]]")
        start = self.at
        self.take(_COMMENT)
        for number in self.holes(start, self.at):
            self.styles[number] = "comment"

    # -- between commands --------------------------------------------------------------------------------------------

    def _blank(self, _frame: Frame) -> None:
        self.take(_BLANK)

    def _newline(self, frame: Frame) -> None:
        reader = frame.reader
        if reader.expect in {"array", "condition"}:
            self.no_document_waits()
            self.at += 1
            return
        reader.end_command("\n")
        self.at += 1
        self._bodies(reader)
        self.no_document_waits()

    def _separator(self, frame: Frame) -> None:
        reader = frame.reader
        listing = reader.expect not in {"array", "condition"}
        both = self.take(_BOTH_REDIRECT) if self.rich and listing else ""
        if both:
            reader.redirect = both
            return
        start, separator = self.at, self.take(_SEPARATOR)
        if not self.zsh and separator in {"&|", "&!", ";|"}:
            separator, self.at = separator[0], start + 1
        if listing:
            reader.end_command(separator)
        elif reader.expect == "condition" and separator in {"&&", "||"}:
            reader.end_condition()
        elif reader.expect == "condition" and separator == "|":
            reader.add(start, "|", "|")
        else:
            raise Doubt(start, f"`{separator}` inside an array or [[ ]]")

    # -- redirections ------------------------------------------------------------------------------------------------

    def _angle(self, frame: Frame) -> None:
        reader = frame.reader
        if self.peek(1) == "(" and reader.expect != "condition":
            self.push("command", 2, self.new_reader("command"), close="$")
        elif reader.expect == "condition":
            self._comparison(reader)
        elif reader.expect == "array":
            raise Doubt(self.at, "a redirection inside an array")
        else:
            self._redirection(reader)

    def _comparison(self, reader: Reader) -> None:
        if self.peek(1) == "(":
            raise Doubt(self.at, "process substitution inside [[ ]]")
        if not self._end_word():
            reader.add(self.at, self.text[self.at], self.text[self.at])
            reader.end_word()
            self.at += 1

    def _redirection(self, reader: Reader) -> None:
        if reader.is_descriptor():
            reader.word = None
        elif self._end_word():
            return
        if reader.redirect:
            raise Doubt(self.at, "two redirections in a row")
        start, operator = self.at, self.take(self._redirects)
        if operator in {"<<", "<<-"}:
            self._open_document(reader, start, operator)
        elif operator == "<<<" and not self.rich:
            raise Doubt(start, "`<<<`, which sh does not have")
        else:
            reader.redirect = operator.rstrip("|!")

    # -- parentheses -------------------------------------------------------------------------------------------------

    def _open_parenthesis(self, frame: Frame) -> None:
        reader = frame.reader
        if reader.expect == "condition":
            self._parenthesis_in_condition(frame)
        elif reader.word is not None:
            self._parenthesis_in_word(frame)
        elif reader.expect == "pattern" and not reader.pattern_started:
            reader.pattern_started = True
            self.at += 1
        elif reader.expect in {"command", "for_name"} and not reader.prefix and not reader.redirect:
            self._subshell(frame)
        elif not self._function(frame):
            raise Doubt(self.at, "a parenthesis in an unusual place")

    def _parenthesis_in_condition(self, frame: Frame) -> None:
        reader = frame.reader
        before = reader.words[-1].literal if reader.words else ""
        if reader.word is not None or before in PATTERN_OPERATORS:
            self._group(frame)
        else:
            reader.end_condition()
            self.at += 1

    def _parenthesis_in_word(self, frame: Frame) -> None:
        word = frame.reader.current(self.at)
        if word.last == "=" and ARRAY_START.match(word.joined().shape):
            array = self.push("command", 1, self.new_reader("array"), refusal=frame.refusal)
            array.label = word.literal
        elif frame.reader.expect == "command" and word.is_one_piece and word.joined().bare in RESERVED:
            self._end_word()
        elif _EMPTY_PARENTHESES.match(self.text, self.at, self.end):
            self._named_function(frame)
        elif word.last in "?*+@!" or self.zsh:
            self._group(frame)
        else:
            raise Doubt(self.at, "a parenthesis inside a word")

    def _group(self, frame: Frame) -> None:
        word = frame.reader.word
        if word is not None and word.is_one_piece and word.last == "=":
            raise Doubt(self.at, "`=(`")
        self.push("group", 0, frame.reader, refusal=frame.refusal or "pattern")

    def _named_function(self, frame: Frame) -> None:
        keyword = frame.reader.expect == "function"
        frame.reader.end_word()
        if keyword:
            self.take(_EMPTY_PARENTHESES)
        elif not self._function(frame):
            raise Doubt(self.at, "empty parentheses in an unusual place")

    def _function(self, frame: Frame) -> bool:
        """Pass over the parentheses of a function definition, if that is what they are."""
        reader = frame.reader
        named = reader.expect == "arguments" and len(reader.words) == 1 and not reader.redirect
        if not named or not self.take(_EMPTY_PARENTHESES):
            return False
        self.parsed.refuse(reader.words[0].holes + reader.words[0].nested, "name")
        reader.words = []
        reader.expect = "command"
        return True

    def _subshell(self, frame: Frame) -> None:
        reader = frame.reader
        if self.peek(1) == "(":
            if not self.rich:
                raise Doubt(self.at, "`((`, which sh may read as arithmetic or as two subshells")
            self.push("arithmetic", 2, self.new_reader("text"), refusal="arithmetic", close=")", quoted=True)
        elif reader.expect == "for_name":
            raise Doubt(self.at, "a parenthesis in an unusual place")
        else:
            self.push("command", 1, self.new_reader("command", reader.documents), close="(")

    def _close_parenthesis(self, frame: Frame) -> None:
        reader = frame.reader
        if reader.expect == "condition":
            reader.end_condition()
        elif reader.expect == "pattern":
            reader.expect = "command"
        elif reader.expect == "array":
            self.stack.pop()
            self.parsed.arrays.append((frame.label, reader.words))
            reader.words = []
            self.stack[-1].reader.substitution(frame.start)
        elif frame.close:
            self._close_commands(frame)
        else:
            raise Doubt(self.at, "a closing parenthesis too many")
        self.at += 1

    def _close_commands(self, frame: Frame) -> None:
        reader = frame.reader
        reader.end_command(";")
        if reader.cases or (frame.close == "$" and reader.documents):
            raise Doubt(frame.start, "a `case` or a here-document that ends outside its parentheses")
        self.stack.pop()
        outer = self.stack[-1].reader
        if frame.close == "$":
            outer.substitution(frame.start, self.holes(frame.start, self.at))
        else:
            outer.after_compound()

    # -- here-documents ----------------------------------------------------------------------------------------------

    def _open_document(self, reader: Reader, start: int, operator: str) -> None:
        self.take(_BLANK)
        word = self.take(_END_WORD)
        behind = self.peek(0)
        if behind == HOLE:
            self.parsed.refuse(self.holes(self.at, self.at + 1), "end_word")
        if not word or word[0] == "#" or behind in _ODD_BEHIND_END_WORD:
            raise Doubt(start, "a here-document with an unusual end word")
        end_line = _UNQUOTE.sub(r"\1", word)
        quoted = end_line != word
        document = HereDocument(start, end_line, quoted, operator == "<<-", reader.pipeline, len(reader.pipeline))
        reader.documents.append(document)
        self.waiting += 1

    def _bodies(self, reader: Reader) -> None:
        documents = reader.documents[:]
        reader.documents.clear()
        self.waiting -= len(documents)
        for document in documents:
            self._body(document)

    def _body(self, document: HereDocument) -> None:
        start = self.at
        end, after = self._find_end_line(document)
        inside = self.holes(start, end)
        if document.quoted:
            self.parsed.refuse(inside, "quoted_document")
            for number in inside:
                self.styles[number] = "quoted"
        elif inside or "$" in self.text[start:end] or "`" in self.text[start:end]:
            self._expanded_body(document, start, end)
        self.at = after

    def _expanded_body(self, document: HereDocument, start: int, end: int) -> None:
        self._open_documents += 1
        if self._open_documents > MAX_DOCUMENTS:
            raise Doubt(start, "too many here-documents inside each other")
        reader = self.new_reader("text")
        word = reader.current(start)
        self._region(start, end, Frame("document", start, reader, quoted=True))
        self.parsed.inputs.append((document.pipeline, document.index, word.holes + word.nested))
        self._open_documents -= 1

    def _find_end_line(self, document: HereDocument) -> tuple[int, int]:
        """Give where the body ends and where the next command begins."""
        position, carried, continued = self.at, "", False
        nested = len(self.stack) > 1 or self._open_documents
        while position < self.end:
            stop = self.text.find("\n", position, self.end)
            stop = self.end if stop < 0 else stop
            line = self.text[position:stop]
            line = line.lstrip("\t") if document.strip_tabs else line
            if line == document.end_line and not continued:
                return position, min(stop + 1, self.end)
            if document.end_line in {line, carried + line}:
                break
            if nested and line.startswith(document.end_line) and ")" in line:
                raise Doubt(position, "a `)` behind the end word, where bash ends the here-document")
            continued = not document.quoted and (len(line) - len(line.rstrip("\\"))) % 2 == 1
            carried = (carried + line[:-1])[: len(document.end_line) + 1] if continued else ""
            position = stop + 1
        raise Doubt(document.start, f"the here-document has no end line {document.end_line!r}")

    _operators: ClassVar[dict[str, Step]] = {
        " ": _blank,
        "\t": _blank,
        "\n": _newline,
        ";": _separator,
        "&": _separator,
        "|": _separator,
        "<": _angle,
        ">": _angle,
        "(": _open_parenthesis,
        ")": _close_parenthesis,
    }
    _steps: ClassVar[dict[str, Callable[[Any], None]]] = {
        "command": _in_command,
        "quotes": Scanner.in_quotes,
        "parameter": Scanner.in_parameter,
        "arithmetic": Scanner.in_arithmetic,
        "group": Scanner.in_group,
        "document": Scanner.in_document,
    }

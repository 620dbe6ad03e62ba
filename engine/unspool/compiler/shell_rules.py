"""Judges what commands do with the values they are given: names, arithmetic, code, options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import ClassVar

from unspool.compiler import shell_programs as programs
from unspool.compiler.shell_reasons import REASONS
from unspool.compiler.shell_words import (
    ASSIGNMENT,
    DYNAMIC,
    HOLE,
    QUOTED_HOLE,
    Command,
    Parsed,
    Word,
)

MAX_WRAPPERS = 20  # commands that start commands, inside each other

_ARITHMETIC_TESTS = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge"))
_EVALUATING_OPTIONS = frozenset("aAinTEF")
_LEADING = re.compile(f"[{DYNAMIC}-]*{HOLE}")
_DECLARED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[.*\])?\+?=", re.DOTALL)
_TILDE = re.compile(r"(?:^|[:=])~[^/:=\0]*\0")
_RANGE = re.compile(r"\.\.(?!/)")
_PLAIN_FORMAT = re.compile(r"(?:[^%]|%[-0-9]*[sbq]|%%)*", re.DOTALL)


class Rules:
    """Collects one finding for each expression at most; an error is never replaced by a warning.

    Args:
        parsed: the script as it was read.
        shell: the shell's name.

    Attributes:
        found: number of an expression, then the name of the reason and its detail.
    """

    def __init__(self, parsed: Parsed, shell: str) -> None:
        self.parsed = parsed
        self.zsh = shell == "zsh"
        self.found: dict[int, tuple[str, str]] = dict(parsed.refused)
        self.declared = self._declarations()
        commands = (command for pipeline in parsed.pipelines for command in pipeline)
        self.assigned = {id(word) for command in commands for word in command.prefix}

    def judge(self) -> dict[int, tuple[str, str]]:
        """Apply every rule."""
        for condition in self.parsed.conditions:
            self._condition(condition)
        for label, elements in self.parsed.arrays:
            self._array(label, elements)
        for pipeline in self.parsed.pipelines:
            self._pipeline(pipeline)
        for word in self.parsed.words:
            self._shape(word)
        self._inputs()
        self.note(self.parsed.evaluated, "code_output")
        return self.found

    def note(self, holes: Iterable[int], reason: str, detail: str = "") -> None:
        """Record a finding; the first counts, but errors replace warnings."""
        error = REASONS[reason].severity == "error"
        for hole in holes:
            known = self.found.get(hole)
            if known is None or (error and REASONS[known[0]].severity == "warning"):
                self.found[hole] = (reason, detail)

    def _all(self, word: Word, reason: str, detail: str = "") -> None:
        """Refuse a word's own expressions; warn of those whose command output lands in it."""
        self.note(word.holes, reason, detail)
        self.note(word.nested, "code_output" if REASONS[reason].severity == "error" else reason, detail)

    # -- words -------------------------------------------------------------------------------------------------------

    def _shape(self, word: Word) -> None:
        if _TILDE.search(word.shape) or (self.zsh and word.shape.startswith("=" + HOLE)):
            self.note(word.holes, "tilde")
        if id(word) not in self.assigned and (_in_brackets(word.shape) or _in_range(word.shape)):
            self.note(word.holes, "pattern")

    def _condition(self, words: list[Word]) -> None:
        for place, word in enumerate(words):
            operator = word.literal
            following = words[place + 1] if place + 1 < len(words) else None
            if operator in _ARITHMETIC_TESTS:
                for operand in (*words[max(0, place - 1) : place], *([following] if following else [])):
                    self._all(operand, "comparison", operator)
            elif following and operator in {"-v", "-R"}:
                self._all(following, "name")
            elif following and operator == "-t" and self.zsh:
                self._all(following, "arithmetic")
            elif following and operator == "=~" and self.zsh:
                self._all(following, "regex")

    def _array(self, label: str, elements: list[Word]) -> None:
        flags = self._flags_of(label.rstrip("+="))
        for element in elements:
            if element.shape.startswith("["):
                self._subscripted(element)
            if flags & set("inEF"):
                self._all(element, "integer", "an integer variable")

    def _subscripted(self, element: Word) -> None:
        match = re.match(r"\[.*\]\+?=", element.shape, re.DOTALL)
        if match:
            self.assigned.add(id(element))
            self._all_before(element, match.end(), "name")

    def _all_before(self, word: Word, end: int, reason: str) -> None:
        head = word.shape[:end]
        self.note(word.holes[: head.count(HOLE) + head.count(QUOTED_HOLE)], reason)
        if DYNAMIC in head:
            self.note(word.nested, "code_output")

    # -- variables ---------------------------------------------------------------------------------------------------

    def _declarations(self) -> dict[str, set[str]]:
        """Which names the script declares with options that change what an assignment does; `*` is any name."""
        declared: dict[str, set[str]] = {}
        for label, _elements in self.parsed.arrays:
            declared.setdefault(label.rstrip("+="), set()).add("a")
        for pipeline in self.parsed.pipelines:
            for command in pipeline:
                words = _builtin(command.words)
                if words and words[0].literal in programs.DECLARING:
                    _declare(words, declared)
        return declared

    def _flags_of(self, name: str) -> set[str]:
        flags = self.declared.get(name, set()) | self.declared.get("*", set())
        special = name in programs.INTEGER_VARIABLES or (self.zsh and name in programs.ZSH_INTEGER_VARIABLES)
        return flags | {"i"} if special else flags

    def _assignment(self, word: Word) -> None:
        match = ASSIGNMENT.match(word.shape)
        if match is None:
            return
        self._all_before(word, match.end(), "name")
        name = match.group(1)
        if self._flags_of(name) & set("inEF"):
            self._all(word, "integer", name)
        if name in programs.CODE_VARIABLES:
            self._all(word, "code_variable", name)

    def _declaring(self, words: list[Word]) -> None:
        command = words[0].literal
        options = _options(words)
        for word in words[1:]:
            match = _DECLARED.match(word.literal)
            if match is None or match.group(2):
                self._all(word, "name")
            elif (options | self._flags_of(match.group(1))) & _EVALUATING_OPTIONS or command in {"integer", "float"}:
                self._all(word, "integer", match.group(1))
            elif match.group(1) in programs.CODE_VARIABLES:
                self._all(word, "code_variable", match.group(1))

    # -- commands ----------------------------------------------------------------------------------------------------

    def _pipeline(self, pipeline: list[Command]) -> None:
        reader, piped = "", len(pipeline) > 1
        for command in reversed(pipeline):
            if reader:
                for word in command.words:
                    self.note(word.holes, "code_input", reader)
            for word in command.prefix:
                self._assignment(word)
            self._command(command.words)
            if piped and not reader:
                reader = programs.reads_code(command.words)

    def _inputs(self) -> None:
        last: dict[int, tuple[int, str]] = {}
        for pipeline in self.parsed.pipelines:
            for place, command in enumerate(pipeline):
                reader = programs.reads_code(command.words) if self.parsed.inputs else ""
                if reader:
                    last[id(pipeline)] = (place, reader)
        for pipeline, index, holes in self.parsed.inputs:
            place, reader = last.get(id(pipeline), (-1, ""))
            if place >= index:
                self.note(holes, "code_input", reader)

    def _command(self, words: list[Word], depth: int = 0) -> None:
        for inner in self._simple(words):
            if depth < MAX_WRAPPERS:
                self._command(inner, depth + 1)
            else:
                self._options_of(inner)

    def _simple(self, words: list[Word]) -> Iterator[list[Word]]:
        """Judge one simple command; gives the commands that it starts."""
        if not words:
            return
        self.note(words[0].holes, "program")
        name = programs.name_of(words[0])
        self._code_arguments(words)
        rule = self._builtins.get(name)
        if rule is not None:
            rule(self, words)
        elif name in programs.WRAPPERS:
            inner = programs.wrapped(words)
            self._options_of(words[: len(words) - len(inner)])
            yield inner
        else:
            yield from self._plain_command(words, name)

    def _plain_command(self, words: list[Word], name: str) -> Iterator[list[Word]]:
        own = words
        if name == "find":
            inner = list(programs.find_commands(words))
            yield from inner
            started = {id(word) for command in inner for word in command}
            own = [word for word in words if id(word) not in started]
        elif programs.may_vanish(words[0]) and not any(word.holes for word in words[1:2]):
            yield words[1:]
        self._options_of(own)

    def _code_arguments(self, words: list[Word]) -> None:
        for place, owner in programs.code_arguments(words):
            self._all(words[place], "code", owner)

    def _options_of(self, words: list[Word]) -> None:
        name = programs.name_of(words[0]) if words else ""
        data = programs.data_arguments(words)
        for place, word in enumerate(words[1:], 1):
            if word.literal == "--" and name not in programs.WITHOUT_DASHES:
                return
            if place not in data and word.holes and _LEADING.match(word.literal):
                reason = "option_find" if name == "find" else _option_reason(words[place - 1])
                self.note(word.holes[:1], reason, name.replace(HOLE, "...").replace(DYNAMIC, "...") or "the command")

    # -- builtins ----------------------------------------------------------------------------------------------------

    def _nothing(self, words: list[Word]) -> None:
        """A command that takes any text."""

    def _arithmetic(self, words: list[Word]) -> None:
        for word in words[1:]:
            self._all(word, "arithmetic")

    def _number(self, words: list[Word]) -> None:
        if self.zsh:
            self._arithmetic(words)

    def _names(self, words: list[Word]) -> None:
        for word in words[1:]:
            self._all(word, "name")

    def _read(self, words: list[Word]) -> None:
        for before, word in pairwise(words):
            if self.zsh or before.literal not in {"-p", "-d", "-i", "-rp", "-rd"}:
                self._all(word, "name")

    def _code(self, words: list[Word]) -> None:
        for word in words[1:]:
            self._all(word, "code", words[0].literal)

    def _named_option(self, words: list[Word]) -> None:
        for before, word in pairwise(words):
            if before.literal == programs.NAME_OPTIONS[words[0].literal]:
                self._all(word, "name")
        self._options_of(words)

    def _set(self, words: list[Word]) -> None:
        if any(word.literal[:1] in "-+" and "A" in word.literal for word in words[1:] if not word.holes):
            self._names(words)
        self._options_of(words)

    def _test(self, words: list[Word]) -> None:
        literals = [word.literal for word in words]
        for place, literal in enumerate(literals[1:-1], 1):
            if literal in {"-v", "-R"}:
                self._all(words[place + 1], "name")
            elif literal == "-t" and self.zsh:
                self._all(words[place + 1], "arithmetic")
        if len(words) > 5 and {"-a", "-o"} & set(literals):
            for word in words[1:]:
                self.note(word.holes if _LEADING.match(word.literal) else (), "test")

    def _printf(self, words: list[Word]) -> None:
        arguments = words[1:]
        if arguments and arguments[0].literal == "-v" and len(arguments) > 1:
            self._all(arguments[1], "name")
            arguments = arguments[2:]
        elif arguments and arguments[0].literal == "--":
            arguments = arguments[1:]
        if not arguments:
            return
        self._all(arguments[0], "format")
        if self.zsh and not _PLAIN_FORMAT.fullmatch(arguments[0].literal.replace(DYNAMIC, "%d")):
            for word in arguments[1:]:
                self._all(word, "arithmetic")

    def _source(self, words: list[Word]) -> None:
        for word in words[1:2]:
            self._all(word, "code", words[0].literal)
        self._options_of(words)

    _builtins: ClassVar[dict[str, Callable[[Rules, list[Word]], None]]] = {
        **dict.fromkeys(programs.HARMLESS, _nothing),
        **dict.fromkeys(programs.NUMBERS, _number),
        **dict.fromkeys(programs.NAMES, _names),
        **dict.fromkeys(programs.DECLARING, _declaring),
        **dict.fromkeys(programs.CODE, _code),
        **dict.fromkeys(programs.NAME_OPTIONS, _named_option),
        "let": _arithmetic,
        "read": _read,
        "set": _set,
        "[": _test,
        "test": _test,
        "printf": _printf,
        "source": _source,
        ".": _source,
    }


def _builtin(words: list[Word]) -> list[Word]:
    """The command behind `command`, `builtin` and the like."""
    for _ in range(MAX_WRAPPERS):
        if not words or not programs.starts_another(words[0]):
            break
        words = programs.wrapped(words)
    return words


def _options(words: list[Word]) -> set[str]:
    letters: set[str] = set()
    for word in words[1:]:
        if word.literal[:1] in {"-", "+"}:
            letters.update(word.literal[1:])
    return letters


def _declare(words: list[Word], declared: dict[str, set[str]]) -> None:
    flags = _options(words) & _EVALUATING_OPTIONS
    if words[0].literal in {"integer", "float"}:
        flags.add("i")
    if not flags:
        return
    for word in words[1:]:
        name = re.match(r"[A-Za-z0-9_]+(?=[\[=+]|\Z)", word.literal)
        if name or word.literal[:1] not in {"-", "+"}:
            declared.setdefault(name.group() if name else "*", set()).update(flags)


def _option_reason(before: Word) -> str:
    return "option_argument" if before.literal[:1] == "-" and not before.holes else "option"


def _in_brackets(shape: str) -> bool:
    """Whether an expression stands inside an unquoted `[...]`."""
    inside = seen = False
    for c in shape:
        if c == "[" and not inside:
            inside, seen = True, False
        elif c == "]" and inside:
            if seen:
                return True
            inside = False
        elif c in {HOLE, QUOTED_HOLE} and inside:
            seen = True
    return False


def _in_range(shape: str) -> bool:
    """Whether an expression may stand inside a brace range such as `{1..9}`."""
    first, last = shape.find("{"), shape.rfind("}")
    inner = shape[first:last] if 0 <= first < last else ""
    return (HOLE in inner or QUOTED_HOLE in inner) and _RANGE.search(inner) is not None

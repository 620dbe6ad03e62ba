"""Turns the expressions of a `run` text into references to environment variables, quoted for where they stand."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from unspool.model.diagnostics import Diagnostic

# The command line of a script is asked for at run time, when nothing of the compiler is loaded: it stays outside.
if TYPE_CHECKING:
    from unspool.expr.template import Expression

SHELLS = ("sh", "bash", "dash", "zsh")
VARIABLE = "UNSPOOL_V"
_IN_COMMENT = "value"  # what is left of an expression in a comment

_OPTIONS = {
    "bash": ["--noprofile", "--norc", "-e", "-o", "pipefail"],
    "zsh": ["-f", "-e", "-o", "pipefail"],
}
_WORD_BEGINS = re.compile(r"(?:^|\s)\"?$")
_RESERVED_NAME = re.compile(VARIABLE + r"[0-9]+")


class Interpolated(NamedTuple):
    """A script whose expressions were replaced.

    Attributes:
        script: the text for the shell; holds no value and never will.
        values: name of the environment variable, then source of the expression whose value it carries.
        diagnostics: what is wrong, in the order of the text; `path` is relative to the script and so empty.
    """

    script: str
    values: dict[str, str]
    diagnostics: tuple[Diagnostic, ...]


def interpolate(script: str, shell: str = "sh", harmless: Mapping[str, Collection[str]] | None = None) -> Interpolated:
    """Replace each `${{ }}` of a script by a reference to an environment variable.

    Args:
        script: the text as the author wrote it.
        shell: the shell that will read it, one of `SHELLS`; any other takes no expressions.
        harmless: by the code of a warning, the sources of expressions that it need not be told of.

    Returns:
        The new script, its variables, and diagnostics; with an error among them the script must not be run.
    """
    from unspool.expr.syntax import GRAMMAR, ExpressionSyntaxError
    from unspool.expr.template import Expression, parse_template

    try:
        parts = parse_template(script).parts
    except ExpressionSyntaxError as problem:
        found = Diagnostic(problem.code, problem.message, offset=problem.offset, hint=problem.hint or GRAMMAR)
        return Interpolated(script, {}, (found,))
    expressions = [part for part in parts if isinstance(part, Expression)]
    literals = [part for part in parts if isinstance(part, str)]
    if not expressions:
        return Interpolated("".join(literals), {}, ())
    reasons = _not_at_all(script, shell, literals, expressions[0].offset)
    if reasons:
        return Interpolated(script, {}, reasons)
    done = _replaced(parts, expressions, shell)
    return done if harmless is None else done._replace(diagnostics=_telling(done.diagnostics, parts, harmless))


def shell_argv(shell: str, script: str) -> list[str]:
    """The command line that runs a script: `-e`, and `pipefail` where there is one, without start-up files.

    Args:
        shell: name or path of the shell; one that is not in `SHELLS` gets the script behind `-c` and no options.
        script: the text; a blank is put before it where the shell would take it for an option.
    """
    text = f" {script}" if script[:1] in {"-", "+"} else script
    options = _OPTIONS.get(shell, ["-e"] if shell in SHELLS else [])
    return [shell, *options, "-c", text]


def _not_at_all(script: str, shell: str, literals: list[str], offset: int) -> tuple[Diagnostic, ...]:
    """Why a script can hold no expression whatever its text."""
    if shell not in SHELLS:
        return (_diagnostic("shell", shell, offset),)
    if any("\0" in literal for literal in literals):
        return (_diagnostic("nul", "", script.index("\0")),)
    for literal in literals:
        taken = _RESERVED_NAME.search(literal)
        if taken:
            return (_diagnostic("reserved_name", taken.group(), script.index(taken.group())),)
    return ()


def _replaced(parts: tuple[str | Expression, ...], expressions: list[Expression], shell: str) -> Interpolated:
    from unspool.compiler.shell_lexer import Lexer
    from unspool.compiler.shell_rules import Rules
    from unspool.compiler.shell_words import HOLE

    lexer = Lexer("".join(part if isinstance(part, str) else HOLE for part in parts), shell).run()
    found = Rules(lexer.parsed, shell).judge()
    names: dict[str, str] = {}
    styles = iter(lexer.styles)
    pieces = [part if isinstance(part, str) else _reference(part.source, next(styles), names) for part in parts]
    diagnostics = tuple(_diagnostic(*found[number], expressions[number].offset) for number in sorted(found))
    return Interpolated("".join(pieces), {name: source for source, name in names.items()}, diagnostics)


def _telling(
    diagnostics: tuple[Diagnostic, ...], parts: tuple[str | Expression, ...], harmless: Mapping[str, Collection[str]]
) -> tuple[Diagnostic, ...]:
    """Leave out what is said of expressions that cannot do harm where they stand: at the beginning of a word."""
    heads: dict[int | None, str] = {
        part.offset: part.source.strip()
        for before, part in zip(("", *parts), parts, strict=False)
        if not isinstance(part, str) and isinstance(before, str) and _WORD_BEGINS.search(before)
    }
    return tuple(found for found in diagnostics if heads.get(found.offset, "") not in harmless.get(found.code, ()))


def _reference(source: str, style: str, names: dict[str, str]) -> str:
    if style == "comment":
        return _IN_COMMENT
    name = names.setdefault(source, f"{VARIABLE}{len(names) + 1}")
    return f'"${{{name}}}"' if style == "word" else f"${{{name}}}"


def _diagnostic(reason: str, detail: str, offset: int) -> Diagnostic:
    from unspool.compiler.shell_reasons import REASONS

    code, message, hint, severity = REASONS[reason]
    return Diagnostic(code, message.format(detail), offset=offset, hint=hint, severity=severity)

"""Scripts of any nesting hand on exactly the value, and no text of any kind upsets the reader of scripts."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.property.test_cost import operations
from tests.unit.compiler.shells import HOSTILE, PRESENT, run_each
from unspool.compiler.shell import SHELLS, interpolate

EXPRESSION = "${{ inputs.x }}"


class Word(NamedTuple):
    """A piece of a script, and what it is worth: texts, with None where the value stands."""

    script: str
    worth: tuple[str | None, ...]

    def with_value(self, value: str) -> str:
        return "".join(value if part is None else part for part in self.worth)


def joined(words: list[Word]) -> Word:
    return Word("".join(word.script for word in words), tuple(part for word in words for part in word.worth))


def wrapped(before: str, after: str, ends: str = "") -> Callable[[Word], Word]:
    return lambda word: Word(before + word.script + after, (*word.worth, ends))


EXPRESSIONS = st.just(Word(EXPRESSION, (None,)))
PLAIN = st.text("abzAZ059_./,:+%", min_size=1, max_size=4).map(lambda text: Word(text, (text,)))
# An escaped dollar is followed by a letter: `\\$` in front of an expression is the template's own escape.
DOLLAR = st.just(Word("\\$b", ("$b",)))
ESCAPED = DOLLAR | st.sampled_from(" '\"\\`*?[]{}()<>|&;#~!ab").map(lambda c: Word("\\" + c, (c,)))
SINGLE_TEXT = st.text('ab \n"\\$`*()#;&|<>{}é', max_size=6).map(lambda text: text.replace("{{", "{"))
SINGLE = SINGLE_TEXT.map(lambda text: Word(f"'{text}'", (text,)))
QUOTED_TEXT = st.text("ab \n*()#;&|<>~?[]é", min_size=1, max_size=6).map(lambda text: Word(text, (text,)))
QUOTED_ESCAPE = DOLLAR | st.sampled_from('"\\`').map(lambda c: Word("\\" + c, (c,)))


def substitutions(words: st.SearchStrategy[Word]) -> st.SearchStrategy[Word]:
    """Command substitutions; each ends in a letter, since the shell drops final newlines."""
    forms = [
        ("$(printf %sx ", ")"),
        ("$(# it's a )\n printf %sx ", ")"),
        ("$(case b in a) ;; b) printf %sx ", ";; esac)"),
        ("$( (printf %sx ", ") )"),
        ('$(f() { printf %sx "$1"; }; f ', ")"),
        ("$(if true; then printf %sx ", "; fi)"),
    ]
    return st.sampled_from(forms).flatmap(lambda form: words.map(wrapped(*form, "x")))


def documents(lines: st.SearchStrategy[Word]) -> st.SearchStrategy[Word]:
    return lines.map(wrapped("$(cat <<EOF\n", "\nEOF\nprintf x)", "\nx"))


def inside_quotes(words: st.SearchStrategy[Word]) -> st.SearchStrategy[Word]:
    simple = QUOTED_TEXT | QUOTED_ESCAPE | EXPRESSIONS
    nested = substitutions(words) | documents(st.lists(DOCUMENT_TEXT | EXPRESSIONS, max_size=3).map(joined))
    default = st.lists(EXPRESSIONS | PLAIN | nested, max_size=3).map(joined).map(wrapped("${nope-", "}"))
    return st.lists(simple | nested | default, max_size=4).map(joined)


DOCUMENT_TEXT = (
    DOLLAR
    | st.sampled_from("\\`").map(lambda c: Word("\\" + c, (c,)))
    | st.sampled_from(["a", "'", '"', " # ", " EOF ", ")"]).map(lambda text: Word(text, (text,)))
)


def extended(words: st.SearchStrategy[Word]) -> st.SearchStrategy[Word]:
    quoted = inside_quotes(words).map(wrapped('"', '"'))
    default = st.lists(words, min_size=1, max_size=2).map(joined).map(wrapped("${nope-", "}"))
    return st.lists(quoted | default | EXPRESSIONS | PLAIN | ESCAPED | SINGLE, min_size=1, max_size=3).map(joined)


def with_an_expression(word: Word) -> Word:
    return word if None in word.worth else joined([word, Word(EXPRESSION, (None,))])


WORDS = st.recursive(EXPRESSIONS | PLAIN | SINGLE | ESCAPED, extended, max_leaves=12).map(with_an_expression)
FORMS = (
    "show {}",
    "show a {}",
    'x={}; show "$x"',
    'for x in {}; do show "$x"; done',
    "case {} in {}) show {};; *) show no;; esac",
    "(show {}) # {}",
    "if [ {} = {} ]; then show {}; fi",
    "f() {{\n  show {}\n}}\nf",
    "true && show {} || show no",
    "show {}; body <<EOF\nit's \"{}\nEOF",
)


class Case(NamedTuple):
    form: str
    word: Word
    value: str

    @property
    def script(self) -> str:
        parts = self.form.format(*["\0"] * self.form.count("{}"))
        if "<<EOF" in self.form:
            head, document = parts.split("\n", 1)
            return head.replace("\0", self.word.script) + "\n" + document.replace("\0", EXPRESSION)
        if "# " in self.form:
            code, comment = parts.split("# ")
            return code.replace("\0", self.word.script) + "# " + comment.replace("\0", EXPRESSION)
        return parts.replace("\0", self.word.script)

    def arrives(self, calls: list[list[str]]) -> bool:
        return bool(calls) and calls[0][-1:] == [self.word.with_value(self.value)] and ["no"] not in calls


VALUES = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
)
CASES = st.builds(Case, st.sampled_from(FORMS), WORDS, VALUES)


def hand_on(shell: str, cases: list[Case]) -> None:
    made = [interpolate(case.script, shell) for case in cases]
    for case, found in zip(cases, made, strict=True):
        assert not [one for one in found.diagnostics if one.is_error], case.script
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = [
            (found.script, dict.fromkeys(found.values, case.value)) for case, found in zip(cases, made, strict=True)
        ]
        for case, found, calls in zip(cases, made, run_each(shell, runs, folder), strict=True):
            assert case.arrives(calls), (found.script, case.value, calls)
        assert [path.name for path in folder.iterdir()] == ["arguments"]


def only_where(shell: str) -> None:
    if shell not in PRESENT:
        pytest.skip(f"{shell} is not here")


def drawn(number: int) -> list[Case]:
    """So many cases at once, since one process of a shell runs them together; a failure names its script."""
    cases: list[Case] = []

    @settings(max_examples=number, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(CASES)
    def draw(case: Case) -> None:
        cases.append(case)

    draw()
    return cases


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_any_nesting_hands_on_the_value(shell: str) -> None:
    only_where(shell)
    hand_on(shell, drawn(150))


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
def test_many_nestings_hand_on_the_value(shell: str) -> None:
    only_where(shell)
    cases = drawn(800)
    assert max(len(case.script) for case in cases) > 200
    for start in range(0, len(cases), 250):
        hand_on(shell, cases[start : start + 250])


# -- scripts that nobody would write -------------------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    [EXPRESSION] * 12
    + '\' " " \\ $( $(( ( ) ) )) ` ${x:- ${x# ${ } ; ;; # & && | || < > << <<- <<< {a, ~ ! * \1 é $${{ \0'.split()
    + "case |in |x) |esac|[[ |]] |if |then |fi;|for |do |done|f() {|{ |}|a=|a=(|a[|]=|$'|$[|$x|eval |let |-eq ".split(
        "|"
    )
    + ["\n", "\n", " ", " ", "\t", "\\\n", "<<EOF\n", "<<'EOF'\n", "\nEOF\n"]
)
SOUP = st.lists(FRAGMENTS, max_size=25).map("".join)
REFERENCE = re.compile(r'"?\$\{UNSPOOL_V[0-9]+\}"?|value')


@settings(max_examples=400)
@given(script=SOUP | st.text(), shell=st.sampled_from((*SHELLS, "fish")))
def test_any_text_gives_a_script_or_diagnostics(script: str, shell: str) -> None:
    found = interpolate(script, shell)
    for one in found.diagnostics:
        assert one.path == ()
        assert one.hint or one.code.startswith("UNS06")
        assert one.offset is not None
        assert 0 <= one.offset <= len(script)
    if any(one.is_error for one in found.diagnostics):
        return
    assert found.script.count("${{") == script.count("$${{")
    assert set(found.values.values()) <= {"inputs.x"}


@settings(max_examples=300)
@given(script=SOUP, shell=st.sampled_from(SHELLS))
def test_only_the_expressions_of_a_script_change(script: str, shell: str) -> None:
    script = script.replace("$${{", "").replace("value", "")
    found = interpolate(script, shell)
    if not any(one.is_error for one in found.diagnostics):
        pieces = (re.escape(piece) for piece in script.split(EXPRESSION))
        assert re.fullmatch(f"(?:{REFERENCE.pattern})".join(pieces), found.script, re.DOTALL)


# The value is one argument or a part of one; nothing of it stands alone, and no reference is left as text.
WHOLE = "<A  *  '\"\\ $(touch pwned) `touch pwned` ;#B>"
COMMANDS = [
    "show ${{ inputs.x }} x",
    'show "a ${{ inputs.x }}"',
    'show "$(show ${{ inputs.x }})"',
    "body <<EOF\nl ${{ inputs.x }} m\nEOF\n",
    "case ${{ inputs.x }} in x) show ${{ inputs.x }};; *) show y${{ inputs.x }};; esac",
    "show ${x:-${{ inputs.x }}}",
    'show "${x:-${{ inputs.x }}}"',
    "show 'q'",
    "show $(case x in x) show ${{ inputs.x }};; esac) ${{ inputs.x }}",
    "if true; then show ${{ inputs.x }}; fi",
    "( show ${{ inputs.x }} )",
    "{ show ${{ inputs.x }}; }",
    'show "`show x`" ${{ inputs.x }}',
    "show $((1+1)) ${{ inputs.x }}",
    "show # c'\n show ${{ inputs.x }}",
    "show a >f ${{ inputs.x }}",
]
SPOILERS = [
    *"' \" \\ ` ( ) { } $ # ; ;; $( $(( )) ${x:- ${x# << esac x) [[ ]] fi a=( ~ * &&".split(),
    *("\n", "\\\n", "<<EOF\n", "<<'EOF'\n", "EOF\n", "\nEOF"),
]


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """Right scripts with a few characters too many."""
    pieces = draw(st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=4))
    text = draw(st.sampled_from(["; ", "\n", " && "])).join(pieces)
    # `&&` stays whole: a command in the background could write into the next script's arguments
    tokens = re.split(r"(\$\{\{.*?\}\}|&&|.)", text, flags=re.DOTALL)
    for _ in range(draw(st.integers(0, 3))):
        tokens.insert(draw(st.integers(0, len(tokens))), draw(st.sampled_from(SPOILERS)))
    return "".join(tokens)


@pytest.mark.slow
@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=15)
@given(scripts=st.lists(spoiled(), min_size=60, max_size=80))
def test_what_is_accepted_keeps_the_value_whole(shell: str, scripts: list[str]) -> None:
    only_where(shell)
    made = [interpolate(script, shell) for script in scripts]
    accepted = [found for found in made if not any(one.is_error for one in found.diagnostics)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = [(found.script, dict.fromkeys(found.values, WHOLE)) for found in accepted]
        for found, calls in zip(accepted, run_each(shell, runs, folder), strict=True):
            for argument in (argument for call in calls for argument in call):
                whole = argument.count(WHOLE)
                assert argument.count("<A") == argument.count("B>") == whole, found.script
                assert "UNSPOOL_V" not in argument, found.script
        assert not (folder / "pwned").exists()


LONG = {
    "words": "echo a@ 'b' \"c@\" $d ${e:-@} $(f @)\n",
    "quotes": "\"@'`",
    "openings": "$(@",
    "braces": "${x:-@",
    "brackets": "a[@",
    "groups": "a(@)",
    "documents": "cat <<A\n@\nA\n",
    "documents without end": "cat <<A @\n",
    "wrappers": "sudo find -exec sh -c @ ",
    "pipes": "cat <<< @ | ",
    "cases": "case @ in @) ",
    "one word": "a@'b'",
    "continued": "a@\\\n",
    "assignments": "x[@]=@ ",
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", LONG)
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_cost_is_linear_in_the_length(shell: str, shape: str) -> None:
    from unspool.compiler.shell_lexer import Lexer
    from unspool.compiler.shell_rules import Rules

    def judge(repeats: int) -> None:
        Rules(Lexer((LONG[shape] * repeats).replace("@", "\0"), shell).run().parsed, shell).judge()

    def seconds(repeats: int) -> float:
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            judge(repeats)
            best = min(best, time.process_time() - start)
        return best

    assert operations(lambda: judge(800)) / operations(lambda: judge(100)) < 10  # 8 where linear, 64 where quadratic
    # What patterns and slices cost shows in seconds alone; these are the processor's, and far from either.
    assert seconds(4000) / max(seconds(500), 0.001) < 45

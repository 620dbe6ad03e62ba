"""The rules for what commands do with values, over commands as they were read."""

from __future__ import annotations

import pytest

from unspool.compiler.shell_lexer import Lexer
from unspool.compiler.shell_rules import Rules
from unspool.compiler.shell_words import HOLE


def judged(text: str, shell: str = "bash") -> list[str]:
    """The name of the reason for each `@`, or nothing."""
    lexer = Lexer(text.replace("@", HOLE), shell).run()
    found = Rules(lexer.parsed, shell).judge()
    return [found.get(number, ("",))[0] for number in range(len(lexer.positions))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=@", [""]),
        ("declare -i x; x=@ y=@", ["integer", ""]),
        ("x=@; declare -i x", ["integer"]),
        ("declare -gi $name; x=@", ["integer"]),
        ("declare -ir x=(@)", ["integer"]),
        ("local -r x=@", [""]),
        ("declare -a x; x=@; local x=@", ["", "integer"]),
        ("export A=@ @ @=b", ["", "name", "name"]),
        ("export $(ls -- @)", ["code_output"]),
        ("x[@]=@", ["name", ""]),
        ("x=([@]=@ @)", ["name", "", ""]),
        ("PS4=@", ["code_variable"]),
        ("[[ @ -gt @ && @ < @ ]]", ["comparison", "comparison", "", ""]),
        ("[[ -v @ || -f @ ]]", ["name", ""]),
        ("test -v @", ["name"]),
        ("read -p @ @", ["", "name"]),
        ("printf @ @", ["format", ""]),
        ("printf -v @ @ @", ["name", "format", ""]),
        ("wait -p @", ["name"]),
        ("command -- unset @", ["name"]),
        ("eval @ | cat @", ["code", "option"]),
        ("echo @ | sudo sh", ["code_input"]),
        ("sh <<< @", ["code_input"]),
        ("$x let @", ["arithmetic"]),
        ("$x @", ["option"]),
        ("rm @ -- @", ["option", ""]),
        ("rm -i @", ["option_argument"]),
        ("find @ -exec rm @ \\;", ["option_find", "option"]),
        ("find . -exec rm -- @ \\; -name @ -delete @", ["", "", "option_find"]),
        ("[ a = @ -o @ = b ]", ["test", "test"]),
        ("[ @ = b ]", [""]),
        ("a[@] b", ["pattern"]),
        ("ls {1..@} {a,./@}", ["pattern", ""]),
        ("ls ~@ ~/@", ["tilde", ""]),
    ],
)
def test_one_reason_for_each_expression(text: str, expected: list[str]) -> None:
    assert judged(text) == expected


@pytest.mark.parametrize(
    ("text", "bash", "zsh"),
    [
        ("exit @", "", "arithmetic"),
        ("printf %d @", "", "arithmetic"),
        ("printf %s @", "", ""),
        ("[ -t @ ]", "", "arithmetic"),
        ("[[ -t @ ]]", "", "arithmetic"),
        ("[[ a =~ @ ]]", "", "regex"),
        ("COLUMNS=@", "", "integer"),
        ("echo =@", "", "tilde"),
    ],
)
def test_zsh_evaluates_more(text: str, bash: str, zsh: str) -> None:
    assert (judged(text), judged(text, "zsh")) == ([bash], [zsh])


def test_an_error_replaces_a_warning() -> None:
    assert judged("rm a[@]") == ["pattern"]


def test_wrappers_inside_each_other_have_an_end() -> None:
    assert judged("sudo " * 10 + "eval @") == ["code"]
    assert judged("sudo " * 5000 + "rm @") == ["option"]

"""Quotes and expansions end where the shell ends them."""

from __future__ import annotations

import pytest

from unspool.compiler.shell_lexer import Lexer


def styles(text: str, shell: str = "bash") -> list[str]:
    """How each `@` is quoted, or why it is refused."""
    lexer = Lexer(text.replace("@", "\0"), shell).run()
    return [lexer.parsed.refused.get(number, (style,))[0] for number, style in enumerate(lexer.styles)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@", ["word"]),
        ('"@" @', ["quoted", "word"]),
        ("'@' @", ["single_quotes", "word"]),
        ("$'@\\'@' @", ["ansi_quotes", "ansi_quotes", "word"]),
        ('$"@" @', ["quoted", "word"]),
        ('"$\'@" @', ["quoted", "word"]),
        ("`@\\`@` @", ["backticks", "backticks", "word"]),
        ('"`@`@" @', ["backticks", "quoted", "word"]),
        ('"$(@ "@" \'@\')@" @', ["word", "quoted", "single_quotes", "quoted", "word"]),
        ("$((@)) @", ["arithmetic", "word"]),
        ("$(( (1) + $(@) )) @", ["word", "word"]),
        ("$[@[@]] @", ["arithmetic", "arithmetic", "word"]),
        ("${x:-@} @", ["word", "word"]),
        ('"${x:-@}@" @', ["quoted", "quoted", "word"]),
        ("${x:-'}'@} @", ["word", "word"]),
        ("${x:-\\}@} @", ["word", "word"]),
        ("${x#${y:-@}} @", ["parameter", "word"]),
        ("${x:=@} @", ["assigned_default", "word"]),
        ('"${x:=@}" @', ["quoted", "word"]),
        ("\\@ @", ["escaped", "word"]),
        ("\\\\@", ["word"]),
        ("$@ @", ["escaped", "word"]),
        ("a !(@|(@)) @", ["pattern", "pattern", "word"]),
    ],
)
def test_each_construct_ends_where_it_ends(text: str, expected: list[str]) -> None:
    assert styles(text) == expected


@pytest.mark.parametrize(
    "text",
    ["'@", '"@', "`@", "$'@", "$((@)", "${x:-{@", "\"${x:-'@", "$(('a'@))", '"${x:-"$(@)"}"', "$(@", "$\\\n(@)"],
)
def test_what_is_not_certain_is_doubted(text: str) -> None:
    assert set(styles(text)) <= {"doubt", "arithmetic"}


def test_shells_differ_where_they_differ() -> None:
    assert styles("$[1] @", "sh") == ["doubt"]
    assert styles("$'a\\'' @", "sh") == ["doubt"]
    assert styles("$a[x y] @", "zsh") == ["doubt"]
    assert styles("$a[1] @", "zsh") == ["word"]
    assert styles("$a:s/a/b/ @", "zsh") == ["doubt"]
    assert styles("${(j:x:)a} @", "zsh") == ["doubt"]


def test_nesting_has_an_end() -> None:
    assert styles("$(" * 50 + "@" + ")" * 50) == ["word"]
    assert styles("$(" * 500 + "@" + ")" * 500) == ["doubt"]

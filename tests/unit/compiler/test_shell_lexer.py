"""Operators, parentheses, comments and here-documents are found where the shell finds them."""

from __future__ import annotations

import pytest

from unspool.compiler.shell_lexer import Lexer
from unspool.compiler.shell_words import HOLE


def lexed(text: str, shell: str = "bash") -> Lexer:
    return Lexer(text.replace("@", HOLE), shell).run()


def styles(text: str, shell: str = "bash") -> list[str]:
    """How each `@` is quoted, or why it is refused."""
    lexer = lexed(text, shell)
    return [lexer.parsed.refused.get(number, (style,))[0] for number, style in enumerate(lexer.styles)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a # @\n@", ["comment", "word"]),
        ("a#@", ["word"]),
        ("(#@\n@)", ["comment", "word"]),
        ("cat <<A\n@\nA\n@", ["quoted", "word"]),
        ("cat <<'A'\n@\nA\n@", ["quoted_document", "word"]),
        ("cat <<-A\n\t@\n\tA\n@", ["quoted", "word"]),
        ("cat <<A\n\tA\n@\nA\n@", ["quoted", "word"]),
        ("cat <<A @; cat <<'B' @\n@\nA\n@\nB\n@", ["word", "word", "quoted", "quoted_document", "word"]),
        ("(cat <<A\n@\nA\n) @", ["quoted", "word"]),
        ("cat <<A\n$(cat <<B\n@ '\nB\n)@\nA\n@", ["quoted", "quoted", "word"]),
        ("cat <<A\nx\\\ny\nA\n@", ["word"]),
        ("x=(@ '@') @", ["word", "single_quotes", "word"]),
        ("[[ @ == '@' ]] && @", ["word", "single_quotes", "word"]),
        ("[[ a =~ (@) ]]; @", ["pattern", "word"]),
        ("((@)); @", ["arithmetic", "word"]),
        ("(case a in b) @;; esac) @", ["word", "word"]),
        ("f() { @; }", ["word"]),
        ("@() { :; }; @", ["name", "word"]),
        ("ls >&@ @", ["descriptor", "word"]),
        ("ls 2>@ &>@ @", ["word", "word", "word"]),
    ],
)
def test_each_construct_ends_where_it_ends(text: str, expected: list[str]) -> None:
    assert styles(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "cat <<A\n@\nB",
        "cat <<$A\n@",
        "cat <<A 'x\ny' @\nA",
        "cat <<A\nx\\\nA\n@\nA",
        "$(cat <<A) @\nA",
        "cat <<A\n$(\nA\n) @",
        "$(cat <<A\nA x) @\nA\n)",
        "a (b) @",
        "a) @",
        "(@",
        "case a in b) @",
        "[[ a @",
        "x=(a; @)",
        "x<\\\n<A @",
    ],
)
def test_what_is_not_certain_is_doubted(text: str) -> None:
    assert styles(text) == ["doubt"]


def test_a_doubt_leaves_what_stands_before_it() -> None:
    assert styles("ls @\na (b) @") == ["word", "doubt"]
    assert lexed("ls @\na (b) @").parsed.refused == {1: ("doubt", "line 2: a parenthesis in an unusual place")}


def test_a_document_knows_its_command() -> None:
    parsed = lexed("ls | cat <<A | wc\n@\nA").parsed
    ((pipeline, place, holes),) = parsed.inputs
    assert [command.words[0].literal for command in pipeline] == ["ls", "cat", "wc"]
    assert (place, holes) == (1, [0])

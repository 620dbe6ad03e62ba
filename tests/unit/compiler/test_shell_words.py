"""Words become commands: reserved words, assignments, pipelines, redirections."""

from __future__ import annotations

import pytest

from unspool.compiler.shell_words import DYNAMIC, HOLE, QUOTED, Doubt, Parsed, Reader, Word


def read(text: str, shell: str = "bash") -> Parsed:
    """Feed words and the separators `;`, `|`, `;;` and newline, set apart by blanks."""
    parsed = Parsed()
    reader = Reader(parsed, shell)
    for at, piece in enumerate(text.split(" ")):
        if piece in {";", "|", ";;", "\n"}:
            reader.end_command(piece)
        elif piece == ")":
            reader.end_word()
            reader.expect = "command"
        else:
            reader.add(at, piece, piece)
            reader.end_word()
    reader.end_command(";")
    return parsed


def commands(text: str, shell: str = "bash") -> list[list[tuple[list[str], list[str]]]]:
    return [
        [([word.literal for word in one.prefix], [word.literal for word in one.words]) for one in pipeline]
        for pipeline in read(text, shell).pipelines
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ls -l", [[([], ["ls", "-l"])]]),
        ("a=1 b+=2 ls c=3", [[(["a=1", "b+=2"], ["ls", "c=3"])]]),
        ("ls ; pwd", [[([], ["ls"])], [([], ["pwd"])]]),
        ("ls | wc | cat", [[([], ["ls"]), ([], ["wc"]), ([], ["cat"])]]),
        ("ls | \n wc", [[([], ["ls"]), ([], ["wc"])]]),
        ("if ls ; then pwd ; fi", [[([], ["ls"])], [([], ["pwd"])]]),
        ("for x in a b ; do ls ; done", [[([], ["ls"])]]),
        ("for x \n in a \n do ls ; done", [[([], ["ls"])]]),
        ("echo if then", [[([], ["echo", "if", "then"])]]),
        ("case a in b ) ls ;; c ) pwd ;; esac ; id", [[([], ["ls"])], [([], ["pwd"])], [([], ["id"])]]),
        ("case a in esac ; id", [[([], ["id"])]]),
        ("time -p ls", [[([], ["ls"])]]),
    ],
)
def test_words_become_commands(text: str, expected: list[list[tuple[list[str], list[str]]]]) -> None:
    assert commands(text) == expected


def test_a_brace_among_arguments_is_reserved_in_zsh_only() -> None:
    assert commands("a { b", "zsh") == [[([], ["a"])], [([], ["b"])]]
    assert commands("a { b", "bash") == [[([], ["a", "{", "b"])]]


@pytest.mark.parametrize("text", ["case a b", "for x y", "coproc ls", "a[1 +"])
def test_what_is_not_certain_is_doubted(text: str) -> None:
    with pytest.raises(Doubt):
        read(text)


def test_a_redirection_takes_the_next_word_and_no_command_does() -> None:
    parsed = Parsed()
    reader = Reader(parsed, "bash")
    reader.redirect = ">&"
    reader.hole(0, 0, HOLE)
    reader.end_command(";")
    assert parsed.refused == {0: ("descriptor", "")}
    assert parsed.pipelines == []


def test_a_word_keeps_its_text_and_its_shape_apart() -> None:
    word = Word(0)
    word.add("it is", QUOTED)
    word.add(DYNAMIC, DYNAMIC)
    assert not word.is_one_piece
    word.joined()
    assert (word.literal, word.shape, word.bare) == ("it is" + DYNAMIC, QUOTED + DYNAMIC, "")

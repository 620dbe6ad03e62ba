"""What is known of programs: which argument is code, which command starts another."""

from __future__ import annotations

import pytest

from unspool.compiler import shell_programs as programs
from unspool.compiler.shell_words import DYNAMIC, HOLE, Word


def words(text: str) -> list[Word]:
    """Plain words; `@` stands for an expression and `$` for what only the shell knows."""
    made = []
    for piece in text.replace("@", HOLE).replace("$", DYNAMIC).split():
        word = Word(0, [0] if HOLE in piece else [])
        word.add(piece, piece)
        made.append(word.joined())
    return made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sudo rm x", "rm x"),
        ("sudo -u me -n rm x", "rm x"),
        ("env -i A=1 B=@ rm x", "rm x"),
        ("nice -n 5 rm x", "rm x"),
        ("timeout -k 3 5 rm x", "rm x"),
        ("sudo -- rm x", "rm x"),
        ("kubectl exec pod -- rm x", "rm x"),
        ("kubectl get pods", ""),
        ("command -v x", ""),
        ("$ rm x", "rm x"),
    ],
)
def test_the_command_behind_a_wrapper(text: str, expected: str) -> None:
    assert [word.literal for word in programs.wrapped(words(text))] == expected.split()


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("sh -c A b c", [2]),
        ("sh -e -c -x A b", [4]),
        ("sh -ec A", [2]),
        ("sh script -c b", []),
        ("/usr/bin/python3.12 -c A", [2]),
        ("python script -c b", []),
        ("perl -ne A file", [2]),
        ("node --eval A", [2]),
        ("node --eval=@", [1]),
        ("docker exec x sh -c A b", [5]),
        ("su me -c A", [3]),
        ("ssh -p 22 host A B", [4, 5]),
        ("ssh -- host A", [3]),
        ("sed -n A file", [2]),
        ("sed -e A -e B file", [2, 4]),
        ("sed -f script file", []),
        ("awk -v x=1 A file", [3]),
        ("jq --arg x 1 A", [4]),
        ("sqlite3 db A", [2]),
        ("ls -c x", []),
    ],
)
def test_which_argument_is_code(text: str, places: list[int]) -> None:
    assert [place for place, _owner in programs.code_arguments(words(text))] == places


@pytest.mark.parametrize(
    "text", ["sh", "bash -s -- a", "sudo bash", "python -", "ssh host", "docker exec -i x bash", "psql db"]
)
def test_which_command_reads_code(text: str) -> None:
    assert programs.reads_code(words(text))


@pytest.mark.parametrize("text", ["cat", "sh script", "sh -c x", "ssh host cat", "python -c x", "psql -c x", "tee sh"])
def test_which_command_reads_data(text: str) -> None:
    assert not programs.reads_code(words(text))


def test_the_commands_of_find() -> None:
    found = programs.find_commands(words("find . -exec rm a ; -name b -ok ls +"))
    assert [[word.literal for word in one] for one in found] == [["rm", "a"], ["ls"]]


def test_arguments_that_may_begin_with_a_dash() -> None:
    assert programs.data_arguments(words("sh -c A b c")) == {3, 4}
    assert programs.data_arguments(words("grep -e a b")) == {2}
    assert programs.data_arguments(words("jq --arg a b .")) == {2, 3}
    assert programs.data_arguments(words("rm -f a")) == set()

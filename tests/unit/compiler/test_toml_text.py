"""What TOML means, where it stands, and what is said of TOML that is wrong."""

from __future__ import annotations

import pytest

from unspool.compiler.compile import compile_document
from unspool.compiler.text import load
from unspool.model.plan_json import plan_to_json

DOCUMENT = """\
# nightly
unspool = 1
name = "nightly"
limits.concurrency = 1_0

[inputs]
word = {type = "string", default = "hello"}

[tasks.a]
run = ["echo", "${{ inputs.word }}", 3.10, 1_000]
timeout = "30s"

[tasks.b]
depends_on = ["a"]
retry.max_attempts = 2
run = '''
echo "x" ${{ inputs.word }}
'''

[[tasks.c.retry.on]]
exit_code = [75]

[tasks.c]
run = "true"
"""
SAME = """\
unspool: 1
name: nightly
limits: {concurrency: 10}
inputs: {word: {type: string, default: hello}}
tasks:
  a: {run: [echo, "${{ inputs.word }}", 3.10, 1000], timeout: 30s}
  b: {depends_on: [a], retry: {max_attempts: 2}, run: "echo \\"x\\" ${{ inputs.word }}\\n"}
  c: {run: "true", retry: {on: [{exit_code: [75]}]}}
"""


def test_the_plan_is_that_of_the_same_document_in_yaml():
    toml, yaml = compile_document(DOCUMENT, "toml"), compile_document(SAME, "yaml")
    assert toml.diagnostics == yaml.diagnostics == ()
    assert toml.plan is not None
    assert yaml.plan is not None
    assert plan_to_json(toml.plan) == plan_to_json(yaml.plan)


@pytest.mark.parametrize(
    ("path", "on_key", "place"),
    [
        (("name",), False, (3, 8)),
        (("limits",), True, (4, 1)),
        (("limits", "concurrency"), True, (4, 8)),
        (("inputs", "word"), True, (7, 1)),
        (("inputs", "word", "default"), False, (7, 36)),
        (("tasks",), True, (9, 2)),
        (("tasks", "a"), True, (9, 8)),
        (("tasks", "a", "run", 2), False, (10, 38)),
        (("tasks", "b", "retry", "max_attempts"), False, (15, 22)),
        (("tasks", "c", "retry", "on", 0, "exit_code"), True, (21, 1)),
        (("tasks", "c", "retry", "on", 0, "exit_code", 0), False, (21, 14)),
        (("tasks", "c", "run"), True, (24, 1)),
    ],
)
def test_everything_has_a_place(path: tuple, on_key: bool, place: tuple[int, int]):
    assert load(DOCUMENT, "toml").locate.position(path, on_key=on_key) == place


@pytest.mark.parametrize(
    ("value", "offset", "place"),
    [
        (r'"a\u00e9\tb"', 3, (1, 15)),
        (r"'a\b'", 2, (1, 8)),
        ('"""ab"""', 1, (1, 9)),
        ('"""\nab\ncd"""', 3, (3, 1)),
        ('"""\r\nab\r\ncd"""', 4, (3, 2)),
        ('"""a \\\n   \n  b"""', 2, (3, 3)),
        ('"""\\\n  b"""', 0, (2, 3)),
        ("'''\nab\ncd'''", 4, (3, 2)),
        ('""""a"""', 1, (1, 9)),
    ],
)
def test_every_character_of_a_text_has_a_place(value: str, offset: int, place: tuple[int, int]):
    loaded = load(f"k = {value}\n", "toml")
    assert loaded.diagnostics == ()
    assert loaded.locate.position(("k",), offset=offset) == place


@pytest.mark.parametrize(
    ("text", "code", "place", "message", "hint"),
    [
        ("a = 1\na = 2", "UNS006", (2, 1), "`a` is given here for the second time; the first is on line 1", "remove"),
        ("[a]\nb = 1\n[a]\nc = 2", "UNS006", (3, 1), "`a` is given here for the second time; the first is", "remove"),
        ("a.b = 1\na = 2", "UNS006", (2, 1), "the first is on line 1", "remove"),
        ("a = 1\na.b = 2", "UNS006", (2, 1), "the first is on line 1", "remove"),
        ("[[t]]\na = 1\n[t]", "UNS006", (3, 1), "`t` is given here for the second time", "remove"),
        ("a = {b = 1, b = 2}", "UNS006", (1, 18), "a key stands twice", "remove"),
        ("a = yes", "UNS001", (1, 5), "this is not TOML: invalid value", "write true"),
        ("a = True", "UNS001", (1, 5), "invalid value", "write true"),
        ("a = null", "UNS001", (1, 5), "invalid value", "TOML has no null: leave the key out"),
        ("a = word", "UNS001", (1, 5), "invalid value", 'quote it: "word"'),
        ("a = ", "UNS001", (1, 4), "where the document ends", "behind the `=`"),
        ('a = "x', "UNS001", (1, 7), "unterminated string", "close it"),
        (r'a = "\q"', "UNS001", (1, 8), "unescaped", "single quotes"),
        ("name: hello", "UNS001", (1, 5), "expected '='", "write `key = value`"),
        ("a = [1, 2", "UNS001", (1, 10), "unclosed array", "close it with ]"),
        ("a = 1 b = 2", "UNS001", (1, 7), "expected newline", "on a line of its own"),
        ("a = '\x00'", "UNS004", (1, 6), "U+0000", "escape"),
        ("d = 1979-05-27", "UNS015", (1, 5), "`1979-05-27` is a date", 'quote it: "1979-05-27"'),
        ("d = [07:32:00]", "UNS015", (1, 6), "`07:32:00` is a date or a time", "quote it"),
        ("x = -inf", "UNS015", (1, 5), "`-inf` is a number that JSON cannot hold", "quote it"),
        (f"x = {'[' * 65}{']' * 65}", "UNS005", (1, 68), "deeper than 64", "less nesting"),
        (f"x = {'[' * 9999}{']' * 9999}", "UNS005", (1, 69), "deeper than 64", "less nesting"),
        (f"y = 1\nx = {'9' * 5000}", "UNS005", (2, 5), "5,000 digits", "quote it"),
        (f"x = 1.{'9' * 5000}", "UNS005", (1, 5), "digits", "quote it"),
        (f"{'k' * 1001} = 1", "UNS005", (1, 1), "1,001 characters", "shorten it"),
        ("# nothing\n", "UNS013", (1, 1), "the document is empty", "`key = value`"),
    ],
)
def test_what_is_wrong_is_told(text: str, code: str, place: tuple[int, int], message: str, hint: str):
    found = load(text, "toml").diagnostics
    assert [one.code for one in found] == [code]
    assert found[0].position == place
    assert message in found[0].message
    assert hint in (found[0].hint or "")


@pytest.mark.parametrize("spelt", ["12345678901234567890", "0x1_FFFF_FFFF_FFFF_FFFF", "3.10", "1e400"])
def test_numbers_that_lose_digits_are_suspects(spelt: str):
    assert [(one.kind, one.text) for one in load(f"x = {spelt}", "toml").suspects] == [("lossy_number", spelt)]


def test_a_document_of_many_nodes_is_read_in_time_that_grows_with_it():
    text = "".join(f"[tasks.t{number}]\nrun = ['echo', 'x']\n" for number in range(3000))
    loaded = load(f"unspool = 1\nname = 'many'\n{text}", "toml")
    assert len(loaded.value["tasks"]) == 3000
    assert loaded.locate.position(("tasks", "t2999", "run", 1)) == (6002, 16)

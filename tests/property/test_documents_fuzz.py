"""Documents made at random: what is written is read, everything has a place, and no text raises."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.toml_writer import TomlWriter
from unspool.compiler.locate import Lines
from unspool.compiler.render import render
from unspool.compiler.text import Loaded, load

_PLAIN = re.compile(r"[a-zA-Z_/][a-zA-Z0-9_/.$=-]*(?: [a-zA-Z0-9_/.]+)*")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
_PRINTABLE = re.compile(r"[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    st.sampled_from("ab é😀\n'\"\\#:{}[],&*!|>%@`-?$ "), max_size=12
)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=10
)
maps = st.dictionaries(texts, values, max_size=4)


class Writer:
    """Writes a value as YAML in styles drawn at random, with no code of the reader."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def document(self, value: dict[str, Any]) -> str:
        return (self.block(value, 0).lstrip("\n") or "{}") + "\n"  # which the last literal needs

    def block(self, value: Any, indent: int) -> str:
        """Everything behind the `:` or the `-`."""
        if not value or not isinstance(value, dict | list) or self.chance.random() < 0.3:
            return " " + self.flow_or_literal(value, indent)
        pad = "\n" + " " * indent
        if isinstance(value, list):
            return "".join(f"{pad}-{self.block(item, indent + 2)}" for item in value)
        return "".join(f"{pad}{self.key(key)}:{self.block(item, indent + 2)}" for key, item in value.items())

    def flow_or_literal(self, value: Any, indent: int) -> str:
        literal = isinstance(value, str) and value.strip(" \n") and _PRINTABLE.fullmatch(value)
        if literal and not value.startswith((" ", "\n", "\t")) and self.chance.random() < 0.4:
            body = value.rstrip("\n")
            chomp = {0: "-", 1: ""}.get(len(value) - len(body), "+")
            lines = (" " * (indent + 1) + line if line else "" for line in body.split("\n"))
            return f"|{chomp}\n" + "\n".join(lines) + "\n" * max(0, len(value) - len(body) - 1)
        return self.flow(value)

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.key(key)}: {self.flow(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.flow, value)) + "]"
        return self.text(value) if isinstance(value, str) else json.dumps(value)

    def key(self, key: str) -> str:
        return self.text(key)

    def text(self, text: str) -> str:
        style = self.chance.random()
        if style < 0.5 and _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
            return text
        if style < 0.8 and "\n" not in text and _PRINTABLE.fullmatch(text):
            return "'" + text.replace("'", "''") + "'"
        escaped = "".join(map(_escape, text))
        return f'"{escaped}"'


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if _PRINTABLE.fullmatch(char) and char not in "\n\t":
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, key))
    else:
        yield path, value


def same(left: Any, right: Any) -> bool:
    """Equal, with 1, 1.0 and True told apart."""
    return json.dumps(left) == json.dumps(right)


def index_of(lines: Lines, position: tuple[int, int]) -> int:
    return lines.starts[position[0] - 1] + position[1] - 1


def check_places(loaded: Loaded) -> None:
    """Every scalar is found where it stands, and so is every character of it that the text spells as it is."""
    lines = Lines(loaded.text)
    for path, value in leaves(loaded.value):
        spelling = loaded.locate.source_text(path)
        start = index_of(lines, loaded.locate.position(path))
        assert spelling is not None
        assert loaded.text.startswith(spelling, start)
        if not isinstance(value, str):
            assert json.loads(spelling) == value
            continue
        for offset, char in enumerate(value):
            index = index_of(lines, loaded.locate.position(path, offset=offset))
            assert loaded.text[index : index + 1] in (char, "\\", "")


@settings(max_examples=150)
@given(maps, st.booleans(), st.sampled_from([None, 2]))
def test_json_is_read_as_it_was_written(document, ensure_ascii, indent):
    loaded = load(json.dumps(document, ensure_ascii=ensure_ascii, indent=indent), "json")
    assert loaded.diagnostics == loaded.suspects == ()
    assert same(loaded.value, document)
    check_places(loaded)


@settings(max_examples=150)
@given(maps, st.randoms(use_true_random=False))
def test_yaml_is_read_as_it_was_written(document, chance):
    loaded = load(Writer(chance).document(document), "yaml")
    assert loaded.diagnostics == loaded.suspects == ()
    assert same(loaded.value, document)
    check_places(loaded)


@settings(max_examples=150)
@given(maps, st.randoms(use_true_random=False))
def test_toml_is_read_as_it_was_written(document, chance):
    document = without_null(document) or {"a": 1}
    loaded = load(TomlWriter(chance).document(document), "toml")
    assert loaded.diagnostics == loaded.suspects == ()
    assert loaded.value == document
    assert dict(leaves(loaded.value)) == dict(leaves(document))
    check_places(loaded)


def without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_null(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_null(item) for item in value if item is not None]
    return value


@settings(max_examples=40)
@given(maps, st.randoms(use_true_random=False))
def test_the_yaml_parser_in_python_reads_the_same(document, chance):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unspool.compiler.yaml_events.import_module", _refuse_c_parser)
        loaded = load(Writer(chance).document(document), "yaml")
    assert same(loaded.value, document)


def _refuse_c_parser(name: str) -> Any:
    import importlib

    if name == "_ruamel_yaml_clibz":
        raise ImportError(name)
    return importlib.import_module(name)


SEEDS = {
    "yaml": [
        """\
unspool: 1
name: nightly-quality
inputs:
  branch: {type: string, default: main, pattern: "[A-Za-z0-9/_.]+"}
  suites: {type: array, items: {type: string}, default: [unit, api]}
env: &env {CI: "1", VERSION: 1.10}
tasks:
  checkout:
    run: git fetch origin -- ${{ inputs.branch }}
    env: *env
  test:
    depends_on: [checkout]
    run: [pytest, -q, "tests/${{ inputs.suites }}", http://localhost:8000/?q]
    retry: {max_attempts: 3, delay: 2s, on: [timeout, {exit_code: [75]}]}
  report:
    depends_on: {test: completed}
    run: |
      # not a comment of YAML
      for name in a b; do
        echo 'é😀' "${{ tasks.test.state }}"
      done
    when: >-
      tasks.test.state == 'failed' and
      true
outputs: {failed: '${{ 1 + 1 }}'}
""",
        "a: &a [x, 'y''z', \"\\u00e9\\n\"]\nb: *a\n? c\n: |2-\n   d\n\n   e\nf: ~\n",
    ],
    "toml": [
        """\
unspool = 1 # the version
name = 'nightly'
limits.concurrency = 1_0
[inputs.branch]
type = "string"
default = "ma\\u00efn\\n"
[[extra]]
a = [1, 2.50, true, # ]
  { b = "c", "d.e" = 0x1F }, [-7]]
[[extra]]
[tasks."a b"]
run = \"\"\"
echo 'é😀' \\
  ${{ inputs.branch }}
\"\"\"
when.x = '''
a'''''
""",
    ],
    "json": [
        """\
{"unspool": 1, "name": "x\\u00e9\\n", "tasks": {"a": {"run": ["echo", "h", 1.5e3, -7], "timeout": null}},
 "outputs": {"b": [true, false, {}, [], "é😀"]}}
"""
    ],
}
PIECES = [
    b"${{ ", b" }}", b" # ", b": ", b"- ", b"\n", b"\n\t", b"\n  ", b"'", b'"', b"*x", b"&x ", b"!!t ", b"<<: ", b"{",
    b"}", b"[", b"]", b",", b"|\n", b">", b"\\", b"\0", b"\xff", b"\xc3", b"\xe2\x80\xa8", b"---\n", b"%", b"@", b"`",
    b"?", b"~", b".inf", b"1e999", b"9" * 30, b"\xef\xbb\xbf", b"\\ud800", b"//", b"NaN", b"\r",
]  # fmt: skip
TOML_PIECES = [
    *PIECES, b"1979-05-27 07:32:00Z", b"'''", b'"""', b"[inputs]\n", b"\nname = 1\n", b" = ", b"# ", b"nan", b"inf",
    b"=1979-05-27 #", b"\nname=1\n",
]  # fmt: skip


def mutant(chance: random.Random, seed: bytes, pieces: Sequence[bytes] = PIECES) -> bytes:
    """A document with one to four small accidents."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                del data[at:]
            case 1:
                del data[at : at + chance.randint(1, 8)]
            case 2:
                data[at:at] = chance.choice(pieces)
            case 3:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 4:
                data[at:at] = data[chance.randrange(len(data) + 1) :][: chance.randint(1, 40)]
            case _:
                data[at : at + 1] = chance.choice(pieces)
    return bytes(data)


def check_any(data: bytes, kind: str) -> Loaded:
    """What must hold for any bytes."""
    loaded = load(data, kind)
    lines = Lines(loaded.text)
    assert isinstance(loaded.value, dict | None)
    assert isinstance(loaded.value, dict) or loaded.diagnostics
    for found in loaded.diagnostics:
        line, column = found.position
        assert 1 <= line <= len(lines.starts)
        assert 1 <= column <= len(lines.content(line)) + 1
        assert found.message
        assert found.hint
        assert render(found, "f", loaded.text).count("\n") in (1, 3)
    if loaded.value is not None:
        json.dumps(loaded.value, allow_nan=False)
    for path, _, spelling in loaded.suspects:
        assert loaded.locate.source_text(path) == spelling
    return loaded


@pytest.mark.parametrize(
    ("kind", "pieces", "codes"), [("yaml", PIECES, 6), ("json", PIECES, 6), ("toml", TOML_PIECES, 3)]
)
def test_no_accident_raises_and_every_finding_has_a_place(kind, pieces, codes):
    chance = random.Random(f"accidents in {kind}")
    read = [check_any(mutant(chance, chance.choice(SEEDS[kind]).encode(), pieces), kind) for _ in range(800)]
    clean = sum(not loaded.diagnostics for loaded in read)
    assert 30 <= clean <= 600
    assert len({found.code for loaded in read for found in loaded.diagnostics}) >= codes


def test_no_accident_raises_in_the_parser_in_python(monkeypatch):
    monkeypatch.setattr("unspool.compiler.yaml_events.import_module", _refuse_c_parser)
    chance = random.Random("accidents in Python")
    for _ in range(120):
        check_any(mutant(chance, chance.choice(SEEDS["yaml"]).encode()), "yaml")


@pytest.mark.slow
def test_many_accidents():
    chance = random.Random("many accidents")
    for _ in range(10_000):
        kind = chance.choice(["yaml", "json", "toml"])
        check_any(mutant(chance, chance.choice(SEEDS[kind]).encode()), kind)


def test_accidents_in_json_are_refused_exactly_where_the_standard_library_refuses():
    chance = random.Random("JSON by two readers")
    for _ in range(400):
        data = mutant(chance, chance.choice(SEEDS["json"]).encode())
        loaded = load(data, "json")
        if any(found.code in ("UNS003", "UNS013", "UNS014") for found in loaded.diagnostics):
            continue
        try:
            expected = json.loads(loaded.text)
        except json.JSONDecodeError:
            assert loaded.value is None
            continue
        if not loaded.diagnostics:
            assert same(loaded.value, expected) or any(
                math.isinf(each) for _, each in leaves(expected) if type(each) is float
            )
        else:
            assert loaded.value is not None


@settings(max_examples=150)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.sampled_from(["yaml", "json", "toml"]))
def test_any_bytes_at_all(data, kind):
    check_any(data, kind)


@settings(max_examples=150)
@given(st.text(st.sampled_from("ab1 \n\t:-?#&*!|>'\"%@`{}[],<$~.\\"), max_size=40))
def test_any_mixture_of_signs(text):
    check_any(text.encode(), "yaml")

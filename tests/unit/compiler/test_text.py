"""Loading a document: bytes, encodings, limits, and a list of documents that have broken other readers."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest

from tests.unit.compiler.nasties import ALL
from unspool.compiler import text, yaml_text
from unspool.compiler.locate import Lines
from unspool.compiler.render import render
from unspool.compiler.text import CODES, load


def codes(data: str | bytes, kind: str = "yaml") -> list[str]:
    return [one.code for one in load(data, kind).diagnostics]


def refuse_c_parser(name: str, import_module=importlib.import_module):
    if name == "_ruamel_yaml_clibz":
        raise ImportError(name)
    return import_module(name)


@pytest.fixture(params=["C parser", "Python parser"])
def parser(request, monkeypatch):
    if request.param == "Python parser":
        monkeypatch.setattr("unspool.compiler.yaml_events.import_module", refuse_c_parser)
    return request.param


def test_there_are_enough_nasties():
    assert len(ALL) >= 120


@pytest.mark.parametrize("name", ALL)
def test_a_nasty_document_is_refused_with_a_code_a_place_and_a_way_out(name):
    kind, data, code = ALL[name]
    loaded = load(data, kind)
    assert [one.code for one in loaded.diagnostics] == [code]
    (found,) = loaded.diagnostics
    lines = Lines(loaded.text)
    assert found.position is not None
    assert found.position.column <= len(lines.content(found.position.line)) + 1
    assert found.position.line <= len(lines.starts)
    assert found.hint
    assert found.code in CODES
    assert render(found, "f", loaded.text).startswith(
        f"f:{found.position.line}:{found.position.column}: error[{code}]: "
    )


@pytest.mark.parametrize("name", [name for name, (kind, *_) in ALL.items() if kind == "yaml"])
def test_both_yaml_parsers_agree_on_what_is_wrong(name, monkeypatch):
    _, data, code = ALL[name]
    monkeypatch.setattr("unspool.compiler.yaml_events.import_module", refuse_c_parser)
    assert codes(data) == [code]


def test_every_code_has_a_meaning_and_is_used():
    table = Path(text.__file__).read_text().partition("CODES = {")[2].partition("}")[0]
    folder = Path(text.__file__).parent
    sources = "".join(path.read_text() for path in folder.glob("*.py"))
    used = set(re.findall(r'"(UNS0[01]\d)"', sources.replace(table, "")))
    assert used == set(CODES)


@pytest.mark.parametrize("data", ["a: é", "a: é".encode(), "\ufeffa: é", "\ufeffa: é".encode()])
def test_text_and_bytes_with_and_without_a_mark_are_the_same(data):
    loaded = load(data, "yaml")
    assert (loaded.value, loaded.diagnostics, loaded.text) == ({"a": "é"}, (), "a: é")
    assert loaded.locate.position(("a",)) == (1, 4)


def test_a_mark_is_no_part_of_json_either():
    assert load(b'\xef\xbb\xbf{"a": 1}', "json").value == {"a": 1}


@pytest.mark.parametrize(
    ("data", "place", "says"),
    [
        (b"a: 1\nb: \xff\n", (2, 4), "byte 0xFF (number 9 "),
        ("a: é\nb: ".encode() + b"\xe9", (2, 4), "byte 0xE9"),
        (b"\xef\xbb\xbf\xff", (1, 1), "byte 0xFF (number 1 "),
        ("a: 1".encode("utf-16"), (1, 1), "the text is UTF-16"),
        ("a: 1".encode("utf-32-be"), (1, 1), "not UTF-8"),
    ],
)
def test_another_encoding_is_named_with_its_place(data, place, says):
    (found,) = load(data, "yaml").diagnostics
    assert found.code == "UNS003"
    assert found.position == place
    assert says in found.message


def test_a_text_beyond_the_limit_is_not_even_decoded(monkeypatch):
    monkeypatch.setattr(text, "MAX_BYTES", 3)
    assert codes(b"a: 1") == codes("a: 1") == ["UNS005"]
    assert codes(b"a: ") == []


@pytest.mark.parametrize("name", [name for name, (*_, code) in ALL.items() if code == "UNS005"])
def test_a_limit_is_named_where_it_is_passed(name):
    kind, data, _ = ALL[name]
    assert "limit" in load(data, kind).diagnostics[0].message


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_too_many_values(monkeypatch, kind):
    monkeypatch.setattr(yaml_text, "MAX_NODES", 20)
    monkeypatch.setattr("unspool.compiler.json_text.MAX_NODES", 20)
    monkeypatch.setattr("unspool.compiler.json_scan.MAX_NODES", 20)
    assert codes(json.dumps({"a": [1] * 17}), kind) == []
    assert codes(json.dumps({"a": [1] * 18}), kind) == ["UNS005"]


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_depth_up_to_the_limit(kind):
    assert codes('{"a": ' + "[" * 63 + "]" * 63 + "}", kind) == []
    assert codes('{"a": ' + "[" * 64 + "]" * 64 + "}", kind) == ["UNS005"]


def test_independent_mistakes_are_found_in_one_pass(parser):
    found = codes(
        "a: 1\na: 2\nb: !x y\n3: z\nc: *nowhere\n<<: {}\n? [k]\n: v\nd: .inf\ne: ${{ f # }}\nf: {g: 1, g: 1}\n"
    )
    assert found == ["UNS006", "UNS007", "UNS008", "UNS010", "UNS009", "UNS008", "UNS015", "UNS016", "UNS006"]


def test_mistakes_before_a_syntax_error_are_still_told(parser):
    assert codes("a: 1\na: 2\nb: [\n") == ["UNS006", "UNS001"]


def test_a_document_with_small_mistakes_keeps_its_value(parser):
    loaded = load("a: 1\na: 2\n3: z\n<<: {x: 1}\nb: !t c\n", "yaml")
    assert loaded.value == {"a": 1, "3": "z", "b": "c"}
    assert load("a: [", "yaml").value is None


def test_json_is_yaml_too(parser):
    document = {"a": [1, 2.5, None, True, {"b": 'c\n"\\/\té😀'}], "": {}}
    for ensure_ascii in (True, False):
        dumped = json.dumps(document, ensure_ascii=ensure_ascii)
        assert load(dumped, "json")[:2] == (document, ())
    assert load(json.dumps(document, ensure_ascii=False), "yaml")[:2] == (document, ())


def test_importing_the_reader_imports_no_parser():
    import subprocess
    import sys

    code = "import sys, unspool.compiler.text; print([m for m in sys.modules if m.split('.')[0] in ('ruamel', 'json')])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"

"""JSON to values: the fast reader and the scan give the same, and the scan says what is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool.compiler.json_scan import Scan
from unspool.compiler.json_text import outline_json
from unspool.compiler.locate import Lines
from unspool.compiler.text import load

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(documents, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_the_scan_reads_what_the_standard_library_writes(document, ensure_ascii, indent):
    text = json.dumps(document, ensure_ascii=ensure_ascii, indent=indent)
    scan = Scan(text, Lines(text))
    assert scan.value == document
    assert scan.findings == scan.suspects == []


@given(st.text(alphabet='{}[]",:01-.eE+ truefalsn\\u\n', max_size=12))
def test_the_scan_refuses_exactly_what_the_standard_library_refuses(text):
    scan = Scan(text, Lines(text))
    try:
        expected = json.loads(text)
    except json.JSONDecodeError:
        assert scan.findings or not text.strip()
        assert scan.value is None
    else:
        assert [one.code for one in scan.findings] in ([], ["UNS006"])
        if not scan.findings and not scan.suspects:
            assert scan.value == expected


@pytest.mark.parametrize(
    "text", ['{"a": 1.5, "b": [true, false, null, "x\\n", -0.0, 1E5]}', ' {"a" :\t{} }\r\n', '{"a": "\u2028\x7f"}']
)
def test_a_clean_document_never_meets_the_scan(monkeypatch, text):
    monkeypatch.setattr("unspool.compiler.json_text.Scan", None)
    assert load(text, "json")[:2] == (json.loads(text), ())


def test_suspects_have_path_kind_and_spelling():
    text = '{"a": [1.5, 3.10], "b": {"c": 1e400, "d": 12345678901234567890}, "e": "3.10"}'
    loaded = load(text, "json")
    assert loaded.diagnostics == ()
    assert loaded.value == {"a": [1.5, 3.1], "b": {"c": "1e400", "d": 12345678901234567890}, "e": "3.10"}
    assert loaded.suspects == (
        (("a", 1), "lossy_number", "3.10"),
        (("b", "c"), "lossy_number", "1e400"),
        (("b", "d"), "lossy_number", "12345678901234567890"),
    )


def test_mistakes_that_leave_the_structure_alone_are_found_in_one_pass():
    text = '{"a": NaN, "a": {"b": 3.10},\n "c": "\\ud800", "d": -Infinity, "d": [1, {"e": 1, "e": 2}]}'
    loaded = load(text, "json")
    assert [one.code for one in loaded.diagnostics] == ["UNS015", "UNS006", "UNS004", "UNS015", "UNS006", "UNS006"]
    assert loaded.value == {"a": "NaN", "c": "\ufffd", "d": "-Infinity"}
    assert loaded.suspects == ()


def test_pairs_of_escapes_are_one_character():
    assert load('{"a": "\\ud83d\\ude00"}', "json")[:2] == ({"a": "😀"}, ())


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ('{"a": 1,\n}', (1, 8), "a comma stands before `}`", "remove the comma"),
        ('{"a": [1, 2,]}', (1, 12), "a comma stands before `]`", "remove the comma"),
        ('{"a": 1} // x', (1, 10), "JSON has no comments", "write the workflow in YAML"),
        ("{'a': 1}", (1, 2), "text in JSON stands in double quotes", "replace the single quotes"),
        ("{a: 1}", (1, 2), "a key in double quotes is missing here", 'write "a"'),
        ('{"a": 1 "b": 2}', (1, 9), "a comma is missing before this", "put a comma"),
        ('{"a" 1}', (1, 6), "`:` is missing after the key `a`", "write one"),
        ('{"a": }', (1, 7), "a value is missing here", "write one, or null"),
        ('{"a": True}', (1, 7), "`True` is not a value in JSON", "write true"),
        ('{"a": None}', (1, 7), "`None` is not a value in JSON", "write null"),
        ('{"a": yes}', (1, 7), "`yes` is not a value in JSON", "write true"),
        ('{"a": hello}', (1, 7), "`hello` is not a value in JSON", 'quote it: "hello"'),
        ('{"a": 0123}', (1, 7), "`0123` is not a number in JSON", 'quote it: "0123"'),
        ('{"a": "x\n"}', (1, 7), "the text that opens here is not closed on its line", "close it"),
        ('{"a": "\t"}', (1, 8), "the character U+0009 cannot stand in a text", "write \\t instead"),
        ('{"a": "\x01"}', (1, 8), "the character U+0001 cannot stand in a text", "write \\u0001 instead"),
        ('{"a": "\\q"}', (1, 8), "this escape means nothing in JSON", "write \\\\"),
        ('{"a": [1,\n {"b": 2}', (1, 7), "this `[` is never closed", "close it with `]`"),
        ("{} x", (1, 4), "more text follows the end of the document", "remove it"),
        (
            '{"a": 1,\n "a": 2}',
            (2, 2),
            "the key `a` stands here for the second time; the first is on line 1",
            "remove one",
        ),
        ("[]", (1, 1), "the document is a list, not a map of keys and values", "tasks"),
        ("", (1, 1), "the document is empty", "braces"),
    ],
)
def test_each_mistake_has_its_place_its_words_and_a_way_out(text, place, message, hint):
    (found,) = load(text, "json").diagnostics
    assert (found.position, found.message) == (place, message)
    assert hint in (found.hint or "")


def test_depth_costs_no_recursion():
    (found,) = load('{"a":' * 200_000, "json").diagnostics
    assert (found.code, found.position) == ("UNS005", (1, 321))


def test_the_outline_goes_as_far_as_the_text_can_be_read():
    root = outline_json('{"a": [1, 2], "b": x')
    assert root is not None
    assert root.child("a").child(1).start == 10
    assert root.child("b") is None
    assert outline_json("") is None

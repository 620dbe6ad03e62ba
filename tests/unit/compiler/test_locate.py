"""From a path to a line and a column, in every style in which a scalar can be written."""

from __future__ import annotations

import pytest

from unspool.compiler.locate import Lines, resolve
from unspool.compiler.text import load
from unspool.model.diagnostics import Diagnostic, Position

DOCUMENT = """\
name: hello
tasks:
  build:
    run: [make, "a b", 'c']
    env: {A: 1.10, B: 0x1F}
  # a comment
  test:
    depends_on:
    - build
    run: |
      echo one
        echo two

      echo three
    when: >-
      first line
      second line
    empty:
outputs: &out {x: &deep 3.10}
again: *out
list: [*deep]
"""


def at(path, text=DOCUMENT, kind="yaml", **how):
    return tuple(load(text, kind).locate.position(path, **how))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("name",), (1, 7)),
        (("tasks",), (3, 3)),
        (("tasks", "build"), (4, 5)),
        (("tasks", "build", "run"), (4, 10)),
        (("tasks", "build", "run", 0), (4, 11)),
        (("tasks", "build", "run", 2), (4, 24)),
        (("tasks", "build", "env", "B"), (5, 23)),
        (("tasks", "test", "depends_on"), (9, 5)),
        (("tasks", "test", "depends_on", 0), (9, 7)),
        (("tasks", "test", "run"), (10, 10)),
        (("tasks", "test", "empty"), (18, 11)),
        (("outputs",), (19, 10)),
        (("outputs", "x"), (19, 19)),
    ],
)
def test_values(path, place):
    assert at(path) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("name",), (1, 1)),
        (("tasks", "test"), (7, 3)),
        (("tasks", "build", "env", "B"), (5, 20)),
        (("tasks", "build", "run", 1), (4, 17)),
        ((), (1, 1)),
        (("again", "x"), (19, 16)),
    ],
)
def test_keys(path, place):
    assert at(path, on_key=True) == place


@pytest.mark.parametrize(
    ("path", "place", "key_place"),
    [
        (("nowhere",), (1, 1), (1, 1)),
        (("tasks", "nowhere", "deeper"), (3, 3), (2, 1)),
        (("tasks", "build", "run", 3), (4, 10), (4, 5)),
        (("tasks", "build", "run", -1), (4, 10), (4, 5)),
        (("tasks", "build", "run", "x"), (4, 10), (4, 5)),
        (("tasks", 0), (3, 3), (2, 1)),
        (("name", "x"), (1, 7), (1, 1)),
    ],
)
def test_an_unknown_path_is_where_its_nearest_ancestor_is(path, place, key_place):
    assert at(path) == place
    assert at(path, on_key=True) == key_place
    assert at(path, offset=3) == place


def test_an_alias_has_its_own_place_and_its_content_that_of_the_anchor():
    assert at(("again",)) == (20, 8)
    assert at(("again", "x")) == (19, 19)
    assert at(("list", 0)) == (21, 8)
    assert at(("list", 0), offset=2) == (19, 27)


@pytest.mark.parametrize(
    ("path", "spelling"),
    [
        (("tasks", "build", "env", "A"), "1.10"),
        (("tasks", "build", "env", "B"), "0x1F"),
        (("tasks", "build", "run", 0), "make"),
        (("tasks", "build", "run", 1), '"a b"'),
        (("outputs", "x"), "3.10"),
        (("again", "x"), "3.10"),
        (("list", 0), "3.10"),
        (("tasks", "test", "empty"), ""),
        (("tasks", "test"), None),
        (("tasks", "nowhere"), None),
        (("again",), None),
    ],
)
def test_scalars_as_the_source_spells_them(path, spelling):
    assert load(DOCUMENT, "yaml").locate.source_text(path) == spelling


@pytest.mark.parametrize("spelling", ["1.10", "yes", "1e400", "TRUE", "null", "+5", "0o17", "12345678901234567890"])
@pytest.mark.parametrize("rest", ["", " ", "  # comment", "\n", "\n# comment\nb: 1"])
def test_the_spelling_has_neither_comment_nor_space(spelling, rest):
    assert load(f"a: {spelling}{rest}", "yaml").locate.source_text(("a",)) == spelling
    assert load(f"a: &x  # c\n  {spelling}{rest}", "yaml").locate.source_text(("a",)) == spelling


@pytest.mark.parametrize(
    ("text", "offset", "place"),
    [
        ("a: hello", 0, (1, 4)),
        ("a: hello", 4, (1, 8)),
        ("a: hello", 5, (1, 9)),
        ("a: 'hello'", 1, (1, 6)),
        ("a: 'it''s X'", 5, (1, 11)),
        ('a: "hello"', 1, (1, 6)),
        ('a: "\\t\\x41\\u0042\\U00000043X"', 4, (1, 27)),
        ('a: "\\"X"', 1, (1, 7)),
        ("a: &anchor hello", 1, (1, 13)),
        ("a: one\n  two", 2, (1, 6)),
        ("a: one\n  two", 4, (1, 4)),
        ("a: 'one\n  two'", 4, (1, 4)),
        ("a: |\n  one\n  two\n", 0, (2, 3)),
        ("a: |\n  one\n  two\n", 3, (2, 6)),
        ("a: |\n  one\n  two\n", 4, (3, 3)),
        ("a: |\n  one\n    two\n", 6, (3, 5)),
        ("a: |\n\n\n  one\n\n  two\n", 2, (4, 3)),
        ("a: |\n\n\n  one\n\n  two\n", 7, (6, 3)),
        ("a: |-  # comment\n  one\n  two", 5, (3, 4)),
        ("a: |\r\n  one\r\n  two\r\n", 5, (3, 4)),
        ("a: |2\n  one\n", 1, (1, 4)),
        ("a: >\n  one\n  two\n", 2, (2, 5)),
        ("a: >\n  one\n  two\n", 5, (1, 4)),
        ("a: |\n  é日X\n", 2, (2, 5)),
        ("a: hello", 99, (1, 4)),
    ],
)
def test_an_offset_into_a_scalar(text, offset, place):
    assert at(("a",), text, offset=offset) == place


def test_json_has_places_too():
    text = '{"a": [1.10,\n  {"b": "x\\ud83d\\ude00\\nX"}],\n "c": null}'
    assert at((), text, "json") == (1, 1)
    assert at(("a", 0), text, "json") == (1, 8)
    assert at(("a", 1, "b"), text, "json", on_key=True) == (2, 4)
    assert at(("a", 1, "b"), text, "json") == (2, 9)
    assert at(("a", 1, "b"), text, "json", offset=3) == (2, 25)
    assert at(("a", 9), text, "json") == (1, 7)
    locate = load(text, "json").locate
    assert [locate.source_text(path) for path in [("a", 0), ("c",), ("a",)]] == ["1.10", "null", None]


def test_a_valid_document_is_read_once(monkeypatch):
    from unspool.compiler import yaml_outline

    calls = []
    outline = yaml_outline.outline_yaml
    monkeypatch.setattr(yaml_outline, "outline_yaml", lambda text: calls.append(text) or outline(text))
    loaded = load(DOCUMENT, "yaml")
    assert not calls
    loaded.locate.position(("name",))
    loaded.locate.source_text(("name",))
    assert len(calls) == 1


def test_what_cannot_be_read_still_has_a_place():
    assert load("a: [", "yaml").locate.position(("a", 0)) == (1, 4)
    assert load('{"a": [', "json").locate.position(("a", 0)) == (1, 7)
    assert load("", "yaml").locate.position(("a",)) == (1, 1)
    assert load(b"\xff", "json").locate.position(("a",), offset=1, on_key=True) == (1, 1)


def test_the_first_of_equal_keys_is_the_one_that_is_found():
    assert at(("a",), "a: 1\na: 2") == (1, 4)
    assert at(("a",), '{"a": 1, "a": 2}', "json") == (1, 7)


def test_lines_end_as_in_an_editor():
    lines = Lines("a\r\nb\rc\nd\u2028e\x85")
    assert [lines.content(number) for number in range(7)] == ["", "a", "b", "c", "d\u2028e\x85", "", ""]
    assert lines.position(3) == (2, 1)
    assert lines.position(99) == lines.position(11) == (4, 5)
    assert lines.position(-1) == (1, 1)


def test_resolve_fills_places_sorts_and_drops_repetitions():
    locate = load(DOCUMENT, "yaml").locate
    same = Diagnostic("UNS030", "m", ("tasks", "test"))
    found = resolve(
        [
            Diagnostic("UNS031", "m", ("tasks", "test", "run"), offset=9),
            same,
            Diagnostic("UNS029", "m", ("tasks", "test")),
            same,
            Diagnostic("UNS032", "m", ("name",), position=Position(1, 1)),
            Diagnostic("UNS032", "m", ("tasks",), on_key=True),
        ],
        locate,
    )
    assert [(one.code, one.position) for one in found] == [
        ("UNS032", (1, 1)),
        ("UNS032", (2, 1)),
        ("UNS029", (8, 5)),
        ("UNS030", (8, 5)),
        ("UNS031", (12, 7)),
    ]

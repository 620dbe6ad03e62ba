"""YAML to values: what is read, what is shared, and the words for each trap."""

from __future__ import annotations

import pytest

from tests.unit.compiler.test_text import parser, refuse_c_parser  # noqa: F401  # `parser` is a fixture
from unspool.compiler import yaml_text
from unspool.compiler.text import load

_BACKTICK = "a value without quotes cannot start with a backtick"


def value(text: str):
    loaded = load(text, "yaml")
    assert loaded.diagnostics == ()
    return loaded.value


def only(text: str):
    (found,) = load(text, "yaml").diagnostics
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1", {"a": 1}),
        ("a: 1\n...\n", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n", {"a": 1}),
        ("--- # comment\na: 1\n", {"a": 1}),
        ("{a: [1, {b: }], c: ~}", {"a": [1, {"b": None}], "c": None}),
        ("a:\n- b\n- - c\n  - d\n", {"a": ["b", ["c", "d"]]}),
        ("? a\n: b\n", {"a": "b"}),
        ("a: 'it''s'\nb: \"x\\ty\"", {"a": "it's", "b": "x\ty"}),
        ("a: '1'\nb: \"true\"\nc: |\n  3\n", {"a": "1", "b": "true", "c": "3\n"}),
        ("a: |\n  x\n    y\nb: >-\n  x\n  y\nc: |+\n  x\n\n", {"a": "x\n  y\n", "b": "x y", "c": "x\n\n"}),
        ("a: |\r\n  x\r\n  y\r\n", {"a": "x\ny\n"}),
        ("yes: 1\non: 2\ny: 3\n'1': 4\n\"\": 5\n'<<': 6", {"yes": 1, "on": 2, "y": 3, "1": 4, "": 5, "<<": 6}),
        ("a: b#c\nd: e # f", {"a": "b#c", "d": "e"}),
        ("a: x:y\nb: http://x/?q#f", {"a": "x:y", "b": "http://x/?q#f"}),
        ("a: -1\nb: -x", {"a": -1, "b": "-x"}),
        ('a: "\\x41\\u00e9\\U0001F600\\0"', {"a": "Aé😀\0"}),
        ("a: é日😀\ufeff\ue000", {"a": "é日😀\ufeff\ue000"}),
        ("{}", {}),
    ],
)
def test_values(parser, text, expected):  # noqa: F811
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [curl, http://x/y:z?q=1&r]", ["curl", "http://x/y:z?q=1&r"]),
        ("a: [pytest, t/a.py::test_x, b?]", ["pytest", "t/a.py::test_x", "b?"]),
        ("a: [img:1.10, '\ue000:x', \"p:q\"]", ["img:1.10", "\ue000:x", "p:q"]),
        ('a: [{"b":c:d}, e: f:g]', [{"b": "c:d"}, {"e": "f:g"}]),
        ("a: [x:y, 12:30]", ["x:y", "12:30"]),
    ],
)
def test_colons_and_question_marks_inside_a_word_are_text_in_brackets_too(parser, text, expected):  # noqa: F811
    loaded = load(text, "yaml")
    assert loaded.value == {"a": expected}
    assert loaded.diagnostics == ()


def test_places_do_not_move_where_stand_ins_were_needed():
    locate = load("a: [http://x, {b: c:d, e: 3.10}]", "yaml").locate
    assert locate.source_text(("a", 0)) == "http://x"
    assert locate.position(("a", 1, "e")) == (1, 27)


def test_where_every_stand_in_is_taken_there_is_still_an_answer():
    taken = "".join(map(chr, range(0xE000, 0xE100)))
    assert only(f"a: [http://x, {taken}]").code == "UNS001"


def test_aliases_share_one_value(parser):  # noqa: F811
    read = value("a: &x {b: [1]}\nc: *x\nd: [*x, &y z, *y]\n")
    assert read == {"a": {"b": [1]}, "c": {"b": [1]}, "d": [{"b": [1]}, "z", "z"]}
    assert read["a"] is read["c"] is read["d"][0]


def test_an_alias_means_the_latest_anchor_before_it(parser):  # noqa: F811
    assert value("a: &x 1\nb: *x\nc: &x 2\nd: *x") == {"a": 1, "b": 1, "c": 2, "d": 2}
    assert value("a: &x [&x 1]\nb: *x") == {"a": [1], "b": 1}


@pytest.mark.parametrize(("aliases", "fits"), [(9, True), (10, False)])
def test_what_aliases_stand_for_is_counted_before_it_is_made(monkeypatch, aliases, fits):
    monkeypatch.setattr(yaml_text, "MAX_ALIAS_NODES", 9 * 4)
    text = "a: &x [1, {b: 2}]\nc: [" + ", ".join(["*x"] * aliases) + "]"
    assert (load(text, "yaml").diagnostics == ()) is fits


def test_an_alias_in_an_anchored_value_counts_there_too(monkeypatch):
    monkeypatch.setattr(yaml_text, "MAX_ALIAS_NODES", 3 + 2 * (1 + 2 * 3))
    head = "a: &x [1, 2]\nb: &y [*x, 3, 4, 5]\nc: "
    assert load(head + "[*y]", "yaml").diagnostics == ()
    assert load(head + "[*y, *y]", "yaml").value is not None
    assert only(head + "[*y, *y, *y]").code == "UNS011"


def test_an_alias_bomb_costs_no_memory():
    import tracemalloc

    from tests.unit.compiler.nasties import YAML

    load("a: &x 1\nb: *x", "yaml")
    tracemalloc.start()
    load(YAML["an alias bomb"][0], "yaml")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_suspects_have_path_kind_and_spelling(parser):  # noqa: F811
    text = "a: yes\nb: [3.10, 'no', off, 1.5]\nc: {d: 0123}\non: 1\ne: |\n  yes\n"
    assert load(text, "yaml").suspects == (
        (("a",), "yes_no", "yes"),
        (("b", 0), "lossy_number", "3.10"),
        (("b", 2), "yes_no", "off"),
        (("c", "d"), "lossy_number", "0123"),
    )


def test_an_alias_to_a_suspect_is_one_too(parser):  # noqa: F811
    text = "a: &x {b: [&y 3.10, no]}\nc: {d: *x}\ne: *y\nf: &z on\ng: *z\n"
    assert [(path, spelling) for path, _, spelling in load(text, "yaml").suspects] == [
        (("a", "b", 0), "3.10"),
        (("a", "b", 1), "no"),
        (("c", "d", "b", 0), "3.10"),
        (("c", "d", "b", 1), "no"),
        (("e",), "3.10"),
        (("f",), "on"),
        (("g",), "on"),
    ]


def test_what_is_thrown_away_is_not_suspect(parser):  # noqa: F811
    loaded = load("a: 1\na: {b: yes}\n<<: {c: [3.10]}\n? [d]\n: no\n", "yaml")
    assert loaded.suspects == ()
    assert loaded.value == {"a": 1}


def test_only_the_first_document_is_read(parser):  # noqa: F811
    loaded = load("a: 1\n---\nb: 2\n---\nc: 3\n", "yaml")
    assert [one.code for one in loaded.diagnostics] == ["UNS012"]
    assert loaded.value == {"a": 1}


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("a: b: c", (1, 5), "a second `: ` on the same line", "quote the whole value"),
        ("a: b\n  c: d", (2, 4), "a key cannot stand here, below a value", "the indentation of the keys beside it"),
        ("a: 1\nb:2\nc: 3", (2, 2), "the `:` after `b` has no space behind it", "write `b: 2`"),
        ("a: {b:1}", (1, 8), "the `:` after `b` has no space behind it", "write `b: 1`"),
        ("a:\n\tb: 1", (2, 1), "a tab stands where YAML wants spaces", "indent with spaces only"),
        ("a:\n  b: 1\n c: 2", (3, 2), "this does not fit the map that begins on line 1", "the same indentation"),
        ("a: 'x' y", (1, 8), "text follows the closing quote", "put the whole value inside the quotes"),
        ("a: 'x\nb: 1", (1, 4), "the quote that opens here is never closed", "close it"),
        ("a: [1,\n  2", (1, 4), "this `[` is never closed", "close it with `]`"),
        ("a: {b: [1]\n\n", (1, 4), "this `{` is never closed", "close it with `}`"),
        ("a: {", (1, 5), "the document ends before a `[` or `{` is closed", "close it"),
        ("a: [1}", (1, 6), "the list that begins on line 1 goes on without `,` or `]`", "`]` behind the last"),
        ('a: "\\d"', (1, 5), 'this escape means nothing inside "..."', "double the backslash"),
        ("a: - b", (1, 4), "a list with `- ` cannot begin here", "on a line of its own"),
        ("a: 1\nb\n", (2, 1), "this is neither a key with a `:` nor part of the value above", "write `key: value`"),
        ("a: [src/*.py, *.py]", (1, 15), "a value without quotes cannot start with `*`", "as in '*.py'"),
        ("a: `date`", (1, 4), "a value without quotes cannot start with a backtick", "as in '`date`'"),
        (
            "a: {b: c, `d`}",
            (1, 11),
            _BACKTICK,
            "a comma ends a value inside `{ }`: quote the whole text, as in b: 'c, ...'",
        ),
        ("a: {x: 1, b: it's `c`, d, `e`}", (1, 27), _BACKTICK, """as in b: "it's `c`, ...\""""),
        ("a: {b: [c, `d`]}", (1, 12), _BACKTICK, "quote the whole value, as in '`d`'"),
        ("a: *py", (1, 4), "no anchor `&py` stands before this alias", "or quote the value: '*py'"),
        (
            "%YAML 1.1\n---\na: 1",
            (1, 1),
            "the directive `%YAML 1.1` is not supported; YAML 1.2 is read",
            "remove the line",
        ),
        (
            "a: 1\nb: 2\na: 3",
            (3, 1),
            "the key `a` stands here for the second time; the first is on line 1",
            "another name",
        ),
        ("a: &x !!int 3", (1, 7), "the tag `!!int` is not supported", "remove it"),
        ("on: 1\n3.10: 2", (2, 1), "the key `3.10` is not text", 'quote it: "3.10"'),
        ("a: {{ x }}", (1, 5), "a key must be text, not a list, a map or an alias", "'${{ ... }}'"),
        ("a: {<<: b}", (1, 5), "merge keys (`<<`) are not supported", "write the keys out"),
        ("a: .NaN", (1, 4), "`.NaN` is a number that JSON cannot hold", 'quote it if you mean the word: ".NaN"'),
        ("a: \x00", (1, 4), "the character U+0000 cannot stand in a document", 'inside double quotes as "\\x00"'),
        ("a: x\u2028y", (1, 5), "the character U+2028 cannot stand in a document", 'inside double quotes as "\\u2028"'),
        ("a:\n- b\n---\nc", (3, 1), "a second document begins here", "remove the `---`"),
        ("- a", (1, 1), "the document is a list, not a map of keys and values", "under `tasks:`"),
        ("a:1", (1, 1), "the document is one value, not a map of keys and values", "a space behind it"),
    ],
)
def test_each_trap_has_its_place_its_words_and_a_way_out(text, place, message, hint):
    found = only(text)
    assert (found.position, found.message) == (place, message)
    assert hint in (found.hint or "")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [${{ x }}]", (1, 6)),
        ("a: {b: ${{ x }}}", (1, 9)),
        ("a: ${{ x }}: y", (1, 12)),
        ("a: ${{ b: c }}", (1, 9)),
        ("a: '${{ x }}\nb: 1\n", (1, 4)),
        ('a: "${{ x }}" y', (1, 15)),
        ("a: {{ x }} ${{ y }}", (1, 12)),
    ],
)
def test_an_error_on_the_line_of_an_expression_asks_for_quotes(text, place):
    found = load(text, "yaml").diagnostics[-1]
    assert found.position == place
    assert found.hint == "quote the expression: '${{ ... }}'"


@pytest.mark.parametrize(
    ("text", "first"),
    [("a:\n\tb: ${{ x }}", "indent with spaces only"), ("a: 1\nb:${{ x }}\nc: 2", "write `b: ${{ x }}`")],
)
def test_a_mistake_beside_the_expression_comes_first(text, first):
    assert only(text).hint == f"{first}, and quote the expression: '${{{{ ... }}}}'"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a: ${{ x # y }}", 10),
        ("a: b ${{ x }} ${{ y # z }}", 21),
        ("a: ${{ x  \t# y }}", 12),
        ("a: -n=${{ x # y }}", 13),
        ("a: 5${{ # x }}", 9),
        ("a: $${{ x }} ${{ y #", 20),
    ],
)
def test_a_comment_that_cuts_an_expression_is_found_though_yaml_is_content(parser, text, column):  # noqa: F811
    found = only(text)
    assert (found.code, found.position) == ("UNS016", (1, column))
    assert found.hint == "quote the expression: '${{ ... }}'"


@pytest.mark.parametrize(
    "text",
    [
        "a: ${{ x }} # y",
        "a: ${{ x#y }}",
        "a: '${{ x # y }}'",
        "a: |\n  ${{ x # y }}",
        "a: $${{ x # y",
        "a: ${{ x\n# y",
        "a: ${ x # y",
        "a: ${{ x",
    ],
)
def test_other_comments_and_expressions_are_left_alone(parser, text):  # noqa: F811
    assert load(text, "yaml").diagnostics == ()


def test_an_unclosed_expression_on_another_line_is_not_blamed_for_a_syntax_error():
    assert only("a: '${{ x # y }}'\nb: 1\nc: [").code == "UNS001"


def test_keys_are_kept_in_memory_once(monkeypatch):
    read = value("a: {long_key_name: 1}\nb: {long_key_name: 2}")
    first, second = (next(iter(read[name])) for name in "ab")
    assert first is second


def test_without_the_c_parser_the_other_one_reads(monkeypatch):
    monkeypatch.setattr("unspool.compiler.yaml_events.import_module", refuse_c_parser)
    loaded = load("a: [1, {b: 'c'}]\nd: |\n  e\n", "yaml")
    assert loaded.value == {"a": [1, {"b": "c"}], "d": "e\n"}
    assert loaded.locate.position(("d",), offset=0) == (3, 3)

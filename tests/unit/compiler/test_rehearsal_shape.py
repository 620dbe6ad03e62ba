"""The shape of rehearsals: each fault has its place, its code and a way out."""

from __future__ import annotations

import pytest

from unspool.compiler.rehearsals import load_rehearsal, load_stubs

HEAD = "unspool_rehearsal: 1\ncases:\n  one:\n"


@pytest.mark.parametrize(
    ("text", "place", "code", "message", "hint"),
    [
        ("cases: {a: {}}", (1, 1), "UNS022", "`unspool_rehearsal` is missing at the top level", "as the first line"),
        ("unspool_rehearsal: 1", (1, 1), "UNS022", "`cases` is missing at the top level", "add cases, such as"),
        ("unspool_rehearsal: 2\ncases: {a: {}}", (1, 20), "UNS032", "version the number 2", "unspool_rehearsal: 1"),
        ("unspool_rehearsal: 1\ncases: {}", (2, 8), "UNS029", "`cases` at the top level must not be empty", "write"),
        ("unspool_rehearsal: 1\ncases: {A-b: {}}", (2, 9), "UNS025", "`A-b` under `cases` is no name", "lower-case"),
        (f"{HEAD}    stub: {{}}", (4, 5), "UNS020", "unknown key `stub` in case `one`", "did you mean `stubs`?"),
        (
            f"{HEAD}    stubs: {{a: {{exitcode: 1}}}}",
            (4, 17),
            "UNS020",
            "in the stub of `a` in case `one`",
            "`exit_code`",
        ),
        (
            f"{HEAD}    stubs: {{a: 1}}",
            (4, 16),
            "UNS023",
            "must be a map or a list of maps, not the number 1",
            "exit_code",
        ),
        (
            f"{HEAD}    stubs: {{a: }}",
            (4, 15),
            "UNS023",
            "must be a map or a list of maps, not null",
            "what an attempt gives",
        ),
        (f"{HEAD}    stubs: {{a: []}}", (4, 16), "UNS029", "the stub of `a` in case `one` must not be empty", "write"),
        (f"{HEAD}    stubs: {{a: {{stdout: 1}}}}", (4, 25), "UNS023", "`stdout` in the stub of `a`", "correct it"),
        (f"{HEAD}    stubs: {{a: {{error: {{}}}}}}", (4, 24), "UNS022", "`class` is missing", "class: connection"),
        (f"{HEAD}    stubs: {{a: {{seconds: -1}}}}", (4, 26), "UNS028", "must be at least 0, not -1", "correct it"),
        (f"{HEAD}    expect: {{tasks: {{a: complete}}}}", (4, 25), "UNS024", "not the text `complete`", "`completed`"),
        (
            f"{HEAD}    expect: {{tasks: {{a: 1}}}}",
            (4, 25),
            "UNS023",
            "must be a state or a map, not the number 1",
            "state",
        ),
        (f"{HEAD}    expect: {{tasks: {{a: {{stat: failed}}}}}}", (4, 26), "UNS020", "expected of `a`", "`state`"),
        (f"{HEAD}    expect: {{order: [1]}}", (4, 22), "UNS023", "must be text, not the number 1", "correct it"),
        (
            f"{HEAD}    expect: {{exactly: yes}}",
            (4, 23),
            "UNS023",
            "must be true or false, not the text `yes`",
            "correct",
        ),
        ("unspool_rehearsal: 1\ncases: [a]", (2, 8), "UNS023", "`cases` at the top level must be a map", "correct it"),
    ],
)
def test_a_fault_is_told_with_its_place(text, place, code, message, hint):
    _, (found,) = load_rehearsal(text, "yaml")
    assert (tuple(found.position), found.code) == (place, code), found
    assert message in found.message
    assert hint in found.hint


def test_all_faults_are_told_at_once_in_the_order_of_the_text():
    _, found = load_rehearsal(f"{HEAD}    a: 1\n    stubs: {{x: 1}}\n    b: 2\n", "yaml")
    assert [tuple(one.position) for one in found] == [(4, 5), (5, 16), (6, 5)]


def test_other_formats_and_anchors():
    assert load_rehearsal('{"unspool_rehearsal": 1, "cases": {"a": {}}, "x-note": null}', "json")[1] == ()
    assert load_rehearsal("unspool_rehearsal = 1\n[cases.a.stubs.test]\nexit_code = 1\n", "toml")[1] == ()


def test_a_text_that_is_none_is_told_by_the_reader():
    _, (found,) = load_rehearsal("a: [", "yaml")
    assert found.code == "UNS001"


def test_a_map_of_stubs_alone():
    assert load_stubs("test: {exit_code: 1}", "yaml")[1] == ()
    _, (found,) = load_stubs("test: {exit_cod: 1}", "yaml")
    assert (found.path, tuple(found.position)) == (("test", "exit_cod"), (1, 8))


def test_hints_are_written_in_the_format_of_the_text():
    _, (found,) = load_rehearsal('{"cases": {"a": {}}}', "json")
    assert found.hint == 'add `"unspool_rehearsal": 1` as the first line'

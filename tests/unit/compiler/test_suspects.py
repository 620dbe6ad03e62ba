"""Plain words and numbers that YAML readers disagree about, in the places where they matter."""

from __future__ import annotations

import pytest

from unspool.compiler.shape import check_shape


def document(task=None, **keys):
    return {"unspool": 1, "name": "x", "tasks": {"a": {"run": ["x"], **(task or {})}}, **keys}


def found(value, path, kind, text):
    return [(each.code, each.path, each.hint) for each in check_shape(value, [(path, kind, text)])]


def test_arguments_and_variables_are_taken_as_they_are_spelt():
    task = {"run": ["x", "yes", 3.1], "env": {"A": "off", "B": 1.5}}
    value = document(task, env={"C": 3.1})
    suspects = [
        (("tasks", "a", "run", 1), "yes_no", "yes"),
        (("tasks", "a", "run", 2), "lossy_number", "3.10"),
        (("tasks", "a", "env", "A"), "yes_no", "off"),
        (("tasks", "a", "env", "B"), "lossy_number", "1.50"),
        (("env", "C"), "lossy_number", "3.10"),
    ]
    assert check_shape(value, suspects) == []


def test_an_extension_key_may_hold_anything():
    assert found(document(**{"x-common": {"v": 3.1}}), ("x-common", "v"), "lossy_number", "3.10") == []


@pytest.mark.parametrize(("word", "meant"), [("yes", "true"), ("On", "true"), ("no", "false"), ("OFF", "false")])
def test_a_word_for_a_boolean_asks_for_the_boolean_and_nothing_else_is_said(word, meant):
    path = ("tasks", "a", "when")
    assert found(document({"when": word}), path, "yes_no", word) == [("UNS017", path, f"write `when: {meant}`")]


def test_a_word_in_free_text_asks_for_quotes():
    path = ("tasks", "a", "description")
    expected = [("UNS017", path, 'write `description: "no"` for the text')]
    assert found(document({"description": "no"}), path, "yes_no", "no") == expected


def test_a_word_where_anything_may_stand_asks_for_either():
    path = ("tasks", "a", "with", "flag")
    expected = [("UNS017", path, 'write `flag: true`, or `"yes"` for the text')]
    assert found(document({"with": {"flag": "yes"}}), path, "yes_no", "yes") == expected


def test_a_number_in_the_place_of_text_asks_for_quotes_with_all_digits():
    value = {**document(), "name": 3.1}
    assert found(value, ("name",), "lossy_number", "3.10") == [
        ("UNS018", ("name",), 'write `name: "3.10"` for the text')
    ]


def test_a_number_where_anything_may_stand_asks_for_either():
    path = ("tasks", "a", "with", "version")
    expected = [("UNS018", path, 'write `version: "3.10"` for the text, or `3.1` for the number')]
    assert found(document({"with": {"version": 3.1}}), path, "lossy_number", "3.10") == expected


def test_trailing_zeros_are_fine_where_only_a_number_can_be_meant():
    value = document(inputs={"n": {"type": "number", "minimum": 0.5, "default": 1.5, "enum": [1.5]}})
    suspects = [
        (("inputs", "n", "minimum"), "lossy_number", "0.50"),
        (("inputs", "n", "default"), "lossy_number", "1.50"),
        (("inputs", "n", "enum", 0), "lossy_number", "1.50"),
    ]
    assert check_shape(value, suspects) == []


def test_a_leading_zero_is_not_fine_even_there():
    path = ("tasks", "a", "retry", "max_attempts")
    expected = [("UNS018", path, "write `max_attempts: 10`")]
    assert found(document({"retry": {"max_attempts": 10}}), path, "lossy_number", "010") == expected


def test_a_better_explanation_stands():
    path = ("tasks", "a", "timeout")
    ((code, _, hint),) = found(document({"timeout": 1.5}), path, "lossy_number", "1.50")
    assert (code, hint) == ("UNS030", "write `timeout: 1500ms`")


def test_under_an_unknown_key_the_key_is_the_fault():
    ((code, path, _),) = found(document({"neds": ["no"]}), ("tasks", "a", "neds", 0), "yes_no", "no")
    assert (code, path) == ("UNS020", ("tasks", "a", "neds"))


def test_the_declared_type_of_a_default_decides_and_its_misfit_is_not_said_as_well():
    path = ("inputs", "i", "default")
    for declared, given, kind, text, hint in (
        ("string", 3.1, "lossy_number", "3.10", 'write `default: "3.10"` for the text'),
        ("string", "no", "yes_no", "no", 'write `default: "no"` for the text'),
        ("boolean", "no", "yes_no", "no", "write `default: false`"),
    ):
        value = document(inputs={"i": {"type": declared, "default": given}})
        assert [each[1:] for each in found(value, path, kind, text)] == [(path, hint)]

"""The table of contexts has an answer for every word in every place."""

from __future__ import annotations

import pytest

from unspool.compiler.contexts import CONTEXTS, LOCAL, PLACES, WORDS, foreign, unavailable


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("word", [*WORDS, "outputs"])
def test_a_word_of_the_language_is_known_in_a_place_or_has_an_answer(word, place):
    if word not in CONTEXTS[place]:
        answer = unavailable(word, place)
        assert answer.message == f"`{word}` is not known {PLACES[place]}"
        assert answer.hint


@pytest.mark.parametrize("word", LOCAL)
def test_a_word_of_some_tasks_says_what_brings_it_in(word):
    for place in PLACES:
        answer = unavailable(word, place)
        assert answer.message == f"`{word}` {LOCAL[word]}"
        assert answer.hint


@pytest.mark.parametrize("word", ["event"])
def test_words_of_later_versions_say_so(word):
    for place in PLACES:
        assert unavailable(word, place).message == f"`{word}` is not supported by this version yet"


def test_other_words_are_none_of_the_language():
    assert unavailable("github", "start") is None
    assert "inputs" in foreign("github")
    assert foreign("quux") is None

from __future__ import annotations

from unspool.model.similar import closest


def test_the_word_that_looks_most_alike():
    assert closest("lenght", ["length", "upper"]) == "length"


def test_nothing_where_no_word_looks_alike():
    assert closest("xyz", ["length", "upper"]) is None

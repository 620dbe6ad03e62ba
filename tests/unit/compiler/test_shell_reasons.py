"""Each thing that is said about an expression in a script has a code, and a way out."""

from __future__ import annotations

import pytest

from unspool.compiler.shell_reasons import CODES, REASONS


def test_every_code_is_listed_and_used() -> None:
    assert {reason.code for reason in REASONS.values()} == set(CODES)
    assert all("UNS090" <= code <= "UNS109" for code in CODES)


def test_the_option_position_has_a_code_of_its_own() -> None:
    assert {name for name, reason in REASONS.items() if reason.code == "UNS102"} == {
        "option",
        "option_argument",
        "option_find",
    }


@pytest.mark.parametrize("name", REASONS)
def test_a_code_is_an_error_or_a_warning_and_never_both(name: str) -> None:
    same = {reason.severity for reason in REASONS.values() if reason.code == REASONS[name].code}
    assert len(same) == 1


@pytest.mark.parametrize("name", REASONS)
def test_the_sentence_takes_a_detail_and_the_hint_is_there(name: str) -> None:
    reason = REASONS[name]
    said = reason.message.format("DETAIL")
    assert "{{" not in said
    assert not said.endswith(".")
    assert reason.hint
    assert not reason.hint.endswith(".")

from __future__ import annotations

import json

import pytest

from tests.interpreting import CLAUDE, checks, names, ran, seen

ANALYSIS = {
    "patterns": ["retries come in bursts"],
    "insights": [{"title": "spread", "description": "spread the retries"}],
    "anomalies": [],
    "confidence": 0.8,
}


def test_an_analysis():
    assert seen("analysis", ran(json.dumps(ANALYSIS))) == {
        "success": True,
        "patterns": ["retries come in bursts"],
        "insights": ["spread the retries"],
        "anomalies": [],
        "confidence": 0.8,
        "suggestions": [],
        "problems": [],
        "truncated": [],
    }


def test_an_analysis_is_found_in_an_answer_in_words():
    answer = f"I looked at both logs.\n\n```json\n{json.dumps(ANALYSIS, indent=2)}\n```\n"
    expected = seen("analysis", ran(json.dumps(ANALYSIS)))
    assert seen("analysis", ran(answer)) == expected
    assert seen("analysis", ran(json.dumps({**CLAUDE, "result": answer}))) == expected


@pytest.mark.parametrize(
    ("confidence", "threshold", "is_high"),
    [
        (0.8, {}, False),
        (0.80001, {}, True),
        (1, {}, True),
        (None, {}, False),
        ("0.9", {}, False),
        (float("inf"), {}, False),
        (0.6, {"confidence_threshold": 0.5}, True),
        (0.5, {"confidence_threshold": 0.5}, False),
    ],
)
def test_high_confidence_asks_for_application(confidence, threshold, is_high):
    found = seen("analysis", {**ANALYSIS, "confidence": confidence}, **threshold)
    assert names(found) == ["apply_insights"] * is_high
    assert [one["priority"] for one in found["suggestions"]] == ["normal"] * is_high


@pytest.mark.parametrize(
    ("anomalies", "because"),
    [
        (["a spike at 3"], "an anomaly: a spike at 3"),
        ([{"name": "spike", "at": 3}, "b"], "an anomaly, and 1 more: spike"),
        ([{"at": 3}], 'an anomaly: {"at": 3}'),
        ([7, [1]], "an anomaly, and 1 more: 7"),
    ],
)
def test_anomalies_ask_for_investigation(anomalies, because):
    found = seen("analysis", {**ANALYSIS, "anomalies": anomalies, "confidence": 0.9})
    assert found["suggestions"][1] == {"name": "investigate_anomalies", "priority": "high", "because": because}
    assert names(found) == ["apply_insights", "investigate_anomalies"]


@pytest.mark.parametrize("anomalies", [[], None, "a spike", {"a": 1}, ["", " ", None, True, float("nan")]])
def test_no_anomalies_are_none(anomalies):
    assert names(seen("analysis", {**ANALYSIS, "anomalies": anomalies})) == []


def test_an_analysis_without_any_of_its_values_is_a_missing_result():
    assert checks(seen("analysis", ran("All is well."))) == ["missing_result"]
    assert checks(seen("analysis", {"anomalies": []})) == []
    assert checks(seen("analysis", {"confidence": 0.1})) == []


def test_lists_of_an_analysis_are_at_most_a_hundred_texts_of_five_hundred_characters():
    found = seen(
        "analysis", {"patterns": [str(n) for n in range(101)], "insights": ["x" * 501], "anomalies": ["x" * 500]}
    )
    assert (len(found["patterns"]), len(found["insights"][0])) == (100, 500)
    assert found["truncated"] == ["patterns", "insights"]

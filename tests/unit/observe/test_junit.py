"""Results for CI systems: XML that any reader takes, whatever the text in it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from unspool.observe.junit import Result, junit


def test_cases_stand_under_their_files():
    results = [
        Result("a.yaml", "good", 0.25),
        Result("a.yaml", "bad", 0.5, failure="first <line>\nsecond"),
        Result("b.yaml", "broken", 0.0, error='"quoted" & more'),
    ]
    root = ET.fromstring(junit(results))
    assert root.attrib == {"tests": "3", "failures": "1", "errors": "1", "time": "0.750"}
    suites = list(root)
    assert [(suite.get("name"), suite.get("tests")) for suite in suites] == [("a.yaml", "2"), ("b.yaml", "1")]
    good, bad = suites[0]
    assert (good.get("classname"), good.get("name"), good.get("time"), len(good)) == ("a.yaml", "good", "0.250", 0)
    (failure,) = bad
    assert (failure.tag, failure.get("message"), failure.text) == ("failure", "first <line>", "first <line>\nsecond")
    ((error,),) = suites[1]
    assert (error.tag, error.text) == ("error", '"quoted" & more')


def test_what_xml_cannot_hold_is_replaced():
    (case,) = next(iter(ET.fromstring(junit([Result("a\x00", "b\x1b[1m\ud800", 0, failure="\x07")]))))
    assert (case.get("classname"), case.get("name")) == ("a\ufffd", "b\ufffd[1m\ufffd")
    assert case[0].text == "\ufffd"


def test_no_result_is_still_a_report():
    assert ET.fromstring(junit([])).get("tests") == "0"

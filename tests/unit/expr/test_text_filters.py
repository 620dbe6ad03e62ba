"""Filters on text, numbers and JSON."""

from __future__ import annotations

import json

import pytest

from unspool.errors import ExpressionError
from unspool.expr import evaluate
from unspool.expr.limits import MAX_TEXT

BIG = {"big": "x" * MAX_TEXT, "half": "ab" * (MAX_TEXT // 4), "commas": "," * 100_001}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'aß' | upper", "ASS"),
        ("'AB' | lower", "ab"),
        ("'ab cd' | title", "Ab Cd"),
        ("'aB' | capitalize", "Ab"),
        ("' a ' | trim", "a"),
        ("'xxaxx' | trim('x')", "a"),
        ("'aXbX' | replace('X', '-')", "a-b-"),
        ("'aXbX' | replace('X', '', 1)", "abX"),
        ("'ab' | replace('', '-')", "-a-b-"),
        ("'ab' | replace(old='a', new='c')", "cb"),
        ("'a,b,,c' | split(',')", ["a", "b", "", "c"]),
        ("' a  b\\n' | split", ["a", "b"]),
        ("'a\\r\\nb\\n\\nc\\n' | lines", ["a", "b", "", "c"]),
        ("'' | lines", []),
        ("'\\n' | lines", [""]),
        ("3 | string", "3"),
        ("[1, true] | string", "[1,true]"),
        ("'12' | int", 12),
        ("' -7\\n' | int", -7),
        ("3.9 | int", 3),
        ("-3.9 | int", -3),
        ("'x' | int(0)", 0),
        ("'x' | int(default=none)", None),
        ("none | int(-1)", -1),
        ("'1.5' | float", 1.5),
        ("'-.5e2' | float", -50.0),
        ("3 | float", 3.0),
        ("'1_000' | float(0)", 0),
        ("-3 | abs", 3),
        ("-1.5 | abs", 1.5),
        ("2.5 | round", 2),
        ("3.14159 | round(2)", 3.14),
        ("2.1 | round(method='ceil')", 3),
        ("-2.1 | round(0, 'floor')", -3),
        ("2.19 | round(1, 'floor')", 2.1),
        ("7 | round(2)", 7),
        ("{'a': [1, 'é']} | tojson", '{"a":[1,"é"]}'),
        ("'x' | tojson", '"x"'),
        ("none | tojson", "null"),
        ("'a/b c?&=%ü~-_.' | urlencode", "a%2Fb%20c%3F%26%3D%25%C3%BC~-_."),
        ("7 | urlencode", "7"),
        ("'' | urlencode", ""),
        ("'{\"a\": [1, 2.5, null]}' | fromjson", {"a": [1, 2.5, None]}),
        ("' 3 ' | fromjson", 3),
        (r"""'"\\ud83d\\ude00"' | fromjson""", "😀"),
    ],
)
def test_values(source, value):
    found = evaluate(source, {})
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("3 | upper", "`upper` needs text, not a number (3); turn it into text with `| string`"),
        ("none | lower", "`lower` needs text, not null"),
        ("'a' | trim(1)", "`trim` needs text, not a number (1)"),
        ("'a' | replace('a', 1)", "`replace` needs text"),
        ("'a' | replace('a', 'b', -1)", "`replace` needs an integer from 0 up, not a number (-1)"),
        ("'a' | split('')", "`split` needs a separator that is not empty"),
        ("none | string", "null has no text"),
        ("'3.5' | int", '`int` needs an integer, or text that is one, not text ("3.5"); give it a default: `| int(0)`'),
        ("'1_000' | int", "`int` needs an integer"),
        ("true | int", "`int` needs an integer, or text that is one, not a boolean (true)"),
        ("'9999999999999999999' | int", "beyond 63 bits"),
        ("1e300 | int", "beyond 63 bits"),
        ("('9' * 1) | int", "`*` needs two numbers"),
        ("'nan' | float", "`float` needs a number"),
        ("'1e999' | float", "not a finite number"),
        ("'x' | abs", "`abs` needs a number"),
        ("true | round", "`round` needs a number"),
        ("1 | round(16)", "at most 15 digits"),
        ("1 | round(0, 'up')", "`round` knows the methods 'common', 'floor' and 'ceil', not text (\"up\")"),
        ("1e300 | round(15, 'floor')", "not a finite number"),
        ("'{' | fromjson", "`fromjson` got text that is no JSON"),
        ("'NaN' | fromjson", "NaN is no JSON"),
        ("'1e999' | fromjson", "not a finite number"),
        ("'[1e999]' | fromjson", "not finite"),
        (r"""'"\\ud83d"' | fromjson""", "half of a surrogate pair"),
    ],
)
def test_errors(source, message):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source, {})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "half | replace('a', 'aaaaa')",
        "half | replace('', 'ab')",
        "big | split('x')",
        "commas | split(',')",
        "commas | fromjson",
        "big ~ 'x'",
        "big + 'x'",
        "big | tojson",
        "[half, half, half] | join",
        "big | upper | lower | upper | lower | upper | lower | upper",
        "nest | fromjson",
        "nines | fromjson",
    ],
)
def test_results_are_bounded(source):
    with pytest.raises(ExpressionError):
        evaluate(source, {**BIG, "nest": "[" * 50_000, "nines": "9" * 5000})


def test_json_comes_back_as_it_went():
    value = {"a": [1, 2.5, True, None, 'é\n"\\'], "b": {"c": []}}
    assert evaluate("v | tojson | fromjson", {"v": value}) == value
    assert json.loads(evaluate("v | tojson", {"v": value})) == value

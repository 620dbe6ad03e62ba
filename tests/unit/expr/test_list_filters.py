"""Filters on lists and maps, and on texts as lists of characters."""

from __future__ import annotations

import pytest

from unspool.errors import ExpressionError
from unspool.expr import evaluate

CONTEXT = {
    "l": [3, 1, 2],
    "s": ["b", "B", "a"],
    "m": {"x": 1, "y": [2]},
    "rows": [{"n": 2, "in": {"k": "b"}}, {"n": 1, "in": {"k": "a"}}, {"n": 2, "in": {"k": "c"}}],
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("l | length", 3),
        ("'é😀' | length", 2),
        ("m | length", 2),
        ("l | first", 3),
        ("l | last", 2),
        ("'ab' | last", "b"),
        ("[] | first | default('none')", "none"),
        ("'' | last | default('none')", "none"),
        ("'abc' | head(2)", "ab"),
        ("'abc' | tail(2)", "bc"),
        ("'abc' | tail(0)", ""),
        ("'abc' | tail(9)", "abc"),
        ("l | head(1)", [3]),
        ("l | tail(2)", [1, 2]),
        ("l | reverse", [2, 1, 3]),
        ("'abc' | reverse", "cba"),
        ("'ab' | list", ["a", "b"]),
        ("m | list", ["x", "y"]),
        ("l | list", [3, 1, 2]),
        ("m | items", [{"key": "x", "value": 1}, {"key": "y", "value": [2]}]),
        ("m | keys", ["x", "y"]),
        ("m | values", [1, [2]]),
        ("l | join(', ')", "3, 1, 2"),
        ("['a', 1, true, [2]] | join", "a1true[2]"),
        ("[] | join(',')", ""),
        ("rows | join('/', attribute='in.k')", "b/a/c"),
        ("l | sum", 6),
        ("[0.5, 1] | sum", 1.5),
        ("[] | sum", 0),
        ("rows | sum('n', 10)", 15),
        ("l | min", 1),
        ("s | max", "b"),
        ("[] | min | default(0)", 0),
        ("rows | max(attribute='in.k')", {"n": 2, "in": {"k": "c"}}),
        ("l | sort", [1, 2, 3]),
        ("l | sort(reverse=true)", [3, 2, 1]),
        ("s | sort", ["B", "a", "b"]),
        ("[1, 0.5] | sort", [0.5, 1]),
        ("rows | sort(attribute='n') | map(attribute='in.k') | list", ["a", "b", "c"]),
        ("[] | sort", []),
        ("[1, 1.0, true, '1', [1], [1.0], {'a': 1}, {'a': 1}] | unique", [1, True, "1", [1], {"a": 1}]),
        ("rows | unique('n') | length", 2),
        ("s | unique", ["b", "B", "a"]),
    ],
)
def test_values(source, value):
    found = evaluate(source, CONTEXT)
    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("3 | length", "`length` needs a list, a map or text, not a number (3)"),
        ("m | first", "`first` needs a list or text, not a map"),
        ("[] | first", "the first item is absent: the list is empty"),
        ("'' | first", "the first item is absent: the text is empty"),
        ("[] | max", "the max item is absent: the list is empty"),
        ("'a' | head(-1)", "`head` needs an integer from 0 up, not a number (-1)"),
        ("'a' | tail('1')", "`tail` needs an integer from 0 up"),
        ("3 | head(1)", "`head` needs a list or text"),
        ("m | reverse", "`reverse` needs a list or text, not a map"),
        ("l | items", "`items` needs a map, not a list"),
        ("m | sort", "`sort` needs a list, not a map; take its `| items`, `| keys` or `| values`"),
        ("'ab' | join", '`join` needs a list, not text ("ab")'),
        ("[none] | join", "null has no text"),
        ("l | join(1)", "`join` needs text"),
        ("['a'] | sum", '`sum` needs a number, not text ("a")'),
        ("[true] | sum", "`sum` needs a number, not a boolean (true)"),
        ("[9223372036854775807, 1] | sum", "beyond 63 bits"),
        ("[1, 'a'] | sort", "`sort` needs only numbers or only texts, not a number (1)"),
        ("['a', none] | max", "`max` needs only numbers or only texts, not null; say what to compare"),
        ("rows | sort", "`sort` needs only numbers or only texts, not a map; say what to compare: `attribute='...'`"),
        ("rows | sort(attribute='x')", "attribute 'x' of an item is absent: the item has no member 'x'"),
        ("rows | sort(attribute='in.x.y')", "attribute 'in.x.y' of an item is absent"),
        ("rows | sum(true)", "`attribute` needs a name or an index"),
        ("l | sort(reverse=1)", "`sort` with `reverse` needs true or false"),
    ],
)
def test_errors(source, message):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source, CONTEXT)
    assert message in str(caught.value)


def test_sorting_long_texts_costs_steps():
    with pytest.raises(ExpressionError, match="steps"):
        evaluate("l | sort", {"l": ["x" * 10_000] * 1000})
    assert evaluate("l | sort | length", {"l": list(range(20_000))}) == 20_000

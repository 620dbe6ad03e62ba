"""Expressions mean what their author sees, or fail with a name and a way out."""

from __future__ import annotations

import pytest

from unspool.errors import ExpressionError, ValueTooLarge
from unspool.expr import LargeValue, evaluate, evaluate_boolean, parse_expression
from unspool.model.values import Ref

LARGE = Ref("ab" * 32, 5_000_000, "head")
CONTEXT = {
    "inputs": {"n": 3, "f": 1.5, "s": "hi", "t": True, "l": [1, 2, 3], "m": {"a": 1, "b c": 2}, "z": None, "e": []},
    "tasks": {
        "x": {"state": "completed", "outputs": {"items": 7, "keys": "k", "log": LARGE, "logs": ["a", LARGE]}},
        "gone": {"state": "skipped"},
    },
    "item": "unit",
    "nan": float("nan"),
    "odd": object(),
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("inputs.n", 3),
        ("inputs.l[0] + inputs.l[-1]", 4),
        ("inputs.l.1", 2),
        ("inputs['m']['b c']", 2),
        ("inputs.m[item ~ '']  | default('none')", "none"),
        ("inputs.l[inputs.n - 1]", 3),
        ("inputs.s[0]", "h"),
        ("inputs.l[1:]", [2, 3]),
        ("inputs.l[::-1]", [3, 2, 1]),
        ("inputs.s[-1:]", "i"),
        ("inputs.l[5:]", []),
        ("tasks.x.outputs.items", 7),
        ("tasks.x.outputs.keys", "k"),
        ("7 // 2", 3),
        ("7 / 2", 3.5),
        ("4 / 2", 2.0),
        ("-7 % 3", 2),
        ("2 * 3 + 4 - 1", 9),
        ("-inputs.n", -3),
        ("+inputs.f", 1.5),
        ("'a' + 'b'", "ab"),
        ("[1] + [2]", [1, 2]),
        ("'n=' ~ 3 ~ ' ' ~ 1.5 ~ ' ' ~ true ~ ' ' ~ [1, 'x'] ~ {'a': null}", 'n=3 1.5 true [1,"x"]{"a":null}'),
        ("[1, 'a', true, none, [2]]", [1, "a", True, None, [2]]),
        ("(1, 2)", [1, 2]),
        ("()", []),
        ("{'a': {'b': inputs.n}}", {"a": {"b": 3}}),
        ("'yes' if inputs.t else 'no'", "yes"),
        ("1 < 2 < 3", True),
        ("1 < 2 > 3", False),
        ("'a' < 'b'", True),
        ("1 <= 1.0", True),
        ("1 == 1.0", True),
        ("1 == true", False),
        ("0 == false", False),
        ("[1] == [true]", False),
        ("{'a': [1]} == {'a': [1.0]}", True),
        ("{'a': 1} == {'b': 1}", False),
        ("'1' == 1", False),
        ("none == none", True),
        ("inputs.z != none", False),
        ("2 in inputs.l", True),
        ("true in [1]", False),
        ("'b' not in 'abc'", False),
        ("'a' in inputs.m", True),
        ("[1] in [[1], 2]", True),
        ("not inputs.t or inputs.n == 3", True),
        ("inputs.t and not inputs.t", False),
        ("false and missing", False),
        ("true or missing", True),
        ("tasks.gone.outputs.y | default('d')", "d"),
        ("tasks.none.outputs.y[3].z | default('d')", "d"),
        ("missing | default(tasks.x.state)", "completed"),
        ("inputs.z.deep.er | default(1)", 1),
        ("inputs.l[9] | default(0)", 0),
        ("inputs.l[-4] | default(0)", 0),
        ("inputs.n.x | default(0)", 0),
        ("missing[1:] | default('')", ""),
        ("inputs.z | default(1)", None),
        ("inputs.e | default([1])", []),
        ("missing | default(also.missing) | default(2)", 2),
        ("tasks.x.outputs.log is defined", True),
        ("tasks.x.outputs.logs | length", 2),
        ("tasks.x.outputs.logs | first", "a"),
        ("tasks.x.outputs.nope is undefined", True),
        ("tasks.x.outputs.nope is not defined", True),
    ],
)
def test_values(source, value):
    found = evaluate(source, CONTEXT)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing", "missing is absent: there is nothing called `missing` here; add `| default(...)`"),
        ("missing.a.b", "missing.a.b is absent: there is nothing called `missing` here"),
        ("tasks.gone.outputs.y", "tasks.gone.outputs.y is absent: tasks.gone has no member 'outputs'"),
        ("tasks.x.outputs.y + 1", "tasks.x.outputs.y is absent: tasks.x.outputs has no member 'y'"),
        ("inputs.z.a", "inputs.z.a is absent: inputs.z is null;"),
        ("inputs.l.a", "inputs.l is a list, which has items but no member 'a'"),
        ("inputs.l[3]", "inputs.l[3] is absent: inputs.l has only 3 items"),
        ("inputs.s[3]", "inputs.s has only 2 characters"),
        ("inputs.m[0]", "inputs.m is a map and its names are text: write ['0']"),
        ("inputs.s.upper", "inputs.s is text and has no member 'upper' (`inputs.s | upper` is a filter)"),
        ("inputs.l[inputs.n]", "inputs.l[...] is absent: inputs.l has only 3 items"),
        ("inputs[true]", "a member in [ ] needs a name or an index, not a boolean (true)"),
        ("inputs[0.5]", "a member in [ ] needs a name or an index, not a number (0.5)"),
        ("missing == none", "missing is absent"),
        ("[missing]", "missing is absent"),
        ("{'a': missing}", "missing is absent"),
        ("{1: 2}", "a map needs text for its names, not a number (1)"),
        ("(missing if true else 1) | default(2)", "missing is absent"),
        ("1 + 'a'", "write `~`"),
        ("'5' - 1", '`-` needs two numbers, not text ("5") and a number (1); turn text into a number'),
        ("true + 1", "`+` needs two numbers, two texts or two lists, not a boolean (true) and a number (1)"),
        ("'a' * 3", "`*` needs two numbers"),
        ("[1] * 3", "`*` needs two numbers, not a list and a number (3) (in"),
        ("'%s' % 3", "`%` needs two numbers"),
        ("-true", "`-` needs a number, not a boolean (true)"),
        ("1 / 0", "`/` by 0: 0 is 0"),
        ("1 % (inputs.n - 3)", "`%` by 0: the value is 0"),
        ("1.0 // 0", "`//` by 0"),
        ("9223372036854775807 + 1", "the result is an integer beyond 63 bits"),
        ("-9223372036854775807 - 2", "the result is an integer beyond 63 bits"),
        ("1e308 * 10", "the result is not a finite number"),
        ("1 < 'a'", '`<` needs two numbers or two texts, not a number (1) and text ("a")'),
        ("[1] >= [2]", "`>=` needs two numbers or two texts, not a list and a list"),
        ("true > false", "`>` needs two numbers or two texts"),
        ("1 in 2", "`in` needs a list, text or map on its right, not a number (2)"),
        ("1 in 'a1'", "`in` with text on its right needs text on its left, not a number (1)"),
        ("1 in inputs.m", "`in` with a map on its right needs text on its left"),
        ("inputs.n and true", "`and` needs true or false, but inputs.n is a number (3); compare it, as in `!= 0`"),
        ("true and 'x'", "`and` needs true or false, but 'x' is text (\"x\"); compare it, as in `!= ''`"),
        ("inputs.e or true", "`or` needs true or false, but inputs.e is a list; test its `| length > 0`"),
        ("false or inputs.z", "`or` needs true or false, but inputs.z is null; test it with `is not none`"),
        ("not inputs.m", "`not` needs true or false, but inputs.m is a map"),
        ("1 if 1 else 2", "`if` needs true or false"),
        ("inputs.n[1:]", "a slice needs a list or text, not a number (3)"),
        ("inputs.l['a':]", 'a slice needs integers, not text ("a")'),
        ("inputs.l[::0]", "the step of a slice cannot be 0"),
        ("'a' ~ inputs.z", "inputs.z is null, which has no text; write `inputs.z if inputs.z is not none else ''`"),
        ("nan", "the value is not a finite number"),
        ("nan + 1", "the result is not a finite number"),
        ("[nan]", "a number that is not finite"),
        ("odd", "odd is not plain data"),
        ("odd.__class__", "odd.__class__ is absent"),
        ("odd == odd", "odd is not plain data"),
        ("inputs.__class__", "inputs.__class__ is absent"),
        ("inputs.s.__class__.__mro__[1]", "is absent"),
        ("inputs.items", "inputs.items is absent: inputs has no member 'items'"),
    ],
)
def test_errors(source, message):
    with pytest.raises(ExpressionError) as caught:
        evaluate(source, CONTEXT)
    assert message in str(caught.value)
    assert str(caught.value).endswith(f"(in `{source}`)")


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("tasks.x.outputs.log", "tasks.x.outputs.log"),
        ("tasks.x.outputs.log | tail(10)", "tasks.x.outputs.log"),
        ("tasks.x.outputs.log == 'a'", "tasks.x.outputs.log"),
        ("tasks.x.outputs.log ~ 'a'", "tasks.x.outputs.log"),
        ("tasks.x.outputs.log.a", "tasks.x.outputs.log"),
        ("tasks.x.outputs.log[0:1]", "tasks.x.outputs.log"),
        ("tasks.x.outputs.log | default('')", "tasks.x.outputs.log"),
        ("tasks.x.outputs.log is string", "tasks.x.outputs.log"),
        ("tasks.x.outputs.logs[1]", "tasks.x.outputs.logs[1]"),
        ("tasks.x.outputs.logs | last", "tasks.x.outputs.logs | last"),
        ("tasks.x.outputs.logs", "a value in the list or map"),
        ("tasks.x.outputs.logs | join", "an item"),
        ("tasks.x.outputs.logs | map('upper')", "an item"),
        ("tasks.x.outputs.logs == ['a', 'b']", "an item"),
        ("'b' in tasks.x.outputs.logs", "an item"),
        ("tasks.x.outputs | tojson", "a value in the list or map"),
    ],
)
def test_a_value_that_stays_in_a_file_is_named_with_its_size(source, path):
    with pytest.raises(ValueTooLarge) as caught:
        evaluate(source, CONTEXT)
    assert isinstance(caught.value, LargeValue)
    assert (caught.value.path, caught.value.ref) == (path, LARGE)
    assert str(caught.value).startswith(f"value_too_large: {path} has 5,000,000 bytes")


def test_a_parsed_expression_is_evaluated_as_its_text_is():
    assert evaluate(parse_expression(" inputs.n + 1 "), CONTEXT) == evaluate("inputs.n + 1", CONTEXT) == 4


def test_conditions_must_be_boolean():
    assert evaluate_boolean(" inputs.n == 3 ", CONTEXT) is True
    assert evaluate_boolean(parse_expression("inputs.n != 3"), CONTEXT) is False
    with pytest.raises(
        ExpressionError, match=r"a condition needs true or false, but it is a number \(3\); .*\(in `inputs.n`"
    ):
        evaluate_boolean("inputs.n", CONTEXT)


def test_long_expressions_are_cut_in_messages():
    with pytest.raises(ExpressionError) as caught:
        evaluate("missing" + " ~ 'aaaa'" * 50, {})
    assert str(caught.value).endswith("...`)")
    assert len(str(caught.value)) < 300


def test_the_context_is_left_alone():
    context = {"l": [3, 1, 2], "m": {"a": [1]}}
    for source in ("l | sort", "l | reverse", "l + [4]", "m | values | first", "l | unique", "[l, m]"):
        evaluate(source, context)
    assert context == {"l": [3, 1, 2], "m": {"a": [1]}}

"""Expressions agree with Python where both have a meaning, and are harmless whatever is written."""

from __future__ import annotations

import json
import math
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool.errors import ExpressionError
from unspool.expr import ExpressionSyntaxError, evaluate, parse_expression, parse_template, render, render_argv
from unspool.expr.evaluate import Walk
from unspool.expr.filters import FILTERS
from unspool.expr.limits import MAX_SOURCE, MAX_STEPS, MAX_TEXT
from unspool.expr.parse import _parse_with_jinja, parse
from unspool.expr.predicates import TESTS
from unspool.model.values import Ref

CONTEXT = {
    "a": 7,
    "b": -2.5,
    "s": "some text",
    "t": True,
    "z": None,
    "l": [3, 1, 2],
    "m": {"x": {"y": ["p", "q"]}, "n": 0},
    "r": Ref("ab" * 32, 10**7, "head"),
}

# --- Python as the oracle ---------------------------------------------------------------------------

numbers = st.one_of(st.integers(-50, 50), st.integers(-100, 100).map(lambda n: n / 4))


def pairs(operators, operands):
    return st.tuples(operands, st.sampled_from(operators), operands).map(lambda t: f"({t[0]} {t[1]} {t[2]})")


arithmetic = st.recursive(
    numbers.map(lambda n: f"({n})"),
    lambda inner: st.one_of(pairs(["+", "-", "*", "/", "//", "%"], inner), inner.map(lambda e: f"(-{e})")),
    max_leaves=12,
)
conditions = st.recursive(
    st.one_of(pairs(["<", "<=", ">", ">=", "==", "!="], arithmetic), st.sampled_from(["True", "False"])),
    lambda inner: st.one_of(pairs(["and", "or"], inner), inner.map(lambda e: f"(not {e})")),
    max_leaves=6,
)
choices = st.tuples(arithmetic, conditions, arithmetic).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})")
lists = st.recursive(
    st.lists(numbers, max_size=5).map(str),
    lambda inner: st.one_of(
        pairs(["+"], inner),
        st.tuples(inner, st.integers(-3, 3), st.integers(-3, 3)).map(lambda t: f"{t[0]}[{t[1]}:{t[2]}]"),
        inner.map(lambda e: f"{e}[::-1]"),
    ),
    max_leaves=4,
)
membership = st.tuples(numbers, st.sampled_from(["in", "not in"]), lists).map(lambda t: f"{t[0]} {t[1]} {t[2]}")


@given(st.one_of(arithmetic, conditions, choices, lists, membership))
@settings(max_examples=600)
def test_python_says_the_same(source):
    expected = outcome(lambda: eval(source, {}))
    found = outcome(lambda: evaluate(source, {}))
    if isinstance(found, ExpressionError) and ("63 bits" in str(found) or "nested too deeply" in str(found)):
        return  # on the way to a result that fits
    if isinstance(expected, Exception) or not fits(expected):
        assert isinstance(found, ExpressionError)
    else:
        assert found == expected
        assert type(found) is type(expected)


def outcome(run):
    try:
        return run()
    except (ExpressionError, ZeroDivisionError, OverflowError) as problem:
        return problem


def fits(value):
    if type(value) is int:
        return -(2**63) <= value < 2**63
    return type(value) is not float or math.isfinite(value)


# --- Whatever is written ----------------------------------------------------------------------------

WORDS = [
    *"a b s t z l m r inputs x.y m.x.y[0] l[1] s[0] l[-9] m['x'] __class__ .__class__".split(),
    *"and or not in is if else true false none null for".split(),
    *"+ - * / // % ** ~ | . , : ( ) [ ] { } == != < <= > >= = && || ! ? ; $ ` # \\ @ {{ }} {% ${{".split(),
    *"1 0 7 -1 2.5 1e9 99999999999999999999 0x7f 'a' \"b\" '%s' '' ' ,' 'upper' 'none' '".split(),
    *(f"| {name}" for name in [*FILTERS, "default", "attr", "format"]),
    *(f"is {name}" for name in TESTS),
    *"| default(1) | join(',') | map(attribute='x') range( lipsum cycler( | replace('a','bb') | head(2)".split(),
]
soups = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join),
    st.lists(st.sampled_from(WORDS), max_size=14).map("".join),
    st.text(max_size=40),
)

leaves = st.sampled_from(
    ["a", "b", "s", "t", "z", "l", "m", "r", "nope.x", "m.x.y", "1", "2.5", "'x,y'", "[]", "{}", "true", "m.n", "l[0]"]
)


def larger(inner):
    one_argument = ["default", "join", "split", "head", "tail", "int", "float", "trim", "round", "sum", "unique"]
    return st.one_of(
        pairs(["+", "-", "*", "/", "//", "%", "~", "==", "<", "in", "not in", "and", "or", "!="], inner),
        st.tuples(inner, st.sampled_from(sorted(FILTERS))).map(lambda t: f"({t[0]} | {t[1]})"),
        st.tuples(inner, st.sampled_from(one_argument), inner).map(lambda t: f"({t[0]} | {t[1]}({t[2]}))"),
        st.tuples(inner, st.sampled_from(sorted(TESTS))).map(lambda t: f"({t[0]} is {t[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}[{t[1]}:]"),
        st.tuples(inner, inner).map(lambda t: f"[{t[0]}, {t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"{{'k': {t[0]}, 's' ~ s: {t[1]}}}"),
        st.tuples(inner, st.sampled_from(["keys", "y", "x"])).map(lambda t: f"{t[0]}.{t[1]}"),
    )


wholes = st.recursive(leaves, larger, max_leaves=8)


def harmless(source):
    """Evaluate; anything but a bounded JSON value or an ExpressionError is a fault."""
    value = outcome(lambda: evaluate(source, CONTEXT))
    if isinstance(value, ExpressionError):
        assert str(value)
        assert 0 <= getattr(value, "offset", 0) <= len(source)
    else:
        json.dumps(value, allow_nan=False)


@given(soups)
@settings(max_examples=600)
def test_a_soup_of_tokens_is_harmless(source):
    harmless(source)


@given(wholes)
@settings(max_examples=600)
def test_what_can_be_parsed_is_harmless_too(source):
    harmless(source)


@given(wholes)
@settings(max_examples=150)
def test_the_same_expression_costs_the_same_steps(source):
    steps = []
    for _ in range(2):
        walk = Walk(CONTEXT)
        outcome(lambda walk=walk: walk.value(parse_expression(source).node))
        steps.append(walk.steps)
    assert steps[0] == steps[1] <= MAX_STEPS + MAX_SOURCE


@given(wholes)
@settings(max_examples=150)
def test_an_expression_without_a_reference_needs_no_context(source):
    try:
        expression = parse_expression(source)
    except ExpressionError:
        return
    names = {reference.path[0] for reference in expression.references}
    known = {name: CONTEXT[name] for name in names if name in CONTEXT}
    assert repr(outcome(lambda: evaluate(expression, known))) == repr(outcome(lambda: evaluate(expression, CONTEXT)))


@given(st.lists(st.sampled_from(["a", "_b", "x1", "items", "if", "not", "none", "True", "in"]), min_size=1, max_size=5))
def test_both_ways_to_parse_a_chain_agree(names):
    source = ".".join(names)
    assert repr(outcome(lambda: parse(source))) == repr(outcome(lambda: _parse_with_jinja(source)))


@given(st.text(alphabet="ab${}'\" \\n|", max_size=30))
@settings(max_examples=500)
def test_any_text_is_a_template_or_a_clear_error(text):
    template = outcome(lambda: parse_template(text))
    if isinstance(template, ExpressionSyntaxError):
        assert 0 <= template.offset <= len(text)
    elif template.is_literal:
        assert render(text, {}) == text.replace("$${{", "${{")


hostile = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["${{ a }}", "$${{ a }}", "${{", "}}", "{{ a }}", "{% raw %}", "'; rm -rf *", "$(a)", "\x00", "`a`"]
    ),
)


@given(hostile)
def test_a_value_is_never_rendered_again(value):
    context = {"v": value, "a": "leaked"}
    assert render("${{ v }}", context) == value
    assert render("x${{ v }}y", context) == f"x{value}y"
    assert render(["${{ v }}", {"k": "${{ [v] }}"}], context) == [value, {"k": [value]}]
    assert render("${{ v ~ v }}", context) == value + value
    assert render_argv(["${{ v }}", "${{ [v, v] }}", "a${{ v }}"], context) == [value, value, value, f"a{value}"]


# --- Bombs ------------------------------------------------------------------------------------------

BIG = {
    "half": "ab" * (MAX_TEXT // 4),
    "rows": [{"n": number} for number in range(50_000)],
    "texts": ["x" * 1000] * 1000,
    "deep": json.loads("[" * 900 + "]" * 900),
    "wide": list(range(90_000)),
}
BOMBS = [
    "'a' * 10 ** 8",
    "'a' * 100000000",
    "[0] * 100000000",
    "'%0300000000d' % 1",
    "'%0300000000d' | format(1)",
    "'{:>300000000}'.format(1)",
    "'a' | center(300000000)",
    "'a' | indent(300000000)",
    "lipsum(n=100000)",
    "range(99999) | map('string') | list",
    "10 ** 10 ** 10",
    "9999999999 * 9999999999 * 9999999999",
    "'" + "a" * 5000 + "'",
    "(" * 2000 + "1" + ")" * 2000,
    "not " * 1000 + "true",
    "-" * 4000 + "1",
    "half" + " ~ half" * 500,
    "half" + " + half" * 90,
    "half | replace('a', 'aaaaaaaaaa')",
    "half | replace('', half)",
    "half" + " | upper | lower" * 40,
    "half" + " | replace('a', 'b') | replace('b', 'a')" * 40,
    "half | list",
    "half | split('a') | join(half)",
    "[" + ", ".join(["half"] * 500) + "] | join",
    "[" + ", ".join(["half"] * 500) + "] | tojson",
    "[" + ", ".join(["half"] * 500) + "]",
    "[" + ", ".join(["wide"] * 500) + "]",
    "{'a': [[wide, wide], [wide, wide]]}",
    "wide + wide",
    "wide" + " + wide" * 90,
    " or ".join(["wide == wide | reverse"] * 100),
    " or ".join(["-1 in wide"] * 300),
    "rows == rows and rows == rows and rows == rows",
    "rows | sort(attribute='n') | sort(attribute='n') | sort(attribute='n')",
    "texts | sort",
    "rows | map('tojson') | map('fromjson') | map('tojson')",
    "rows | unique | unique | unique",
    "deep | tojson",
    "deep == deep",
    "deep | unique",
    "deep",
    "('[' | replace('[', '[[[[[[[[[[') | replace('[', '[[[[[[[[[[') | replace('[', '[[[[[[[[[[')) | fromjson",
    "half | replace('ab', '[],') | fromjson",
    "().__class__.__bases__[0].__subclasses__()",
    "''.__class__.__mro__[1].__subclasses__()",
    "half.__class__",
    "half | attr('__class__')",
    "half | map(attribute='__class__')",
    "rows | map(attribute='__class__')",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "self.__init__",
    "half['__class__']",
    "half[::0]",
]


@pytest.mark.parametrize("source", BOMBS, ids=lambda source: source[:40])
def test_bombs_are_refused_with_little_memory(source):
    tracemalloc.start()
    try:
        with pytest.raises(ExpressionError):
            evaluate(source, BIG)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 32 * 2**20
    assert len(source) <= MAX_SOURCE or "characters" in str(outcome(lambda: evaluate(source, BIG)))


def test_steps_end_every_bomb():
    for source in BOMBS:
        walk = Walk(BIG)
        outcome(lambda walk=walk, source=source: walk.value(parse_expression(source).node))
        assert walk.steps <= MAX_STEPS + MAX_SOURCE  # nodes are counted, and bounded by the length

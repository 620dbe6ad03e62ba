"""An allow-list of jinja2's grammar is taken over; everything else names a way out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from unspool.expr import ExpressionSyntaxError
from unspool.expr.parse import _parse_with_jinja, parse


@pytest.mark.parametrize("source", ["a", "inputs.x", "tasks.a.outputs.items", "a.if.not", "_x.y1"])
def test_the_short_way_for_chains_gives_what_jinja_gives(source):
    assert parse(source) == _parse_with_jinja(source)


def test_a_chain_of_names_does_not_import_jinja():
    code = "import sys, unspool.expr as e; e.evaluate('a.b', {'a': {'b': 1}}); print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("source", "offset", "message", "hint"),
    [
        ("a && b", 2, "unexpected `&`", "write `and`"),
        ("a || b", 2, "unexpected `||`", "write `or`"),
        ("!a", 0, "unexpected `!`", "write `not`"),
        ("a = b", 2, "unexpected `=`", "write `==`"),
        ("a === b", 2, "unexpected `===`", "write `==`"),
        ("a <> b", 2, "unexpected `<>`", "write `!=`"),
        ("a => b", 2, "unexpected `=>`", "write `>=`"),
        ("a ? b : c", 2, "unexpected `?`", "write `a if test else b`"),
        ("a if b", 0, "a choice needs an `else`", "write `a if test else b`"),
        ("2 ** 3", 0, "there is no operator `**`", "multiply"),
        ("{{ a }}", 0, "unexpected `{{`", "leave the braces out"),
        ("{% if a %}", 0, "unexpected `{%`", "no statements"),
        ("a; b", 1, "unexpected `;`", "no statements"),
        ("a, b", 1, "unexpected `,`", "brackets"),
        ("$HOME", 0, "unexpected `$`", "env.NAME"),
        ("`a`", 0, "unexpected ```", "straight quotes"),
        ("\u201ca\u201d", 0, "unexpected `\u201c`", "straight quotes"),
        ("a == ''x''", 7, "unexpected `x`", "quotes are not doubled"),
        ("'it''s ok' 'x' s 'b'", 15, "unexpected `s`", None),
        ("a b", 2, "unexpected `b`", None),
        ("1 +", 3, "the expression ends too early", None),
        ("(1", 2, "the expression ends too early", None),
        ("a.", 2, "the expression ends too early", None),
        ("[1, 2", 5, "the expression ends too early", None),
        ("{'a' 1}", 5, "unexpected `1`, expected `:`", None),
        ("a[1, 2]", 1, "a member has one name or index", None),
        ("x is none if a else b", 13, "unexpected `a`", "brackets around the test"),
        ("if", 0, "unexpected `if`", "brackets"),
        ("x.upper()", 2, "values have no methods to call, such as `upper`", "`x | upper`"),
        ("x.items()", 2, "values have no methods to call, such as `items`", "`x | items`"),
        ("x.get('a')", 2, "values have no methods to call, such as `get`", "default"),
        ("x.startswith('a')", 2, "values have no methods to call, such as `startswith`", "is startswith"),
        ("contains(a, b)", 0, "there is no function `contains`", "`b in a`"),
        ("startsWith(a, b)", 0, "there is no function `startsWith`", "is startswith"),
        ("fromJSON(a)", 0, "there is no function `fromJSON`", "`a | fromjson`"),
        ("toJSON(a)", 0, "there is no function `toJSON`", "`a | tojson`"),
        ("format('a{0}', b)", 0, "there is no function `format`", "`~`"),
        ("always()", 0, "there is no function `always`", "{x: any}"),
        ("success()", 0, "there is no function `success`", "leave it out"),
        ("failure()", 0, "there is no function `failure`", "{x: failed}"),
        ("len(a)", 0, "there is no function `len`", "`a | length`"),
        ("upper(a)", 0, "there is no function `upper`", "`x | upper`"),
        ("foo(a)", 0, "there is no function `foo`", "filter"),
        ("'a'('b')", 3, "nothing can be called", "filter"),
        ("a | uper", 4, "there is no filter `uper`", "did you mean `upper`?"),
        ("a | d(1)", 4, "there is no filter `d`", "did you mean `default`?"),
        ("a | toJSON", 4, "there is no filter `toJSON`", "did you mean `tojson`?"),
        ("a | regex_replace('a', 'b')", 4, "there is no filter `regex_replace`", "no regular expressions"),
        ("a | attr('x')", 4, "there is no filter `attr`", None),
        (
            "a | default",
            4,
            "the filter `default` takes one argument, the value to take where the other is absent",
            None,
        ),
        ("a | default(1, true)", 4, None, "only what is absent"),
        ("a | upper(1)", 4, "the filter `upper` takes no argument, not 1", None),
        ("a | join(x=1)", 4, "the filter `join` has no argument `x`", None),
        ("a | join(',', sep=',')", 4, "the filter `join` gets `sep` twice", None),
        ("a | join(sep=',', sep=',')", 4, "the filter `join` gets an argument twice", None),
        ("a | head", 4, "the filter `head` needs its argument `count`", None),
        ("a | join(*b)", 4, "arguments cannot be unpacked with `*`", None),
        ("a | select", 4, "the filter `select` needs its argument `test`", "reject('none')"),
        ("a | select('nope')", 11, "there is no test `nope`", None),
        ("a | select('==', 1)", 11, "there is no test `==`", "did you mean `eq`?"),
        ("a | select('eq')", 11, "the test `eq` needs its argument `other`", None),
        ("a | selectattr('x', 'equalto', 1)", 20, "there is no test `equalto`", "did you mean `eq`?"),
        ("a | map('uper')", 8, "there is no filter `uper`", "did you mean `upper`?"),
        ("a | map('default', 0)", 8, "`default` cannot be applied to each item", "default=..."),
        ("a | map(1)", 8, "the filter to apply must be given by its name, as in 'upper' or 'none'", None),
        ("a | map", 4, "the filter `map` needs the name of a filter, or `attribute='...'`", None),
        ("a is null", 2, "there is no test `null`", "did you mean `none`?"),
        ("a is eq", 2, "the test `eq` needs its argument `other`", None),
        ("a is eq(other=1)", 2, None, None),
    ],
)
def test_mistakes_are_pointed_at_and_explained(source, offset, message, hint):
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse(source)
    problem = caught.value
    assert problem.offset == offset
    assert message is None or problem.message == message
    assert hint is None or hint in problem.hint
    assert str(problem) == (f"{problem.message}; {problem.hint}" if problem.hint else problem.message)


def test_an_almost_full_stack_is_a_clear_error(monkeypatch):
    def overflow(_source):
        raise RecursionError

    monkeypatch.setattr("unspool.expr.parse._parse_with_jinja", overflow)
    with pytest.raises(ExpressionSyntaxError, match="nested too deeply"):
        parse("1 + 1")

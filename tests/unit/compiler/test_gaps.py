"""Lists of a fan-out that may hold null, where each entry is needed."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player
from tests.unit.compiler.compiling import marked, only, plan_of
from unspool.compiler.gaps import consumers
from unspool.expr.template import parse_expression

BODY = """
tasks:
  first: {{run: [x]}}
  asked: {{for_each: [a, b], run: [x], when: "${{{{ item == 'a' }}}}", outputs: {{n: {{}}, d: {{default: 0}}}}}}
  frail: {{for_each: [a, b], run: [x], on_failure: skip, outputs: {{n: {{}}}}}}
  sound: {{for_each: [a, b], run: [x], depends_on: {{first: completed}}, outputs: {{n: {{}}}}}}
  copied: {{for_each: [a], when: "${{{{ item == 'a' }}}}", group: {{tasks: {{b: {{run: [x]}}}}}}, outputs: {{n: {{}}}}}}
  inner:
    for_each: [a]
    group: {{tasks: {{b: {{run: [x], when: "${{{{ item == 'a' }}}}"}}}}}}
    outputs: {{n: {{}}}}
  whole: {{for_each: [a], depends_on: [first], group: {{tasks: {{b: {{run: [x]}}}}}}, outputs: {{n: {{}}}}}}
  replaced: {{for_each: [a], run: [x], on_failure: {{substitute: f}}, outputs: {{n: {{}}}}}}
  t: {{depends_on: [asked, frail, sound, copied, inner, whole, replaced], run: [x, "{argument}"]}}
  u: {{depends_on: {{frail: completed, asked: completed}}, run: [x, "{last}"]}}
templates:
  f: {{run: [x], when: "${{{{ run.id == run.name }}}}", outputs: {{n: {{}}}}}}
"""


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("${{ tasks.asked.outputs.n | sum }}", "an instance of `asked` that was skipped, and `sum` fails"),
        ("${{ tasks.asked.outputs.n | join(',') }}", "an instance of `asked` that was skipped, and `join` fails"),
        ("${{ 1 + (tasks.asked.outputs.n | max) }}", "an instance of `asked` that was skipped, and `max` fails"),
        ("${{ tasks.asked.outputs.n }}", "an instance of `asked` that was skipped, and the command fails"),
        ("${{ tasks.frail.outputs.n | sort }}", "an instance of `frail` that failed, and `sort` fails"),
        ("${{ tasks.copied.outputs.n | sum }}", "an instance of `copied` that was skipped, and `sum` fails"),
        ("${{ tasks.inner.outputs.n | sum }}", "an instance of `inner` that was skipped, and `sum` fails"),
        ("${{ tasks.replaced.outputs.n | sum }}", "an instance of `replaced` that was skipped, and `sum` fails"),
        ("${{ tasks.asked.outputs.n | reject('none') | sum }}", None),
        ("${{ tasks.asked.outputs.n | length }}", None),
        ("${{ tasks.asked.outputs.n | sum(attribute='x') }}", None),
        ("${{ tasks.asked.outputs.n[0] }}", None),
        ("n=${{ tasks.asked.outputs.n | tojson }}", None),
        ("${{ tasks.asked.outputs.d | sum }}", None),
        ("${{ tasks.sound.outputs.n | sum }}", None),
        ("${{ tasks.sound.outputs.n }}", None),
        ("${{ tasks.whole.outputs.n | sum }}", None),
    ],
)
def test_a_list_that_may_hold_null_is_warned_of(argument, says):
    body = BODY.format(argument=argument, last="")
    if says is None:
        plan_of(body)
        return
    found = only(body)
    assert (found.code, found.severity) == ("UNS190", "warning")
    assert says in found.message
    assert found.hint == "leave null out with `| reject('none')`, or give the output a `default`"
    assert marked(body, found, 6) == "tasks."


def test_what_is_asked_to_complete_has_not_failed():
    plan_of(BODY.format(argument="", last="${{ tasks.frail.outputs.n | sum }}"))
    assert only(BODY.format(argument="", last="${{ tasks.asked.outputs.n | sum }}")).code == "UNS190"


@pytest.mark.parametrize("use", ["| sum", "| min", "| max", "| sort", "| join(',')", ""])
def test_what_is_warned_of_fails(use):
    text = """
    tasks:
      f: {for_each: [a, b], run: [x], on_failure: skip, outputs: {n: {type: number, from: stdout}}}
      t: {depends_on: [f], run: [x, "${{ tasks.f.outputs.n %s }}"]}
    """
    player = Player(text % use, {"f[a]": FAILS, "f[b]": "1\n"})
    player.finish()
    assert player.ends()["t"] == ("failed", "expression_error")


@pytest.mark.parametrize(
    ("source", "is_argument", "found"),
    [
        ("a.b", True, {0: "the command"}),
        ("a.b", False, {}),
        ("a.b | sum", False, {0: "`sum`"}),
        ("x ~ (a.b | join)", False, {5: "`join`"}),
        ("a.b | sum(attribute='c')", False, {}),
        ("a.b | join(',', 'c')", False, {}),
        ("[1, 2] | sum", False, {}),
        ("a.b if c else d", True, {}),
    ],
)
def test_what_takes_a_value_just_as_it_is_named(source, is_argument, found):
    assert consumers(parse_expression(source).node, is_argument=is_argument) == found

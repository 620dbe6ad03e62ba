"""Rules as plans have them."""

from __future__ import annotations

from tests.unit.compiler.compiling import plan_of

BODY = """
tasks:
  a:
    run: [x]
    retry: {max_attempts: 2}
    on_result:
      - {when: "${{ outcome == 'failed' }}", ruleset: r}
      - {retry: {after: 5s}}
  b: {run: [x], on_result: [{ruleset: r}]}
rulesets:
  r: [{when: "${{ attempt == 1 }}", emit: [t, u], with: {n: 1}}, {ruleset: s}]
  s: [{note: deep}]
templates:
  t: {inputs: {n: {type: integer}}, run: [x]}
  u: {inputs: {n: {type: integer}}, run: [x]}
"""


def rules(name: str):
    plan = plan_of(BODY)
    (task,) = [task for task in plan.tasks if task.id == name]
    return plan, task.rules


def test_rulesets_stand_in_the_place_of_the_rules_that_apply_them():
    plan, (first, second, third) = rules("a")
    assert [rule.path for rule in (first, second, third)] == ["r[0]", "s[0]", "a.on_result[1]"]
    assert first.when == "(outcome == 'failed') and (attempt == 1)"
    assert second.when == "outcome == 'failed'"
    assert second.note == "deep"
    assert (third.when, third.retry) == (None, "5s")
    assert [plan.tasks[emission.template].id for emission in first.emits] == ["t", "u"]


def test_every_use_of_a_rule_counts_for_itself():
    _, (mine, *_) = rules("a")
    _, (others, *_) = rules("b")
    assert mine.emits[0].rule != others.emits[0].rule
    assert mine.emits[0].most == others.emits[0].most == 1

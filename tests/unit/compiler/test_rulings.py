"""What is wrong with rules."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import codes, diagnose, marked, only


def with_rule(rule: str, *, task: str = "run: [x]", rest: str = "templates: {t: {run: [x]}}") -> str:
    return f"tasks:\n  a: {{{task}, on_result: [{{{rule}}}]}}\n  b: {{run: [x], on_result: [{{emit: t}}]}}\n{rest}\n"


@pytest.mark.parametrize(
    ("rule", "code", "message", "place"),
    [
        ("when: true", "UNS195", "a rule asks for nothing", "{when"),
        ("fail: x, retry: {after: 1s}", "UNS195", "a rule has both `fail` and `retry`", "retry"),
        ("ruleset: r, note: x", "UNS195", "a rule has both `ruleset` and `note`", "note"),
        ("note: x, max: 2", "UNS195", "`max` of a rule goes with `emit`", "max"),
        ("note: x, with: {a: 1}", "UNS195", "`with` of a rule goes with `emit` or `event`", "with"),
        ("emit: tt", "UNS166", "there is no template `tt`", "tt"),
        ("emit: [t, tt]", "UNS166", "there is no template `tt`", "tt"),
        ("emit: t, with: {n: 1}", "UNS166", "the template `t` has no input `n`", "n: 1"),
        ("retry: {after: 1s}", "UNS198", "a rule asks for another attempt of `a`, which has only one", "retry"),
        ('when: "${{ result.exit }}", note: x', "UNS069", "`result` has no `exit`", "result.exit"),
        ('when: "${{ attempt }}", note: x', "UNS076", "`attempt` is a whole number, not true or false", "attempt"),
        ('note: "${{ item }}"', "UNS064", "`item` is known only under `for_each`", "item"),
        ('note: "${{ outputs.n }}"', "UNS068", "task `a` declares no output `n`", "outputs.n"),
        ('note: "${{ tasks.b.state }}"', "UNS070", "task `a` reads `b`, which does not come before it", "tasks.b"),
        ('emit: t, for_each: "${{ outcome }}"', "UNS174", "`outcome` is text, not a list", "outcome"),
        ('note: "${{ secrets.TOKEN }}"', None, None, None),
    ],
)
def test_what_is_wrong_with_a_rule(rule, code, message, place):
    rest = (
        "rulesets: {r: [{note: y}]}\ntemplates: {t: {run: [x]}}" if "ruleset" in rule else "templates: {t: {run: [x]}}"
    )
    body = with_rule(rule, rest=rest)
    if code is None:
        assert diagnose(body)
        return
    found = only(body)
    assert (found.code, found.message) == (code, message)
    assert marked(body, found, len(place)) == place
    assert found.hint


@pytest.mark.parametrize(
    "rule",
    [
        "emit: t",
        "when: \"${{ outcome == 'failed' and reason == 'timeout' }}\", emit: t, note: \"${{ result.stderr }}\"",
        'emit: t, for_each: "${{ result.json }}", key: "${{ item.a }}-${{ index }}", max: 3',
        'fail: "${{ result.stdout }}", emit: t',
        "cancel: run",
        'event: changed, with: {n: "${{ attempt }}"}',
    ],
)
def test_sound_rules(rule):
    assert codes(with_rule(rule)) == []


def test_a_ruleset_is_checked_where_it_stands_and_once():
    body = """
tasks:
  a: {run: [x], on_result: [{ruleset: r}]}
  b: {run: [x], on_result: [{ruleset: r}]}
rulesets:
  r: [{note: "${{ result.nope }}"}]
"""
    found = only(body)
    assert found.code == "UNS069"
    assert marked(body, found, len("result.nope")) == "result.nope"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            "tasks: {a: {run: [x], on_result: [{ruleset: q}]}}\nrulesets: {r: [{ruleset: p}], p: [{note: x}]}",
            "UNS196",
            "there is no ruleset `q`",
        ),
        (
            "tasks: {a: {run: [x], on_result: [{ruleset: r}]}}\nrulesets: {r: [{ruleset: r}]}",
            "UNS196",
            "the ruleset `r` applies itself",
        ),
        ("tasks: {a: {run: [x]}}\nrulesets: {r: [{note: x}]}", "UNS199", "nothing uses the ruleset `r`"),
    ],
)
def test_rulesets_by_name(body, code, message):
    assert (code, message) in [(found.code, found.message) for found in diagnose(body)]


def test_what_may_go_on_for_ever_needs_a_bound():
    body = "tasks: {a: {run: [x], on_result: [{emit: t}]}}\ntemplates: {t: {run: [x], on_result: [{emit: t}]}}\n"
    found = only(body)
    assert found.code == "UNS197"
    assert found.message == "a rule of `t` may go on for ever: what it emits may lead to `t` again"
    assert (
        codes(
            "tasks: {a: {run: [x], on_result: [{emit: t}]}}\n"
            "templates: {t: {run: [x], on_result: [{emit: t, max: 3}]}}\n"
        )
        == []
    )


def test_nothing_follows_from_finally():
    found = only(
        "tasks: {a: {run: [x], on_result: [{emit: t}]}}\nfinally: {z: {run: [x], on_result: [{emit: t}]}}\n"
        "templates: {t: {run: [x]}}\n"
    )
    assert found.code == "UNS198"


def test_a_template_that_a_rule_names_is_used():
    assert codes(with_rule("emit: t")) == []
    assert codes("tasks: {a: {run: [x]}}\ntemplates: {t: {run: [x]}}\n") == ["UNS168"]

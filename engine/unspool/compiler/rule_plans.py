"""From the rules of a checked document to those of its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unspool.compiler.conditions import condition_source
from unspool.compiler.emissions import Counts, Written, emitted_by, rules_of
from unspool.model.diagnostics import Path
from unspool.model.plan import Emission, Rule


def plan_rules(
    document: dict[str, Any], name: str, body: dict[str, Any], counts: Counts, place: Mapping[str, int], number: int
) -> tuple[Rule, ...]:
    """Give the rules of a task, those of rulesets among them.

    Args:
        document: the document, with its `rulesets`.
        name: the whole name of the task.
        body: its keys.
        counts: how many tasks each rule may add.
        place: the index of every task.
        number: how many rules of the plan come before.
    """
    rules = rules_of(document, name, body)
    return tuple(_rule(name, rule, counts, place, number + at) for at, rule in enumerate(rules))


def _rule(name: str, rule: Written, counts: Counts, place: Mapping[str, int], number: int) -> Rule:
    keys = rule.keys
    given = keys.get("with", {})
    conditions = [when for when, _ in rule.around] + ([keys["when"]] if keys.get("when", True) is not True else [])
    sources = [source for source in map(condition_source, conditions) if source is not None]
    when = sources[0] if len(sources) == 1 else " and ".join(f"({source})" for source in sources) or None
    most = counts.most(name, rule)
    emits = tuple(
        Emission(place[template], number, most, given, keys.get("for_each"), keys.get("key"))
        for template in emitted_by(keys)
    )
    retry = keys.get("retry")
    return Rule(
        path=_written(name, rule.path),
        when=when,
        emits=emits,
        fail=keys.get("fail"),
        retry=None if retry is None else retry.get("after", "0s"),
        cancels="cancel" in keys,
        event=(keys["event"], given) if "event" in keys else None,
        note=keys.get("note"),
    )


def _written(name: str, path: Path) -> str:
    """Give how messages call a rule: `test.on_result[0]`, or `repair[0]` of a ruleset."""
    return f"{path[1]}[{path[2]}]" if path[0] == "rulesets" else f"{name}.on_result[{path[3]}]"

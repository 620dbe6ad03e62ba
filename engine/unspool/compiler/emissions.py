"""Which templates the rules of a document may add tasks of, how many, and what stands for all of them.

What stands for all instances of a template waits for every task that may add one. Templates that may add tasks of
each other are over together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from unspool.compiler.conditions import condition_source
from unspool.compiler.graph import COPIED, DOOR, EACH
from unspool.model.diagnostics import Path
from unspool.model.plan import DEFAULT_MOST_INSTANCES, FanOut

if TYPE_CHECKING:
    from unspool.compiler.flatten import Flat, Role


class Written(NamedTuple):
    """A rule as it stands in a document, where it applies.

    Attributes:
        keys: its keys.
        path: where it stands: in a task, or in one of the `rulesets`.
        around: the conditions of the rules that apply the ruleset, outermost first, each with its path.
        number: its place among all rules of the task.
    """

    keys: dict[str, Any]
    path: Path
    around: tuple[tuple[Any, Path], ...] = ()
    number: int = 0


def rules_of(document: dict[str, Any], name: str, body: dict[str, Any]) -> list[Written]:
    """Give the rules of a task, those of rulesets in the place of the rules that apply them.

    A ruleset that applies itself, and one that there is not, is left out: both are errors.
    """
    rulesets = document.get("rulesets", {})
    found: list[Written] = []
    seen: list[str] = []

    def add(rules: list[dict[str, Any]], path: Path, around: tuple[tuple[Any, Path], ...]) -> None:
        for number, keys in enumerate(rules):
            at = (*path, number)
            wanted = keys.get("ruleset")
            if wanted is None:
                found.append(Written(keys, at, around, len(found)))
            elif isinstance(wanted, str) and wanted in rulesets and wanted not in seen:
                seen.append(wanted)
                when = keys.get("when", True)
                inner = around if when is True else (*around, (when, (*at, "when")))
                add(rulesets[wanted], ("rulesets", wanted), inner)
                seen.pop()

    add(body.get("on_result", []), ("tasks", name, "on_result"), ())
    return found


def inlined(document: dict[str, Any], body: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the rules of a task without rulesets, for where those of its document are not known."""
    rules = []
    for rule in rules_of(document, "", body):
        conditions = [when for when, _ in rule.around] + [rule.keys.get("when", True)]
        sources = [source for source in map(condition_source, conditions) if source is not None]
        keys = {key: value for key, value in rule.keys.items() if key != "when"}
        when = f"${{{{ {' and '.join(f'({source})' for source in sources)} }}}}"
        rules.append({"when": when, **keys} if sources else keys)
    return rules


def emitted_by(keys: dict[str, Any]) -> list[str]:
    """Give the templates that a rule names."""
    emit = keys.get("emit", [])
    return [emit] if isinstance(emit, str) else list(emit)


def interpreter_of(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Give the interpreter of a task, which has one, and its parameters."""
    asked = body["interpret"]
    return (asked, {}) if isinstance(asked, str) else next(iter(asked.items()), ("", {}))


def substitute_of(body: dict[str, Any]) -> str | None:
    """Give the template that stands in for a task."""
    policy = body.get("on_failure")
    wanted = policy.get("substitute") if isinstance(policy, dict) else None
    return wanted if isinstance(wanted, str) else None


# -- what stands for all instances of a template ------------------------------------------------------


def add_collectors(
    document: dict[str, Any],
    tasks: dict[str, dict[str, Any]],
    roles: dict[str, Role],
    paths: dict[str, Path],
    templates: set[str],
) -> None:
    """Add what stands for all instances of each template that rules name or tasks wait for; let these wait for it."""
    running = {name: body for name, body in tasks.items() if name not in roles or not roles[name].closing}
    makers = {template: _makers(document, running, template) for template in sorted(templates)}
    asked = _asked(tasks, roles)
    wanted = {name for name in templates if name in asked or any(is_rule for _, is_rule in makers[name])}
    homes = {name: _home(name, paths, roles) for each in makers.values() for name, _ in each}
    while more := {homes[name] for each in wanted for name, _ in makers[each] if homes[name] in templates} - wanted:
        wanted |= more
    if not wanted:
        return
    leads = {each: [homes[name] for name, _ in makers[each] if homes[name] in wanted] for each in sorted(wanted)}
    circles = _circles(leads)
    for name in tasks:
        _wait_for_all(tasks, name, wanted)
    for template in sorted(wanted):
        _add_collector(template, tasks, roles, paths, makers, homes, circles)


def _add_collector(
    template: str,
    tasks: dict[str, dict[str, Any]],
    roles: dict[str, Role],
    paths: dict[str, Path],
    makers: dict[str, list[tuple[str, bool]]],
    homes: dict[str, str],
    circles: dict[str, tuple[str, ...]],
) -> None:
    from unspool.compiler.flatten import Role  # which imports this module

    circle = circles[template]
    needs: dict[str, str] = {}
    for peer in circle:
        for name, _ in makers[peer]:
            home = homes[name]
            if home not in circle:
                needs[f"{home}{EACH}" if paths.get(home) == ("templates", home) else home] = "any"
    if DOOR in tasks:
        needs[DOOR] = "any"
    role = roles[template]
    last = tasks[role.region[-1]] if role.region else tasks[template]
    body: dict[str, Any] = {"depends_on": needs, "emitters": True}
    for key in ("outputs", "on_failure", "description", "estimate"):
        if key in last:
            body[key] = last[key]
    if isinstance(body.get("on_failure"), dict):
        del body["on_failure"]
    tasks[f"{template}{EACH}"] = body
    peers = tuple(f"{each}{EACH}" for each in circle)
    paths[f"{template}{EACH}"] = paths[template]
    roles[f"{template}{EACH}"] = Role(kind="template", region=role.region, peers=peers)


def _makers(document: dict[str, Any], tasks: dict[str, dict[str, Any]], template: str) -> list[tuple[str, bool]]:
    """Give the tasks that may make an instance of a template, and whether a rule of theirs does."""
    found = []
    for name, body in tasks.items():
        if "on_result" in body and any(template in emitted_by(rule.keys) for rule in rules_of(document, name, body)):
            found.append((name, True))
        elif substitute_of(body) == template:
            found.append((name, False))
    return found


def _asked(tasks: dict[str, dict[str, Any]], roles: dict[str, Role]) -> set[str]:
    """Give all that tasks wait for, by the names that their authors wrote."""
    return {
        need
        for name, body in tasks.items()
        if name not in roles or (not roles[name].scope and roles[name].kind in ("task", "gate", "fan_out"))
        for need in body.get("depends_on", ())
    }


def _home(name: str, paths: dict[str, Path], roles: dict[str, Role]) -> str:
    """Give who runs on behalf of a task: the template it is of, the outermost task that it is a copy for, or itself."""
    path = paths.get(name, ())
    if path[:1] == ("templates",):
        return str(path[1])
    return name.partition(COPIED)[0] if name in roles and roles[name].template else name


def _wait_for_all(tasks: dict[str, dict[str, Any]], name: str, templates: set[str]) -> None:
    wanted = tasks[name].get("depends_on")
    if not wanted or templates.isdisjoint(wanted):
        return
    if isinstance(wanted, dict):
        needs: Any = {f"{need}{EACH}" if need in templates else need: state for need, state in wanted.items()}
    else:
        needs = [f"{need}{EACH}" if need in templates else need for need in wanted]
    tasks[name] = {**tasks[name], "depends_on": needs}


def _circles(leads: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Give for each template those that lead to it and that it leads to, with itself, in order of their names."""
    reached = {name: set(_reach(leads, name)) for name in leads}
    return {
        name: tuple(sorted({name, *(other for other in reached[name] if name in reached[other])})) for name in leads
    }


def _reach(leads: dict[str, list[str]], start: str) -> Iterator[str]:
    left, seen = list(leads[start]), set[str]()
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            yield name
            left += leads[name]


# -- how many ------------------------------------------------------------------------------------------


class Counts:
    """Counts what rules may add to a run.

    Attributes:
        endless: rules that may go on for ever, since nothing bounds the circle that they are in.
    """

    def __init__(self, flat: Flat, fans: dict[str, FanOut]) -> None:
        self._flat = flat
        self._fans = fans
        self._tasks: dict[str, dict[str, Any]] = flat.readable.document["tasks"]
        self._templates = sorted(name for name in self._tasks if flat.paths.get(name) == ("templates", name))
        self._rules = {
            name: rules_of(flat.source, name, body) for name, body in self._tasks.items() if "on_result" in body
        }
        self._count: dict[str, int] = {}
        self._on_the_way: list[str] = []
        self.endless: list[tuple[str, Written]] = []

    def most(self, name: str, rule: Written) -> int:
        """Give how many tasks one emission of a rule may add in the whole run."""
        if "max" in rule.keys:
            return int(rule.keys["max"])
        items = rule.keys.get("for_each")
        if items is not None:
            return len(items) * self._times(name) if isinstance(items, list) else DEFAULT_MOST_INSTANCES
        home = self._home(name)
        if home in self._on_the_way:
            self.endless.append((name, rule))
            return 1
        return self._times(name)

    def emitted(self, template: str) -> int:
        """Give how many instances of a template rules may add."""
        if template not in self._count:
            self._on_the_way.append(template)
            self._count[template] = sum(
                self.most(name, rule)
                for name, rules in self._rules.items()
                for rule in rules
                if template in emitted_by(rule.keys)
            )
            self._on_the_way.pop()
        return self._count[template]

    def instances(self, template: str) -> int:
        """Give how many instances of a template there may be, with those that stand in for tasks."""
        return self.emitted(template) + self._stand_ins(template)

    def templates(self) -> list[str]:
        """Give the templates that rules name."""
        named = {each for rules in self._rules.values() for rule in rules for each in emitted_by(rule.keys)}
        return [name for name in self._templates if name in named]

    def _home(self, name: str) -> str | None:
        path = self._flat.paths.get(name, ())
        return str(path[1]) if path[:1] == ("templates",) else None

    def _times(self, name: str) -> int:
        """Give how many copies of a task a run may have."""
        around = [name[: at.start()] for at in _copies(name)]
        own = [self._fans[each].most for each in (*around, name) if each in self._fans]
        home = self._home(name)
        if home is None:
            return prod(own)
        return prod(own) * self.instances(home)

    def _stand_ins(self, template: str) -> int:
        if template in self._on_the_way[:-1]:
            return 0
        return sum(self._times(name) for name, body in self._tasks.items() if substitute_of(body) == template)


def _copies(name: str) -> Iterator[re.Match[str]]:
    return re.finditer(re.escape(COPIED), name)

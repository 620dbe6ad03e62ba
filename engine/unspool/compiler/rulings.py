"""Check rules: what they name, what goes together in one, and that what they add to a run has an end."""

from __future__ import annotations

from typing import Any

from unspool.compiler.emissions import Counts, Written, emitted_by, rules_of
from unspool.compiler.flatten import Flat
from unspool.compiler.stand_ins import check_arguments, no_template
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.plan import DEFAULT_MAX_DEPTH
from unspool.model.similar import closest

CODES = {
    "UNS195": "a rule asks for nothing, or for what does not go together",
    "UNS196": "a rule names a ruleset that there is not, or that applies itself",
    "UNS197": "templates may emit each other without end",
    "UNS198": "a rule, or an open run, can never do what it is for",
    "UNS199": "nothing uses a ruleset",
}

_ACTIONS = ("emit", "fail", "retry", "cancel", "event", "note", "ruleset")
_OF_EMIT = ("for_each", "key", "max")


def check_rules(flat: Flat, counts: Counts) -> list[Diagnostic]:
    """Say what is wrong with the rules of a document.

    Args:
        flat: the document, laid out.
        counts: how many tasks its rules may add.
    """
    checker = _Checker(flat)
    checker.check()
    if flat.source.get("open") and not flat.source.get("templates"):
        hint = "add `templates`, of which `unspool submit` makes tasks; or remove it"
        checker.found.append(Diagnostic("UNS198", "an open run without templates takes no tasks", ("open",), hint=hint))
    return list(dict.fromkeys((*checker.found, *_endless(counts))))


class _Checker:
    """Goes through all rules, each where it stands, and with each task that has it."""

    def __init__(self, flat: Flat) -> None:
        self._flat = flat
        self._rulesets: dict[str, Any] = flat.source.get("rulesets", {})
        self._templates = {name for name in flat.roles if flat.paths.get(name) == ("templates", name)}
        self.found: list[Diagnostic] = []
        self.used: set[str] = set()

    def check(self) -> None:
        tasks = self._flat.readable.document["tasks"]
        for name, body in tasks.items():
            if "on_result" not in body:
                continue
            for number, keys in enumerate(body["on_result"]):
                self._keys(keys, ("tasks", name, "on_result", number))
            for rule in rules_of(self._flat.source, name, body):
                self._rule(name, body, rule)
        for ruleset, rules in self._rulesets.items():
            for number, keys in enumerate(rules):
                self._keys(keys, ("rulesets", ruleset, number))
                for template in emitted_by(keys) if "emit" in keys else ():
                    self._emitted(template, keys, ("rulesets", ruleset, number))
            self._circle(ruleset)
        if not self.found and ("rulesets",) not in self._flat.readable.holes:
            hint = "apply it in a rule: `on_result: [{ruleset: NAME}]`, or remove it"
            for ruleset in self._rulesets.keys() - self.used:
                message = f"nothing uses the ruleset {quote(ruleset)}"
                path: Path = ("rulesets", ruleset)
                self.found.append(Diagnostic("UNS199", message, path, on_key=True, hint=hint, severity="warning"))

    def _find(self, code: str, message: str, path: Path, hint: str, *, on_key: bool = False) -> None:
        self.found.append(Diagnostic(code, message, path, on_key=on_key, hint=hint))

    def _keys(self, keys: dict[str, Any], path: Path) -> None:
        """Check what one rule says by itself."""
        asked = [key for key in _ACTIONS if key in keys]
        if not asked:
            self._find(
                "UNS195", "a rule asks for nothing", path, "add `emit: TEMPLATE`, `fail: MESSAGE`, or `note: TEXT`"
            )
        if "fail" in keys and "retry" in keys:
            self._both(path, "fail", "retry")
        if "ruleset" in keys:
            other = next((key for key in (*_ACTIONS[:-1], *_OF_EMIT, "with") if key in keys), None)
            if other is not None:
                self._both(path, "ruleset", other)
            self._ruleset(keys["ruleset"], (*path, "ruleset"))
        elif asked:
            for key in _OF_EMIT:
                if key in keys and "emit" not in keys:
                    self._find(
                        "UNS195", f"{quote(key)} of a rule goes with `emit`", (*path, key), "remove it", on_key=True
                    )
            if "with" in keys and "emit" not in keys and "event" not in keys:
                message = "`with` of a rule goes with `emit` or `event`"
                self._find("UNS195", message, (*path, "with"), "remove it", on_key=True)

    def _both(self, path: Path, one: str, other: str) -> None:
        message = f"a rule has both {quote(one)} and {quote(other)}"
        self._find("UNS195", message, (*path, other), "make two rules of it", on_key=True)

    def _ruleset(self, wanted: Any, path: Path) -> None:
        self.used.add(str(wanted))
        if wanted in self._rulesets or ("rulesets",) in self._flat.readable.holes:
            return
        meant = closest(str(wanted), self._rulesets)
        hint = f"did you mean {quote(meant)}?" if meant else "declare it under `rulesets`"
        self._find("UNS196", f"there is no ruleset {quote(str(wanted))}", path, hint)

    def _circle(self, start: str) -> None:
        way = [start]
        left = [(start, rule.get("ruleset"), number) for number, rule in enumerate(self._rulesets[start])]
        seen = {start}
        while left:
            holder, wanted, number = left.pop()
            if wanted == start:
                message = f"the ruleset {quote(way[0])} applies itself"
                self._find("UNS196", message, ("rulesets", holder, number, "ruleset"), "remove it")
                return
            if wanted in self._rulesets and wanted not in seen:
                seen.add(wanted)
                left += [(wanted, rule.get("ruleset"), at) for at, rule in enumerate(self._rulesets[wanted])]

    def _rule(self, name: str, body: dict[str, Any], rule: Written) -> None:
        """Check what a rule means to one of the tasks that have it."""
        role = self._flat.role(name)
        if rule.path[0] == "tasks":
            for template in emitted_by(rule.keys):
                self._emitted(template, rule.keys, rule.path)
        if role.closing or role.shielded:
            for key in ("emit", "retry", "cancel"):
                if key in rule.keys:
                    message = f"a rule of {quote(name)} cannot ask for {quote(key)}: nothing follows from `finally`"
                    self._find("UNS198", message, (*rule.path, key), "remove the rule", on_key=True)
        elif "retry" in rule.keys and "fail" not in rule.keys and not self._may_retry(body):
            message = f"a rule asks for another attempt of {quote(name)}, which has only one"
            hint = "give the task attempts, such as `retry: {max_attempts: 3, on: []}`"
            if body.keys() & {"wait", "approval", "group"}:
                hint = "remove the rule: only tasks with attempts can be tried again"
            self._find("UNS198", message, (*rule.path, "retry"), hint, on_key=True)

    def _may_retry(self, body: dict[str, Any]) -> bool:
        if body.keys() & {"wait", "approval", "group", "workflow"}:
            return False
        defaults = self._flat.source.get("defaults", {})
        common = defaults.get("retry", {}) if isinstance(defaults, dict) else {}
        own = body.get("retry", {})
        return bool({**common, **own}.get("max_attempts", 1) != 1)

    def _emitted(self, template: str, keys: dict[str, Any], path: Path) -> None:
        if template not in self._templates:
            at: Path = (*path, "emit")
            if isinstance(keys["emit"], list):
                at = (*at, keys["emit"].index(template))
            if ("templates",) not in self._flat.readable.holes:
                self.found.append(no_template(self._flat, template, self._templates, at))
            return
        role = self._flat.roles[template]
        if role.knows_inputs:
            self.found += check_arguments(template, role.inputs or {}, keys.get("with", {}), path)


def _endless(counts: Counts) -> list[Diagnostic]:
    """Say which rules go on for ever, and where the depth that a circle needs is not allowed."""
    for template in counts.templates():
        counts.emitted(template)
    found = []
    for name, rule in counts.endless:
        message = f"a rule of {quote(name)} may go on for ever: what it emits may lead to {quote(name)} again"
        hint = (
            f"bound it: add `max: 3`, and `limits: {{max_depth: ...}}` above {DEFAULT_MAX_DEPTH} where that is too few"
        )
        found.append(Diagnostic("UNS197", message, (*rule.path, "emit"), on_key=True, hint=hint))
    return found

"""Random documents with everything that a run can grow, wait for or undo; the fate of each attempt goes with them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import reduce
from typing import Any

from hypothesis import strategies as st

from tests.playing import Fate
from tests.property.worlds import SEEDS
from unspool.compiler.compile import compile_document
from unspool.model.plan import Plan

FAILS = {"class": "exit_code", "message": "exit code 1"}
_STATES = ("ok",) * 8 + ("completed", "failed", "skipped", "any", "any")
_POLICIES = ("cancel_dependents",) * 4 + ("skip",) * 3 + ("substitute",) * 3 + ("rollback",) * 2 + ("again",)
_TEMPLATES = ("spare", "team", "crowd")
_RESOURCES = {
    "pool": {"slots": 2},
    "port": {"items": [8001, 8002]},
    "gate": {"slots": 3, "circuit_breaker": {"failures": 2, "reset_after": "5s"}},
    "pace": {"rate": "3/2s"},
}


@dataclass(frozen=True, repr=False)
class Grown:
    """A document and what chance has decided about its attempts.

    `calm` documents end alike in whatever order things happen: none races, aborts, rolls back or runs out of time.
    """

    text: str
    plan: Plan
    size: int
    seed: int
    calm: bool

    def __repr__(self) -> str:
        return f"grown({self.size}, {self.seed}, calm={self.calm})"  # which draws it anew

    def fate(self, name: str, number: int) -> Fate:
        """Say how attempt `number` of the task with this id ends."""
        chance = random.Random(f"{self.seed}/{name}#{number}")
        return FAILS if chance.random() < 0.25 else f"{name}\n"

    def approves(self, name: str) -> bool:
        """Say what a person decides whom the task with this id asks."""
        return isinstance(self.fate(name, 1), str)


def grown(size: int, seed: int, *, calm: bool = False) -> Grown:
    """Draw a document of about `size` tasks at its top, and compile it."""
    document = _Drawing(size, seed, calm=calm).document()
    compilation = compile_document(json.dumps(document))
    idle = [found.path for found in compilation.diagnostics if found.code == "UNS167"]
    for path in idle:  # a rollback that has nothing to undo
        holder = reduce(lambda part, key: part[key], path[:-2], document)
        holder.pop("on_failure", None)
    if idle:
        compilation = compile_document(json.dumps(document))
    if any(found.code == "UNS150" for found in compilation.diagnostics):  # more than the queue takes begin at once
        del document["limits"]["queue"]
        compilation = compile_document(json.dumps(document))
    errors = [found for found in compilation.diagnostics if found.severity == "error"]
    assert compilation.plan is not None, errors
    return Grown(json.dumps(document, indent=1), compilation.plan, size, seed, calm)


def growing(largest: int = 6, *, calm: bool = False) -> st.SearchStrategy[Grown]:
    """Draw documents by size and seed, so that a failing one shrinks to few tasks."""
    return st.builds(lambda size, seed: grown(size, seed, calm=calm), st.integers(1, largest), SEEDS)


class _Drawing:
    def __init__(self, size: int, seed: int, *, calm: bool) -> None:
        self.size = size
        self.chance = random.Random(f"{size}/{seed}")
        self.calm = calm

    def document(self) -> dict[str, Any]:
        chance = self.chance
        tasks = {f"t{n}": self._task([f"t{k}" for k in range(n)]) for n in range(self.size)}
        if self._is(0.5):  # what waits for all that is made of a template
            wanted = self.chance.sample(_TEMPLATES, self.chance.randint(1, 2))
            tasks["all"] = {"depends_on": {name: self.chance.choice(("ok", "any")) for name in wanted}, "run": ["x"]}
        if not any("compensate" in task for task in tasks.values()):
            tasks["t0"] = {"run": ["x"], "compensate": {"run": ["undo"]}}
        document: dict[str, Any] = {
            "unspool": 1,
            "name": "grown",
            "inputs": {"items": {"type": "array", "default": list("abc")[: chance.randrange(4)], "maxItems": 3}},
            "limits": {"max_tasks": 2_000_000, "max_depth": 12, **self._limits()},
            "resources": _RESOURCES,
            "tasks": tasks,
            "templates": self._templates(),
        }
        if chance.random() < 0.5:
            names = [f"f{n}" for n in range(chance.randint(1, 3))]
            document["finally"] = {name: _as_an_end(self._task(names[:n])) for n, name in enumerate(names)}
        return document

    def _limits(self) -> dict[str, Any]:
        if self.calm:
            return {}
        drawn: dict[str, Any] = {"concurrency": self.chance.choice((None, None, 1, 3))}
        drawn["timeout"] = self.chance.choice((None, None, None, "60s"))
        drawn["queue"] = self.chance.choice((None, None, None, None, 2))
        return {key: value for key, value in drawn.items() if value is not None}

    def _templates(self) -> dict[str, Any]:
        member = {"run": ["x"], "compensate": {"run": ["undo"]}}
        return {
            "spare": {
                "inputs": {"n": {"type": "integer", "default": 1}},
                "run": ["x", "${{ inputs.n }}"],
                **self._policy(templates=()),
                **self._rules("spare", "${{ inputs.n < 3 }}"),
                **({"compensate": {"run": ["undo"]}} if self._is(0.3) else {}),
            },
            "team": {
                "inputs": {"n": {"type": "integer", "default": 1}},
                "group": {
                    "mode": self.chance.choice(("sequential", "parallel")),
                    "tasks": {"a": member, "b": {**member}},
                },
                **self._policy(templates=("spare",)),
                **self._rules("crowd", "${{ inputs.n < 2 }}"),
            },
            "crowd": {
                "inputs": {"n": {"type": "integer", "default": 1}},
                "for_each": ["p", "q"],
                "run": ["x", "${{ item }}"],
                **self._policy(templates=("spare",)),
                **self._rules(self.chance.choice(("spare", "team")), "${{ inputs.n < 2 }}"),
            },
        }

    def _rules(self, template: str, when: str) -> dict[str, Any]:
        """Let the instances of one template make some of another, in a circle where it so happens."""
        if not self._is(0.4):
            return {}
        most = 5000 if self.calm or self._is(0.8) else 2
        return {"on_result": [{"when": when, "emit": template, "with": {"n": "${{ inputs.n + 1 }}"}, "max": most}]}

    def _asks(self, *, may_retry: bool) -> list[dict[str, Any]]:
        """Draw rules of a task."""
        rules: list[dict[str, Any]] = []
        for number in range(self.chance.randint(1, 2)):
            when = self.chance.choice((True, "${{ outcome == 'failed' }}", "${{ outcome == 'completed' }}"))
            rule: dict[str, Any] = {"when": when}
            asked = self.chance.choice(("emit", "emit", "emit", "each", "note", "fail", "retry", "event", "cancel"))
            if asked in ("emit", "each"):
                rule |= {"emit": self.chance.choice(_TEMPLATES), "key": f"k{number}", "with": {"n": 1}, "max": 5000}
                if not self.calm and self._is(0.1):
                    rule["max"] = 1
            if asked == "each":
                rule |= {"for_each": ["p", "q"], "key": f"${{{{ item }}}}{number}"}
            if asked == "retry" and may_retry:
                rule["retry"] = {"after": self.chance.choice(("0s", "3s"))}
            elif asked == "fail":
                rule["fail"] = "because of ${{ reason }}"
            elif asked == "cancel" and not self.calm and self._is(0.3):
                rule["cancel"] = "run"
            elif asked == "event":
                rule |= {"event": "e", "with": {"a": "${{ attempt }}"}}
            else:
                rule["note"] = "${{ outcome }}"
            rules.append(rule)
        return rules

    def _is(self, likely: float) -> bool:
        return self.chance.random() < likely

    def _task(self, before: list[str], depth: int = 0, *, mode: str = "dag") -> dict[str, Any]:
        """Draw a task that may depend on these."""
        task: dict[str, Any] = {}
        if before and mode == "dag":
            task |= self._dependencies(before)
        if self._is(0.08):
            task["when"] = self.chance.choice(
                (True, False, "${{ inputs.items != [] }}", "${{ inputs.items + 1 == 2 }}")
            )
        kinds = ["run"] * 6 + ["wait", "approval"] + ["group"] * (3 if depth < 2 else 0)
        kind = self.chance.choice(kinds)
        task |= self._fan_out(kind)
        if self._is(0.25):
            task["on_result"] = self._asks(may_retry=False)
        if kind == "group":
            return task | self._group(depth) | self._policy(_TEMPLATES, own=False)
        if kind == "wait":
            return task | {"wait": self.chance.choice(("0s", "30s")), **self._policy(_TEMPLATES, own=False)}
        if kind == "approval":
            asked = {"prompt": "Go?", "default": self.chance.choice(("approve", "reject"))}
            return task | {"approval": asked, "timeout": "1h"} | self._policy(_TEMPLATES, own=False)
        return task | self._run()

    def _dependencies(self, before: list[str]) -> dict[str, Any]:
        chosen = self.chance.sample(before, min(len(before), self.chance.choice((0, 1, 1, 1, 2, 3))))
        if not chosen:
            return {}
        task: dict[str, Any] = {"depends_on": {name: self.chance.choice(_STATES) for name in chosen}}
        if self._is(0.3):
            task["join"] = self.chance.choice(("any", self.chance.randint(1, len(chosen))))
        return task

    def _fan_out(self, kind: str) -> dict[str, Any]:
        if not self._is(0.25):
            return {}
        if self._is(0.3):
            return {"matrix": {"x": [1, 2], "y": ["p", "q"], "exclude": [{"x": 1, "y": "q"}]}}
        items = self.chance.choice((["a", "b", "c", "d"], ["a", "b"], "${{ inputs.items }}"))
        drawn: dict[str, Any] = {"for_each": {"items": items}}
        if self._is(0.5):
            drawn["for_each"]["max_parallel"] = self.chance.randint(1, 2)
        if self._is(0.2):
            drawn["when"] = "${{ item != 'a' }}"
        return drawn

    def _group(self, depth: int) -> dict[str, Any]:
        mode = self.chance.choice(("sequential", "parallel", "dag"))
        names = ["a", "b", "c"][: self.chance.randint(1, 3)]
        tasks = {name: self._task(names[:n], depth + 1, mode=mode) for n, name in enumerate(names)}
        group: dict[str, Any] = {"mode": mode, "tasks": tasks}
        aggregates: list[Any] = ["collect", {"reduce": "${{ tasks.a.state }}"}, {"reduce": {"python": "m:f"}}]
        group["aggregate"] = self.chance.choice(aggregates if self.calm else [*aggregates, "first"])
        drawn = {"group": group}
        return drawn | ({"timeout": "40s"} if self._is(0.2) and not self.calm else {})

    def _run(self) -> dict[str, Any]:
        task: dict[str, Any] = {"run": ["x"], "priority": self.chance.choice(("high", "normal", "idle"))}
        if self._is(0.3):
            attempts = self.chance.choice((2, 3))
            task["retry"] = {"max_attempts": attempts, "delay": self.chance.choice(("0s", "2s"))}
            if self._is(0.3):
                task["on_result"] = self._asks(may_retry=True)
        if self._is(0.2):
            task["timeout"] = "30s"
        if self._is(0.6):
            undo = {"http": {"url": "http://undo.example"}} if self._is(0.1) else {"run": ["undo"]}
            undo |= {"uses": ["port"]} if self._is(0.1) else {}
            task["compensate"] = {**undo, **({"retry": {"max_attempts": 2}} if self._is(0.3) else {})}
        if self._is(0.3):
            task["uses"] = self.chance.choice((["pool"], {"pool": 2}, ["port"], ["gate"], ["pace", "port"]))
        if self._is(0.1) and not self.calm:
            task["on_crash"] = "fail"
        return task | self._policy(_TEMPLATES, own="compensate" in task)

    def _policy(self, templates: tuple[str, ...], *, own: bool = False) -> dict[str, Any]:
        policy = self.chance.choice(
            _POLICIES + (() if self.calm else ("abort", "rollback", "rollback", "rollback", "rollback"))
        )
        if policy == "substitute":
            if not templates:
                return {}
            return {"on_failure": {"substitute": self.chance.choice(templates), "with": {"n": 2}}}
        if policy == "rollback":
            return {} if self.calm else {"on_failure": {"rollback": {"then": "cancel"}}}
        if policy == "again":
            return {"on_failure": {"rollback": {"then": "retry", "attempts": 2}}} if own else {}
        return {"on_failure": policy}


def _as_an_end(task: dict[str, Any]) -> dict[str, Any]:
    """Take from a task what cannot stand under `finally`."""
    task.pop("compensate", None)
    task.pop("on_result", None)
    if task.get("on_failure") not in ("skip", "cancel_dependents"):
        task.pop("on_failure", None)
    for member in task.get("group", {}).get("tasks", {}).values():
        _as_an_end(member)
    return task

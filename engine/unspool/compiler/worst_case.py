"""Counts how many tasks a run may come to have: what stands in the document, and all that may grow from it."""

from __future__ import annotations

from typing import Any

from unspool.compiler.emissions import Counts
from unspool.compiler.flatten import Flat
from unspool.model.plan import FanOut


def worst_case(flat: Flat, fans: dict[str, FanOut], counts: Counts | None = None) -> int:
    """Give how many tasks a run may come to have; no run has more, whatever fails in it.

    Args:
        flat: the document.
        fans: the fan-out of each task that has one.
        counts: how many tasks rules may add; None where there are no rules.

    Cost: O(size of the document), for each level of groups that are copied. No recursion.
    """
    tasks = flat.readable.document["tasks"]
    if not fans and not flat.roles:
        return len(tasks)
    growing = _Growing(flat, fans)
    plain = len(tasks) + sum(growing.from_one(name) for name in tasks if flat.role(name).template == 0)
    if counts is None:
        return plain
    return plain + sum(counts.emitted(name) * growing.instance(name) for name in counts.templates())


class _Growing:
    """Counts what one node makes in a run: instances, what stands in for it, and what undoes it."""

    def __init__(self, flat: Flat, fans: dict[str, FanOut]) -> None:
        self._flat = flat
        self._fans = fans
        self._tasks: dict[str, dict[str, Any]] = flat.readable.document["tasks"]
        rollbacks = [asked for body in self._tasks.values() if (asked := _rollback_of(body)) is not None]
        self._may_undo = any(asked.get("then", "cancel") == "cancel" for asked in rollbacks)
        self._made: dict[str, int] = {}

    def from_one(self, name: str) -> int:
        """Give how many nodes one node may bring with it."""
        left, begun = [name], set[str]()
        while left:
            if left[-1] in self._made:
                left.pop()
                continue
            # Templates that stand in for each other in a circle are refused elsewhere.
            missing = [each for each in self._makers(left[-1]) if each not in self._made and each not in begun]
            if missing:
                begun.add(left[-1])
                left += missing
            else:
                self._made[left[-1]] = self._count(left[-1])
        return self._made[name]

    def instance(self, template: str) -> int:
        """Give how many nodes an instance of a template is, with all that it may bring with it."""
        for each in self._running(template) if self._flat.role(template).region else [template]:
            self.from_one(each)
        return self._copy(template) or 1 + self.from_one(template)

    def _makers(self, name: str) -> list[str]:
        """Give the nodes whose copies may grow in their turn."""
        stand_in = self._stand_in(name)
        found = self._running(name) if name in self._fans else []
        return found if stand_in is None else [*found, *(self._running(stand_in) or [stand_in])]

    def _count(self, name: str) -> int:
        if name not in self._fans:
            return self._after(name)
        return self._fans[name].most * (self._copy(name) or 1 + self._after(name))

    def _copy(self, name: str) -> int:
        """Give the size of a copy of the region of a node with all that it makes; 0 where it has none."""
        region = self._flat.role(name).region
        return len(region) + sum(self._made.get(each, 0) for each in self._running(name))

    def _running(self, name: str) -> list[str]:
        """Give the nodes of a region that run in a copy of it; of others, copies are made in their turn."""
        region = self._flat.role(name).region
        return [each for each in region if self._flat.role(each).template == self._flat.role(region[-1]).template]

    def _after(self, name: str) -> int:
        """Give how many nodes the failure of one node may bring, or that of what is built on it."""
        body, stand_in = self._tasks[name], self._stand_in(name)
        more = 0 if stand_in is None else self._copy(stand_in) or 1 + self._made.get(stand_in, 0)
        if "compensate" in body:
            rollback = _rollback_of(body) or {}
            more += int(rollback.get("attempts", 1)) if rollback.get("then") == "retry" else 0
            more += self._may_undo
        return more

    def _stand_in(self, name: str) -> str | None:
        policy = self._tasks[name].get("on_failure")
        wanted = policy.get("substitute") if isinstance(policy, dict) else None
        return wanted if wanted in self._tasks else None


def _rollback_of(body: dict[str, Any]) -> dict[str, Any] | None:
    policy = body.get("on_failure")
    found = policy.get("rollback") if isinstance(policy, dict) else None
    return found if isinstance(found, dict) else None

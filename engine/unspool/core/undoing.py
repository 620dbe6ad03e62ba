"""What follows the last failure of a task beyond cancelling: another in its place, or undoing what was done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unspool.core.growth import arguments
from unspool.core.results import failure
from unspool.core.state import Family
from unspool.core.waiting import Waiting
from unspool.errors import ExpressionError
from unspool.model import status
from unspool.model.status import COMPLETED, FAILED, FINAL_STATES, QUEUED


class Rollback:
    """One rollback under way.

    Attributes:
        cause: the failed task.
        retries: it is tried again afterwards.
        left: what is still to be undone, the next one last.
        stopping: tasks that have to end before anything is undone.
        current: the compensation that runs, -1 for none.
    """

    __slots__ = ("cause", "current", "left", "retries", "stopping")

    def __init__(self, cause: int, left: list[int], stopping: list[int], *, retries: bool) -> None:
        self.cause = cause
        self.left = left
        self.stopping = stopping
        self.retries = retries
        self.current = -1


class Undoing(Waiting):
    """Substitutes and rollbacks."""

    def __init__(self) -> None:
        super().__init__()
        self.rollbacks: list[Rollback] = []
        self.rollback_failed = False

    # -- substitutes ----------------------------------------------------------------------------

    def _substitute(self, index: int) -> bool:
        """Put an instance of a template in the place of a failed task; False where that cannot be."""
        task, node = self.tasks[index], self.nodes[index]
        assert node.substitute is not None  # noqa: S101 - whoever calls has looked
        template, given = self.nodes[node.substitute[0]], node.substitute[1]
        try:
            given_to = arguments(template.inputs or {}, self._value(index, given))
        except (ExpressionError, ValueError) as problem:
            task.error = failure(status.EXPRESSION_ERROR, f"substitute: {problem}")
            return False
        if len(self.nodes) + self._size(template) > self.plan.max_tasks:
            task.error = failure(status.BUDGET_EXHAUSTED, "no room for the substitute: raise `limits.max_tasks`")
            return False
        family = task.family = task.family or Family()
        family.stand_in = self._copy(template, f"{node.id}/{template.id}", {"inputs": given_to}, index)
        self._move(task, FAILED, status.SUBSTITUTED)
        task.completed_at = self._at
        self.open -= 1
        for each in self._nodes_of(template, family.stand_in):
            if not self.nodes[each].needs and not self.nodes[each].template:
                self._consider(each)
        return True

    def _copy(self, template: Any, name: str, local: dict[str, Any], stands_for: int) -> int:
        family = Family()
        family.stands_for = stands_for
        scope = self.nodes[stands_for].scope
        if template.region is not None:
            return self._copy_region(template, name, local, family, scope)
        node = replace(
            template, index=len(self.nodes), id=name, needs=(), dependents=(), template=0, scope=scope, inputs=None
        )
        return self._add(node, family, local)

    # -- rollbacks ------------------------------------------------------------------------------

    def _roll_back(self, index: int) -> None:
        """Undo what a failed task was built on, newest first."""
        above = self._ancestors(index)
        done = [each for each in above if self._can_undo(each)]
        done.sort(key=lambda each: (self.tasks[each].completed_at or 0.0, each))
        own = [index] if self.nodes[index].undo is not None else []
        stopping = self._below(done)
        for each in stopping:
            self._cancel_task(each, status.ROLLED_BACK)
        self.rollbacks.append(Rollback(index, done + own, stopping, retries=False))

    def _undo_and_retry(self, index: int) -> bool:
        """Undo only what the task itself did, then give it a fresh set of attempts; False where that is used up."""
        task, node = self.tasks[index], self.nodes[index]
        family = task.family = task.family or Family()
        if node.rollback is None or family.rollbacks >= node.rollback[1]:
            return False
        family.rollbacks += 1
        family.before = task.attempts
        task.first_at = None
        self._move(task, QUEUED, status.ROLLING_BACK)
        own = [index] if node.undo is not None else []
        self.rollbacks.append(Rollback(index, own, [], retries=True))
        return True

    def _ancestors(self, index: int) -> set[int]:
        """Give all that came before a task, with the instances that it was made of."""
        found: set[int] = set()
        left = [index]
        while left:
            each = left.pop()
            family = self.tasks[each].family
            above = [need for need, _ in self.nodes[each].needs]
            if family is not None:
                above += [family.parent] if family.parent >= 0 else []
                above += family.instances if each != index else []
            fresh = [one for one in above if one not in found and one != index]
            found.update(fresh)
            left += fresh
        return found

    def _can_undo(self, index: int) -> bool:
        task, family = self.tasks[index], self.tasks[index].family
        is_done = task.state == COMPLETED and self.nodes[index].undo is not None
        is_parent = self.nodes[index].fan_out is not None
        return is_done and not is_parent and not (family is not None and family.is_undone)

    def _below(self, done: list[int]) -> list[int]:
        """Give what is not final and builds on any of these."""
        found: set[int] = set()
        left = list(done)
        while left:
            each = left.pop()
            family = self.tasks[each].family
            below = [to for to, _ in self._edges[each]]
            if family is not None and family.parent >= 0:
                below.append(family.parent)
            fresh = [one for one in below if one not in found]
            found.update(fresh)
            left += fresh
        return [each for each in sorted(found) if self.tasks[each].state not in FINAL_STATES and self._may_stop(each)]

    def _may_stop(self, index: int) -> bool:
        family = self.tasks[index].family
        return not self.nodes[index].closing and not (family is not None and family.undoes >= 0)

    def _can_advance(self) -> bool:
        return any(
            rollback.current < 0 and all(self.tasks[each].state in FINAL_STATES for each in rollback.stopping)
            for rollback in self.rollbacks
        )

    def _advance_rollbacks(self) -> None:
        """Begin what can be undone now; give up no rollback before its end."""
        for rollback in self.rollbacks[:]:
            if rollback.current >= 0 or any(self.tasks[each].state not in FINAL_STATES for each in rollback.stopping):
                continue
            while rollback.left and rollback.current < 0:
                self._compensate(rollback, rollback.left.pop())
            if rollback.current < 0:
                self.rollbacks.remove(rollback)
                task = self.tasks[rollback.cause]
                if rollback.retries and task.reason == status.ROLLING_BACK:
                    self._ask(rollback.cause, task.attempts + 1)

    def _compensate(self, rollback: Rollback, target: int) -> None:
        node, task = self.nodes[target], self.tasks[target]
        undo = None if node.undo is None else self.nodes[node.undo]
        if undo is None or (task.family is not None and task.family.is_undone):
            return
        family = Family(undoes=target)
        again = "" if task.family is None or not task.family.rollbacks else f"[{task.family.rollbacks}]"
        copy = replace(undo, index=len(self.nodes), id=f"{node.id}/compensate{again}", template=0, scope=node.scope)
        rollback.current = self._add(copy, family, task.local or {})
        self._consider(rollback.current)

    def _undone(self, compensation: int, target: int) -> None:
        """A compensation is final."""
        rollback = next(each for each in self.rollbacks if each.current == compensation)
        rollback.current = -1
        family = self.tasks[target].family = self.tasks[target].family or Family()
        if self.tasks[compensation].state != COMPLETED:
            self.rollback_failed = True
        elif not rollback.retries:
            family.is_undone = True

    def _relative_ended(self, index: int) -> None:
        family = self.tasks[index].family
        if family is not None and family.undoes >= 0:
            self._undone(index, family.undoes)
        if family is not None and family.stands_for >= 0:
            self._settled.append(family.stands_for)
        super()._relative_ended(index)

"""What follows the last failure of a task beyond cancelling: another in its place, or undoing what was done."""

from __future__ import annotations

from typing import Any

from unspool.core.edges import met
from unspool.core.growth import arguments
from unspool.core.results import Failure, failure
from unspool.core.state import Family
from unspool.core.waiting import Waiting
from unspool.errors import ExpressionError
from unspool.model import status
from unspool.model.plan import Need, Task, changed
from unspool.model.status import COMPLETED, CREATED, FAILED, FINAL_STATES, QUEUED


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
        self._interrupts = 0
        self._stand_ins: list[int] = []  # made, and not yet told to begin
        self._held: list[int] = []  # of `finally` of other documents: ready, but for a rollback

    # -- substitutes ----------------------------------------------------------------------------

    def _may_substitute(self, index: int, kind: str) -> bool:
        """Whether another may take the place of a task: a parent leaves that to its instances."""
        is_open = self.state == status.RUNNING and self.nodes[index].fan_out is None
        return is_open and kind not in status.UNTOLERABLE

    def _substitute(self, index: int) -> Failure | None:
        """Put an instance of a template in the place of a failed task; give the failure where that cannot be."""
        task, node = self.tasks[index], self.nodes[index]
        assert node.substitute is not None  # noqa: S101 - whoever calls has looked
        template, given = self.nodes[node.substitute[0]], node.substitute[1]
        try:
            given_to = arguments(template.inputs or {}, self._value(index, given))
        except (ExpressionError, ValueError) as problem:
            return failure(status.EXPRESSION_ERROR, f"substitute: {problem}")
        if len(self.nodes) - self.batches + self._size(template) > self.plan.max_tasks:
            return failure(status.BUDGET_EXHAUSTED, "no room for the substitute: raise `limits.max_tasks`")
        family = task.family = task.family or Family()
        self._depth = task.depth
        own = Family()
        own.stands_for = index
        family.stand_in = self._copy(template, f"{node.id}/{template.id}", {"inputs": given_to}, own, node.scope)
        self._move(task, FAILED, status.SUBSTITUTED)
        task.completed_at = self._at
        self.open -= 1
        self._stand_ins += self._nodes_of(template, family.stand_in)
        return None

    def _begin_stand_ins(self) -> None:
        """Begin what was put in the place of others; not before they are told, so that no chain of them is too long."""
        fresh, self._stand_ins = self._stand_ins, []
        for each in fresh:
            node = self.nodes[each]
            if not node.needs and not node.template and self.tasks[each].state == CREATED:
                self._consider(each)

    def _copy(
        self,
        template: Task,
        name: str,
        local: dict[str, Any],
        family: Family,
        scope: str = "",
        needs: tuple[tuple[int, Need], ...] = (),
    ) -> int:
        """Add an instance of a template and give the node that stands for it."""
        if template.region is not None:
            last = self._copy_region(template, name, local, family, scope, needs)
        else:
            own = changed(template, index=len(self.nodes), id=name, needs=needs, dependents=(), scope=scope)
            last = self._add(changed(own, template=0, inputs=None, collector=None), family, local)
        if template.collector is not None:
            self._collect(template.collector, last, family)
        return last

    def _collect(self, collector: int, last: int, family: Family) -> None:
        """An instance of a template belongs to what stands for all of them."""
        family.parent = collector
        all_of_them = self.tasks[collector].family = self.tasks[collector].family or Family()
        all_of_them.instances.append(last)
        all_of_them.begun = len(all_of_them.instances)  # none waits for its turn
        all_of_them.open += 1

    # -- rollbacks ------------------------------------------------------------------------------

    def _roll_back(self, index: int) -> None:
        """Undo what a failed task was built on, newest first."""
        done = [each for each in self._ancestors(index) if self._can_undo(each)]
        done.sort(key=lambda each: (self.tasks[each].completed_at or 0.0, each))
        task, node = self.tasks[index], self.nodes[index]
        has_begun = task.started_at is not None or (
            task.queued_at is not None and task.reason != status.EXPRESSION_ERROR  # its action could not even be built
        )
        own = [index] if node.undo is not None and node.fan_out is None and has_begun else []
        stopping = self._below(done, index)
        for each in stopping:
            if not self.nodes[each].shielded:
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
        """Give all that came before a task, with the instances and the stand-ins that it was made of."""
        found: set[int] = set()
        left = [index]
        while left:
            for need in self._above(left.pop()):
                family = self.tasks[need].family
                parts = [] if family is None else [*family.instances, self.answering(need)]
                fresh = [one for one in (need, *parts) if one not in found]
                found.update(fresh)
                left += fresh
        return found

    def _above(self, index: int) -> list[int]:
        """Give what a task waited for; the first of a copy waited for what the task around it did."""
        while not self.nodes[index].needs:
            family = self.tasks[index].family
            if family is None or family.above < 0:
                return []
            index = family.above
        return [need for need, _ in self.nodes[index].needs]

    def _can_undo(self, index: int) -> bool:
        task, family = self.tasks[index], self.tasks[index].family
        is_done = task.state == COMPLETED and self.nodes[index].undo is not None
        is_parent = self.nodes[index].fan_out is not None
        return is_done and not is_parent and not (family is not None and family.was_tried)

    def _below(self, done: list[int], cause: int) -> list[int]:
        """Give what is not final and builds on any of these; what answers to the failure itself does not count.

        A group and a parent go on as long as some part of them does.
        """
        handlers = self._handlers(cause)
        found: set[int] = set()
        stopping: list[int] = []
        left = list(done)
        while left:
            for each in self._built_on(left.pop()):
                answering = self.answering(each)
                if answering in found:
                    continue
                found.add(answering)
                if self.tasks[answering].state in FINAL_STATES:
                    left += [each] if met("ok", self._outcome(each)) else []
                elif self.nodes[answering].group is None or answering != each:
                    is_free = answering in handlers or self.nodes[answering].shielded
                    waits = is_free and self.tasks[answering].state == CREATED
                    stopping += [answering] if self._may_stop(answering) and not waits else []
        return sorted(stopping)

    def _built_on(self, index: int) -> list[int]:
        """Give what waits for a task; where all its siblings are final, also what waits for the task around them."""
        family = self.tasks[index].family
        below = [to for to, _ in self._edges[index]]
        if family is not None and family.above >= 0 and self.tasks[family.above].state in FINAL_STATES:
            below.append(family.above)
        return below

    def _handlers(self, cause: int) -> set[int]:
        """Give what waits for a task to fail."""
        found: set[int] = set()
        while cause >= 0:
            found.update(to for to, wanted in self._edges[cause] if met(wanted, FAILED))
            family = self.tasks[cause].family
            cause = -1 if family is None else family.above
        return found

    def _may_stop(self, index: int) -> bool:
        family = self.tasks[index].family
        return not self.nodes[index].closing and not (family is not None and family.undoes >= 0)

    def _is_held(self, index: int) -> bool:
        """Whether a task of `finally` of another document has to wait: what is undone around it comes first.

        Where a rollback waits for it, directly or not, the task comes first, or neither would ever begin.
        """
        if not self.rollbacks or any(self._waits_for(index, rollback) for rollback in self.rollbacks):
            return False
        self._held.append(index)
        return True

    def _waits_for(self, index: int, rollback: Rollback) -> bool:
        stopping = {each for each in rollback.stopping if self.tasks[each].state not in FINAL_STATES}
        found: set[int] = set()
        left = [index] if stopping else []
        while left:
            each = left.pop()
            if each in stopping:
                return True
            if each not in found:
                found.add(each)
                family = self.tasks[each].family
                parents = () if family is None else (family.parent, family.stands_for)
                left += [to for to, _ in self._edges[each]] + [parent for parent in parents if parent >= 0]
        return False

    def _let_go(self) -> None:
        """A rollback is over: begin what waited for it, where it waits for no other."""
        held, self._held = self._held, []
        for index in held:
            if self.tasks[index].state == CREATED:
                self._consider(index)

    def _can_advance(self) -> bool:
        return any(self._is_free(rollback) for rollback in self.rollbacks)

    def _is_free(self, rollback: Rollback) -> bool:
        """Whether a rollback waits for nothing."""
        while rollback.stopping and self.tasks[rollback.stopping[-1]].state in FINAL_STATES:
            rollback.stopping.pop()
        return rollback.current < 0 and not rollback.stopping

    def _advance_rollbacks(self) -> None:
        """Begin what can be undone now; give up no rollback before its end."""
        for rollback in self.rollbacks[:]:
            if not self._is_free(rollback):
                continue
            while rollback.left and rollback.current < 0:
                self._compensate(rollback, rollback.left.pop())
            if rollback.current < 0:
                self.rollbacks.remove(rollback)
                self._let_go()
                task = self.tasks[rollback.cause]
                if rollback.retries and task.reason == status.ROLLING_BACK:
                    self._ask(rollback.cause, task.attempts + 1)

    def _end_rollbacks(self) -> None:
        """Somebody will not even wait for what is being undone; the rest is not tried."""
        for rollback in self.rollbacks:
            self.rollback_failed = True
            rollback.left.clear()
            if rollback.current >= 0:
                self._cancel_task(rollback.current, status.INTERRUPTED)

    def _compensate(self, rollback: Rollback, target: int) -> None:
        node, task = self.nodes[target], self.tasks[target]
        family = task.family = task.family or Family()
        if node.undo is None or family.was_tried:
            return
        family.was_tried = not rollback.retries
        again = f"[{family.rollbacks}]" if rollback.retries else ""
        name = f"{node.id}/compensate{again}"
        copy = changed(self.nodes[node.undo], index=len(self.nodes), id=name, template=0, scope=node.scope)
        self._depth = task.depth
        rollback.current = self._add(copy, Family(undoes=target), task.local or {})
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

"""What the end of a task means to those that wait for it."""

from __future__ import annotations

from unspool.core.edges import TOLERATED, is_tolerated, met
from unspool.core.reuse import Reusing
from unspool.core.state import TaskRun
from unspool.model import status
from unspool.model.status import CANCELLED, CREATED, FAILED


class Dependencies(Reusing):
    """Tells dependents of the ends of tasks, until nobody is left to be told."""

    def __init__(self) -> None:
        super().__init__()
        self._edges: list[list[tuple[int, str]]] = []  # of each task: who waits for it, and for which state

    def _consider(self, index: int) -> None:
        """Enough is known of what a task waits for: start it, or end it unstarted."""
        raise NotImplementedError

    def _relative_ended(self, index: int) -> None:
        """Tell those to whom a task belongs that it is final."""
        raise NotImplementedError

    def _member_ended(self, group: int, index: int) -> None:
        """Tell a group that a member of it is final."""
        raise NotImplementedError

    def _tell_dependents(self) -> None:
        while self._settled or self._doomed:
            if self._doomed:
                self._pass_cancel_on(self._doomed.pop())
            else:
                self._pass_end_on(self._settled.pop())

    def _pass_cancel_on(self, index: int) -> None:
        """Cancel what needed a task that can no longer start; the rest waits until all above it is final."""
        for dependent, wanted in self._edges[index]:
            waits_for_all = self.nodes[dependent].join is None
            if waits_for_all and self.tasks[dependent].state == CREATED and not met(wanted, CANCELLED):
                self._settle(dependent, CANCELLED, status.DEPENDENCY_FAILED)

    def _pass_end_on(self, index: int) -> None:
        outcome = self._outcome(index)
        for dependent, wanted in self._edges[index]:
            task = self.tasks[dependent]
            if not task.waiting:  # enough others were met: it did not wait for this one
                continue
            task.waiting -= 1
            if wanted == "any" and self.nodes[dependent].group is not None:
                self._member_ended(dependent, index)
            if task.state == CREATED:
                self._count(dependent, task, wanted, outcome)
            elif not task.waiting:
                self._settled.append(dependent)
        if self.tasks[index].family is not None:
            self._relative_ended(index)

    def _outcome(self, index: int) -> str:
        """Give the state of a task as its dependents see it."""
        index = self.answering(index)
        task = self.tasks[index]
        return TOLERATED if task.state == FAILED and self._is_tolerated(index) else task.state

    def _is_tolerated(self, index: int) -> bool:
        """Whether the failure of a task fails nothing else."""
        return is_tolerated(self.nodes[index], self.tasks[index].reason)

    def _count(self, dependent: int, task: TaskRun, wanted: str, outcome: str) -> None:
        node = self.nodes[dependent]
        if met(wanted, outcome):
            task.met += 1
            if task.met == node.join:
                task.waiting = 0
                self._consider(dependent)
                return
        else:
            task.unmet += 1
            task.hurt = task.hurt or outcome in (CANCELLED, FAILED)
        if task.hurt and not self._can_be_met(dependent):
            self._settle(dependent, CANCELLED, status.DEPENDENCY_FAILED)
        elif task.waiting == 0:
            self._consider(dependent)

    def _can_be_met(self, index: int) -> bool:
        """Whether enough of what a task waits for can still end as it asks."""
        node = self.nodes[index]
        count = len(node.needs)
        return count - self.tasks[index].unmet >= (count if node.join is None else node.join)

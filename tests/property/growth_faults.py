"""Faults to plant in what grows, waits, undoes and closes: each breaks one promise, as a slip in the code would."""

from __future__ import annotations

from typing import Any

from tests.property.faults import Patch, wrap
from unspool.core import dependencies as dependencies_module
from unspool.core import groups as groups_module
from unspool.core.book import SPAN_TIMER, Book
from unspool.core.run import Run
from unspool.core.state import Family
from unspool.model import status
from unspool.model.status import COMPLETED, FAILED

# -- fan-outs and joins -----------------------------------------------------------------------------


def an_instance_is_not_counted(patch: Patch) -> None:
    def begin_more(real: Any, self: Run, index: int) -> None:
        family = self.tasks[index].family
        if family is not None and not family.begun and family.open == len(family.instances) > 1:
            family.open -= 1
        real(self, index)

    wrap(patch, Run, "_begin_more", begin_more)


def too_many_at_once(patch: Patch) -> None:
    def ended(real: Any, self: Run, index: int) -> None:
        family = self.tasks[index].family
        if family is not None and family.parent >= 0:
            siblings = self.tasks[family.parent].family
            siblings.active -= 1
        real(self, index)

    wrap(patch, Run, "_relative_ended", ended)


def no_budget(patch: Patch) -> None:
    patch.setattr(Run, "_has_room", lambda self, index, more: True)


def a_join_asks_for_one_too_few(patch: Patch) -> None:
    def count(real: Any, self: Run, dependent: int, task: Any, wanted: str, outcome: str) -> None:
        task.met += task.met == 0 and (self.nodes[dependent].join or 0) > 1
        real(self, dependent, task, wanted, outcome)

    wrap(patch, Run, "_count", count)


def a_failed_instance_is_forgotten(patch: Patch) -> None:
    wrap(patch, Run, "_aggregate", lambda real, self, instances: real(self, instances[:1]))


# -- groups -----------------------------------------------------------------------------------------


def losers_go_on(patch: Patch) -> None:
    patch.setattr(Run, "_wins", lambda self, members, index: False)


def the_time_of_a_group_is_not_told(patch: Patch) -> None:
    def over(self: Run, gate: int) -> None:
        self._cancel_members(self._group_behind(gate), status.GROUP_TIMEOUT)

    patch.setattr(Run, "_span_over", over)


def the_timer_of_a_group_is_forgotten(patch: Patch) -> None:
    def cancel(real: Any, self: Book, timer: str) -> None:
        if not timer.startswith(SPAN_TIMER):
            real(self, timer)

    wrap(patch, Book, "_cancel_timer", cancel)


def a_failed_member_is_forgotten(patch: Patch) -> None:
    def judge(real: Any, self: Run, index: int, members: tuple[int, ...]) -> None:
        kept = tuple(each for each in members if self._outcome(each) != FAILED)
        real(self, index, kept or members)

    wrap(patch, groups_module.Groups, "_judge_members", judge)


# -- substitutes and rollbacks ----------------------------------------------------------------------


def the_failure_of_a_stand_in_is_ignored(patch: Patch) -> None:
    def outcome(real: Any, self: Run, index: int) -> str:
        family = self.tasks[index].family
        return COMPLETED if family is not None and family.stand_in >= 0 else real(self, index)

    wrap(patch, dependencies_module.Dependencies, "_outcome", outcome)


def oldest_first(patch: Patch) -> None:
    def roll_back(real: Any, self: Run, index: int) -> None:
        real(self, index)
        self.rollbacks[-1].left.reverse()

    wrap(patch, Run, "_roll_back", roll_back)


def nothing_ends_before_it_is_undone(patch: Patch) -> None:
    wrap(patch, Run, "_below", lambda real, self, done, cause: [])


def what_failed_is_undone(patch: Patch) -> None:
    """Not only what completed."""
    patch.setattr(Run, "_can_undo", lambda self, index: self.nodes[index].undo is not None)


def undone_twice(patch: Patch) -> None:
    def compensate(real: Any, self: Run, rollback: Any, target: int) -> None:
        family = self.tasks[target].family = self.tasks[target].family or Family()
        family.was_tried = False
        real(self, rollback, target)

    wrap(patch, Run, "_compensate", compensate)
    wrap(patch, Run, "_can_undo", lambda real, self, index: real(self, index) or self.nodes[index].undo is not None)


def a_failed_compensation_is_no_failure(patch: Patch) -> None:
    def undone(real: Any, self: Run, compensation: int, target: int) -> None:
        failed = self.rollback_failed
        real(self, compensation, target)
        self.rollback_failed = failed

    wrap(patch, Run, "_undone", undone)


def a_cancel_ends_rollbacks(patch: Patch) -> None:
    def stop(real: Any, self: Run, state: str, reason: str) -> None:
        real(self, state, reason)
        for rollback in self.rollbacks:
            rollback.left.clear()

    wrap(patch, Run, "_stop_run", stop)


# -- waits and the end ------------------------------------------------------------------------------


def anybody_may_decide_again(patch: Patch) -> None:
    def decided(real: Any, self: Run, event: Any) -> None:
        real(self, event)
        task = self.tasks[event.task]
        if task.state == COMPLETED and not event.approved:
            task.state = FAILED

    wrap(patch, Run, "_on_person_decided", decided)


def no_finally_after_a_cancel(patch: Patch) -> None:
    def begin(real: Any, self: Run, verdict: dict[str, Any]) -> None:
        if verdict["state"] == "cancelled":
            self._end_closing(status.BY_PERSON)
        real(self, verdict)

    wrap(patch, Run, "_begin_closing", begin)


def finally_begins_early(patch: Patch) -> None:
    def started(real: Any, self: Run, event: Any) -> None:
        again = bool(self.state)
        real(self, event)
        if again or self.state != status.RUNNING:
            return
        self.state = status.FINISHING
        for node in self.nodes:
            if node.closing and node.kind == "run" and not node.needs and not node.template:
                self._consider(node.index)
        self.state = status.RUNNING

    wrap(patch, Run, "_on_run_started", started)


def finally_changes_the_verdict(patch: Patch) -> None:
    def finish(real: Any, self: Run) -> None:
        self._verdict = FAILED if self.finally_failed else self._verdict
        real(self)

    wrap(patch, Run, "_finish", finish)


def no_end_of_finally(patch: Patch) -> None:
    patch.setattr(Run, "_end_closing", lambda self, reason: None)

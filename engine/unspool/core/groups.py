"""What a group makes of its members: one state and one value."""

from __future__ import annotations

from typing import Any

from unspool.core.book import SPAN_TIMER
from unspool.core.context import text_of
from unspool.core.growth import Growth, arguments
from unspool.core.results import Failure, failure
from unspool.errors import ExpressionError
from unspool.model import status
from unspool.model.status import CANCELLED, COMPLETED, FAILED, SKIPPED


class Groups(Growth):
    """Opens and closes groups: a gate before their members, and the node that stands for them behind."""

    def _judge(self, index: int, collected: dict[str, Any], error: Failure | None, duration: float | None) -> None:
        raise NotImplementedError

    def _open_gate(self, index: int) -> None:
        """Let the members of a group begin."""
        task, node = self.tasks[index], self.nodes[index]
        if node.inputs is not None:
            try:
                task.outputs = self._frame(index, node.inputs, node.action)
            except (ExpressionError, ValueError) as problem:
                self._fail(index, failure(status.EXPRESSION_ERROR, f"inputs: {problem}"), {})
                return
        task.started_at = self._at
        self._settle(index, COMPLETED, None)
        span = self.nodes[index].timeout
        if span is not None:
            self._set_timer(f"{SPAN_TIMER}{index}", self._at + span)

    def _frame(self, index: int, declared: dict[str, Any], action: dict[str, Any]) -> dict[str, Any]:
        """Give what the tasks of another document see as `inputs` and `env`."""
        inputs = arguments(declared, self._value(index, action["with"]))
        seen = {**self._seen().base, "inputs": inputs}
        return {"inputs": inputs, "env": {name: text_of(name, text, seen) for name, text in action["env"].items()}}

    def _span_over(self, gate: int) -> None:
        """A group took too long: end what is left of it. That it has failed stands with its gate until it closes."""
        self.tasks[gate].error = failure(status.TIMEOUT, "the group took longer than its `timeout`")
        self._cancel_members(self._group_behind(gate), status.GROUP_TIMEOUT)

    def _group_behind(self, gate: int) -> int:
        return next(to for to, _ in self._edges[gate] if (group := self.nodes[to].group) and group.gate == gate)

    def _cancel_members(self, index: int, reason: str) -> None:
        group = self.nodes[index].group
        for member in group.members if group else ():
            self._cancel_task(member, reason)

    def _member_ended(self, group: int, index: int) -> None:
        about = self.nodes[group].group
        if about is not None and about.aggregate == "first" and self._wins(about.members, index):
            for member in about.members:
                if member != index:
                    self._cancel_task(member, status.LOST)

    def _wins(self, members: tuple[int, ...], index: int) -> bool:
        return self._outcome(index) == COMPLETED and index in members

    def _close_group(self, index: int) -> None:
        """All members are final: say what became of the whole."""
        task, about = self.tasks[index], self.nodes[index].group
        assert about is not None  # noqa: S101 - whoever calls has looked
        gate = self.tasks[about.gate]
        self._cancel_timer(f"{SPAN_TIMER}{about.gate}")
        task.started_at = gate.started_at
        if gate.error is not None:
            self._fail(index, gate.error, {})
        elif gate.state != COMPLETED:
            self._settle(index, gate.state, gate.reason)
        else:
            self._judge_members(index, about.members)

    def _judge_members(self, index: int, members: tuple[int, ...]) -> None:
        outcomes = [self._outcome(member) for member in members]
        about = self.nodes[index].group
        is_race = about is not None and about.aggregate == "first"
        if is_race and COMPLETED in outcomes:
            self._conclude(index, members)
        elif FAILED in outcomes:
            first = members[outcomes.index(FAILED)]
            self._fail(index, failure(status.MEMBER_FAILED, f"{self.nodes[first].id} failed"), {})
        elif CANCELLED in outcomes:
            self._settle(index, CANCELLED, self._reason_of(members[outcomes.index(CANCELLED)]))
        elif all(outcome == SKIPPED for outcome in outcomes):
            self._settle(index, SKIPPED, self._reason_of(members[0]))
        elif is_race:
            self._fail(index, failure(status.MEMBER_FAILED, "none of its tasks completed"), {})
        else:
            self._conclude(index, members)

    def _reason_of(self, member: int) -> str | None:
        return self.tasks[self.answering(member)].reason

    def _conclude(self, index: int, members: tuple[int, ...]) -> None:
        task, about = self.tasks[index], self.nodes[index].group
        assert about is not None  # noqa: S101
        done = [member for member in members if self._outcome(member) == COMPLETED]
        error, value = None, None
        if about.aggregate == "first":
            value = self._member_value(min(done, key=self._end_of))
        elif about.aggregate == "values":
            value = {name: self._value_or_null(members[0], text) for name, text in about.reduce.items()}
        elif about.aggregate == "collect":
            value = {self._short(index, member): self._member_value(member) for member in members}
        else:
            try:
                value = self._value(members[0], f"${{{{ {about.reduce} }}}}")
            except ExpressionError as problem:
                error = failure(status.EXPRESSION_ERROR, f"reduce: {problem}")
        duration = None if task.started_at is None else max(0.0, self._at - task.started_at)
        self._judge(index, {"value": {"inline": value}}, error, duration)

    def _value_or_null(self, index: int, text: Any) -> Any:
        try:
            return self._value(index, text)
        except ExpressionError:
            return None

    def _end_of(self, index: int) -> tuple[float, int]:
        return self.tasks[self.answering(index)].completed_at or 0.0, index

    def _short(self, group: int, member: int) -> str:
        return self.nodes[member].id.removeprefix(f"{self.nodes[group].id}.")

    def _member_value(self, index: int) -> Any:
        """Give what a member contributes: its outputs where it declares any, else its result's JSON."""
        shown = self._seen().shown(index)
        if self.nodes[index].outputs:
            return shown.get("outputs")
        result = shown.get("result")
        if isinstance(result, list):
            return [None if one is None else one.get("json") for one in result]
        return None if result is None else result.get("json")

    def _cancel_parts(self, index: int, reason: str) -> bool:
        about = self.nodes[index].group
        if about is None:
            return self._cancel_instances(index, reason)
        if self.tasks[about.gate].state != COMPLETED:
            self._cancel_task(about.gate, reason)  # the members and the group follow from it
        else:
            self._cancel_members(index, reason)
        return True

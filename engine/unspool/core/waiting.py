"""Tasks that need no process: those that wait for a moment, and those that wait for a person."""

from __future__ import annotations

from typing import Any

from unspool.core.book import APPROVAL_TIMER, WAIT_TIMER
from unspool.core.groups import Groups
from unspool.core.results import failure
from unspool.errors import ExpressionError
from unspool.model import status
from unspool.model.durations import parse_duration
from unspool.model.events import PersonDecided
from unspool.model.moments import parse_moment
from unspool.model.status import QUEUED


class Waiting(Groups):
    """Carries out the kinds `wait` and `approval`: they hold no slot while they wait."""

    def __init__(self) -> None:
        super().__init__()
        self._persons: list[int] = []  # tasks that a person was asked about; those at the end may be over

    def _wait(self, index: int) -> None:
        """Wait for the moment that a task names."""
        task, action = self.tasks[index], self.nodes[index].action
        try:
            due = self._moment(index, action)
        except (ExpressionError, ValueError) as problem:
            self._fail(index, failure(status.EXPRESSION_ERROR, f"wait: {problem}"), {})
            return
        task.started_at = self._at
        self._move(task, QUEUED, status.WAITING)
        self._set_timer(f"{WAIT_TIMER}{index}", due)

    def _moment(self, index: int, action: dict[str, Any]) -> float:
        if "until" in action:
            return parse_moment(self._text(index, action["until"]))
        return self._at + parse_duration(self._text(index, action["for"]))

    def _text(self, index: int, value: str) -> str:
        found = self._value(index, value)
        if not isinstance(found, str):
            raise ValueError(f"{value} must give text")  # noqa: TRY004 - wrong data, not wrong code
        return found

    def _wait_over(self, index: int) -> None:
        task = self.tasks[index]
        began = self._at if task.started_at is None else task.started_at
        self._judge(index, {"value": {"inline": None}}, None, self._at - began)

    def _ask_person(self, index: int) -> None:
        """Wait for a person to decide."""
        task, node = self.tasks[index], self.nodes[index]
        try:
            prompt = self._text(index, node.action["prompt"])
        except (ExpressionError, ValueError) as problem:
            self._fail(index, failure(status.EXPRESSION_ERROR, f"approval: {problem}"), {})
            return
        task.started_at = self._at
        task.prompt = prompt
        self._move(task, QUEUED, status.WAITING_FOR_PERSON)
        self.asked += 1
        self._persons.append(index)
        if node.timeout is not None:
            self._set_timer(f"{APPROVAL_TIMER}{index}", self._at + node.timeout)

    def _is_asking(self) -> bool:
        """Whether a task waits for a person."""
        while self._persons and self.tasks[self._persons[-1]].reason != status.WAITING_FOR_PERSON:
            self._persons.pop()
        return bool(self._persons)

    def _on_person_decided(self, event: PersonDecided) -> None:
        self._check_task(event.task)
        if event.request in self._requests:
            return
        self._requests.add(event.request)
        if self.tasks[event.task].reason == status.WAITING_FOR_PERSON:
            self._cancel_timer(f"{APPROVAL_TIMER}{event.task}")
            self._decided(event.task, approved=event.approved, by=event.by, note=event.note)

    def _nobody_decided(self, index: int) -> None:
        approved = self.nodes[index].action["default"] == "approve"
        self._decided(index, approved=approved, by=None, note="nobody decided in time")

    def _decided(self, index: int, *, approved: bool, by: str | None, note: str | None) -> None:
        task = self.tasks[index]
        value = {"approved": approved, "by": by, "note": note}
        said = f"{by} said no" + (f": {note}" if note else "") if by else note or "somebody said no"
        error = None if approved else failure(status.REJECTED, said)
        self._judge(index, {"value": {"inline": value}}, error, self._at - (task.started_at or self._at))

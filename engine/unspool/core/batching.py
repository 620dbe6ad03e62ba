"""Batches: instances that arrive close together share one attempt, and each gets its part of the result."""

from __future__ import annotations

from typing import Any

from unspool.core.closing import Closing
from unspool.core.results import Failure, failure
from unspool.core.state import Family
from unspool.errors import ExpressionError
from unspool.model import status
from unspool.model.plan import Batch, Retry, Task, changed
from unspool.model.status import CANCELLED, COMPLETED, QUEUED

BATCH_TIMER = "batch:"  # and the number of a line: what waits in it has waited long enough

_RETRIED = frozenset(("rate_limit", "connection", "server", "auth", "quota", "bad_request", "timeout"))


class Line:
    """Instances of one parent that wait for company.

    Attributes:
        parent: their parent.
        key: what `by` gave for all of them, as text.
        waiting: each with the number of its attempt to come.
    """

    __slots__ = ("key", "parent", "waiting")

    def __init__(self, parent: int, key: str) -> None:
        self.parent = parent
        self.key = key
        self.waiting: list[tuple[int, int]] = []


class Batching(Closing):
    """Lets instances wait in lines, and runs what has gathered there as one."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []
        self._line_of: dict[tuple[int, str], int] = {}
        self._batches: dict[int, int] = {}  # of each parent: how many there were

    def _find_verdict_of(
        self, index: int, collected: dict[str, Any], error: Failure | None, duration: float | None, number: int = 0
    ) -> tuple[Failure | None, dict[str, Any]]:
        raise NotImplementedError

    def _end_task(
        self, index: int, collected: dict[str, Any], error: Failure | None, view: dict[str, Any], number: int = 0
    ) -> None:
        raise NotImplementedError

    def _ask(self, index: int, number: int, *, again: bool = False) -> None:
        batch = self.nodes[index].batch
        if batch is None:
            super()._ask(index, number, again=again)
        else:
            self._line_up(index, number, batch)

    def _line_up(self, index: int, number: int, batch: Batch) -> None:
        task = self.tasks[index]
        try:
            by = None if batch.by is None else self._value(index, batch.by)
        except ExpressionError as problem:
            self._fail(index, failure(status.EXPRESSION_ERROR, f"batch.by: {problem}"), {})
            return
        self._move(task, QUEUED, status.BATCHED)
        if task.queued_at is None:
            task.queued_at = self._at
        parent = -1 if task.family is None else task.family.parent
        place = self._line_of.setdefault((parent, repr(by)), len(self._lines))
        if place == len(self._lines):
            self._lines.append(Line(parent, repr(by)))
        line = self._lines[place]
        line.waiting.append((index, number))
        if task.family is not None:
            task.family.line = place
        if len(line.waiting) == batch.size:
            self._cancel_timer(f"{BATCH_TIMER}{place}")
            self._launch(place)
        elif len(line.waiting) == 1:
            self._set_timer(f"{BATCH_TIMER}{place}", self._at + batch.within)

    def _launch(self, place: int) -> None:
        """Run what waits in a line as one attempt."""
        line = self._lines[place]
        gathered, line.waiting = line.waiting, []
        for index, _ in gathered:
            self._leave_line(index)
        first, parent = self.nodes[gathered[0][0]], self.nodes[line.parent]
        number = self._batches[line.parent] = self._batches.get(line.parent, 0) + 1
        node = _batch_node(first, len(self.nodes), f"{parent.id}/batch[{number}]")
        self.batches += 1
        family = Family()
        family.batch = gathered
        items = [_item(self.tasks[index].local or {}) for index, _ in gathered]
        outer = self.tasks[line.parent].local or {}
        self._ask(self._add(node, family, {**outer, "items": items}), 1)

    def _leave_line(self, index: int) -> None:
        family = self.tasks[index].family
        if family is not None:
            family.line = -1

    def _forget_timers(self, index: int) -> None:
        family = self.tasks[index].family
        if family is not None and family.line >= 0:  # nobody need wait for it any more
            line = self._lines[family.line]
            line.waiting = [one for one in line.waiting if one[0] != index]
            if not line.waiting:
                self._cancel_timer(f"{BATCH_TIMER}{family.line}")
            family.line = -1
        super()._forget_timers(index)

    def _relative_ended(self, index: int) -> None:
        family = self.tasks[index].family
        if family is not None and family.batch:
            self._hand_out(index, family.batch)
        super()._relative_ended(index)

    def _hand_out(self, batch: int, gathered: list[tuple[int, int]]) -> None:
        """A batch is over: give each instance its part of the result."""
        task = self.tasks[batch]
        parts = self._parts(batch, len(gathered))
        for (index, number), part in zip(gathered, parts, strict=True):
            one = self.tasks[index]
            if one.reason != status.BATCHED:
                continue  # it was cancelled meanwhile
            one.attempts = number
            one.started_at = one.started_at or task.started_at
            one.running_s += task.running_s
            if task.state == CANCELLED:
                self._settle(index, CANCELLED, task.reason)
                continue
            value, error = part
            collected: dict[str, Any] = {} if error else {"value": {"inline": value}}
            error, view = self._find_verdict_of(index, collected, error, task.running_s, number)
            self._end_task(index, collected, error, view, number)

    def _parts(self, batch: int, count: int) -> list[tuple[Any, Failure | None]]:
        task = self.tasks[batch]
        if task.state != COMPLETED:
            return [(None, task.error)] * count
        answer = (task.result or {}).get("json")
        if not isinstance(answer, list) or len(answer) != count or not all(map(_is_part, answer)):
            message = f"the result of a batch must be a list of {count} items, each with `ok` and `value` or `error`"
            return [(None, failure(status.OUTPUT_INVALID, message))] * count
        return [(part.get("value"), None if part["ok"] else _error_of(part)) for part in answer]


def _batch_node(instance: Task, index: int, name: str) -> Task:
    return changed(
        instance,
        index=index,
        id=name,
        retry=Retry(),
        batch=None,
        outputs=(),
        success_when=None,
        on_failure="skip",
        collect=("json",),
        undo=None,
        substitute=None,
        rollback=None,
    )


def _item(local: dict[str, Any]) -> Any:
    return local["item"] if "item" in local else local.get("matrix")


def _is_part(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("ok"), bool)


def _error_of(part: dict[str, Any]) -> Failure:
    error = part.get("error")
    kind = error.get("class") if isinstance(error, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return failure(kind if kind in _RETRIED else "exception", str(message or "the batch says that this item failed"))

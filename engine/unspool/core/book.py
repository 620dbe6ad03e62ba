"""The books of a run: its tasks, attempts and timers, and the moves that keep them consistent."""

from __future__ import annotations

from unspool.core.state import Attempt, TaskRun
from unspool.core.transitions import TRANSITIONS
from unspool.errors import IllegalEvent
from unspool.model import status
from unspool.model.commands import (
    CancelTimer,
    Command,
    ReleaseAdmission,
    RequestAdmission,
    SetTimer,
    StopAttempt,
    WithdrawRequest,
)
from unspool.model.plan import Plan, Task
from unspool.model.status import BY_PERSON, CANCELLED, FINAL_STATES, QUEUED, READY, RUNNING

TIMEOUT_TIMER = "timeout:"  # and an attempt's number: it has run too long
IDLE_TIMER = "idle:"  # and an attempt's number: it has written nothing for too long
GRACE_TIMER = "grace:"  # and an attempt's number: the polite end was not heard
WAIT_TIMER = "wait:"  # and a task's index: the moment it waits for has come
APPROVAL_TIMER = "approval:"  # and a task's index: nobody has decided in time
SPAN_TIMER = "span:"  # and the index of a gate: the group behind it has taken too long
DOOR_TIMER = "door:"  # and a task's index: an open run has had nothing to do for too long
RETRY_TIMER = "retry:"  # and a task's index and the attempt to come, as in `retry:4.2`: its delay is over


class Book:
    """What a run remembers. Every method here leaves the counters right; none of them decides."""

    def __init__(self) -> None:
        self.plan: Plan = Plan("", ())
        self.nodes: list[Task] = []  # the tasks of the plan, then those that the run has grown
        self.tasks: list[TaskRun] = []  # what became of each node
        self.attempts: dict[int, Attempt] = {}
        self.asking = 0  # attempts that wait for admission
        self.cost_usd = 0.0  # of all attempts, as far as their results tell
        self.tokens = 0
        self.timers: dict[str, float] = {}
        self.open = 0  # tasks that are not final, without those of `finally`
        self.closing = 0  # tasks of `finally` that are not final
        self.asked = 0  # how often a person was asked
        self.cancelled = 0  # tasks that a person cancelled, one by one or with the run; none of `finally`
        self._next_attempt = 1
        self._at = 0.0
        self.moves: list[tuple[int, str, str | None]] = []  # by the last event: task, state, reason
        self._out: list[Command] = []
        self._requests: set[str] = set()  # of other processes, by id
        self._settled: list[int] = []  # final, as is all above them; their dependents have not been told yet
        self._doomed: list[int] = []  # cancelled before all above them was final; the same

    def _check_task(self, index: int) -> None:
        """Refuse what is about a task that there is not."""
        if not 0 <= index < len(self.tasks):
            raise IllegalEvent(f"the run has no task {index}")
        if self.nodes[index].template:
            raise IllegalEvent(f"{self.nodes[index].id} is no task of the run: copies are made of it")

    def answering(self, index: int) -> int:
        """Give whose state and outputs a task shows: its own, or those of what stands in for it in the end."""
        while (family := self.tasks[index].family) is not None and family.stand_in >= 0:
            index = family.stand_in
        return index

    def _attempt(self, number: int) -> Attempt | None:
        """Give a live attempt, None where it is over.

        Raises:
            IllegalEvent: there never was one.
        """
        attempt = self.attempts.get(number)
        if attempt is None and not 0 < number < self._next_attempt:
            raise IllegalEvent(f"nobody asked for attempt {number}")
        return attempt

    def _live(self, number: int, token: int) -> Attempt | None:
        """Give an attempt that was admitted, None where it is over or the token is of another owner."""
        attempt = self._attempt(number)
        if attempt is None:
            return None
        if not attempt.admitted:
            raise IllegalEvent(f"attempt {number} is not admitted")
        return attempt if attempt.token == token else None

    def _ask(self, index: int, number: int) -> None:
        """Ask admission for attempt `number` of a task."""
        task = self.tasks[index]
        self._move(task, READY)
        if task.queued_at is None:
            task.queued_at = self._at
        attempt = self._next_attempt
        self._next_attempt += 1
        self.attempts[attempt] = Attempt(index, number, self._at)
        self.asking += 1
        task.attempt = attempt
        self._out.append(RequestAdmission(index, attempt, self.nodes[index].priority))

    def _begin(self, attempt: Attempt, at: float) -> None:
        """An attempt runs since `at`."""
        attempt.started_at = at
        task = self.tasks[attempt.task]
        task.queued_s += max(0.0, at - attempt.asked_at)
        if task.started_at is None:
            task.started_at = at
        self._move(task, RUNNING)

    def _close_attempt(self, number: int, attempt: Attempt, outcome: str | None = None) -> None:
        """An attempt is over: forget it, its timers, and give its place back."""
        del self.attempts[number]
        task = self.tasks[attempt.task]
        task.attempt = 0
        if attempt.started_at is not None:
            task.attempts = attempt.number
        if self.timers:
            self._cancel_timer(f"{TIMEOUT_TIMER}{number}")
            self._cancel_timer(f"{IDLE_TIMER}{number}")
            self._cancel_timer(f"{GRACE_TIMER}{number}")
        self._out.append(ReleaseAdmission(number, outcome))

    def _retry(self, index: int, number: int, delay: float) -> None:
        """Ask for attempt `number` of a task, now or after `delay` seconds."""
        if delay <= 0:
            self._ask(index, number)
            return
        task = self.tasks[index]
        self._move(task, QUEUED, status.RETRY_WAIT)
        self._set_timer(f"{RETRY_TIMER}{index}.{number}", self._at + delay)

    def _cancel_task(self, index: int, reason: str) -> None:
        """End a task, or what stands in for it, in whatever state it is."""
        index = self.answering(index)
        task = self.tasks[index]
        if task.state in FINAL_STATES:
            return
        attempt = self.attempts.get(task.attempt)
        if attempt is None:
            if not self._cancel_parts(index, reason):
                self._forget_timers(index)
                self._settle(index, CANCELLED, reason)
        elif attempt.admitted:
            self._stop_attempt(task.attempt, attempt, reason)
        else:
            self._out.append(WithdrawRequest(index, task.attempt))
            del self.attempts[task.attempt]
            self.asking -= 1
            task.attempt = 0
            self._settle(index, CANCELLED, reason)

    def _cancel_parts(self, index: int, reason: str) -> bool:
        """Cancel what a task is made of; False where it is one piece."""
        raise NotImplementedError

    def _forget_timers(self, index: int) -> None:
        """A task that waits for a moment waits no more."""
        for timer in (
            f"{RETRY_TIMER}{index}.{self.tasks[index].attempts + 1}",
            f"{WAIT_TIMER}{index}",
            f"{APPROVAL_TIMER}{index}",
        ):
            self._cancel_timer(timer)

    def _stop_attempt(self, number: int, attempt: Attempt, reason: str) -> None:
        """Begin to end an attempt; a cancel that comes while it times out takes over the reason."""
        already = attempt.stop is not None
        if not already or attempt.stop in status.OVERDUE:
            attempt.stop = reason
        if already:
            return
        self._cancel_timer(f"{TIMEOUT_TIMER}{number}")
        self._cancel_timer(f"{IDLE_TIMER}{number}")
        self._out.append(StopAttempt(number, "polite"))
        self._set_timer(f"{GRACE_TIMER}{number}", self._at + self.nodes[attempt.task].grace)

    def _force_all(self) -> None:
        """Somebody will not wait for the grace: end by force what is being ended."""
        for number, attempt in self.attempts.items():
            if attempt.stop is not None and not attempt.forced:
                self._cancel_timer(f"{GRACE_TIMER}{number}")
                attempt.forced = True
                self._out.append(StopAttempt(number, "forced"))

    def _settle(self, index: int, state: str, reason: str | None) -> None:
        """A task is final; its dependents are told later."""
        task = self.tasks[index]
        self._move(task, state, reason)
        task.completed_at = self._at
        if self.nodes[index].closing:
            self.closing -= 1
        else:
            self.open -= 1
            self.cancelled += state == CANCELLED and reason == BY_PERSON
        (self._doomed if task.waiting else self._settled).append(index)

    def _move(self, task: TaskRun, state: str, reason: str | None = None) -> None:
        """Change the state of a task, as the table of transitions allows."""
        if (task.state, state) not in TRANSITIONS:
            raise IllegalEvent(f"a task cannot go from {task.state} to {state}")
        task.state = state
        task.reason = reason
        self.moves.append((task.index, state, reason))

    def _set_timer(self, timer: str, due: float) -> None:
        self.timers[timer] = due
        self._out.append(SetTimer(timer, due))

    def _cancel_timer(self, timer: str) -> None:
        if self.timers.pop(timer, None) is not None:
            self._out.append(CancelTimer(timer))

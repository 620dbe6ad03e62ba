"""What the rules of a task ask for once it has ended: more tasks, failure, another attempt, the end of the run."""

from __future__ import annotations

from typing import Any, NamedTuple

from unspool.core.batching import Batching
from unspool.core.book import DOOR_TIMER
from unspool.core.growth import arguments
from unspool.core.limits import RUN_TIMER
from unspool.core.results import Failure, failure
from unspool.core.state import Family
from unspool.errors import ExpressionError, IllegalEvent
from unspool.model import status
from unspool.model.durations import parse_duration
from unspool.model.events import RunClosed, TaskSubmitted
from unspool.model.plan import Emission, Rule, Task
from unspool.model.status import COMPLETED, CREATED, FAILED, FINAL_STATES, QUEUED, RUNNING, SKIPPED


class Note(NamedTuple):
    """What a rule tells people: the task that it belongs to, and the text."""

    task: int
    text: str


class Told(NamedTuple):
    """An event that a rule hands to other workflows: the task that it belongs to, its name and its values."""

    task: int
    name: str
    values: dict[str, Any]


class Applied(NamedTuple):
    """A rule whose condition held: the task that has it, and what messages call it."""

    task: int
    rule: str


class Wanted(NamedTuple):
    """A task that a rule asks for."""

    emission: Emission
    path: str  # of the rule
    name: str
    given: dict[str, Any]


class Verdict(NamedTuple):
    """What the rules make of a task.

    Attributes:
        error: why it has failed; None where it has completed.
        again: in how many seconds it is tried again, None where it is final.
        cancels: the run is cancelled.
    """

    error: Failure | None
    again: float | None = None
    cancels: bool = False


class RuleError(Exception):
    """No effect of any rule can happen; `kind` is the class of the failure."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


_TWICE = "is there already, with other values: give each its own `key`"


class _Pass:
    """What one pass over the rules of a task asks for."""

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []
        self.applied: list[str] = []  # paths of rules
        self.notes: list[str] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.failed: str | None = None
        self.again: float | None = None
        self.cancels = False


class Ruling(Batching):
    """Evaluates rules, and adds to the run what they ask for, within the bounds of the document.

    Everything that a pass over the rules asks for happens, or nothing of it. What it adds waits for the task that
    asked for it, whatever its state, and never makes it wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.applied: list[Applied] = []  # of passes that were not discarded
        self.notes: list[Note] = []
        self.events: list[Told] = []
        self.refusals: dict[str, str] = {}  # of requests to add a task: why it could not be
        self._emitted: dict[int, int] = {}  # of each rule: how many tasks it has added
        self._submitted: dict[int, int] = {}  # of each template: how many tasks were added from outside

    def _follow_rules(self, index: int, view: dict[str, Any], error: Failure | None, number: int) -> Verdict:
        """Do what the rules of a task ask for, now that no attempt follows by itself."""
        try:
            asked = self._ask_rules(index, view, error, number)
            if asked.again is not None:
                return Verdict(error, asked.again)
            self._check_budget(index, asked.wanted)
        except RuleError as problem:
            return Verdict(failure(problem.kind, str(problem)))
        for wanted in asked.wanted:
            self._emit(index, wanted)
        self.applied += [Applied(index, path) for path in asked.applied]
        self.notes += [Note(index, text) for text in asked.notes]
        self.events += [Told(index, name, values) for name, values in asked.events]
        if asked.failed is not None:
            error = failure(status.BY_RULE, asked.failed)
        return Verdict(error, cancels=asked.cancels)

    def _ask_rules(self, index: int, view: dict[str, Any], error: Failure | None, number: int) -> _Pass:
        """Evaluate all rules; the first that asks for another attempt, or a failure, decides about that.

        Raises:
            RuleError: something cannot be evaluated, or two tasks would have one name.
        """
        asked = _Pass()
        own = {
            "result": view,
            "outputs": self.tasks[index].outputs or {},
            "attempt": number,
            "outcome": COMPLETED if error is None else FAILED,
            "reason": None if error is None else error["class"],
        }
        try:
            own |= self._interpretation(index, view)
        except ExpressionError as problem:
            raise RuleError(status.EXPRESSION_ERROR, str(problem)) from None
        for rule in self.nodes[index].rules:
            try:
                if rule.when is not None and not self._holds(index, rule.when, own):
                    continue
                self._ask_rule(index, rule, own, asked, number)
            except (ExpressionError, ValueError) as problem:
                raise RuleError(status.EXPRESSION_ERROR, f"{rule.path}: {problem}") from None
            if asked.again is not None:
                break
        return asked

    def _interpretation(self, index: int, view: dict[str, Any]) -> dict[str, Any]:
        """Give what a task's interpreter makes of its result, by name; nothing where it has none.

        It is asked once, before `success_when` and all else that may make a failure of the result.

        Raises:
            ExpressionError: a parameter cannot be evaluated, or is none of the interpreter.
        """
        asked, task = self.nodes[index].interpret, self.tasks[index]
        if asked is None:
            return {}
        if task.interpretation is not None:
            return {"interpretation": task.interpretation}
        from unspool.core.interpreting import check_parameters, interpret  # most runs need none of it

        name, given = asked
        parameters = self._value(index, given)
        wrong = check_parameters(name, parameters)
        if wrong is not None:
            raise ExpressionError(f"interpret: {wrong}")
        task.interpretation = interpret(name, view, parameters)
        return {"interpretation": task.interpretation}

    def _holds(self, index: int, when: str, own: dict[str, Any]) -> bool:
        from unspool import expr  # a run without expressions needs none of it

        local = {**(self._local(index) or {}), **own}
        return expr.evaluate_boolean(when, self._seen().of_expression(when, local, self.nodes[index].scope))

    def _ask_rule(self, index: int, rule: Rule, own: dict[str, Any], asked: _Pass, number: int) -> None:
        is_open = asked.failed is None
        asked.applied.append(rule.path)
        if rule.retry is not None and is_open and self._has_attempt_left(index, number):
            asked.again = parse_duration(str(self._value(index, rule.retry, own)))
            return
        if rule.fail is not None and is_open:
            asked.failed = self._said(index, rule.fail, own)
        for emission in rule.emits:
            asked.wanted += self._wanted(index, rule, emission, own, asked.wanted)
        if rule.note is not None:
            asked.notes.append(self._said(index, rule.note, own))
        if rule.event is not None:
            asked.events.append((rule.event[0], self._value(index, rule.event[1], own)))
        asked.cancels = asked.cancels or rule.cancels

    def _has_attempt_left(self, index: int, number: int) -> bool:
        family = self.tasks[index].family
        before = 0 if family is None else family.before
        return 0 < number - before < self.nodes[index].retry.max_attempts and self.state == status.RUNNING

    def _said(self, index: int, text: str, own: dict[str, Any]) -> str:
        from unspool import expr

        return expr.as_text(self._value(index, text, own))

    def _wanted(
        self, index: int, rule: Rule, emission: Emission, own: dict[str, Any], before: list[Wanted]
    ) -> list[Wanted]:
        """Give the tasks that an emission asks for, without those that there are.

        Raises:
            RuleError: two tasks would have one name, and other values.
        """
        template = self.nodes[emission.template]
        beginning = f"{self.nodes[index].id}/{template.id}"
        known = {wanted.name: wanted.given for wanted in before}
        found: list[Wanted] = []
        for key, local in self._instances_of(index, rule, emission, own):
            given = self._value(index, emission.given, {**own, **local})
            given = arguments(template.inputs or {}, given)
            name = beginning if key is None else f"{beginning}[{key}]"
            if known.get(name, given) != given:
                raise RuleError(status.DUPLICATE_KEY, f"{rule.path}: {name} {_TWICE}")
            try:
                is_new = name not in known and not self._is_there(name, given)
            except RuleError as problem:
                raise RuleError(problem.kind, f"{rule.path}: {problem}") from None
            if is_new:
                known[name] = given
                found.append(Wanted(emission, rule.path, name, given))
        return found

    def _is_there(self, name: str, given: dict[str, Any]) -> bool:
        """Whether there is a task of this name; RuleError where it has other values."""
        there = self._seen().index_of(name)
        if there is None:
            return False
        if (self.tasks[there].local or {}).get("inputs", {}) != given:
            raise RuleError(status.DUPLICATE_KEY, f"{name} {_TWICE}")
        return True

    def _instances_of(
        self, index: int, rule: Rule, emission: Emission, own: dict[str, Any]
    ) -> list[tuple[str | None, dict[str, Any]]]:
        """Give key and own values of each task that an emission asks for."""
        from unspool.core.fan_out import FanOutError, encoded, instances_of, scalar
        from unspool.model.plan import FanOut

        if emission.items is None:
            named = self._value(index, emission.key, own) if emission.key is not None else self._own_item(index)
            text = scalar(named)
            if text is None and emission.key is not None:
                raise ExpressionError(f"key: {emission.key} gives no text, number or boolean")
            return [(None if text is None else encoded(text), {})]
        fan_out = FanOut(emission.items, emission.key, most=emission.most)
        try:
            made = instances_of(fan_out, lambda value, local: self._value(index, value, {**own, **(local or {})}))
        except FanOutError as problem:
            raise RuleError(problem.kind, f"{rule.path}: {problem}") from None
        return [(one.key, one.local) for one in made]

    def _own_item(self, index: int) -> Any:
        return (self.tasks[index].local or {}).get("item")

    def _check_budget(self, index: int, wanted: list[Wanted]) -> None:
        """Charge what a pass asks for, all of it or nothing.

        Raises:
            RuleError: it is more than a rule, or the document, allows.
        """
        if not wanted:
            return
        path = wanted[0].path
        if self.tasks[index].depth >= self.plan.max_depth:
            message = f"{path}: {wanted[0].name} would have depth {self.tasks[index].depth + 1}"
            raise RuleError(
                status.BUDGET_EXHAUSTED, f"{message}; `limits.max_depth` is {self.plan.max_depth}: raise it, or end it"
            )
        counts: dict[int, int] = {}
        for each in wanted:
            rule = each.emission.rule
            counts[rule] = counts.get(rule, self._emitted.get(rule, 0)) + 1
            if counts[rule] > each.emission.most:
                message = f"{each.path}: {each.name} would be one more than its `max` ({each.emission.most})"
                raise RuleError(status.BUDGET_EXHAUSTED, message)
        self._check_room(path, sum(self._size(self.nodes[each.emission.template]) for each in wanted))
        self._emitted.update(counts)

    def _check_room(self, what: str, more: int) -> None:
        count = len(self.nodes) - self.batches + more
        if count > self.plan.max_tasks:
            message = f"{what}: the run would have {count:,} tasks; `limits.max_tasks` is {self.plan.max_tasks:,}"
            raise RuleError(status.BUDGET_EXHAUSTED, message)

    def _emit(self, index: int, wanted: Wanted) -> None:
        """Add a task; it begins when the one that asked for it is final."""
        template = self.nodes[wanted.emission.template]
        self._depth = self.tasks[index].depth + 1
        family = Family()
        family.emitter = index
        last = self._copy(template, wanted.name, {"inputs": wanted.given}, family, needs=((index, "any"),))
        is_over = template.collector is not None and self.tasks[template.collector].state in FINAL_STATES
        if is_over or self.state != status.RUNNING:  # somebody has cancelled all of them, or the run is being ended
            for each in self._nodes_of(template, last):
                if not self.nodes[each].template:
                    self._cancel_task(each, status.BY_PERSON if is_over else self.reason or status.RUN_ABORTED)

    # -- what is added from outside --------------------------------------------------------------

    def _on_task_submitted(self, event: TaskSubmitted) -> None:
        if not 0 <= event.template < len(self.plan.tasks) or not self.nodes[event.template].template:
            raise IllegalEvent(f"there is no template {event.template}")
        if event.request in self._requests:
            return
        from unspool.core.fan_out import encoded  # most runs need none of it

        self._requests.add(event.request)
        template, count = self.nodes[event.template], self._submitted.get(event.template, 0)
        name = f"{template.id}[{encoded(str(count) if event.key is None else event.key)}]"
        try:
            given = arguments(template.inputs or {}, event.given)
            self._check_open(template)
            if self._is_there(name, given):
                return
            self._check_room(name, self._size(template))
        except (ValueError, RuleError) as problem:
            self.refusals[event.request] = str(problem)
            return
        self._submitted[event.template] = count + 1
        self._depth = 0
        last = self._copy(template, name, {"inputs": given}, Family())
        for each in self._nodes_of(template, last):
            if not self.nodes[each].needs and not self.nodes[each].template and self.tasks[each].state == CREATED:
                self._consider(each)

    def _open_door(self, index: int) -> None:
        """Keep the run open until somebody closes it, or it has had nothing to do for too long."""
        self.door = index
        self.tasks[index].started_at = self._at
        self._move(self.tasks[index], QUEUED, status.OPEN)

    def _close_door(self, index: int) -> None:
        if self.tasks[index].state == QUEUED:
            self._settle(index, COMPLETED, None)

    def _watch_door(self) -> None:
        """Count the time for which an open run has had nothing to do."""
        timer = f"{DOOR_TIMER}{self.door}"
        others = len(self.timers) - (timer in self.timers) - (RUN_TIMER in self.timers)
        is_idle = self._is_held_open() and not self.attempts and not others and not self._is_asking()
        if is_idle and self.plan.idle is not None and timer not in self.timers:
            self._set_timer(timer, self._at + self.plan.idle)
        elif not is_idle:
            self._cancel_timer(timer)

    def _on_run_closed(self, event: RunClosed) -> None:
        if event.request in self._requests:
            return
        self._requests.add(event.request)
        if self._is_held_open():
            self._close_door(self.door)
        else:
            self.refusals[event.request] = "the run is not open"

    def _check_open(self, template: Task) -> None:
        if self.state != status.RUNNING:
            raise RuleError(status.BUDGET_EXHAUSTED, f"the run is {self.state}: nothing is added any more")
        if template.collector is not None and self.tasks[template.collector].state in FINAL_STATES:
            raise RuleError(
                status.BUDGET_EXHAUSTED, f"the template {template.id!r} is over: what waited for it goes on"
            )
        if template.inputs is None:
            raise RuleError(status.BUDGET_EXHAUSTED, f"{template.id!r} is no template by itself")

    # -- what stands for all instances of a template ----------------------------------------------

    def _close_template(self, index: int) -> None:
        """Nobody is left outside who could emit a template: it is over as soon as all its instances are."""
        if not self._end_templates(index):
            self._move(self.tasks[index], RUNNING)

    def _end_templates(self, index: int) -> bool:
        """End a template, with those that it emits and that emit it, if no instance of them can emit any more."""
        peers = [self.tasks[peer] for peer in self.nodes[index].peers]
        if any(peer.family is not None and peer.family.open for peer in peers if peer.state not in FINAL_STATES):
            return False
        for peer in self.nodes[index].peers:
            if peer == index or self.tasks[peer].state == RUNNING:
                self._end_template(peer)
        return True

    def _end_template(self, index: int) -> None:
        task = self.tasks[index]
        instances = [] if task.family is None else task.family.instances
        if not instances:
            self._settle(index, SKIPPED, status.NOTHING_EMITTED)
            return
        starts = [self.tasks[each].started_at for each in instances]
        task.started_at = min((at for at in starts if at is not None), default=None)
        state, reason = self._aggregate(instances)
        self._settle(index, state, reason)

    def _instances_ended(self, parent: int) -> None:
        if not self.nodes[parent].peers:
            super()._instances_ended(parent)
        elif self.tasks[parent].state == RUNNING:
            self._end_templates(parent)

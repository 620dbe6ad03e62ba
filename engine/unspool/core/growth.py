"""How a run grows: instances of a node, and what their ends make of the task they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unspool.core.dependencies import Dependencies
from unspool.core.results import Failure, failure
from unspool.core.schema import fits
from unspool.core.state import Family, TaskRun
from unspool.model import status
from unspool.model.plan import Need, Task, changed
from unspool.model.status import CANCELLED, COMPLETED, FAILED, FINAL_STATES, RUNNING, SKIPPED

if TYPE_CHECKING:
    from unspool.core.context import Context
    from unspool.core.fan_out import Instance


class Growth(Dependencies):
    """Adds nodes to a run. Growth is append-only: what is there never changes or moves."""

    batches = 0  # nodes that only run others together, and cost no budget
    _depth = 0  # of what is added next

    def _seen(self) -> Context:
        raise NotImplementedError

    def _value(self, index: int, value: Any, own: dict[str, Any] | None = None) -> Any:
        """Evaluate the expressions of a field of a task."""
        local = self._local(index)
        local = {**(local or {}), **own} if own else local
        return self._seen().value(value, local, self.nodes[index].scope)

    def _local(self, index: int) -> dict[str, Any] | None:
        """Give what only the expressions of this task see."""
        local, node = self.tasks[index].local, self.nodes[index]
        if node.frame is not None:  # its own document gives it inputs and variables
            local = {**(local or {}), **(self.tasks[node.frame].outputs or {})}
        if node.previous is not None:
            local = {**(local or {}), "previous": self._seen().shown(node.previous)}
        return local

    def _fail(self, index: int, error: Failure, collected: dict[str, Any]) -> None:
        raise NotImplementedError

    def _fan_out(self, index: int) -> None:
        """Make the instances of a parent and start as many as may run at once."""
        from unspool.core.fan_out import FanOutError, instances_of

        task, node = self.tasks[index], self.nodes[index]
        assert node.fan_out is not None  # noqa: S101 - whoever calls has looked
        try:
            made = instances_of(node.fan_out, lambda value, own: self._value(index, value, own))
        except FanOutError as problem:
            self._fail(index, failure(problem.kind, str(problem)), {})
            return
        if not self._has_room(index, len(made) * self._size(node)):
            return
        task.started_at = self._at
        if not made:
            self._settle(index, COMPLETED, None)
            return
        self._move(task, RUNNING)
        family = task.family = task.family or Family()
        for instance in made:
            family.instances.append(self._grow(index, instance))
        family.open = len(made)
        self._begin_more(index)

    def _size(self, node: Task) -> int:
        return 1 if node.region is None else node.region[1] - node.region[0]

    def _has_room(self, index: int, more: int) -> bool:
        """Charge the budget of tasks; what is too much fails the task that asks for it."""
        count = len(self.nodes) - self.batches + more
        if count <= self.plan.max_tasks:
            return True
        message = f"the run would have {count:,} tasks; `limits.max_tasks` is {self.plan.max_tasks:,}"
        self._fail(index, failure(status.BUDGET_EXHAUSTED, message), {})
        return False

    def _grow(self, index: int, instance: Instance) -> int:
        """Add one instance of a parent and give the node that stands for it."""
        parent, node = self.tasks[index], self.nodes[index]
        self._depth = parent.depth
        local = {**(parent.local or {}), **instance.local}
        name = f"{node.id}[{instance.key}]"
        if node.region is None:
            when = node.when if node.fan_out is not None and node.fan_out.when_each else None
            copy = changed(
                node, index=len(self.nodes), id=name, needs=(), dependents=(), fan_out=None, when=when, join=None
            )
            return self._add(copy, Family(parent=index), local)
        return self._copy_region(node, name, local, Family(parent=index), node.scope)

    def _copy_region(
        self,
        node: Task,
        name: str,
        local: dict[str, Any],
        family: Family,
        scope: str,
        needs: tuple[tuple[int, Need], ...] = (),
    ) -> int:
        """Add a copy of a whole region under a new name; its last node stands for it and gets the family.

        `needs` are those of its first node.
        """
        assert node.region is not None  # noqa: S101 - whoever calls has looked
        first, end = node.region
        shift = len(self.nodes) - first
        for source in self.nodes[first : end - 1]:
            copy = _moved(source, shift, first, f"{node.id}[]", name)
            is_first = copy.kind == "gate" and not copy.needs and not copy.template
            copy = changed(copy, needs=needs) if is_first and needs else copy
            self._add(copy, Family(outer=family.above) if is_first else None, local)
        last = changed(_moved(self.nodes[end - 1], shift, first, f"{node.id}[]", name), scope=scope)
        return self._add(last, family, local)

    def _add(self, node: Task, family: Family | None, local: dict[str, Any]) -> int:
        """Add one node; nothing starts it yet."""
        self.nodes.append(node)
        task = TaskRun(node.index, len(node.needs))
        task.family = family
        task.local = local
        task.depth = self._depth
        self.tasks.append(task)
        self._edges.append([])
        for need, wanted in node.needs:
            self._edges[need].append((node.index, wanted))
        if not node.template:
            self.closing += node.closing
            self.open += not node.closing
        self._seen().add(node)
        return node.index

    def _begin_more(self, index: int) -> None:
        """Start instances as long as more of them may be on their way."""
        family, node = self.tasks[index].family, self.nodes[index]
        assert family is not None and node.fan_out is not None  # noqa: S101, PT018
        most = node.fan_out.max_parallel or len(family.instances)
        while family.begun < len(family.instances) and family.active < most:
            last = family.instances[family.begun]
            family.begun += 1
            if self.tasks[last].state in FINAL_STATES:
                continue  # somebody cancelled it before its turn
            own = self.tasks[last].family
            assert own is not None  # noqa: S101 - every instance has a parent
            own.is_begun = True
            family.active += 1
            for each in self._nodes_of(node, last):
                if (
                    not self.nodes[each].needs
                    and not self.nodes[each].template
                    and self.tasks[each].state == status.CREATED
                ):
                    self._consider(each)

    def _nodes_of(self, parent: Task, last: int) -> range:
        """Give all nodes of the instance that a node stands for."""
        return range(last - self._size(parent) + 1, last + 1)

    def _relative_ended(self, index: int) -> None:
        family = self.tasks[index].family
        if family is None or family.parent < 0:
            return
        parent = self.tasks[family.parent]
        siblings = parent.family
        if siblings is None or parent.state in FINAL_STATES:
            return
        siblings.open -= 1
        siblings.active -= family.is_begun
        if siblings.open:
            self._begin_more(family.parent)
        else:
            self._instances_ended(family.parent)

    def _instances_ended(self, parent: int) -> None:
        """All instances of a parent are final, and so is the parent."""
        family = self.tasks[parent].family
        assert family is not None  # noqa: S101 - whoever calls has looked
        state, reason = self._aggregate(family.instances)
        self._settle(parent, state, reason)

    def _aggregate(self, instances: list[int]) -> tuple[str, str | None]:
        """Give the state of a parent, by section 2 of the language: what hurts most counts."""
        tasks = [self.tasks[self.answering(each)] for each in instances]
        outcomes = {self._outcome(each) for each in instances}
        if FAILED in outcomes:
            return FAILED, status.INSTANCE_FAILED
        cancelled = next((task.reason for task in tasks if task.state == CANCELLED), None)
        if CANCELLED in outcomes:
            return CANCELLED, cancelled
        if any(task.state == FAILED for task in tasks):
            return FAILED, status.INSTANCE_FAILED
        if outcomes == {SKIPPED}:
            return SKIPPED, tasks[0].reason
        return COMPLETED, None

    def _cancel_instances(self, index: int, reason: str) -> bool:
        """Cancel what a parent has made; False where it has made nothing."""
        family = self.tasks[index].family
        if family is None or not family.instances or self.nodes[index].fan_out is None:
            return False
        family.begun = len(family.instances)  # none begins any more
        for last in family.instances:
            for each in self._nodes_of(self.nodes[index], last):
                if not self.nodes[each].template and not self.nodes[each].shielded:
                    self._cancel_task(each, reason)
        return True


def _moved(node: Task, shift: int, first: int, old: str, new: str) -> Task:
    """Give a node as it stands in a copy of its region."""

    def place(index: int) -> int:
        return index + shift

    def name(text: str) -> str:
        return new + text[len(old) :] if text.startswith(old) else text

    group = node.group
    return changed(
        node,
        index=place(node.index),
        id=name(node.id),
        scope=name(node.scope),
        template=node.template - 1,
        needs=tuple((place(need), wanted) for need, wanted in node.needs if need >= first),
        dependents=tuple(map(place, node.dependents)),
        region=None if node.region is None else (place(node.region[0]), place(node.region[1])),
        group=group and group._replace(gate=place(group.gate), members=tuple(map(place, group.members))),
        previous=None if node.previous is None else place(node.previous),
        frame=None if node.frame is None else place(node.frame),
        undo=None if node.undo is None else (place(node.undo) if node.undo >= first else node.undo),
    )


def arguments(declared: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Give the inputs of a template or a document, from what it is given and what it declares.

    Raises:
        ValueError: one has no value, or one that does not fit its schema.
    """
    values = {name: schema["default"] for name, schema in declared.items() if "default" in schema}
    values.update(given)
    for name, schema in declared.items():
        if name not in values:
            raise ValueError(f"the input {name!r} has no value")
        wrong = fits(values[name], schema)
        if wrong is not None:
            raise ValueError(f"the input {name!r} {wrong}")
    return values

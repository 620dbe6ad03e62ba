"""What expressions may see: small dictionaries made of just what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unspool.core.placeholders import is_spelt, placeholders
from unspool.errors import ExpressionError
from unspool.model.status import COMPLETED

if TYPE_CHECKING:
    from unspool.core.state import Family, TaskRun
    from unspool.model.plan import Plan, Task

MAX_VALUE_BYTES = 96 * 1024  # the system refuses one argument or variable above 128 KiB


class Context:
    """Gives each expression of one run the values it may use."""

    def __init__(
        self,
        plan: Plan,
        run: dict[str, Any],
        inputs: dict[str, Any],
        nodes: list[Task],
        tasks: list[TaskRun],
    ) -> None:
        self._index = {node.id: node.index for node in nodes if not node.template}
        self._nodes = nodes
        self._tasks = tasks
        self.base: dict[str, Any] = {"inputs": inputs, "run": run, "env": {}}
        self.base["env"] = {name: text_of(name, value, self.base) for name, value in plan.env.items()}
        self._secrets = placeholders(plan.secrets)
        if self._secrets:
            for name, text in self.base["env"].items():
                _check_foreign(name, text)

    def add(self, node: Task) -> None:
        """Know a node that the run has grown."""
        if not node.template:
            self._index[node.id] = node.index

    def index_of(self, name: str) -> int | None:
        """Give the node of a whole name, None where there is none."""
        return self._index.get(name)

    def of(self, value: Any, local: dict[str, Any] | None = None, scope: str = "") -> dict[str, Any]:
        """Give the context for every expression in `value` (text, list or map).

        `local` is what only the task at hand sees, `scope` stands before the ids of what it calls by short names.
        """
        named = {name for text in _texts(value) for name in _task_names(text)}
        context = self._with_tasks(named, scope) if named else self.base
        return {**context, **local} if local else context

    def of_expression(self, source: str, own: dict[str, Any] | None = None, scope: str = "") -> dict[str, Any]:
        """Give the context for one expression; `own` adds what only the task at hand sees."""
        from unspool.expr.template import parse_expression  # a run without expressions needs none of it

        names = {
            path[1]
            for path in (reference.path for reference in parse_expression(source).references)
            if len(path) > 1 and path[0] == "tasks"
        }
        context = self._with_tasks(names, scope) if names else self.base
        return {**context, **own} if own else context

    def variable(self, name: str, value: str, seen: dict[str, Any]) -> str:
        """Render a variable of a task, the one place that takes secrets: each is a placeholder in it.

        Raises:
            ExpressionError: an expression fails, the text cannot be handed to a process, or some
                other value in it would be taken for a placeholder.
        """
        if not self._secrets:
            return text_of(name, value, seen)
        _check_foreign(name, text_of(name, value, {**seen, "secrets": dict.fromkeys(self._secrets, "")}))
        return text_of(name, value, {**seen, "secrets": self._secrets})

    def value(self, value: Any, local: dict[str, Any] | None = None, scope: str = "") -> Any:
        """Evaluate every expression in `value`.

        Raises:
            ExpressionError: one of them fails.
        """
        if not _texts(value):
            return value
        from unspool import expr

        return expr.render(value, self.of(value, local, scope))

    def _with_tasks(self, names: set[Any], scope: str) -> dict[str, Any]:
        found = {name: self._find(name, scope) for name in names}
        tasks = {name: self.shown(index) for name, index in found.items() if index is not None}
        return {**self.base, "tasks": tasks}

    def _find(self, name: str, scope: str) -> int | None:
        """Find a task by a name as it is written: what is nearest counts, then what is around it."""
        while scope:
            index = self._index.get(f"{scope}{name}")
            if index is not None:
                return index
            outer = scope.rstrip(".").rpartition(".")
            scope = f"{outer[0]}." if outer[1] else ""
        return self._index.get(name)

    def shown(self, index: int) -> dict[str, Any]:
        """Give what others see of a task."""
        index = self._answering(index)
        task = self._tasks[index]
        family = task.family
        view: dict[str, Any] = {"state": task.state}
        if self._nodes[index].fan_out is not None:
            return {**view, **self._instances(index, family)}
        if task.outputs is not None:
            view["outputs"] = task.outputs
        if task.result is not None:
            view["result"] = task.result
        return view

    def _answering(self, index: int) -> int:
        """Give whose state and outputs a task shows: its own, or those of what stands in for it in the end."""
        while (family := self._tasks[index].family) is not None and family.stand_in >= 0:
            index = family.stand_in
        return index

    def _instances(self, index: int, family: Family | None) -> dict[str, Any]:
        """Give what a parent shows: lists, in the order of its instances."""
        task = self._tasks[index]
        if family is None and task.state != COMPLETED and not self._nodes[index].peers:
            return {"instances": []}
        made = family.instances if family is not None else []
        tasks = [self._tasks[self._answering(each)] for each in made]
        return {
            "instances": [
                {
                    "id": self._nodes[each].id,
                    "item": _item(self._tasks[each].local or {}),
                    "state": one.state,
                    "reason": one.reason,
                }
                for each, one in zip(made, tasks, strict=True)
            ],
            "result": [one.result for one in tasks],
            "outputs": {
                output.name: [(one.outputs or {}).get(output.name, output.default) for one in tasks]
                for output in self._nodes[index].outputs
            },
        }


def _item(local: dict[str, Any]) -> Any:
    return local.get("item", local.get("matrix", local.get("inputs")))


def text_of(name: str, value: str, context: dict[str, Any]) -> str:
    """Render the text of a variable or a folder.

    Raises:
        ExpressionError: an expression fails, or the text cannot be handed to a process.
    """
    if "${{" not in value:
        return fitting(name, value)
    from unspool import expr

    try:
        text = expr.as_text(expr.render(value, context))
    except ExpressionError as problem:
        raise ExpressionError(f"{name}: {problem}") from None
    return fitting(name, text)


def _check_foreign(name: str, text: str) -> None:
    if is_spelt(text):
        raise ExpressionError(f"{name}: in a run with secrets no variable can hold the character U+FDD0; remove it")


def fitting(name: str, text: str) -> str:
    """Give a text back that can be handed to a process.

    Raises:
        ExpressionError: it cannot.
    """
    if "\0" in text:
        raise ExpressionError(f"{name}: a value with a NUL character cannot be handed to a process")
    if len(text) * 4 > MAX_VALUE_BYTES and len(text.encode("utf-8", "surrogatepass")) > MAX_VALUE_BYTES:
        raise ExpressionError(f"{name}: value_too_large: more than {MAX_VALUE_BYTES} bytes; use `stdin` or `with`")
    return text


def _texts(value: Any) -> list[str]:
    """Collect every text with an expression in it."""
    found: list[str] = []
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            if "${{" in item:
                found.append(item)
        elif isinstance(item, dict):
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return found


def _task_names(text: str) -> list[Any]:
    from unspool.expr.template import parse_template

    return [
        reference.path[1]
        for part in parse_template(text).parts
        if not isinstance(part, str)
        for reference in part.references
        if len(reference.path) > 1 and reference.path[0] == "tasks"
    ]

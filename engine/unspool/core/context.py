"""What expressions may see: small dictionaries made of just what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unspool.errors import ExpressionError

if TYPE_CHECKING:
    from unspool.core.state import TaskRun
    from unspool.model.plan import Plan

MAX_VALUE_BYTES = 96 * 1024  # the system refuses one argument or variable above 128 KiB


class Context:
    """Gives each expression of one run the values it may use."""

    def __init__(self, plan: Plan, run: dict[str, Any], inputs: dict[str, Any], tasks: list[TaskRun]) -> None:
        self._index = {task.id: task.index for task in plan.tasks}
        self._tasks = tasks
        self.base: dict[str, Any] = {"inputs": inputs, "run": run, "env": {}}
        self.base["env"] = {name: text_of(name, value, self.base) for name, value in plan.env.items()}

    def of(self, value: Any, own: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the context for every expression in `value` (text, list or map); `own` adds what its task leases."""
        named = {name for text in _texts(value) for name in _task_names(text)}
        context = self._with_tasks(named) if named else self.base
        return {**context, **own} if own else context

    def of_expression(self, source: str, own: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the context for one expression; `own` adds the task's own result and attempt."""
        from unspool.expr.template import parse_expression  # a run without expressions needs none of it

        names = {
            path[1]
            for path in (reference.path for reference in parse_expression(source).references)
            if len(path) > 1 and path[0] == "tasks"
        }
        context = self._with_tasks(names) if names else self.base
        return {**context, **own} if own else context

    def _with_tasks(self, names: set[Any]) -> dict[str, Any]:
        return {**self.base, "tasks": {name: self._task(name) for name in names if name in self._index}}

    def _task(self, name: str) -> dict[str, Any]:
        task = self._tasks[self._index[name]]
        view: dict[str, Any] = {"state": task.state}
        if task.outputs is not None:
            view["outputs"] = task.outputs
        if task.result is not None:
            view["result"] = task.result
        return view


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

"""What expressions may see: small dictionaries made of just what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unspool import expr
from unspool.core.results import Failure, failure
from unspool.errors import ExpressionError
from unspool.model.status import EXPRESSION_ERROR

if TYPE_CHECKING:
    from unspool.core.state import TaskRun
    from unspool.model.plan import Plan, Task

MAX_VALUE_BYTES = 96 * 1024  # the system refuses one argument or variable above 128 KiB


class Context:
    """Gives each expression of one run the values it may use."""

    def __init__(self, plan: Plan, run: dict[str, Any], inputs: dict[str, Any], tasks: list[TaskRun]) -> None:
        self._index = {task.id: task.index for task in plan.tasks}
        self._tasks = tasks
        self.base: dict[str, Any] = {"inputs": inputs, "run": run, "env": {}}
        self.base["env"] = {name: _text(name, value, self.base) for name, value in plan.env.items()}

    def of(self, value: Any) -> dict[str, Any]:
        """Give the context for every expression in `value` (text, list or map)."""
        named = {name for text in _texts(value) for name in _task_names(text)}
        return self._with_tasks(named) if named else self.base

    def of_expression(self, source: str, own: dict[str, Any] | None = None) -> dict[str, Any]:
        """Give the context for one expression; `own` adds the task's own result and attempt."""
        names = {
            path[1]
            for path in (reference.path for reference in expr.parse_expression(source).references)
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


def build_spec(task: Task, context: Context) -> dict[str, Any]:
    """Evaluate a task's action, `env` and `cwd`.

    Raises:
        ExpressionError: an expression fails, or a value cannot be handed to a process.
    """
    action, seen = task.action, context.of([task.action, task.env, task.cwd])
    spec: dict[str, Any] = {}
    for key, value in action.items():
        if key == "argv":
            spec[key] = [_fitting("argv", item) for item in expr.render_argv(value, seen)]
        elif key == "values":
            spec[key] = {name: _script_value(source, context) for name, source in value.items()}
        elif key in ("script", "shell", "function"):
            spec[key] = value
        elif key == "stdin":
            spec[key] = expr.as_text(expr.render(value, seen))
        else:
            spec[key] = expr.render(value, seen)
    spec["env"] = {name: _text(name, value, seen) for name, value in task.env.items()}
    spec["cwd"] = None if task.cwd is None else _text("cwd", task.cwd, seen)
    return spec


def evaluate_when(source: str, context: Context) -> bool | Failure:
    """Give what `when` says, or the failure of saying it."""
    try:
        return expr.evaluate_boolean(source, context.of_expression(source))
    except ExpressionError as problem:
        return failure(EXPRESSION_ERROR, f"when: {problem}")


def _text(name: str, value: str, context: dict[str, Any]) -> str:
    if "${{" not in value:
        return _fitting(name, value)
    return _fitting(name, expr.as_text(expr.render(value, context)))


def _script_value(source: str, context: Context) -> str:
    value = expr.evaluate(source, context.of_expression(source))
    if isinstance(value, list | dict):
        raise ExpressionError(
            f"${{{{ {source} }}}} is a list or a map and cannot stand in a script; use `| join(' ')` or argv"
        )
    return _fitting(source, expr.as_text(value))


def _fitting(name: str, text: str) -> str:
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
    return [
        reference.path[1]
        for part in expr.parse_template(text).parts
        if not isinstance(part, str)
        for reference in part.references
        if len(reference.path) > 1 and reference.path[0] == "tasks"
    ]

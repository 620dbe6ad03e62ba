"""Names of tasks in rehearsals: which tasks of a run they speak of, and whether a plan can have such tasks at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from unspool.compiler.wording import quote
from unspool.model.plan import Plan, Task

_KEY = re.compile(r"\[[^\]]*\]")  # what an instance is called
_NAME = re.compile(r"[a-z0-9_]+(?!\[|[a-z0-9_])")  # that no key follows
_MADE = frozenset(("compensate", "batch"))  # what a run makes of tasks, beside their templates


class TaskPatterns:
    """Values by names of tasks.

    A name is an id. One without keys means all instances; `*` is any text, and in brackets any key.
    Of the names that fit a task, its own id counts first, then those without `*`, then the order in which they stand.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        ranked = sorted(self._values, key=lambda key: "*" in key)
        self._patterns = [(_pattern(key), key) for key in ranked]

    def instances(self) -> list[str]:
        """Give the names that speak of one instance each."""
        return [key for key in self._values if "[" in key and "*" not in key]

    def name_for(self, task: str) -> str | None:
        """Give the name that speaks of a task, None where none does."""
        if task in self._values:
            return task
        return next((key for pattern, key in self._patterns if pattern.fullmatch(task)), None)

    def find(self, task: str) -> Any:
        """Give the value for a task, None where there is none."""
        key = self.name_for(task)
        return None if key is None else self._values[key]


def matching(key: str, tasks: Iterable[str]) -> list[str]:
    """Give the tasks that a name speaks of: the one with this id, else all that it fits."""
    ids = list(tasks)
    if key in ids:
        return [key]
    pattern = _pattern(key)
    return [task for task in ids if pattern.fullmatch(task)]


def plain(task: str) -> str:
    """Give an id without the keys of instances: `deploy.push` for `deploy[eu].push`."""
    return _KEY.sub("", task)


def _pattern(key: str) -> re.Pattern[str]:
    loose = _NAME.sub(lambda match: f"{match[0]}?", key)  # `?` stands in no id
    parts = re.split(r"(\[[^\]]*\])", loose)
    keys = [re.escape(part.replace("?", "")).replace(r"\*", r"[^\]]*") for part in parts[1::2]]
    names = [re.escape(part).replace(r"\*", ".*").replace(r"\?", r"(?:\[[^\]]*\])?") for part in parts[::2]]
    return re.compile("".join(name + key for name, key in zip(names, [*keys, ""], strict=True)), re.DOTALL)


class Known:
    """The tasks that runs of a plan can have."""

    def __init__(self, plan: Plan) -> None:
        self._tasks: dict[str, list[Task]] = {}
        for task in plan.tasks:
            if task.kind != "gate":
                self._tasks.setdefault(plain(task.id), []).append(task)
        self._heads = {name for name in self._tasks if "/" not in name}
        self._fans = {name for name, tasks in self._tasks.items() if any(task.fan_out for task in tasks)}
        self._templates = {name for name, tasks in self._tasks.items() if any(task.template for task in tasks)}

    def complaint(self, key: str) -> tuple[str, str] | None:
        """Say why no task can have this name, and what to do; None where one can."""
        if "*" in key:
            parts = [_pattern(plain(part)) for part in key.split("/")]
            names = self._heads | _MADE
            if all(any(part.fullmatch(name) for name in names) for part in parts):
                return None
            return f"{quote(key)} fits no task of the workflow", "write the id of a task; `*` stands for any text"
        for position, part in enumerate(plain(key).split("/")):
            if part not in self._heads and not (position and part in _MADE):
                return self._no_task(part)
        for match in _KEY.finditer(key):
            name = plain(key[: match.start()]).rpartition("/")[2]
            if name not in self._fans and name not in self._templates and name not in _MADE:
                return f"task {quote(name)} has no instances", f"write {quote(plain(key))}"
        return None

    def tasks_of(self, key: str) -> list[Task]:
        """Give the tasks of the plan that a name speaks of; none where that shows only in a run."""
        name = plain(key)
        if "*" in key:
            pattern = _pattern(name.rpartition("/")[2])
            return [task for other, tasks in self._tasks.items() if pattern.fullmatch(other) for task in tasks]
        if name in self._tasks:
            return self._tasks[name]
        last = name.rpartition("/")[2]
        return [] if last in _MADE else self._tasks.get(last, [])

    def _no_task(self, part: str) -> tuple[str, str]:
        from unspool.compiler.graph import similar_name

        names = sorted(self._heads)
        close = similar_name(part, names)
        listed = ", ".join(map(quote, names[:10])) + (", ..." if len(names) > 10 else "")
        hint = f"did you mean {quote(close)}?" if close else f"its tasks are {listed}"
        return f"the workflow has no task {quote(part)}", hint

"""From the text of a rehearsal to cases that fit their workflow, or to everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from unspool.compiler.inputs import resolve_inputs
from unspool.compiler.locate import resolve
from unspool.compiler.rehearsal_shape import check_rehearsal_shape
from unspool.compiler.task_patterns import Known, TaskPatterns, matching, plain
from unspool.compiler.text import Format, Loaded, load
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.moments import parse_moment
from unspool.model.plan import Plan, Task
from unspool.model.similar import closest

CODES = {
    "UNS200": "a rehearsal names a task that its workflow cannot have",
    "UNS201": "a stub says what its task cannot give",
    "UNS202": "a rehearsal names an output that its task or its workflow does not declare",
    "UNS203": "a task of a rehearsal needs a stub",
    "UNS204": "the moment of a rehearsal is none",
    "UNS205": "the workflow of a rehearsal is not there, or has errors",
    "UNS206": "a stub stands for an instance that the run does not have",
}

DEFAULT_WORKERS = 4  # whatever the machine has: a rehearsal is the same everywhere
DEFAULT_START = 1_700_000_000.0  # seconds since the epoch at which a run begins that names no moment
_NO_STUB = {
    "wait": "waits for a moment, to which the virtual clock goes at once",
    "group": "is what its members make of it; name those, such as `{name}.member`",
}
_DECIDED = frozenset(("seconds", "approved", "by", "note"))
_OF_PEOPLE = frozenset(("approved", "by", "note"))
_OF_ANSWERS = frozenset(("status_code", "headers", "retry_after"))
_OF_EVERY_ATTEMPT = frozenset(("seconds", "json", "outputs", "error", "stdout", "stderr", "cached"))
_GIVEN = {"run": _OF_EVERY_ATTEMPT | {"exit_code"}, "http": (_OF_EVERY_ATTEMPT - {"stderr"}) | _OF_ANSWERS}


class Case(NamedTuple):
    """One rehearsal of a workflow, checked against it.

    Attributes:
        inputs: all of them, with defaults.
        stubs: finds by the id of a task the stubs of its attempts, a list of maps.
        expect: what must follow, as it is written.
        start: of the run, in seconds since the epoch.
        workers: how many attempts run at once.
        resumes: it is also cut at every event.
        path: of the case in its file.
    """

    name: str
    inputs: dict[str, Any]
    stubs: TaskPatterns
    expect: dict[str, Any]
    start: float = DEFAULT_START
    workers: int = DEFAULT_WORKERS
    resumes: bool = True
    description: str | None = None
    path: Path = ()


def load_rehearsal(data: str | bytes, format: Format) -> tuple[Loaded, tuple[Diagnostic, ...]]:  # noqa: A002
    """Read the text of a rehearsal and check its shape.

    Returns:
        what was read, and what is wrong with it; every finding has its position.
    """
    loaded = load(data, format)
    found = list(loaded.diagnostics)
    if loaded.value is not None:
        found += check_rehearsal_shape(loaded.value)
    return loaded, placed(found, loaded, format)


def placed(found: Iterable[Diagnostic], loaded: Loaded, format: Format) -> tuple[Diagnostic, ...]:  # noqa: A002
    """Give findings their positions, in the order of the text, and hints that are written in its format."""
    if format != "yaml":
        from unspool.compiler.hint_format import in_format  # hints are worded as YAML

        found = [in_format(one, format) for one in found]
    return resolve(found, loaded.locate)


def load_stubs(data: str | bytes, format: Format) -> tuple[Loaded, tuple[Diagnostic, ...]]:  # noqa: A002
    """Read a file that holds nothing but stubs, by the names of tasks, and check their shape."""
    loaded = load(data, format)
    found = list(loaded.diagnostics)
    if loaded.value is not None:
        within = ("cases", "stubs", "stubs")
        whole = {"unspool_rehearsal": 1, "cases": {"stubs": {"stubs": loaded.value}}}
        found += [one._replace(path=one.path[len(within) :]) for one in check_rehearsal_shape(whole)]
    return loaded, placed(found, loaded, format)


def is_rehearsal(value: Any) -> bool:
    """Whether a document is a rehearsal rather than a map of stubs."""
    return isinstance(value, dict) and not value.keys().isdisjoint(("unspool_rehearsal", "cases"))


def check_cases(plan: Plan, value: Mapping[str, Any]) -> tuple[list[Case], list[Diagnostic]]:
    """Check the cases of a rehearsal, whose shape is right, against its workflow.

    Returns:
        the cases without errors, and what is wrong with the others, by paths.
    """
    known, cases, found = Known(plan), [], []
    for name, body in value["cases"].items():
        case, problems = check_case(plan, body, name, ("cases", name), known)
        found += problems
        if not problems:
            cases.append(case)
    return cases, found


def check_case(
    plan: Plan, body: Mapping[str, Any], name: str, path: Path = (), known: Known | None = None
) -> tuple[Case, list[Diagnostic]]:
    """Check one case against its workflow; what is wrong with it comes by paths below `path`."""
    known = known or Known(plan)
    found: list[Diagnostic] = []
    inputs, problems = resolve_inputs(plan, body.get("inputs", {}))
    for one in problems:
        hint = one.hint if one.code == "UNS120" else "give another value under `inputs` of the case"
        hint = f"add it under `inputs` of case {quote(name)}" if one.code == "UNS121" else hint
        found.append(one._replace(path=(*path, *one.path), on_key=one.code == "UNS120", hint=hint))
    stubs: dict[str, list[dict[str, Any]]] = {}
    for key, given in body.get("stubs", {}).items():
        stubs[key] = given if isinstance(given, list) else [given]
        found += _check_stub(known, key, given, (*path, "stubs", key))
    start = DEFAULT_START
    try:
        start = parse_moment(body["at"]) if "at" in body else start
    except ValueError as problem:
        found.append(Diagnostic("UNS204", str(problem), (*path, "at"), hint="correct it"))
    expect = body.get("expect", {})
    found += _check_expected(plan, known, expect, (*path, "expect"))
    case = Case(
        name,
        inputs,
        TaskPatterns(stubs),
        expect,
        start,
        body.get("workers", DEFAULT_WORKERS),
        body.get("resume", True),
        body.get("description"),
        path,
    )
    return case, found


def strange_instances(case: Case, tasks: Iterable[str]) -> list[Diagnostic]:
    """Warn of stubs for instances that a run, of which these are the tasks, did not have."""
    ids = list(tasks)
    return [
        Diagnostic(
            "UNS206",
            f"the run has no task {quote(key)}, so its stub stands for nothing",
            (*case.path, "stubs", key),
            on_key=True,
            hint=f"correct the key, or write {quote(plain(key))} to speak of all instances",
            severity="warning",
        )
        for key in case.stubs.instances()
        if not matching(key, ids)
    ]


def needs_stub(case: Case, message: str) -> Diagnostic:
    """Say that a task of a case began without a stub that it needs."""
    what, _, hint = message.partition("; ")
    return Diagnostic("UNS203", what, (*case.path, "stubs"), on_key=True, hint=hint)


def _check_stub(known: Known, key: str, given: Any, path: Path) -> list[Diagnostic]:
    unknown = _unknown(known, key, path)
    if unknown is not None:
        return [unknown]
    tasks = known.tasks_of(key)
    if not tasks:
        return []
    if all(task.kind in _NO_STUB for task in tasks):
        why = _NO_STUB[tasks[0].kind].format(name=key)
        hint = "remove the stub"
        return [Diagnostic("UNS201", f"{quote(key)} takes no stub: it {why}", path, on_key=True, hint=hint)]
    tasks = [task for task in tasks if task.kind not in _NO_STUB]
    found: list[Diagnostic] = []
    for place, stub in _stubs_in(given, path):
        for part in stub:
            problem = _complaint(tasks, key, part, stub)
            if problem is not None:
                found.append(Diagnostic("UNS201", problem[0], (*place, part), on_key=True, hint=problem[1]))
        declared = {output.name: output for task in tasks for output in task.outputs}
        for name in stub.get("outputs", {}):
            at = (*place, "outputs", name)
            if name not in declared:
                found.append(_no_output(f"task {quote(key)}", name, sorted(declared), at))
            elif declared[name].source == "result":
                message = f"output {quote(name)} of task {quote(key)} is read from the result, so no stub gives it"
                hint = "say what the result is, by `exit_code`, `stdout`, `json` or `error`"
                found.append(Diagnostic("UNS201", message, at, on_key=True, hint=hint))
    return found


def _stubs_in(given: Any, path: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [((*path, index), stub) for index, stub in enumerate(given)] if isinstance(given, list) else [(path, given)]


def _complaint(tasks: list[Task], key: str, part: str, stub: Mapping[str, Any]) -> tuple[str, str] | None:
    """Say why none of the tasks can give what a stub says; None where one can."""
    kinds = {task.kind for task in tasks}
    if kinds == {"approval"}:
        if part not in _DECIDED:
            hint = "write `approved: false` for a no, and `seconds`, `by` and `note` if they matter"
            return f"{quote(key)} asks a person, so its stub has no {quote(part)}", hint
        return None
    if part in _OF_PEOPLE and "approval" not in kinds:
        return f"{quote(key)} asks nobody, so its stub has no {quote(part)}", "remove it"
    if "approval" not in kinds and not any(part in _GIVEN.get(kind, _OF_EVERY_ATTEMPT) for kind in kinds):
        what = " or ".join(sorted(kinds))
        return f"{quote(key)} is a task of kind `{what}`, which gives no {quote(part)}", "remove it"
    if part == "cached" and not any(task.cache for task in tasks):
        return f"{quote(key)} uses no cache, so nothing of it is reused", "remove it, or give the task a `cache`"
    if part == "stdout" and "json" in stub and kinds <= {"run", "http"}:
        return f"the stub of {quote(key)} has both `stdout` and `json`", "keep one: `json` is written as it is"
    return None


def _check_expected(plan: Plan, known: Known, expect: Mapping[str, Any], path: Path) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for key, wanted in expect.get("tasks", {}).items():
        unknown = _unknown(known, key, (*path, "tasks", key))
        if unknown is not None:
            found.append(unknown)
            continue
        tasks = known.tasks_of(key)
        names = {output.name for task in tasks for output in task.outputs}
        given = wanted.get("outputs", {}) if isinstance(wanted, dict) else {}
        if tasks and all(task.group is None for task in tasks):
            found += [
                _no_output(f"task {quote(key)}", name, sorted(names), (*path, "tasks", key, "outputs", name))
                for name in given
                if name not in names
            ]
    for index, key in enumerate(expect.get("order", ())):
        unknown = _unknown(known, key, (*path, "order", index), on_key=False)
        found += [unknown] if unknown is not None else []
    found += [
        _no_output(f"workflow {quote(plan.name)}", name, sorted(plan.outputs), (*path, "outputs", name))
        for name in expect.get("outputs", {})
        if name not in plan.outputs
    ]
    return found


def _unknown(known: Known, key: str, path: Path, *, on_key: bool = True) -> Diagnostic | None:
    complaint = known.complaint(key)
    if complaint is None:
        return None
    message, hint = complaint
    return Diagnostic("UNS200", message, path, on_key=on_key, hint=hint)


def _no_output(holder: str, name: str, known: list[str], path: Path) -> Diagnostic:
    close = closest(name, known)
    listed = f"it has {', '.join(map(quote, known))}" if known else "it declares none"
    hint = f"did you mean {quote(close)}?" if close else listed
    return Diagnostic("UNS202", f"{holder} declares no output {quote(name)}", path, on_key=True, hint=hint)

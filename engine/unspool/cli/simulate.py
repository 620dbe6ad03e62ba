"""`unspool plan --simulate`: what a document would do if its attempts gave what stubs say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from unspool.cli.documents import given_inputs, load_plan, read_inputs
from unspool.cli.plan import time_text
from unspool.cli.rehearsals import Rehearsed, load, refuse, split
from unspool.errors import DocumentError, StubNeeded

if TYPE_CHECKING:
    from unspool.observe.rehearsed import Moves

_BAR = 24  # columns


def simulate(file: str, stubs: str, form: str, workers: int, pairs: Sequence[str], inputs: str | None) -> int:
    """Play a document on a virtual clock and print what became of it; give the exit code, which is 0.

    Raises:
        DocumentError, InputError, LimitError: the document, the stubs or the inputs are wrong.
    """
    from unspool.compiler.rehearsals import check_case, needs_stub, strange_instances
    from unspool.host.rehearse import play

    plan = load_plan(file)
    path, name = split(stubs)
    loaded, data = load(path)
    body, place = _body(path, loaded.value, name)
    if place:
        given = {**body.get("inputs", {}), **given_inputs(plan, pairs, inputs)}
    else:
        given = read_inputs(plan, pairs, inputs)
    case, found = check_case(plan, {**body, "inputs": given}, place[-1] if place else "stubs", place)
    if not place:  # of a plain map of stubs
        found = [one._replace(path=one.path[1:]) for one in found]
    source = Rehearsed(path, plan, [case], loaded, data)
    source.tell(found)
    refuse(path, found)
    if _is_chosen("workers") or "workers" not in body:
        case = case._replace(workers=workers)
    try:
        run = play(plan, case).run
    except StubNeeded as problem:
        one = needs_stub(case, str(problem))
        source.tell([one if place else one._replace(path=())])
        raise DocumentError(f"{path}: 1 error") from None
    from unspool.observe.rehearsed import ids, moves, seconds
    from unspool.observe.report import critical_path

    source.tell([one if place else one._replace(path=one.path[1:]) for one in strange_instances(case, ids(run))])
    told: dict[str, Any] = {
        "name": plan.name,
        "case": case.name if place else None,
        "state": run.state,
        "reason": run.reason,
        "workers": case.workers,
        "seconds": seconds(run),
        "tasks": moves(run),
        "rules": [{"task": run.nodes[one.task].id, "rule": one.rule} for one in run.applied] or None,
        "notes": [{"task": run.nodes[note.task].id, "text": note.text} for note in run.notes] or None,
        "outputs": run.outputs,
        "critical_path": critical_path(run),
    }
    click.echo(_json(told) if form == "json" else "\n".join(_text(told)))
    return 0


def _body(path: str, value: dict[str, Any], name: str | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Give the case that is meant, and where it stands; the first where none is named."""
    from unspool.compiler.rehearsals import is_rehearsal

    if not is_rehearsal(value):
        if name is not None:
            raise DocumentError(f"{path} is a map of stubs and has no cases; name it without #{name}")
        return {"stubs": value}, ()
    cases = value["cases"]
    wanted = next(iter(cases)) if name is None else name
    if wanted not in cases:
        raise DocumentError(f"{path} has no case {wanted}; its cases are {', '.join(cases)}")
    return cases[wanted], ("cases", wanted)


def _is_chosen(parameter: str) -> bool:
    """Whether the user gave an option, rather than its default."""
    source = click.get_current_context().get_parameter_source(parameter)
    return source is not click.core.ParameterSource.DEFAULT


def _json(told: dict[str, Any]) -> str:
    tasks = {
        one.task: {
            "state": one.state,
            "reason": one.reason,
            "attempts": one.attempts,
            "start_s": one.start,
            "end_s": one.end,
            "outputs": one.outputs,
        }
        for one in told["tasks"]
    }
    known = {name: {key: part for key, part in task.items() if part is not None} for name, task in tasks.items()}
    whole = {key: part for key, part in told.items() if part is not None}
    return json.dumps({**whole, "tasks": known}, indent=2)


def _text(told: dict[str, Any]) -> list[str]:
    from unspool.observe.rehearsed import verdict

    rows: list[Moves] = told["tasks"]
    whole = told["seconds"]
    case = f" by {told['case']}" if told["case"] else ""
    count = told["workers"]
    lines = [f"{told['name']}, simulated{case} with {count} worker{'' if count == 1 else 's'}", ""]
    width = max([len("task"), *(len(row.task) for row in rows)])
    lines.append(f"  {'task':<{width}}  {'start':>11}  {'end':>11}")
    for row in rows:
        times = "  ".join(f"{'-' if at is None else time_text(at):>11}" for at in (row.start, row.end))
        tries = f", {row.attempts} attempts" if row.attempts > 1 else ""
        lines.append(f"  {row.task:<{width}}  {times}  {_bar(row, whole)}  {verdict(row.state, row.reason)}{tries}")
    lines += [f"rule {one['rule']} applied to {one['task']}" for one in told["rules"] or ()]
    lines += [f"note of {note['task']}: {note['text']}" for note in told["notes"] or ()]
    for name, value in told["outputs"].items():
        lines.append(f"{name}: {value if isinstance(value, str) else json.dumps(value)}")
    path = told["critical_path"]
    if path is not None and len(path["tasks"]) > 1:
        lines.append(f"critical path: {' > '.join(path['tasks'])}")
    return [*lines, f"{verdict(told['state'], told['reason'])} in {time_text(whole)}"]


def _bar(row: Moves, whole: float) -> str:
    """Draw when a task was on its way."""
    if row.start is None or row.end is None or not whole:
        return " " * _BAR
    first = min(_BAR - 1, int(row.start / whole * _BAR))
    last = max(first + 1, round(row.end / whole * _BAR))
    return (" " * first + "=" * (last - first)).ljust(_BAR)[:_BAR]

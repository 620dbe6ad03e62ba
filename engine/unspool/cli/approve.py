"""`unspool approve`: decide what a task asks of a person."""

from __future__ import annotations

import getpass

import click

from unspool.cli.asking import ask_owner
from unspool.cli.runs import read_recorded
from unspool.core.run import Run
from unspool.errors import UnspoolError
from unspool.host.spool import new_request
from unspool.journal.sqlite import is_locked
from unspool.model.status import WAITING_FOR_PERSON


@click.command("approve")
@click.argument("run")
@click.argument("task", required=False)
@click.option("--reject", is_flag=True, help="Say no: the task fails.")
@click.option("--note", help="Why; it goes into the report.")
def command(run: str, task: str | None, *, reject: bool, note: str | None) -> int:
    """Approve TASK of RUN; without TASK, the only one that waits."""
    recorded = read_recorded(run)
    found = recorded.rebuild()
    task = task or _only_one(found)
    _check(found, task)
    if not is_locked(recorded.folder):
        raise UnspoolError(f"nobody works on run {found.id}: resume it with `unspool resume {found.id}`, then decide")
    action = "reject" if reject else "approve"
    answer = ask_owner(recorded.folder, new_request(found.id, action, task, getpass.getuser(), note))
    if answer != "ok":
        raise UnspoolError(answer)
    click.echo(f"{'rejected' if reject else 'approved'} {found.id} {task}", err=True)
    return 0


def _waiting(run: Run) -> list[str]:
    return [node.id for node, task in zip(run.nodes, run.tasks, strict=True) if task.reason == WAITING_FOR_PERSON]


def _only_one(run: Run) -> str:
    waiting = _waiting(run)
    if len(waiting) == 1:
        return waiting[0]
    if not waiting:
        raise UnspoolError(f"nothing in run {run.id} waits for a person")
    raise UnspoolError(f"run {run.id} asks more than one thing: name a task of {', '.join(waiting)}")


def _check(run: Run, task: str) -> None:
    if task not in _waiting(run):
        known = next((state.state for node, state in zip(run.nodes, run.tasks, strict=True) if node.id == task), None)
        if known is None:
            raise UnspoolError(f"run {run.id} has no task {task!r}; `unspool show {run.id}` lists them")
        raise UnspoolError(f"task {task!r} of run {run.id} does not wait for a person: it is {known}")

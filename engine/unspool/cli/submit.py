"""`unspool submit`: add an instance of a template to a run that goes on."""

from __future__ import annotations

import getpass
from dataclasses import replace

import click

from unspool.cli.asking import ask_owner
from unspool.cli.documents import read_inputs
from unspool.cli.runs import read_recorded
from unspool.core.run import Run
from unspool.errors import UnspoolError
from unspool.host.spool import new_request
from unspool.journal.sqlite import is_locked
from unspool.model.plan import Task
from unspool.model.similar import closest


@click.command("submit")
@click.argument("run")
@click.argument("template", required=False)
@click.option("-i", "--input", "pairs", multiple=True, metavar="NAME=VALUE", help="An input; may be given again.")
@click.option("--inputs", metavar="FILE", help="A YAML, TOML or JSON file of inputs.")
@click.option("--key", help="What the task is called: TEMPLATE[KEY]. Default: a number.")
@click.option("--close", is_flag=True, help="Say that an open run gets no more tasks.")
def command(
    run: str, template: str | None, pairs: tuple[str, ...], inputs: str | None, key: str | None, *, close: bool
) -> int:
    """Add a task of TEMPLATE to RUN, which must be under way. The same key with the same values adds one task."""
    if (template is None) != close:
        raise UnspoolError("name a template, or write --close; not both")
    recorded = read_recorded(run)
    found = recorded.rebuild()
    request = new_request(found.id, "close", None, getpass.getuser())
    if template is not None:
        node = _template(found, template)
        given = read_inputs(replace(found.plan, inputs=node.inputs or {}), pairs, inputs)
        request = request._replace(action="submit", task=template, key=key, given=given)
    if not is_locked(recorded.folder):
        raise UnspoolError(f"nobody works on run {found.id}, which is {found.state}: only a live run takes more tasks")
    answer = ask_owner(recorded.folder, request)
    if answer != "ok":
        raise UnspoolError(answer)
    click.echo(f"closed {found.id}" if close else f"submitted {found.id} {template}", err=True)
    return 0


def _template(run: Run, name: str) -> Task:
    found = {node.id: node for node in run.nodes if node.template and node.inputs is not None}
    if name in found:
        return found[name]
    meant = closest(name, found)
    hint = f"did you mean {meant!r}?" if meant else f"it has {', '.join(sorted(found)) or 'none'}"
    raise UnspoolError(f"run {run.id} has no template {name!r}; {hint}")

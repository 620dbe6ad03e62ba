"""`unspool run`: compile a document, run it, show progress, report."""

from __future__ import annotations

from typing import Any

import click

from unspool.cli.documents import folder_of, load_plan, read_inputs, read_secrets
from unspool.cli.drive import (
    cache_option,
    drive,
    durability_option,
    format_option,
    quiet_option,
    secrets_option,
    verbose_option,
    workers_option,
)


@click.command("run")
@click.argument("file")
@click.option("-i", "--input", "pairs", multiple=True, metavar="NAME=VALUE", help="An input; may be given again.")
@click.option("--inputs", metavar="FILE", help="A YAML, TOML or JSON file of inputs.")
@secrets_option
@workers_option
@durability_option
@format_option
@cache_option
@quiet_option
@verbose_option
def command(file: str, pairs: tuple[str, ...], inputs: str | None, secrets_file: str | None, **how: Any) -> int:
    """Compile FILE, run it, show progress, and report.

    Exit codes: 0 completed, 1 failed, 2 the document or the call is wrong, 3 refused by a limit,
    4 cancelled, 130 interrupted.
    """
    from unspool.host import home

    plan = load_plan(file)
    values = read_inputs(plan, pairs, inputs)
    folder = folder_of(file)
    secrets = read_secrets(plan, secrets_file)
    if secrets:
        from unspool.host.secrets import refuse_recorded

        refuse_recorded(secrets, plan, values, [str(folder), file])  # before there is a journal
    state = home.make_state_folder(home.state_folder(folder))
    run = home.new_run_id()
    return drive(
        home.journal_folder(state, run),
        lambda engine: engine.start(plan, values, folder, file, run, secrets),
        **how,
    )

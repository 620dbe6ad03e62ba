"""`unspool schema`: print a published JSON Schema."""

from __future__ import annotations

import click

_NAMES = ("workflow", "rehearsal", "plan", "report")


@click.command("schema")
@click.argument("name", type=click.Choice(_NAMES))
def command(name: str) -> int:
    """Print the JSON Schema of workflow documents, rehearsals, plans or reports."""
    from unspool.model.resources import schema_text

    click.echo(schema_text(name).rstrip("\n"))
    return 0

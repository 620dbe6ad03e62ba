"""`unspool check`: every error of documents, in one pass."""

from __future__ import annotations

import json
from typing import Any

import click

from unspool.cli.documents import compile_file, refusal, render_all
from unspool.errors import UnspoolError


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(files: tuple[str, ...], form: str) -> int:
    """Report every error in each FILE. Runs nothing."""
    code = 0
    findings: list[dict[str, Any]] = []
    for file in files:
        try:
            compilation, data = compile_file(file)
        except UnspoolError as problem:
            click.echo(f"unspool: {problem}", err=True)
            findings.append({"file": file, "severity": "error", "message": str(problem)})
            code = max(code, problem.exit_code)
            continue
        if compilation.plan is None:
            code = max(code, refusal(file, compilation.diagnostics).exit_code)
        if form == "json":
            findings += [_finding(file, found) for found in compilation.diagnostics]
        else:
            if compilation.diagnostics:
                click.echo(render_all(compilation.diagnostics, file, data), err=True)
            if compilation.plan is not None:
                count = sum(task.is_shown for task in compilation.plan.tasks)
                click.echo(f"{file}: ok, {count} task{'' if count == 1 else 's'}")
    if form == "json":
        click.echo(json.dumps(findings, indent=2))
    return code


def _finding(file: str, found: Any) -> dict[str, Any]:
    return {
        "file": file,
        "line": found.position.line,
        "column": found.position.column,
        "severity": found.severity,
        "code": found.code,
        "message": found.message,
        "hint": found.hint,
        "path": list(found.path),
    }

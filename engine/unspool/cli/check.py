"""`unspool check`: every error of documents, in one pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from unspool.cli.documents import compile_file, refusal, render_all
from unspool.cli.rehearsals import inspect, is_named_so
from unspool.errors import UnspoolError
from unspool.model.diagnostics import Diagnostic


@click.command("check")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(files: tuple[str, ...], form: str) -> int:
    """Report every error in each FILE. Runs nothing."""
    code = 0
    findings: list[dict[str, Any]] = []
    for file in files:
        try:
            found, data, count = _checked(file)
        except UnspoolError as problem:
            click.echo(f"unspool: {problem}", err=True)
            findings.append({"file": file, "severity": "error", "message": str(problem)})
            code = max(code, problem.exit_code)
            continue
        if count is None:
            code = max(code, refusal(file, found).exit_code)
        if form == "json":
            findings += [_finding(file, one) for one in found]
        else:
            if found:
                click.echo(render_all(found, file, data), err=True)
            if count is not None:
                click.echo(f"{file}: ok, {count}")
    if form == "json":
        click.echo(json.dumps(findings, indent=2))
    return code


def _checked(file: str) -> tuple[Sequence[Diagnostic], bytes, str | None]:
    """Give what is found in a file, its text, and how much there is in it; None for that where it has errors."""
    if is_named_so(file):
        rehearsed, found = inspect(file)
        size, what, is_good = len(rehearsed.cases), "case", not any(one.is_error for one in found)
        data = rehearsed.data
    else:
        compilation, data = compile_file(file)
        plan, found = compilation.plan, compilation.diagnostics
        size = 0 if plan is None else sum(task.is_shown for task in plan.tasks)
        what, is_good = "task", plan is not None
    return found, data, f"{size} {what}{'' if size == 1 else 's'}" if is_good else None


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

"""`unspool plan`: what a document would run, and in which order."""

from __future__ import annotations

import json
from typing import Any

import click

from unspool.cli.documents import load_plan
from unspool.cli.drive import workers_option

_WIDTH = 76


@click.command("plan")
@click.argument("file")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@workers_option
@click.option(
    "--simulate",
    "stubs",
    metavar="STUBS",
    help="Play it on a virtual clock: a rehearsal, FILE#CASE, or a map of stubs.",
)
@click.option("-i", "--input", "pairs", multiple=True, metavar="NAME=VALUE", help="With --simulate: an input.")
@click.option("--inputs", metavar="FILE", help="With --simulate: a YAML, TOML or JSON file of inputs.")
def command(file: str, form: str, workers: int, stubs: str | None, pairs: tuple[str, ...], inputs: str | None) -> int:
    """Show the parallel batches and the critical path of FILE. Runs nothing."""
    if stubs is not None:
        from unspool.cli.simulate import simulate

        return simulate(file, stubs, form, workers, pairs, inputs)
    if pairs or inputs is not None:
        raise click.UsageError("a plan is the same for all inputs: -i and --inputs go with --simulate")
    from unspool.analysis.report import plan_report

    report = plan_report(load_plan(file), workers)
    click.echo(json.dumps(report, indent=2) if form == "json" else "\n".join(_text(report, workers)))
    return 0


def _text(report: dict[str, Any], workers: int) -> list[str]:
    path = report["critical_path"]
    lines = [f"{report['name']}: {len(report['tasks'])} tasks in {len(report['waves'])} waves", ""]
    for number, wave in enumerate(report["waves"], 1):
        lines += _wrap(f"  {number:>3}  ", "  ".join(_counted(task, report["tasks"][task]) for task in wave))
    lines += _notes(report)
    lines += ["", *_wrap("critical path  ", " -> ".join(path["tasks"]))]
    lines.append(
        f"               {time_text(path['seconds'])} of {time_text(report['total_work_s'])} work, "
        f"at most {report['max_width']} at once"
    )
    for row in report["makespan"]:
        mark = "  <- --workers" if row["workers"] == workers else ""
        lines.append(f"  {row['workers']:>5} workers  {time_text(row['seconds'])}{mark}")
    return lines


def _notes(report: dict[str, Any]) -> list[str]:
    """Say what a list of batches does not show: what closes the run, who waits for a person, what may grow."""
    tasks, worst = report["tasks"], report["growth"]["worst_case_tasks"]
    chosen = [
        ("at the end   ", [name for name, task in tasks.items() if task["finally"]]),
        ("asks a person  ", [name for name, task in tasks.items() if task["kind"] == "approval"]),
        ("as many as it is given  ", [name for name, task in tasks.items() if task["open"]]),
    ]
    lines = [line for title, names in chosen if names for line in _wrap(title, "  ".join(names))]
    if worst > len(tasks) and any(task["bound"] > 1 or task["open"] for task in tasks.values()):
        lines.append(f"at most {worst} tasks, with all that may be made of these")
    return ["", *lines] if lines else []


def _counted(name: str, task: dict[str, Any]) -> str:
    """Name a task with how many instances it has, or may have."""
    if task["bound"] == 1 and not task["open"]:
        return name
    return f"{name}[up to {task['bound']}]" if task["open"] else f"{name}[{task['bound']}]"


def _wrap(lead: str, text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, _WIDTH, initial_indent=lead, subsequent_indent=" " * len(lead)) or [lead]


def time_text(seconds: float) -> str:
    """Write a duration for people: `4.2 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 60:
        return f"{seconds:g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"

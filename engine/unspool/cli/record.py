"""`unspool rehearse --record`: make a rehearsal of a run that has ended."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from unspool.cli.documents import load_plan
from unspool.cli.rehearsals import Rehearsed, is_named_so
from unspool.cli.runs import read_recorded
from unspool.errors import UnspoolError
from unspool.model.events import RunStarted

_WIDTH = 110
_ONE_LINE = 84  # characters of a map or a list that is written on one line


def record(name: str, output: str | None) -> int:
    """Write a rehearsal of a run to a file, or to standard output, and play it; give the exit code.

    Args:
        name: an id, a unique part of one, or `latest`.
        output: the file, which must not be there; None is standard output.

    Returns:
        0 where the rehearsal comes to what the run came to, 1 where it does not.

    Raises:
        UnspoolError: the run cannot be recorded, or the file not be written.
    """
    from unspool.host.record import record as record_rows

    if output is not None:
        if not is_named_so(output) or output.endswith((".toml", ".json")):
            raise UnspoolError(f"{output}: the name of a recorded rehearsal ends in .rehearsal.yaml")
        if os.path.exists(output):
            raise UnspoolError(f"{output} is there already; name another file, or remove it")
    found = read_recorded(name)
    recording = record_rows(found.rows)
    started = found.rows[0].event
    if not isinstance(started, RunStarted):
        raise UnspoolError(f"run {found.run} has no beginning")
    document = os.path.join(started.folder, os.path.basename(started.document or ""))
    beside = started.folder if output is None else os.path.dirname(os.path.abspath(output))
    body = {
        "unspool_rehearsal": 1,
        "workflow": os.path.relpath(document, beside),
        "cases": {"run_" + found.run.replace("-", "_"): recording.case},
    }
    for note in recording.notes:
        click.echo(f"unspool: {note}", err=True)
    code = _check(body, document, started.source)
    text = to_yaml(body)
    if output is None:
        click.echo(text, nl=False)
        return code
    try:
        with open(output, "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise UnspoolError(f"cannot write {output}: {problem.strerror}") from None
    click.echo(f"{output}: recorded {found.run}", err=True)
    return code


def _check(body: dict[str, Any], document: str, source: str | None) -> int:
    """Play what was recorded; say where it comes to something else than the run did."""
    from unspool.cli.rehearse import play_case, told_differences
    from unspool.compiler.rehearsals import check_cases, load_rehearsal

    if not os.path.isfile(document):
        click.echo(f"unspool: {document} is not there any more, so what was recorded is not played", err=True)
        return 1
    plan = load_plan(document)
    if plan.hash != source:
        click.echo("unspool: the document has changed since the run began", err=True)
    data = to_yaml(body).encode()
    loaded, wrong = load_rehearsal(data, "yaml")
    (name,) = body["cases"]
    cases, problems = check_cases(plan, loaded.value or body)
    if wrong or problems:
        Rehearsed("the recording", plan, [], loaded, data).tell([*wrong, *problems])
        return 1
    outcome = play_case(Rehearsed("the recording", plan, cases, loaded, data), cases[0])
    if outcome.other_ends and not outcome.differences:
        body["cases"][name]["resume"] = False
        click.echo("unspool: cut and resumed it may end otherwise, so it is recorded with `resume: false`:", err=True)
    elif not outcome.is_fine:
        click.echo("unspool: played, the recording differs from the run:", err=True)
    for line in told_differences(outcome):
        click.echo(f"  {line}", err=True)
    return 0 if not outcome.differences and outcome.error is None else 1


def to_yaml(value: dict[str, Any]) -> str:
    """Write plain values as YAML that reads back as the same ones: small maps and lists on one line."""
    import io

    from ruamel.yaml import YAML

    from unspool.compiler.text import load

    writer = YAML()
    writer.width = _WIDTH
    writer.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    writer.dump(_styled(value), stream)
    text = stream.getvalue()
    return text if load(text, "yaml").value == value else json.dumps(value, indent=2) + "\n"  # which is YAML, too


def _styled(value: Any) -> Any:
    """Choose how each part is written: on one line, or text of several lines as such."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import LiteralScalarString

    styled: Any = value
    if isinstance(value, dict):
        styled = CommentedMap((key, _styled(part)) for key, part in value.items())
    elif isinstance(value, list):
        styled = CommentedSeq(map(_styled, value))
    elif isinstance(value, str) and "\n" in value.rstrip("\n") and value.isascii():
        return LiteralScalarString(value)
    if isinstance(value, dict | list) and len(told := json.dumps(value)) <= _ONE_LINE and "\\n" not in told:
        styled.fa.set_flow_style()
    return styled

"""`unspool rehearse`: play what rehearsals say of workflows, and compare. Nothing is executed."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from unspool.cli.plan import time_text
from unspool.cli.rehearsals import Rehearsed, files_in, read_rehearsal
from unspool.cli.runs import format_option
from unspool.errors import StubNeeded, UnspoolError

if TYPE_CHECKING:
    from unspool.compiler.rehearsals import Case
    from unspool.host.cuts import OtherEnd
    from unspool.observe.junit import Result
    from unspool.observe.rehearsed import Difference

_WIDEST = 60  # columns of a value in a table
_MOST_CUTS = 3  # that are told of a case that ends otherwise


class Outcome(NamedTuple):
    """What came of one case: where it differs, after which cuts it ends otherwise, and how many there were.

    Without a `case` it is a whole file that could not be played.
    """

    file: str
    case: str | None
    state: str | None = None
    seconds: float = 0.0
    cuts: int = 0
    events: int = 0
    differences: Sequence[Difference] = ()
    other_ends: Sequence[OtherEnd] = ()
    error: str | None = None
    took: float = 0.0

    @property
    def is_fine(self) -> bool:
        """Whether all is as expected."""
        return not (self.differences or self.other_ends or self.error)


@click.command("rehearse")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@format_option
@click.option("--junit", "report", metavar="FILE", help="Write the results for a CI system, too.")
@click.option("--record", "recorded", metavar="RUN", help="Make a rehearsal of a run that has ended.")
@click.option("-o", "--output", metavar="FILE", help="With --record: where to write it. Default: standard output.")
def command(paths: tuple[str, ...], form: str, report: str | None, recorded: str | None, output: str | None) -> int:
    """Play each case of the rehearsals in each PATH: a file, FILE#CASE, or a folder. Default: the current folder.

    Exit codes: 0 all is as expected, 1 something is not, 2 a rehearsal or the call is wrong.
    """
    if recorded is not None:
        if paths or report is not None:
            raise click.UsageError("--record takes one run and -o, and nothing else")
        from unspool.cli.record import record

        return record(recorded, output)
    if output is not None:
        raise click.UsageError("-o goes with --record")
    gc.enable()  # a cut makes a run of its own
    outcomes: list[Outcome] = []
    for file, case in list(files_in(paths or (".",))):
        for outcome in _rehearsed(file, case):
            outcomes.append(outcome)
            if form == "text":
                _tell(outcome)
    if form == "json":
        click.echo(json.dumps([_as_json(outcome) for outcome in outcomes], indent=2))
    else:
        click.echo(_summary(outcomes))
    if report is not None:
        _write_junit(report, outcomes)
    if any(outcome.error is not None for outcome in outcomes):
        return 2
    return 0 if all(outcome.is_fine for outcome in outcomes) else 1


def _rehearsed(file: str, only: str | None) -> Iterator[Outcome]:
    """Play the cases of a file; one that cannot be read is an outcome too."""
    try:
        read = read_rehearsal(file, only)
    except UnspoolError as problem:
        click.echo(f"unspool: {problem}", err=True)
        yield Outcome(file, only, error=str(problem))
        return
    for case in read.cases:
        yield play_case(read, case)


def play_case(read: Rehearsed, case: Case) -> Outcome:
    """Play a case, compare, cut it at every event and resume it; what is odd about its stubs goes to standard error."""
    from unspool.compiler.rehearsals import needs_stub, strange_instances
    from unspool.host.cuts import cut, cut_points
    from unspool.host.rehearse import play
    from unspool.observe.rehearsed import differences, ids, seconds, verdict

    began = time.perf_counter()
    try:
        played = play(read.plan, case)
        others = list(cut(case, played)) if case.resumes else []
    except StubNeeded as problem:
        read.tell([needs_stub(case, str(problem))])
        return Outcome(read.path, case.name, error=str(problem), took=time.perf_counter() - began)
    except UnspoolError as problem:
        click.echo(f"unspool: {read.path}#{case.name}: {problem}", err=True)
        return Outcome(read.path, case.name, error=str(problem), took=time.perf_counter() - began)
    run = played.run
    read.tell(strange_instances(case, ids(run)))
    return Outcome(
        read.path,
        case.name,
        verdict(run.state, run.reason),
        seconds(run),
        len(cut_points(played)) if case.resumes else 0,
        len(played.rows),
        differences(run, played.entries, case.expect),
        others,
        None,
        time.perf_counter() - began,
    )


def _tell(outcome: Outcome) -> None:
    where = outcome.file if outcome.case is None else f"{outcome.file}#{outcome.case}"
    if outcome.error is not None:
        click.echo(f"ERROR  {where}")
        return
    told = f"{outcome.state} in {time_text(outcome.seconds)}, {_cuts(outcome)}"
    click.echo(f"{'ok   ' if outcome.is_fine else 'FAIL '}  {where}: {told}")
    for line in told_differences(outcome):
        click.echo(f"       {line}".rstrip())


def _cuts(outcome: Outcome) -> str:
    if not outcome.cuts:
        return "never cut"
    all_of_them = "" if outcome.cuts >= outcome.events - 1 else f" of {outcome.events}"
    return f"cut at {outcome.cuts}{all_of_them} event{'' if outcome.cuts == 1 else 's'}"


def told_differences(outcome: Outcome) -> Iterator[str]:
    """Give lines that say what is not as it should be, side by side."""
    if outcome.differences:
        yield from table(("", "expected", "actual"), outcome.differences)
    for other in outcome.other_ends[:_MOST_CUTS]:
        yield f"cut after event {other.after} ({other.event}) and resumed, it ends otherwise:"
        yield from table(("", "not cut", "resumed"), other.differences)
    if len(outcome.other_ends) > _MOST_CUTS:
        yield f"and so after {len(outcome.other_ends) - _MOST_CUTS} more cuts"
    if outcome.other_ends:
        yield "where it matters who is first, write `resume: false` into the case"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lay out rows of text in columns; long text is cut in the middle columns only where it must be."""
    from unspool.observe.console import printable

    shown = [head, *([printable(cell) for cell in row] for row in rows)]
    widths = [min(_WIDEST, max(len(row[column]) for row in shown)) for column in range(len(head) - 1)]
    for row in shown:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]])


def _summary(outcomes: Sequence[Outcome]) -> str:
    errors = sum(outcome.error is not None for outcome in outcomes)
    wrong = sum(not outcome.is_fine for outcome in outcomes) - errors
    count = sum(outcome.case is not None for outcome in outcomes)
    files = len(outcomes) - count
    parts = [f"{count} case{'' if count == 1 else 's'}"]
    parts += [f"{wrong} not as expected"] if wrong else []
    parts += [f"{errors - files} could not be played"] if errors > files else []
    parts += [f"{files} file{'' if files == 1 else 's'} could not be read"] if files else []
    return ", ".join(parts) + ("" if wrong or errors else ", all as expected")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    found = {
        "file": outcome.file,
        "case": outcome.case,
        "ok": outcome.is_fine,
        "state": outcome.state,
        "seconds": outcome.seconds,
        "cuts": outcome.cuts,
        "differences": [one._asdict() for one in outcome.differences],
        "other_ends": [
            {
                "after": other.after,
                "event": other.event,
                "differences": [
                    {"what": what, "not_cut": usual, "resumed": actual} for what, usual, actual in other.differences
                ],
            }
            for other in outcome.other_ends
        ],
        "error": outcome.error,
    }
    return {key: value for key, value in found.items() if value is not None}


def _write_junit(path: str, outcomes: Sequence[Outcome]) -> None:
    from unspool.observe.junit import junit

    text = junit([_as_result(outcome) for outcome in outcomes])
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as problem:
        raise UnspoolError(f"cannot write {path}: {problem.strerror}") from None
    sys.stdout.flush()


def _as_result(outcome: Outcome) -> Result:
    from unspool.observe.junit import Result

    told = [f"{outcome.state}, which is not as expected", *told_differences(outcome)]
    failure = None if outcome.is_fine or outcome.error else "\n".join(told)
    return Result(outcome.file, outcome.case or "all of it", outcome.took, failure, outcome.error)

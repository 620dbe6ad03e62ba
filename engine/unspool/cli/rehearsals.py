"""Reading rehearsals for the commands that check or play them, and saying what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import click

from unspool.cli.documents import compile_file, format_of, read, render_all
from unspool.errors import DocumentError
from unspool.model.diagnostics import Diagnostic
from unspool.model.plan import Plan

if TYPE_CHECKING:
    from unspool.compiler.rehearsals import Case
    from unspool.compiler.text import Format, Loaded

_ENDINGS = (".yaml", ".yml", ".toml", ".json")
_MARK = ".rehearsal"
_SKIPPED = frozenset(("node_modules", "__pycache__", "build", "dist"))


class Rehearsed(NamedTuple):
    """A file of rehearsals that is right: its workflow, the cases that were asked for, and the text for positions."""

    path: str
    plan: Plan
    cases: list[Case]
    loaded: Loaded
    data: bytes

    def tell(self, found: Sequence[Diagnostic]) -> None:
        """Print what is found in the file, with places, to standard error."""
        tell(self.path, found, self.loaded, self.data)


def is_named_so(name: str) -> bool:
    """Whether a file is called as rehearsals are: `NAME.rehearsal.yaml`, or `.yml`, `.toml`, `.json`."""
    stem, ending = os.path.splitext(name)
    return ending.lower() in _ENDINGS and stem.endswith(_MARK)


def files_in(paths: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Give the rehearsals that arguments name, each with the case that is meant, None for all of them.

    Raises:
        DocumentError: an argument names nothing, a file that is called otherwise, or a folder without rehearsals.
    """
    for path in paths:
        if os.path.isdir(path):
            found = sorted(_below(path))
            if not found:
                raise DocumentError(f"there is no rehearsal in {path}; write one, such as NAME.rehearsal.yaml")
            yield from ((file, None) for file in found)
            continue
        file, case = split(path)
        if not is_named_so(file):
            raise DocumentError(f"{file}: the name of a rehearsal ends in .rehearsal.yaml, .yml, .toml or .json")
        yield file, case


def split(path: str) -> tuple[str, str | None]:
    """Tell a file from the case in it: `FILE#CASE`."""
    file, mark, case = path.rpartition("#")
    return (file, case) if mark and not os.path.exists(path) else (path, None)


def _below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _SKIPPED]
        for name in files:
            if is_named_so(name):
                yield os.path.normpath(os.path.join(place, name))


def load(path: str) -> tuple[Loaded, bytes]:
    """Read a file of rehearsals, or of stubs; what is wrong with its shape goes to standard error.

    Raises:
        DocumentError: it cannot be read, or its shape is wrong.
    """
    from unspool.compiler.rehearsals import is_rehearsal, load_rehearsal, load_stubs
    from unspool.compiler.text import load as load_text

    kind, data = _format(path), read(path)
    is_whole = is_named_so(path) or is_rehearsal(load_text(data, kind).value)
    loaded, found = load_rehearsal(data, kind) if is_whole else load_stubs(data, kind)
    if found:
        click.echo(render_all(found, path, data), err=True)
    refuse(path, found)
    return loaded, data


def read_rehearsal(path: str, only: str | None = None) -> Rehearsed:
    """Read a file of rehearsals with its workflow; what is wrong with either goes to standard error.

    Args:
        path: of the file.
        only: the case that is meant; None is all of them.

    Raises:
        DocumentError: something is wrong.
    """
    rehearsed, found = inspect(path)
    if found:
        click.echo(render_all(found, path, rehearsed.data), err=True)
    refuse(path, found)
    return rehearsed._replace(cases=[chosen(path, rehearsed.cases, only)]) if only else rehearsed


def inspect(path: str) -> tuple[Rehearsed, Sequence[Diagnostic]]:
    """Read a file of rehearsals with its workflow; give what can be used of it, and what is wrong.

    Raises:
        DocumentError: it cannot be read.
    """
    from unspool.compiler.rehearsals import check_cases, load_rehearsal, placed

    kind, data = _format(path), read(path)
    loaded, found = load_rehearsal(data, kind)
    plan: Plan | None = None
    cases: list[Case] = []
    if not any(one.is_error for one in found):
        plan, problems = _workflow(path, loaded.value.get("workflow"))
        if plan is not None:
            cases, problems = check_cases(plan, loaded.value)
        found = (*found, *placed(problems, loaded, kind))
    return Rehearsed(path, plan or Plan("", ()), cases, loaded, data), found


def _workflow(path: str, named: str | None) -> tuple[Plan | None, list[Diagnostic]]:
    """Compile the workflow of a rehearsal."""
    workflow = _beside(path) if named is None else os.path.join(os.path.dirname(path), named)
    hint = "name the document, such as `workflow: release.yaml`"
    try:
        plan = compile_file(workflow)[0].plan
    except DocumentError as problem:
        what = (
            str(problem) if named else f"no `workflow` is named, and the document beside it cannot be used: {problem}"
        )
        return None, [Diagnostic("UNS205", what, ("workflow",), hint=hint)]
    if plan is None:
        message, hint = f"the workflow {workflow} has errors", f"correct what `unspool check {workflow}` says"
        return None, [Diagnostic("UNS205", message, ("workflow",), hint=hint)]
    return plan, []


def tell(path: str, found: Sequence[Diagnostic], loaded: Loaded, data: bytes) -> None:
    """Print what is found in a file, with places, to standard error."""
    from unspool.compiler.rehearsals import placed

    if found:
        click.echo(render_all(placed(found, loaded, _format(path)), path, data), err=True)


def chosen(path: str, cases: Sequence[Case], name: str) -> Case:
    """Give a case by its name.

    Raises:
        DocumentError: there is none of that name.
    """
    for case in cases:
        if case.name == name:
            return case
    raise DocumentError(f"{path} has no case {name}; its cases are {', '.join(case.name for case in cases)}")


def _format(path: str) -> Format:
    kind = format_of(path)
    if kind is None:
        raise DocumentError(f"{path}: the name of a rehearsal or a file of stubs ends in .yaml, .yml, .toml or .json")
    return kind


def refuse(path: str, found: Sequence[Diagnostic]) -> None:
    """Go no further with a file in which there are errors.

    Raises:
        DocumentError: there are.
    """
    count = sum(one.is_error for one in found)
    if count:
        raise DocumentError(f"{path}: {count} error{'s' if count > 1 else ''}")


def _beside(path: str) -> str:
    """Find the document that a rehearsal is about by its name: the longest that fits."""
    folder, name = os.path.split(path)
    stem = os.path.splitext(name)[0].removesuffix(_MARK)
    shortest = stem
    while stem:
        for ending in _ENDINGS:
            document = os.path.join(folder, stem + ending)
            if os.path.isfile(document):
                return document
        shortest, (stem, _, _) = stem, stem.rpartition(".")
    return os.path.join(folder, shortest + ".yaml")

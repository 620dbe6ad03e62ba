"""Reading documents and input values for the commands, and saying what is wrong with them."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from unspool.compiler.compile import Compilation, compile_document
from unspool.compiler.text_limits import MAX_BYTES
from unspool.errors import DocumentError, InputError, LimitError, UnspoolError
from unspool.model.diagnostics import Diagnostic
from unspool.model.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from unspool.compiler.embed import Source
    from unspool.compiler.text import Format

_FORMATS: dict[str, Format] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}
_ENDINGS = ".yaml, .yml, .toml or .json"
_LIMIT_CODES = ("UNS110", "UNS150")


def read(path: str) -> bytes:
    """Read a document.

    Raises:
        DocumentError: there is no such file, or it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would wait
    except OSError as problem:
        raise DocumentError(f"cannot read {path}: {problem.strerror}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise DocumentError(f"{path} is a folder; name a document in it")
        raise DocumentError(f"{path} is no file but a pipe or a device; write the document into a file")
    try:
        with open(descriptor, "rb") as file:
            return file.read(MAX_BYTES + 1)  # one more is as wrong as any number of them
    except OSError as problem:
        raise DocumentError(f"cannot read {path}: {problem.strerror}") from None


def format_of(path: str) -> Format | None:
    """Give the format that the ending of a name means, None where it means none."""
    return _FORMATS.get(os.path.splitext(path)[1].lower())


def compile_file(path: str) -> tuple[Compilation, bytes]:
    """Compile a document by the ending of its name.

    Raises:
        DocumentError: it cannot be read, or its name has no known ending.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in _FORMATS:
        raise DocumentError(f"{path}: a document's name ends in {_ENDINGS}")
    data = read(path)
    return compile_document(data, _FORMATS[ending], FileSources(path)), data


class FileSources:
    """The documents of one project, each found from the one that names it."""

    def __init__(self, path: str, root: str | None = None, outermost: str | None = None) -> None:
        self._folder = os.path.dirname(os.path.realpath(path))
        self._root = root
        self._outermost = self._folder if outermost is None else outermost
        self.name = os.path.relpath(os.path.realpath(path))

    def read(self, path: str) -> Source:
        """Give the document at a path, counted from the folder of this one.

        Raises:
            ValueError: it lies outside of the project, or cannot be read.
        """
        from unspool.compiler.embed import Source

        root = self._project()
        found = os.path.realpath(os.path.join(self._folder, path))
        if os.path.isabs(path) or os.path.commonpath((found, root)) != root:
            raise ValueError(f"lies outside of the project, which is {root}")
        ending = os.path.splitext(found)[1].lower()
        if ending not in _FORMATS:
            raise ValueError(f"does not end in {_ENDINGS}")
        try:
            data = read(found)
        except DocumentError as problem:
            raise ValueError(f"cannot be read: {problem}") from None
        folder = os.path.relpath(os.path.dirname(found), self._outermost)
        return Source(os.path.relpath(found), "" if folder == "." else folder, data, _FORMATS[ending])

    def beside(self, source: Source) -> FileSources:
        """Give the sources of a document that was read here."""
        return FileSources(source.name, self._project(), self._outermost)

    def _project(self) -> str:
        if self._root is None:
            from pathlib import Path

            from unspool.host.home import state_folder

            self._root = os.path.realpath(state_folder(Path(self._folder)).parent)
            if os.path.commonpath((self._folder, self._root)) != self._root:  # UNSPOOL_HOME is somewhere else
                self._root = self._folder
        return self._root


def render_all(diagnostics: Sequence[Diagnostic], path: str, data: bytes) -> str:
    """Write diagnostics for people."""
    from unspool.compiler.render import render

    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    return "\n".join(render(found, path, text) for found in diagnostics)


def load_plan(path: str) -> Plan:
    """Compile a document that is about to be used; what is wrong goes to standard error.

    Raises:
        DocumentError, LimitError: the document has errors.
    """
    compilation, data = compile_file(path)
    if compilation.diagnostics:
        click.echo(render_all(compilation.diagnostics, path, data), err=True)
    if compilation.plan is None:
        raise refusal(path, compilation.diagnostics)
    return compilation.plan


def refusal(path: str, diagnostics: Sequence[Diagnostic]) -> UnspoolError:
    """Give the error that a document with these diagnostics ends a command with."""
    errors = [found for found in diagnostics if found.is_error]
    count = f"{path}: {len(errors)} error{'s' if len(errors) != 1 else ''}"
    if errors and all(found.code in _LIMIT_CODES for found in errors):
        return LimitError(count)
    return DocumentError(count)


def read_inputs(plan: Plan, pairs: Sequence[str], file: str | None) -> dict[str, Any]:
    """Gather input values: a file's, then `-i`, and check them.

    Raises:
        InputError: a value is missing, unknown or does not fit.
    """
    from unspool.compiler.inputs import resolve_inputs

    values, problems = resolve_inputs(plan, given_inputs(plan, pairs, file))
    if problems:
        raise InputError("\n".join(f"{found.message}{f'; {found.hint}' if found.hint else ''}" for found in problems))
    return values


def given_inputs(plan: Plan, pairs: Sequence[str], file: str | None) -> dict[str, Any]:
    """Gather input values as they are given: a file's, then `-i`.

    Raises:
        InputError: they cannot be read.
    """
    from unspool.compiler.inputs import parse_input

    given: dict[str, Any] = {} if file is None else _input_file(file)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InputError(f"-i {pair}: write it as name=value")
        try:
            given[name] = parse_input(plan, name, text)
        except ValueError as problem:
            raise InputError(f"-i {pair}: {problem}") from None
    return given


def _input_file(path: str) -> dict[str, Any]:
    from unspool.compiler.locate import resolve
    from unspool.compiler.places import value_at
    from unspool.compiler.scalars import suspect_diagnostic
    from unspool.compiler.text import load

    kind = _FORMATS.get(os.path.splitext(path)[1].lower())
    if kind is None:
        raise InputError(f"{path}: a file of inputs ends in {_ENDINGS}")
    data = read(path)
    loaded = load(data, kind)
    numbers = [one for one in loaded.suspects if one.kind == "lossy_number"]
    too_large = [suspect_diagnostic(one) for one in numbers if isinstance(value_at(loaded.value, one.path), str)]
    wrong = [*loaded.diagnostics, *resolve(too_large, loaded.locate)]
    if wrong:
        raise InputError(render_all(wrong, path, data))
    if not isinstance(loaded.value, dict):
        raise InputError(f"{path}: a file of inputs is a map of names to values")
    return loaded.value


def read_secrets(plan: Plan, file: str | None) -> dict[str, str]:
    """Find the values of a plan's secrets, and take them out of this process's environment.

    Raises:
        SecretError: a value is missing or cannot be used, or the file cannot.
    """
    if not plan.secrets:
        if file is not None:
            click.echo(f"unspool: {plan.name} declares no secrets, so {file} is not read", err=True)
        return {}
    from unspool.host.secrets import gather, hide

    values = gather(plan.secrets, file)
    hide(plan.secrets)
    return values


def folder_of(path: str) -> Path:
    """Give the absolute folder of a document."""
    from pathlib import Path  # 4 ms that `check` need not pay

    return Path(os.path.abspath(path)).parent

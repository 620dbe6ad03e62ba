"""From the text of a document to its plan, or to everything that is wrong with it."""

from __future__ import annotations

from typing import Any, NamedTuple

from unspool.compiler.graph import check_size, read_graph
from unspool.compiler.locate import resolve
from unspool.compiler.lower import DEFAULT_SHELL, Script, lower
from unspool.compiler.readable import Readable, salvage, whole
from unspool.compiler.shape import check_shape
from unspool.compiler.text import Format, Loaded, load
from unspool.model.diagnostics import Diagnostic
from unspool.model.plan import Plan

_MORE_FAULTS = "UNS039"  # shape says by it that it stopped counting


class Compilation(NamedTuple):
    """What became of a document: a plan unless there are errors, and the findings in the order of the text."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


def compile_document(data: str | bytes, format: Format = "yaml") -> Compilation:  # noqa: A002
    """Compile a workflow document.

    Args:
        data: its text; bytes are UTF-8.
        format: the syntax it is written in.

    Returns:
        a plan without errors, or no plan and at least one error; every finding has its position.

    Cost: linear in the size of the text.
    """
    loaded = load(data, format)
    found = list(loaded.diagnostics)
    if loaded.value is not None:
        found += check_shape(loaded.value, loaded.suspects)
    readable = _readable(loaded.value, found)
    if readable is None:
        return Compilation(None, _located(found, loaded, format))
    graph, problems = read_graph(readable)
    found += problems + _check_limits(loaded.value)
    if _shares(readable.document):
        from unspool.compiler.resources import check_resources

        found += check_resources(readable)
    uses: dict[str, set[str]] = {}
    scripts: dict[str, Script] = {}
    if _may_have_expressions(data):
        from unspool.compiler.references import check_references  # and what it imports: a plain document needs none

        checked = check_references(readable, graph)
        scripts, script_problems = _interpolated(readable.document)
        uses = checked.uses
        found += checked.diagnostics + script_problems
    if "\\" in loaded.text or "\0" in loaded.text:  # no other text can spell a NUL
        from unspool.compiler.nul import check_nul

        found += check_nul(readable.document)
    if any(diagnostic.is_error for diagnostic in found):
        return Compilation(None, _located(found, loaded, format))
    plan = lower(readable.document, graph, uses, scripts, loaded.locate.source_text)
    return Compilation(plan, _located(found, loaded, format))


def _may_have_expressions(data: str | bytes) -> bool:
    """Whether any value can hold `${{`, which an escape in quotes may spell too."""
    if isinstance(data, str):
        return "${{" in data or "\\" in data
    return b"${{" in data or b"\\" in data


def _shares(document: dict[str, Any]) -> bool:
    """Whether anything in a document is about resources."""
    if "resources" in document or "uses" in document.get("defaults", {}):
        return True
    return any("uses" in task for task in document["tasks"].values())


def _readable(value: Any, found: list[Diagnostic]) -> Readable | None:
    """Give what the later checks may look into; None where they could only repeat what is known."""
    errors = [diagnostic for diagnostic in found if diagnostic.is_error]
    if not errors:
        return whole(value)
    if any(error.code == _MORE_FAULTS for error in errors):
        return None
    return salvage(value, [error.path for error in errors])


def _check_limits(value: dict[str, Any]) -> list[Diagnostic]:
    limits = value.get("limits", {})
    if not isinstance(limits, dict) or not isinstance(limits.get("max_tasks", 1), int | float):
        return []
    return check_size(len(value["tasks"]), limits)


def _interpolated(document: dict[str, Any]) -> tuple[dict[str, Script], list[Diagnostic]]:
    """Turn the expressions of scripts into variables."""
    scripts: dict[str, Script] = {}
    found: list[Diagnostic] = []
    known: dict[str, frozenset[str]] = {}
    default = document.get("defaults", {}).get("shell", DEFAULT_SHELL)
    for name, task in document["tasks"].items():
        text = task.get("run")
        if type(text) is str and "${{" in text:
            from unspool.compiler.shell import interpolate  # only scripts with values need it
            from unspool.compiler.shell_inputs import harmless

            known = known or harmless(document.get("inputs", {}), document.get("resources"))
            result = interpolate(text, task.get("shell", default), known)
            scripts[name] = Script(result.script, result.values)
            found += [diagnostic._replace(path=("tasks", name, "run")) for diagnostic in result.diagnostics]
    return scripts, found


def _located(found: list[Diagnostic], loaded: Loaded, format: Format) -> tuple[Diagnostic, ...]:  # noqa: A002
    if found and format != "yaml":
        from unspool.compiler.hint_format import in_format  # hints are worded as YAML

        found = [in_format(diagnostic, format) for diagnostic in found]
    return resolve(found, loaded.locate) if found else ()

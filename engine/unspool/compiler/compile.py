"""From the text of a document to its plan, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from unspool.compiler.fan_outs import check_fan_outs
from unspool.compiler.flatten import Flat, flatten
from unspool.compiler.graph import Graph, check_size, read_graph
from unspool.compiler.locate import resolve
from unspool.compiler.lower import DEFAULT_SHELL, Bounds, Script, lower
from unspool.compiler.readable import Readable, salvage, whole
from unspool.compiler.shape import check_shape
from unspool.compiler.text import Format, Loaded, load
from unspool.compiler.worst_case import worst_case
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.plan import Plan

if TYPE_CHECKING:
    from unspool.compiler.embed import Sources
    from unspool.compiler.emissions import Counts
    from unspool.model.plan import FanOut

_WITH_TASKS = ("tasks", "finally", "templates")
_MORE_FAULTS = "UNS039"  # shape says by it that it stopped counting


class Compilation(NamedTuple):
    """What became of a document: a plan unless there are errors, and the findings in the order of the text."""

    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


def compile_document(
    data: str | bytes,
    format: Format = "yaml",  # noqa: A002
    sources: Sources | None = None,
    above: tuple[str, ...] = (),
) -> Compilation:
    """Compile a workflow document.

    Args:
        data: its text; bytes are UTF-8.
        format: the syntax it is written in.
        sources: where the documents come from that it names; without any it may name none.
        above: the names of the documents that this one is a part of, outermost first, and its own.

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
    if "import" in readable.document:
        from unspool.compiler.imports import with_imports  # most documents import nothing

        readable, problems = with_imports(readable)
        found += problems
    readable, embedded = _embedded(readable, sources, above)
    found += embedded
    flat = flatten(readable)
    readable = flat.readable
    graph, problems = read_graph(readable)
    bounds, more_problems = check_fan_outs(flat)
    inner = [*flat.diagnostics, *problems, *more_problems]
    if flat.roles:
        from unspool.compiler.reaches import check_reaches

        inner += check_reaches(flat)
    counts, problems = _rules(loaded, flat, bounds)
    inner += problems
    worst = worst_case(flat, bounds, counts)
    found += _check_limits(loaded.value, graph, worst)
    uses: dict[str, set[str]] = {}
    secrets: dict[str, set[str]] = {}
    asked: dict[int, set[str]] | None = None
    read: dict[int, set[str]] = {}
    scripts: dict[str, Script] = {}
    if _may_have_expressions(data) or "workflow" in loaded.text or "import" in loaded.text:  # others may have some
        from unspool.compiler.references import check_references  # and what it imports: a plain document needs none

        checked = check_references(flat, graph)
        scripts, script_problems = _interpolated(flat)
        uses, secrets, asked, read = checked.uses, checked.secrets, checked.asked, checked.read
        inner += checked.diagnostics + script_problems
    inner += _rare_errors(loaded, flat)
    found += map(flat.placed, inner)
    if not _has_errors(found):
        found += map(flat.placed, _late_findings(loaded, flat, graph, secrets, asked, read))
    if _has_errors(found):
        return Compilation(None, _located(found, loaded, format))

    def source_text(path: Path) -> str | None:
        return loaded.locate.source_text(flat.path_of(path))

    plan = lower(flat, graph, uses, scripts, source_text, Bounds(bounds, counts, worst), secrets)
    return Compilation(plan, _located(found, loaded, format))


def _embedded(readable: Readable, sources: Sources | None, above: tuple[str, ...]) -> tuple[Readable, list[Diagnostic]]:
    """Put the documents that tasks name into the place of these tasks."""
    document = readable.document
    if not any("workflow" in body or "group" in body for key in _WITH_TASKS for body in document.get(key, {}).values()):
        return readable, []
    from unspool.compiler.embed import Embedding, NoSources, has_workflows

    if not any(has_workflows(document.get(key)) for key in _WITH_TASKS):
        return readable, []
    sources = sources or NoSources()
    embedding = Embedding(document, sources, above or (sources.name,), compile_document)
    return readable._replace(document=embedding.done()), embedding.found


def _rules(loaded: Loaded, flat: Flat, fans: dict[str, FanOut]) -> tuple[Counts | None, list[Diagnostic]]:
    """Check rules and count what they may add; most documents have none."""
    has_collectors = any(role.kind == "template" for role in flat.roles.values())
    may_have_rules = "on_result" in loaded.text or "workflow" in loaded.text
    has_rules = may_have_rules or not flat.source.keys().isdisjoint(("rulesets", "open"))
    if not has_rules and not has_collectors:
        return None, []
    from unspool.compiler.emissions import Counts
    from unspool.compiler.rulings import check_rules

    counts = Counts(flat, fans)
    return counts, check_rules(flat, counts)


def _has_errors(found: list[Diagnostic]) -> bool:
    return any(diagnostic.is_error for diagnostic in found)


def _rare_errors(loaded: Loaded, flat: Flat) -> list[Diagnostic]:
    """Look for what only few documents can have."""
    found: list[Diagnostic] = []
    readable = flat.readable
    if "\\" in loaded.text or "\0" in loaded.text:  # no other text can spell a NUL
        from unspool.compiler.nul import check_nul

        found += check_nul(readable.document)
    if any("http" in task for task in readable.document["tasks"].values()):
        from unspool.compiler.requests import check_requests

        found += check_requests(readable.document)
    if "wait" in loaded.text or "approval" in loaded.text or "rollback" in loaded.text:
        from unspool.compiler.waits import check_waits

        found += check_waits(readable.document)
    if "rollback" in loaded.text:
        from unspool.compiler.rollbacks import check_rollbacks

        found += check_rollbacks(flat)
    if _shares(readable.document):
        from unspool.compiler.resources import check_resources

        found += check_resources(readable)
    if "cache" in loaded.text:
        from unspool.compiler.caches import check_caches

        found += check_caches(readable.document)
    return found


def _late_findings(
    loaded: Loaded,
    flat: Flat,
    graph: Graph,
    secrets: dict[str, set[str]],
    asked: dict[int, set[str]] | None,
    read: dict[int, set[str]],
) -> list[Diagnostic]:
    """Look for what can only be said of a document in which nothing else is wrong."""
    found: list[Diagnostic] = []
    document = flat.readable.document
    if "failed" in loaded.text or "skipped" in loaded.text:
        from unspool.compiler.joins import check_joins

        found += check_joins(graph, list(document["tasks"].values()))
    if "max_elapsed" in loaded.text or ("retry" in loaded.text and "timeout" in document.get("limits", ())):
        from unspool.compiler.retries import check_retries

        found += check_retries(document)
    if flat.roles and "timeout" in loaded.text and "group" in loaded.text:
        from unspool.compiler.timing import check_timing

        found += check_timing(flat)
    if asked is not None and "inputs" in loaded.text:
        from unspool.compiler.unused import check_unused_inputs

        found += check_unused_inputs(flat, asked)
    if "outputs" in loaded.text:
        from unspool.compiler.unused import check_unused_outputs

        found += check_unused_outputs(flat, graph, read)
    if "templates" in loaded.value:
        from unspool.compiler.fan_outs import check_unused_templates

        found += check_unused_templates(flat)
    if "queue" in document.get("limits", ()):
        from unspool.compiler.queue import check_queue

        found += check_queue(document, graph, flat)
    if "secrets" in document:
        from unspool.compiler.secrets import check_unused

        found += check_unused(flat.readable, secrets.values())
        if "cache" in loaded.text:
            from unspool.compiler.caches import check_kept_secrets

            found += check_kept_secrets(document, secrets)
    return found


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


def _check_limits(value: dict[str, Any], graph: Graph, worst: int) -> list[Diagnostic]:
    limits = value.get("limits", {})
    if not isinstance(limits, dict) or not isinstance(limits.get("max_tasks", 1), int | float):
        return []
    return check_size(len(graph.names), worst, limits)


def _interpolated(flat: Flat) -> tuple[dict[str, Script], list[Diagnostic]]:
    """Turn the expressions of scripts into variables."""
    document = flat.readable.document
    scripts: dict[str, Script] = {}
    found: list[Diagnostic] = []
    known: dict[int, Mapping[str, frozenset[str]]] = {}  # of each set of inputs that a script may know
    plain = document.get("inputs", {})
    default = document.get("defaults", {}).get("shell", DEFAULT_SHELL)
    for name, task in document["tasks"].items():
        text = task.get("run")
        if type(text) is str and "${{" in text:
            from unspool.compiler.shell import interpolate  # only scripts with values need it
            from unspool.compiler.shell_inputs import harmless

            own = flat.role(name).inputs  # of the template, or the other document, that it stands in
            inputs = plain if own is None else own
            if id(inputs) not in known:
                known[id(inputs)] = harmless(inputs, document.get("resources"))
            result = interpolate(text, task.get("shell", default), known[id(inputs)])
            scripts[name] = Script(result.script, result.values)
            found += [diagnostic._replace(path=("tasks", name, "run")) for diagnostic in result.diagnostics]
    return scripts, found


def _located(found: list[Diagnostic], loaded: Loaded, format: Format) -> tuple[Diagnostic, ...]:  # noqa: A002
    if found and isinstance(loaded.value, dict) and "import" in loaded.value:
        from unspool.compiler.imports import placed

        found = placed(found, loaded.value)
    if found and format != "yaml":
        from unspool.compiler.hint_format import in_format  # hints are worded as YAML

        found = [in_format(diagnostic, format) for diagnostic in found]
    return resolve(found, loaded.locate) if found else ()

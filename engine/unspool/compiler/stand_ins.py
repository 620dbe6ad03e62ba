"""Check tasks that stand in for others: what a template is given, what it gives, and circles of substitutes."""

from __future__ import annotations

from typing import Any

from unspool.compiler.flatten import Flat
from unspool.compiler.wording import quote
from unspool.model.diagnostics import Diagnostic, Path
from unspool.model.similar import closest

CODES = {
    "UNS166": "a task is to be made of what is no template, or of one that does not fit",
    "UNS178": "templates stand in for each other in a circle",
}

_MOST_LISTED = 6


def check_substitute(flat: Flat, name: str, policy: dict[str, Any], templates: set[str]) -> list[Diagnostic]:
    """Say what is wrong with one `on_failure: {substitute: ...}`.

    Args:
        flat: the document.
        name: the whole name of the task that has it.
        policy: its `on_failure`.
        templates: the names of all templates.
    """
    wanted = policy["substitute"]
    path: Path = ("tasks", name, "on_failure")
    if wanted not in templates:
        if ("templates",) in flat.readable.holes:
            return []
        return [no_template(flat, wanted, templates, (*path, "substitute"))]
    if not flat.roles[wanted].knows_inputs:
        return []
    found = check_arguments(wanted, flat.roles[wanted].inputs or {}, policy.get("with", {}), path)
    if ("tasks", wanted, "outputs") in flat.readable.holes:
        return found
    return found + _check_covered(flat, name, wanted, path)


def no_template(flat: Flat, wanted: str, templates: set[str], path: Path) -> Diagnostic:
    """Say that a name is none of a template."""
    message = f"there is no template {quote(wanted)}"
    return Diagnostic("UNS166", message, path, hint=_template_hint(flat, wanted, templates))


def _template_hint(flat: Flat, wanted: str, templates: set[str]) -> str:
    if wanted in flat.readable.document["tasks"]:
        return f"{quote(wanted)} is a task: move what stands in for another one to `templates`"
    meant = closest(wanted, templates)
    if meant is not None:
        return f"did you mean {quote(meant)}?"
    known = ", ".join(map(quote, sorted(templates)))
    return f"known are {known}" if 0 < len(templates) <= _MOST_LISTED else "declare it under `templates`"


def check_arguments(wanted: str, declared: dict[str, Any], given: dict[str, Any], path: Path) -> list[Diagnostic]:
    """Say where values do not fit the inputs of a template.

    Args:
        wanted: the name of the template.
        declared: the JSON Schema of each of its inputs.
        given: the values under `with`.
        path: what holds `with`.
    """
    found = []
    for key, value in given.items():
        at = (*path, "with", key)
        if key not in declared:
            message = f"the template {quote(wanted)} has no input {quote(key)}"
            meant = closest(key, declared)
            hint = f"did you mean {quote(meant)}?" if meant else "remove it, or declare it in the template"
            found.append(Diagnostic("UNS166", message, at, on_key=True, hint=hint))
        elif not _is_open(value):
            found += _misfit(wanted, key, declared[key], value, at)
    for key, schema in declared.items():
        if key not in given and "default" not in schema:
            message = f"the template {quote(wanted)} needs a value for its input {quote(key)}"
            found.append(Diagnostic("UNS166", message, path, hint=f"write `with: {{{key}: ...}}`"))
    return found


def _is_open(value: Any) -> bool:
    """Whether a value is not known before the run."""
    if isinstance(value, str):
        return "${{" in value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_is_open, parts))


def _misfit(wanted: str, key: str, schema: dict[str, Any], value: Any, path: Path) -> list[Diagnostic]:
    from unspool.compiler.value_schemas import misfit

    complaint = misfit(schema, value)
    if complaint is None:
        return []
    message = f"the value for the input {quote(key)} of the template {quote(wanted)} {complaint}"
    return [Diagnostic("UNS166", message, path, hint="correct it, or change the schema of the input")]


def _check_covered(flat: Flat, name: str, wanted: str, path: Path) -> list[Diagnostic]:
    """Say where dependents of a task would not find in its substitute what they read."""
    tasks = flat.readable.document["tasks"]
    asked = tasks[name].get("outputs", {})
    region = flat.roles[wanted].region
    given = tasks[region[-1] if region else wanted].get("outputs", {})
    if not asked or ("tasks", name, "outputs") in flat.readable.holes:
        return []
    cannot = f"the template {quote(wanted)} cannot stand in for task {quote(name)}"
    if any(key in flat.source["templates"][wanted] for key in ("for_each", "matrix")):
        hint = "let the template be one task, which may be a `group`"
        return [Diagnostic("UNS166", f"{cannot}: its outputs are lists", path, hint=hint)]
    missing = [output for output in asked if output not in given]
    if missing:
        listed = ", ".join(map(quote, missing))
        hint = "declare the same outputs in the template"
        return [Diagnostic("UNS166", f"{cannot}: it does not declare {listed}", path, hint=hint)]
    return [
        Diagnostic(
            "UNS166",
            f"{cannot}: its output {quote(output)} is of another type",
            path,
            hint=f"declare {quote(output)} with the same `type` in both",
        )
        for output, schema in asked.items()
        if _differ(schema.get("type"), given[output].get("type"))
    ]


def _differ(asked: Any, given: Any) -> bool:
    """Whether no value of the one type is of the other."""
    if not isinstance(asked, str) or not isinstance(given, str):
        return False
    return asked != given and {asked, given} != {"integer", "number"}


def check_circles(flat: Flat, templates: set[str]) -> list[Diagnostic]:
    """Say which templates would stand in for each other without end."""
    leads: dict[str, dict[str, Path]] = {name: {} for name in sorted(templates)}
    for name, body in flat.readable.document["tasks"].items():
        policy = body.get("on_failure")
        home = flat.paths.get(name, ())
        if isinstance(policy, dict) and policy.get("substitute") in templates and home[:1] == ("templates",):
            leads[str(home[1])].setdefault(policy["substitute"], ("tasks", name, "on_failure", "substitute"))
    found: list[Diagnostic] = []
    done: set[str] = set()
    for start in leads:
        circle = _circle(leads, start, done)
        if circle:
            shown = " -> ".join([*circle, circle[0]])
            message = f"these templates stand in for each other without end: `{shown}`"
            if len(circle) == 1:
                message = f"the template {quote(circle[0])} stands in for itself without end"
            hint = "let the last one fail: remove its `substitute`"
            found.append(Diagnostic("UNS178", message, leads[circle[-1]][circle[0]], hint=hint))
    return found


def _circle(leads: dict[str, dict[str, Path]], start: str, done: set[str]) -> list[str]:
    """Give the first circle that is reached, depth first; what was looked through is `done`."""
    way: list[str] = []
    left = [(start, 0)]
    while left:
        name, depth = left.pop()
        del way[depth:]
        if name in way:
            return way[way.index(name) :]
        if name not in done:
            done.add(name)
            way.append(name)
            left += [(step, depth + 1) for step in leads[name]]
    return []

"""A group whose value a function makes: the function becomes the last task of the group."""

from __future__ import annotations

from typing import Any

REDUCER = "_reduce"  # the name of that task in its group; no author can write it
RESULTS = "results"  # the argument that holds the values of the members by name


def reducer_of(group: dict[str, Any]) -> dict[str, Any] | None:
    """Give the function that reduces a group, None where there is none."""
    aggregate = group.get("aggregate")
    reduce = aggregate.get("reduce") if isinstance(aggregate, dict) else None
    return reduce if isinstance(reduce, dict) else None


def reduction(reducer: dict[str, Any], tasks: dict[str, Any], needs: dict[str, str]) -> dict[str, Any]:
    """Give the body of the task that calls the function.

    It runs where the group would have a value: no member failed or was cancelled, and some were not skipped.

    Args:
        reducer: `python`, and `with`.
        tasks: the members by their short names.
        needs: what it waits for, by whole names.
    """
    results = {short: _value_of(short, body) for short, body in tasks.items()}
    all_skipped = " and ".join(f"tasks.{short}.state == 'skipped'" for short in tasks)
    return {
        "python": reducer["python"],
        "with": {**reducer.get("with", {}), RESULTS: results},
        "depends_on": needs,
        "when": f"${{{{ not ({all_skipped}) }}}}",
    }


def _value_of(short: str, body: dict[str, Any]) -> str:
    """Give the expression for what a member contributes: its outputs where it declares any, else its result's JSON."""
    if body.get("outputs"):
        return f"${{{{ tasks.{short}.outputs | default(null) }}}}"
    if "for_each" in body or "matrix" in body:
        return f"${{{{ tasks.{short}.result | default([]) | map(attribute='json', default=null) }}}}"
    return f"${{{{ tasks.{short}.result.json | default(null) }}}}"

"""Interpret the result of an analysis: what it found, how sure it is, what should follow."""

from __future__ import annotations

from typing import Any

from unspool.core.interpret_sources import error_problem, read_sources
from unspool.core.interpret_values import Problem, Suggestion, bounded, conclude, first, number, texts

_LISTS = ("patterns", "insights", "anomalies")


def interpret_analysis(view: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Interpret a result.

    Args:
        view: `result`, as expressions see it.
        parameters: all of this interpreter, of the right types.
    """
    sources = read_sources(view)
    lists = {name: first(sources.objects, name, texts) for name in _LISTS}
    shown = {name: bounded(found or []) for name, found in lists.items()}
    confidence = first(sources.objects, "confidence", number)
    problems = []
    if confidence is None and all(found is None for found in lists.values()):
        told = "the answer has no patterns, no insights, no anomalies and no confidence"
        problems.append(Problem("missing_result", told))
    problems += error_problem(sources)
    suggestions = []
    if confidence is not None and confidence > parameters["confidence_threshold"]:
        told = f"the confidence is {confidence}, above {parameters['confidence_threshold']}"
        suggestions.append(Suggestion("apply_insights", "normal", told))
    anomalies, _ = shown["anomalies"]
    if anomalies:
        more = f", and {len(lists['anomalies'] or []) - 1} more" if len(lists["anomalies"] or []) > 1 else ""
        suggestions.append(Suggestion("investigate_anomalies", "high", f"an anomaly{more}: {anomalies[0]}"))
    return conclude(
        {**{name: kept for name, (kept, _) in shown.items()}, "confidence": confidence},
        suggestions,
        problems,
        [*sources.kept_away, *(name for name, (_, is_cut) in shown.items() if is_cut)],
    )

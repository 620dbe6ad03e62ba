"""Interpret the result of a swarm: how many of its agents are done, whether they agree, how good their work is."""

from __future__ import annotations

from typing import Any

from unspool.core.interpret_sources import Sources, error_problem, read_sources
from unspool.core.interpret_values import Problem, Suggestion, conclude, count, first, number, text, truth


def interpret_claude_flow(view: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Interpret a result.

    Args:
        view: `result`, as expressions see it.
        parameters: all of this interpreter, of the right types.
    """
    sources = read_sources(view)
    states, total = _agents(sources)
    done = first(sources.objects, "agents_completed", _how_many)
    if done is None and states:
        done = sum(state in parameters["done_states"] for state in states)
    consensus = first(sources.objects, "consensus_reached", truth)
    quality = first(sources.objects, "quality_score", number)
    problems = []
    if total is None and done is None and consensus is None and quality is None:
        problems.append(Problem("missing_result", "the answer tells of no agents, no consensus and no quality"))
    problems += error_problem(sources)
    if total is not None and (done is None or done < total):
        told = "it is not known how many" if done is None else f"{done}"
        problems.append(Problem("agents_not_done", f"{told} of {total} agents are done"))
    suggestions = []
    if quality is not None and quality < parameters["quality_threshold"]:
        told = f"the quality is {quality}, below {parameters['quality_threshold']}"
        problems.append(Problem("quality", told))
        suggestions.append(Suggestion("improve_quality", "normal", told))
    if consensus is False or (consensus is None and parameters["require_consensus"]):
        told = "the agents did not reach consensus" if consensus is False else "it is not known whether they agree"
        problems.append(Problem("consensus", told))
        suggestions.append(Suggestion("resolve_conflicts", "high", told))
    found = {"agents_completed": done, "consensus_reached": consensus, "quality_score": quality}
    return conclude(found, suggestions, problems, sources.kept_away)


def _how_many(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else count(value)


def _agents(sources: Sources) -> tuple[list[str | None], int | None]:
    """Give the states of the agents, where the result has them, and how many agents there are.

    `agents` is how many there are, or a list with one item for each, with `state` or `status`. No agents at all
    count as absent: nobody did anything.
    """
    agents = first(sources.objects, "agents", _list)
    if agents is None:
        return [], first(sources.objects, "agents", count) or None
    maps = [one for one in agents if isinstance(one, dict)]
    states = [text(one.get("state")) or text(one.get("status")) for one in maps]
    return (states if any(states) else []), len(agents) or None


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None

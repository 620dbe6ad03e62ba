"""What a task's result means: `interpretation`, made by one of three interpreters that ship with unspool.

A value is looked for in `result` itself, then in `result.json` where that is a map (for Claude Code's JSON output, in
the map under `result` in it, too), then in text. What is of another type than it should be counts as absent: an
interpreter fails for no result.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from unspool.core.schema import fits
from unspool.model.interpreters import PARAMETERS

_MOST_ERRORS = 20
_MOST_CHARACTERS = 500  # of one of them
_MOST_ITEMS = 1000  # of a list

_FAILED = re.compile(r"(?<![A-Za-z0-9_])FAILED(?![A-Za-z0-9_])")
_ERROR = re.compile(r"(?<![A-Za-z0-9_])error(?:\[[A-Z0-9]{1,10}\])?:", re.IGNORECASE)
_WARNING = re.compile(r"(?<![A-Za-z0-9_])warning(?:\[[A-Za-z0-9_-]{1,40}\])?:", re.IGNORECASE)

Interpretation = dict[str, Any]


def interpret(name: str, view: dict[str, Any], parameters: dict[str, Any]) -> Interpretation:
    """Give what a result means.

    Args:
        name: `claude_code`, `claude_flow` or `analysis`.
        view: the result, as expressions see it.
        parameters: those that were given, each fit for its schema in `PARAMETERS`.

    Returns:
        the fields that `FIELDS` has for the interpreter. `success` says that `problems` is empty.

    Cost: linear in the text that is looked at.
    """
    given = {key: schema["default"] for key, schema in PARAMETERS[name].items()} | parameters
    result = _Result(view)
    return _INTERPRETERS[name](result, given)


def parameter_problem(name: str, parameters: Any) -> str | None:
    """Say what is wrong with the parameters of an interpreter; None where nothing is."""
    if not isinstance(parameters, dict):
        return f"the parameters of {name} are no map"
    for key, value in parameters.items():
        if key not in PARAMETERS[name]:
            return f"{name} has no parameter {key!r}"
        wrong = fits(value, PARAMETERS[name][key])
        if wrong is not None:
            return f"the parameter {key!r} of {name} {wrong}"
    return None


class _Result:
    """A result, looked into without trust."""

    def __init__(self, view: dict[str, Any]) -> None:
        self._view = view
        answer = view.get("json")
        inner = answer.get("result") if isinstance(answer, dict) else None
        if isinstance(inner, str):
            inner = _parsed(inner)
        self._places = [each for each in (view, answer, inner) if isinstance(each, dict)]
        self.problems: list[dict[str, str]] = []
        self.suggestions: list[dict[str, str]] = []

    def get(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """Give a value of this type from where it stands first, None where there is none."""
        for place in self._places:
            value = place.get(name)
            if isinstance(value, kind) and (not isinstance(value, bool) or kind is bool):
                return value
        return None

    def number(self, name: str) -> float | None:
        """Give a number that JSON can write."""
        value = self.get(name, (int, float))
        return value if value is not None and math.isfinite(value) else None

    def items(self, name: str) -> list[Any]:
        """Give a list, empty where there is none."""
        found: list[Any] = (self.get(name, list) or [])[:_MOST_ITEMS]
        return found

    def texts(self, name: str) -> list[str]:
        """Give the texts in a list."""
        return [item for item in self.items(name) if isinstance(item, str)]

    def written(self, most: int) -> str:
        """Give what was written, each stream by its last characters."""
        streams = [self._view.get(name) for name in ("stdout", "stderr")]
        streams += [place.get(name) for place in self._places for name in ("output", "result")]
        return "\n".join(dict.fromkeys(text[-most:] for text in streams if isinstance(text, str)))

    @property
    def is_missing(self) -> bool:
        """Whether there is nothing to look into."""
        known = ("exit_code", "json", "stdout", "error", "output")
        return all(self._view.get(name) in (None, "") for name in known) and len(self._places) == 1

    def fail(self, check: str, message: str) -> None:
        """Say why this is no success."""
        self.problems.append({"check": check, "message": message[:_MOST_CHARACTERS]})

    def suggest(self, name: str, priority: str, because: str) -> None:
        """Say what should follow."""
        self.suggestions.append({"name": name, "priority": priority, "because": because})

    def check_end(self) -> None:
        """Note what holds for every interpreter: a result that is missing, an error, a command that failed."""
        if self.is_missing:
            self.fail("missing_result", "there is no result")
        error = self._view.get("error")
        if isinstance(error, dict):
            self.fail("error", str(error.get("message") or error.get("class") or "it failed"))
        elif self.get("is_error", bool):
            self.fail("error", "the agent says that it failed")
        for each in self.items("command_results"):
            if isinstance(each, dict) and each.get("exit_code") not in (0, None):
                self.fail("command_failed", f"{each.get('command', 'a command')} ended with {each['exit_code']}")

    def told(self, **fields: Any) -> Interpretation:
        """Give the whole interpretation."""
        return {
            "success": not self.problems,
            **fields,
            "problems": self.problems,
            "suggestions": self.suggestions,
        }


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _claude_code(result: _Result, given: dict[str, Any]) -> Interpretation:
    written = result.written(given["text_limit"])
    files = result.texts("files_modified")
    passed = result.get("tests_passed", bool)
    lines = [line.strip()[:_MOST_CHARACTERS] for line in written.splitlines() if _ERROR.search(line)]
    errors = (result.texts("errors") or list(dict.fromkeys(lines)))[:_MOST_ERRORS]
    result.check_end()
    if passed is False:
        result.fail("tests_not_passed", "tests did not pass")
    for pattern in given["expected_files"]:
        if not any(fnmatchcase(file, pattern) for file in files):
            result.fail("files_not_written", f"{pattern} was not written")
    if _ERROR.search(written):
        result.suggest("fix_compilation", "critical", "the output has `error:`")
    if passed is False or _FAILED.search(written):
        result.suggest("fix_tests", "high", "tests did not pass" if passed is False else "the output has `FAILED`")
    if _WARNING.search(written):
        result.suggest("review_warnings", "low", "the output has `warning:`")
    cut = [error[:_MOST_CHARACTERS] for error in errors]
    cost, tokens = _spent(result)
    return result.told(files_modified=files, tests_passed=passed, errors=cut, cost_usd=cost, tokens=tokens)


def _spent(result: _Result) -> tuple[float | None, int | None]:
    """Give the dollars and the tokens that an agent says it has used; those of its cache count too."""
    costs = (result.number(name) for name in ("cost_usd", "total_cost_usd"))
    cost = next((each for each in costs if each is not None and each >= 0), None)
    usage = result.get("usage", dict) or {}
    counts = [value for name, value in usage.items() if name.endswith("_tokens") and type(value) is int and value >= 0]
    tokens = result.get("tokens", int)
    return cost, (sum(counts) if counts else None) if tokens is None or tokens < 0 else tokens


def _claude_flow(result: _Result, given: dict[str, Any]) -> Interpretation:
    quality, consensus = result.number("quality_score"), result.get("consensus_reached", bool)
    completed = result.get("agents_completed", int)
    agents = result.items("agents")
    done = sum(isinstance(agent, dict) and agent.get("state") in ("completed", "done") for agent in agents)
    completed = done if completed is None and agents else completed
    result.check_end()
    if completed is not None and completed < len(agents):
        result.fail("agents_not_done", f"{completed} of {len(agents)} agents are done")
    if quality is not None and quality < given["quality_threshold"]:
        result.fail("quality", f"the quality is {quality:g}, below {given['quality_threshold']:g}")
        result.suggest("improve_quality", "normal", f"the quality is below {given['quality_threshold']:g}")
    if consensus is False and given["require_consensus"]:
        result.fail("consensus", "the agents did not agree")
        result.suggest("resolve_conflicts", "high", "the agents did not agree: let a hierarchical swarm decide")
    return result.told(agents_completed=completed, consensus_reached=consensus, quality_score=quality)


def _analysis(result: _Result, given: dict[str, Any]) -> Interpretation:
    confidence, anomalies = result.number("confidence"), result.items("anomalies")
    result.check_end()
    if anomalies:
        result.suggest("investigate_anomalies", "high", f"there are {len(anomalies)} anomalies")
    if confidence is not None and confidence > given["confidence_threshold"]:
        result.suggest("apply_insights", "normal", f"the confidence is above {given['confidence_threshold']:g}")
    insights, patterns = result.items("insights"), result.items("patterns")
    return result.told(patterns=patterns, insights=insights, anomalies=anomalies, confidence=confidence)


_INTERPRETERS: dict[str, Callable[[_Result, dict[str, Any]], Interpretation]] = {
    "claude_code": _claude_code,
    "claude_flow": _claude_flow,
    "analysis": _analysis,
}

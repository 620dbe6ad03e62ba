"""Interpret the result of a coding agent: what it changed, whether the tests passed, what should follow."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from unspool.core.interpret_sources import (
    MAX_COMMANDS,
    Sources,
    commands,
    error_problem,
    failed_commands,
    is_refusal,
    output_texts,
    read_sources,
)
from unspool.core.interpret_values import (
    MAX_ERRORS,
    Problem,
    Suggestion,
    bounded,
    conclude,
    count,
    first,
    mapping,
    number,
    text,
    texts,
    truth,
)
from unspool.core.interpret_words import Words, labels, whole_words

_FILE_NAMED_BY = ("path", "file", "name")
_NOT_PASSED = "`tests_passed` is false"
_NO_RESULT = frozenset(("exit_code", "stderr", "duration", "error", "cost_usd", "tokens", "session_id"))

Texts = list[tuple[str, str]]


def interpret_claude_code(view: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Interpret a result.

    Args:
        view: `result`, as expressions see it.
        parameters: all of this interpreter, of the right types.
    """
    sources, limit = read_sources(view), parameters["text_limit"]
    written = output_texts(sources)
    failed = _seen(written, whole_words(parameters["failed_words"]), limit)
    warning = _seen(written, labels(parameters["warning_words"]), limit)
    broken = _lines(written, labels(parameters["error_words"]), limit)
    tests_passed = first(sources.objects, "tests_passed", truth)
    if tests_passed is None and failed is not None:
        tests_passed = False
    modified = _files(sources)
    files, files_cut = bounded(modified)
    told = first(sources.objects, "errors", texts) or []
    errors, errors_cut = bounded([*told, *(line for _, line in broken)], MAX_ERRORS)
    suggestions, problems = [], [*_missing_result(sources), *error_problem(sources)]
    if failed is not None or tests_passed is False:
        suggestions.append(Suggestion("fix_tests", "high", failed or _NOT_PASSED))
    if tests_passed is False:
        problems.append(Problem("tests_not_passed", failed or _NOT_PASSED))
    if broken:
        suggestions.append(Suggestion("fix_compilation", "critical", _because(*broken[0])))
    if warning is not None:
        suggestions.append(Suggestion("review_warnings", "low", warning))
    problems += _files_not_written(modified, parameters["expected_files"]) + _failed_commands(sources)
    truncated = [name for name, value in written if len(value) > 2 * limit]
    truncated += ["files_modified"] * files_cut + ["errors"] * errors_cut
    truncated += ["command_results"] * (len(commands(sources)) > MAX_COMMANDS)
    found = {"files_modified": files, "tests_passed": tests_passed, "errors": errors, **_spent(sources)}
    return conclude(found, suggestions, problems, [*sources.kept_away, *truncated])


def _spent(sources: Sources) -> dict[str, Any]:
    """Give the dollars and the tokens that were used; Claude Code tells of tokens of several kinds, cached ones too."""
    costs = (first(sources.objects, name, number) for name in ("cost_usd", "total_cost_usd"))
    cost = next((one for one in costs if one is not None and one >= 0), None)
    tokens = first(sources.objects, "tokens", count)
    if tokens is None:
        usage = first(sources.objects, "usage", mapping) or {}
        counts = [count(value) for name, value in usage.items() if str(name).endswith("_tokens")]
        known = [one for one in counts if one is not None]
        tokens = sum(known) if known else None
    return {"cost_usd": cost, "tokens": tokens}


def _files(sources: Sources) -> list[str]:
    return first(sources.objects, "files_modified", lambda value: texts(value, _FILE_NAMED_BY)) or []


def _lines(written: Texts, words: Words, limit: int) -> list[tuple[str, str]]:
    """Give the lines that hold a word, one more than an interpretation shows, with where they were found."""
    unique: dict[str, str] = {}
    for name, value in written:
        for line in words.lines(value, limit):
            unique.setdefault(line, name)
    return [(name, line) for line, name in islice(unique.items(), MAX_ERRORS + 1)]


def _seen(written: Texts, words: Words, limit: int) -> str | None:
    """Say where a word stands for the first time."""
    found = (_because(name, line) for name, value in written for line in words.lines(value, limit))
    return next(found, None)


def _because(name: str, line: str) -> str:
    return f"in `{name}`: {line}"


def _failed_commands(sources: Sources) -> list[Problem]:
    failed = failed_commands(sources)
    if not failed:
        return []
    name, code = failed[0]
    more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
    return [Problem("command_failed", f"`{name[:300]}` ended with exit code {code}{more}")]


def _missing_result(sources: Sources) -> list[Problem]:
    message = sources.message
    if message is not None:
        is_there = is_refusal(message) or any(message.get(name) is not None for name in ("result", "structured_output"))
    else:
        is_there = any(_is_something(value) for name, value in sources.own.items() if name not in _NO_RESULT)
    return [] if is_there else [Problem("missing_result", "there is no output and no answer")]


def _is_something(value: Any) -> bool:
    """Whether a part of a result holds anything; what is kept in a file does."""
    return text(value) is not None if isinstance(value, str) else value not in (None, [], {})


def _files_not_written(modified: list[str], expected: Any) -> list[Problem]:
    if expected is True and not modified:
        return [Problem("files_not_written", "no file was modified")]
    if not isinstance(expected, list):
        return []
    written = [_plain(name) for name in modified]
    missing = [name for name in expected if not _is_among(_plain(name), written)]
    if not missing:
        return []
    named = ", ".join(f"`{name}`" for name in missing[:5])
    more = f", and {len(missing) - 5} more" if len(missing) > 5 else ""
    return [Problem("files_not_written", f"not written: {named}{more}")]


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _is_among(name: str, written: Iterable[str]) -> bool:
    """Whether a file was written; agents tell of the same file by its path in the project or from the root."""
    return any(one == name or (one.startswith("/") and one.endswith("/" + name)) for one in written)

"""Where an interpretation looks: the objects and the texts that a result holds, the most reliable first."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from unspool.core.interpret_values import Problem, first, mapping, number, text, texts
from unspool.model.values import Ref

MAX_COMMANDS = 100  # so many commands' outputs are looked at

_LAST_LINES = 50  # of a stream of JSON lines; its last message is the result
_MAX_FENCES = 20
_TEXTS = ("result", "output", "stdout", "stderr")


class Sources(NamedTuple):
    """What a result holds, sorted by how reliable it is.

    Attributes:
        own: `result` itself.
        said: the objects that the task itself wrote: its message or JSON, then what these hold.
        message: the result message of Claude Code, where there is one.
        kept_away: the names of those parts of `result` that are kept in a file and cannot be read.
    """

    own: dict[str, Any]
    said: list[dict[str, Any]]
    message: dict[str, Any] | None
    kept_away: list[str]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """All objects, the first one first."""
        return [self.own, *self.said]


def read_sources(view: Any) -> Sources:
    """Sort out what a result holds.

    The objects, in the order in which a value is looked for in them:

    1. `result` itself, with what its kind adds;
    2. `result.json`; the result message in it where it is a list; that of a stream of JSON lines in `result.stdout`;
    3. `structured_output` of that, then `result` and `output` of that;
    4. `result.output`;
    5. `result.stdout`, where it is not JSON as a whole.

    In 3 to 5 a text serves if it is a JSON object as a whole, or in a Markdown fence; the first such fence counts.
    """
    own = mapping(view) or {}
    body, stdout = own.get("json"), text(own.get("stdout"))
    message = _message(body, stdout)
    main = message or mapping(body)
    said = [] if main is None else [main, *(_object(main.get(name)) for name in ("structured_output", *_TEXTS[:2]))]
    said.append(_object(own.get("output")))
    if main is None and body is None:
        said.append(_object(stdout))
    kept_away = [name for name, value in own.items() if isinstance(name, str) and isinstance(value, Ref)]
    return Sources(own, [one for one in said if one is not None], message, sorted(kept_away)[:10])


def _message(body: Any, stdout: str | None) -> dict[str, Any] | None:
    """Find the result message of Claude Code: the answer itself, the last one of a list, the last line of a stream."""
    if isinstance(body, list):
        return next((one for one in reversed(body) if _is_message(one)), None)
    if body is None and stdout is not None:
        lines = stdout.rsplit("\n", _LAST_LINES)[-_LAST_LINES:]
        likely = (_parse(line) for line in reversed(lines) if line.lstrip()[:1] == "{" and '"result"' in line)
        return next((one for one in likely if _is_message(one)), None)
    return body if _is_message(body) else None


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "result"


def _object(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, str):
        return mapping(value)
    if value.lstrip()[:1] == "{":
        return mapping(_parse(value))
    blocks = value.split("```", 2 * _MAX_FENCES)[1::2]  # what stands between the first fence and the second, and so on
    found = (mapping(_parse(block.partition("\n")[2])) for block in blocks)
    return next((one for one in found if one is not None), None)


def _parse(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def output_texts(sources: Sources) -> list[tuple[str, str]]:
    """Give the texts in which the words of tools are looked for, each once, with the part of `result` it is from.

    They are `output` and `stderr`; `stdout`, unless it is JSON, when it is `result`, `output`, `stdout` and `stderr`
    of that; `errors`; and `output`, `stdout` and `stderr` of the commands. The answer of a message that tells of
    an error is not among them: it speaks of the agent, not of the work.
    """
    own, main = sources.own, sources.message or mapping(sources.own.get("json"))
    is_refused = main is not None and is_refusal(main)
    found = [("output", own.get("output")), ("stderr", own.get("stderr"))]
    if main is not None and not is_refused:
        found += [("json", main.get(name)) for name in _TEXTS]
    elif main is None and not isinstance(own.get("json"), list):
        found.append(("stdout", own.get("stdout")))
    if not is_refused:
        found += [("errors", one) for one in first(sources.objects, "errors", texts) or []]
    for _, command in commands(sources)[:MAX_COMMANDS]:
        found += [("command_results", command.get(name)) for name in _TEXTS[1:]]
    unique: dict[str, str] = {}
    for name, value in found:
        if isinstance(value, str) and value.strip():
            unique.setdefault(value, name)
    return [(name, value) for value, name in unique.items()]


def is_refusal(message: dict[str, Any]) -> bool:
    """Whether a message of Claude Code tells of an error; its `subtype` can be `success` even then."""
    subtype = message.get("subtype")
    return message.get("is_error") is True or (isinstance(subtype, str) and subtype.startswith("error"))


def commands(sources: Sources) -> list[tuple[str, dict[str, Any]]]:
    """Give the commands of `command_results`, a list of maps or a map by command, with their names."""
    found = first(sources.objects, "command_results", lambda value: value if isinstance(value, list | dict) else None)
    if isinstance(found, dict):
        return [(name, one if isinstance(one, dict) else {"exit_code": one}) for name, one in found.items()]
    return [(text(one.get("command")) or "a command", one) for one in found or [] if isinstance(one, dict)]


def failed_commands(sources: Sources) -> list[tuple[str, int | float]]:
    """Give those commands that ended with another exit code than 0."""
    codes = ((name, number(one.get("exit_code"))) for name, one in commands(sources))
    return [(name, code) for name, code in codes if code]


def error_problem(sources: Sources) -> list[Problem]:
    """Say that a result has an error: its own, its exit code's, or one that the task told of itself."""
    error = mapping(sources.own.get("error"))
    if error is not None:
        told = [text(error.get("class")), text(error.get("message"))]
        return [Problem("error", ": ".join(filter(None, told)) or "the result has an error")]
    for one in sources.said:
        if is_refusal(one) or one.get("success") is False or _error_text(one) is not None:
            return [Problem("error", _error_text(one) or _refusal_text(one) or "the answer says that it failed")]
    code = number(sources.own.get("exit_code"))
    return [Problem("error", f"exit code {code}")] if code else []


def _error_text(one: dict[str, Any]) -> str | None:
    error = one.get("error")
    return text(error) or (text(error.get("message")) if isinstance(error, dict) else None)


def _refusal_text(one: dict[str, Any]) -> str | None:
    told = [text(one.get("result")), *(texts(one.get("errors")) or []), text(one.get("subtype"))]
    return next(filter(None, told), None)

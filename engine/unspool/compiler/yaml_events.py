"""The events of a YAML text, from the C parser where it is installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple, Protocol, TypeVar

# The C parser speaks YAML 1.1 in lists and maps on one line: `[http://x/?q]` is an error there. In these places
# `:` and `?` are ordinary characters of YAML 1.2, so others stand in for them while it reads.
_INNER_COLON = re.compile(r"(?<=[^\s,\[\]{}'\"]):(?=[^\s,\[\]{}])")
_INNER_QUESTION_MARK = re.compile(r"(?<=[^\s,\[\]{}'\"])\?")
_STAND_INS = [chr(code) for code in range(0xE000, 0xE100)]


class Failure(NamedTuple):
    """What the parser could not read.

    Attributes:
        problem, context: in the parser's words.
        place: the character where it gave up.
        origin: the character where what it was reading began.
    """

    problem: str
    context: str
    place: int
    origin: int | None


class EventKinds(NamedTuple):
    """The classes of events that matter."""

    scalar: type
    alias: type
    map_start: type
    map_end: type
    list_start: type
    list_end: type
    document_start: type


def event_kinds() -> EventKinds:
    """Import and give the classes of events."""
    events = import_module("ruamel.yaml.events")
    return EventKinds(
        events.ScalarEvent,
        events.AliasEvent,
        events.MappingStartEvent,
        events.MappingEndEvent,
        events.SequenceStartEvent,
        events.SequenceEndEvent,
        events.DocumentStartEvent,
    )


class Consumer(Protocol):
    """Takes the events of one reading of the text."""

    def consume(self, events: Iterator[Any]) -> None:
        """Take all events; what the iterator raises passes through."""


ConsumerT = TypeVar("ConsumerT", bound=Consumer)


def feed(text: str, fresh: Callable[[], ConsumerT]) -> tuple[ConsumerT, Failure | None]:
    """Parse the text into a new consumer.

    Args:
        text: YAML without characters that YAML does not allow.
        fresh: makes a consumer. It is called once more where only the C parser's age was in the way.

    Returns:
        The consumer that took the events, and what could not be read, None where all could.
    """
    consumer = fresh()
    failure = _consume(consumer, lambda: _parse(text))
    if failure is not None and _is_dialect(failure, text):
        consumer = fresh()
        failure = _consume(consumer, lambda: _parse_with_stand_ins(text))
    return consumer, failure


def _parse(text: str) -> Iterator[Any]:
    try:
        parser = import_module("_ruamel_yaml_clibz").CParser(text)
    except ImportError:
        return _parse_in_python(text)
    return iter(parser.get_event, None)


def _parse_in_python(text: str) -> Iterator[Any]:
    yaml_error = import_module("ruamel.yaml.error").YAMLError
    try:
        yield from import_module("ruamel.yaml").YAML(typ="safe", pure=True).parse(text)
    except (ValueError, OverflowError) as error:  # it lets them through for `\U00110000`
        raise yaml_error(str(error)) from error


def _consume(consumer: Consumer, parse: Callable[[], Iterator[Any]]) -> Failure | None:
    yaml_error = import_module("ruamel.yaml.error").YAMLError
    try:
        consumer.consume(parse())
    except yaml_error as error:
        return _failure(error)
    return None


def _failure(error: Any) -> Failure:
    problem, context = getattr(error, "problem", None), getattr(error, "context", None)
    origin = getattr(error, "context_mark", None)
    mark = getattr(error, "problem_mark", None) or origin
    return Failure(
        str(problem or context or error),
        str(context or ""),
        mark.index if mark else 0,
        origin.index if origin else None,
    )


def _is_dialect(failure: Failure, text: str) -> bool:
    char = text[failure.place : failure.place + 1]
    return "unexpected ':'" in failure.problem or (char == "?" and "did not find expected ','" in failure.problem)


def _parse_with_stand_ins(text: str) -> Iterator[Any]:
    free = [char for char in _STAND_INS if char not in text][:2]
    if len(free) < 2:
        return _parse(text)
    colon, question_mark = free
    masked = _INNER_QUESTION_MARK.sub(question_mark, _INNER_COLON.sub(colon, text))
    return _restored(_parse(masked), str.maketrans({colon: ":", question_mark: "?"}))


def _restored(events: Iterator[Any], table: dict[int, str]) -> Iterator[Any]:
    for event in events:
        value = getattr(event, "value", None)
        if value is not None and not value.isascii():
            event.value = value.translate(table)
        yield event

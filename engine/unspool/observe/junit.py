"""Results of rehearsals in the form that CI systems read: JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Result(NamedTuple):
    """One case: its file, its name, how many seconds of this machine it took, and what is wrong with it.

    `failure` says how it differs from what was expected, `error` why it could not be played.
    """

    file: str
    case: str
    seconds: float
    failure: str | None = None
    error: str | None = None


def junit(results: Sequence[Result]) -> str:
    """Write results as XML, one suite for each file."""
    suites: dict[str, list[Result]] = {}
    for result in results:
        suites.setdefault(result.file, []).append(result)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {_counts(results)}>"]
    for file, members in suites.items():
        lines.append(f"  <testsuite name={_attribute(file)} {_counts(members)}>")
        for one in members:
            lines += _case(one)
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _case(one: Result) -> list[str]:
    time = _attribute(_time(one.seconds))
    head = f"    <testcase classname={_attribute(one.file)} name={_attribute(one.case)} time={time}"
    told = [("failure", one.failure), ("error", one.error)]
    parts = [
        f"      <{tag} message={_attribute(text.splitlines()[0] if text else tag)}>{escape(_plain(text))}</{tag}>"
        for tag, text in told
        if text is not None
    ]
    return [f"{head}>", *parts, "    </testcase>"] if parts else [f"{head}/>"]


def _counts(results: Sequence[Result]) -> str:
    counted = {
        "tests": str(len(results)),
        "failures": str(sum(one.failure is not None for one in results)),
        "errors": str(sum(one.error is not None for one in results)),
        "time": _time(sum(one.seconds for one in results)),
    }
    return " ".join(f"{name}={_attribute(value)}" for name, value in counted.items())


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"


def _attribute(text: str) -> str:
    return quoteattr(_plain(text))


def _plain(text: str) -> str:
    """Put U+FFFD in place of what XML cannot hold."""
    return _NOT_IN_XML.sub("\ufffd", text)

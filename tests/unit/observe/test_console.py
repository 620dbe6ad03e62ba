import io
import json
import re

import pytest

from tests.property.worlds import started
from unspool.core.pools import Pool
from unspool.core.run import Run
from unspool.model.entry import Entry
from unspool.model.events import AttemptEnded, TaskAdmitted
from unspool.model.plan import Breaker, Plan, Resource, Task
from unspool.observe.console import JsonLines, PlainProgress, printable


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]52;c;aGk=\x1b\\b", "ab"),
        ("over\rwritten\x08", "overwritten"),
        ("\x9b31m c1", "31m c1"),
        ("abc\u202edef", "abcdef"),
    ],
)
def test_what_steers_a_terminal_is_taken_out(text, left):
    assert printable(text) == left


def entries(run: Run) -> list[Entry]:
    told = []
    error = {"class": "exit_code", "message": "exit \x1b[2Jcode 3"}
    for event in (
        started(Plan("p", (Task(0, "a", "run", {}), Task(1, "b", "run", {}, ((0, "ok"),))))),
        TaskAdmitted(1001.0, 0, 1, 1),
        AttemptEnded(1002.0, 1, 1, 1001.5, error),
    ):
        commands = run.apply(event)
        told.append(Entry("r1", event, commands, run.moves))
    return told


def test_a_line_for_each_change_that_people_care_about():
    run, stream = Run(), io.StringIO()
    PlainProgress(stream, lambda _: run).heard(entries(run))
    assert stream.getvalue().splitlines() == [
        "a: running",
        "a: failed (exit_code): exit code 3",
        "b: cancelled (dependency_failed)",
    ]


def test_events_as_json_lines():
    run, stream = Run(), io.StringIO()
    JsonLines(stream, lambda _: run).heard(entries(run))
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in told] == ["RunStarted", "TaskAdmitted", "AttemptEnded"]
    assert told[0]["changes"] == [{"task": "a", "state": "ready", "reason": None}]
    assert {line["run"] for line in told} == {"r1"}


class Gone(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("listener", [PlainProgress, JsonLines])
def test_a_reader_that_goes_away_is_no_error(listener):
    run = Run()
    told = listener(Gone(), lambda _: run)
    told.heard(entries(run))
    told.heard(entries(Run()))


def test_verbose_shows_what_was_written_between_the_start_and_the_end(tmp_path):
    run, stream = Run(), io.StringIO()
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "a.1.out").write_text("one\n\x1b[2Jtwo\n")
    (tmp_path / "r1" / "a.1.err").write_text("three\n")
    PlainProgress(stream, lambda _: run, tmp_path, verbose=True).heard(entries(run))
    assert stream.getvalue().splitlines() == [
        "a: running",
        "  | one",
        "  | two",
        "  | three",
        "a: failed (exit_code): exit code 3",
        "b: cancelled (dependency_failed)",
    ]


def test_a_breaker_that_opens_and_closes_is_told_once_each():
    pool = Pool("k", Resource("api", breaker=Breaker(1, 60.0, 1)))
    stream = io.StringIO()
    progress = PlainProgress(stream, {}.__getitem__, pools=lambda: [pool])
    progress.heard([])
    assert stream.getvalue() == ""
    pool.circuit.leave(pool.circuit.enter(), 1000.0, "server")
    progress.heard([])
    progress.heard([])
    said = stream.getvalue()
    assert re.fullmatch(r"api: the circuit breaker is open until \d\d:\d\d:40; what uses it waits\n", said)
    pool.circuit.leave(pool.circuit.enter(), 1061.0, "ok")
    progress.heard([])
    progress.heard([])
    assert stream.getvalue() == said + "api: the circuit breaker is closed again\n"

"""The live view: what it shows, that it stays small, and that it leaves the terminal as it was."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.property.worlds import started
from unspool.core.run import Run
from unspool.model.entry import Entry
from unspool.model.events import AttemptEnded, AttemptStarted, Event, TaskAdmitted
from unspool.model.plan import Plan, Retry, Task
from unspool.observe.live import FIRST, PERIOD, LiveView

START = 1000.0
FAILED = {"class": "exit_code", "message": "exit \x1b[2Jcode 3"}
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Stage:
    """A run, its view, and the terminal it is drawn on."""

    def __init__(self, folder: Path, *tasks: dict[str, Any], verbose: bool = False) -> None:
        self.folder = folder
        self.terminal = Terminal()
        self.run = Run()
        self.view = LiveView(self.terminal, {"r1": self.run}, folder / "logs", START, verbose=verbose)
        built = [Task(number, f"t{number}", "run", {}, **task) for number, task in enumerate(tasks)]
        self.tell(started(Plan("flow", tuple(built))))

    def tell(self, event: Event) -> None:
        commands = self.run.apply(event)
        self.view.heard([Entry("r1", event, commands, self.run.moves)])

    def start(self, task: int, at: float, text: str | None = None) -> int:
        attempt = self.run.tasks[task].attempt
        self.tell(TaskAdmitted(at, task, attempt, 1))
        file = self.folder / f"{task}.out"
        file.write_text(text or "")
        self.tell(AttemptStarted(at, attempt, 1, {"pid": 1, "out": str(file), "err": str(self.folder / "no")}))
        return attempt

    def end(self, attempt: int, at: float, error: dict[str, str] | None = None) -> None:
        self.tell(AttemptEnded(at, attempt, 1, None, error))

    def draw(self, now: float) -> list[str]:
        """Draw, and give the lines of this drawing alone."""
        self.terminal.seek(0)
        self.terminal.truncate()
        self.view.draw(now)
        return [line.rstrip() for line in ESCAPES.sub("", self.terminal.getvalue()).replace("\r", "").split("\n")]


@pytest.fixture(autouse=True)
def _size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm")


def test_a_short_run_draws_nothing(tmp_path: Path):
    stage = Stage(tmp_path, {})
    assert stage.draw(START + FIRST - 0.01) == [""]
    stage.end(stage.start(0, START), START + 0.1)
    stage.view.close()
    assert stage.terminal.getvalue() == ""


def test_what_runs_with_its_time_and_its_last_line_and_what_waits_for_it(tmp_path: Path):
    stage = Stage(tmp_path, {}, {}, {"needs": ((0, "ok"), (1, "ok"))})
    stage.start(0, START + 1, "first\n\x1b[31msecond\x1b[0m\n\n")
    stage.start(1, START + 2, "10%\r50%\r")
    assert stage.draw(START + 65) == [
        "flow running  0/3 done, 2 running  1m05s",
        "  t0   1m04s  second",
        "  t1   1m03s  50%",
        "  t2 waits for t0, t1",
    ]


def test_what_failed_is_told_once_above_the_view(tmp_path: Path):
    stage = Stage(tmp_path, {}, {})
    attempt = stage.start(0, START)
    stage.start(1, START)
    stage.end(attempt, START + 1, FAILED)
    assert stage.draw(START + 2)[0] == "t0: failed (exit_code): exit code 3"
    assert not any("exit code" in line for line in stage.draw(START + 3))


def test_a_retry_tells_when(tmp_path: Path):
    stage = Stage(tmp_path, {"retry": Retry(max_attempts=2, strategy="linear", delay=90.0, jitter=False)})
    stage.end(stage.start(0, START), START + 1, FAILED)
    assert "  t0 tries again in 1m29s" in stage.draw(START + 2)


def test_who_waits_for_what_it_uses_is_told_after_a_moment(tmp_path: Path):
    stage = Stage(tmp_path, {"uses": (("api", 1), ("port", 1))})
    assert not any("waits" in line for line in stage.draw(START + FIRST))
    assert "  t0 waits for its turn with api, port" in stage.draw(START + 2)


@pytest.mark.parametrize("height", [5, 24])
def test_it_is_never_higher_than_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, height: int):
    monkeypatch.setenv("LINES", str(height))
    stage = Stage(tmp_path, *[{}] * 50, {"needs": ((0, "ok"),)})
    for task in range(50):
        stage.start(task, START, "x" * 500)
    lines = stage.draw(START + 1)
    assert len(lines) <= max(height, 7)
    assert all(len(line) < 60 for line in lines)
    assert any("more" in line for line in lines)


def test_it_is_drawn_no_oftener_than_its_period(tmp_path: Path):
    stage = Stage(tmp_path, {})
    due = stage.view.draw(START + 1)
    assert due == START + 1 + PERIOD
    assert stage.draw(due - 0.01) == [""]
    assert stage.draw(due) != [""]


def test_the_terminal_is_left_as_it_was(tmp_path: Path):
    stage = Stage(tmp_path, {})
    stage.draw(START + 1)
    stage.view.close()
    assert stage.terminal.getvalue().rfind("\x1b[?25h") > stage.terminal.getvalue().rfind("\x1b[?25l")
    stage.view.close()


def test_verbose_tells_every_change_and_what_was_written(tmp_path: Path):
    stage = Stage(tmp_path, {}, verbose=True)
    attempt = stage.start(0, START)
    logs = tmp_path / "logs" / "r1"
    logs.mkdir(parents=True)
    (logs / f"t0.{attempt}.out").write_text("written\n")
    stage.end(attempt, START + 1)
    assert stage.draw(START + 2)[:3] == ["t0: running", "  | written", "t0: completed"]


def test_what_is_told_is_not_lost_when_nothing_is_drawn(tmp_path: Path):
    stage = Stage(tmp_path, {})
    stage.end(stage.start(0, START), START + 0.1, FAILED)
    stage.view.close()
    assert stage.terminal.getvalue() == "t0: failed (exit_code): exit code 3\n"


def test_many_tasks_cost_little(tmp_path: Path):
    stage = Stage(tmp_path, *[{}] * 5000)
    lines = stage.draw(START + 1)
    assert lines[0] == "flow running  0/5000 done, 0 running  1.0s"
    assert len(lines) < 10


def test_a_terminal_that_is_gone_harms_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stage = Stage(tmp_path, {})

    def refuse(_text: str) -> int:
        raise OSError(5, "Input/output error")

    stage.draw(START + 1)
    monkeypatch.setattr(stage.terminal, "write", refuse)
    assert stage.view.draw(START + 2) == float("inf")
    stage.end(stage.start(0, START + 3), START + 4, FAILED)
    stage.view.close()

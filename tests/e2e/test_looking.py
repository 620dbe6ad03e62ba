"""`ls`, `show` and `logs`: finding runs, and what their tasks wrote or write."""

from __future__ import annotations

import json
import os
import select
from pathlib import Path

import pytest

from tests.e2e.command import start, unspool, wait_for, write
from unspool.cli.follow import Follower
from unspool.host import home


def three_runs() -> None:
    write("good.json", {"a": {"run": "echo out; echo err >&2"}})
    write("bad.json", {"a": {"run": "exit 1"}})
    for name in ("good.json", "bad.json", "good.json"):
        unspool("run", name, "-q")
    document = json.loads(Path("bad.json").read_text()) | {"name": "other"}
    Path("other.json").write_text(json.dumps(document))
    unspool("run", "other.json", "-q")


def test_runs_are_listed_by_state_name_and_number(project: Path):
    three_runs()

    def states(*options: str) -> list[str]:
        return [run["state"] for run in json.loads(unspool("ls", "--format", "json", *options).stdout)]

    assert states() == ["failed", "completed", "failed", "completed"]
    assert states("--state", "completed") == ["completed"] * 2
    assert states("--state", "completed", "--state", "failed", "-n", "3") == ["failed", "completed", "failed"]
    assert states("--name", "te*") == ["completed", "failed", "completed"]
    assert states("--name", "oth*", "--state", "completed") == []
    assert "no such runs" in unspool("ls", "--name", "nothing").stderr
    assert len(unspool("ls", "--state", "failed").stdout.splitlines()) == 2


def test_logs_as_json_name_attempt_and_stream(project: Path):
    write("flow.json", {"a": {"run": "echo try; echo no >&2; exit 1", "retry": {"max_attempts": 2, "delay": "10ms"}}})
    unspool("run", "flow.json", "-q")
    told = [json.loads(line) for line in unspool("logs", "latest", "a", "--format", "json").stdout.splitlines()]
    assert told == [
        {"attempt": 2, "stream": "out", "text": "try\n"},
        {"attempt": 2, "stream": "err", "text": "no\n"},
    ]
    told = [json.loads(line) for line in unspool("logs", "latest", "a", "-f", "--format", "json").stdout.splitlines()]
    assert [(line["attempt"], line["stream"]) for line in told] == [(1, "out"), (1, "err"), (2, "out"), (2, "err")]


def test_who_wrote_nothing_is_told(project: Path):
    write("flow.json", {"a": {"run": "exit 1"}, "b": {"run": "true", "depends_on": ["a"]}})
    unspool("run", "flow.json", "-q")
    assert unspool("logs", "latest", "a").stderr == "a wrote nothing\n"
    assert unspool("logs", "latest", "b").stderr == "b wrote nothing; it has not begun\n"
    assert unspool("logs", "latest", "b", "-f").returncode == 0


def test_who_starts_no_process_and_who_is_made_of_others_writes_nothing(project: Path):
    tasks = {
        "pause": {"wait": "10ms"},
        "many": {"for_each": ["a"], "run": "true"},
        "both": {"group": {"tasks": {"x": {"run": "true"}}}},
        "ask": {"approval": {"prompt": "Sure?", "default": "reject"}, "timeout": "10ms", "on_failure": "skip"},
    }
    unspool("run", write("flow.json", tasks), "-q")
    assert unspool("logs", "latest", "pause").stderr == "pause starts no process and writes nothing; it is completed\n"
    for name in ("many", "both"):
        assert f"{name} is made of other tasks" in unspool("logs", "latest", name).stderr
    shown = unspool("show", "latest").stdout
    assert "rejected: nobody decided in time" in shown
    assert "nobody decided in time\n" in shown.replace("rejected: ", "")


def test_following_prints_what_is_written_while_it_is_written(project: Path):
    script = "echo one; until [ -e go ]; do sleep 0.02; done; echo two; exit 1"
    write("flow.json", {"a": {"run": script, "retry": {"max_attempts": 2, "delay": "10ms"}}})
    engine = start("run", "flow.json", "-q")
    wait_for(lambda: "1 running" in unspool("show", "latest").stdout)
    follower = start("logs", "latest", "a", "-f")
    assert follower.stdout is not None
    assert follower.stdout.readline() == "one\n"
    Path("go").touch()
    assert follower.communicate(timeout=20) == ("two\none\ntwo\n", "")
    assert follower.returncode == 0
    engine.communicate(timeout=20)


def test_following_ends_with_the_engine(project: Path):
    write("flow.json", {"a": {"run": "echo one; sleep 1000"}})
    engine = start("run", "flow.json", "-q")
    wait_for(lambda: "1 running" in unspool("show", "latest").stdout)
    follower = start("logs", "latest", "a", "-f")
    assert follower.stdout is not None
    assert follower.stdout.readline() == "one\n"
    engine.kill()
    engine.communicate(timeout=20)
    assert follower.communicate(timeout=20)[0] == ""


def test_following_never_shows_what_another_task_wrote(project: Path):
    """A silent task's file serves the next one: what is in it may be another's, unless it was there before."""
    tasks = {"a": {"run": "until [ -e go ]; do sleep 0.02; done"}, "b": {"run": "echo foreign", "depends_on": ["a"]}}
    write("flow.json", tasks)
    engine = start("run", "flow.json", "-q", "--workers", "1")
    wait_for(lambda: "1 running" in unspool("show", "latest").stdout)
    (folder,) = home.journals(project / ".unspool")
    heard: list[bytes] = []
    follower = Follower(folder, folder.name, 0, lambda _attempt, _stream, content: heard.append(content))
    follower._read()
    (file,) = {files["out"] for files in follower._live.values()}
    Path("go").touch()
    wait_for(lambda: not file.exists() or file.stat().st_size == 0)
    engine.communicate(timeout=20)
    file.write_text("foreign\n")  # as the next task would have
    for attempt, files in follower._live.items():
        follower._print_live(attempt, files)
    follower.follow()
    assert heard == []


def test_follow_and_attempt_exclude_each_other(project: Path):
    three_runs()
    ended = unspool("logs", "latest", "a", "-f", "--attempt", "1")
    assert (ended.returncode, ended.stderr) == (2, "unspool: --follow prints all attempts; leave out --attempt\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "pages"), [(["ls"], True), (["show", "latest"], True), (["show", "latest", "--events"], True)]
)
def test_a_terminal_gets_a_pager(project: Path, arguments: list[str], pages: bool):
    three_runs()
    code, output = on_terminal(arguments, {"PAGER": "sed s/^/paged:/"})
    assert code == 0
    assert ("paged:" in output) is pages


def test_a_terminal_is_not_steered_by_what_a_task_wrote(project: Path):
    write("flow.json", {"a": {"run": "printf 'one\\033[2Jtwo\\n'"}})
    unspool("run", "flow.json", "-q")
    assert on_terminal(["logs", "latest", "a"])[1] == "onetwo\r\n"
    assert on_terminal(["logs", "latest", "a", "--raw"])[1] == "one\x1b[2Jtwo\r\n"
    assert unspool("logs", "latest", "a").stdout == "one\x1b[2Jtwo\n"


def test_a_run_on_a_terminal_is_drawn_and_ends_with_a_table(project: Path):
    write("flow.json", {"a": {"run": "printf 'work\\033[2J\\n'; sleep 1"}, "b": {"run": "exit 3"}})
    code, output = on_terminal(["run", "flow.json"])
    assert code == 1
    assert "\x1b[2J" not in output
    assert "\x1b[?25l" in output
    assert output.rindex("\x1b[?25h") > output.rindex("\x1b[?25l")
    assert "1/2 done, 1 running" in output
    assert "b: failed (exit_code): exit code 3" in output
    assert "\x1b[31mfailed (exit_code)\x1b[0m" in output


@pytest.mark.slow
@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_and_drawing_can_be_declined(project: Path, env: dict[str, str]):
    write("flow.json", {"a": {"run": "sleep 0.5"}, "b": {"run": "exit 3"}})
    code, output = on_terminal(["run", "flow.json"], env)
    assert code == 1
    assert ("\x1b[31m" not in output) == ("NO_COLOR" in env)
    assert ("\x1b[?25l" in output) == ("NO_COLOR" in env)


def on_terminal(arguments: list[str], env: dict[str, str] | None = None) -> tuple[int, str]:
    """Run the command on a terminal of its own, and give its exit code and all that it wrote."""
    import pty
    import subprocess
    import sys

    own = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "unspool", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**own, "TERM": "xterm", **(env or {})},
    )
    os.close(theirs)
    output = b""
    while select.select([ours], [], [], 20)[0]:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        output += part
    os.close(ours)
    return process.wait(timeout=20), output.decode()

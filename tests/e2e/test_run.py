"""`run` and `resume` as a user meets them: good documents, bad ones, signals, kills."""

from __future__ import annotations

import json
import os
import select
import signal
import sqlite3
import subprocess
import zlib
from pathlib import Path

import jsonschema
import pytest

from tests.e2e.command import alive, by_shell, start, unspool, wait_for, write

SCHEMAS = Path(__file__).parents[2] / "schemas"


def report_of(run: str = "latest") -> dict:
    shown = unspool("show", run, "--format", "json")
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def test_a_run_reports_its_outputs(project: Path):
    write(
        "flow.json",
        {
            "one": {"run": "echo 20", "outputs": {"n": {"type": "integer", "from": "stdout"}}},
            "two": {
                "depends_on": ["one"],
                "run": ["echo", "${{ tasks.one.outputs.n + 1 }}"],
                "outputs": {"n": {"type": "integer", "from": "stdout"}},
            },
        },
        outputs={"n": "${{ tasks.two.outputs.n }}"},
    )
    assert unspool("run", "flow.json", "--quiet").stdout == "n: 21\n"
    ended = unspool("run", "flow.json", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    jsonschema.validate(report, json.loads((SCHEMAS / "report.schema.json").read_text()))
    assert report["outputs"] == {"n": 21}
    assert [report["tasks"][name]["state"] for name in ("one", "two")] == ["completed", "completed"]
    assert report["actual_critical_path"]["tasks"] == ["one", "two"]
    assert report == {**report_of(report["run"]), "duration_s": report["duration_s"]}


def test_progress_goes_to_stderr_and_one_line_a_change(project: Path):
    write(
        "flow.json",
        {
            "a": {"run": ["true"]},
            "b": {"run": ["false"], "depends_on": ["a"]},
            "c": {"run": ["true"], "depends_on": ["b"]},
        },
    )
    ended = unspool("run", "flow.json")
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "a: running",
        "a: completed",
        "b: running",
        "b: failed (exit_code): exit code 1",
        "c: cancelled (dependency_failed)",
    ]
    assert "test" in ended.stdout
    assert "1 failed, 1 completed, 1 cancelled" in ended.stdout


def test_a_failure_shows_the_tail_of_its_output_without_control_characters(project: Path):
    write("flow.json", {"a": {"run": "printf 'one\\033[2Jtwo\\n' >&2; exit 3"}})
    ended = unspool("run", "flow.json", "--quiet")
    assert ended.returncode == 1
    assert ended.stderr == ""
    assert "| onetwo" in ended.stdout
    assert "\x1b" not in ended.stdout


def test_ndjson_streams_events(project: Path):
    write("flow.json", {"a": {"run": ["true"]}})
    ended = unspool("run", "flow.json", "--format", "ndjson", "--quiet")
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    told = [event["event"] for event in events if event["event"] != "AttemptStarted"]  # a slow start is told by itself
    assert told == ["RunStarted", "TaskAdmitted", "AttemptEnded"]
    changes = [change for event in events for change in event["changes"]]
    assert changes == [{"task": "a", "state": state, "reason": None} for state in ("ready", "running", "completed")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nothing.yaml"], "cannot read nothing.yaml: No such file or directory"),
        (["run", "."], "a document's name ends in"),
        (["run", "flow.json", "-i", "who"], "-i who: write it as name=value"),
        (["run", "flow.json", "-i", "whom=x"], "whom"),
        (["run", "flow.json", "-i", "count=many"], "count"),
        (["run", "flow.json", "--workers", "0"], "--workers"),
        (["show", "nothing"], "no run 'nothing'"),
        (["logs", "nothing", "a"], "no run 'nothing'"),
        (["resume", "nothing"], "no run 'nothing'"),
        (["cancel", "nothing"], "no run 'nothing'"),
        (["schema", "nothing"], "nothing"),
        (["chekc", "flow.json"], "did you mean `check`?"),
    ],
)
def test_a_wrong_call_ends_with_2_and_says_what_to_do(project: Path, arguments: list[str], said: str):
    inputs = {"who": {"type": "string", "default": "x"}, "count": {"type": "integer", "default": 1}}
    write("flow.json", {"a": {"run": ["echo", "${{ inputs.who }}", "${{ inputs.count }}"]}}, inputs=inputs)
    ended = unspool(*arguments)
    assert ended.returncode == 2, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_limit_ends_with_3(project: Path):
    write("flow.json", {name: {"run": ["true"]} for name in "abc"}, limits={"max_tasks": 2})
    ended = unspool("run", "flow.json")
    assert ended.returncode == 3, ended.stderr
    assert "max_tasks" in ended.stderr


def test_abort_and_skip(project: Path):
    write("flow.json", {"a": {"run": ["false"], "on_failure": "abort"}, "b": {"run": ["sleep", "30"]}})
    ended = unspool("run", "flow.json", "--format", "json", "-q")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["tasks"]["b"]["reason"] == "run_aborted"
    write("flow.json", {"a": {"run": ["false"], "on_failure": "skip"}, "b": {"run": ["true"], "depends_on": ["a"]}})
    assert unspool("run", "flow.json").returncode == 0


def test_retry_timeout_and_exit_code_filters(project: Path):
    script = 'echo x >> tries; [ "$(wc -l < tries)" -ge 3 ] || exit 75'
    retry = {"max_attempts": 5, "strategy": "immediate", "on": [{"exit_code": [75]}]}
    write(
        "flow.json",
        {
            "a": {"run": script, "retry": retry},
            "slow": {"run": ["sleep", "30"], "timeout": "200ms", "on_failure": "skip"},
        },
    )
    ended = unspool("run", "flow.json", "--format", "json", "-q")
    assert ended.returncode == 0, ended.stderr
    tasks = json.loads(ended.stdout)["tasks"]
    assert tasks["a"]["attempts"] == 3
    assert (tasks["slow"]["state"], tasks["slow"]["reason"]) == ("failed", "timeout")
    assert tasks["slow"]["running_s"] < 5


def test_python_tasks(project: Path):
    Path("steps.py").write_text(
        "async def add(a, b):\n    return {'sum': a + b}\n\nasync def fail():\n    raise ValueError('no')\n"
    )
    tasks = {
        "add": {"python": "steps:add", "with": {"a": 1, "b": 2}, "outputs": {"sum": {"type": "integer"}}},
        "fail": {"python": "steps:fail", "on_failure": "skip"},
    }
    write("flow.json", tasks, outputs={"sum": "${{ tasks.add.outputs.sum }}"})
    ended = unspool("run", "flow.json", "--format", "json", "-q")
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["outputs"] == {"sum": 3}
    assert report["tasks"]["fail"]["error"] == {"class": "exception", "message": "ValueError: no"}
    assert "ValueError: no" in unspool("logs", "latest", "fail").stderr


def test_ctrl_c_ends_the_tree_and_the_run(project: Path):
    write("flow.json", {"a": {"run": "sleep 31.417 & sleep 31.417"}, "b": {"run": ["true"], "depends_on": ["a"]}})
    engine = start("run", "flow.json")
    wait_for(lambda: len(alive("31.417")) >= 2)
    engine.send_signal(signal.SIGINT)
    out, err = engine.communicate(timeout=20)
    assert engine.returncode == 130, err
    assert "cancelled (interrupted)" in out
    assert "Traceback" not in err
    assert alive("31.417") == []
    assert report_of()["tasks"]["b"]["state"] == "cancelled"


def test_a_second_ctrl_c_does_not_wait_for_the_grace(project: Path):
    write("flow.json", {"a": {"run": "trap '' TERM; while :; do sleep 0.05; done # 27182", "grace": "1h"}})
    engine = start("run", "flow.json")
    wait_for(lambda: bool(alive("27182")))
    wait_for(lambda: "AttemptStarted" in unspool("show", "latest", "--events").stdout)
    engine.send_signal(signal.SIGINT)
    wait_for(lambda: "CancelRequested" in unspool("show", "latest", "--events").stdout)
    engine.send_signal(signal.SIGINT)
    engine.communicate(timeout=20)
    assert engine.returncode == 130
    assert alive("27182") == []


def test_sigterm_ends_a_run(project: Path):
    write("flow.json", {"a": {"run": ["sleep", "29.317"]}})
    engine = start("run", "flow.json")
    wait_for(lambda: bool(alive("29.317")))
    engine.terminate()
    engine.communicate(timeout=20)
    assert engine.returncode == 130
    assert alive("29.317") == []


def test_cancel_from_another_process(project: Path):
    write(
        "flow.json",
        {
            "a": {"run": ["sleep", "33.117"]},
            "b": {"run": ["sleep", "33.117"]},
            "c": {"run": ["true"], "depends_on": ["a"]},
        },
    )
    engine = start("run", "flow.json")
    wait_for(lambda: len(alive("33.117")) == 2)
    one = unspool("cancel", "latest", "a")
    assert one.returncode == 0, one.stderr
    wait_for(lambda: report_of()["tasks"]["c"]["state"] == "cancelled")
    assert report_of()["tasks"]["b"]["state"] == "running"
    assert unspool("cancel", "latest").returncode == 0
    engine.communicate(timeout=20)
    assert engine.returncode == 4
    again = unspool("cancel", "latest")
    assert again.returncode == 2
    assert "is cancelled already" in again.stderr


def test_a_killed_engine_leaves_nothing_and_resume_goes_on(project: Path):
    tasks = {
        "first": {"run": "echo first >> ran"},
        "second": {"run": "echo second >> ran; [ -e go ] || sleep 37.217", "depends_on": ["first"]},
        "third": {"run": "echo third >> ran", "depends_on": ["second"]},
    }
    write("flow.json", tasks)
    engine = start("run", "flow.json")
    wait_for(lambda: bool(alive("37.217")))
    engine.kill()
    engine.communicate(timeout=20)
    wait_for(lambda: not alive("37.217"))
    listed = json.loads(unspool("ls", "--format", "json").stdout)
    assert [(run["state"], run["abandoned"]) for run in listed] == [("running", True)]
    assert "unspool resume" in unspool("show", "latest").stdout
    Path("go").touch()
    resumed = unspool("resume", "latest")
    assert resumed.returncode == 0, resumed.stderr
    assert "1 finished tasks stay, 1 that were under way run again (second)" in resumed.stderr
    assert Path("ran").read_text().split() == ["first", "second", "second", "third"]
    report = report_of()
    assert report["state"] == "completed"
    assert report["tasks"]["second"]["attempts"] == 1
    again = unspool("resume", "latest")
    assert again.returncode == 0
    assert "nothing to do" in again.stderr


def test_cancel_ends_a_run_that_nobody_works_on(project: Path):
    write("flow.json", {"a": {"run": ["sleep", "39.517"]}})
    engine = start("run", "flow.json")
    wait_for(lambda: bool(alive("39.517")))
    engine.kill()
    engine.communicate(timeout=20)
    ended = unspool("cancel", "latest")
    assert ended.returncode == 0, ended.stderr
    assert report_of()["state"] == "cancelled"


def test_a_run_that_is_being_worked_on_cannot_be_resumed(project: Path):
    write("flow.json", {"a": {"run": ["sleep", "34.819"]}})
    engine = start("run", "flow.json")
    wait_for(lambda: bool(alive("34.819")))
    refused = unspool("resume", "latest")
    assert refused.returncode == 2
    assert "another unspool process" in refused.stderr
    engine.terminate()
    engine.communicate(timeout=20)


def test_full_durability_is_what_sqlite_says(project: Path):
    write("flow.json", {"a": {"run": ["true"]}})
    assert unspool("run", "flow.json").returncode == 0
    journal = next((project / ".unspool" / "journals").glob("*/journal.db"))
    with sqlite3.connect(journal) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
    assert oct((project / ".unspool").stat().st_mode & 0o777) == "0o700"


def test_a_damaged_journal_is_one_error(project: Path):
    write("flow.json", {"a": {"run": ["true"]}})
    assert unspool("run", "flow.json").returncode == 0
    journal = next((project / ".unspool" / "journals").glob("*/journal.db"))
    with sqlite3.connect(journal) as database:
        database.execute("UPDATE event SET body = replace(body, '1', '2') WHERE seq = 2")
    database.close()
    shown = unspool("show", "latest")
    assert shown.returncode == 2
    assert "event 2 does not fit its checksum" in shown.stderr
    assert "Traceback" not in shown.stderr
    journal.write_bytes(journal.read_bytes()[:4096] + b"x" * 8192)
    assert unspool("run", "flow.json").returncode == 0
    listed = unspool("ls", "--format", "json")
    assert listed.returncode == 1, "damage is loud"
    assert listed.stderr.count("cannot be read") == 1
    assert [run["state"] for run in json.loads(listed.stdout)] == ["completed"], "it hides no others"


def test_a_closed_output_is_no_error(project: Path):
    write("flow.json", {f"t{number}": {"run": ["true"]} for number in range(30)})
    read, write_end = os.pipe()
    os.close(read)

    from tests.e2e.command import UNSPOOL

    ended = subprocess.run([*UNSPOOL, "run", "flow.json"], stdout=write_end, stderr=write_end, check=False, timeout=60)
    os.close(write_end)
    assert ended.returncode == 0
    assert report_of()["state"] == "completed"


def test_two_runs_side_by_side(project: Path):
    write("flow.json", {"a": {"run": ["sleep", "0.3"]}})
    engines = [start("run", "flow.json") for _ in range(3)]
    assert [engine.wait(timeout=30) for engine in engines] == [0, 0, 0]
    for engine in engines:
        engine.communicate()
    listed = json.loads(unspool("ls", "--format", "json").stdout)
    assert len(listed) == 3
    assert listed == sorted(listed, key=lambda run: run["started_at"], reverse=True)


def test_a_journal_of_another_version_is_believed_with_a_warning(project: Path):
    """Two journals cut behind the first admission, one with other commands, one with another version besides."""
    write("flow.json", {"a": {"run": ["true"]}, "b": {"run": ["true"], "depends_on": ["a"]}})
    for version, code in (("0.1.0", 2), ("0.0.9", 0)):
        assert unspool("run", "flow.json").returncode == 0
        journal = max((project / ".unspool" / "journals").glob("*/journal.db"))
        with sqlite3.connect(journal) as database:
            database.execute("DELETE FROM event WHERE seq > 2")
            database.execute("UPDATE run SET state = 'running', completed_at = NULL")
            database.execute("UPDATE event SET commands = 'start:9:9' WHERE seq = 2")
            database.execute("UPDATE event SET body = replace(body, '\"0.1.0\"', ?) WHERE seq = 1", (f'"{version}"',))
            link = 0
            for row in database.execute(
                "SELECT seq, run, epoch, kind, body, commands FROM event ORDER BY seq"
            ).fetchall():
                seq, run, epoch, kind, body, commands = row
                link = zlib.crc32(f"{seq} {run} {epoch} {kind}\n{body}\n{commands}".encode(), link)
                database.execute("UPDATE event SET chain = ? WHERE seq = ?", (link, seq))
        database.close()
        resumed = unspool("resume", "latest")
        assert resumed.returncode == code, resumed.stderr
        assert "recorded 'start:9:9', now 'start:0:1'" in resumed.stderr
        assert ("another version, whose decisions stand" in resumed.stderr) is (code == 0)


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["run flow.json", "show latest", "logs latest a", "ls", "check flow.json"])
def test_a_closed_stream_harms_nothing(project: Path, command: str, closed: str):
    write("flow.json", {"a": {"run": "echo a; sleep 0.01"}, "b": {"run": "echo b > b", "depends_on": ["a"]}})
    assert unspool("run", "flow.json", "-q").returncode == 0
    Path("b").unlink()
    ended = by_shell(f"unspool {command} {closed}")
    assert ended.returncode == 0
    assert "Traceback" not in ended.stderr
    if command.startswith("run"):
        assert Path("b").exists()


@pytest.mark.parametrize("command", ["show latest", "logs latest a", "ls", "--help"])
def test_a_full_disk_at_standard_output_is_told(project: Path, command: str):
    write("flow.json", {"a": {"run": "echo a"}})
    assert unspool("run", "flow.json", "-q").returncode == 0
    ended = by_shell(f"unspool {command} > /dev/full")
    assert ended.stderr == "unspool: cannot write to standard output: No space left on device\n"
    assert ended.returncode == 1


def test_a_report_that_cannot_be_written_leaves_the_verdict(project: Path):
    write("flow.json", {"a": {"run": "echo a"}})
    ended = by_shell("unspool run flow.json > /dev/full")
    assert "cannot write the report: No space left on device" in ended.stderr
    assert ended.returncode == 0


def test_a_folder_that_is_gone_is_told(project: Path):
    gone = project / "gone"
    gone.mkdir()
    own = {name: value for name, value in os.environ.items() if name != "UNSPOOL_HOME"}
    ended = by_shell("cd gone && rmdir ../gone && unspool ls", env=own)
    assert ended.stderr == "unspool: the folder we are in is gone; `cd` to one that is there\n"
    assert ended.returncode == 2


def test_a_journal_that_lost_its_runs_is_not_passed_over(project: Path):
    write("flow.json", {"a": {"run": "echo a"}})
    assert unspool("run", "flow.json", "-q").returncode == 0
    (folder,) = (project / ".unspool" / "journals").iterdir()
    file = folder / "journal.db"
    content = file.read_bytes()
    file.write_bytes(b"")
    ended = unspool("ls")
    assert ended.returncode == 1
    assert f"{folder} holds no run that can be read" in ended.stderr
    file.unlink()
    assert f"{folder} holds no run that can be read" in unspool("ls").stderr
    file.write_bytes(content)
    connection = sqlite3.connect(file)
    connection.execute("delete from event where seq > 2")
    connection.commit()
    connection.close()
    for command in ("show", "resume"):
        ended = unspool(command, "latest")
        assert ended.returncode == 2
        assert "listed as completed, but its events end before" in ended.stderr


def test_a_run_that_fails_in_its_environment_says_why(project: Path):
    write(
        "flow.json",
        {"a": {"run": ["true"]}},
        inputs={"z": {"type": "integer", "default": 0}},
        env={"A": "${{ 1 // inputs.z }}"},
    )
    ended = unspool("run", "flow.json")
    assert ended.returncode == 1
    assert "env: A: `//` by 0" in ended.stdout
    assert "env: A: `//` by 0" in unspool("show", "latest").stdout
    assert json.loads(unspool("show", "latest", "--format", "json").stdout)["error"]["class"] == "expression_error"


def test_a_task_cancelled_by_a_person_leaves_the_run_cancelled(project: Path):
    write("flow.json", {"a": {"run": "sleep 1000"}, "b": {"run": "until [ -e go ]; do sleep 0.02; done"}})
    engine = start("run", "flow.json")
    wait_for(lambda: "2 running" in unspool("show", "latest").stdout)
    wait_for(lambda: unspool("cancel", "latest", "a").returncode == 0)
    Path("go").touch()
    engine.communicate(timeout=20)
    assert engine.returncode == 4


def test_what_blocks_the_engine_itself_can_be_left(project: Path):
    Path("blocking.py").write_text(
        "import time\nasync def f():\n    open('ready', 'w').close()\n    time.sleep(1000)\n"
    )
    write("flow.json", {"a": {"python": "blocking:f"}})
    engine = start("run", "flow.json")
    wait_for(lambda: Path("ready").exists())
    for _ in range(4):
        engine.send_signal(signal.SIGINT)
        select.select([], [], [], 0.1)  # a signal that waits is not delivered twice
    _, errors = engine.communicate(timeout=20)
    assert engine.returncode == 130
    assert "leaving at once; `unspool resume latest` goes on" in errors


def test_what_is_no_plain_file_is_not_waited_for(project: Path):
    os.mkfifo("pipe.yaml")
    Path("endless.yaml").symlink_to("/dev/zero")
    Path("folder.yaml").mkdir()
    for name, said in (("pipe", "is no file"), ("endless", "is no file"), ("folder", "is a folder")):
        ended = unspool("check", f"{name}.yaml")
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"unspool: {name}.yaml {said}")


def test_a_document_beyond_the_limit_is_not_read_whole(project: Path):
    with open("huge.yaml", "wb") as file:
        file.truncate(20 << 30)
    ended = unspool("check", "huge.yaml")
    assert ended.returncode == 2
    assert "larger than 32 MiB" in ended.stderr


def test_of_many_errors_the_first_are_told(project: Path):
    write("many.json", {f"t{number}": {"run": "x", "timout": "3s"} for number in range(1000)})
    told = {unspool("check", "many.json").stderr for _ in range(2)}
    assert len(told) == 1
    assert "task `t48`" in told.pop()


@pytest.mark.parametrize(
    ("name", "text"), [("i.json", '{"n": 1e999}'), ("i.yaml", "n: 1e999"), ("i.toml", "n = 1e999")]
)
def test_a_number_that_nothing_can_hold_is_refused_in_a_file_of_inputs(project: Path, name: str, text: str):
    write("flow.json", {"a": {"run": ["echo", "${{ inputs.n }}"]}}, inputs={"n": {"type": "number"}})
    Path(name).write_text(text)
    ended = unspool("run", "flow.json", "--inputs", name)
    assert ended.returncode == 2
    assert f"{name}:1:" in ended.stderr
    assert "the number 1e999 is too large" in ended.stderr


def test_a_function_makes_the_value_of_a_group(project: Path):
    (project / "totals.py").write_text("def add(results, times):\n    return times * sum(results.values())\n")
    group = {
        "mode": "parallel",
        "tasks": {"a": {"run": "echo 2"}, "b": {"run": "echo 3"}},
        "aggregate": {"reduce": {"python": "totals:add", "with": {"times": 10}}},
    }
    outputs = {"sum": {"type": "integer", "from": "json"}}
    write("flow.json", {"g": {"group": group, "outputs": outputs}}, outputs={"sum": "${{ tasks.g.outputs.sum }}"})
    ended = unspool("run", "flow.json", "-q")
    assert (ended.returncode, ended.stdout) == (0, "sum: 50\n"), ended.stderr
    (project / "totals.py").write_text("def add(results, times):\n    raise ValueError('no sums today')\n")
    ended = unspool("run", "flow.json")
    assert ended.returncode == 1
    assert "no sums today" in ended.stdout

"""The kind `run`: what a process is given, how its end is told, and what cannot be started."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.attempts import Processes, wait_for_ends
from unspool.errors import JournalError, SpawnError
from unspool.tasks import sweep

PYTHON = sys.executable


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    processes = Processes(tmp_path / "journal")
    yield processes
    processes.close()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()


def python(processes: Processes, code: str, **more: Any) -> Any:
    """Run Python code as a task and give the JSON that it printed."""
    more.setdefault("env", {})
    end = processes.run([PYTHON, "-c", f"import json, os, signal, sys\n{code}"], **more)
    assert end.error is None, processes.log("err")
    return json.loads(processes.log() or b"null")


def write_program(path: Path, text: str | bytes, mode: int = 0o755) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


# -- output ---------------------------------------------------------------------------------------


def test_output_goes_to_files_byte_by_byte(processes: Processes):
    data = bytes(range(256)) * 300
    code = "import sys; d = bytes(range(256)) * 300; sys.stdout.buffer.write(d); sys.stderr.buffer.write(d[::-1])"
    end = processes.run([PYTHON, "-c", code])
    assert end.error is None
    assert processes.log("out") == data
    assert processes.log("err") == data[::-1]


def test_streams_are_kept_apart(processes: Processes):
    processes.run("echo out; echo err >&2; printf 'no newline'")
    assert processes.log("out") == b"out\nno newline"
    assert processes.log("err") == b"err\n"


def test_who_writes_nothing_leaves_no_file(processes: Processes):
    processes.run(["true"])
    processes.run("echo only out")
    assert sorted(path.name for path in (processes.folder / "logs" / "r").iterdir()) == ["a.2.out"]


def test_what_one_attempt_wrote_is_not_in_the_next(processes: Processes):
    for number in range(1, 6):
        processes.run(f"echo {number}" if number % 2 else "echo oops >&2")
        assert processes.log("out") == (f"{number}\n".encode() if number % 2 else None)
    assert processes.log("out", 1) == b"1\n"


@pytest.mark.parametrize(("held", "closed"), [(1, 2), (2, 1)])
def test_what_one_attempt_left_behind_does_not_write_into_the_next(
    processes: Processes, tmp_path: Path, held: int, closed: int
):
    """A process that has left the session may live on for a moment, with the files of an attempt that is over."""
    os.mkfifo(tmp_path / "go")
    late = f"exec {closed}>&-; : > ready; read word < go; echo late >&{held}; : > done"
    processes.run(f"setsid sh -c '{late}' & until [ -e ready ]; do sleep 0.01; done", tmp_path)
    processes.run("echo > go; until [ -e done ]; do sleep 0.01; done", tmp_path)
    assert (processes.log("out"), processes.log("err")) == (None, None)
    assert processes.log("out" if held == 1 else "err", 1) == b"late\n"


def test_attempts_at_once_write_to_files_of_their_own(processes: Processes):
    for _ in range(8):
        processes.start('for i in 1 2 3; do echo "$UNSPOOL_ATTEMPT_ID"; done')
    wait_for_ends(processes.reactor, processes.sink, 8)
    for attempt in range(1, 9):
        assert processes.log("out", attempt) == f"r.{attempt}\n".encode() * 3


def test_logs_are_for_their_owner_only(processes: Processes):
    processes.run("echo secret")
    folder = processes.folder / "logs" / "r"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "a.1.out").stat().st_mode & 0o777 == 0o600
    assert (processes.folder / "slots").stat().st_mode & 0o777 == 0o700


def test_output_is_there_while_it_is_written(processes: Processes):
    record = processes.start("echo early; while :; do sleep 0.02; done")
    out = Path(record["out"])
    while not out.read_bytes():
        processes.reactor.wait(0.01)
    assert out.read_bytes() == b"early\n"
    processes.kind.stop("r", 1, "forced")
    wait_for_ends(processes.reactor, processes.sink)
    assert processes.log() == b"early\n"


# -- ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 1, 2, 75, 126, 127, 128, 130, 255])
def test_an_exit_code_is_told_as_it_was(processes: Processes, code: int):
    end = processes.run(f"exit {code}")
    assert end.result == {"exit_code": code}
    assert end.error == (None if code == 0 else {"class": "exit_code", "message": f"exit code {code}"})


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGINT", "SIGHUP", "SIGUSR1", "SIGPIPE"])
def test_a_signal_is_told_by_its_name(processes: Processes, name: str):
    end = processes.run(f"kill -{name.removeprefix('SIG')} $$")
    assert end.error == {"class": "signal", "message": f"ended by {name}"}
    assert end.result == {"exit_code": 128 + getattr(signal, name)}


def test_a_signal_without_a_name_is_told_by_its_number(processes: Processes):
    end = processes.run(f"kill -{signal.SIGRTMIN + 3} $$")
    assert end.error == {"class": "signal", "message": f"ended by signal {signal.SIGRTMIN + 3}"}


def test_a_stopped_process_hears_a_polite_stop(processes: Processes, tmp_path: Path):
    trap = f"trap 'echo bye; exit 3' TERM; : > {tmp_path}/ready; kill -STOP $$; while :; do sleep 0.02; done"
    record = processes.start(trap)
    while b") T " not in Path(f"/proc/{record['pid']}/stat").read_bytes():
        processes.reactor.wait(0.01)
    processes.kind.stop("r", 1, "polite")
    assert wait_for_ends(processes.reactor, processes.sink)[0].result == {"exit_code": 3}
    assert processes.log() == b"bye\n"


def test_when_the_end_of_a_stopped_attempt_is_told_nothing_of_it_runs(processes: Processes, tmp_path: Path):
    """Here is no guardian that would see to it a little later."""
    processes.start(f"setsid sh -c ': > {tmp_path}/ready; sleep 1000' & wait")
    while not (tmp_path / "ready").exists():
        processes.reactor.wait(0.01)
    processes.kind.stop("r", 1, "polite")
    wait_for_ends(processes.reactor, processes.sink)
    assert sweep.find(os.fsencode(processes.mark)) == {}


def test_a_group_is_signalled_before_its_first_process_is_reaped(processes: Processes, monkeypatch: pytest.MonkeyPatch):
    """Once it is reaped, the system may give its number to a stranger."""
    calls: list[tuple[str, int]] = []
    killpg, wait4 = os.killpg, os.wait4

    def noted_killpg(group: int, number: int) -> None:
        calls.append(("killpg", group))
        killpg(group, number)

    def noted_wait4(pid: int, options: int) -> Any:
        calls.append(("wait4", pid))
        return wait4(pid, options)

    monkeypatch.setattr(os, "killpg", noted_killpg)
    monkeypatch.setattr(os, "wait4", noted_wait4)
    pid = processes.start("sleep 1000 & exit 0")["pid"]
    wait_for_ends(processes.reactor, processes.sink)
    assert calls == [("killpg", pid), ("wait4", pid)]


def test_what_a_process_and_its_children_used_is_counted(processes: Processes):
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    code = f"x = bytearray({own + 100} << 20); sum(range(3_000_000))"
    usage = processes.run(["sh", "-c", f"{PYTHON} -c '{code}'; true"]).usage
    assert usage is not None
    assert 0.01 < usage["cpu_s"] < 60
    assert own + 100 <= usage["memory_peak_mb"] < own + 300


def test_memory_that_cannot_be_told_from_our_own_is_left_out(processes: Processes):
    usage = processes.run(["true"]).usage
    assert usage is not None
    assert usage.keys() == {"cpu_s"}


def test_the_children_of_others_are_not_reaped(processes: Processes):
    import subprocess

    foreign = subprocess.Popen(["sh", "-c", "exit 7"])
    os.waitid(os.P_PID, foreign.pid, os.WEXITED | os.WNOWAIT)
    for _ in range(3):
        processes.run(["true"])
    processes.kind.close()
    assert foreign.wait() == 7


def test_times_enclose_the_process(processes: Processes):
    from unspool.host.clock import WallClock

    before = WallClock().now()
    end = processes.run("sleep 0.05")
    assert end.started_at is not None
    assert before - 0.01 <= end.started_at
    assert 0.04 <= end.at - end.started_at < 10


def test_the_record_names_the_process(processes: Processes):
    record = processes.start("echo $$; sleep 1000")
    assert record["pid"] > 0
    assert Path(f"/proc/{record['pid']}").exists()
    processes.kind.stop("r", 1, "forced")
    wait_for_ends(processes.reactor, processes.sink)
    assert not Path(f"/proc/{record['pid']}").exists(), "it must be reaped"


# -- what a process is given ----------------------------------------------------------------------


def test_no_descriptor_but_three(processes: Processes):
    assert python(processes, "print(json.dumps(sorted(os.listdir('/proc/self/fd'))))")[:3] == ["0", "1", "2"]
    processes.run("ls /proc/self/fd > fds; cat fds")
    assert processes.log() in (b"0\n1\n2\n3\n", b"0\n1\n2\n"), "3 is the folder that ls reads"


def test_no_descriptor_that_the_engine_inherited(tmp_path: Path):
    code = """
import os, sys
from pathlib import Path
from tests.conformance.attempts import Processes
processes = Processes(Path(sys.argv[1]))
processes.run("ls /proc/self/fd; readlink /proc/self/fd/*")
sys.stdout.buffer.write(processes.log())
processes.close()
"""
    import subprocess

    read, write = os.pipe()
    high = os.dup2(write, 77, inheritable=True)
    os.set_inheritable(write, True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, os.getcwd()])}
    ended = subprocess.run(
        [PYTHON, "-c", code, str(tmp_path)], env=environment, pass_fds=(write, high), capture_output=True, check=True
    )
    for descriptor in (read, write, high):
        os.close(descriptor)
    shown = ended.stdout.decode().split()
    assert {name for name in shown if name.isdigit()} <= {"0", "1", "2", "3"}, ended.stdout
    assert not any("pipe:" in name for name in shown)


def test_a_session_and_a_group_of_its_own(processes: Processes):
    shown = python(
        processes,
        "print(json.dumps([os.getpid(), os.getsid(0), os.getpgrp(), os.getppid()]))",
    )
    assert shown[0] == shown[1] == shown[2]
    assert shown[3] == os.getpid()
    assert shown[1] != os.getsid(0)


def test_signals_are_as_a_shell_would_have_them(processes: Processes):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
    try:
        processes.run("grep -E 'Sig(Blk|Ign)' /proc/self/status")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    shown = dict(line.split(":\t") for line in (processes.log() or b"").decode().splitlines())
    assert int(shown["SigBlk"], 16) == 0
    ignored = int(shown["SigIgn"], 16)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT):
        assert not ignored & (1 << (number - 1)), signal.Signals(number).name


def test_a_broken_pipe_ends_a_task_quietly(processes: Processes):
    end = processes.run("yes | head -n 1")
    assert end.error is None
    assert processes.log("out") == b"y\n"
    assert processes.log("err") is None


def test_no_input_by_default(processes: Processes):
    processes.run("readlink /proc/self/fd/0; cat; echo $?")
    assert processes.log() == b"/dev/null\n0\n"


@pytest.mark.parametrize(
    "text", ["", "line\n", "ä\0\r\n\u2028 end", "x" * 300_000, "\udcff\udc80"], ids=lambda text: repr(text)[:20]
)
def test_input_arrives_byte_by_byte(processes: Processes, text: str):
    end = processes.run({"argv": ["cat"], "stdin": text})
    assert end.error is None
    assert (processes.log() or b"") == text.encode("utf-8", "surrogateescape")


def test_the_environment_is_the_hosts_the_documents_and_ours(tmp_path: Path):
    processes = Processes(
        tmp_path / "journal", "mark", {b"PATH": os.environb[b"PATH"], b"HOST": b"\xff", b"BOTH": b"h"}
    )
    action = {"argv": [PYTHON, "-c", SHOW_ENVIRONMENT], "values": {"__value": "ä b"}}
    processes.run(action, env={"BOTH": "task", "OWN": "1"}, number=3, id="name", run="run7")
    shown = json.loads(processes.log(task="name", run="run7") or b"")
    processes.close()
    for noise in ("LC_CTYPE", "__CF_USER_TEXT_ENCODING"):
        shown.pop(noise, None)
    output = shown.pop("UNSPOOL_OUTPUT")
    assert Path(output).is_absolute()
    assert shown == {
        "PATH": os.environ["PATH"],
        "HOST": "\udcff",
        "BOTH": "task",
        "OWN": "1",
        "__value": "ä b",
        "PWD": str(tmp_path / "journal"),
        "UNSPOOL_RUN": "run7",
        "UNSPOOL_TASK": "name",
        "UNSPOOL_TASK_KEY": "run7/name",
        "UNSPOOL_ATTEMPT": "3",
        "UNSPOOL_ATTEMPT_ID": "run7.1",
        "UNSPOOL_OWNER": "mark",
    }


SHOW_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def test_a_task_cannot_take_our_names(processes: Processes):
    processes.run('echo "$UNSPOOL_OWNER $UNSPOOL_TASK"', env={"UNSPOOL_OWNER": "mine", "UNSPOOL_TASK": "other"})
    assert processes.log() == f"{processes.mark} a\n".encode()


def test_arguments_arrive_as_they_are(processes: Processes):
    arguments = ["", " ", "ä", "$HOME", "`id`", '"', "'", "\n", "\\", "*", "-n", "\udcff"]
    assert python(processes, "print(json.dumps(sys.argv[1:]))") == []
    end = processes.run([PYTHON, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *arguments])
    assert end.error is None
    assert json.loads(processes.log() or b"") == arguments


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_script_ends_at_the_first_failure(processes: Processes, shell: str):
    end = processes.run({"script": "echo before\nfalse\necho after\n", "shell": shell})
    assert end.result == {"exit_code": 1}
    assert processes.log() == b"before\n"


def test_a_script_reads_no_startup_file_of_the_hosts(tmp_path: Path):
    (tmp_path / "startup").write_text("echo startup\n")
    startup = os.fsencode(tmp_path / "startup")
    processes = Processes(tmp_path, env={b"PATH": os.environb[b"PATH"], b"BASH_ENV": startup})
    try:
        processes.run({"script": "echo own", "shell": "bash"})
        assert processes.log() == b"own\n"
        processes.run({"script": "echo own", "shell": "bash"}, env={"BASH_ENV": str(tmp_path / "startup")})
        assert processes.log() == b"startup\nown\n"
        processes.run(["bash", "-c", "echo own"])
        assert processes.log() == b"startup\nown\n"
    finally:
        processes.close()


def test_bash_fails_with_any_part_of_a_pipe(processes: Processes):
    assert processes.run({"script": "false | cat", "shell": "bash"}).result == {"exit_code": 1}


def test_the_input_of_with_is_a_file(processes: Processes):
    given = {"text": "ä\n", "list": [1, None, {"deep": True}], "big": "x" * 200_000}
    processes.run({"argv": ["sh", "-c", 'cat "$UNSPOOL_INPUT"; stat -c %a "$UNSPOOL_INPUT"'], "with": given})
    *content, mode = (processes.log() or b"").decode().rpartition("\n")[0].rpartition("600")
    assert mode == ""
    assert json.loads(content[0]) == given
    processes.run('echo "${UNSPOOL_INPUT-none}"')
    assert processes.log() == b"none\n"


# -- where it runs --------------------------------------------------------------------------------


def test_the_folder_is_the_tasks_and_ours_stays(processes: Processes, tmp_path: Path):
    before = os.getcwd()
    (tmp_path / "elsewhere ä").mkdir()
    processes.run('pwd; echo "$PWD"', cwd=tmp_path / "elsewhere ä")
    assert (processes.log() or b"").decode().splitlines() == [str(tmp_path / "elsewhere ä")] * 2
    assert os.getcwd() == before
    with pytest.raises(SpawnError):
        processes.start(["no-such-program"], cwd=tmp_path / "elsewhere ä")
    with pytest.raises(SpawnError):
        processes.start(["./no-such-program"], cwd=tmp_path / "elsewhere ä")
    assert os.getcwd() == before


def test_it_starts_where_we_are_too(processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    processes.run("pwd", cwd=tmp_path)
    assert processes.log() == f"{tmp_path}\n".encode()


def test_it_starts_though_our_own_folder_is_gone(processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    processes.run("pwd", cwd=tmp_path)
    assert processes.log() == f"{tmp_path}\n".encode()
    with pytest.raises(SpawnError, match="cannot enter the folder"):
        processes.start(["true"], cwd=gone)
    monkeypatch.chdir(tmp_path)


def test_programs_are_looked_for_on_the_tasks_path(processes: Processes, tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_program(tmp_path / name / "tool", f"#!/bin/sh\necho {name}\n")
    for path, found in [(f"{tmp_path}/one:{tmp_path}/two", b"one\n"), (f"{tmp_path}/two:{tmp_path}/one", b"two\n")]:
        processes.run(["tool"], env={"PATH": path})
        assert processes.log() == found


def test_what_is_not_executable_is_passed_by(processes: Processes, tmp_path: Path):
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    write_program(tmp_path / "one" / "tool", "#!/bin/sh\necho one\n", 0o644)
    (tmp_path / "two" / "tool").mkdir()
    write_program(tmp_path / "three" / "tool", "#!/bin/sh\necho three\n")
    processes.run(["tool"], env={"PATH": f"{tmp_path}/one:{tmp_path}/two:{tmp_path}/nowhere:{tmp_path}/three"})
    assert processes.log() == b"three\n"


@pytest.mark.parametrize("entry", ["bin", "./bin", "", "."])
def test_relative_entries_count_from_the_tasks_folder(processes: Processes, tmp_path: Path, entry: str):
    place = tmp_path / "project" / entry
    place.mkdir(parents=True, exist_ok=True)
    write_program(place / "tool", "#!/bin/sh\necho found\n")
    processes.run(["tool"], cwd=tmp_path / "project", env={"PATH": f"/nowhere:{entry}:{os.environ['PATH']}"})
    assert processes.log() == b"found\n"


def test_a_path_with_a_slash_counts_from_the_tasks_folder(processes: Processes, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    write_program(tmp_path / "bin" / "tool", "#!/bin/sh\necho found\n")
    for name in ("bin/tool", "./bin/tool", str(tmp_path / "bin" / "tool")):
        processes.run([name], cwd=tmp_path, env={"PATH": "/nowhere"})
        assert processes.log() == b"found\n"


def test_a_program_that_a_task_installs_is_found(processes: Processes, tmp_path: Path):
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with pytest.raises(SpawnError):
        processes.start(["fresh"], env=path)
    processes.run("printf '#!/bin/sh\\necho fresh\\n' > fresh; chmod +x fresh", cwd=tmp_path)
    processes.run(["fresh"], env=path)
    assert processes.log() == b"fresh\n"
    (tmp_path / "fresh").unlink()
    with pytest.raises(SpawnError):
        processes.start(["fresh"], env=path)


def test_programs_are_found_without_a_path(tmp_path: Path):
    processes = Processes(tmp_path / "journal", env={})
    assert processes.run(["true"]).error is None
    processes.close()


# -- what cannot be started -----------------------------------------------------------------------


def refusal(processes: Processes, action: Any, cwd: Path | str | None = None, **more: Any) -> str:
    """Give the message of a refusal; it must leave nothing and harm nobody."""
    with pytest.raises(SpawnError) as refused:
        processes.start(action, cwd, **more)
    assert processes.sink.heard == []
    return str(refused.value)


def test_no_such_program_is_named_with_the_path(processes: Processes):
    said = refusal(processes, ["no-such-program"], env={"PATH": "/one:/two"})
    assert said == "cannot start 'no-such-program': no such program on the task's PATH (/one:/two)"


def test_no_such_file_is_named_with_the_folder(processes: Processes, tmp_path: Path):
    said = refusal(processes, ["./tool"], tmp_path)
    assert (
        said
        == f"cannot start './tool' (./tool): no such file; a path counts from the task's folder, which is {tmp_path}"
    )


def test_what_is_not_executable_is_named_with_the_cure(processes: Processes, tmp_path: Path):
    tool = write_program(tmp_path / "tool", "#!/bin/sh\n", 0o644)
    cure = "it is not executable; `chmod +x` makes it so"
    assert refusal(processes, [str(tool)]) == f"cannot start '{tool}' ({tool}): {cure}"
    assert refusal(processes, ["tool"], env={"PATH": str(tmp_path)}) == f"cannot start 'tool' ({tool}): {cure}"


def test_a_folder_is_no_program(processes: Processes, tmp_path: Path):
    (tmp_path / "tool").mkdir()
    assert refusal(processes, ["./tool"], tmp_path) == "cannot start './tool' (./tool): it is a folder"


@pytest.mark.parametrize("content", [b"echo hello\n", b"\x7fELF but not really", b"\0\1\2"])
def test_a_program_without_a_first_line_is_told_what_it_lacks(processes: Processes, tmp_path: Path, content: bytes):
    tool = write_program(tmp_path / "tool", content)
    assert refusal(processes, [str(tool)]).endswith("it is no program; give it a first line such as `#!/bin/sh`")


def test_a_missing_interpreter_is_told_from_a_missing_file(processes: Processes, tmp_path: Path):
    write_program(tmp_path / "tool", "#!/no/such/interpreter\n")
    said = refusal(processes, ["./tool"], tmp_path)
    assert said.startswith("cannot start './tool' (./tool): the interpreter its first line names does not exist;")


@pytest.mark.parametrize("kind", ["missing", "file", "nul"])
def test_a_folder_that_cannot_be_entered_is_named(processes: Processes, tmp_path: Path, kind: str):
    (tmp_path / "file").write_text("")
    folder = {"missing": f"{tmp_path}/missing", "file": f"{tmp_path}/file", "nul": f"{tmp_path}/\0"}[kind]
    said = refusal(processes, ["true"], folder)
    assert said.startswith(f"cannot enter the folder {folder!r}: ")
    assert said.endswith("; check `cwd`")


def test_arguments_that_are_too_long_are_told_where_to_go(processes: Processes):
    for action in (["true", "x" * 200_000], ["true", *(["x" * 1000] * 5000)]):
        said = refusal(processes, action)
        assert said.startswith("cannot start 'true' (/")
        assert said.endswith("its arguments and environment are too long; use `stdin` or `with`")


@pytest.mark.parametrize(
    ("action", "more"),
    [
        (["true", "a\0b"], {}),
        (["tr\0ue"], {}),
        (["/bin/tr\0ue"], {}),
        (["true"], {"env": {"NAME": "a\0b"}}),
        (["true"], {"env": {"NA\0ME": "a"}}),
        (["true"], {"env": {"NA=ME": "a"}}),
        (["true"], {"env": {"PATH": "/bin\0"}}),
        (["true", "\ud800"], {}),
        (["true"], {"env": {"NAME": "\ud800"}}),
        ({"argv": ["cat"], "stdin": "\ud800"}, {}),
        ({"script": "true", "shell": "sh", "values": {"__v": "\ud800"}}, {}),
        ([], {}),
        ([""], {}),
    ],
    ids=repr,
)
def test_what_no_process_can_be_given_is_refused(processes: Processes, action: Any, more: dict[str, Any]):
    before = len(os.listdir("/proc/self/fd"))
    said = refusal(processes, action, **more)
    assert said.startswith("cannot start ")
    processes.run("echo still works")
    assert processes.log() == b"still works\n"
    assert len(os.listdir("/proc/self/fd")) <= before + 6  # three files of the slot, and no more each time


def test_refusals_keep_no_descriptors(processes: Processes):
    def refuse() -> int:
        for action in (["no-such-program"], ["true", "\0"], {"argv": ["cat"], "stdin": "\ud800"}):
            refusal(processes, action)
        return len(os.listdir("/proc/self/fd"))

    assert len({refuse() for _ in range(10)}) == 1


def test_too_few_descriptors_is_a_refusal(processes: Processes):
    processes.run(["true"])
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir("/proc/self/fd"))
    processes.start("sleep 1000")
    try:
        for room in range(8):
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + room, limit[1]))
            try:
                processes.start(["true"])
            except SpawnError as refused:
                assert "Too many open files" in str(refused)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    processes.kind.stop("r", 2, "forced")
    wait_for_ends(processes.reactor, processes.sink, len(processes.kind._live) + len(processes.sink.heard))
    assert processes.run("echo still works").error is None


# -- when a task takes things apart ---------------------------------------------------------------


def test_a_task_that_removes_its_own_output_harms_nobody(processes: Processes):
    end = processes.run('echo lost; rm "$(readlink /proc/$$/fd/1)" "$(readlink /proc/$$/fd/2)"')
    assert end.error is None
    assert processes.log() is None
    processes.run("echo kept")
    assert processes.log() == b"kept\n"
    processes.run("echo kept too >&2")
    assert processes.log("err") == b"kept too\n"


def test_a_task_that_removes_the_whole_state_harms_nobody(processes: Processes):
    end = processes.run(f"echo lost; rm -rf '{processes.folder}'/*", collect=("stdout",))
    assert end.error is None
    assert end.result is not None
    assert end.result["stdout"] == {"inline": "lost\n"}
    processes.run("echo kept")
    assert processes.log() == b"kept\n"


def test_output_that_cannot_be_kept_is_the_engines_problem(processes: Processes):
    processes.start("echo text; sleep 0.01")
    (processes.folder / "logs").write_text("in the way")
    with pytest.raises(JournalError, match="the output of r/a cannot be kept"):
        wait_for_ends(processes.reactor, processes.sink)


# -- closing --------------------------------------------------------------------------------------


def test_closing_removes_the_output_files(processes: Processes):
    for script in ("echo text", 'echo a=1 > "$UNSPOOL_OUTPUT"', "true"):
        processes.run({"argv": ["sh", "-c", script], "with": {"a": 1}})
    processes.kind.close()
    assert list((processes.folder / "slots").iterdir()) == []
    assert processes.log("out", 1) == b"text\n"


def test_closing_reaps_what_still_runs(processes: Processes):
    pids = [processes.start(script)["pid"] for script in ("sleep 1000", "trap '' TERM; sleep 1000 & wait")]
    processes.kind.close()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert processes.sink.heard == []

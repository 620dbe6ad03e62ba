"""The guardian process: there before the first task, and gone after the last."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from unspool.tasks import sweep
from unspool.tasks.guardian import ProcessGuardian

PATIENCE = 20.0


def mark(tmp_path: Path) -> str:
    return f"guardian.{os.getpid()}.{tmp_path}"


def marked(owner: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "1000"], env={**os.environ, sweep.OWNER.decode(): owner})


def test_it_has_a_session_an_environment_and_descriptors_of_its_own(tmp_path: Path):
    guardian = ProcessGuardian(mark(tmp_path))
    guardian.start()
    pid = guardian._pid
    assert os.getsid(pid) == pid != os.getsid(0)
    wait_until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:3] == [b"-I", b"-S"])
    assert Path(f"/proc/{pid}/environ").read_bytes() == b""
    opened = {link.name: os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    assert opened["0"].startswith("pipe:")
    assert (opened["1"], opened["2"]) == ("/dev/null", "/dev/null")
    assert list(opened.values()).count(opened["0"]) == 1, "it must not hold the other end itself"
    guardian.close()
    assert not Path(f"/proc/{pid}").exists()


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        select.select([], [], [], 0.01)


def test_the_pipe_to_it_is_inherited_by_nobody(tmp_path: Path):
    guardian = ProcessGuardian(mark(tmp_path))
    guardian.start()
    assert not os.get_inheritable(guardian._pipe)
    guardian.close()


def test_closing_ends_what_carries_the_mark_and_nobody_else(tmp_path: Path):
    guardian = ProcessGuardian(mark(tmp_path))
    guardian.start()
    mine, other = marked(mark(tmp_path)), marked("somebody else")
    guardian.close()
    assert mine.wait(PATIENCE) == -signal.SIGKILL
    assert other.poll() is None
    other.kill()
    other.wait()


def test_closing_survives_the_guardians_own_death(tmp_path: Path):
    guardian = ProcessGuardian(mark(tmp_path))
    guardian.start()
    os.kill(guardian._pid, signal.SIGKILL)
    mine = marked(mark(tmp_path))
    guardian.close()
    assert mine.wait(PATIENCE) == -signal.SIGKILL


def test_it_acts_when_the_engine_is_killed(tmp_path: Path):
    code = (
        "import os, signal, subprocess, sys; from unspool.tasks.guardian import ProcessGuardian;"
        "guardian = ProcessGuardian(sys.argv[1]); guardian.start();"
        "subprocess.Popen(['sleep', '1000'], env={**os.environ, 'UNSPOOL_OWNER': sys.argv[1]}, start_new_session=True);"
        "print(guardian._pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [sys.executable, "-c", code, mark(tmp_path)], env=environment, stdout=subprocess.PIPE, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    killed = time.monotonic()
    wait_until(lambda: not sweep.find(os.fsencode(mark(tmp_path))))
    assert time.monotonic() - killed < 2.0
    guardian = int(ended.stdout)
    wait_until(lambda: not is_running(guardian))


def test_named_folders_go_with_a_killed_engine(tmp_path: Path):
    kept, gone = tmp_path / "kept", tmp_path / "gone"
    for folder in (kept, gone / "deep"):
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    (gone / "link").symlink_to(kept)
    code = (
        "import os, signal, sys; from unspool.tasks.guardian import ProcessGuardian;"
        "guardian = ProcessGuardian(sys.argv[1]); guardian.remove_after_death(sys.argv[2]);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, mark(tmp_path), str(gone)]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    wait_until(lambda: not gone.exists())
    assert (kept / "file").exists()


def test_a_folder_cannot_be_named_to_a_guardian_that_is_dead(tmp_path: Path):
    guardian = ProcessGuardian(mark(tmp_path))
    guardian.start()
    os.kill(guardian._pid, signal.SIGKILL)
    wait_until(lambda: not is_running(guardian._pid))
    guardian.remove_after_death(str(tmp_path))
    guardian.close()


def is_running(pid: int) -> bool:
    try:
        return b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False

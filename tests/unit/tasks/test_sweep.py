"""Finding processes by their marks: all that carry them, and nobody else."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from unspool.tasks import sweep

PATIENCE = 20.0


class Herd:
    """Starts processes with marks, and takes them all back."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.owner = f"herd.{os.getpid()}.{time.monotonic_ns()}".encode()

    def start(
        self,
        *argv: str,
        owner: bytes | None = None,
        attempt: bytes | None = None,
        more: dict[bytes, bytes] | None = None,
    ) -> subprocess.Popen[bytes]:
        env = {b"PATH": os.environb[b"PATH"], **(more or {})}
        if owner is not None:
            env[sweep.OWNER] = owner
        if attempt is not None:
            env[sweep.ATTEMPT] = attempt
        process = subprocess.Popen(argv or ("sleep", "1000"), env=env, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def close(self) -> None:
        sweep.end_all(self.owner)
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def herd() -> Iterator[Herd]:
    herd = Herd()
    yield herd
    herd.close()


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        select.select([], [], [], 0.01)


def test_a_process_that_just_executes_its_program_is_seen(herd: Herd):
    for _ in range(200):  # each began so lately that the system may not have laid out its environment
        begun = herd.start(owner=herd.owner)
        assert sweep.marks(begun.pid) == {sweep.OWNER: herd.owner}
        begun.kill()


def test_marks_are_read_from_a_process(herd: Herd):
    process = herd.start(owner=herd.owner, attempt=b"r.7", more={sweep.KEY: b"r/a", b"OTHER": b"x"})
    wait_until(lambda: sweep.marks(process.pid))  # the system shows no environment for a moment while a program starts
    assert sweep.marks(process.pid) == {sweep.OWNER: herd.owner, sweep.ATTEMPT: b"r.7", sweep.KEY: b"r/a"}


def test_who_has_none_or_is_gone_has_no_marks(herd: Herd):
    process = herd.start(attempt=b"r.7")
    assert sweep.marks(process.pid) == {}
    process.kill()
    process.wait()
    assert sweep.marks(process.pid) == {}
    assert sweep.marks(2**22 + 5) == {}


def test_all_of_an_owner_are_found_and_nobody_else(herd: Herd):
    mine = [herd.start(owner=herd.owner) for _ in range(3)]
    herd.start()
    herd.start(owner=herd.owner + b"x")
    herd.start(owner=herd.owner[:-1])
    herd.start(owner=b"")
    herd.start(more={b"NOTE": sweep.OWNER + b"=" + herd.owner})
    lasting = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
    herd.start(*lasting, f"{sweep.OWNER.decode()}={herd.owner.decode()}")
    assert set(sweep.find(herd.owner)) == {process.pid for process in mine}


def test_all_are_ended_and_strangers_live_on(herd: Herd):
    mine = [herd.start(owner=herd.owner, attempt=b"r.%d" % number) for number in range(3)]
    strangers = [herd.start(), herd.start(owner=b"somebody else"), herd.start(attempt=b"r.1")]
    assert sweep.end_all(herd.owner) == 3
    assert [process.wait(PATIENCE) for process in mine] == [-signal.SIGKILL] * 3
    assert [process.poll() for process in strangers] == [None] * 3
    assert sweep.end_all(herd.owner) == 0


def test_those_of_one_attempt_are_ended_alone(herd: Herd):
    one, two = herd.start(owner=herd.owner, attempt=b"r.1"), herd.start(owner=herd.owner, attempt=b"r.12")
    other = herd.start(owner=b"another", attempt=b"r.1")
    assert sweep.end_all(herd.owner, b"r.1") == 1
    assert one.wait(PATIENCE) == -signal.SIGKILL
    assert (two.poll(), other.poll()) == (None, None)


@pytest.mark.parametrize("trap", ["trap '' TERM HUP INT", "kill -STOP $$"])
def test_nobody_resists(herd: Herd, trap: str):
    process = herd.start("sh", "-c", f"{trap}; while :; do sleep 0.01; done", owner=herd.owner)
    wait_until(lambda: sweep.marks(process.pid))
    sweep.end_all(herd.owner)
    assert process.wait(PATIENCE) == -signal.SIGKILL


def test_who_forks_faster_than_one_looks_is_ended_too(herd: Herd):
    code = "import os, signal\nfor _ in range(100):\n    if os.fork():\n        os._exit(0)\nsignal.pause()"
    for _ in range(3):
        herd.start(sys.executable, "-I", "-S", "-c", code, owner=herd.owner)
    wait_until(lambda: len(sweep.find(herd.owner)) >= 3)
    assert sweep.end_all(herd.owner) >= 3
    wait_until(lambda: not sweep.find(herd.owner))


def test_what_one_look_misses_is_found_by_the_next(herd: Herd, monkeypatch: pytest.MonkeyPatch):
    """A process that forked and went while the list was read: neither it nor its child is in it."""
    herd.start("sleep", "1000", owner=herd.owner)
    wait_until(lambda: sweep.find(herd.owner))
    looks = iter((False, True))
    real = sweep.find
    monkeypatch.setattr(sweep, "find", lambda owner: real(owner) if next(looks, True) else {})
    assert sweep.end_all(herd.owner) == 1
    wait_until(lambda: not real(herd.owner))


def test_who_sweeps_spares_itself(herd: Herd):
    code = "import os, sys; from unspool.tasks import sweep; print(sweep.end_all(os.environb[sweep.OWNER]))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "UNSPOOL_OWNER": herd.owner.decode()}
    herd.start(owner=herd.owner)
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert ended.stdout == b"1\n"


def test_strays_are_those_whose_first_process_is_gone(herd: Herd):
    lasting = herd.start("sh", "-c", "sleep 1000 & wait", owner=herd.owner, attempt=b"r.1")
    gone = herd.start("sh", "-c", "sleep 1000 & :", owner=herd.owner, attempt=b"r.2")
    gone.wait(PATIENCE)
    wait_until(lambda: len(sweep.find(herd.owner)) == 3)
    strays = sweep.strays(herd.owner, os.getpid())
    assert lasting.pid not in strays
    assert {sweep.marks(pid)[sweep.ATTEMPT] for pid in strays} == {b"r.2"}
    assert sweep.strays(b"nobody", os.getpid()) == set()


# -- the guardian itself --------------------------------------------------------------------------


class Guard:
    """The script as the guardian runs it, with the end of the pipe that an engine would hold."""

    def __init__(self, herd: Herd, engine: int | None = None) -> None:
        arguments = [sys.executable, "-I", "-S", sweep.__file__, herd.owner.decode(), str(engine or os.getpid())]
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, env={})
        herd.processes.append(self.process)

    def lose_the_engine(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def is_ready(self) -> bool:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
        return bool(int(ignored.split()[1], 16) & (1 << (signal.SIGTERM - 1)))


def test_the_guardian_ends_all_when_the_engine_is_gone(herd: Herd):
    mine, stranger = [herd.start(owner=herd.owner, attempt=b"r.1") for _ in range(3)], herd.start()
    guard = Guard(herd)
    guard.lose_the_engine()
    assert [process.wait(PATIENCE) for process in mine] == [-signal.SIGKILL] * 3
    assert guard.process.wait(PATIENCE) == 0
    assert stranger.poll() is None


@pytest.mark.slow
def test_the_guardian_lets_living_attempts_be(herd: Herd):
    mine = herd.start(owner=herd.owner, attempt=b"r.1")
    guard = Guard(herd)
    wait_until(guard.is_ready)
    select.select([], [], [], 2.5 * sweep.PERIOD)
    assert mine.poll() is None
    assert guard.process.poll() is None
    guard.lose_the_engine()
    mine.wait(PATIENCE)
    guard.process.wait(PATIENCE)


def test_the_guardian_ends_strays_while_the_engine_lives(herd: Herd):
    gone = herd.start("sh", "-c", "setsid sleep 1000 & :", owner=herd.owner, attempt=b"r.2")
    gone.wait(PATIENCE)
    wait_until(lambda: sweep.find(herd.owner))
    guard = Guard(herd)
    wait_until(lambda: not sweep.find(herd.owner))
    assert guard.process.poll() is None
    guard.lose_the_engine()
    guard.process.wait(PATIENCE)


def test_the_guardian_waits_for_one_that_was_just_beginning(herd: Herd, tmp_path: Path):
    """A process between fork and exec carries no mark yet; the engine may die at that very moment."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    owner = herd.owner.decode()
    late = herd.start("sh", "-c", f"read line < {pipe}; exec env {sweep.OWNER.decode()}={owner} sleep 1000")
    guard = Guard(herd)
    wait_until(guard.is_ready)
    guard.lose_the_engine()
    select.select([], [], [], 0.1)
    pipe.write_text("go\n")
    assert late.wait(PATIENCE) == -signal.SIGKILL
    guard.process.wait(PATIENCE)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE])
def test_the_guardian_is_not_sent_away(herd: Herd, number: int):
    mine = herd.start(owner=herd.owner)
    guard = Guard(herd)
    wait_until(guard.is_ready)
    guard.process.send_signal(number)
    guard.lose_the_engine()
    assert mine.wait(PATIENCE) == -signal.SIGKILL
    assert guard.process.wait(PATIENCE) == 0


def test_the_guardian_needs_almost_nothing():
    code = (
        "import sys; path = sys.argv[1]; before = set(sys.modules);"
        "exec(compile(open(path).read(), path, 'exec'), {'__name__': 'sweep'}); print(*set(sys.modules) - before)"
    )
    command = [sys.executable, "-I", "-S", "-c", code, sweep.__file__]
    modules = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert not modules & {
        "asyncio",
        "dataclasses",
        "inspect",
        "json",
        "logging",
        "pathlib",
        "re",
        "subprocess",
        "typing",
    }
    assert len(modules) <= 20, sorted(modules)

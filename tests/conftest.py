"""What every test gets: a clean environment, a project folder, a look for what was left behind."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every CI run; other ones at every run at home.
settings.register_profile("home", deadline=None, database=None)
settings.register_profile("ci", deadline=None, database=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Share the whole suite among all processors; what somebody names runs here, where a debugger can be."""
    return 0 if config.args_source is config.ArgsSource.ARGS else None


def pytest_sessionstart() -> None:
    """Forget what an outer unspool says to its task: the suite may itself be one."""
    # Hundreds of tests start the engine; without kept bytecode each would compile it anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    for name in [name for name in os.environ if name.startswith("UNSPOOL_")]:
        del os.environ[name]
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]  # the servers that tests start are on this machine
    # Who runs the suite in the background may have had these ignored; children would inherit that.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the current folder and holds its own state."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("UNSPOOL_HOME", str(folder / ".unspool"))
    return folder


@pytest.fixture(autouse=True)
def _nothing_left_behind(request: pytest.FixtureRequest):
    """Fail a test that leaves a child process or an open descriptor; `leaks(reason)` opts out."""
    marker = request.node.get_closest_marker("leaks")
    if marker is not None:
        assert [type(argument) for argument in marker.args] == [str], "leaks() takes the reason as a text"
    if marker is not None or not Path("/proc/self/fd").exists():
        yield
        return
    before = _held()
    yield
    left = _held() - before
    if left:
        gc.collect()  # what only a reference cycle holds is not a leak
        left = _held() - before
    assert not left, f"left behind by this test: {', '.join(sorted(map(_told, left)))}"


def _held() -> set[str]:
    """Give what this process holds: its descriptors, and the children of its threads (asked twice per test: quick)."""
    lists = []
    for thread in os.listdir("/proc/self/task"):
        with suppress(FileNotFoundError), open(f"/proc/self/task/{thread}/children") as file:
            lists += file.read().split()
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)  # the number that the listing itself gets
    held = {f"descriptor {number}" for number in os.listdir("/proc/self/fd") if int(number) != lowest}
    return held | {f"process {pid}" for pid in lists}


def _told(held: str) -> str:
    kind, number = held.split()
    try:
        return f"{held} on {os.readlink(f'/proc/self/fd/{number}')}" if kind == "descriptor" else held
    except FileNotFoundError:
        return held

"""Where state lives, and how a run is found again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from unspool.errors import RunNotFound, UnspoolError
from unspool.host import home
from unspool.journal.sqlite import FILE_NAME, SqliteJournal
from unspool.model.entry import Entry
from unspool.model.events import RunStarted
from unspool.model.plan import Plan
from unspool.model.plan_json import plan_to_json

PLAN = plan_to_json(Plan("flow", ()))


@pytest.fixture(autouse=True)
def _no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNSPOOL_HOME", raising=False)


def make_run(state: Path, run: str, at: float = 1.0, journal: str | None = None) -> Path:
    folder = home.journal_folder(state, journal or run)
    opened = SqliteJournal(folder, home.this_process(), "normal")
    opened.append([Entry(run, RunStarted(at, run, PLAN, {}, 7, {}), ())])
    opened.close()
    return folder


# -- the state folder -----------------------------------------------------------------------------


def test_the_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".unspool").mkdir()
    monkeypatch.setenv("UNSPOOL_HOME", str(tmp_path / "other"))
    assert home.state_folder(tmp_path) == tmp_path / "other"
    monkeypatch.setenv("UNSPOOL_HOME", "~/state")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home.state_folder(tmp_path) == tmp_path / "state"
    monkeypatch.setenv("UNSPOOL_HOME", "state")
    monkeypatch.chdir(tmp_path)
    assert home.state_folder(Path("/")) == tmp_path / "state"
    monkeypatch.setenv("UNSPOOL_HOME", "")
    assert home.state_folder(tmp_path) == tmp_path / ".unspool"


def test_the_nearest_state_folder_is_found_from_below(tmp_path: Path):
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (tmp_path / ".unspool").mkdir()
    (deep / ".git").mkdir()
    assert home.state_folder(deep) == tmp_path / ".unspool"
    (tmp_path / "a" / ".unspool").mkdir()
    assert home.state_folder(deep) == tmp_path / "a" / ".unspool"


def test_a_new_one_lies_at_the_root_of_the_project(tmp_path: Path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert home.state_folder(deep) == deep / ".unspool"
    (tmp_path / ".git").write_text("gitdir: elsewhere")  # a worktree
    assert home.state_folder(deep) == tmp_path / ".unspool"


def test_making_it_keeps_others_and_git_out(tmp_path: Path):
    folder = home.make_state_folder(tmp_path / "x" / ".unspool")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    (folder / ".gitignore").write_text("mine")
    assert home.make_state_folder(folder) == folder
    assert (folder / ".gitignore").read_text() == "mine"


def test_a_new_state_folder_outlives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    home.make_state_folder(tmp_path / ".unspool")
    assert str(tmp_path) in synced


def test_one_that_cannot_be_made_is_one_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / ".unspool"):
        with pytest.raises(UnspoolError, match=r"cannot make the state folder .*; set UNSPOOL_HOME"):
            home.make_state_folder(folder)


# -- who we are -----------------------------------------------------------------------------------


def test_a_process_is_like_no_other():
    code = "from unspool.host import home; print(home.owner_mark(home.this_process()))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    marks = {
        subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(marks) == 2
    assert home.this_process() == home.this_process()
    assert home.owner_mark(home.this_process()).encode() not in marks


def test_a_process_is_told_apart_by_what_the_system_says():
    owner = home.this_process()
    assert owner.pid == os.getpid()
    assert owner.boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    assert owner.started == ticks > 0
    mark = home.owner_mark(owner)
    assert mark == home.owner_mark(owner)
    assert all(str(part) in mark for part in owner)
    assert home.owner_mark(owner._replace(started=ticks + 1)) != mark
    assert "\0" not in mark
    assert " " not in mark


def test_run_ids_sort_by_time_and_do_not_repeat(monkeypatch: pytest.MonkeyPatch):
    ids = {home.new_run_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{9}", run) for run in ids)
    monkeypatch.setattr(home.time, "gmtime", lambda _: (2026, 1, 31, 23, 59, 59, 5, 31, 0))
    early = home.new_run_id()
    monkeypatch.setattr(home.time, "gmtime", lambda _: (2026, 2, 1, 0, 0, 0, 6, 32, 0))
    assert early.startswith("20260131-235959-")
    assert early < home.new_run_id()


# -- finding runs ---------------------------------------------------------------------------------

OLD, MIDDLE, NEW = "20260101-000000-aaaaaa", "20260101-000001-bbbbbb", "20260102-000000-abcdef"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    for at, run in enumerate((OLD, MIDDLE, NEW)):
        make_run(tmp_path, run, float(at))
    return tmp_path


def test_journals_come_newest_first(state: Path, tmp_path: Path):
    (state / "journals" / "20270101-000000-ffffff").mkdir()  # killed before there was a database
    (state / "journals" / "stray file").write_text("")
    assert [folder.name for folder in home.journals(state)] == [NEW, MIDDLE, OLD]
    assert list(home.journals(tmp_path / "nothing")) == []


@pytest.mark.parametrize(
    ("name", "run"),
    [(OLD, OLD), ("20260102", NEW), ("bbbb", MIDDLE), ("bbbbbb", MIDDLE), ("cdef", NEW), ("latest", NEW)],
)
def test_a_run_is_found_by_what_is_unique(state: Path, name: str, run: str):
    if name == "bbbb":
        with pytest.raises(RunNotFound):
            home.find_run(state, "000001-bbbb")  # neither its beginning nor its end
    assert home.find_run(state, name) == (home.journal_folder(state, run), run)


@pytest.mark.parametrize("name", ["20260101", "2026"])
def test_what_fits_several_runs_names_some(state: Path, name: str):
    with pytest.raises(RunNotFound, match=f"'{name}' fits [23] runs .*{MIDDLE}.*; give more of the id"):
        home.find_run(state, name)


@pytest.mark.parametrize("name", ["nothing", "20260101-000000-ffffff", "../journals", "", "*"])
def test_what_fits_none_says_where_it_looked(tmp_path: Path, name: str):
    with pytest.raises(RunNotFound, match=f"no run '{re.escape(name)}' in {tmp_path}; `unspool ls` shows"):
        home.find_run(tmp_path, name)


def test_no_name_at_all_is_no_unique_beginning(state: Path):
    with pytest.raises(RunNotFound):
        home.find_run(state, "")


def test_several_runs_of_one_journal_are_found(tmp_path: Path):
    make_run(tmp_path, "first", journal="shared")
    make_run(tmp_path, "second", journal="shared")
    folder = home.journal_folder(tmp_path, "shared")
    assert home.find_run(tmp_path, "first") == (folder, "first")
    assert home.find_run(tmp_path, "latest") == (folder, "second")


def test_the_latest_is_the_one_that_began_last(tmp_path: Path):
    make_run(tmp_path, "20260101-000000-ffffff", 10.25)
    make_run(tmp_path, "20260101-000000-000000", 10.75)
    assert home.find_run(tmp_path, "latest")[1] == "20260101-000000-000000"


def test_journals_that_cannot_be_read_hide_no_others(state: Path):
    for number, content in enumerate([b"", b"no database" * 100]):
        folder = home.journal_folder(state, f"20270101-00000{number}-eeeeee")
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(content)
    damaged = make_run(state, "20270102-000000-eeeeee", 99.0)
    content = bytearray((damaged / FILE_NAME).read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    (damaged / FILE_NAME).write_bytes(content)
    assert home.find_run(state, "latest")[1] == NEW
    assert home.find_run(state, "bbbbbb")[1] == MIDDLE

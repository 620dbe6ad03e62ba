"""What only the journal on disk can do: lock, fence, sync, and stand damage."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from unspool.errors import JournalDamaged, JournalError, JournalLocked
from unspool.journal import sqlite
from unspool.journal.rows import Owner, Row
from unspool.journal.sqlite import FILE_NAME, LOCK_NAME, SqliteJournal, SqliteReader, is_locked
from unspool.model.commands import FinishRun
from unspool.model.entry import Entry
from unspool.model.events import RunStarted, TimerFired
from unspool.model.plan import Plan, Task
from unspool.model.plan_json import plan_to_json

PLAN = plan_to_json(Plan("flow", (Task(0, "a", "run", {"argv": ["true"]}),)))
OWNER = Owner(1, 2, "boot")
WAL_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096


def started(run: str = "r") -> Entry:
    return Entry(run, RunStarted(1.0, run, PLAN, {}, 7, {}, "/folder"), ())


def fact(at: float, run: str = "r", text: str = "") -> Entry:
    return Entry(run, TimerFired(at, f"timer {at} {text}"), ())


def query(folder: Path, sql: str, *values: Any) -> list[Any]:
    """Talk to the database past the journal."""
    other = apsw.Connection(str(folder / FILE_NAME))
    try:
        return other.execute(sql, values).fetchall()
    finally:
        other.close()


def read_all(folder: Path) -> list[Row]:
    reader = SqliteReader(folder)
    try:
        reader.runs()
        return list(reader.read())
    finally:
        reader.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[SqliteJournal]:
    journal = SqliteJournal(folder, OWNER)
    yield journal
    journal.close()


# -- durability -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("durability", "level"), [("full", 2), ("normal", 1)])
def test_synchronous_reads_back(folder: Path, durability: str, level: int):
    journal = SqliteJournal(folder, OWNER, durability)
    assert journal.synchronous == level
    assert journal._db.pragma("journal_mode") == "wal"
    assert journal._db.pragma("foreign_keys") == 1
    assert journal._db.pragma("trusted_schema") == 0
    assert journal._db.pragma("application_id") == sqlite.APPLICATION_ID
    journal.close()


def test_a_pragma_that_did_not_take_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sqlite.SYNCHRONOUS, "full", 7)  # SQLite makes 3 of it and says nothing
    with pytest.raises(JournalError, match="synchronous=7"):
        SqliteJournal(folder, OWNER)
    assert not is_locked(folder)


def test_folders_that_are_made_are_synced_into_their_parents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[Path] = []

    def fsync(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

    monkeypatch.setattr(os, "fsync", fsync)
    SqliteJournal(tmp_path / "state" / "journals" / "one", OWNER).close()
    assert set(synced) == {tmp_path, tmp_path / "state", tmp_path / "state" / "journals"}
    synced.clear()
    SqliteJournal(tmp_path / "state" / "journals" / "one", OWNER).close()
    assert synced == []


def test_nobody_else_may_look(folder: Path, journal: SqliteJournal):
    journal.append([started()])
    modes = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]}
    assert modes.pop("journal") == 0o700
    assert modes.keys() >= {FILE_NAME, LOCK_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"}
    assert set(modes.values()) == {0o600}


def test_the_mask_of_the_process_is_left_as_it_was(folder: Path):
    before = os.umask(0o022)
    try:
        SqliteJournal(folder, OWNER).close()
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_full_disk_is_one_error_and_writes_nothing(journal: SqliteJournal):
    journal.append([started()])
    journal._db.pragma("max_page_count", journal._db.pragma("page_count"))
    with pytest.raises(JournalError, match=r"journal\.db cannot be written: database or disk is full"):
        journal.append([fact(float(at), text="x" * 1000) for at in range(50)])
    assert [row.seq for row in journal.read()] == [1]
    journal._db.pragma("max_page_count", 1_000_000)
    assert journal.append([fact(2.0)]) == 2


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot make the journal folder"):
        SqliteJournal(tmp_path / "file" / "journal", OWNER)
    with pytest.raises(JournalError, match="cannot make the journal folder"):
        SqliteJournal(tmp_path / "file", OWNER)


def test_a_lock_that_cannot_be_opened_is_one_error(folder: Path):
    (folder / LOCK_NAME).mkdir(parents=True)
    with pytest.raises(JournalError, match="lock"):
        SqliteJournal(folder, OWNER)


# -- one owner ------------------------------------------------------------------------------------


def test_a_second_opener_is_told_which_run_is_taken(folder: Path, journal: SqliteJournal):
    with pytest.raises(JournalLocked, match="another unspool process is working on journal;"):
        SqliteJournal(folder, OWNER)
    journal.append([started()])  # the first one is none the worse for it
    journal.close()
    SqliteJournal(folder, OWNER).close()


def test_who_only_looks_does_not_keep_an_owner_out(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Looking takes the lock for a moment; that is no owner."""
    folder.mkdir()
    looking = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr("time.sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
    SqliteJournal(folder, OWNER).close()
    os.close(looking)


def test_is_locked_tells_whether_somebody_owns_it(folder: Path):
    assert not is_locked(folder)
    journal = SqliteJournal(folder, OWNER)
    assert is_locked(folder)
    journal.close()
    assert not is_locked(folder)


def test_looking_at_the_lock_does_not_take_it(folder: Path, journal: SqliteJournal):
    journal.close()
    assert not is_locked(folder)
    lock = os.open(folder / LOCK_NAME, os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)


def test_the_lock_goes_with_the_process(folder: Path):
    code = (
        "import os, signal, sys; from pathlib import Path; from unspool.journal.rows import Owner;"
        "from unspool.journal.sqlite import SqliteJournal;"
        "journal = SqliteJournal(Path(sys.argv[1]), Owner(1, 2, 'boot')); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(folder)], check=False, env=child_environment())
    assert ended.returncode == -signal.SIGKILL
    assert not is_locked(folder)
    journal = SqliteJournal(folder, OWNER)
    assert journal.epoch == 2
    journal.close()


def child_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_every_opening_is_an_epoch_of_its_own(folder: Path):
    epochs = []
    for pid in (11, 12, 13):
        journal = SqliteJournal(folder, Owner(pid, pid * 10, "boot"))
        journal.append([started() if pid == 11 else fact(float(pid))])
        epochs.append(journal.epoch)
        journal.close()
    assert epochs == [1, 2, 3]
    assert [row.epoch for row in read_all(folder)] == [1, 2, 3]
    reader = SqliteReader(folder)
    assert reader.owner() == Owner(13, 130, "boot")
    reader.close()


def test_who_lost_the_journal_writes_nothing(folder: Path, journal: SqliteJournal):
    journal.append([started()])
    query(folder, "INSERT INTO owner (epoch, pid, started, boot, at) VALUES (2, 9, 9, 'boot', 0)")
    for _ in range(2):
        with pytest.raises(JournalLocked, match="another owner"):
            journal.append([fact(2.0)])
    assert [row.seq for row in read_all(folder)] == [1]
    assert [row.seq for row in journal.read()] == [1]  # it may still read


# -- readers --------------------------------------------------------------------------------------


def test_a_reader_sees_what_is_committed_and_holds_nobody_up(
    folder: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "_PAGE", 3)
    journal.append([started(), *(fact(float(at)) for at in range(2, 9))])
    reader = SqliteReader(folder)
    reading = reader.read("r")
    seen = [next(reading).seq, next(reading).seq]
    for at in range(9, 15):
        journal.append([fact(float(at))])
        seen.append(next(reading).seq)
    busy = journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    assert busy == 0, "a reader between two pages must not hold the WAL"
    seen += [row.seq for row in reading]
    assert seen == list(range(1, 15))
    assert [row.seq for row in reader.read("r", 12)] == [13, 14]
    reader.close()


def test_a_run_that_begins_while_one_reads_has_its_name(
    folder: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "_PAGE", 2)
    journal.append([started("one"), fact(2.0, "one")])
    reader = SqliteReader(folder)
    reading = reader.read()
    names = [next(reading).run]
    journal.append([started("two"), fact(2.0, "two")])
    names += [row.run for row in reading]
    assert names == ["one", "one", "two", "two"]
    reader.close()


def test_a_reader_cannot_write(folder: Path, journal: SqliteJournal):
    reader = SqliteReader(folder)
    with pytest.raises(apsw.ReadOnlyError):
        reader._db.execute("DELETE FROM owner")
    reader.close()


def test_no_journal_is_one_error(folder: Path):
    with pytest.raises(JournalError, match="cannot be read"):
        SqliteReader(folder)
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(b"This is no database, and long enough to be looked at." * 100)
    with pytest.raises(JournalError, match="cannot be read: file is not a database"):
        SqliteReader(folder)
    with pytest.raises(JournalError, match="cannot be used: file is not a database"):
        SqliteJournal(folder, OWNER)
    assert not is_locked(folder)


# -- versions -------------------------------------------------------------------------------------


def test_a_newer_journal_is_refused_by_name(folder: Path):
    SqliteJournal(folder, OWNER).close()
    query(folder, "PRAGMA user_version = 99")
    with pytest.raises(JournalError, match="written by a newer unspool; use that version"):
        SqliteJournal(folder, OWNER)
    assert not is_locked(folder)
    with pytest.raises(JournalError, match="written by a newer unspool; use that version to read it"):
        SqliteReader(folder)
    assert query(folder, "SELECT count(*) FROM owner") == [(1,)], "a refused opener left its mark"


@pytest.mark.parametrize("state", ["empty file", "wal mode only", "folder and lock only"])
def test_a_killed_creation_is_no_run_and_can_be_completed(folder: Path, state: str):
    folder.mkdir(mode=0o700)
    (folder / LOCK_NAME).touch(0o600)
    if state == "empty file":
        (folder / FILE_NAME).touch(0o600)
    elif state == "wal mode only":
        query(folder, "PRAGMA journal_mode = wal")
    if state != "folder and lock only":
        reader = SqliteReader(folder)
        assert reader.runs() == []
        assert reader.owner() is None
        assert list(reader.read()) == []
        assert list(reader.read("r", 5)) == []
        reader.close()
    journal = SqliteJournal(folder, OWNER)
    assert journal.append([started()]) == 1
    journal.close()
    assert [row.run for row in read_all(folder)] == ["r"]


def test_the_schema_and_its_number_come_together(folder: Path):
    SqliteJournal(folder, OWNER).close()
    assert query(folder, "PRAGMA user_version") == [(len(sqlite._migrations()),)]
    tables = query(folder, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    assert [name for name, _ in tables] == ["event", "owner", "run"]
    assert all(sql.rstrip().endswith("STRICT") for _, sql in tables)


# -- damage ---------------------------------------------------------------------------------------


def copy_as_killed(folder: Path, to: Path) -> Path:
    """Copy what a kill would leave: the database and its log, without the index of the log."""
    to.mkdir()
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        if (folder / name).exists():
            shutil.copyfile(folder / name, to / name)
    return to


def fill(folder: Path, commits: int, *, checkpoint: bool) -> tuple[list[Row], list[int]]:
    """Write a journal of two runs; give its rows, and how many there were after each commit."""
    chance = random.Random(20260131)
    journal = SqliteJournal(folder, OWNER)
    sizes = [journal.append([started("one")]), journal.append([started("two")])]
    for number in range(commits):
        text = "".join(chance.choices("abcdefghij", k=chance.randint(0, 400)))
        sizes.append(journal.append([fact(number + i / 10, chance.choice(["one", "two"]), text) for i in range(3)]))
    sizes.append(journal.append([Entry("one", TimerFired(99.0, "end"), (FinishRun("completed", None),))]))
    if checkpoint:
        journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    rows = list(journal.read())
    copy_as_killed(folder, folder.parent / "killed")
    journal.close()
    return rows, sizes


def assert_prefix_then_append(folder: Path, rows: list[Row], sizes: list[int]) -> int:
    """Open what a cut left: a committed prefix; append to it, and read it all once more. Give its length."""
    try:
        journal = SqliteJournal(folder, OWNER)
    except JournalError as problem:
        raise AssertionError(f"a cut log must open: {problem}") from problem
    found = list(journal.read())
    assert [row[:4] for row in found] == [row[:4] for row in rows[: len(found)]]
    assert len(found) in (0, *sizes), "half a commit came back"
    assert journal.append([started("three")]) == len(found) + 1
    journal.close()
    assert [row.seq for row in read_all(folder)] == list(range(1, len(found) + 2))
    return len(found)


def filled(log: bytes) -> int:
    """Give where the frames of a log end: what follows is room, or left from before."""
    end = WAL_HEADER
    while log[end + 8 : end + 16] == log[16:24]:
        end += FRAME_HEADER + PAGE
    return end


def cuts(size: int, count: int, chance: random.Random) -> list[int]:
    """Choose places to cut a log: around the borders of its last 32 frames, and anywhere in them."""
    frame = FRAME_HEADER + PAGE
    first = max(0, size - 32 * frame)
    borders = [
        end + off for end in range(WAL_HEADER, size + 1, frame) if end >= first for off in (-1, 0, 1, FRAME_HEADER)
    ]
    places = {place for place in borders if 0 <= place <= size}
    while len(places) < count:
        places.add(chance.randint(first, size))
    return sorted(chance.sample(sorted(places), count))


def sweep_cuts(tmp_path: Path, count: int, seed: int, commits: int = 12) -> set[int]:
    rows, sizes = fill(tmp_path / "journal", commits, checkpoint=False)
    size = filled((tmp_path / "killed" / f"{FILE_NAME}-wal").read_bytes())
    assert size > 8 * (FRAME_HEADER + PAGE)
    lengths = set()
    for place in cuts(size, count, random.Random(seed)):
        cut = copy_as_killed(tmp_path / "killed", tmp_path / f"cut{place}")
        with (cut / f"{FILE_NAME}-wal").open("r+b") as file:
            file.truncate(place)
        lengths.add(assert_prefix_then_append(cut, rows, sizes))
        shutil.rmtree(cut)
    return lengths


def test_a_log_cut_anywhere_gives_a_committed_prefix(tmp_path: Path):
    lengths = sweep_cuts(tmp_path, 200, 1)
    assert len(lengths) > 8, f"the cuts found only {lengths}"


def test_a_log_that_was_given_room_is_cut_no_other_way(tmp_path: Path):
    lengths = sweep_cuts(tmp_path, 60, 6, commits=sqlite._GROW_AFTER + 8)
    log = (tmp_path / "killed" / f"{FILE_NAME}-wal").read_bytes()
    assert len(log) > filled(log) + 100 * PAGE, "this journal was not given room"
    assert len(lengths) > 8, f"the cuts found only {lengths}"


@pytest.mark.slow
def test_a_log_cut_at_a_thousand_places_gives_a_committed_prefix(tmp_path: Path):
    sweep_cuts(tmp_path, 1000, 2)
    shutil.rmtree(tmp_path / "killed")
    shutil.rmtree(tmp_path / "journal")
    sweep_cuts(tmp_path, 150, 7, commits=600)  # SQLite began this log anew: old frames lie behind the last


def test_a_stale_index_of_the_log_does_no_harm(tmp_path: Path):
    rows, sizes = fill(tmp_path / "journal", 6, checkpoint=False)
    journal = SqliteJournal(tmp_path / "journal", OWNER)
    index = (tmp_path / "journal" / f"{FILE_NAME}-shm").read_bytes()
    journal.close()
    whole = (tmp_path / "killed" / f"{FILE_NAME}-wal").read_bytes()
    for stale in (index, bytes(len(index)), b"\xff" * len(index), b"short"):
        for lost in (0, 1, PAGE, 5 * PAGE):
            killed = copy_as_killed(tmp_path / "killed", tmp_path / "stale")
            (killed / f"{FILE_NAME}-shm").write_bytes(stale)
            (killed / f"{FILE_NAME}-wal").write_bytes(whole[: len(whole) - lost])
            found = assert_prefix_then_append(killed, rows, sizes)
            assert (found == len(rows)) == (lost == 0)
            shutil.rmtree(killed)


def test_a_torn_last_frame_gives_a_committed_prefix(tmp_path: Path):
    rows, sizes = fill(tmp_path / "journal", 6, checkpoint=False)
    whole = (tmp_path / "killed" / f"{FILE_NAME}-wal").read_bytes()
    assert filled(whole) == len(whole)
    for lost in (1, 100, PAGE, PAGE + 10, PAGE + FRAME_HEADER):
        for filler in (b"\0", b"\xff"):
            if whole[-lost:] == filler * lost:
                continue  # that would lose nothing
            torn = copy_as_killed(tmp_path / "killed", tmp_path / "torn")
            (torn / f"{FILE_NAME}-wal").write_bytes(whole[:-lost] + filler * lost)
            assert assert_prefix_then_append(torn, rows, sizes) < len(rows)
            shutil.rmtree(torn)


def look(folder: Path) -> list[Row] | JournalError:
    """Read a damaged journal as a reader does and as an owner does, and append to it."""
    try:
        found = read_all(folder)
        reader = SqliteReader(folder)
        reader.owner()
        reader.close()
        journal = SqliteJournal(folder, OWNER)
        try:
            assert list(journal.read()) == found
            if found:
                journal.append([fact(1.0, found[-1].run)])
        finally:
            journal.close()
    except JournalError as problem:
        return problem
    return found


def sweep_flips(tmp_path: Path, count: int, seed: int, *, checkpoint: bool) -> dict[str, int]:
    """Flip bits one at a time and count what became of each."""
    rows, sizes = fill(tmp_path / "journal", 12, checkpoint=checkpoint)
    name = FILE_NAME if checkpoint else f"{FILE_NAME}-wal"
    whole = (tmp_path / "killed" / name).read_bytes()
    chance = random.Random(seed)
    outcomes = {"loud": 0, "same": 0, "prefix": 0}
    for number in range(count):
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        flipped = copy_as_killed(tmp_path / "killed", tmp_path / f"flip{number}")
        changed = bytearray(whole)
        changed[place] ^= 1 << bit
        (flipped / name).write_bytes(changed)
        found = look(flipped)
        if isinstance(found, JournalError):
            outcomes["loud"] += 1
        else:
            assert found == rows[: len(found)], f"bit {bit} of byte {place}: a row was invented"
            assert checkpoint or len(found) in (0, *sizes), f"bit {bit} of byte {place}: half a commit"
            outcomes["same" if len(found) == len(rows) else "prefix"] += 1
        shutil.rmtree(flipped)
    return outcomes


def test_a_flipped_bit_of_the_database_is_loud_or_harmless(tmp_path: Path):
    outcomes = sweep_flips(tmp_path, 250, 3, checkpoint=True)
    assert outcomes["loud"] > 50
    assert outcomes["prefix"] == 0


def test_a_flipped_bit_of_the_log_is_loud_or_gives_a_committed_prefix(tmp_path: Path):
    outcomes = sweep_flips(tmp_path, 150, 4, checkpoint=False)
    assert outcomes["prefix"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint", [True, False])
def test_two_thousand_flipped_bits(tmp_path: Path, checkpoint: bool):
    sweep_flips(tmp_path, 2000, 5, checkpoint=checkpoint)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE event SET body = replace(body, 'timer', 'Timer') WHERE seq = 5",
        "UPDATE event SET kind = 'AttemptLost' WHERE seq = 5",
        "UPDATE event SET commands = 'release:1' WHERE seq = 5",
        "UPDATE event SET chain = chain + 1 WHERE seq = 5",
        "UPDATE event SET epoch = epoch + 1 WHERE seq = 5",
        "UPDATE event SET run = 3 - run WHERE seq = 5",
        "DELETE FROM event WHERE seq = 5",
        "UPDATE event SET seq = 1000 WHERE seq = (SELECT max(seq) FROM event)",
        "UPDATE event SET body = '[]' WHERE seq = 1",
        "PRAGMA foreign_keys = 0; DELETE FROM run WHERE id = 'two'",
        "PRAGMA writable_schema = 1; UPDATE event SET body = CAST(x'ff' AS TEXT) WHERE seq = 5",
        "DROP TABLE event",
        "ALTER TABLE run DROP COLUMN reason",
    ],
)
def test_whatever_was_changed_is_found(tmp_path: Path, sql: str):
    rows, _ = fill(tmp_path / "journal", 5, checkpoint=True)
    query(tmp_path / "journal", sql)
    seen: list[Row] = []
    reader = SqliteReader(tmp_path / "journal")
    with pytest.raises(JournalDamaged):
        read_into(seen, reader)
    reader.close()
    assert seen == rows[: len(seen)], "what was read before is true"
    assert isinstance(look(tmp_path / "journal"), JournalError)


def read_into(seen: list[Row], reader: SqliteReader) -> None:
    reader.runs()
    for row in reader.read():
        seen.append(row)  # noqa: PERF402 - what was read before the damage is kept


def test_rows_are_plain_to_another_sqlite(folder: Path, journal: SqliteJournal):
    import sqlite3

    journal.append([started(), fact(2.0)])
    with sqlite3.connect(folder / FILE_NAME) as other:
        found = other.execute("SELECT seq, kind, body FROM event ORDER BY seq").fetchall()
    other.close()
    assert [kind for _, kind, _ in found] == ["RunStarted", "TimerFired"]
    assert json.loads(found[1][2]) == [2.0, "timer 2.0 "]


_CONNECTION = apsw.Connection


class _Unwilling:
    """A connection where SQLite may make no file beside the database."""

    def __init__(self, name: str, flags: int) -> None:
        self._real = _CONNECTION(name, flags=flags)
        self._is_allowed = "immutable=1" in name

    def pragma(self, name: str) -> Any:
        if not self._is_allowed:
            raise apsw.CantOpenError("unable to open database file")
        return self._real.pragma(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def test_a_journal_is_read_where_nothing_can_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch):
    folder = folder.with_name("ä %41?#")
    journal = SqliteJournal(folder, OWNER)
    journal.append([started()])
    monkeypatch.setattr("unspool.journal.sqlite.apsw.Connection", _Unwilling, raising=True)
    with pytest.raises(JournalError, match="unable to open database file"):
        SqliteReader(folder)  # somebody writes: what waits in the log would be missed
    journal.close()
    reader = SqliteReader(folder)
    assert [row.event for row in reader.read()] == [started().event]
    reader.close()

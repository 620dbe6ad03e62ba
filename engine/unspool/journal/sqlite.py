"""The journal on disk: SQLite in WAL mode, one writer, every commit synced before it returns."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from unspool.errors import JournalDamaged, JournalError, JournalLocked
from unspool.journal.folders import make_private_folder
from unspool.journal.rows import Owner, Row, RunRow, chain, commands_text, decode_event, encode_body
from unspool.model.commands import FinishRun
from unspool.model.entry import Entry
from unspool.model.events import RunStarted

FILE_NAME = "journal.db"
LOCK_NAME = "lock"
APPLICATION_ID = 0x756E7370  # "unsp"
SYNCHRONOUS = {"full": 2, "normal": 1}
_GROW_AFTER = 32  # commits; a shorter run would not earn it back
_GROWN = 1100 * 4120  # bytes: what the log holds when SQLite moves it into the database, and begins it anew
_LOCK_TRIES = 10  # somebody may only be looking whether it is locked, which takes the lock for a moment
_LOCK_PAUSE = 0.01
_PAGE = 2000  # rows read in one short transaction
_UNREADABLE = (apsw.Error, UnicodeDecodeError)  # what a damaged file may raise
_HERE = Path(__file__).parent


def _queries() -> dict[str, str]:
    blocks = re.split(r"^-- name: (\w+)\n", (_HERE / "queries.sql").read_text(), flags=re.MULTILINE)
    return dict(zip(blocks[1::2], (text.strip() for text in blocks[2::2]), strict=True))


SQL = _queries()


class SqliteJournal:
    """The one writer of a journal folder.

    Opening takes the folder's lock and writes a new owner epoch; whoever held the journal before can
    write nothing from then on.
    """

    def __init__(self, folder: Path, owner: Owner, durability: str = "full") -> None:
        """Open the journal in `folder`, which is made where it is missing.

        Args:
            folder: holds the database and its lock.
            owner: the process that writes.
            durability: `full` syncs every commit; `normal` may lose the last ones to a power cut,
                never to a crash of the process.

        Raises:
            JournalLocked: another process has it.
            JournalError: it cannot be opened, or is of a newer version.
        """
        self.folder = folder
        self._commits = 0
        self._lock = _take_lock(folder)
        with ExitStack() as undo:
            undo.callback(os.close, self._lock)
            try:
                self._db = _connect(folder / FILE_NAME)
                undo.callback(self._db.close, True)  # noqa: FBT003 - `force`, which apsw takes by position only
                _configure(self._db, durability)
                _migrate(self._db)
                self._seq, self._chain = _end(self._db)
                self._numbers = _numbers(self._db)
                self.epoch = self._own(owner)
            except _UNREADABLE as problem:
                raise JournalError(f"{folder / FILE_NAME} cannot be used: {problem}") from None
            undo.pop_all()

    def append(self, entries: Sequence[Entry]) -> int:
        """Write entries in one transaction and give the number of the last.

        When this returns, they are durable.

        Raises:
            JournalError: nothing was written; the caller must stop, since its memory is ahead.
        """
        if self._lock < 0:
            raise JournalError(f"the journal {self.folder} is closed")
        seq, link, rows = self._seq, self._chain, []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._check_owner()
            for run, event, commands, _ in entries:
                seq += 1
                kind, body, orders = type(event).__name__, encode_body(event), commands_text(commands)
                number = self._numbers.get(run) or self._add_run(run, event)
                link = chain(link, (seq, number, self.epoch), kind, body, orders)
                rows.append((seq, number, self.epoch, kind, body, orders, link))
                if commands and isinstance(end := commands[-1], FinishRun):
                    self._db.execute(SQL["end_run"], (end.state, end.reason, event.at, number))
            self._db.executemany(SQL["add_event"], rows)
            self._db.execute("COMMIT")
        except apsw.Error as problem:
            self._roll_back()
            raise JournalError(f"{self.folder / FILE_NAME} cannot be written: {problem}") from None
        except BaseException:
            self._roll_back()
            raise
        self._seq, self._chain = seq, link
        self._commits += 1
        if self._commits == _GROW_AFTER:
            self._grow()
        return seq

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Row]:
        """Give the rows behind `after` in order, of one run or of all, checking the chain."""
        return _read(self._db, run, after)

    def runs(self) -> list[RunRow]:
        """List the runs, oldest first."""
        return [RunRow(*row[1:]) for row in _rows(self._db, "runs")]

    @property
    def synchronous(self) -> int:
        """What SQLite says its `synchronous` is: 2 is full."""
        return int(self._db.pragma("synchronous"))

    def close(self) -> None:
        """Close the database, then give the lock back."""
        if self._lock < 0:
            return
        try:
            self._db.close()
        finally:
            os.close(self._lock)
            self._lock = -1

    def _grow(self) -> None:
        """Fill the write-ahead log up with zeros, once.

        A sync after writing over what is there costs about half of one that makes the file longer,
        which has to write down the new length too. SQLite takes no notice of what follows the last
        frame that fits its checksums, and nobody else writes while this runs.
        """
        with suppress(OSError):  # no room for haste; what has to be written will be
            log = os.open(self.folder / f"{FILE_NAME}-wal", os.O_RDWR | os.O_CLOEXEC)
            try:
                size = os.fstat(log).st_size
                if size < _GROWN:
                    os.pwrite(log, bytes(_GROWN - size), size)
                    os.fsync(log)
            finally:
                os.close(log)

    def _check_owner(self) -> None:
        if _first(self._db, "newest_epoch")[0] != self.epoch:
            raise JournalLocked(f"{self.folder} has another owner now")

    def _own(self, owner: Owner) -> int:
        epoch: int = _first(self._db, "newest_epoch")[0] + 1
        self._db.execute(SQL["add_owner"], (epoch, *owner, time.time()))
        return epoch

    def _add_run(self, run: str, event: Any) -> int:
        if type(event) is not RunStarted:
            raise JournalError(f"run {run} is not in {self.folder}")
        number: int = _first(self._db, "add_run", (run, event.plan["name"], event.at))[0]
        self._numbers[run] = number
        return number

    def _roll_back(self) -> None:
        with suppress(apsw.Error):  # what went wrong before is what the caller has to know
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._numbers = _numbers(self._db)


class SqliteReader:
    """A look into a journal folder that another process may be writing."""

    def __init__(self, folder: Path) -> None:
        """Open the journal in `folder` for reading.

        Raises:
            JournalError: there is none, or it cannot be read.
        """
        self.folder = folder
        try:
            self._db, self._version = _open_to_read(folder / FILE_NAME)
        except apsw.Error as problem:
            raise JournalError(f"{folder / FILE_NAME} cannot be read: {problem}") from None
        if self._version > len(_migrations()):
            self._db.close()
            raise JournalError(f"{folder} was written by a newer unspool; use that version to read it")

    def read(self, run: str | None = None, after: int = 0) -> Iterator[Row]:
        """Give the rows behind `after` in order, of one run or of all, checking the chain."""
        return _read(self._db, run, after) if self._version else iter(())

    def runs(self) -> list[RunRow]:
        """List the runs, oldest first.

        Raises:
            JournalDamaged: the list cannot be read.
        """
        return [RunRow(*row[1:]) for row in self._rows("runs")]

    def owner(self) -> Owner | None:
        """Give the last process that owned the journal."""
        found = self._rows("newest_owner")
        return Owner(*found[0][1:4]) if found else None

    def close(self) -> None:
        """Let the database go."""
        self._db.close()

    def _rows(self, query: str) -> list[Any]:
        # A version of 0 is that of a journal whose engine was killed before it had made the tables.
        return _believed(self._db, query) if self._version else []


def _open_to_read(file: Path) -> tuple[apsw.Connection, int]:
    """Give a connection and the version of the schema."""
    db = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    db.set_busy_timeout(5000)
    try:
        return db, db.pragma("user_version")
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        db.close()
        if file.with_name(f"{file.name}-wal").exists():
            raise
    # SQLite wants to make files beside it. Where it cannot, and nothing waits in a log, nobody can be writing.
    name = f"file:{quote(str(file.absolute()))}?immutable=1"
    db = apsw.Connection(name, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    return db, db.pragma("user_version")


def _first(db: apsw.Connection, query: str, values: tuple[Any, ...] = ()) -> Any:
    """Give the first row of a query, None where it has none."""
    return db.execute(SQL[query], values).fetchone()


def is_locked(folder: Path) -> bool:
    """Whether a living process owns the journal in `folder`."""
    try:
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _take_lock(folder: Path) -> int:
    try:
        make_private_folder(folder)
    except OSError as problem:
        raise JournalError(f"cannot make the journal folder {folder}: {problem.strerror}") from None
    try:
        lock = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise JournalError(f"cannot open {folder / LOCK_NAME}: {problem.strerror}") from None
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE)  # noqa: TID251 - nothing calls when a lock is given back
        else:
            return lock
    os.close(lock)
    raise JournalLocked(f"another unspool process is working on {folder.name}; wait for it, or cancel it")


def _connect(file: Path) -> apsw.Connection:
    old_mask = os.umask(0o077)
    try:
        return apsw.Connection(str(file))
    finally:
        os.umask(old_mask)


def _configure(db: apsw.Connection, durability: str) -> None:
    db.set_busy_timeout(30_000)
    wanted = {
        "journal_mode": "wal",
        "synchronous": SYNCHRONOUS[durability],
        "foreign_keys": 1,
        "trusted_schema": 0,
        "journal_size_limit": 64 * 1024 * 1024,
    }
    # One pragma a call, each read back: a pragma that did not take says nothing by itself.
    for name, value in wanted.items():
        db.pragma(name, value)
        if db.pragma(name) != value:
            raise JournalError(f"SQLite refuses {name}={value}; is the journal on a network file system?")


def _migrations() -> list[Path]:
    return sorted((_HERE / "migrations").glob("*.sql"))


def _migrate(db: apsw.Connection) -> None:
    version = db.pragma("user_version")
    steps = _migrations()
    if version > len(steps):
        raise JournalError("this journal was written by a newer unspool; use that version")
    if version == len(steps):
        return
    # `with` would open a savepoint only at the first statement; the schema and its number go together.
    db.execute("BEGIN IMMEDIATE")
    for step in steps[version:]:
        db.execute(step.read_text())
    db.pragma("application_id", APPLICATION_ID)
    db.pragma("user_version", len(steps))
    db.execute("COMMIT")


def _rows(db: apsw.Connection, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
    return db.execute(SQL[query], values).fetchall()


def _believed(db: apsw.Connection, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
    """Give the rows of a query, or say that the file is damaged."""
    try:
        return _rows(db, query, values)
    except _UNREADABLE as problem:
        raise JournalDamaged(f"{db.filename} cannot be read: {problem}") from None


def _numbers(db: apsw.Connection) -> dict[str, int]:
    """Give the runs' numbers by their ids."""
    return {row[1]: row[0] for row in _rows(db, "runs")}


def _end(db: apsw.Connection) -> tuple[int, int]:
    """Give the number of the last event and its link of the chain."""
    seq, link = _first(db, "last_event") or (0, 0)
    if not isinstance(link, int):
        raise JournalDamaged(f"event {seq} has lost its checksum")
    return seq, link


def _read(db: apsw.Connection, run: str | None, after: int) -> Iterator[Row]:
    names: dict[int, str] = {}
    link: int | None = 0
    if after:
        link = next((row[0] for row in _believed(db, "chain_of", (after,))), None)
    while True:
        page = _believed(db, "events", (after, _PAGE))
        if any(row[1] not in names for row in page):
            names = {row[0]: row[1] for row in _believed(db, "runs")}
        for seq, number, epoch, kind, body, orders, stored in page:
            if link is None or chain(link, (seq, number, epoch), kind, body, orders) != stored:
                raise JournalDamaged(
                    f"{db.filename}: event {seq} does not fit its checksum; nothing from there on is believed. "
                    "Put back a copy of the journal's folder, or run the workflow anew"
                )
            link = stored
            after = seq
            if number not in names:
                raise JournalDamaged(f"{db.filename}: event {seq} is of a run that the journal does not list")
            if run is None or names[number] == run:
                yield Row(seq, names[number], epoch, decode_event(kind, body, seq), orders)
        if len(page) < _PAGE:
            return

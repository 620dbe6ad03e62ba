"""The least a durable chain can cost: a bare loop with one fsynced commit for each task, in a new SQLite file."""

from __future__ import annotations

import sys

import apsw


def main(path: str, tasks: int) -> None:
    """Write `tasks` rows, each in a commit of its own that is on the disk before the next one begins."""
    database = apsw.Connection(path)
    database.execute("PRAGMA journal_mode = WAL").fetchall()
    database.execute("PRAGMA synchronous = FULL").fetchall()
    database.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")
    for number in range(tasks):
        database.execute("INSERT INTO event (body) VALUES (?)", (f'{{"task": {number}, "state": "completed"}}',))
    rows = database.execute("SELECT count(*) FROM event").fetchall()[0][0]
    synchronous = database.execute("PRAGMA synchronous").fetchall()[0][0]
    database.close()
    print(rows, synchronous)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

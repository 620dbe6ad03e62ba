-- Who has owned this journal, newest last. Every event carries the epoch that wrote it.
CREATE TABLE owner (
    epoch   INTEGER PRIMARY KEY,
    pid     INTEGER NOT NULL,
    started INTEGER NOT NULL, -- of the process, in clock ticks since boot
    boot    TEXT NOT NULL,
    at      REAL NOT NULL
) STRICT;

-- One row for each run: an index over its events for lists, never the truth.
CREATE TABLE run (
    number       INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    started_at   REAL NOT NULL,
    state        TEXT NOT NULL,
    reason       TEXT,
    completed_at REAL
) STRICT;

-- The truth: facts in the order in which they were taken, with the commands that followed.
CREATE TABLE event (
    seq      INTEGER PRIMARY KEY,
    run      INTEGER NOT NULL REFERENCES run (number),
    epoch    INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL, -- the fields of the event, a JSON list
    commands TEXT NOT NULL,
    chain    INTEGER NOT NULL -- CRC-32 over this row and the chain of the row before
) STRICT;

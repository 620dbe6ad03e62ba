"""What must be true after kills, read from outside: shares no code with the engine.

The ledger is a file to which every task appends `key attempt` with fsync before it does anything.
The journal is read with the standard library's SQLite, its rows taken apart by hand.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

SUCCESS_FIELDS = 4  # at, attempt, token, started_at; then error


def ledger_keys(ledger: Path) -> list[str]:
    """Give the keys that tasks wrote, in order; a line cut by a kill does not count."""
    if not ledger.exists():
        return []
    return [line.split()[0] for line in ledger.read_text().splitlines() if len(line.split()) == 2]


def committed_successes(journal: Path) -> set[str]:
    """Give the keys of tasks whose success the journal holds."""
    if not journal.exists():
        return set()
    with sqlite3.connect(journal) as database:
        try:
            rows = database.execute("SELECT kind, body FROM event ORDER BY seq").fetchall()
        except sqlite3.OperationalError:
            return set()  # killed before the tables were there
    database.close()
    names: list[str] = []
    run, task_of, done = "", {}, set()
    for kind, body in rows:
        fields = json.loads(body)
        if kind == "RunStarted":
            run = fields[1]
            names = [task["id"] for task in fields[2]["tasks"]]
        elif kind == "TaskAdmitted":
            task_of[fields[2]] = names[fields[1]]
        elif kind == "AttemptEnded" and fields[SUCCESS_FIELDS] is None and fields[3] is not None:
            done.add(f"{run}/{task_of[fields[1]]}")
    return done


def marked_processes(mark: str) -> list[int]:
    """Give the processes that have `mark` in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if mark.encode() in environment:
                found.append(int(folder.name))
    return found


def verdict(report: dict) -> dict:
    """Reduce a report to what may not depend on kills: states, reasons, outputs."""
    tasks = {
        name: {key: task.get(key) for key in ("kind", "state", "reason", "outputs", "error", "attempts")}
        for name, task in report["tasks"].items()
    }
    return {"state": report["state"], "reason": report.get("reason"), "outputs": report["outputs"], "tasks": tasks}

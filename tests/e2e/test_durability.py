"""Full durability, seen from outside: what a power cut at any task's start would have left on the disk.

strace records every write, sync and exec of a run. From that the files are rebuilt as they were
at each exec, taking only what a sync had returned for. The rebuilt journal is then read with the
standard library's SQLite: for every edge it must hold the parent's success, and for every start the
intent.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.command import UNSPOOL

STRACE = shutil.which("strace")
pytestmark = pytest.mark.skipif(STRACE is None, reason="strace is not installed; it is a package of that name")

# A diamond, a second way through it, and a chain: names by what they need.
GRAPH: dict[str, list[str]] = {
    "top": [],
    "left": ["top"],
    "right": ["top"],
    "bottom": ["left", "right"],
    "alone": [],
    "one": [],
    "two": ["one"],
    "three": ["two"],
    "four": ["three", "bottom"],
}
BIG = "one"  # writes more than travels in an event
EDGES = [(parent, child) for child, parents in GRAPH.items() for parent in parents]
CALLS = (
    "openat,creat,write,pwrite64,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,msync,sync,syncfs,"
    "unlink,rename,renameat2,mkdir,execve"
)


class Call(NamedTuple):
    """A system call that has returned, or an exec at the moment it was asked for."""

    name: str
    arguments: str
    result: int


class Left(NamedTuple):
    """What the journal on the disk tells: tasks that succeeded, tasks that were admitted, and whose large values."""

    done: set[str]
    admitted: set[str]
    values: dict[str, str]


# -- the log --------------------------------------------------------------------------------------


def record(folder: Path, *options: str) -> list[Call]:
    """Run the graph under strace and give its calls in the order in which they returned (execs: were asked for)."""
    tasks: dict[str, Any] = {
        name: {"run": ["true", f"task-{name}"], "depends_on": needs} for name, needs in GRAPH.items()
    }
    tasks[BIG]["run"] = ["sh", "-c", "head -c 300000 /dev/zero", f"task-{BIG}"]
    tasks[BIG]["outputs"] = {"big": {"type": "string", "from": "stdout"}}
    (folder / "graph.json").write_text(json.dumps({"unspool": 1, "name": "graph", "tasks": tasks}))
    log = folder / "strace.log"
    ended = subprocess.run(
        [
            *[str(STRACE), "-f", "-y", "-xx", "-s", "8000000", "-e", f"trace={CALLS}", "-e", "signal=none"],
            *["-o", str(log), *UNSPOOL, "run", "graph.json", "--workers", "2", *options],
        ],
        cwd=folder,
        env={**os.environ, "UNSPOOL_HOME": str(folder / "state")},
        capture_output=True,
        check=False,
        timeout=60,
    )
    if b"ptrace" in ended.stderr and b"Operation not permitted" in ended.stderr:
        pytest.skip("this machine does not let strace look at processes")
    assert ended.returncode == 0, ended.stderr.decode()
    return list(parse(log.read_text().splitlines()))


def parse(lines: Iterable[str]) -> Iterator[Call]:
    begun: dict[str, str] = {}
    for line in lines:
        pid, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.startswith("execve("):
            yield Call("execve", rest[len("execve(") :], 0)
        elif rest.endswith("<unfinished ...>"):
            begun[pid] = rest.removesuffix("<unfinished ...>")
        else:
            if resumed := re.match(r"<\.\.\. \w+ resumed>", rest):
                rest = begun.pop(pid, "") + rest[resumed.end() :]
            if call := re.fullmatch(r"(\w+)\((.*)\)\s+= (-?\d+).*", rest):
                yield Call(call[1], call[2], int(call[3]))


def text(quoted: str) -> bytes:
    return bytes.fromhex(quoted.replace("\\x", ""))


def paths(arguments: str) -> list[str]:
    """Give what stands between angle brackets and in quotes, in order: descriptors' files, then names."""
    found = re.findall(r'<((?:\\x[0-9a-f]{2})+)>|"((?:\\x[0-9a-f]{2})*)"', arguments)
    return [os.fsdecode(text(one or other)) for one, other in found]


# -- the disk -------------------------------------------------------------------------------------


class Disk:
    """What a power cut now would leave of the files in a folder: only what a sync has returned for."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.written: dict[str, bytearray] = {}
        self.kept: dict[str, bytes] = {}
        self.names: set[str] = set()  # that were made
        self.kept_names: set[str] = set()  # that were made, and whose folder has been synced since

    def take(self, call: Call) -> None:
        """Let a call happen."""
        name, arguments, result = call
        if result < 0 or name == "execve":
            return
        if name in ("pwrite64", "write"):
            self._write(arguments, result, positioned=name == "pwrite64")
        elif name in ("fsync", "fdatasync"):
            self._sync(paths(arguments)[0])
        elif name == "ftruncate":
            self._truncate(paths(arguments)[0], int(arguments.rpartition(",")[2]))
        elif name in ("mkdir", "creat") or (name == "openat" and "O_CREAT" in arguments):
            path = paths(arguments)[-1]
            if path.startswith(self.root):
                self.names.add(path)
        elif name == "unlink":
            self.written.pop(paths(arguments)[-1], None)
            self.kept.pop(paths(arguments)[-1], None)
        elif name in ("rename", "renameat2"):
            self._rename(*paths(arguments)[-2:])
        elif name != "openat":
            assert self.root not in "".join(paths(arguments)), f"{name}: this disk cannot do that"

    def _write(self, arguments: str, count: int, *, positioned: bool) -> None:
        head = arguments.partition('"')[0]
        path = paths(head)[0] if "<" in head else ""
        if not is_database(path) and "/artifacts/" not in path:
            return
        content = text(arguments.partition('"')[2].partition('"')[0])
        assert len(content) >= count, "the log is cut"
        file = self.written.setdefault(path, bytearray())
        offset = int(arguments.rpartition(",")[2]) if positioned else len(file)
        file.extend(bytes(max(0, offset - len(file))))
        file[offset : offset + count] = content[:count]

    def _sync(self, path: str) -> None:
        if path in self.written:
            self.kept[path] = bytes(self.written[path])
        self.kept_names |= {name for name in self.names if os.path.dirname(name) == path}

    def _truncate(self, path: str, size: int) -> None:
        if path in self.written:
            file = self.written[path]
            file.extend(bytes(max(0, size - len(file))))
            del file[size:]

    def _rename(self, old: str, new: str) -> None:
        for files in (self.written, self.kept):
            if old in files:
                files[new] = files.pop(old)  # type: ignore[index, assignment]
        if old in self.names:
            self.names.discard(old)
            self.names.add(new)

    def holds(self, digest: str) -> bool:
        """Whether a value is left under its name."""
        found = [path for path in self.kept if path.endswith(f"/{digest}") and path in self.kept_names]
        return any(sha256(self.kept[path]).hexdigest() == digest for path in found)

    def journal(self, copy: Path) -> Left:
        """Read the journal that is left."""
        for path, content in self.kept.items():
            if is_database(path):
                (copy / os.path.basename(path)).write_bytes(content)
        if not (copy / "journal.db").exists():
            return Left(set(), set(), {})
        database = sqlite3.connect(copy / "journal.db")
        try:
            rows = database.execute("SELECT kind, body FROM event ORDER BY seq").fetchall()
        except sqlite3.OperationalError:
            return Left(set(), set(), {})
        finally:
            database.close()
        return read_rows(rows)


def is_database(path: str) -> bool:
    return os.path.basename(path) in ("journal.db", "journal.db-wal", "journal.db-journal")


def read_rows(rows: list[tuple[str, str]]) -> Left:
    names: list[str] = []
    task_of: dict[int, str] = {}
    done, admitted, values = set(), set(), {}
    for kind, body in rows:
        fields = json.loads(body)
        if kind == "RunStarted":
            names = [task["id"] for task in fields[2]["tasks"]]
        elif kind == "TaskAdmitted":
            task_of[fields[2]] = names[fields[1]]
            admitted.add(names[fields[1]])
        elif kind == "AttemptEnded" and fields[4] is None:
            done.add(task_of[fields[1]])
            values.update(dict.fromkeys(re.findall(r'"ref":\s*"([0-9a-f]{64})"', body), task_of[fields[1]]))
    return Left(done, admitted, values)


# -- the check ------------------------------------------------------------------------------------


def task_of(call: Call) -> str | None:
    """Give the task whose process an exec makes."""
    if call.name != "execve":
        return None
    arguments = paths(call.arguments.partition("[")[2].partition("]")[0])
    names = [argument.removeprefix("task-") for argument in arguments if argument.startswith("task-")]
    return names[0] if names else None


def faults(calls: list[Call], folder: Path) -> list[str]:
    """Say everything that a power cut at the start of a task would have shown to be missing."""
    disk, found, started = Disk(folder), [], set()
    for call in calls:
        disk.take(call)
        name = task_of(call)
        if name is None:
            continue
        started.add(name)
        copy = folder / f"cut-{len(list(folder.glob('cut-*')))}"
        copy.mkdir()
        left = disk.journal(copy)
        if name not in left.admitted:
            found.append(f"{name} started, and its intent was not on the disk")
        parents = [parent for parent, child in EDGES if child == name]
        found += [lost_success(parent, name) for parent in parents if parent not in left.done]
        if BIG in parents and BIG in left.done:
            values = [digest for digest, owner in left.values.items() if owner == BIG]
            assert len(values) == 1
            found += [
                f"{name} started, and the value of {BIG} was not on the disk" for it in values if not disk.holds(it)
            ]
        lost = [path for path in sorted(disk.names - disk.kept_names) if is_needed(path)]
        found += [f"{name} started, and the name of {path} was not on the disk" for path in lost]
    assert started == set(GRAPH), "the check must have seen every task start"
    return found


def lost_success(parent: str, child: str) -> str:
    return f"{child} started, and the success of {parent} was not on the disk"


def is_needed(path: str) -> bool:
    """Whether the journal is lost without this name."""
    files = ("/state", "/journals", "/journal.db", "/journal.db-wal")
    return path.endswith(files) or os.path.basename(os.path.dirname(path)) == "journals"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Call]]:
    folder = tmp_path_factory.mktemp("full")
    return folder, record(folder)


def test_every_start_finds_what_it_rests_on_synced(recorded: tuple[Path, list[Call]]):
    folder, calls = recorded
    assert faults(calls, folder) == []
    assert len(EDGES) == 8


def test_without_syncs_the_check_finds_every_edge(tmp_path: Path):
    """The planted fault: `normal` leaves the syncs out, and is promised to survive less."""
    found = faults(record(tmp_path, "--durability", "normal"), tmp_path)
    assert {lost_success(parent, child) for parent, child in EDGES} <= set(found)


def is_log_sync(call: Call) -> bool:
    return call.name in ("fsync", "fdatasync") and paths(call.arguments)[0].endswith("journal.db-wal")


def test_a_single_sync_left_out_is_found(recorded: tuple[Path, list[Call]]):
    """A later sync of the same file makes good for one left out, but too late for the task in between."""
    folder, calls = recorded
    execs = [place for place, call in enumerate(calls) if task_of(call)]
    syncs = [place for place, call in enumerate(calls) if is_log_sync(call) and execs[0] < place < execs[-1]]
    assert len(syncs) >= 4
    for place in syncs:
        following = next((exec_ for exec_ in execs if exec_ > place), None)
        again = next((sync for sync in syncs if sync > place), len(calls))
        if following is not None and following < again:
            assert faults(calls[:place] + calls[place + 1 :], folder), f"without the sync at {place}"


def test_a_sync_that_comes_after_the_start_is_found(recorded: tuple[Path, list[Call]]):
    """Append and act swapped: each start moved before the sync that it waited for."""
    folder, calls = recorded
    execs = [place for place, call in enumerate(calls) if task_of(call) in {child for _, child in EDGES}]
    swapped = 0
    for place in execs:
        sync = max(before for before in range(place) if is_log_sync(calls[before]))
        if any(sync < other < place for other in execs):
            continue  # this one had been committed ahead, with the one before it
        early = [*calls[:sync], calls[place], *calls[sync:place], *calls[place + 1 :]]
        assert faults(early, folder), f"{task_of(calls[place])} before its sync"
        swapped += 1
    assert swapped >= 4


def test_a_value_that_was_not_synced_is_found(recorded: tuple[Path, list[Call]]):
    folder, calls = recorded
    left = [call for call in calls if not (call.name == "fsync" and "/artifacts/" in paths(call.arguments)[0])]
    assert len(left) <= len(calls) - 2, "one sync of the value, one of its name"
    assert any(f"the value of {BIG}" in fault for fault in faults(left, folder))


def test_a_folder_that_was_not_synced_is_found(recorded: tuple[Path, list[Call]]):
    folder, calls = recorded
    left = [call for call in calls if not (call.name == "fsync" and paths(call.arguments)[0].endswith("/journals"))]
    assert len(left) < len(calls)
    assert any("the name of" in fault for fault in faults(left, folder))

"""Where state lives: `.unspool/` at the project's root, one folder in it for each journal."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from unspool.errors import JournalError, RunNotFound, UnspoolError
from unspool.journal.folders import make_private_folder
from unspool.journal.rows import Owner, RunRow
from unspool.journal.sqlite import FILE_NAME, SqliteReader

FOLDER = ".unspool"
_SECOND = len("20260131-235959")
_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{9}")


def state_folder(start: Path) -> Path:
    """Give the state folder for work in `start`.

    `UNSPOOL_HOME` names it; else it is the nearest existing `.unspool` from `start` upwards, else one
    beside the nearest `.git`, else one in `start`.
    """
    named = os.environ.get("UNSPOOL_HOME")
    if named:
        return Path(named).expanduser().absolute()
    places = [start, *start.parents]
    for place in places:
        if (place / FOLDER).is_dir():
            return place / FOLDER
    for place in places:
        if (place / ".git").exists():
            return place / FOLDER
    return start / FOLDER


def make_state_folder(folder: Path) -> Path:
    """Make the state folder, for its owner only, and keep git from taking it."""
    try:
        if not folder.is_dir():
            make_private_folder(folder)
            (folder / ".gitignore").write_text("*\n")
    except OSError as problem:
        raise UnspoolError(f"cannot make the state folder {folder}: {problem.strerror}; set UNSPOOL_HOME") from None
    return folder


def journal_folder(state: Path, name: str) -> Path:
    """Give the folder of the journal called `name`."""
    return state / "journals" / name


def cache_folder(journal: Path) -> Path:
    """Give the folder of results that all runs of a project share, by the journal folder of one of them."""
    return journal.parent.parent / "cache"


def new_run_id() -> str:
    """Make an id that sorts by time and no other process makes: `20260131-235959-3e70f3c9a`.

    The last part is the millisecond in three hexadecimal digits, and six that chance gave.
    """
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    return f"{stamp}-{int(now % 1 * 1000):03x}{os.urandom(3).hex()}"


def this_process() -> Owner:
    """Tell this process apart from every other that ever had its number."""
    stat = Path("/proc/self/stat").read_text()
    started = int(stat.rpartition(")")[2].split()[19])
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Owner(os.getpid(), started, boot)


def owner_mark(owner: Owner) -> str:
    """Give the text that marks an owner's processes in their environment."""
    return f"{owner.boot}.{owner.pid}.{owner.started}"


def journals(state: Path) -> Iterator[Path]:
    """Give the journal folders, newest first."""
    root = state / "journals"
    if root.is_dir():
        for folder in sorted(root.iterdir(), reverse=True):
            if (folder / FILE_NAME).is_file():
                yield folder


def without_journal(state: Path) -> Iterator[Path]:
    """Give the folders that should hold a journal and do not."""
    root = state / "journals"
    for folder in sorted(root.iterdir(), reverse=True) if root.is_dir() else ():
        if not (folder / FILE_NAME).is_file():
            yield folder


def find_run(state: Path, name: str) -> tuple[Path, str]:
    """Find a run by its id, by the unique beginning or end of one, or by `latest`.

    Returns:
        The folder of its journal, and its whole id.

    Raises:
        RunNotFound: no run fits, or more than one does.
    """
    found = _latest(state) if name == "latest" else []
    for folder in () if name in ("latest", "") else journals(state):
        exact = _RUN_ID.fullmatch(folder.name) is not None and folder.name == name
        ids = [name] if exact else [run.id for run in _runs(folder)]
        found += [(folder, run) for run in ids if run.startswith(name) or run.endswith(name)]
        if exact:
            break
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(run for _, run in found[:5])
        raise RunNotFound(f"{name!r} fits {len(found)} runs ({some}...); give more of the id")
    raise RunNotFound(f"no run {name!r} in {state}; `unspool ls` shows what there is")


def _latest(state: Path) -> list[tuple[Path, str]]:
    """Give the run that began last. The journals' names tell the second; within it, their content does."""
    best: tuple[float, Path, str] | None = None
    for folder in journals(state):
        if best is not None and folder.name[:_SECOND] != best[1].name[:_SECOND]:
            break
        for run in _runs(folder):
            if best is None or run.started_at >= best[0]:
                best = (run.started_at, folder, run.id)
    return [] if best is None else [best[1:]]


def _runs(folder: Path) -> list[RunRow]:
    """List the runs of a journal; one that cannot be read hides no others."""
    try:
        reader = SqliteReader(folder)
    except JournalError:
        return []
    try:
        return reader.runs()
    except JournalError:
        return []
    finally:
        reader.close()

"""Finds processes by the marks in their environment and ends them; run as a script, it is the guardian.

Imports nothing but the least of the standard library: the guardian has to be there at once, and a
process of another make must be able to run it with `python -I -S`.
"""

import os
import select
import signal
import sys

OWNER = b"UNSPOOL_OWNER"  # which engine a process belongs to
KEY = b"UNSPOOL_TASK_KEY"
ATTEMPT = b"UNSPOOL_ATTEMPT_ID"
PERIOD = 0.5  # seconds between two looks of the guardian
_LAST_LOOKS = 5  # after the engine's death, so many tenths of a second apart
_ROUNDS = 200  # looks before giving up on processes that come back faster than they are ended
_TRIES = 100  # thousandths of a second in which a process that executes a program must have got its environment


def marks(pid: int) -> dict[bytes, bytes]:
    """Give the marks in a process's environment; empty where it has none or cannot be read."""
    data = _environment(pid)
    if OWNER not in data:
        return {}
    pairs = (entry.partition(b"=") for entry in data.split(b"\0"))
    return {name: value for name, _, value in pairs if name in (OWNER, KEY, ATTEMPT)}


def _environment(pid: int) -> bytes:
    """Give the environment of a process; that of one that just executes a program is empty until it is laid out."""
    try:
        data = _read(pid, "environ")
        for _ in range(_TRIES):
            if data:
                break
            laid_out = _is_laid_out(pid)  # asked before the look: it may become so in between
            data = _read(pid, "environ")
            if laid_out:
                break
            select.select([], [], [], 0.001)
    except OSError:  # gone, another user's, or a thread of the kernel, which has no program
        return b""
    return data


def _read(pid: int, name: str) -> bytes:
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


def _is_laid_out(pid: int) -> bool:
    os.readlink(f"/proc/{pid}/exe")
    return _stat(pid)[-2] != b"0"  # where the environment ends; see proc(5)


def _stat(pid: int) -> list[bytes]:
    """Give the fields of a process's state that follow its name, which may hold anything."""
    return _read(pid, "stat").rpartition(b")")[2].split()


def find(owner: bytes) -> dict[int, dict[bytes, bytes]]:
    """Give all processes that carry the mark of `owner`, by number, with their marks."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            seen = marks(int(name))
            if seen.get(OWNER) == owner:
                found[int(name)] = seen
    return found


def end_all(owner: bytes, attempt: bytes | None = None) -> int:
    """End every process of `owner` (or of one attempt of it) by force, and say how many there were.

    Looks again until none is left, since a process may fork while it is looked for. One that forks and goes may be
    missed by a look, and its child too: so none is left when two looks in a row found none.
    """
    ended: set[int] = set()
    empty = 0
    for _ in range(_ROUNDS):
        found = {pid for pid, seen in find(owner).items() if attempt is None or seen.get(ATTEMPT) == attempt}
        empty = 0 if found else empty + 1
        if empty == 2:
            break
        for pid in found:
            _kill(pid)
        ended |= found
    return len(ended)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except (OSError, ValueError, IndexError):
        return 0


def strays(owner: bytes, engine: int) -> set[int]:
    """Give processes of attempts whose own first process, a child of the engine, is gone."""
    found = find(owner)
    alive = {seen.get(ATTEMPT) for pid, seen in found.items() if _parent(pid) == engine}
    return {pid for pid, seen in found.items() if seen.get(ATTEMPT) not in alive}


def guard(owner: bytes, engine: int) -> None:
    """Watch over an engine: standard input closes when it dies, and nothing of it may outlive it.

    What comes through standard input are names of folders that must not outlive it either, each ended by a NUL.

    While it lives, what its tasks left behind is ended: a stray is one that two looks in a row saw,
    so that a process between fork and exec is not taken for one.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    suspects: set[int] = set()
    told = b""
    while True:
        if select.select([0], [], [], PERIOD)[0]:
            part = os.read(0, 4096)
            if not part:
                break
            told += part
            continue
        seen = strays(owner, engine)
        for pid in seen & suspects:
            _kill(pid)
        suspects = seen
    end_all(owner)
    for _ in range(_LAST_LOOKS):  # a process that the engine began last does not carry the mark before its exec
        select.select([], [], [], 0.1)
        end_all(owner)
    for folder in told.split(b"\0")[:-1]:
        _remove(folder)


def _remove(folder: bytes) -> None:
    """Remove a folder with all that tasks put into it, as far as it lets itself be removed."""
    for path, folders, files in os.walk(folder, topdown=False):
        for name in files + folders:
            entry = os.path.join(path, name)
            try:
                if name in files or os.path.islink(entry):
                    os.unlink(entry)
                else:
                    os.rmdir(entry)
            except OSError:
                continue
    try:
        os.rmdir(folder)
    except OSError:
        return


if __name__ == "__main__":
    guard(os.fsencode(sys.argv[1]), int(sys.argv[2]))

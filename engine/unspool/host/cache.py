"""Results that stand in for attempts: found by all that they depend on, kept with the files that came with them.

An entry is one small file that is named by its key, written when all that it names is durable; large values and
files lie beside it, named by their content. Whatever does not fit its own checksum is taken not to be there.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from unspool.errors import JournalDamaged
from unspool.host.artifacts import FileArtifacts
from unspool.host.matching import TooMany, matching
from unspool.journal.folders import make_private_folder, sync_folder
from unspool.model.globs import flaw_of
from unspool.tasks.attempt import AttemptSpec, Ended

FORMAT = 1
MAX_BYTES = 1 << 30  # of the files that one result depends on, and of those that come with it
_TOLERANCE = 60.0  # seconds by which the clock of who kept a result may be ahead
_OUTSIDE = ("env", "cwd", "cache")  # of a resolved action: parts that count in their own way

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_unique = count()


class Kept(NamedTuple):
    """A file that came with a result."""

    path: str
    sha256: str
    mode: int


class _Pending(NamedTuple):
    """An attempt that is under way, and what its result will depend on."""

    workflow: str
    spec: AttemptSpec
    key: str
    end: Ended | None = None


class FileCache:
    """The results of all runs of a project; any number of engines may use it at once."""

    def __init__(
        self,
        folder: Path,
        artifacts: FileArtifacts,
        now: Callable[[], float],
        warn: Callable[[str], None],
        *,
        reuse: bool = True,
    ) -> None:
        """Prepare; nothing is made yet.

        Args:
            folder: of the cache, in the state folder of the project.
            artifacts: where the engine keeps its own large values.
            now: gives the moment, in seconds since the epoch.
            warn: told in words why a result could not be kept.
            reuse: give what was kept; else only keep anew.
        """
        self._entries = folder / "results"
        self._store = FileArtifacts(folder / "artifacts")
        self._project = str(folder.parent.parent)
        self._artifacts = artifacts
        self._now = now
        self._warn = warn
        self._reuse = reuse
        self._pending: dict[tuple[str, int], _Pending] = {}

    def look(self, workflow: str, spec: AttemptSpec) -> dict[str, Any] | None:
        """Give what an earlier attempt collected, its files put back; None where the attempt must be made."""
        recipe = spec.action["cache"]
        try:
            key = self._key(workflow, spec)
        except (OSError, TooMany) as problem:
            self._warn(f"{spec.task.id} runs without its cache: {_told(problem)}")
            return None
        found = self._find(key, recipe["ttl"]) if self._reuse and not recipe["fresh"] else None
        if found is not None:
            with suppress(OSError, KeyError, JournalDamaged):
                self._fetch(found["result"])
                self._restore([Kept(*kept) for kept in found["files"]], spec.cwd)
                result: dict[str, Any] = found["result"]
                return result
        self._pending[spec.run, spec.attempt] = _Pending(workflow, spec, key)
        return None

    def ended(self, run: str, attempt: int, end: Ended) -> None:
        """Take note of how an attempt ended; whether its result counts is not known yet."""
        pending = self._pending.get((run, attempt))
        if pending is not None:
            self._pending[run, attempt] = pending._replace(end=end)

    def keep(self, run: str, attempt: int) -> None:
        """Keep the result of an attempt, with its files. What stands in the way is a warning, no failure."""
        pending = self._pending.pop((run, attempt), None)
        if pending is None or pending.end is None:
            return
        try:
            self._keep(pending, pending.end)
        except (OSError, KeyError, JournalDamaged, TooMany) as problem:
            self._warn(f"the result of {pending.spec.task.id} is not kept for reuse: {_told(problem)}")

    def settle(self) -> None:
        """Forget the attempts that have ended: those whose results count have been kept."""
        for key in [key for key, pending in self._pending.items() if pending.end is not None]:
            del self._pending[key]

    # -- what a result depends on -----------------------------------------------------------------

    def _key(self, workflow: str, spec: AttemptSpec) -> str:
        """Give the digest of everything that a result depends on.

        Raises:
            OSError: a file cannot be read.
            TooMany: there are too many files, or they are too large.
        """
        task, recipe = spec.task, spec.action["cache"]
        parts = {
            "format": FORMAT,
            "document": workflow,
            "task": [task.id, task.kind],
            "action": {name: value for name, value in spec.action.items() if name not in _OUTSIDE},
            "env": spec.env,
            "folder": os.path.relpath(spec.cwd, self._project),
            "told": [task.success_when, list(task.collect), [list(output) for output in task.outputs]],
            "key": recipe["key"],
            "patterns": [recipe["inputs"], recipe["files"]],
            "inputs": [[name, _digest(spec.cwd, name)] for name in _bounded(spec.cwd, recipe["inputs"])],
        }
        return sha256(_canonical(parts).encode("ascii")).hexdigest()

    # -- finding ------------------------------------------------------------------------------------

    def _find(self, key: str, ttl: float | None) -> dict[str, Any] | None:
        """Read an entry that is whole and not too old."""
        try:
            stored = json.loads((self._entries / key[:2] / f"{key}.json").read_bytes())
            body: dict[str, Any] = stored["body"]
            is_whole = stored["check"] == _check(body) and body["key"] == key and body["format"] == FORMAT
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None
        if not is_whole or (ttl is not None and not -_TOLERANCE <= self._now() - body["stored_at"] < ttl):
            return None
        return body

    def _fetch(self, result: dict[str, Any]) -> None:
        """Give the engine its own copy of the large values in a result.

        Raises:
            KeyError, JournalDamaged: one is missing, or not what its name says.
        """
        for digest in _references(result):
            self._sound(digest)
            self._artifacts.put_file(self._store.path(digest))

    def _sound(self, digest: str) -> None:
        """Make sure of a kept value; one that is spoilt is removed, so that it can be kept anew."""
        try:
            self._store.verify(digest)
        except JournalDamaged:
            self._store.path(digest).unlink(missing_ok=True)
            raise

    def _restore(self, files: list[Kept], cwd: str) -> None:
        """Put files back, all that are not there as they were."""
        wanted = [kept for kept in files if not _is_there(cwd, kept)]
        for kept in wanted:
            self._sound(kept.sha256)
        for kept in wanted:
            self._put_back(cwd, kept)

    def _put_back(self, cwd: str, kept: Kept) -> None:
        if flaw_of(kept.path) is not None:
            raise OSError(f"{kept.path} is no path in a folder")
        folder = _real_folder(cwd, kept.path)
        part = os.path.join(folder, f".unspool.{os.getpid()}.{next(_unique)}.part")
        try:
            self._store.copy(kept.sha256, part)
            os.chmod(part, kept.mode)
            os.replace(part, os.path.join(cwd, kept.path))
        except BaseException:
            with suppress(OSError):
                os.unlink(part)
            raise

    # -- keeping ------------------------------------------------------------------------------------

    def _keep(self, pending: _Pending, end: Ended) -> None:
        spec, recipe = pending.spec, pending.spec.action["cache"]
        if self._key(pending.workflow, spec) != pending.key:
            self._warn(f"the result of {spec.task.id} is not kept for reuse: its `cache.inputs` changed while it ran")
            return
        names = _bounded(spec.cwd, recipe["files"])
        if recipe["files"] and not names:
            shown = ", ".join(recipe["files"])
            self._warn(f"the result of {spec.task.id} is not kept for reuse: it made no file that fits {shown}")
            return
        result = dict(end.result or {})
        if end.started_at is not None:
            result["duration"] = max(0.0, end.at - end.started_at)
        for digest in _references(result):
            self._store.put_file(self._artifacts.path(digest))
        body = {
            "format": FORMAT,
            "key": pending.key,
            "stored_at": self._now(),
            "document": pending.workflow,
            "task": spec.task.id,
            "run": spec.run,
            "result": result,
            "files": [list(self._take(spec.cwd, name, end.at)) for name in names],
        }
        self._write(pending.key, {"check": _check(body), "body": body})

    def _take(self, cwd: str, name: str, ended_at: float) -> Kept:
        """Keep a file as the attempt left it.

        Raises:
            OSError: it cannot be read, or somebody else has written to it since, such as another run of the task.
        """
        path = os.path.realpath(os.path.join(cwd, name))
        before = os.stat(path)
        digest = self._store.put_file(Path(path)).sha256
        after = os.stat(path)
        same = (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)
        since_end = self._now() - ended_at
        if not same or time.time() - after.st_mtime < since_end:  # ages, since the clock of files may be another
            raise OSError(f"{name} was written to after the task had ended")
        return Kept(name, digest, stat.S_IMODE(after.st_mode) & 0o777)

    def _write(self, key: str, entry: dict[str, Any]) -> None:
        folder = self._entries / key[:2]
        make_private_folder(folder)
        part = folder / f"{key}.{os.getpid()}.{next(_unique)}.part"
        try:
            with open(part, "w", encoding="ascii", opener=_private) as file:
                file.write(_canonical(entry))
                file.flush()
                os.fsync(file.fileno())
            part.replace(folder / f"{key}.json")
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(folder)


def _check(body: dict[str, Any]) -> str:
    return sha256(_canonical(body).encode("ascii")).hexdigest()


def _references(value: Any) -> Iterator[str]:
    """Give the digests of the large values that a collected result refers to."""
    for key in ("stdout", "stderr", "value"):
        if "ref" in (value.get(key) or ()):
            yield value[key]["ref"]
    for key in ("output", "outputs"):
        for held in (value.get(key) or {}).values():
            if "ref" in held:
                yield held["ref"]


def _bounded(cwd: str, patterns: list[str]) -> list[str]:
    names = matching(cwd, patterns) if patterns else []
    size = 0
    for name in names:
        size += os.stat(os.path.join(cwd, name)).st_size
        if size > MAX_BYTES:
            raise TooMany(f"the files that fit are larger than {MAX_BYTES >> 20} MiB")
    return names


def _digest(cwd: str, name: str) -> str:
    from hashlib import file_digest

    descriptor = os.open(
        os.path.realpath(os.path.join(cwd, name)), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    )
    with open(descriptor, "rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _is_there(cwd: str, kept: Kept) -> bool:
    """Whether a file stands as it was kept, so that its times need not change."""
    try:
        status = os.lstat(os.path.join(cwd, kept.path))
        same_mode = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == kept.mode
        return same_mode and _digest(cwd, kept.path) == kept.sha256
    except OSError:
        return False


def _real_folder(cwd: str, path: str) -> str:
    """Give the folder of a path, made where it is missing; no link on the way is followed.

    Raises:
        OSError: a part of the way is something else than a folder.
    """
    folder = cwd
    for part in path.split("/")[:-1]:
        folder = os.path.join(folder, part)
        with suppress(FileExistsError):
            os.mkdir(folder)
        if not stat.S_ISDIR(os.lstat(folder).st_mode):
            raise OSError(f"{folder} is no folder")
    return folder


def _told(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.filename or 'the cache'}: {problem.strerror}"
    return f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

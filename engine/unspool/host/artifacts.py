"""Values too large for a row: files named by the SHA-256 of their content, and the twin in memory."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path

from unspool.errors import JournalDamaged
from unspool.journal.folders import make_private_folder, sync_folder
from unspool.model.values import Ref

_PART = 1 << 20  # bytes copied at once
_unique = count()
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileArtifacts:
    """Keeps each value once, synced before its name is given away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> Ref:
        """Keep a value; when this returns, it is durable."""
        digest = sha256(content).hexdigest()
        folder = self._folder / digest[:2]
        path = folder / digest
        if not path.exists():
            make_private_folder(folder)
            part = folder / f"{digest}.{os.getpid()}.part"
            with open(part, "wb", opener=_private) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        sync_folder(folder)  # also where it was there: whoever named it may have died before this
        return Ref(digest, len(content), "")

    def put_parts(self, parts: Iterable[bytes]) -> Ref:
        """Keep a value that comes in parts; only one of them is held at a time."""
        make_private_folder(self._folder)
        part = self._folder / f"{os.getpid()}.{next(_unique)}.part"
        digest, size = sha256(), 0
        try:
            with open(part, "wb", opener=_private) as file:
                for content in parts:
                    digest.update(content)
                    size += len(content)
                    file.write(content)
                file.flush()
                os.fsync(file.fileno())
            path = self.path(digest.hexdigest())
            make_private_folder(path.parent)
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(path.parent)
        return Ref(path.name, size, "")

    def put_file(self, source: Path) -> Ref:
        """Keep the content of a file, however large; when this returns, it is durable.

        Raises:
            OSError: it cannot be read or kept.
        """
        with open(source, "rb") as read:
            return self.put_parts(iter(partial(read.read, _PART), b""))

    def path(self, digest: str) -> Path:
        """Give the file of a value, which need not be there.

        Raises:
            KeyError: this is no digest.
        """
        if not _DIGEST.fullmatch(digest):
            raise KeyError(digest)
        return self._folder / digest[:2] / digest

    def verify(self, digest: str) -> None:
        """Make sure that a value is there and whole.

        Raises:
            KeyError: there is none.
            JournalDamaged: its file has been changed.
        """
        self._read(digest, lambda _: None)

    def copy(self, digest: str, target: str) -> None:
        """Write a value into a new file.

        Raises:
            KeyError: there is none.
            JournalDamaged: its file has been changed.
            OSError: the new file cannot be written.
        """
        with open(target, "xb", opener=_private) as file:
            self._read(digest, file.write)

    def _read(self, digest: str, take: Callable[[bytes], object]) -> None:
        """Give a value away piece by piece, and see at the end whether it was what its name says."""
        path, found = self.path(digest), sha256()
        try:
            with open(path, "rb") as read:
                while content := read.read(_PART):
                    found.update(content)
                    take(content)
        except FileNotFoundError:
            raise KeyError(digest) from None
        if found.hexdigest() != digest:
            raise JournalDamaged(f"{path} does not hold the value that its name says")

    def get(self, digest: str) -> bytes:
        """Give a value back.

        Raises:
            KeyError: there is none.
            JournalDamaged: its file has been changed.
        """
        path = self.path(digest)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None
        if sha256(content).hexdigest() != digest:
            raise JournalDamaged(f"{path} does not hold the value that its name says")
        return content


class MemoryArtifacts:
    """Keeps values in a dictionary: the twin."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def put(self, content: bytes) -> Ref:
        """Keep a value."""
        digest = sha256(content).hexdigest()
        self._values[digest] = content
        return Ref(digest, len(content), "")

    def put_parts(self, parts: Iterable[bytes]) -> Ref:
        """Keep a value that comes in parts."""
        return self.put(b"".join(parts))

    def get(self, digest: str) -> bytes:
        """Give a value back; KeyError where there is none."""
        return self._values[digest]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

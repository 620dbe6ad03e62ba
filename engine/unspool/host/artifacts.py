"""Values too large for a row: files named by the SHA-256 of their content, and the twin in memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from unspool.errors import JournalDamaged
from unspool.journal.folders import make_private_folder, sync_folder
from unspool.model.values import Ref

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
        part = self._folder / f"incoming.{os.getpid()}.part"
        digest, size = sha256(), 0
        try:
            with open(part, "wb", opener=_private) as file:
                for content in parts:
                    digest.update(content)
                    size += len(content)
                    file.write(content)
                file.flush()
                os.fsync(file.fileno())
            name = digest.hexdigest()
            folder = self._folder / name[:2]
            make_private_folder(folder)
            part.rename(folder / name)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(folder)
        return Ref(name, size, "")

    def get(self, digest: str) -> bytes:
        """Give a value back.

        Raises:
            KeyError: there is none.
            JournalDamaged: its file has been changed.
        """
        if not _DIGEST.fullmatch(digest):
            raise KeyError(digest)
        path = self._folder / digest[:2] / digest
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

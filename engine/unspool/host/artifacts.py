"""Values too large for a row: files named by the SHA-256 of their content, and the twin in memory."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from unspool.model.values import Ref


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
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = folder / f"{digest}.{os.getpid()}.part"
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            _sync_folder(folder)
        return Ref(digest, len(content), "")

    def get(self, digest: str) -> bytes:
        """Give a value back; KeyError where there is none."""
        try:
            return (self._folder / digest[:2] / digest).read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None


class MemoryArtifacts:
    """Keeps values in a dictionary: the twin."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def put(self, content: bytes) -> Ref:
        """Keep a value."""
        digest = sha256(content).hexdigest()
        self._values[digest] = content
        return Ref(digest, len(content), "")

    def get(self, digest: str) -> bytes:
        """Give a value back; KeyError where there is none."""
        return self._values[digest]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""What the kept output of an attempt is called: a name that any file system takes."""

from __future__ import annotations

import re
from zlib import crc32

_MOST = 180  # characters; file systems take 255 bytes, and an ending follows


def log_name(task: str, attempt: int) -> str:
    """Give the name of an attempt's output, to which `.out` or `.err` is added."""
    name = task.replace("/", "~")  # no id holds a `~`
    if len(name) > _MOST:
        name = f"{name[:_MOST]}~{crc32(name.encode()):08x}"
    return f"{name}.{attempt}"


def attempt_of(file: str, task: str) -> int | None:
    """Give the number of the attempt of this task that wrote a file of this name, None where none did."""
    match = re.fullmatch(r"(.*)\.(\d+)\.(?:out|err)", file)
    if match is None or f"{match[1]}.{match[2]}" != log_name(task, int(match[2])):
        return None
    return int(match[2])

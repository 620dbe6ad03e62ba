"""Files that a task's output goes straight into, and what is read back from them."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from unspool.model.plan import Task
from unspool.model.values import Inline, Ref, to_json

MAX_INLINE = 256 * 1024  # bytes of a stream that travel in the event; more travel as a file
_PART = 16 * 1024 * 1024  # bytes read at once
HEAD = 1024  # characters of a large value that are kept at hand


class Store(Protocol):
    """Where values too large for an event are kept."""

    def put(self, content: bytes) -> Ref:
        """Keep a value, durably."""


class Slot:
    """Two output files that one attempt after another writes to.

    Making two files costs a tenth of a short task, so an empty one serves the next attempt; one that
    was written to, or that a process left behind may still write to, gets the attempt's name and is
    replaced. A lock tells: each attempt has descriptors opened for it alone, which hold a shared one.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.paths = {stream: str(folder / f"{name}.{stream}") for stream in ("out", "err")}
        self.output = str(folder / f"{name}.output")
        self.input = str(folder / f"{name}.input.json")
        self.files: dict[str, int] = {}
        try:
            for stream, path in self.paths.items():
                self.files[stream] = _open(path)
        except OSError:  # too many are open
            self.close()
            raise

    def lend(self) -> tuple[int, int]:
        """Give descriptors of `out` and `err` for one attempt's processes to inherit; the caller closes them."""
        out = _lend(self.files["out"])
        try:
            return out, _lend(self.files["err"])
        except OSError:
            os.close(out)
            raise

    def read(self, stream: str) -> bytes:
        """Give all that was written to `out` or `err`, at most one byte more than travels inline."""
        return os.pread(self.files[stream], MAX_INLINE + 1, 0)

    def read_all(self, stream: str) -> bytes:
        """Give all that was written to `out` or `err`, also where the file's name has been removed."""
        content = bytearray()
        while part := os.pread(self.files[stream], _PART, len(content)):
            content += part
        return bytes(content)

    def keep(self, folder: str, name: str) -> None:
        """Give the attempt's output its own name in `folder`, if there is any, and be empty again."""
        for stream, file in self.files.items():
            status = os.fstat(file)
            if status.st_size or not status.st_nlink or _is_lent(file):
                os.makedirs(folder, mode=0o700, exist_ok=True)
                with suppress(FileNotFoundError):  # a task may have removed even this, with all of the state folder
                    os.rename(self.paths[stream], f"{folder}/{name}.{stream}")
                self.files[stream] = _open(self.paths[stream])
                os.close(file)

    def close(self) -> None:
        """Close and remove the files."""
        for stream, file in self.files.items():
            os.close(file)
            Path(self.paths[stream]).unlink(missing_ok=True)
        Path(self.input).unlink(missing_ok=True)
        _remove(self.output)


def _lend(file: int) -> int:
    lent = os.open(f"/proc/self/fd/{file}", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)  # its name may be gone
    fcntl.flock(lent, fcntl.LOCK_SH)
    return lent


def _is_lent(file: int) -> bool:
    """Whether a process still has what was lent of a file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _open(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return os.open(path, flags, 0o600)


def _remove(path: str) -> None:
    """Remove what a task may have put there, whatever it is."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        import shutil  # 2 ms, for what nobody does on purpose

        shutil.rmtree(path, ignore_errors=True)


def _read_file(path: str) -> bytes:
    """Read a file that a task may have made.

    Raises:
        OSError, ValueError: it cannot be read, or is a link, a pipe, a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def collect(task: Task, slot: Slot, cwd: str, store: Store, exit_code: int) -> dict[str, Any]:
    """Read what the core needs to judge an attempt and to fill its outputs."""
    collected: dict[str, Any] = {"exit_code": exit_code}
    wanted = set(task.collect)
    if "stdout" in wanted or "json" in wanted:
        collected["stdout"] = _stream(slot, "out", store)
    if "stderr" in wanted:
        collected["stderr"] = _stream(slot, "err", store)
    _read_output_file(task, slot, store, collected)
    _read_outputs(task, slot, cwd, store, collected)
    return collected


def travel(content: bytes, store: Store, most: int = MAX_INLINE) -> dict[str, Any]:
    """Wrap a value for an event: itself, or a reference to where it is kept.

    What travels inside an event is text; bytes that are no UTF-8 become U+FFFD. A kept file has them all.
    """
    if len(content) <= most:
        return to_json(Inline(content.decode("utf-8", "replace")))
    return to_json(store.put(content)._replace(head=content[:HEAD].decode("utf-8", "replace")))


def _stream(slot: Slot, stream: str, store: Store) -> dict[str, Any]:
    content = slot.read(stream)
    if len(content) > MAX_INLINE:
        content = slot.read_all(stream)
    return travel(content, store)


def _read_outputs(task: Task, slot: Slot, cwd: str, store: Store, collected: dict[str, Any]) -> None:
    """Read the outputs that come from files or from more of stdout than travels."""
    found: dict[str, Any] = {}
    for output in task.outputs:
        if output.source == "file" and output.file is not None:
            path = os.path.join(cwd, output.file)
            if os.path.isfile(path):
                try:
                    content = Path(path).read_bytes()
                except OSError as problem:
                    collected["output_error"] = f"output {output.name!r}: cannot read {path}: {problem.strerror}"
                    continue
                found[output.name] = travel(content, store, output.max_bytes)
        elif output.source == "stdout" and not _travels(collected.get("stdout"), output.max_bytes):
            found[output.name] = travel(slot.read_all("out"), store, output.max_bytes)
    if found:
        collected["outputs"] = found


def _travels(stream: dict[str, Any] | None, most: int) -> bool:
    """Whether a stream is in the event already and small enough for an output."""
    return stream is not None and "inline" in stream and len(stream["inline"].encode("utf-8", "replace")) <= most


def _read_output_file(task: Task, slot: Slot, store: Store, collected: dict[str, Any]) -> None:
    if not os.access(slot.output, os.F_OK):  # an exception for each task that wrote none would cost more
        return
    most = {output.name: output.max_bytes for output in task.outputs}
    try:
        values = parse_output(_read_file(slot.output).decode("utf-8"))
    except (OSError, ValueError) as problem:
        collected["output_error"] = f"UNSPOOL_OUTPUT: {problem}"
        return
    finally:
        _remove(slot.output)
    collected["output"] = {
        name: travel(text.encode("utf-8"), store, most.get(name, MAX_INLINE)) for name, text in values.items()
    }


def parse_output(text: str) -> dict[str, str]:
    """Read what a task wrote to UNSPOOL_OUTPUT: `name=value` lines, or `name<<END`, lines, `END`.

    Raises:
        ValueError: a line is neither, or a block does not end.
    """
    values: dict[str, str] = {}
    lines = iter(enumerate(text.split("\n"), 1))
    for number, line in lines:
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        block, marker, end = line.partition("<<")
        if marker and (not equals or len(block) < len(name)):
            values[block.strip()] = _block(lines, number, end.strip())
        elif equals:
            values[name.strip()] = value
        else:
            raise ValueError(f"line {number} is not `name=value`: {line[:60]!r}")
    return values


def _block(lines: Any, start: int, end: str) -> str:
    found: list[str] = []
    for _, line in lines:
        if line == end:
            return "\n".join(found)
        found.append(line)
    raise ValueError(f"the block that begins at line {start} does not end with {end!r}")


def write_input(slot: Slot, arguments: Any) -> None:
    """Write the `with` of a task where UNSPOOL_INPUT points to."""
    with open(slot.input, "w", encoding="utf-8", opener=_private) as file:
        json.dump(arguments, file)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

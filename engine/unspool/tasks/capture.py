"""What is read back from the files of an attempt, bounded and as it may travel in an event."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from unspool.model.plan import Task
from unspool.model.values import Inline, Ref, to_json
from unspool.tasks.slots import MAX_INLINE, Slot, remove

if TYPE_CHECKING:
    from unspool.tasks.masking import Mask

HEAD = 1024  # characters of a large value that are kept at hand


class Store(Protocol):
    """Where values too large for an event are kept."""

    def put(self, content: bytes) -> Ref:
        """Keep a value, durably."""

    def put_parts(self, parts: Iterable[bytes]) -> Ref:
        """Keep a value that comes in parts, durably, and hold only one of them at a time."""


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


def collect(task: Task, slot: Slot, cwd: str, store: Store, exit_code: int, mask: Mask | None = None) -> dict[str, Any]:
    """Read what the core needs to judge an attempt and to fill its outputs; `mask` hides secrets in what files hold."""
    collected: dict[str, Any] = {"exit_code": exit_code, **streams(task, slot, store)}
    _read_output_file(task, slot, store, collected, mask)
    _read_outputs(task, slot, cwd, store, collected, mask)
    if mask is not None:
        remove(slot.input)
    return collected


def streams(task: Task, slot: Slot, store: Store) -> dict[str, Any]:
    """Read what the core needs of `stdout` and `stderr`."""
    wanted = set(task.collect)
    collected: dict[str, Any] = {}
    if "stdout" in wanted or "json" in wanted:
        collected["stdout"] = _stream(slot, "out", store)
    if "stderr" in wanted:
        collected["stderr"] = _stream(slot, "err", store)
    return collected


def answered(task: Task, slot: Slot, cwd: str, store: Store, mask: Mask | None = None) -> dict[str, Any]:
    """Read what the core needs of what a server answered: the body stands where a process would have written."""
    collected = streams(task, slot, store)
    _read_outputs(task, slot, cwd, store, collected, mask)
    return collected


def travel(content: bytes, store: Store, most: int = MAX_INLINE) -> dict[str, Any]:
    """Wrap a value for an event: itself, or a reference to where it is kept.

    What travels inside an event is text; bytes that are no UTF-8 become U+FFFD. A kept file has them all.
    """
    if len(content) <= most:
        return to_json(Inline(content.decode("utf-8", "replace")))
    return to_json(store.put(content)._replace(head=content[:HEAD].decode("utf-8", "replace")))


def _stream(slot: Slot, stream: str, store: Store) -> dict[str, Any]:
    return _travel_stream(slot, stream, store, MAX_INLINE)


def _travel_stream(slot: Slot, stream: str, store: Store, most: int) -> dict[str, Any]:
    """Wrap a whole stream for an event, however large it is, without holding it."""
    content = slot.read(stream, most)
    if len(content) <= most:
        return travel(content, store, most)
    return to_json(store.put_parts(slot.parts(stream))._replace(head=content[:HEAD].decode("utf-8", "replace")))


def _read_outputs(task: Task, slot: Slot, cwd: str, store: Store, collected: dict[str, Any], mask: Mask | None) -> None:
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
                found[output.name] = travel(_masked(content, mask), store, output.max_bytes)
        elif output.source == "stdout" and not _travels(collected.get("stdout"), output.max_bytes):
            found[output.name] = _travel_stream(slot, "out", store, output.max_bytes)
    if found:
        collected["outputs"] = found


def _travels(stream: dict[str, Any] | None, most: int) -> bool:
    """Whether a stream is in the event already and small enough for an output."""
    return stream is not None and "inline" in stream and len(stream["inline"].encode("utf-8", "replace")) <= most


def _masked(content: bytes, mask: Mask | None) -> bytes:
    return content if mask is None else mask.content(content)


def _read_output_file(task: Task, slot: Slot, store: Store, collected: dict[str, Any], mask: Mask | None) -> None:
    if not os.access(slot.output, os.F_OK):  # an exception for each task that wrote none would cost more
        return
    most = {output.name: output.max_bytes for output in task.outputs}
    try:
        values = parse_output(_masked(_read_file(slot.output), mask).decode("utf-8"))
    except UnicodeDecodeError as problem:
        collected["output_error"] = f"UNSPOOL_OUTPUT: byte {problem.start + 1} is not UTF-8; write text"
        return
    except OSError as problem:
        collected["output_error"] = f"UNSPOOL_OUTPUT: it cannot be read ({problem.strerror}); leave a plain file there"
        return
    except ValueError as problem:
        collected["output_error"] = f"UNSPOOL_OUTPUT: {problem}"
        return
    finally:
        remove(slot.output)
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

"""Output files and what is read back from them: byte exact, bounded, and proof against what a task puts there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.attempts import Processes
from unspool.host.artifacts import MemoryArtifacts
from unspool.model.plan import Output, Task
from unspool.model.values import from_json
from unspool.tasks.capture import HEAD, collect, parse_output, travel, write_input
from unspool.tasks.slots import MAX_INLINE, Slot

STRING = {"type": "string"}


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    folder = tmp_path / "slots"
    folder.mkdir()
    slot = Slot(folder, "1-1")
    yield slot
    slot.close()


@pytest.fixture
def store() -> MemoryArtifacts:
    return MemoryArtifacts()


def task(*outputs: Output, collect: tuple[str, ...] = ()) -> Task:
    return Task(0, "a", "run", {}, outputs=outputs, collect=collect)


def write(slot: Slot, content: bytes, stream: str = "out") -> None:
    os.write(slot.files[stream], content)


# -- the output file ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("\n \n", {}),
        ("a=1", {"a": "1"}),
        ("a=1\nb=2\n", {"a": "1", "b": "2"}),
        ("a=\n", {"a": ""}),
        ("a=x=y==\n", {"a": "x=y=="}),
        (" a = 1 \n", {"a": " 1 "}),
        ("a=1\na=2\n", {"a": "2"}),
        ("a=x<<y\n", {"a": "x<<y"}),
        ("a=<<END\n", {"a": "<<END"}),
        ("a<<END\nEND\n", {"a": ""}),
        ("a<<END\none\ntwo\nEND\nb=3\n", {"a": "one\ntwo", "b": "3"}),
        ("a<<END\n\nx\n\nEND\n", {"a": "\nx\n"}),
        ("a<<END\nb=1\nc<<X\n END\nEND\n", {"a": "b=1\nc<<X\n END"}),
        ("a << END=1\nx\nEND=1\n", {"a": "x"}),
        ("ä=ö\n", {"ä": "ö"}),
        ("a=1\r\n", {"a": "1\r"}),
        ("a=\u2028\x0b\x0c\n", {"a": "\u2028\x0b\x0c"}),
    ],
)
def test_an_output_file_is_read(text: str, values: dict[str, str]):
    assert parse_output(text) == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "line 1 is not `name=value`: 'nothing'"),
        ("a=1\n\nx y z\n", "line 3 is not `name=value`: 'x y z'"),
        ("x" * 100, "line 1 is not `name=value`: '" + "x" * 60 + "'"),
        ("a=1\nb<<END\none\n", "the block that begins at line 2 does not end with 'END'"),
        ("b<<END", "the block that begins at line 1 does not end with 'END'"),
        ("b<<END\nEND ", "the block that begins at line 1 does not end with 'END'"),
    ],
)
def test_what_is_no_output_file_is_said_with_its_line(text: str, said: str):
    with pytest.raises(ValueError, match="line") as problem:
        parse_output(text)
    assert str(problem.value) == said


names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(st.dictionaries(names, texts, max_size=5))
def test_whatever_a_block_holds_comes_back(values: dict[str, str]):
    end = "END_" + "x" * (1 + max((len(text) for text in values.values()), default=0))
    text = "".join(f"{name}<<{end}\n{value}\n{end}\n" for name, value in values.items())
    assert parse_output(text) == values


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str):
    try:
        values = parse_output(text)
    except ValueError as problem:
        assert "line" in str(problem)
    else:
        assert all(isinstance(part, str) for pair in values.items() for part in pair)


def test_the_output_file_is_taken_once(slot: Slot, store: MemoryArtifacts):
    Path(slot.output).write_text("n=1\nundeclared=2\n")
    collected = collect(task(Output("n", STRING)), slot, "/", store, 0)
    assert collected == {"exit_code": 0, "output": {"n": {"inline": "1"}, "undeclared": {"inline": "2"}}}
    assert collect(task(), slot, "/", store, 7) == {"exit_code": 7}
    assert not Path(slot.output).exists()


@pytest.mark.parametrize("kind", ["garbage", "not utf-8", "folder", "pipe", "link"])
def test_an_output_file_that_is_none_is_said_and_removed(slot: Slot, store: MemoryArtifacts, tmp_path: Path, kind: str):
    path = Path(slot.output)
    if kind == "garbage":
        path.write_text("what?")
    elif kind == "not utf-8":
        path.write_bytes(b"a=\xff")
    elif kind == "folder":
        (path / "deep").mkdir(parents=True)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        (tmp_path / "elsewhere").write_text("a=1")
        path.symlink_to(tmp_path / "elsewhere")
    collected = collect(task(), slot, "/", store, 0)
    assert set(collected) == {"exit_code", "output_error"}
    assert collected["output_error"].startswith("UNSPOOL_OUTPUT: ")
    assert not os.path.lexists(path)
    assert collect(task(), slot, "/", store, 0) == {"exit_code": 0}


def test_a_large_value_of_the_output_file_travels_by_reference(slot: Slot, store: MemoryArtifacts):
    Path(slot.output).write_text(f"small={'ä' * 5}\nlarge={'ä' * 6}\nhuge={'x' * (MAX_INLINE + 1)}\n")
    outputs = (Output("small", STRING, max_bytes=10), Output("large", STRING, max_bytes=10))
    collected = collect(task(*outputs), slot, "/", store, 0)["output"]
    assert collected["small"] == {"inline": "ä" * 5}
    assert collected["large"]["size"] == 12
    assert store.get(collected["large"]["ref"]) == ("ä" * 6).encode()
    assert collected["huge"]["size"] == MAX_INLINE + 1


# -- streams --------------------------------------------------------------------------------------


def test_only_what_is_asked_for_is_read(slot: Slot, store: MemoryArtifacts):
    write(slot, b"out")
    write(slot, b"err", "err")
    assert collect(task(), slot, "/", store, 0) == {"exit_code": 0}
    assert collect(task(collect=("stdout",)), slot, "/", store, 0)["stdout"] == {"inline": "out"}
    assert collect(task(collect=("json",)), slot, "/", store, 0)["stdout"] == {"inline": "out"}
    assert collect(task(collect=("stderr",)), slot, "/", store, 0) == {"exit_code": 0, "stderr": {"inline": "err"}}


@pytest.mark.parametrize("size", [0, 1, MAX_INLINE - 1, MAX_INLINE])
def test_a_stream_up_to_the_cap_travels_in_the_event(slot: Slot, store: MemoryArtifacts, size: int):
    write(slot, b"x" * size)
    assert collect(task(collect=("stdout",)), slot, "/", store, 0)["stdout"] == {"inline": "x" * size}


@pytest.mark.parametrize("size", [MAX_INLINE + 1, 3 * MAX_INLINE])
def test_a_stream_above_the_cap_travels_by_reference(slot: Slot, store: MemoryArtifacts, size: int):
    content = os.urandom(size)
    write(slot, content)
    stdout = from_json(collect(task(collect=("stdout",)), slot, "/", store, 0)["stdout"])
    assert store.get(stdout.sha256) == content  # type: ignore[union-attr]
    assert stdout.size == size  # type: ignore[union-attr]
    assert stdout.head == content[:HEAD].decode("utf-8", "replace")  # type: ignore[union-attr]


def test_a_large_stream_is_read_though_its_name_is_gone(slot: Slot, store: MemoryArtifacts):
    write(slot, b"x" * (MAX_INLINE + 1))
    Path(slot.paths["out"]).unlink()
    stdout = collect(task(collect=("stdout",)), slot, "/", store, 0)["stdout"]
    assert stdout["size"] == MAX_INLINE + 1


def test_bytes_that_are_no_text_are_replaced_in_the_event_only(slot: Slot, store: MemoryArtifacts):
    write(slot, b"a\xff\xc3(\0b")
    assert collect(task(collect=("stdout",)), slot, "/", store, 0)["stdout"] == {"inline": "a\ufffd\ufffd(\0b"}
    assert slot.read("out") == b"a\xff\xc3(\0b"


def test_an_output_of_stdout_is_kept_apart_only_where_it_must(slot: Slot, store: MemoryArtifacts):
    write(slot, b"ten bytes!")
    wide, narrow = Output("n", STRING, "stdout", max_bytes=10), Output("n", STRING, "stdout", max_bytes=9)
    assert collect(task(wide, collect=("stdout",)), slot, "/", store, 0) == {
        "exit_code": 0,
        "stdout": {"inline": "ten bytes!"},
    }
    found = collect(task(narrow, collect=("stdout",)), slot, "/", store, 0)["outputs"]["n"]
    assert store.get(found["ref"]) == b"ten bytes!"
    assert collect(task(wide), slot, "/", store, 0)["outputs"] == {"n": {"inline": "ten bytes!"}}


def test_travel_keeps_a_large_value_before_it_is_named(store: MemoryArtifacts):
    assert travel(b"abc", store, 3) == {"inline": "abc"}
    named = travel("ä".encode() * HEAD, store, 3)
    assert store.get(named["ref"]) == "ä".encode() * HEAD
    assert named["head"] == "ä" * (HEAD // 2)


# -- files that a task made -----------------------------------------------------------------------


def file_output(path: str, most: int = 100) -> Output:
    return Output("n", STRING, "file", path, max_bytes=most)


def test_a_file_counts_from_the_tasks_folder(slot: Slot, store: MemoryArtifacts, tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "file").write_text("text\n")
    for path in ("sub/file", "./sub/../sub/file", str(tmp_path / "sub" / "file")):
        found = collect(task(file_output(path)), slot, str(tmp_path), store, 0)
        assert found["outputs"] == {"n": {"inline": "text\n"}}
    found = collect(task(file_output("sub/file", 4)), slot, str(tmp_path), store, 0)
    assert store.get(found["outputs"]["n"]["ref"]) == b"text\n"


def test_a_file_that_is_not_there_is_no_value(slot: Slot, store: MemoryArtifacts, tmp_path: Path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for path in ("missing", "folder", "pipe", "missing/deep"):
        assert collect(task(file_output(path)), slot, str(tmp_path), store, 0) == {"exit_code": 0}


def test_a_file_that_cannot_be_read_is_said(
    slot: Slot, store: MemoryArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("secret")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)  # the superuser is refused nothing
    found = collect(task(file_output("file")), slot, str(tmp_path), store, 0)
    assert found == {"exit_code": 0, "output_error": f"output 'n': cannot read {tmp_path}/file: Permission denied"}


# -- slots ----------------------------------------------------------------------------------------


def test_an_empty_slot_serves_again_and_a_full_one_is_replaced(slot: Slot, tmp_path: Path):
    logs = str(tmp_path / "logs" / "r")
    before = dict(slot.files)
    slot.keep(logs, "a.1")
    assert slot.files == before
    assert not os.path.exists(logs)
    write(slot, b"text")
    slot.keep(logs, "a.2")
    assert os.listdir(logs) == ["a.2.out"]
    assert slot.files["err"] == before["err"]
    assert slot.read("out") == b""
    write(slot, b"next")
    slot.keep(logs, "a.3")
    assert (tmp_path / "logs" / "r" / "a.2.out").read_bytes() == b"text"
    assert (tmp_path / "logs" / "r" / "a.3.out").read_bytes() == b"next"


def test_a_slot_that_cannot_be_made_whole_is_not_made(tmp_path: Path):
    (tmp_path / "1-1.err").mkdir()
    before = os.listdir("/proc/self/fd")
    with pytest.raises(IsADirectoryError):
        Slot(tmp_path, "1-1")
    assert len(os.listdir("/proc/self/fd")) == len(before)
    assert os.listdir(tmp_path) == ["1-1.err"]


def test_a_slot_that_lost_its_files_makes_them_anew(slot: Slot, tmp_path: Path):
    import shutil

    shutil.rmtree(tmp_path / "slots")
    slot.keep(str(tmp_path / "logs"), "a.1")
    write(slot, b"text")
    slot.keep(str(tmp_path / "logs"), "a.2")
    assert (tmp_path / "logs" / "a.2.out").read_bytes() == b"text"


def test_a_closed_slot_leaves_nothing(tmp_path: Path):
    slot = Slot(tmp_path, "1-1")
    write_input(slot, {"a": 1})
    Path(slot.output).write_text("a=1")
    slot.close()
    assert list(tmp_path.iterdir()) == []


def test_arguments_are_for_their_owner_only(slot: Slot):
    write_input(slot, {"ä": [1]})
    assert Path(slot.input).read_text() == '{"\\u00e4": [1]}'
    assert Path(slot.input).stat().st_mode & 0o777 == 0o600


# -- all of it, with a process --------------------------------------------------------------------


def test_a_process_fills_its_outputs(tmp_path: Path):
    processes = Processes(tmp_path)
    script = (
        'echo n=5 >> "$UNSPOOL_OUTPUT"; printf "t<<X\\n1\\n2\\nX\\n" >> "$UNSPOOL_OUTPUT"; echo hello; echo made > file'
    )
    outputs: Any = (
        Output("n", {"type": "integer"}),
        Output("t", STRING),
        Output("s", STRING, "stdout"),
        Output("f", STRING, "file", "file"),
    )
    end = processes.run(script, outputs=outputs, collect=("stdout",))
    processes.close()
    assert end.result == {
        "exit_code": 0,
        "stdout": {"inline": "hello\n"},
        "output": {"n": {"inline": "5"}, "t": {"inline": "1\n2"}},
        "outputs": {"f": {"inline": "made\n"}},
    }


def test_a_large_output_of_a_process_is_stored_byte_by_byte(tmp_path: Path):
    processes = Processes(tmp_path)
    end = processes.run("head -c 3000000 /dev/urandom", collect=("stdout",))
    assert end.result is not None
    stdout = end.result["stdout"]
    assert stdout["size"] == 3_000_000
    assert processes.artifacts.get(stdout["ref"]) == processes.log()
    processes.close()


def test_an_output_file_that_cannot_be_read_is_told_in_words(slot: Slot, store: MemoryArtifacts, tmp_path: Path):
    def told() -> str:
        return collect(task(), slot, str(tmp_path), store, 0)["output_error"]

    Path(slot.output).write_bytes(b"a=\xff\n")
    assert told() == "UNSPOOL_OUTPUT: byte 3 is not UTF-8; write text"
    Path(slot.output).symlink_to("/etc/passwd")
    assert told().startswith("UNSPOOL_OUTPUT: it cannot be read (Too many levels of symbolic links)")

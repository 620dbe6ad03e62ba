"""The pipes of a run with secrets: all that was written arrives, masked, and no survivor is waited for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.attempts import Processes, wait_for_ends
from unspool.errors import JournalError, SpawnError
from unspool.host.reactor import EpollReactor
from unspool.model.plan import Output
from unspool.tasks.masking import Mask
from unspool.tasks.pipes import Pipes
from unspool.tasks.slots import Slots

SECRET = "sesame 'open' \n+ second/line"
MASK = Mask({"TOKEN": SECRET})


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    (tmp_path / "journal").mkdir()
    (tmp_path / "private").mkdir()
    processes = Processes(tmp_path / "journal", env={b"PATH": os.environb[b"PATH"], b"TOKEN": SECRET.encode()})
    yield processes
    processes.close()


@pytest.fixture
def more(tmp_path: Path) -> dict[str, object]:
    return {"mask": MASK, "private": str(tmp_path / "private"), "env": {"T": SECRET}}


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_what_a_task_writes_is_masked_in_its_files(processes: Processes, more: dict):
    end = processes.run('printf "out %s." "$T"; printf "err %s." "$T" >&2', **more)
    assert end.error is None
    assert (processes.log("out"), processes.log("err")) == (b"out ***.", b"err ***.")


def test_the_variable_of_a_secret_is_not_inherited(processes: Processes, more: dict):
    processes.run("env", **more)
    names = {line.partition(b"=")[0] for line in (processes.log() or b"").split(b"\n")}
    assert b"T" in names
    assert b"TOKEN" not in names
    processes.run("env")  # a run without secrets has what it had
    assert b"TOKEN=sesame" in (processes.log() or b"")


def test_a_secret_in_two_writes_is_found(processes: Processes, more: dict):
    processes.run('printf "a sesa"; sleep 0.05; printf "me \'open\' \n+ second/li"; sleep 0.05; printf "ne b"', **more)
    assert processes.log() == b"a *** b"


def test_more_than_a_pipe_holds_arrives_whole(processes: Processes, more: dict):
    processes.run('i=0; while [ $i -lt 20000 ]; do echo "line $i of many"; i=$((i+1)); done; printf "%s" "$T"', **more)
    log = processes.log() or b""
    assert log.count(b"\n") == 20000
    assert log.endswith(b"line 19999 of many\n***")


def test_the_last_of_what_was_written_arrives_though_nobody_looked_before(tmp_path: Path):
    reactor, slots = EpollReactor(), Slots(tmp_path, 1)
    slot = slots.take()
    pipes = Pipes(reactor, slot, MASK)
    ends = pipes.lend()
    os.write(ends[0], b"x" * 60000 + SECRET.encode())
    pipes.finish()
    assert slot.read("out") == b"x" * 60000 + b"***"
    with pytest.raises(BrokenPipeError):
        os.write(ends[0], b"late")
    for end in ends:
        os.close(end)
    slots.give_back(slot)
    slots.close()
    reactor.close()


def test_a_survivor_that_writes_for_ever_is_not_waited_for(processes: Processes, more: dict, tmp_path: Path):
    script = "setsid sh -c 'exec 2>&-; : > ready; exec yes' & until [ -e ready ]; do sleep 0.01; done"
    end = processes.run(script, tmp_path, **more)
    assert end.error is None
    assert end.at - (end.started_at or 0) < 10


def test_the_file_of_outputs_lies_outside_the_state_and_goes(processes: Processes, more: dict, tmp_path: Path):
    more["outputs"] = (Output("value", {"type": "string"}), Output("file", {"type": "string"}, "file", "made"))
    action = {
        "script": 'echo "value=$T" > "$UNSPOOL_OUTPUT"; printf "%s" "$T" > made; cat "$UNSPOOL_INPUT"',
        "shell": "sh",
    }
    end = processes.run({**action, "with": {"a": 1}}, tmp_path, **more)
    assert end.result is not None
    assert end.result["output"] == {"value": {"inline": "***"}}
    assert end.result["outputs"] == {"file": {"inline": "***"}}
    assert processes.log() == b'{"a": 1}'
    assert list((tmp_path / "private").iterdir()) == []
    assert b"sesame" not in everything(processes.folder)


def test_a_large_output_is_masked_before_it_is_kept(processes: Processes, more: dict):
    more["outputs"] = (Output("value", {"type": "string"}, "stdout", max_bytes=10),)
    more["collect"] = ("stdout",)
    end = processes.run('head -c 300000 /dev/zero | tr "\\0" x; printf "%s" "$T"', **more)
    assert end.result is not None
    assert end.result["stdout"]["size"] == 300003
    assert b"sesame" not in everything(processes.folder)


def test_a_faulty_file_of_outputs_tells_nothing(processes: Processes, more: dict):
    end = processes.run('echo "no equals $T" > "$UNSPOOL_OUTPUT"', **more)
    assert end.result is not None
    assert "***" in end.result["output_error"]
    assert "sesame" not in str(end)


def test_closing_lets_go_of_the_pipes(processes: Processes, more: dict):
    processes.start("sleep 1000", **more)
    processes.kind.close()


def test_what_cannot_be_started_leaves_no_pipe(processes: Processes, more: dict):
    opened = []
    for _ in range(3):
        with pytest.raises(SpawnError, match="no such program"):
            processes.start(["no-such-program"], **more)
        opened.append(len(os.listdir("/proc/self/fd")))
    assert opened[0] == opened[1] == opened[2]


def test_a_file_that_takes_no_more_ends_the_host(processes: Processes, more: dict, monkeypatch: pytest.MonkeyPatch):
    def full(_file: int, _content: bytes) -> int:
        raise OSError(28, "No space left on device")

    processes.start("echo much", **more)
    monkeypatch.setattr("unspool.tasks.pipes.os.write", full)
    with pytest.raises(JournalError, match="No space left"):
        wait_for_ends(processes.reactor, processes.sink)

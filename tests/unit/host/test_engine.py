"""An engine is put together, drives real processes, and is taken apart again, whatever happens."""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unspool.errors import JournalDamaged, JournalError, JournalLocked, SecretError, UnsupportedPlatform
from unspool.host import home
from unspool.host.engine import VERSIONS, Engine
from unspool.host.ports import Request
from unspool.host.spool import FileSpool
from unspool.journal.sqlite import SqliteJournal, SqliteReader, is_locked
from unspool.model.entry import Entry
from unspool.model.events import AttemptLost, OwnerChanged, RunStarted, TaskAdmitted
from unspool.model.plan import Output, Plan, Task
from unspool.model.plan_json import plan_to_json
from unspool.tasks import sweep

PATIENCE = 20.0


def plan(*argvs: list[str] | str, chain: bool = False, **more: Any) -> Plan:
    """Build a plan of commands (or scripts), side by side or one after another."""
    tasks = []
    for index, argv in enumerate(argvs):
        action = {"argv": argv} if isinstance(argv, list) else {"script": argv, "shell": "sh"}
        needs = ((index - 1, "ok"),) if chain and index else ()
        tasks.append(Task(index, f"t{index}", "run", action, needs=needs, **more))  # type: ignore[arg-type]
    return Plan("flow", tuple(tasks))


def start(engine: Engine, what: Plan, folder: Path, run: str = "r") -> Any:
    return engine.start(what, {}, folder, "flow.yaml", run)


def states(run: Any) -> list[str]:
    return [task.state for task in run.tasks]


def children() -> set[str]:
    lists = [path.read_text() for path in Path("/proc/self/task").glob("*/children")]
    return set(" ".join(lists).split())


def step_until(engine: Engine, true: Callable[[], object]) -> None:
    """Let an engine work until something is so."""
    deadline = time.monotonic() + PATIENCE
    engine.host.step()
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        engine._reactor.wait(0.02)
        engine.host.step()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


# -- coming and going -----------------------------------------------------------------------------


def test_a_run_is_driven_to_its_end(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        run = start(engine, plan("echo a >> order", "echo b >> order", "echo c >> order", chain=True), tmp_path)
        engine.drive()
        assert (run.state, states(run)) == ("completed", ["completed"] * 3)
    assert (tmp_path / "order").read_text() == "a\nb\nc\n"
    assert not is_locked(folder)


def test_what_a_run_rests_on_is_recorded(folder: Path, tmp_path: Path):
    what = plan(["true"])
    seeds = set()
    for run in ("one", "two"):
        with Engine(folder, 2, "normal") as engine:
            engine.start(what, {"x": 1}, tmp_path, "flow.yaml", run)
            engine.drive()
            event = next(engine.journal.read(run)).event
            assert isinstance(event, RunStarted)
            assert (event.run, event.inputs, event.folder, event.document) == (
                run,
                {"x": 1},
                str(tmp_path),
                "flow.yaml",
            )
            assert event.plan == plan_to_json(what)
            assert event.versions == VERSIONS
            seeds.add(event.seed)
    assert len(seeds) == 2


def test_entering_and_leaving_leaves_nothing(folder: Path):
    before = children()
    with Engine(folder, 2, "normal"):
        assert is_locked(folder)
        assert children() == before, "no process is started before there is need"
    assert not is_locked(folder)
    assert list(folder.glob("slots/*")) == []


def test_a_second_engine_is_refused_and_the_first_goes_on(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        with pytest.raises(JournalLocked), Engine(folder, 2, "normal"):
            pytest.fail("it was let in")
        run = start(engine, plan(["true"]), tmp_path)
        engine.drive()
        assert run.state == "completed"


def test_an_engine_that_cannot_begin_gives_the_journal_back(folder: Path):
    folder.mkdir()
    (folder / "requests").write_text("in the way")
    with pytest.raises(JournalError, match="requests"), Engine(folder, 2, "normal"):
        pytest.fail("it began")
    assert not is_locked(folder)


def test_a_journal_may_be_named_from_here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path)
    with Engine(Path("journal"), 2, "normal") as engine:
        run = start(engine, plan('test -d "$(dirname "$UNSPOOL_OUTPUT")"; echo out'), tmp_path / "project")
        engine.drive()
        assert run.state == "completed"
    assert (folder / "logs" / "r" / "t0.1.out").read_text() == "out\n"


def test_it_says_that_it_needs_linux(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(UnsupportedPlatform, match=r"needs Linux .*; this is darwin"):
        Engine(folder, 2)


def test_leaving_ends_what_still_runs(folder: Path, tmp_path: Path):
    mark = os.fsencode(home.owner_mark(home.this_process()))
    with pytest.raises(ZeroDivisionError):
        fail_amid_tasks(folder, tmp_path, mark)
    assert sweep.find(mark) == {}  # and the look for left processes finds no zombie either
    assert not is_locked(folder)


def fail_amid_tasks(folder: Path, tmp_path: Path, mark: bytes) -> None:
    with Engine(folder, 4, "normal") as engine:
        scripts = ["sleep 1000", "trap '' TERM; sleep 1000", "setsid sleep 1000 & wait", "sleep 1000 & sleep 1000"]
        start(engine, plan(*scripts), tmp_path)
        step_until(engine, lambda: len(sweep.find(mark)) >= 7)
        raise ZeroDivisionError


def test_a_journal_that_fails_ends_the_drive_with_one_error(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        start(engine, plan("sleep 0.05", "sleep 1000"), tmp_path)
        step_until(engine, lambda: len(engine.host._active) == 2)
        engine.journal._db.pragma("max_page_count", 1)
        engine.journal._db.execute("UPDATE owner SET epoch = 7")
        with pytest.raises(JournalError):
            engine.drive()


# -- the guardian ---------------------------------------------------------------------------------


def test_one_guardian_watches_over_all_runs(folder: Path, tmp_path: Path):
    before = children()
    with Engine(folder, 2, "normal") as engine:
        start(engine, plan(["true"]), tmp_path, "one")
        guardian = children() - before
        assert len(guardian) == 1
        start(engine, plan(["true"]), tmp_path, "two")
        assert children() - before == guardian
        engine.drive()
    assert children() == before


def test_no_guardian_is_needed_for_coroutines(folder: Path, tmp_path: Path):
    (tmp_path / "module_of_engine_test.py").write_text("async def f():\n    return 1\n")
    before, path = children(), list(sys.path)
    with Engine(folder, 2, "normal") as engine:
        task = Task(0, "a", "python", {"function": "module_of_engine_test:f"})
        run = start(engine, Plan("flow", (task,)), tmp_path)
        engine.drive()
        assert run.state == "completed"
        assert children() == before
    sys.path[:] = path
    sys.modules.pop("module_of_engine_test")


def test_neither_guardian_nor_task_holds_what_we_inherited(folder: Path, tmp_path: Path):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    with Engine(folder, 2, "normal") as engine:
        start(engine, plan("readlink /proc/self/fd/* > opened || :"), tmp_path)
        engine.drive()
        os.close(write)
        assert select.select([read], [], [], PATIENCE)[0], "somebody still holds the other end"
        assert os.read(read, 1) == b""
    os.close(read)
    assert "pipe:" not in (tmp_path / "opened").read_text()


# -- requests -------------------------------------------------------------------------------------


def test_a_request_wakes_the_engine_and_is_answered(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        run = start(engine, plan(["sleep", "1000"]), tmp_path)
        step_until(engine, lambda: engine.host._active)
        sender = FileSpool(folder / "requests")
        sender.send(Request("one", "r", "cancel"))
        sender.send(Request("two", "other", "cancel"))
        sender.send(Request("three", "r", "dance"))
        sender.send(Request("four", "r", "cancel", "nobody"))
        begun = time.monotonic()
        engine.drive()
        assert time.monotonic() - begun < PATIENCE
        assert (run.state, run.reason) == ("cancelled", "cancelled_by_person")
    assert sender.answered("one") == "ok"
    assert sender.answered("two") == "run other is not here"
    assert "does not know the request 'dance'" in (sender.answered("three") or "")
    assert sender.answered("four") == "run r has no task 'nobody'"


def test_a_request_that_came_before_the_engine_is_found(folder: Path, tmp_path: Path):
    FileSpool(folder / "requests").send(Request("early", "r", "cancel"))
    with Engine(folder, 2, "normal") as engine:
        run = start(engine, plan(["sleep", "1000"]), tmp_path)
        engine.drive()
        assert run.state == "cancelled"


def test_stopping_one_run_leaves_the_other_alone(folder: Path, tmp_path: Path):
    with Engine(folder, 4, "normal") as engine:
        one = start(engine, plan(["sleep", "1000"], "trap '' TERM; sleep 1000", grace=0.1), tmp_path, "one")
        two = start(engine, plan("while ! [ -e go ]; do sleep 0.02; done", "setsid sleep 0.5 & wait"), tmp_path, "two")
        step_until(engine, lambda: len(engine.host._active) == 4)
        engine.host.request(Request("id", "one", "cancel"))
        step_until(engine, lambda: one.is_final)
        assert not two.is_final
        (tmp_path / "go").touch()
        engine.drive()
        assert (one.state, states(one)) == ("cancelled", ["cancelled"] * 2)
        assert (two.state, states(two)) == ("completed", ["completed"] * 2)


def test_an_interrupt_asks_and_a_second_one_does_not(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        run = start(engine, plan("trap '' TERM; : > ready; while :; do sleep 0.02; done", grace=1000.0), tmp_path)
        step_until(engine, (tmp_path / "ready").exists)
        engine.interrupt()
        step_until(engine, lambda: run.state == "cancelling")
        assert engine.host._active
        engine.interrupt()
        engine.drive()
        assert (run.state, run.reason) == ("cancelled", "interrupted")


def test_an_interrupt_may_come_before_the_first_step(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        run = start(engine, plan(["sleep", "1000"]), tmp_path)
        engine.interrupt()
        engine.drive()
        assert (run.state, run.reason) == ("cancelled", "interrupted")


def test_a_descriptor_of_the_callers_wakes_it(folder: Path, tmp_path: Path):
    read, write = os.pipe2(os.O_NONBLOCK)
    with Engine(folder, 2, "normal") as engine:
        engine.watch_descriptor(read)
        os.write(write, b"!!!")
        begun = time.monotonic()
        engine._reactor.wait(PATIENCE)
        assert time.monotonic() - begun < PATIENCE / 2
        with pytest.raises(BlockingIOError):
            os.read(read, 1)
    os.close(read)
    os.close(write)


# -- resume ---------------------------------------------------------------------------------------


def leave_in_flight(folder: Path, what: Plan, tmp_path: Path) -> None:
    """Write what an engine leaves that is killed after it has admitted the first task."""
    journal = SqliteJournal(folder, home.this_process(), "normal")
    from unspool.core.run import Run

    run = Run()
    for event in (
        RunStarted(time.time(), "r", plan_to_json(what), {}, 7, VERSIONS, str(tmp_path), what.hash, "flow.yaml"),
        TaskAdmitted(time.time(), 0, 1, journal.epoch),
    ):
        journal.append([Entry("r", event, run.apply(event))])
    journal.close()


def test_what_was_under_way_runs_again(folder: Path, tmp_path: Path):
    leave_in_flight(
        folder, plan("echo $UNSPOOL_TASK_KEY $UNSPOOL_ATTEMPT >> ran", "echo b >> ran", chain=True), tmp_path
    )
    with Engine(folder, 2, "normal") as engine:
        run = engine.resume("r", None)
        engine.drive()
        assert run.state == "completed"
        kinds = [type(row.event) for row in engine.journal.read("r")]
        assert kinds[2:4] == [OwnerChanged, AttemptLost]
    assert (tmp_path / "ran").read_text().splitlines() == ["r/t0 1", "b"]


def test_what_is_left_of_the_old_owner_is_ended_first(folder: Path, tmp_path: Path):
    import subprocess

    leave_in_flight(folder, plan("kill -0 $(cat left) 2>/dev/null && exit 1; :"), tmp_path)
    left = subprocess.Popen(["sleep", "1000"], env={**os.environ, "UNSPOOL_OWNER": "the old one"})
    (tmp_path / "left").write_text(str(left.pid))
    with Engine(folder, 2, "normal") as engine:
        run = engine.resume("r", "the old one")
        assert left.wait(PATIENCE) == -9
        engine.drive()
        assert run.state == "completed"


def test_a_final_run_is_given_as_it_is(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        start(engine, plan(["true"]), tmp_path)
        engine.drive()
        count = len(list(engine.journal.read()))
    with Engine(folder, 2, "normal") as engine:
        run = engine.resume("r", None)
        engine.drive()
        assert run.state == "completed"
        assert len(list(engine.journal.read())) == count


def test_what_cannot_be_trusted_is_not_resumed(folder: Path, tmp_path: Path):
    leave_in_flight(folder, plan(["true"]), tmp_path)
    with pytest.raises(JournalDamaged, match="no start of this run"), Engine(folder, 2, "normal") as engine:
        engine.resume("another", None)
    journal = SqliteJournal(folder, home.this_process(), "normal")
    journal._db.execute("UPDATE event SET body = '[1.0]' WHERE seq = 2")
    journal.close()
    with pytest.raises(JournalDamaged, match="event 2"), Engine(folder, 2, "normal") as engine:
        engine.resume("r", None)
    assert not is_locked(folder)
    reader = SqliteReader(folder)
    with pytest.raises(JournalDamaged):
        list(reader.read())
    reader.close()


# -- secrets --------------------------------------------------------------------------------------


def secret_plan(script: str) -> Plan:
    task = Task(
        0,
        "t0",
        "run",
        {"script": script, "shell": "sh"},
        env={"T": "${{ secrets.TOKEN }}"},
        outputs=(Output("length", {"type": "integer"}),),
        dynamic=True,
        secrets=("TOKEN",),
    )
    return Plan("flow", (task,), secrets=("TOKEN",))


def test_secrets_are_handed_over_and_out_of_the_environment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TOKEN", "sesame-open")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    what = secret_plan('echo "length=${#T}" > "$UNSPOOL_OUTPUT"; echo "$T${TOKEN-unset}"; ls "${UNSPOOL_OUTPUT%/*}"')
    with Engine(folder, 2, "normal") as engine:
        run = engine.start(what, {}, tmp_path, "flow.yaml", "r", {"TOKEN": "sesame-open"})
        assert "TOKEN" not in os.environ
        private = list(tmp_path.glob("unspool-*"))
        assert [path.stat().st_mode & 0o777 for path in private] == [0o700]
        engine.drive()
        assert run.tasks[0].outputs == {"length": 11}
    assert (folder / "logs" / "r" / "t0.1.out").read_text() == "***unset\n1-1.output\n"
    assert list(tmp_path.glob("unspool-*")) == []


def test_an_engine_refuses_a_run_without_its_secrets(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        with pytest.raises(SecretError, match="the secret TOKEN has no value"):
            start(engine, secret_plan("true"), tmp_path)
        with pytest.raises(SecretError, match="the document holds the value"):
            engine.start(secret_plan("echo in-clear"), {}, tmp_path, "flow.yaml", "r", {"TOKEN": "in-clear"})
        assert engine.host.runs == {}


def test_runs_side_by_side_have_their_own_secrets(folder: Path, tmp_path: Path):
    with Engine(folder, 2, "normal") as engine:
        engine.start(secret_plan('echo "length=1" > "$UNSPOOL_OUTPUT"; echo "$T"'), {}, tmp_path, "f", "one", VALUES)
        start(engine, plan("echo sesame-open"), tmp_path, "two")
        engine.drive()
    assert (folder / "logs" / "one" / "t0.1.out").read_text() == "***\n"
    assert (folder / "logs" / "two" / "t0.1.out").read_text() == "sesame-open\n"


VALUES = {"TOKEN": "sesame-open"}

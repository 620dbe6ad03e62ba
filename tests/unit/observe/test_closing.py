"""The end of a run as people read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.playing import FAILS, Player
from tests.property.worlds import started
from unspool.core.run import Run
from unspool.model.events import AttemptEnded, TaskAdmitted
from unspool.model.plan import Plan, Task
from unspool.observe.closing import closing, rows, unpainted

FAILED = {"class": "exit_code", "message": "exit \x1b[2Jcode 3"}


def finished(*tasks: dict[str, Any], fail: int | None = None, **plan: Any) -> Run:
    """Run tasks one after another, each a second longer than the one before."""
    run = Run()
    built = [Task(number, f"t{number}", "run", {}, **task) for number, task in enumerate(tasks)]
    run.apply(started(Plan("flow", tuple(built), **plan)))
    at = 1000.0
    while not run.is_final:
        attempt, live = next(iter(run.attempts.items()))
        run.apply(TaskAdmitted(at, live.task, attempt, 1))
        begin, at = at, at + live.task + 1
        error = FAILED if live.task == fail else None
        run.apply(AttemptEnded(at, attempt, 1, begin, error, usage={"memory_peak_mb": 70.4}))
    return run


def lines(run: Run, folder: Path, *, table: bool = False) -> list[str]:
    return list(closing(run, folder, unpainted, table=table))


def test_a_completed_run_tells_its_outputs_and_its_critical_path(tmp_path: Path):
    run = finished({}, {"needs": ((0, "ok"),)}, outputs={"url": "x\x1b[0m"})
    assert lines(run, tmp_path) == [
        "url: x",
        "critical path: t0 > t1 (3.00 s)",
        "flow r1 completed: 2 completed in 3.00 s",
    ]


def test_a_failure_shows_the_end_of_what_was_written_last_and_where_all_of_it_is(tmp_path: Path):
    run = finished({}, fail=0)
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "t0.1.err").write_text("old\n")
    (tmp_path / "r1" / "t0.12.err").write_text("".join(f"line {number}\n" for number in range(30)) + "\x1b[31mlast")
    found = lines(run, tmp_path)
    assert found[0] == "t0 failed: exit code 3"
    assert found[1] == "  | line 11"
    assert found[20:22] == ["  | last", "  (all of it: unspool logs r1 t0)"]
    assert found[-1] == "more: unspool show r1"


def test_a_table_has_a_row_for_each_task(tmp_path: Path):
    run = finished({}, {"needs": ((0, "completed"),)}, fail=0)
    assert lines(run, tmp_path, table=True)[:2] == [
        "  t0      1.000 s  failed (exit_code)  70 MB",
        "  t1               cancelled (dependency_failed)",
    ]


def test_a_large_table_shows_what_matters():
    found = list(rows(finished(*[{}] * 60, fail=30), unpainted, 40))
    assert found[0] == "60 tasks; of these:"
    assert [line.split()[0] for line in found[1:]] == ["t30", "t55", "t56", "t57", "t58", "t59"]
    assert len(list(rows(finished(*[{}] * 60), unpainted))) == 60


def test_a_long_critical_path_is_cut_in_its_middle(tmp_path: Path):
    chain = [{"needs": ((number - 1, "ok"),)} if number else {} for number in range(30)]
    path = lines(finished(*chain), tmp_path)[0]
    assert path.startswith("critical path: t0 > t1 > t2 > t3 > t4 > t5 > 18 more > t24 > ")
    assert path.endswith("> t29 (465.00 s)")


def test_failures_that_harmed_nobody_come_first_and_are_told_as_such(tmp_path: Path):
    text = """
    tasks:
      soft: {run: [x], on_failure: skip}
      hard: {run: [x]}
      alt: {run: [x], on_failure: {substitute: spare}}
    templates: {spare: {run: [x]}}
    """
    found = lines(Player(text, {"soft": FAILS, "hard": FAILS, "alt": FAILS}).finish(), tmp_path)
    assert found[:3] == [
        "soft failed (tolerated): exit code 1",
        "alt failed (another task stood in for it): exit code 1",
        "hard failed: exit code 1",
    ]


def test_what_was_undone_is_told_once_and_marked_in_its_row(tmp_path: Path):
    text = """
    tasks:
      a: {run: [x], compensate: {run: [u]}}
      b: {depends_on: [a], run: [x], on_failure: {rollback: {then: cancel}}}
    """
    found = lines(Player(text, {"b": FAILS}).finish(), tmp_path, table=True)
    assert "undone: a" in found
    assert [line.split()[0] for line in found if line.endswith("completed  undone")] == ["a"]


def test_a_decision_stands_under_its_task(tmp_path: Path):
    run = Player("tasks: {go: {approval: Sure?}}", answers={"go": False}).finish()
    assert any(line.strip() == "rejected by ann" for line in rows(run, unpainted))

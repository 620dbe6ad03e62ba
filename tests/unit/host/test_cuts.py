"""Rehearsed runs that are cut and resumed: where they end otherwise is told, and nowhere else."""

from __future__ import annotations

import pytest

from tests.playing import plan_of
from tests.rehearsing import case_of
from unspool.host import cuts
from unspool.host.cuts import OtherEnd, cut, cut_points
from unspool.host.rehearse import play


def cut_everywhere(text: str, case: str = "") -> tuple[int, list[OtherEnd]]:
    plan = plan_of(text)
    one = case_of(plan, case)
    played = play(plan, one)
    assert cut_points(played) == list(range(1, len(played.rows)))
    return len(cut_points(played)), list(cut(one, played))


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("tasks: {a: {run: [x]}, b: {depends_on: [a], run: [x]}}", ""),
        ("tasks: {a: {run: [x], retry: {max_attempts: 3}}}", "stubs: {a: [{exit_code: 1}, {exit_code: 1}, {}]}"),
        ("tasks: {a: {run: [x], timeout: 10s}}", "stubs: {a: {seconds: 30}}"),
        ("tasks: {a: {approval: Go?, timeout: 1h}, b: {depends_on: {a: any}, run: [x]}}", "stubs: {a: {seconds: 9e3}}"),
        ("tasks: {a: {approval: Go?}, b: {wait: 3h}}", "stubs: {a: {approved: false, seconds: 7200}}"),
        ("limits: {timeout: 50s}\ntasks: {a: {run: [x]}, b: {run: [x]}}", "stubs: {a: {seconds: 9}, b: {seconds: 51}}"),
        (
            "tasks: {g: {group: {mode: parallel, aggregate: first, tasks: {a: {run: [x]}, b: {run: [x]}}}}}",
            "stubs: {g.a: {seconds: 10}, g.b: {seconds: 11}}",
        ),
        ("tasks: {a: {run: [x], compensate: {run: [x]}}, b: {depends_on: [a], run: [x], on_failure: {rollback: {}}}}",
         "stubs: {b: {exit_code: 1}}"),
        ("tasks: {a: {run: [x], on_failure: abort}, b: {run: [x]}}", "stubs: {a: {exit_code: 1}, b: {seconds: 90}}"),
    ],
)  # fmt: skip
def test_a_cut_changes_no_end(text: str, case: str):
    count, others = cut_everywhere(text, case)
    assert count > 1
    assert others == []


def test_what_must_not_begin_twice_is_taken_to_live_on():
    text = "tasks: {a: {run: [x], on_crash: fail, timeout: 40s}, b: {run: [x], on_crash: fail}}"
    assert cut_everywhere(text, "stubs: {a: {seconds: 30}, b: {exit_code: 3, seconds: 20}}")[1] == []


def test_what_must_not_begin_twice_can_still_be_stopped():
    text = "tasks: {a: {run: [x], on_failure: abort}, b: {run: [x], on_crash: fail}}"
    assert cut_everywhere(text, "stubs: {a: {exit_code: 1}, b: {seconds: 90}}")[1] == []


def test_where_the_first_one_decides_a_cut_may_matter():
    """One slot, and a lost attempt stands behind what waits: another one wins, which is told."""
    text = """
    limits: {concurrency: 1}
    tasks: {g: {group: {mode: parallel, aggregate: first, tasks: {a: {run: [x]}, b: {run: [x]}}}}}
    """
    _, others = cut_everywhere(text, "stubs: {g.a: {seconds: 10}, g.b: {seconds: 10}}")
    assert others
    assert others[0].event.startswith("TaskAdmitted of g.a")
    assert ("g.a", "completed", "cancelled (lost)") in others[0].differences


def test_a_long_case_is_cut_at_some_events(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cuts, "MOST_EVENTS", 10)
    monkeypatch.setattr(cuts, "LEAST_CUTS", 5)
    plan = plan_of("tasks: {a: {for_each: [1, 2, 3, 4, 5], run: [x]}}")
    played = play(plan, case_of(plan))
    points = cut_points(played)
    assert len(points) == 5
    assert (points[0], points[-1]) == (1, len(played.rows) - 1)

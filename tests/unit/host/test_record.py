"""Runs as rehearsals: what attempts gave becomes stubs, and how all ended what is expected."""

from __future__ import annotations

from typing import Any

import pytest

from tests.playing import Player, plan_of
from tests.rehearsing import case_of, ends, rehearsed
from unspool.errors import UnspoolError
from unspool.host.cuts import cut
from unspool.host.record import record
from unspool.host.rehearse import play
from unspool.journal.memory import MemoryJournal
from unspool.journal.rows import Row
from unspool.model.entry import Entry
from unspool.model.events import AttemptEnded, AttemptLost, OwnerChanged
from unspool.model.plan import Plan
from unspool.observe.rehearsed import differences


def recorded(text: str | Plan, case: str = "") -> dict[str, Any]:
    """Play a case, record it, and see that the recording plays as the case did."""
    plan = plan_of(text) if isinstance(text, str) else text
    played = rehearsed(plan, case)
    recording = record(played.rows)
    again = case_of(plan, "", **recording.case)
    found = play(plan, again)
    assert ends(found) == ends(played)
    assert differences(found.run, found.entries, again.expect) == []
    assert list(cut(again, found)) == []
    return recording.case


def test_what_went_well_needs_few_words():
    case = recorded(
        "tasks: {a: {run: [x]}, b: {run: [x], outputs: {n: {type: integer}}}}", "stubs: {b: {outputs: {n: 3}}}"
    )
    assert case["stubs"] == {"a": {"seconds": 60.0}, "b": {"seconds": 60.0, "outputs": {"n": 3}}}
    assert case["expect"] == {
        "state": "completed",
        "tasks": {"a": "completed", "b": {"state": "completed", "outputs": {"n": 3}}},
        "exactly": True,
    }


def test_attempts_are_kept_one_by_one():
    case = recorded("tasks: {a: {run: [x], retry: {max_attempts: 3}}}", "stubs: {a: [{exit_code: 2, seconds: 1}, {}]}")
    assert case["stubs"]["a"] == [{"seconds": 1.0, "exit_code": 2}, {"seconds": 60.0}]
    assert case["expect"]["tasks"]["a"] == {"state": "completed", "attempts": 2}


@pytest.mark.parametrize(
    ("task", "stub", "reason"),
    [
        ("{run: [x], timeout: 5s}", "{seconds: 9}", "timeout"),
        ("{run: [x], outputs: {n: {type: integer}}}", "{exit_code: 0}", "output_invalid"),
        ("{run: [x], success_when: '${{ result.exit_code == 3 }}'}", "{exit_code: 0}", "success_when_false"),
        ("{run: [x]}", "{error: {class: signal, message: killed}}", "signal"),
        ("{run: [x]}", "{error: {class: spawn_failed, message: nothing}}", "spawn_failed"),
        ('{http: {url: "http://a.test/"}}', "{status_code: 503, retry_after: 3, json: {a: 1}}", "server"),
        ('{python: "a:b"}', "{error: {class: exception, message: no}}", "exception"),
        ("{approval: Go?}", "{approved: false, note: no, seconds: 3}", "rejected"),
        ("{approval: Go?, timeout: 5s}", "{seconds: 9}", "rejected"),
    ],
)
def test_failures_come_again(task: str, stub: str, reason: str):
    case = recorded(f"tasks: {{a: {task}}}", f"stubs: {{a: {stub}}}")
    assert case["expect"]["tasks"]["a"]["reason"] == reason


def test_values_of_every_kind_are_kept():
    text = """
    tasks:
      f: {python: "a:b", outputs: {n: {type: integer}}}
      h: {http: {url: "http://a.test/"}, outputs: {n: {type: integer, from: json, path: /n}}}
      o: {run: [x], outputs: {n: {type: integer, path: /n}, t: {type: string}, d: {type: string, default: d}}}
      s: {run: [x], outputs: {n: {type: string, from: stdout}}}
      c: {run: [x], cache: {key: one}}
    """
    stubs = """
    stubs:
      f: {json: {n: 3, m: [null]}}
      h: {json: {n: 3}}
      o: {outputs: {n: 3, t: "two\\nlines\\n"}}
      s: {stdout: "text\\n"}
      c: {cached: true, seconds: 7}
    """
    found = recorded(text, stubs)["stubs"]
    assert found["f"]["json"] == {"n": 3, "m": [None]}
    assert found["o"]["outputs"] == {"n": 3, "t": "two\nlines\n"}
    assert found["s"]["stdout"] == "text\n"
    assert found["c"] == {"cached": True, "seconds": 7.0}


def test_what_was_undone_and_who_lost_is_expected_again():
    text = """
    tasks:
      a: {run: [x], compensate: {run: [x]}}
      b: {depends_on: [a], run: [x], on_failure: {rollback: {}}}
      r: {group: {mode: parallel, aggregate: first, tasks: {a: {run: [x]}, b: {run: [x]}}}}
    """
    expected = recorded(text, "stubs: {b: {exit_code: 1}, r.a: {seconds: 1}}")["expect"]
    assert expected["tasks"]["a"]["compensated"] is True
    assert expected["tasks"]["r.b"] == {"state": "cancelled", "reason": "lost"}
    assert expected["reason"] == "task_failed"


def rows_of(player: Player) -> list[Row]:
    journal = MemoryJournal()
    journal.append([Entry("r1", event, commands) for _, event, commands, *_ in player.entries])
    return list(journal.read("r1"))


def test_a_crash_on_the_way_leaves_no_trace():
    player = Player("tasks: {a: {run: [x]}, b: {depends_on: [a], run: [x]}}")
    player.finish_until("a")
    player.crash()
    player.finish()
    case = record(rows_of(player)).case
    assert case["expect"]["tasks"] == {"a": "completed", "b": "completed"}
    assert not any(isinstance(row.event, AttemptLost | OwnerChanged) for row in rehearsed(player.plan).rows)


def test_who_must_not_begin_twice_fails_again():
    player = Player("tasks: {a: {run: [x], on_crash: fail}}")
    player.finish_until("a")
    player.crash()
    player.finish()
    case = record(rows_of(player)).case
    assert case["stubs"]["a"]["error"]["class"] == "engine_crashed"
    assert ends(play(player.plan, case_of(player.plan, "", **case))) == {"a": "failed engine_crashed"}


def test_who_decides_first_counts():
    player = Player("tasks: {a: {approval: {prompt: Go?, default: approve}, timeout: 5s}}", answers={"a": False})
    while player.run.tasks[0].reason != "waiting_for_person":
        player.step()
    player.decide("a")
    player.answers = {"a": True}
    player.decide("a")
    case = record(rows_of(player)).case
    assert case["stubs"]["a"]["approved"] is False
    assert case["expect"]["tasks"]["a"]["reason"] == "rejected"


def test_a_run_that_has_not_ended_is_no_rehearsal():
    player = Player("tasks: {a: {run: [x]}}")
    with pytest.raises(UnspoolError, match="has not ended"):
        record(rows_of(player))


def test_a_run_that_somebody_cancelled_is_none_either():
    player = Player("tasks: {a: {run: [x]}}")
    player.cancel()
    player.finish()
    with pytest.raises(UnspoolError, match="was cancelled, or a task of it, by somebody"):
        record(rows_of(player))


def test_what_names_the_run_is_not_expected():
    played = rehearsed("tasks: {a: {run: [x]}}\noutputs: {id: '${{ run.id }}', n: 3}")
    recording = record(played.rows)
    assert recording.case["expect"]["outputs"] == {"n": 3}
    assert recording.notes == ["output id of the run holds the id of the run: nothing is expected of it"]


def test_what_is_large_is_kept_by_its_beginning():
    player = Player("tasks: {a: {run: [x], outputs: {n: {type: string, from: stdout}}}}")
    player.finish_until("a")
    number = player.run.tasks[0].attempt
    large = {"ref": "0" * 64, "size": 10**6, "head": "it begins"}
    token = player.run.attempts[number].token
    player.say(AttemptEnded(player.at, number, token, player.at, None, {"exit_code": 0, "stdout": large}))
    recording = record(rows_of(player))
    assert recording.case["stubs"]["a"]["stdout"] == "it begins"
    assert recording.case["expect"]["tasks"] == {"a": "completed"}
    assert recording.notes == ["stdout of a is large: only its beginning is recorded"]

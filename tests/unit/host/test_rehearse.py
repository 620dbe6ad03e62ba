"""Cases of rehearsals on a virtual clock: the real core decides, attempts and people give what stubs say."""

from __future__ import annotations

import pytest

from tests.rehearsing import ends, outputs, rehearsed
from unspool.host.rehearse import RUN
from unspool.model.events import PersonDecided


def seconds(played) -> float:
    return played.run.completed_at - played.run.started_at


def test_everything_takes_its_estimate():
    played = rehearsed("tasks: {a: {run: [x], estimate: 5s}, b: {depends_on: [a], run: [x]}}")
    assert ends(played) == {"a": "completed", "b": "completed"}
    assert seconds(played) == pytest.approx(65, abs=0.001)
    assert played.run.id == RUN


def test_retries_and_waits_cost_no_time_of_ours():
    text = "tasks: {a: {run: [x], retry: {max_attempts: 3, delay: 1h, strategy: linear, jitter: false}}, b: {wait: 9d}}"
    played = rehearsed(text, "stubs: {a: [{exit_code: 1, seconds: 1}, {exit_code: 1, seconds: 1}, {seconds: 1}]}")
    assert ends(played) == {"a": "completed", "b": "completed"}
    assert played.run.tasks[0].attempts == 3
    assert seconds(played) == pytest.approx(9 * 86400, abs=0.001)


@pytest.mark.parametrize(
    ("stub", "state"),
    [
        ("{}", "completed"),
        ("{approved: true}", "completed"),
        ("{approved: false}", "failed rejected"),
        ("{seconds: 9}", "completed"),
        ("{seconds: 11}", "failed rejected"),
    ],
)
def test_a_person_decides_after_a_while(stub: str, state: str):
    assert ends(rehearsed("tasks: {a: {approval: {prompt: Go?}, timeout: 10s}}", f"stubs: {{a: {stub}}}"))["a"] == state


def test_who_decides_is_known():
    text = "tasks: {a: {approval: Go?, outputs: {by: {type: string, from: json, path: /by}}}}"
    played = rehearsed(text, "stubs: {a: {by: ann, note: fine, seconds: 3}}")
    assert outputs(played, "a") == {"by": "ann"}
    (decided,) = [row.event for row in played.rows if isinstance(row.event, PersonDecided)]
    assert (decided.note, decided.at - played.run.started_at) == ("fine", 3)


def test_no_more_workers_than_there_are():
    text = "tasks: {a: {for_each: [1, 2, 3, 4], run: [x]}}"
    stubs = "stubs: {a: {seconds: 10}}\nworkers: "
    assert [round(seconds(rehearsed(text, f"{stubs}{count}"))) for count in (1, 2, 4)] == [40, 20, 10]
    assert round(seconds(rehearsed(f"limits: {{concurrency: 1}}\n{text}", f"{stubs}4"))) == 40


def test_a_hundred_tasks_that_take_no_time_take_none():
    text = f"tasks: {{a: {{for_each: {list(range(100))}, run: [x]}}}}"
    played = rehearsed(text, "stubs: {a: {seconds: 0}}")
    assert ends(played)["a"] == "completed"
    assert seconds(played) < 0.001


def test_nothing_is_silent_however_long_it_takes():
    played = rehearsed("tasks: {a: {run: [x], idle_timeout: 1ms}}", "stubs: {a: {seconds: 1e7}}")
    assert ends(played) == {"a": "completed"}
    assert len(played.rows) == 4


def test_a_secret_has_a_stand_in():
    text = "secrets: [TOKEN]\ntasks: {a: {run: [x], env: {T: '${{ secrets.TOKEN }}'}, outputs: {n: {type: string}}}}"
    played = rehearsed(text, "stubs: {a: {outputs: {n: it is stand-in for TOKEN}}}")
    assert outputs(played, "a") == {"n": "it is ***"}


def test_the_moment_is_that_of_the_case():
    text = "tasks: {a: {when: '${{ run.started_at == \"x\" }}', run: [x]}, b: {wait: {until: '1970-01-01T01:00:00Z'}}}"
    played = rehearsed(text, "at: 1970-01-01T00:00:00Z")
    assert played.run.started_at == 0
    assert seconds(played) == pytest.approx(3600, abs=0.001)


def test_the_cache_knows_what_stubs_say():
    text = "tasks: {a: {for_each: [x, y], run: [x], cache: {key: one}, outputs: {n: {type: integer}}}}"
    played = rehearsed(text, "stubs: {a: {outputs: {n: 3}}, 'a[x]': {cached: true, outputs: {n: 4}}}")
    assert ends(played) == {"a": "completed", "a[x]": "completed cached", "a[y]": "completed"}
    assert outputs(played, "a[x]") == {"n": 4}


BATCH = """
inputs: {list: {type: array, default: [a, b, c]}}
tasks:
  a: {for_each: "${{ inputs.list }}", python: "m:f", batch: {size: 2, within: 1s}, with: {i: "${{ items }}"},
      outputs: {n: {type: integer, from: json}}, on_failure: skip}
"""


def test_a_batch_gives_what_its_instances_would():
    played = rehearsed(BATCH, "stubs: {a: {json: 1}, 'a[b]': {error: {class: exception}}, 'a[c]': {json: 3}}")
    found = ends(played)
    assert (found["a[a]"], found["a[b]"], found["a[c]"]) == ("completed", "failed exception", "completed")
    assert (outputs(played, "a[a]"), outputs(played, "a[c]")) == ({"n": 1}, {"n": 3})


def test_a_pattern_that_fits_everything_speaks_of_no_batch():
    played = rehearsed(BATCH, "stubs: {'*': {json: 7}}")
    assert [outputs(played, f"a[{key}]") for key in "abc"] == [{"n": 7}] * 3


def test_a_batch_may_have_a_stub_of_its_own():
    played = rehearsed(BATCH, "stubs: {a: {json: 1}, 'a/batch[1]': {error: {class: connection}}}")
    found = ends(played)
    assert (found["a[a]"], found["a[b]"], found["a[c]"]) == ("failed connection", "failed connection", "completed")


def test_the_same_case_gives_the_same_journal():
    text = "tasks: {a: {for_each: [1, 2, 3], run: [x], retry: {max_attempts: 3}}}"
    one, other = (rehearsed(text, "stubs: {a: [{exit_code: 1}, {exit_code: 0}]}") for _ in range(2))
    assert [row.event for row in one.rows] == [row.event for row in other.rows]


def test_an_open_run_closes_when_there_is_nothing_to_do():
    text = "open: true\ntasks: {a: {run: [x]}, z: {depends_on: [t], run: [x]}}\ntemplates: {t: {run: [x]}}"
    assert ends(rehearsed(text)) == {"a": "completed", "t": "skipped nothing_emitted", "z": "completed"}


def test_rules_add_tasks_that_stubs_know_by_name():
    text = """
    tasks: {a: {run: [x], on_result: [{emit: t, for_each: "${{ result.json }}"}]}}
    templates: {t: {run: [x], on_failure: skip}}
    """
    played = rehearsed(text, "stubs: {a: {json: [1, 2]}, 'a/t[2]': {exit_code: 1}}")
    assert ends(played)["a/t[1]"] == "completed"
    assert ends(played)["a/t[2]"] == "failed exit_code"

"""How tasks and runs end by what a document says about crashes, silence, time and crowds: as a user sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.command import start, unspool, wait_for, write

pytestmark = pytest.mark.usefixtures("project")


def report() -> dict:
    return json.loads(unspool("show", "latest", "--format", "json").stdout)


def ends() -> dict[str, tuple[str, str | None]]:
    return {name: (task["state"], task.get("reason")) for name, task in report()["tasks"].items()}


@pytest.mark.leaks("the killed engine's guardian ends its tasks, and then itself")
def test_a_task_that_must_not_be_begun_twice_is_not(project: Path):
    tasks = {
        "pay": {"run": "echo paid >> paid; sleep 1000", "on_crash": "fail", "retry": {"max_attempts": 3}},
        "build": {"run": "echo built >> built; test $(wc -l < built) = 2 || sleep 1000"},
    }
    engine = start("run", write("flow.json", tasks))
    wait_for(lambda: (project / "paid").exists() and (project / "built").exists())
    engine.kill()
    engine.communicate()
    resumed = unspool("resume", "latest")
    assert resumed.returncode == 1, resumed.stderr
    assert ends() == {"pay": ("failed", "engine_crashed"), "build": ("completed", None)}
    assert ((project / "paid").read_text(), (project / "built").read_text()) == ("paid\n", "built\nbuilt\n")


def test_silence_ends_a_task_and_chatter_keeps_it(project: Path):
    Path("steps.py").write_text(
        "import time\ndef talk():\n    for _ in range(9):\n        print('.')\n        time.sleep(.1)"
    )
    tasks = {
        "hangs": {"run": "echo begun; sleep 1000", "idle_timeout": "300ms", "on_failure": "skip"},
        "talks": {"run": "for i in 1 2 3 4 5 6 7 8 9; do echo $i >&2; sleep 0.1; done", "idle_timeout": "500ms"},
        "talks_too": {"python": "steps:talk", "idle_timeout": "500ms"},
    }
    ended = unspool("run", write("flow.json", tasks))
    assert ended.returncode == 0, ended.stderr
    assert ends() == {
        "hangs": ("failed", "idle_timeout"),
        "talks": ("completed", None),
        "talks_too": ("completed", None),
    }
    assert "hangs failed (tolerated): it wrote nothing for 0.3 s" in ended.stdout


def test_a_run_that_takes_too_long_fails_and_says_why(project: Path):
    tasks = {
        "quick": {"run": ["true"]},
        "slow": {"run": ["sleep", "1000"]},
        "after": {"run": "x", "depends_on": ["slow"]},
    }
    ended = unspool("run", write("flow.json", tasks, limits={"timeout": "500ms"}))
    assert ended.returncode == 1
    found = report()
    assert (found["state"], found["reason"]) == ("failed", "timeout")
    assert ends() == {
        "quick": ("completed", None),
        "slow": ("cancelled", "run_timeout"),
        "after": ("cancelled", "run_timeout"),
    }
    assert "the run took longer than `limits.timeout` allows (0.5 s); raise it or remove it" in ended.stdout


def test_a_full_queue_is_refused_with_its_own_exit_code(project: Path):
    tasks = {"first": {"run": ["true"]}, **{f"t{n}": {"run": ["true"], "depends_on": ["first"]} for n in range(4)}}
    document = write("flow.json", tasks, limits={"queue": 3})
    ended = unspool("run", document)
    assert ended.returncode == 3, ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last == (
        "unspool: refused by `limits.queue`: 1 task found 3 waiting already; "
        "raise it, or let fewer tasks become ready at once"
    )
    found = report()
    assert (found["state"], found["reason"]) == ("failed", "queue_full")
    assert sorted(ends().values()) == [("completed", None)] * 4 + [("failed", "queue_full")]
    assert unspool("resume", "latest").returncode == 3
    assert unspool("run", write("flow.json", tasks, limits={"queue": 4})).returncode == 0


def test_a_list_beyond_its_bound_is_refused_with_the_same_exit_code(project: Path):
    each = {"for_each": {"items": "${{ tasks.list.result.json }}", "max": 2}, "run": ["true"], "depends_on": ["list"]}
    ended = unspool("run", write("flow.json", {"list": {"run": "echo '[1, 2, 3]'"}, "each": each}))
    assert ended.returncode == 3, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("unspool: refused: a task would have become more")
    assert ends() == {"list": ("completed", None), "each": ("failed", "budget_exhausted")}


def test_a_queue_that_can_never_do_is_refused_before_anything_runs(project: Path):
    ended = unspool("run", write("flow.json", {"a": {"run": "x"}, "b": {"run": "x"}}, limits={"queue": 1}))
    assert ended.returncode == 3
    assert "error[UNS150]" in ended.stderr
    assert not (project / ".unspool").exists()

from tests.property.worlds import started
from unspool.core.run import Run
from unspool.core.verify import verify
from unspool.model.plan import Plan, Task


def run_of_two() -> Run:
    run = Run()
    run.apply(started(Plan("p", (Task(0, "a", "run", {}), Task(1, "b", "run", {}, ((0, "ok"),))))))
    return run


def test_a_sound_run_has_no_problems():
    assert verify(run_of_two()) == []


def test_every_kind_of_unsoundness_is_named():
    run = run_of_two()
    run.open = 7
    run.failed = 1
    run.tasks[1].waiting = 5
    run.attempts.clear()
    run.tasks[0].state = "queued"
    run.tasks[0].attempt = 3
    problems = " ".join(verify(run))
    for said in (
        "open is 7",
        "failed is 1",
        "b waits for 5",
        "a is queued with attempt 3",
        "no timer will wake it",
        "nothing is outstanding",
    ):
        assert said in problems

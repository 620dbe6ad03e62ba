import json
from pathlib import Path

import jsonschema
from hypothesis import given

from tests.playing import Player
from tests.property.driver import lived, living
from tests.property.worlds import SEEDS, scenarios, started
from unspool.core.run import Run
from unspool.model.events import AttemptEnded, TaskAdmitted
from unspool.model.plan import Plan, Task
from unspool.observe.report import critical_path, moment, report, summary

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "report.schema.json").read_text())


@given(scenarios(8, abort=True), SEEDS)
def test_a_report_fits_its_schema_at_any_time(world, seed):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for driver in (next(living(world, seed)), lived(world, seed)):
        validator.validate(json.loads(json.dumps(report(driver.run, driver.at))))


def chain() -> Run:
    run = Run()
    tasks = [Task(0, "a", "run", {}), Task(1, "short", "run", {}), Task(2, "b", "run", {}, ((0, "ok"), (1, "ok")))]
    run.apply(started(Plan("p", tuple(tasks))))
    for task, attempt, start, end in ((1, 2, 1001.0, 1002.0), (0, 1, 1001.0, 1005.0), (2, 3, 1006.0, 1009.5)):
        run.apply(TaskAdmitted(start - 0.5, task, attempt, 1))
        run.apply(AttemptEnded(end, attempt, 1, start))
    return run


def test_the_actual_critical_path_goes_back_over_what_ended_last():
    assert critical_path(chain()) == {"tasks": ["a", "b"], "seconds": 9.5}
    assert critical_path(Run()) is None


def test_times_of_a_task():
    told = report(chain(), 2000.0)["tasks"]["b"]
    assert told["queued_at"] == moment(1005.0)
    assert (told["queued_s"], told["running_s"]) == (1.0, 3.5)
    assert told["completed_at"] == "1970-01-01T00:16:49.500Z"


def test_the_summary_counts_states():
    assert summary(chain()) == "p r1 completed: 3 completed in 9.50 s"


def test_a_report_tells_what_was_asked_and_what_was_undone():
    text = """
    tasks:
      a: {run: [x], compensate: {run: [x]}}
      ask: {depends_on: [a], approval: "Go on?", on_failure: {rollback: {then: cancel}}}
    """
    player = Player(text, answers={"ask": False})
    player.finish()
    told = report(player.run, 2000.0)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(told)))
    assert told["tasks"]["ask"]["prompt"] == "Go on?"
    assert told["tasks"]["a"]["compensated"] is True
    assert told["tasks"]["a/compensate"]["state"] == "completed"

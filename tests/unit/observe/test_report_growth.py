"""The report of a run that has grown, waited, been undone or closed."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
from hypothesis import given, settings

from tests.playing import FAILS, Player
from tests.property.documents import growing
from tests.property.lives import Life
from tests.property.worlds import SEEDS
from unspool.core.run import Run
from unspool.observe.report import critical_path, listed, on_its_way, report, summary, undone

SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "report.schema.json").read_text())


def path_of(text: str, fates: dict | None = None) -> list[str]:
    player = Player(text, fates)
    player.finish()
    return critical_path(player.run)["tasks"]


@given(growing(5), SEEDS)
@settings(max_examples=40)
def test_a_report_fits_its_schema_at_any_time(world, seed):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    life = Life(world, seed)
    for turn, _ in enumerate(life.live()):
        if turn % 10 == 0:
            validator.validate(json.loads(json.dumps(report(life.run, life.at))))
    told = report(life.run, life.at)
    validator.validate(json.loads(json.dumps(told)))
    assert f" {life.run.state}" in summary(life.run)
    path = told.get("actual_critical_path", {"tasks": []})["tasks"]
    assert len(path) == len(set(path))
    index = {node.id: node.index for node in life.run.nodes if node.is_shown}
    ends = [life.run.tasks[index[name]].completed_at for name in path]
    assert ends == sorted(ends), "what came before ended before"


def test_what_was_cancelled_before_its_needs_had_ended_does_not_come_after_them():
    player = Player("tasks: {a: {run: [x]}, b: {depends_on: [a], run: [x]}, c: {depends_on: {b: any}, run: [x]}}")
    player.cancel("b")
    player.at += 5
    player.finish()
    names = critical_path(player.run)["tasks"]
    ends = [player.run.tasks[player.index(name)].completed_at for name in names]
    assert ends == sorted(ends)
    assert names[-1] == "c"


def test_the_path_leads_from_a_copy_of_a_group_to_what_its_parent_waited_for():
    text = """
    tasks:
      find: {run: [x]}
      deploy: {depends_on: [find], for_each: [eu], group: {tasks: {build: {run: [x]}, push: {run: [x]}}}}
      tell: {depends_on: [deploy], run: [x]}
    """
    assert path_of(text) == [
        "find",
        "deploy[eu].build",
        "deploy[eu].push",
        "deploy[eu]",
        "deploy",
        "tell",
    ]


def test_the_path_leads_over_what_stood_in():
    text = """
    tasks:
      t: {run: [x], on_failure: {substitute: %s}}
      after: {depends_on: [t], run: [x]}
    templates:
      spare: {run: [x]}
      team: {group: {tasks: {a: {run: [x]}}}}
    """
    assert path_of(text % "spare", {"t": FAILS}) == ["t", "t/spare", "after"]
    assert path_of(text % "team", {"t": FAILS}) == ["t", "t/team.a", "t/team", "after"]


def test_the_path_leads_from_finally_to_what_ended_last():
    text = "tasks: {a: {run: [x]}, b: {depends_on: [a], run: [x]}}\nfinally: {tidy: {run: [x]}}"
    assert path_of(text) == ["a", "b", "tidy"]


def test_the_path_leads_over_what_was_undone():
    text = """
    tasks:
      book: {run: [x], compensate: {run: [undo]}}
      pay: {depends_on: [book], run: [x], compensate: {run: [undo]}}
      ship: {depends_on: [pay], run: [x], on_failure: {rollback: {then: cancel}}}
    """
    assert path_of(text, {"ship": FAILS}) == ["book", "pay", "ship", "pay/compensate", "book/compensate"]


UNDONE = """
tasks:
  live: {run: [x], compensate: {run: [u]}}
  copy: {depends_on: [live], for_each: [a.b, c], run: [x], compensate: {run: [u]}}
  go: {depends_on: [copy], approval: {prompt: Sure?}}
  pub: {depends_on: [go], run: [x], on_failure: {rollback: {then: cancel}}}
  alt: {run: [x], on_failure: {substitute: spare}}
templates: {spare: {run: [x]}}
finally: {bye: {run: [x]}}
"""


def undone_run() -> Run:
    player = Player(UNDONE, {"pub": FAILS, "alt": FAILS}, answers={"go": True})
    return player.finish()


def test_what_a_run_has_made_is_listed_behind_what_it_was_made_of():
    run = undone_run()
    assert [run.nodes[index].id for index in listed(run)] == [
        "live",
        "live/compensate",
        "copy",
        "copy[a.b]",
        "copy[a.b]/compensate",
        "copy[c]",
        "copy[c]/compensate",
        "go",
        "pub",
        "alt",
        "alt/spare",
        "bye",
    ]


def test_what_was_undone_is_named_in_the_order_of_undoing():
    run = undone_run()
    assert sorted(undone(run)[:2]) == ["copy[a.b]", "copy[c]"]
    assert undone(run)[2:] == ["live"]


def test_a_parent_and_an_approval_show_how_long_they_were_on_their_way():
    run = undone_run()
    for name in ("copy", "go"):
        index = next(node.index for node in run.nodes if node.id == name)
        task = run.tasks[index]
        assert on_its_way(run, index) == task.completed_at - task.started_at > 0
    assert on_its_way(run, next(node.index for node in run.nodes if node.id == "spare")) is None


def test_a_decision_is_in_the_report():
    told = report(undone_run(), 0.0)["tasks"]
    assert told["go"]["decision"] == {"approved": True, "by": "ann"}
    assert "decision" not in told["live"]
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(report(undone_run(), 0.0))))


def test_a_summary_counts_what_ran_and_not_what_is_made_of_it():
    assert ": 2 failed, 9 completed in " in summary(undone_run())

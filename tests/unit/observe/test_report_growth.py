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
from unspool.observe.report import critical_path, report, summary

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

"""Plays a case of a rehearsal, given as text, against the tasks of a document."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from tests.playing import plan_of
from unspool.compiler.rehearsals import Case, check_case, load_rehearsal
from unspool.host.rehearse import Played, play
from unspool.model.plan import Plan


def case_of(plan: Plan, text: str = "", **more: Any) -> Case:
    """Read what stands under a case and check it against a plan."""
    body = dedent(text).strip().replace("\n", "\n    ")
    loaded, found = load_rehearsal(f"unspool_rehearsal: 1\ncases:\n  one:\n    {body or 'resume: true'}\n", "yaml")
    assert found == (), found
    case, problems = check_case(plan, {**loaded.value["cases"]["one"], **more}, "one", ("cases", "one"))
    assert problems == [], problems
    return case


def rehearsed(document: str | Plan, text: str = "", **more: Any) -> Played:
    """Play a case."""
    plan = document if isinstance(document, Plan) else plan_of(document)
    return play(plan, case_of(plan, text, **more))


def ends(played: Played) -> dict[str, str]:
    """Give the state of each task that people see, with its reason."""
    pairs = zip(played.run.nodes, played.run.tasks, strict=True)
    return {node.id: f"{task.state} {task.reason or ''}".strip() for node, task in pairs if node.is_shown}


def outputs(played: Played, task: str) -> dict[str, Any] | None:
    """Give the outputs of a task."""
    index = next(node.index for node in played.run.nodes if node.id == task)
    return played.run.tasks[index].outputs

from __future__ import annotations

import json

import pytest

from tests.interpreting import checks, names, ran, seen

SWARM = {
    "agents_completed": 2,
    "consensus_reached": True,
    "quality_score": 0.9,
    "agents": [{"name": "a", "state": "completed"}, {"name": "b", "state": "completed"}],
}


def test_a_swarm_that_is_done():
    assert seen("claude_flow", {**ran(), **SWARM}) == {
        "success": True,
        "agents_completed": 2,
        "consensus_reached": True,
        "quality_score": 0.9,
        "suggestions": [],
        "problems": [],
        "truncated": [],
    }


def test_a_swarm_is_read_from_json_too():
    assert seen("claude_flow", ran(json.dumps(SWARM))) == seen("claude_flow", {**ran(), **SWARM})


@pytest.mark.parametrize(
    ("quality", "threshold", "is_low"),
    [
        (0.7, {}, False),
        (0.69999, {}, True),
        (1, {}, False),
        (0, {}, True),
        (None, {}, False),  # absent is not low
        ("0.1", {}, False),
        (True, {}, False),
        (float("nan"), {}, False),
        (0.85, {"quality_threshold": 0.9}, True),
        (0.9, {"quality_threshold": 0.9}, False),
        (0.1, {"quality_threshold": 0}, False),
    ],
)
def test_low_quality_asks_for_more(quality, threshold, is_low):
    found = seen("claude_flow", {**ran(), **SWARM, "quality_score": quality}, **threshold)
    assert names(found) == ["improve_quality"] * is_low
    assert checks(found) == ["quality"] * is_low
    assert [one["priority"] for one in found["suggestions"]] == ["normal"] * is_low


@pytest.mark.parametrize(
    ("consensus", "is_required", "is_lacking"),
    [(True, False, False), (False, False, True), (None, False, False), ("yes", False, False),
     (True, True, False), (False, True, True), (None, True, True), ("yes", True, True)],
)  # fmt: skip
def test_no_consensus_asks_for_a_resolution(consensus, is_required, is_lacking):
    found = seen("claude_flow", {**ran(), **SWARM, "consensus_reached": consensus}, require_consensus=is_required)
    assert names(found) == ["resolve_conflicts"] * is_lacking
    assert checks(found) == ["consensus"] * is_lacking
    assert [one["priority"] for one in found["suggestions"]] == ["high"] * is_lacking


@pytest.mark.parametrize(
    ("completed", "agents", "found", "message"),
    [
        (3, 3, 3, None),
        (2, 3, 2, "2 of 3 agents are done"),
        (3.0, 3, 3, None),
        (["a", "b"], 3, 2, "2 of 3 agents are done"),
        (None, [{"state": "completed"}, {"status": "done"}], 2, None),
        (None, [{"state": "completed"}, {"status": "running"}, 7], 1, "1 of 3 agents are done"),
        (None, ["a", "b"], None, "it is not known how many of 2 agents are done"),
        (None, 3, None, "it is not known how many of 3 agents are done"),
        (2, None, 2, None),
        (-1, None, None, None),
        (True, None, None, None),
        (None, [], None, None),
        (None, 0, None, None),
    ],
)
def test_whether_all_agents_are_done(completed, agents, found, message):
    view = {"quality_score": 0.9, "agents_completed": completed, "agents": agents}
    interpretation = seen("claude_flow", view)
    assert interpretation["agents_completed"] == found
    problems = [] if message is None else [{"check": "agents_not_done", "message": message}]
    assert interpretation["problems"] == problems


def test_when_an_agent_is_done_is_a_parameter():
    view = {"agents": [{"state": "ready for review"}]}
    assert seen("claude_flow", view)["agents_completed"] == 0
    assert seen("claude_flow", view, done_states=["ready for review"])["success"] is True


def test_low_quality_comes_before_conflicts():
    found = seen("claude_flow", {**SWARM, "quality_score": 0.1, "consensus_reached": False, "agents_completed": 1})
    assert names(found) == ["improve_quality", "resolve_conflicts"]
    assert checks(found) == ["agents_not_done", "quality", "consensus"]


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "swarmId": "swarm-1", "topology": "mesh", "maxAgents": 3, "persisted": True},
        {"success": True, "taskId": "t1", "status": "pending"},
        {"executor": "none"},
        {},
    ],
)
def test_that_a_swarm_was_registered_is_no_result(answer):
    assert checks(seen("claude_flow", ran(json.dumps(answer)))) == ["missing_result"]

"""Plans as JSON."""

from __future__ import annotations

import json

import pytest

from tests.playing import plan_of
from unspool.model.plan_json import PLAN_FORMAT, plan_from_json, plan_to_json

FULL = """
resources: {r: {slots: 2, circuit_breaker: {failures: 3}}}
limits: {max_depth: 7}
tasks:
  a:
    for_each: [1, 2]
    run: [x]
    uses: [r]
    retry: {max_attempts: 2, on: [timeout, {exit_code: [3]}]}
    cache: {key: k}
    on_result:
      - {when: "${{ outcome == 'failed' }}", emit: t, with: {n: 1}, note: n}
      - {event: e, with: {v: "${{ attempt }}"}}
      - {cancel: run}
  g: {group: {tasks: {m: {run: [x]}}}}
templates: {t: {inputs: {n: {type: integer}}, run: [x], on_result: [{emit: t, max: 2, with: {n: 2}}]}}
"""


def test_a_plan_comes_back_from_its_json():
    plan = plan_of(FULL)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


def test_another_format_is_refused():
    stored = {**plan_to_json(plan_of(FULL)), "format": PLAN_FORMAT + 1}
    with pytest.raises(ValueError, match="plan format"):
        plan_from_json(stored)

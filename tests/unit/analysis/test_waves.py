"""Waves are layers of longest paths."""

from __future__ import annotations

from tests.unit.compiler.compiling import plan_of
from unspool.analysis.waves import wave_numbers, waves
from unspool.model.plan import Plan


def test_a_task_stands_one_wave_behind_the_latest_it_waits_for():
    plan = plan_of("""
    tasks:
      a: {run: [x]}
      b: {run: [x], depends_on: [a]}
      c: {run: [x], depends_on: [b, a]}
      d: {run: [x]}
      e: {run: [x], depends_on: {d: any}}
    """)
    assert wave_numbers(plan) == [0, 1, 2, 0, 1]
    assert waves(plan) == [[0, 3], [1, 4], [2]]


def test_a_plan_without_tasks_has_no_waves():
    assert waves(Plan("empty", ())) == []

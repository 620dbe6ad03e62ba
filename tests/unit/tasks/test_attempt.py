"""The plain values that kinds and hosts hand to each other."""

from __future__ import annotations

import json

from unspool.model.plan import Task
from unspool.tasks.attempt import AttemptSpec, Ended, error


def test_an_error_has_a_class_and_a_message():
    assert error("timeout", "it ran longer than 5 s") == {"class": "timeout", "message": "it ran longer than 5 s"}


def test_an_end_is_the_tail_of_the_event_it_becomes():
    assert Ended._fields == ("at", "started_at", "error", "result", "usage")
    assert Ended(1.0) == (1.0, None, None, None, None)
    assert json.loads(json.dumps(Ended(1.0, 0.5, error("a", "b"), {"exit_code": 1}, {"cpu_s": 0.1}))) == [
        1.0,
        0.5,
        {"class": "a", "message": "b"},
        {"exit_code": 1},
        {"cpu_s": 0.1},
    ]


def test_a_spec_cannot_be_changed():
    spec = AttemptSpec("r", 1, 1, "r/a", Task(0, "a", "run", {}), {}, {}, "/")
    assert spec._replace(attempt=2).attempt == 2
    assert spec.attempt == 1

"""Guesses at what an author meant."""

from __future__ import annotations

import pytest

from unspool.compiler.remedies import condition, duration, environment, module_function, pointer, task_name
from unspool.model.durations import parse_duration


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (30, "30s"),
        (90, "90s"),
        (120, "2m"),
        (3600, "1h"),
        (0.25, "250ms"),
        ("30", "30s"),
        ("30 s", "30s"),
        ("5 minutes", "5m"),
        ("5min", "5m"),
        ("10sec", "10s"),
        ("500 msec", "500ms"),
        ("1h30m", "90m"),
        ("1.5h", "90m"),
        ("1 hour, 30 minutes", "90m"),
        ("2 weeks", "14d"),
        ("PT5M", "5m"),
        ("P1D", "1d"),
        (0, None),
        (-5, None),
        (True, None),
        ("soon", None),
        ("", None),
        ("5 parsecs", None),
        (None, None),
        (1e300, None),
        ("9" * 400, None),
    ],
)
def test_lengths_of_time(given, meant):
    assert duration(given) == meant
    if meant:
        assert parse_duration(meant) > 0


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("my-task", "my_task"),
        ("Build All", "build_all"),
        ("runTests", "run_tests"),
        ("3rd", "t_3rd"),
        ("--", None),
        ("a" * 80, "a" * 64),
    ],
)
def test_names(given, meant):
    assert task_name(given) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("inputs.a == 1", "${{ inputs.a == 1 }}"),
        ("{{ inputs.a }}", "${{ inputs.a }}"),
        ("${inputs.a}", "${{ inputs.a }}"),
        ("yes", True),
        (0, False),
        ("{% if x %}", None),
        ("", None),
        ([], None),
    ],
)
def test_conditions(given, meant):
    assert condition(given) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [("pkg.mod.fn", "pkg.mod:fn"), ("pkg.mod/fn", "pkg.mod:fn"), ("m.f()", "m:f"), ("tool.py", None), ("f", None)],
)
def test_functions(given, meant):
    assert module_function(given) == meant


@pytest.mark.parametrize(
    ("given", "meant"), [("$.failed[0].name", "/failed/0/name"), (".a.b", "/a/b"), ("a", "/a"), ("", None), (3, None)]
)
def test_pointers(given, meant):
    assert pointer(given) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["A=1", "B=x=y"], {"A": "1", "B": "x=y"}),
        ([{"name": "A", "value": 1}], {"A": 1}),
        ([{"A": 1}], {"A": 1}),
        (["A"], None),
        ([], None),
        ("A=1", None),
    ],
)
def test_environments(given, meant):
    assert environment(given) == meant

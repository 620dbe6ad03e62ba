"""Whatever a result holds: an interpretation of it fits its schema, is JSON, and is the same each time."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.interpreting import CLAUDE, GCC, PYTEST
from unspool.core.interpreting import FIELDS, INTERPRETERS, check_parameters, interpret
from unspool.core.results import is_text
from unspool.core.schema import fits
from unspool.model.values import Ref

NAMES = sorted(
    {name for schema in FIELDS.values() for name in schema["properties"]}
    | set("exit_code stdout stderr json output error duration agents command_results result structured_output".split())
    | set("type subtype is_error state status command path message class".split())
)
WORDS = [
    "FAILED",
    "error:",
    "Error",
    "warning:",
    "error[E1]",
    ": ",
    "no ",
    "0",
    "\n",
    "```json\n",
    "```",
    "{}",
    "\x1b[1m",
]

texts = st.one_of(
    st.text(st.characters(), max_size=20),  # with halves of surrogate pairs
    st.lists(st.sampled_from(WORDS), max_size=12).map("".join),
    st.sampled_from(["result", "completed", "error_max_turns", PYTEST, GCC, json.dumps(CLAUDE)]),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.sampled_from([0.7, 0.8, 10**400, -(10**400), 2])
)
names = st.one_of(st.sampled_from(NAMES), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=5)),
    max_leaves=12,
)
views = st.one_of(
    values,
    st.dictionaries(st.sampled_from(NAMES), values, max_size=10),
    st.dictionaries(st.sampled_from(NAMES), values, max_size=6).map(lambda body: {"json": body}),
    st.dictionaries(st.sampled_from(NAMES), values, max_size=3).map(lambda own: {**own, "stdout": Ref("0", 9, "x")}),
)
parameters = st.one_of(
    st.just({}),
    values,
    st.fixed_dictionaries(
        {},
        optional={
            "text_limit": st.one_of(st.integers(1, 30), values),
            "expected_files": st.one_of(st.booleans(), st.lists(texts, max_size=3), values),
            "error_words": st.one_of(st.lists(texts, max_size=3), values),
            "quality_threshold": scalars,
            "confidence_threshold": scalars,
            "require_consensus": scalars,
        },
    ),
)


@pytest.mark.parametrize("name", INTERPRETERS)
@settings(max_examples=150)
@given(view=views, given=parameters)
@example(view={"json": {"type": "result", "is_error": True, "errors": [{"message": "\ud800"}]}}, given={})
def test_any_result_has_an_interpretation(name: str, view: Any, given: Any):
    before = deepcopy(view)
    found = interpret(name, view, given)
    assert fits(found, FIELDS[name]) is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert is_text(found), "no journal could keep it"
    assert found["success"] is (found["problems"] == [])
    assert interpret(name, before, given) == found
    for told in ("suggestions", "problems"):
        kinds = [one["name" if told == "suggestions" else "check"] for one in found[told]]
        known = FIELDS[name]["properties"][told]["items"]["properties"]
        order = next(iter(known.values()))["enum"]
        assert kinds == [kind for kind in order if kind in kinds], "each once, in the order of the schema"


@pytest.mark.parametrize("name", INTERPRETERS)
@settings(max_examples=100)
@given(given=parameters)
def test_any_parameters_are_judged(name: str, given: Any):
    problem = check_parameters(name, given)
    assert problem is None or (isinstance(problem, str) and len(problem) < 1000)
    if problem is not None and not isinstance(given, dict):
        assert interpret(name, {}, given) == interpret(name, {}, {})

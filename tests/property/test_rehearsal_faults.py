"""Rehearsals with something wrong in them: each is accepted or explained, and none ends in a traceback."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unspool.compiler.compile import compile_document
from unspool.compiler.rehearsal_shape import _acceptor
from unspool.compiler.rehearsals import check_cases, load_rehearsal, placed
from unspool.compiler.render import render
from unspool.compiler.text import load
from unspool.errors import StubNeeded
from unspool.host.rehearse import play
from unspool.model.plan import Plan
from unspool.observe.rehearsed import differences

WORKFLOWS = Path(__file__).parents[2] / "workflows"
JUNK: list[Any] = [
    *(None, True, False, 0, 1, -1, 2.5, 1e300, 10**30, "", "x", "*", "a[b]", "[", "pack[", "/", "//compensate", "*/*"),
    *([], [1], [{}], {}, {"a": 1}, {"exit_code": 1}, {"class": "x"}, {"state": "failed"}, "completed", "\x00", "ü"),
]
KEYS = [
    *("seconds", "exit_code", "json", "outputs", "error", "cached", "approved", "tasks", "order", "state", "*", "pack"),
    *("pack[*]", "go", "x-y", "inputs", "at", "workers", "resume", "", "[", "publish", "build", "list", "page[1]"),
]


def rehearsals() -> list[tuple[Plan, Any]]:
    found = []
    for file in sorted(WORKFLOWS.glob("*.rehearsal.yaml")):
        plan = compile_document(Path(str(file).replace(".rehearsal", "")).read_bytes()).plan
        assert plan is not None
        found.append((plan, load(file.read_bytes(), "yaml").value))
    return found


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from paths(part, (*path, key))


def spoil(value: Any, chance: random.Random) -> None:
    """Replace, remove or add something anywhere."""
    *holders, key = chance.choice([path for path in paths(value) if path])
    holder = value
    for step in holders:
        holder = holder[step]
    change = chance.random()
    if change < 0.2:
        del holder[key]
    elif change < 0.5 and isinstance(holder, dict):
        holder[chance.choice(KEYS)] = copy.deepcopy(chance.choice(JUNK))
    else:
        holder[key] = copy.deepcopy(chance.choice(JUNK))


def check(seed: int, known: list[tuple[Plan, Any]]) -> str:
    chance = random.Random(seed)
    plan, whole = chance.choice(known)
    name = chance.choice(list(whole["cases"]))
    value = json.loads(json.dumps({**whole, "cases": {name: whole["cases"][name]}}))
    for _ in range(chance.choice((1, 1, 2, 3))):
        spoil(value, chance)
    text = json.dumps(value)
    loaded, found = load_rehearsal(text, "json")
    if loaded.value is not None:
        assert _acceptor().is_valid(loaded.value) == (not found), text
    assert all(one.hint and render(one, "x.json", text) for one in found)
    if found:
        return "shape"
    cases, problems = check_cases(plan, loaded.value)
    assert all(one.hint and render(one, "x.json", text) for one in placed(problems, loaded, "json"))
    if problems:
        return "workflow"
    try:
        played = [(case, play(plan, case)) for case in cases]
    except StubNeeded:
        return "stub"
    return "differs" if any(differences(one.run, one.entries, case.expect) for case, one in played) else "fine"


@pytest.mark.parametrize("part", range(2))
def test_whatever_is_wrong_is_told(part):
    known = rehearsals()
    told = [check(seed, known) for seed in range(part, 500, 2)]
    assert set(told) == {"shape", "workflow", "stub", "differs", "fine"}

"""`finally` of a document inside another, while things are undone: it runs, and after what is undone around it."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from tests.playing import FAILS, Player
from unspool.compiler.compile import compile_document
from unspool.compiler.embed import Source
from unspool.model.plan import Plan

CHILD = """
unspool: 1
name: child
tasks:
  a: {run: [x], compensate: {run: [undo]}}
  b: {depends_on: [a], run: [x], on_failure: {rollback: {then: cancel}}}
  c: {depends_on: [a], run: [x]}
finally:
  tidy: {run: [x]}
  told: {depends_on: [tidy], run: [x]}
"""
PARENT = """
unspool: 1
name: parent
tasks:
  pre: {run: [x], compensate: {run: [undo]}}
  sub: {depends_on: [pre], %sworkflow: {path: child.yaml}}
  other: {depends_on: [pre], run: [x], on_failure: {rollback: {then: cancel}}}
"""


class OneFile:
    """Has the one document that the parent names."""

    name = "parent.yaml"

    def read(self, path: str) -> Source:
        return Source(path, "", CHILD.encode(), "yaml")

    def beside(self, source: Source) -> OneFile:
        return self


def plan_of(each: str = "") -> Plan:
    compilation = compile_document(dedent(PARENT % each).lstrip(), "yaml", OneFile())
    assert compilation.plan is not None, compilation.diagnostics
    return compilation.plan


def played(fates: dict[str, Any], *, each: str = "", seed: int = 0, crashes: float = 0.0) -> Player:
    player = Player(plan_of(each), fates, seed=seed)
    while not player.run.is_final:
        player.step()
        if player.chance.random() < crashes:
            player.crash()
    return player


@pytest.mark.parametrize("crashes", [0.0, 0.05])
def test_it_runs_after_the_rollback_that_began_in_its_document(crashes: float):
    for seed in range(20):
        player = played({"sub.b": FAILS}, seed=seed, crashes=crashes)
        ends = player.ends()
        assert ends["sub.tidy"] == ends["sub.told"] == ("completed", None)
        begun = player.begun
        assert begun.index("sub.a/compensate") < begun.index("pre/compensate") < begun.index("sub.tidy")


def test_it_runs_where_what_its_document_was_built_on_is_undone():
    for seed in range(40):
        player = played({"other": FAILS}, seed=seed)
        ends = player.ends()
        assert ends["pre/compensate"] == ("completed", None)
        if "sub.a" in player.begun:
            assert ends["sub.tidy"] == ends["sub.told"] == ("completed", None)


def test_where_a_rollback_waits_for_its_document_it_runs_first():
    for seed in range(20):
        player = played({"sub[1].b": FAILS}, each="for_each: [1, 2], ", seed=seed)
        ends = player.ends()
        for name in ("sub[1].tidy", "sub[1].told"):
            assert ends[name] == ("completed", None)
        assert player.begun.index("sub[1].told") < player.begun.index("pre/compensate")
        if "sub[2].a" in player.begun:
            assert ends["sub[2].tidy"] == ("completed", None)


def test_to_cancel_all_instances_of_a_document_leaves_each_its_end():
    player = Player(plan_of("for_each: [1, 2], "), {})
    while {"sub[1].a", "sub[2].a"} - set(player.begun):
        player.step()
    player.cancel("sub")
    player.finish()
    ends = player.ends()
    assert ends["sub[1].tidy"] == ends["sub[2].tidy"] == ("completed", None)


def test_an_instance_that_has_not_begun_has_no_end_to_run():
    for seed in range(20):
        player = Player(plan_of("for_each: {items: [1, 2], max_parallel: 1}, "), {"other": FAILS}, seed=seed)
        player.finish_until("other" if seed % 2 else "sub[1].a")
        if seed % 2 == 0:
            player.cancel("sub")
        player.finish()
        ends = player.ends()
        if "sub[1].a" in player.begun:
            assert ends["sub[1].tidy"] == ("completed", None)
        if "sub[2].a" not in player.begun and "sub[2].tidy" in ends:
            assert ends["sub[2].tidy"][0] == "cancelled"


def test_a_second_interrupt_ends_one_that_waits_for_a_rollback():
    for seed in range(20):
        player = Player(plan_of(), {"sub.b": FAILS}, seed=seed)
        while "sub.a/compensate" not in player.begun:
            player.step()
        player.cancel(by="interrupt")
        player.cancel(by="interrupt")
        player.finish()
        assert player.ends()["sub.tidy"][0] == "cancelled"

"""Instances that share attempts: who comes together, and what each gets of the result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.playing import FAILS, Player, play
from unspool.compiler.compile import compile_document
from unspool.model.commands import StartAttempt

BATCHED = """
tasks:
  each:
    for_each: [1, 2, 3, 4, 5]
    batch: {size: 2%s}
    run: [x, "${{ items | tojson }}"]
    retry: {max_attempts: 2, delay: 1s}
    outputs: {v: {type: integer, from: json}}
    on_failure: skip
"""


def parts(*values: Any) -> str:
    """Write the result of a batch: None is an item that failed."""
    return json.dumps(
        [{"ok": False, "error": "no"} if value is None else {"ok": True, "value": value} for value in values]
    )


EVEN = BATCHED.replace(", 5]", "]")
GOOD = {"each/batch[1]": parts(10, 20), "each/batch[2]": parts(30, 40), "each/batch[3]": parts(50)}


def arguments(player: Player) -> list[list[Any]]:
    orders = [order for entry in player.entries for order in entry.commands if isinstance(order, StartAttempt)]
    return sorted(json.loads(order.spec["argv"][1]) for order in orders)


def outputs(player: Player) -> list[Any]:
    return [
        (task.outputs or {}).get("v")
        for node, task in zip(player.run.nodes, player.run.tasks, strict=True)
        if node.id.startswith("each[")
    ]


def test_so_many_instances_share_an_attempt_and_each_gets_its_part():
    player = play(BATCHED % "", GOOD)
    assert arguments(player) == [[1, 2], [3, 4], [5]]
    assert outputs(player) == [10, 20, 30, 40, 50]
    assert player.states()["each"] == "completed"
    assert player.run.tasks[player.index("each[1]")].attempts == 1


def test_the_first_waits_for_others_so_long():
    player = Player(BATCHED % ", within: 30s", GOOD)
    assert list(player.run.timers.values()) == [1030.0]
    player.finish()
    assert outputs(player) == [10, 20, 30, 40, 50]


def test_only_what_is_alike_comes_together():
    text = BATCHED % ", by: '${{ item > 2 }}'"
    player = Player(text, {"each/batch[1]": parts(10, 20), "each/batch[2]": parts(30, 40), "each/batch[3]": parts(50)})
    player.finish()
    assert arguments(player) == [[1, 2], [3, 4], [5]]
    text = BATCHED.replace("size: 2", "size: 9") % ", by: '${{ item % 2 }}'"
    player = Player(text, {"each/batch[1]": parts(1, 3, 5), "each/batch[2]": parts(2, 4)})
    player.finish()
    assert arguments(player) in ([[1, 3, 5], [2, 4]], [[2, 4], [1, 3, 5]])


def test_only_the_items_that_failed_are_tried_again():
    fates = {**GOOD, "each/batch[1]": parts(10, None), "each/batch[3]": parts(21)}
    player = play(EVEN % "", fates)
    assert arguments(player) == [[1, 2], [2], [3, 4]]
    assert outputs(player) == [10, 21, 30, 40]
    assert player.run.tasks[player.index("each[2]")].attempts == 2


def test_an_item_that_fails_for_good_fails_alone():
    player = play(EVEN % "", {**GOOD, "each/batch[1]": parts(10, None), "each/batch[3]": parts(None)})
    assert player.ends()["each[2]"] == ("failed", "exception")
    assert player.ends()["each[1]"] == ("completed", None)
    assert player.run.state == "completed", "the failure is tolerated"


def test_where_the_attempt_fails_all_its_items_do():
    fates = {**GOOD, "each/batch[3]": FAILS, "each/batch[4]": parts(51)}
    assert outputs(play(BATCHED % "", fates)) == [10, 20, 30, 40, 51]


@pytest.mark.parametrize("text", ["no JSON", "{}", parts(1), parts(1, 2, 3), '[{"ok": 1}, {"ok": true}]', "[1, 2]"])
def test_a_result_of_another_form_fails_all_items_for_good(text):
    player = play(BATCHED % "", {**GOOD, "each/batch[1]": text})
    assert player.ends()["each[1]"] == player.ends()["each[2]"] == ("failed", "output_invalid")
    assert player.ends()["each[3]"] == ("completed", None)


@pytest.mark.parametrize("seed", range(8))
def test_a_crash_runs_a_batch_again(seed):
    player = Player(BATCHED % "", GOOD, seed=seed)
    for _ in range(seed):
        player.step()
    player.crash()
    player.finish()
    assert outputs(player) == [10, 20, 30, 40, 50]


def test_an_instance_cancelled_in_a_batch_takes_no_part():
    player = Player(BATCHED % "", GOOD)
    player.finish_until("each/batch[1]")
    player.cancel("each[1]")
    player.finish()
    assert player.states()["each[1]"] == "cancelled"
    assert player.states()["each[2]"] == "completed"


@pytest.mark.parametrize("moment", range(10))
def test_a_cancelled_run_leaves_nothing_behind(moment):
    player = Player(BATCHED % ", within: 30s", GOOD, seed=moment)
    for _ in range(moment):
        player.step()
    player.cancel()
    player.finish()
    assert player.run.state in ("cancelled", "completed")
    assert not player.run.attempts
    assert not player.run.timers


@pytest.mark.parametrize(
    "body",
    [
        "run: [x], batch: {size: 2}",
        "for_each: [1], wait: 5s, batch: {size: 2}",
        "for_each: [1], run: [x], batch: {size: 2}, cache: {key: a}",
    ],
)
def test_a_batch_needs_instances_with_attempts_of_their_own(body):
    compilation = compile_document(f"unspool: 1\nname: w\ntasks:\n  t: {{{body}}}\n")
    assert [found.code for found in compilation.diagnostics if found.is_error] == ["UNS185"]


def test_what_is_alone_knows_no_items_and_what_comes_together_no_item():
    alone = "unspool: 1\nname: w\ntasks:\n  t: {run: [x, '${{ items }}']}\n"
    (found,) = compile_document(alone).diagnostics
    assert found.message == "`items` is known only in a task with `batch`"
    together = alone.replace("t: {", "t: {for_each: [1], batch: {size: 2}, ").replace("items }}", "item }}")
    (found,) = compile_document(together).diagnostics
    assert found.code == "UNS064"

"""How many tasks a run may come to have: neither fewer than it makes, nor more than it could."""

from __future__ import annotations

import pytest

from tests.playing import FAILS, Player, plan_of
from tests.unit.compiler.compiling import only
from unspool.compiler.fan_outs import check_fan_outs
from unspool.compiler.flatten import flatten
from unspool.compiler.readable import whole
from unspool.compiler.text import load
from unspool.compiler.worst_case import worst_case

SPARE = "templates: {f: {run: [x]}}"
REPLACED = "tasks: {a: {run: [x], for_each: [1, 2], on_failure: {substitute: f}}}\n"
BOTH = "tasks: {a: {run: [x], on_failure: {substitute: f}}, b: {run: [x], on_failure: {substitute: f}}}\n"


def bound(text):
    """Give the worst case of a document, given without its first lines."""
    flat = flatten(whole(load(text, "yaml").value))
    return worst_case(flat, check_fan_outs(flat)[0])


class _All(dict):
    """Ends every attempt alike, but for those whose tasks are named."""

    def __init__(self, fate, *others):
        super().__init__({"": None, **dict.fromkeys(others, "ok\n")})
        self.fate = fate

    def get(self, name, default=None):
        return super().get(name.partition("#")[0], self.fate)


@pytest.mark.parametrize(
    "text",
    [
        "tasks: {a: {run: [x]}}",
        "tasks: {a: {run: [x], for_each: [1, 2]}}",
        "tasks: {a: {group: {mode: parallel, tasks: {b: {run: [x]}, c: {run: [x]}}}}}",
        "tasks: {a: {for_each: [1, 2], group: {tasks: {b: {run: [x], for_each: [p, q, r]}}}}}",
        "tasks: {a: {for_each: [1], group: {tasks: {b: {for_each: [p, q], group: {tasks: {c: {run: [x]}}}}}}}}",
        REPLACED + SPARE,
        REPLACED + "templates: {f: {run: [x], on_failure: {substitute: g}}, g: {run: [x], for_each: [p, q, r]}}",
        REPLACED + "templates: {f: {run: [x], for_each: [p, q], on_failure: {substitute: g}}, g: {run: [x]}}",
        BOTH + "templates: {f: {group: {mode: parallel, tasks: {b: {run: [x], for_each: [p, q]}, c: {run: [x]}}}}}",
        "tasks: {a: {for_each: [1, 2], on_failure: {substitute: f}, group: {tasks: {b: {run: [x]}}}}}\n" + SPARE,
        "tasks: {a: {run: [x], compensate: {run: [y]}, on_failure: {rollback: {then: retry, attempts: 3}}}}",
        "tasks: {a: {run: [x], for_each: [1, 2], compensate: {run: [y]}, on_failure: {rollback: {}}}}",
    ],
)
def test_where_everything_fails_the_worst_case_comes_true(text):
    player = Player(text, _All(FAILS))
    assert len(player.finish().nodes) == bound(text)


def test_what_completed_is_undone_once_and_what_was_tried_again_each_time():
    text = """
    tasks:
      a: {run: [x], for_each: [1, 2], compensate: {run: [y]}}
      b: {run: [x], compensate: {run: [y]}, depends_on: [a], on_failure: {rollback: {then: retry, attempts: 2}}}
      c: {run: [x], depends_on: [b], on_failure: {rollback: {}}}
    """
    fates = _All("ok\n")
    fates.update({"b": FAILS, "c": FAILS, "b#3": "ok\n"})
    fates.get = lambda name, default=None: dict.get(fates, name, default)
    player = Player(text, fates)
    # 5 in the document, 2 instances, what undoes each of them, and b: twice to try it again, once in the end
    assert len(player.finish().nodes) == bound(text) == 5 + 2 + 2 + 3


def test_where_nothing_is_rolled_back_nothing_is_undone():
    assert bound("tasks: {a: {run: [x], compensate: {run: [y]}}}") == 2


def test_stand_ins_that_stand_in_for_each_other_have_a_bound_too():
    text = "tasks: {a: {run: [x], on_failure: {substitute: f}}}\n"
    circle = "templates: {f: {run: [x], on_failure: {substitute: g}}, g: {run: [x], on_failure: {substitute: f}}}"
    assert bound(text + circle) >= 5


def test_a_long_chain_of_stand_ins_is_counted():
    links = [f"  f{n}: {{run: [x], on_failure: {{substitute: f{n + 1}}}}}" for n in range(3000)]
    text = "tasks: {a: {run: [x], on_failure: {substitute: f0}}}\ntemplates:\n" + "\n".join(links) + "\n"
    assert bound(text + "  f3000: {run: [x]}\n") == 1 + 3001 + 3001


def test_copies_of_a_substitute_for_each_instance_count_towards_the_limit():
    text = REPLACED + SPARE
    found = only("limits: {max_tasks: 5}\n" + text)
    assert found.code == "UNS110"
    assert "may come to have 6 tasks with all instances" in found.message
    assert plan_of("limits: {max_tasks: 6}\n" + text).max_tasks == 6


def test_the_budget_that_was_checked_is_enough():
    text = """
    limits: {max_tasks: 6}
    tasks: {a: {run: [x], for_each: [1, 2], batch: {size: 2}, on_failure: {substitute: f}}}
    templates: {f: {run: [x]}}
    """
    player = Player(text, _All(FAILS, "a[1]/f", "a[2]/f"))
    assert player.finish().state == "completed", player.ends()

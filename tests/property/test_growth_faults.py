"""Each fault planted in what grows, waits, undoes and closes is noticed by the check that is named beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.playing import FAILS, Player, play
from tests.property import growth_faults as faults
from tests.property import test_cancels, test_growth
from tests.property.documents import grown
from tests.property.shapes import Trial


def in_many_worlds(check: Callable[..., object], *, calm: bool = False) -> Callable[[], None]:
    def checked() -> None:
        for seed in range(60):
            check(grown(seed % 6 + 1, seed, calm=calm), seed)

    checked.__name__ = check.__name__
    return checked


lives = in_many_worlds(test_growth.check_a_life)

# -- checks of one thing only -----------------------------------------------------------------------


def check_parents() -> None:
    """A parent ends with the last of its instances, and as the worst of them."""
    player = play("tasks: {each: {for_each: [a, b, c], run: [x]}}", {"each[b]": FAILS})
    assert player.states()["each"] == "failed", "the failure of an instance is forgotten"


def check_last_instance() -> None:
    text = "tasks: {each: {for_each: [a, b], run: [x]}, after: {depends_on: [each], run: [x]}}"
    player = Player(text)
    player.say_of("each[a]")
    assert player.states()["after"] == "created", "a parent ends before the last of its instances"


def check_budget() -> None:
    text = "limits: {max_tasks: 3}\ninputs: {n: {type: array, default: [1, 2, 3], maxItems: 2}}\n"
    player = Player(text + "tasks: {each: {for_each: '${{ inputs.n }}', run: [x]}}", inputs={"n": [1, 2]})
    player.finish()
    assert len(player.run.nodes) <= 3
    copies = "tasks: {each: {for_each: {items: '${{ inputs.n }}', max: 2}, run: [x]}, other: {run: [x]}}"
    with pytest.raises(AssertionError, match="worst"):
        Player(text + copies)


def check_joins() -> None:
    text = "tasks: {a: {run: [x]}, b: {run: [x]}, c: {run: [x]}, d: {depends_on: [a, b, c], join: 2, run: [x]}}"
    player = Player(text)
    player.say_of("a")
    assert player.states()["d"] == "created", "a join starts with one too few"


def check_races() -> None:
    text = "tasks: {g: {group: {mode: parallel, aggregate: first, tasks: {a: {run: [x]}, b: {run: [x]}}}}}"
    player = Player(text)
    player.say_of("g.a")
    player.finish()
    assert player.ends()["g.b"] == ("cancelled", "lost"), "who lost went on"


def check_spans() -> None:
    text = "tasks: {g: {timeout: 9s, group: {tasks: {a: {on_failure: skip, group: {tasks: {m: {run: [x]}}}}}}}}"
    player = Player(text)
    player._fire("span:0")
    player.finish()
    assert player.ends()["g"] == ("failed", "timeout"), "a group that took too long has not failed"


def check_span_timers() -> None:
    player = Player("tasks: {g: {timeout: 9s, group: {tasks: {a: {run: [x]}}}}, other: {run: [x]}}")
    player.say_of("g.a")
    assert not player.run.timers, "the timer of a group that is over is left"


def check_members() -> None:
    text = "tasks: {g: {group: {mode: parallel, tasks: {a: {run: [x]}, b: {run: [x]}}}}}"
    assert play(text, {"g.a": FAILS}).states()["g"] == "failed", "the failure of a member is forgotten"


def check_stand_ins() -> None:
    text = """
    tasks: {t: {run: [x], on_failure: {substitute: spare}}, after: {depends_on: [t], run: [x]}}
    templates: {spare: {run: [x]}}
    """
    player = play(text, {"t": FAILS, "t/spare": FAILS})
    assert player.states()["after"] == "cancelled", "the failure of a stand-in is ignored"


UNDONE = """
tasks:
  book: {run: [x], compensate: {run: [undo]}}
  hurt: {depends_on: [book], run: [x], on_failure: skip, compensate: {run: [undo]}}
  pay: {depends_on: [book], run: [x], compensate: {run: [undo]}}
  log: {depends_on: [pay], run: [x]}
  ship: {depends_on: [pay, hurt], run: [x], on_failure: {rollback: {then: cancel}}}
  mend: {depends_on: {ship: failed}, run: [x], on_failure: {rollback: {then: cancel}}}
"""


def undone(fates: tuple[str, ...], act: Callable[[Player], None] = lambda _: None) -> tuple[Player, list[str]]:
    player = Player(UNDONE, {"hurt": FAILS, "ship": FAILS, **dict.fromkeys(fates, FAILS)})
    for name in ("book", "pay", "hurt", "ship"):
        player.say_of(name)
    act(player)
    player.finish()
    names = [name.removesuffix("/compensate") for name in player.begun if name.endswith("/compensate")]
    return player, names


def check_order() -> None:
    assert undone(())[1] == ["pay", "book"], "not newest first"


def check_what_is_undone() -> None:
    assert "hurt" not in undone(())[1], "undone, and had not completed"


def check_undone_once() -> None:
    assert len(undone(("mend",))[1]) == 2, "undone twice"


def check_who_ends_first() -> None:
    assert undone(())[0].ends()["log"] == ("cancelled", "rolled_back"), "what builds on it was not ended"


def check_failed_compensations() -> None:
    player, names = undone(("pay/compensate",))
    assert names == ["pay", "book"]
    assert player.run.reason == "rollback_failed", "nobody hears of a compensation that failed"


def check_rollbacks_outlive_a_cancel() -> None:
    assert undone((), Player.cancel)[1] == ["pay", "book"], "a cancel gave up what was being undone"


def check_answers() -> None:
    player = Player("tasks: {ask: {approval: 'Go?'}, after: {depends_on: [ask], run: [x]}}", answers={"ask": True})
    player.decide("ask")
    player.answers = {"ask": False}
    player.decide("ask")
    assert player.states()["ask"] == "completed", "an answer was changed"


CLOSED = "tasks: {a: {run: [x]}}\nfinally: {tidy: {run: [x]}}"


def check_finally_after_a_cancel() -> None:
    player = Player(CLOSED)
    player.cancel()
    player.finish()
    assert "tidy" in player.begun, "a cancel kept `finally` from running"


def check_finally_comes_last() -> None:
    player = Player(CLOSED)
    player.finish()
    assert player.begun == ["a", "tidy"], "`finally` begins before the verdict"


def check_verdict() -> None:
    assert play(CLOSED, {"tidy": FAILS}).run.state == "completed", "`finally` changed the verdict"


def check_impatience() -> None:
    player = Player(CLOSED)
    player.cancel(by="interrupt")
    player.finish_until("tidy")
    player.cancel(by="interrupt")
    player.finish()
    assert player.states()["tidy"] == "cancelled", "a second interrupt did not end `finally`"


def check_cancelled_shapes() -> None:
    for shape in ("race", "closing", "rollback"):
        for commit in range(1, 12):
            trial = test_cancels.cancelled_at(shape, commit, "person")
            test_cancels.check_nothing_is_left(trial)
            test_cancels.check_verdict(trial, shape, "person")


def check_fan_outs_on_a_host() -> None:
    trial = Trial("fan_out")
    trial.drive()
    assert max(trial.reactor.clock.now() - trial.run.started_at, 1) < 60
    parent = next(node for node in trial.run.nodes if node.fan_out is not None)
    spans = [trial.run.tasks[each] for each in trial.run.tasks[parent.index].family.instances]
    for one in spans:
        at_once = sum(other.started_at <= one.started_at < other.completed_at for other in spans)
        assert at_once <= parent.fan_out.max_parallel, "too many instances at once"


NOTICED = [
    (faults.an_instance_is_not_counted, check_last_instance, "a parent ends before the last of its instances"),
    (faults.a_failed_instance_is_forgotten, check_parents, "the failure of an instance is forgotten"),
    (faults.too_many_at_once, check_fan_outs_on_a_host, "too many instances at once"),
    (faults.too_many_at_once, lives, "too many instances of"),
    (faults.a_join_asks_for_one_too_few, check_joins, "a join starts with one too few"),
    (faults.losers_go_on, check_races, "who lost went on"),
    (faults.the_time_of_a_group_is_not_told, check_spans, "a group that took too long has not failed"),
    (faults.the_timer_of_a_group_is_forgotten, check_span_timers, "the timer of a group that is over is left"),
    (faults.a_failed_member_is_forgotten, check_members, "the failure of a member is forgotten"),
    (faults.the_failure_of_a_stand_in_is_ignored, check_stand_ins, "the failure of a stand-in is ignored"),
    (faults.oldest_first, check_order, "not newest first"),
    (faults.oldest_first, lives, "not newest first|what failed is undone last"),
    (faults.nothing_ends_before_it_is_undone, check_who_ends_first, "what builds on it was not ended"),
    (faults.what_failed_is_undone, check_what_is_undone, "undone, and had not completed"),
    (faults.what_failed_is_undone, lives, "what is undone has not completed"),
    (faults.undone_twice, check_undone_once, "undone twice"),
    (faults.a_failed_compensation_is_no_failure, check_failed_compensations, "nobody hears of a compensation"),
    (faults.a_cancel_ends_rollbacks, check_rollbacks_outlive_a_cancel, "a cancel gave up what was being undone"),
    (faults.anybody_may_decide_again, check_answers, "an answer was changed|failed is 0, but 1|untolerated"),
    (faults.no_finally_after_a_cancel, check_finally_after_a_cancel, "a cancel kept `finally` from running"),
    (faults.no_finally_after_a_cancel, check_cancelled_shapes, "`finally` did not run"),
    (faults.finally_begins_early, check_finally_comes_last, "`finally` begins before the verdict"),
    (faults.finally_begins_early, lives, "of `finally` begins before the verdict"),
    (faults.finally_changes_the_verdict, check_verdict, "`finally` changed the verdict"),
    (faults.finally_changes_the_verdict, lives, "`finally` changed the verdict"),
    (faults.no_end_of_finally, check_impatience, "a second interrupt did not end `finally`"),
]
CHECKS = list(dict.fromkeys(check for _, check, _ in NOTICED))


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=[check.__name__ for check in CHECKS])
def test_the_checks_pass_without_a_fault(check):
    check()


@pytest.mark.parametrize(
    ("fault", "check", "says"),
    NOTICED,
    ids=[f"{fault.__name__}-{check.__name__}" for fault, check, _ in NOTICED],
)
def test_a_planted_fault_is_noticed(fault, check, says, monkeypatch):
    fault(monkeypatch)
    with pytest.raises(AssertionError, match=says):
        check()

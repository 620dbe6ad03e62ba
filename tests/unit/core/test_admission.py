import pytest

from unspool.core.admission import Admission

NOW = 2000.0


def admission(slots: int = 1, **limits: int | None) -> Admission:
    made = Admission(slots)
    for run, limit in (limits or {"r": None}).items():
        made.open(run, limit)
    return made


def granted(made: Admission, ahead: int = 0) -> list[tuple[str, int]]:
    return [(grant.run, grant.task) for grant in made.grant(NOW, ahead)]


def test_gives_out_what_is_free_by_priority_then_by_time():
    made = admission(2)
    for task, priority in enumerate((2, 2, 0, 1)):
        made.ask("r", task, task + 1, priority, 1000.0)
    assert granted(made) == [("r", 2), ("r", 3)]
    assert granted(made) == []
    made.release("r", 3)
    assert granted(made) == [("r", 0)]
    assert (made.free, made.waiting) == (0, 1)


def test_a_class_is_worth_a_minute_of_waiting():
    made = admission(1)
    made.ask("r", 0, 1, 2, 1000.0)
    made.ask("r", 1, 2, 1, 1061.0)
    assert granted(made) == [("r", 0)]


def test_idle_waits_for_everybody_and_never_rises():
    made = admission(1)
    made.ask("r", 0, 1, 4, 0.0)
    made.ask("r", 1, 2, 3, 1_000_000.0)
    assert granted(made) == [("r", 1)]
    made.release("r", 2)
    assert granted(made) == [("r", 0)]


def test_a_run_keeps_its_own_limit():
    made = admission(4, a=1, b=None)
    for task in range(3):
        made.ask("a", task, task + 1, 2, 0.0)
        made.ask("b", task, task + 1, 2, 1.0)
    assert granted(made) == [("a", 0), ("b", 0), ("b", 1), ("b", 2)]


def test_ahead_gives_more_than_slots():
    made = admission(1)
    for task in range(5):
        made.ask("r", task, task + 1, 2, 0.0)
    assert len(granted(made, ahead=2)) == 3
    assert granted(made, ahead=2) == []


def test_withdrawn_requests_are_not_granted():
    made = admission(2)
    made.ask("r", 0, 1, 2, 0.0)
    made.ask("r", 1, 2, 2, 0.0)
    made.withdraw("r", 1)
    made.withdraw("nobody", 1)
    assert granted(made) == [("r", 1)]


def test_asking_and_releasing_twice_change_nothing():
    made = admission(1)
    made.ask("r", 0, 1, 2, 0.0)
    made.ask("r", 0, 1, 2, 0.0)
    assert granted(made) == [("r", 0)]
    made.ask("r", 0, 1, 2, 0.0)
    assert made.waiting == 0
    made.release("r", 1)
    made.release("r", 1)
    assert made.free == 1


def test_closing_a_run_gives_everything_back():
    made = admission(2)
    made.ask("r", 0, 1, 2, 0.0)
    made.ask("r", 1, 2, 2, 0.0)
    made.grant(NOW)
    made.close("r")
    made.close("r")
    assert (made.free, made.waiting) == (2, 0)


def test_needs_a_slot():
    with pytest.raises(ValueError, match="at least one"):
        Admission(0)


def test_two_runs_that_ask_together_take_turns():
    made = admission(4, a=None, b=None)
    for attempt in (1, 2, 3, 4):
        made.ask("a", attempt, attempt, 2, 0.0)
    for attempt in (1, 2, 3, 4):
        made.ask("b", attempt, attempt, 2, 0.0)
    assert granted(made) == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_idle_work_of_one_run_waits_for_the_others_unless_they_are_at_their_limit():
    made = admission(2, a=None, b=1)
    made.ask("a", 0, 1, 4, 0.0)
    made.ask("b", 0, 1, 3, 500.0)
    made.ask("b", 1, 2, 3, 500.0)
    assert granted(made) == [("b", 0), ("a", 0)]


def test_no_class_but_idle_waits_for_ever():
    """A low request meets a fresh critical one every second: after three minutes it is its turn."""
    made = admission(1)
    made.ask("r", 0, 1, 3, 0.0)
    for second in range(600):
        made.ask("r", 1, second + 2, 0, float(second))
        grant = made.grant(NOW)[0]
        if grant.task == 0:
            break
        made.release("r", grant.attempt)
    assert second == 180

from unspool.core.transitions import TRANSITIONS, mermaid
from unspool.model.status import CREATED, FINAL_STATES


def test_final_states_are_never_left():
    assert not {source for source, _ in TRANSITIONS} & FINAL_STATES


def test_every_state_can_be_reached_and_left():
    reached = {CREATED} | {target for _, target in TRANSITIONS}
    assert reached >= FINAL_STATES
    assert {source for source, _ in TRANSITIONS} == reached - FINAL_STATES


def test_the_picture_has_every_move():
    drawn = mermaid()
    assert all(f"{source} --> {target}" in drawn for source, target in TRANSITIONS)

import pytest

from unspool.core.policies import chance, decide_retry, retry_delay
from unspool.model.plan import Retry

FAILED = {"class": "exit_code", "message": "exit code 1"}
EXITED = {"exit_code": 1}


@pytest.mark.parametrize(
    ("strategy", "delays"),
    [
        ("immediate", [0, 0, 0, 0]),
        ("linear", [2, 4, 6, 8]),
        ("exponential", [2, 4, 8, 16]),
        ("jittered", [1, 2, 4, 8]),  # chance 0 gives half
    ],
)
def test_delays_are_as_documented(strategy, delays):
    retry = Retry(max_attempts=9, strategy=strategy, delay=2.0, jitter=False)
    assert [retry_delay(retry, attempt, 0.0) for attempt in (1, 2, 3, 4)] == delays


def test_jitter_adds_up_to_a_tenth_and_the_cap_comes_last():
    retry = Retry(delay=10.0)
    assert retry_delay(retry, 1, 0.0) == 10.0
    assert retry_delay(retry, 1, 0.999) == pytest.approx(10.999)
    assert retry_delay(Retry(delay=10.0, max_delay=10.5), 1, 0.9) == 10.5
    assert retry_delay(Retry(delay=10.0, strategy="jittered"), 1, 0.999) == pytest.approx(14.99)


@pytest.mark.parametrize("strategy", ["linear", "exponential", "jittered"])
def test_attempt_10000_does_not_overflow(strategy):
    assert retry_delay(Retry(strategy=strategy), 10_000, 0.5) == 300.0


def test_no_more_attempts_than_allowed():
    assert decide_retry(Retry(max_attempts=2), 1, FAILED, EXITED, 0.0) == 1.0
    assert decide_retry(Retry(max_attempts=2), 2, FAILED, EXITED, 0.0) is None
    assert decide_retry(Retry(), 1, FAILED, EXITED, 0.0) is None


@pytest.mark.parametrize(
    ("on", "never", "again"),
    [
        (None, (), True),
        (("timeout",), (), False),
        (("exit_code",), (), True),
        (({"exit_code": [1, 75]},), (), True),
        (({"exit_code": [75]},), (), False),
        (("exit_code",), ({"exit_code": [1]},), False),
        (None, ("exit_code",), False),
        ((), (), False),
    ],
)
def test_filters(on, never, again):
    retry = Retry(max_attempts=5, strategy="immediate", on=on, never=never)
    assert (decide_retry(retry, 1, FAILED, EXITED, 0.0) is not None) is again


@pytest.mark.parametrize(
    ("kind", "again"), [("exit_code", True), ("signal", True), ("success_when_false", True), ("timeout", False)]
)
def test_exit_codes_are_looked_at_whatever_made_the_attempt_fail_but_a_timeout(kind, again):
    retry = Retry(max_attempts=5, strategy="immediate", on=({"exit_code": [137]},))
    assert (decide_retry(retry, 1, {"class": kind, "message": ""}, {"exit_code": 137}, 0.0) is not None) is again


@pytest.mark.parametrize("kind", ["auth", "quota", "bad_request", "expression_error", "output_invalid"])
def test_what_another_attempt_cannot_mend_is_not_retried(kind):
    assert decide_retry(Retry(max_attempts=5), 1, {"class": kind, "message": ""}, {}, 0.0) is None


@pytest.mark.parametrize("kind", ["expression_error", "output_invalid"])
def test_faults_of_the_document_are_not_retried_even_when_named(kind):
    assert decide_retry(Retry(max_attempts=5, on=(kind,)), 1, {"class": kind, "message": ""}, {}, 0.0) is None


def test_chance_is_a_function_of_its_arguments():
    drawn = [chance(7, "task", number) for number in range(1000)]
    assert drawn == [chance(7, "task", number) for number in range(1000)]
    assert all(0 <= value < 1 for value in drawn)
    assert 0.45 < sum(drawn) / 1000 < 0.55
    assert chance(7, "task", 1) != chance(8, "task", 1)


@pytest.mark.parametrize("strategy", ["immediate", "linear", "exponential", "jittered"])
@pytest.mark.parametrize("delay", [0.0, 1.0, 86_400.0 * 999_999_999])
def test_no_number_of_attempts_gives_a_wait_that_is_none(strategy, delay):
    retry = Retry(max_attempts=10**6, strategy=strategy, delay=delay, max_delay=86_400.0 * 999_999_999)
    for attempt in (1, 2, 63, 64, 65, 1000, 10_000, 999_999):
        for draw in (0.0, 0.5, 0.9999999):
            assert 0.0 <= retry_delay(retry, attempt, draw) <= retry.max_delay


@pytest.mark.parametrize(
    ("kind", "status", "again"),
    [
        ("rate_limit", 429, True),
        ("server", 503, True),
        ("server", 500, False),
        ("success_when_false", 503, True),
        ("connection", 503, False),
        ("timeout", 503, False),
        ("server", None, False),
    ],
)
def test_statuses_are_looked_at_where_the_server_answered(kind, status, again):
    error = {"class": kind, "message": ""}
    only = Retry(max_attempts=5, strategy="immediate", on=({"status": [429, 503]},))
    assert (decide_retry(only, 1, error, {"status_code": status}, 0.0) is not None) is again
    never = Retry(max_attempts=5, strategy="immediate", never=({"status": [429, 503]},))
    assert (decide_retry(never, 1, error, {"status_code": status}, 0.0) is None) is again


def test_a_status_and_an_exit_code_are_not_mistaken_for_each_other():
    retry = Retry(max_attempts=5, strategy="immediate", on=({"status": [200]}, {"exit_code": [200]}))
    assert decide_retry(retry, 1, FAILED, {"exit_code": 3, "status_code": 200}, 0.0) is None
    assert decide_retry(retry, 1, FAILED, {"exit_code": 200}, 0.0) == 0.0


@pytest.mark.parametrize(
    ("strategy", "retry_after", "wait"),
    [
        ("exponential", 2.0, 10.0),  # the policy waits longer by itself
        ("exponential", 30.0, 30.0),
        ("exponential", 3600.0, 3600.0),  # beyond max_delay
        ("immediate", 7.0, 7.0),
        ("exponential", None, 10.0),
        ("exponential", 0, 10.0),
    ],
)
def test_no_wait_is_shorter_than_the_other_side_asks_for(strategy, retry_after, wait):
    retry = Retry(max_attempts=5, strategy=strategy, delay=10.0, max_delay=60.0, jitter=False)
    error = {"class": "rate_limit", "message": ""}
    assert decide_retry(retry, 1, error, {"retry_after": retry_after}, 0.5) == wait


@pytest.mark.parametrize(
    ("elapsed", "retry_after", "again"),
    [(0.0, None, True), (50.0, None, True), (50.5, None, False), (0.0, 60.0, True), (1.0, 60.0, False)],
)
def test_no_attempt_begins_after_max_elapsed(elapsed, retry_after, again):
    retry = Retry(max_attempts=5, delay=10.0, jitter=False, max_elapsed=60.0)
    decided = decide_retry(retry, 1, FAILED, {**EXITED, "retry_after": retry_after}, 0.0, elapsed)
    assert (decided is not None) is again


def test_max_elapsed_ends_attempts_that_need_no_wait():
    retry = Retry(max_attempts=5, strategy="immediate", max_elapsed=60.0)
    assert decide_retry(retry, 1, FAILED, EXITED, 0.0, 60.0) == 0.0
    assert decide_retry(retry, 1, FAILED, EXITED, 0.0, 60.1) is None

"""Every attempt has a file name of its own, and it is found again from it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from unspool.model.lognames import attempt_of, log_name

ids = st.from_regex(
    re.compile(r"[a-z][a-z0-9_]{0,63}(\[[A-Za-z0-9._,%-]{1,64}\]|\.[a-z]{1,9}|/[a-z]{1,9}){0,5}", re.ASCII),
    fullmatch=True,
)


@given(ids, st.integers(1, 10**6))
def test_the_attempt_is_found_from_the_name_of_its_file(task, attempt):
    for ending in ("out", "err"):
        assert attempt_of(f"{log_name(task, attempt)}.{ending}", task) == attempt


@given(ids, ids, st.integers(1, 99))
def test_the_file_of_one_task_is_not_that_of_another(task, other, attempt):
    if task != other:
        assert attempt_of(f"{log_name(task, attempt)}.out", other) is None


@given(ids)
def test_any_file_system_takes_the_name(task):
    name = log_name(task, 10**6) + ".out"
    assert "/" not in name
    assert len(name.encode()) <= 255


def test_very_long_ids_that_begin_alike_are_told_apart():
    first, second = "a" * 300 + "b", "a" * 300 + "c"
    assert log_name(first, 1) != log_name(second, 1)
    assert attempt_of(log_name(first, 1) + ".out", second) is None


def test_other_files_are_none_of_a_task():
    for file in ("build.out", "build.1", "build.1.txt", "build.x.out", "build.1.out.gz", "build.01.out"):
        assert attempt_of(file, "build") is None

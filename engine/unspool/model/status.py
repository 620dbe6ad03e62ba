"""The states of a task and of a run, and the machine-readable reasons for them."""

from __future__ import annotations

from typing import Final

CREATED: Final = "created"  # some of its dependencies are not final
READY: Final = "ready"  # nothing of its own is missing: it waits for a slot
QUEUED: Final = "queued"  # it waits for a moment, such as the end of a retry's delay
RUNNING: Final = "running"  # an attempt is under way
COMPLETED: Final = "completed"  # an attempt succeeded
FAILED: Final = "failed"  # the last attempt failed, or an expression of its own did
CANCELLED: Final = "cancelled"  # it was stopped, or can no longer start
SKIPPED: Final = "skipped"  # it was not needed

CANCELLING: Final = "cancelling"  # of a run: everything under way is being ended

FINAL_STATES: Final = frozenset((COMPLETED, FAILED, CANCELLED, SKIPPED))

# Why a task is in its state. A failed attempt's error class (`exit_code`, `timeout`, ...) is a reason too.
RETRY_WAIT: Final = "retry_wait"
WHEN_FALSE: Final = "when_false"
DEPENDENCY_FAILED: Final = "dependency_failed"
DEPENDENCY_NOT_MET: Final = "dependency_not_met"
EXIT_CODE: Final = "exit_code"
TIMEOUT: Final = "timeout"
SUCCESS_WHEN_FALSE: Final = "success_when_false"
SIGNAL: Final = "signal"
EXPRESSION_ERROR: Final = "expression_error"
OUTPUT_INVALID: Final = "output_invalid"
CRASH_LIMIT: Final = "crash_limit"
BY_PERSON: Final = "cancelled_by_person"
RUN_ABORTED: Final = "run_aborted"
INTERRUPTED: Final = "interrupted"
TASK_FAILED: Final = "task_failed"

OK: Final = "ok"  # of an attempt that ended well, where others give their error class

# Error classes that another attempt cannot mend; `retry.on` has to name them to have them retried.
NOT_RETRIED_BY_DEFAULT: Final = frozenset(("auth", "quota", "bad_request"))
# Faults of the document itself: never retried, whatever `retry.on` says.
NEVER_RETRIED: Final = frozenset((EXPRESSION_ERROR, OUTPUT_INVALID))

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
FINISHING: Final = "finishing"  # of a run: its verdict stands, and the tasks of `finally` run

FINAL_STATES: Final = frozenset((COMPLETED, FAILED, CANCELLED, SKIPPED))

# Why a task is in its state. A failed attempt's error class (`exit_code`, `timeout`, ...) is a reason too.
CACHED: Final = "cached"
RETRY_WAIT: Final = "retry_wait"
WHEN_FALSE: Final = "when_false"
DEPENDENCY_FAILED: Final = "dependency_failed"
DEPENDENCY_NOT_MET: Final = "dependency_not_met"
EXIT_CODE: Final = "exit_code"
TIMEOUT: Final = "timeout"
IDLE_TIMEOUT: Final = "idle_timeout"
SUCCESS_WHEN_FALSE: Final = "success_when_false"
SIGNAL: Final = "signal"
EXPRESSION_ERROR: Final = "expression_error"
OUTPUT_INVALID: Final = "output_invalid"
CRASH_LIMIT: Final = "crash_limit"
ENGINE_CRASHED: Final = "engine_crashed"
BY_PERSON: Final = "cancelled_by_person"
RUN_TIMEOUT: Final = "run_timeout"
QUEUE_FULL: Final = "queue_full"
RUN_ABORTED: Final = "run_aborted"
INTERRUPTED: Final = "interrupted"
TASK_FAILED: Final = "task_failed"
INSTANCE_FAILED: Final = "instance_failed"  # of a parent: an instance of it failed
MEMBER_FAILED: Final = "member_failed"  # of a group
DUPLICATE_KEY: Final = "duplicate_key"  # two instances would have one name
BUDGET_EXHAUSTED: Final = "budget_exhausted"  # more tasks than the document allows
OPEN: Final = "open"  # of what keeps a run open: it waits for tasks from outside
NOTHING_EMITTED: Final = "nothing_emitted"  # of a template: no rule asked for a task of it
BY_RULE: Final = "rule"  # a rule said that the task failed, or that the run ends
GROUP_TIMEOUT: Final = "group_timeout"  # the group that it is a part of took too long
BATCHED: Final = "batched"  # it waits for others to share an attempt with, or for that attempt
LOST: Final = "lost"  # another member of the group was first
WAITING: Final = "waiting"  # for a moment that the document names
WAITING_FOR_PERSON: Final = "waiting_for_person"
REJECTED: Final = "rejected"  # a person, or the lack of one, said no
SUBSTITUTED: Final = "substituted"  # another task stands in for it
ROLLING_BACK: Final = "rolling_back"  # what it did is being undone, then it is tried again
ROLLED_BACK: Final = "rolled_back"  # what it built on was undone
ROLLBACK_FAILED: Final = "rollback_failed"  # of a run: something could not be undone
INTERNAL_ERROR: Final = "internal_error"  # the run could not go on, which is a fault of the engine
FINALLY_FAILED: Final = "finally_failed"  # of a run that would have had no other reason

# An attempt that is ended for one of these has failed; for any other reason it is cancelled.
OVERDUE: Final = frozenset((TIMEOUT, IDLE_TIMEOUT))

# What no `on_failure` tolerates.
UNTOLERABLE: Final = frozenset((QUEUE_FULL, BUDGET_EXHAUSTED))

# What a server's status makes of an attempt that it answered; the kind's own rule, which `success_when` replaces.
STATUS_CLASSES: Final = frozenset(("rate_limit", "auth", "quota", "server", "bad_request"))

OK: Final = "ok"  # of an attempt that ended well, where others give their error class

# Error classes that another attempt cannot mend; `retry.on` has to name them to have them retried.
NOT_RETRIED_BY_DEFAULT: Final = frozenset(("auth", "quota", "bad_request"))
# Faults of the document itself: never retried, whatever `retry.on` says.
NEVER_RETRIED: Final = frozenset((EXPRESSION_ERROR, OUTPUT_INVALID))

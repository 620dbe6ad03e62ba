"""What `result` has beside the fields of every task, by the kind of the task."""

from __future__ import annotations

KIND_FIELDS: dict[str, tuple[str, ...]] = {"http": ("status_code", "headers", "retry_after")}

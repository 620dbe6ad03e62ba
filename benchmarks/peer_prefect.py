"""A graph on Prefect's local engine: `python peer_prefect.py SHAPE SIZE JOBS true|noop`; prints how many were done."""

from __future__ import annotations

import subprocess
import sys

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

shape, size, jobs, what = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]


@task
def step(number: int) -> int:
    """One task."""
    if what == "true":
        subprocess.run(["true"], check=True)
    return number


@flow(task_runner=ThreadPoolTaskRunner(max_workers=jobs), log_prints=False)
def graph() -> int:
    """All of them."""
    if shape == "chain":
        return sum(step(number) >= 0 for number in range(size))
    return sum(future.result() >= 0 for future in [step.submit(number) for number in range(size)])


print(graph(), flush=True)

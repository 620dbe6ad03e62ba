"""A graph on DBOS with SQLite: `python peer_dbos.py SHAPE SIZE JOBS true|noop`; prints how many steps were done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dbos import DBOS, DBOSConfig

shape, size, jobs, what = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
config: DBOSConfig = {
    "name": "bench",
    "system_database_url": f"sqlite:///{Path.cwd() / 'dbos.sqlite'}",
    "run_admin_server": False,
    "log_level": "ERROR",
}
DBOS(config=config)


@DBOS.step()
def step(number: int) -> int:
    """One task."""
    if what == "true":
        subprocess.run(["true"], check=True)
    return number


@DBOS.workflow()
def chain(first: int, count: int) -> int:
    """Steps one after another."""
    return sum(step(number) >= 0 for number in range(first, first + count))


DBOS.launch()
parts = 1 if shape == "chain" else jobs  # steps of one workflow follow each other; as many workflows run side by side
share = size // parts
handles = [DBOS.start_workflow(chain, part * share, share) for part in range(parts)]
print(sum(handle.get_result() for handle in handles), flush=True)
DBOS.destroy()

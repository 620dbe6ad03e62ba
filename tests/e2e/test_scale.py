"""Compiling is linear: ten times the document costs at most twelve times as much, in bounded memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MEASURED = """
import gc, json, resource, sys, time
from unspool.compiler.compile import compile_document
gc.disable()  # as the command does
data = open(sys.argv[1], "rb").read()
seconds = []
for _ in range(int(sys.argv[2])):
    start = time.process_time()
    plan = compile_document(data, "yaml").plan
    seconds.append(time.process_time() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"tasks": len(plan.tasks), "seconds": seconds, "peak_mb": peak}))
"""


def document(tasks: int) -> str:
    lines = ["unspool: 1", "name: large", "limits: {max_tasks: 1000000}", "tasks:"]
    for number in range(tasks):
        lines += [f"  t{number}:", f"    run: [echo, item {number}]", "    timeout: 30s", "    tags: [a, b]"]
        if number:
            lines.append(f"    depends_on: [t{max(number - 7, 0)}]")
    return "\n".join(lines) + "\n"


def measure(folder: Path, tasks: int, rounds: int) -> dict:
    file = folder / f"{tasks}.yaml"
    file.write_text(document(tasks))
    command = [sys.executable, "-c", MEASURED, str(file), str(rounds)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=110).stdout)


def test_ten_times_the_tasks_cost_at_most_twelve_times_as_much(tmp_path: Path, record_property):
    small, large = measure(tmp_path, 10_000, 5), measure(tmp_path, 100_000, 1)
    assert (small["tasks"], large["tasks"]) == (10_000, 100_000)
    ratio = statistics.median(large["seconds"]) / statistics.median(small["seconds"])
    record_property("ratio", ratio)
    record_property("peak_mb", large["peak_mb"])
    sys.stderr.write(f"compile 100,000 / 10,000 tasks: {ratio:.1f} x, peak {large['peak_mb']:.0f} MB\n")
    assert ratio <= 12
    assert large["peak_mb"] <= 600

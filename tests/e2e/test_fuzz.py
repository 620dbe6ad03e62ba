"""Two thousand damaged documents through `unspool check`: a diagnostic with code and place, or a plan.

They are checked in one process whose memory the system bounds, so a document that needs more kills it.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

COUNT = 2000
MEMORY = 200 * 1024 * 1024
SECONDS = 2.0

CHECKED = """
import gc, io, json, resource, sys, time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unspool.cli.check import command
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
results = []
for file in sorted(Path(sys.argv[1]).iterdir()):
    out, err = io.StringIO(), io.StringIO()
    start = time.process_time()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = command.main([str(file)], standalone_mode=False)
        except BaseException as problem:
            code, _ = "raised", err.write(repr(problem))
    results.append([file.name, code, time.process_time() - start, err.getvalue()[:2000]])
# Not from getrusage: that counts what the test's own process held when it started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps({"peak_mb": int(peak.split()[1]) / 1024, "results": results}))
"""

DOCUMENT = """\
unspool: 1
name: nightly
inputs:
  branch: {type: string, default: main, pattern: "[a-z/]+"}
  count: {type: integer, default: 2}
env: {CI: "1", WHO: "${{ inputs.branch }}"}
defaults: {timeout: 15m, retry: {max_attempts: 2}}
limits: {concurrency: 4, max_tasks: 200}
tasks:
  checkout: &first
    run: git fetch origin -- "${{ inputs.branch }}"
    outputs:
      head: {type: string, from: stdout}
  build:
    depends_on: [checkout]
    run: [make, -j, "${{ inputs.count }}", "${{ tasks.checkout.outputs.head | default('none') }}"]
    retry: {max_attempts: 3, strategy: linear, delay: 2s, on: [timeout, {exit_code: [75]}]}
    success_when: ${{ result.exit_code in [0, 1] }}
  test:
    depends_on: {build: ok, checkout: completed}
    python: "steps:test"
    with: {numbers: [1, 2.5, null, true], nested: {a: {b: [[], {}]}}}
    when: ${{ inputs.count > 1 }}
    on_failure: skip
  report:
    depends_on: {test: any}
    run: |
      echo "${{ tasks.test.state }}"
      cat <<END
      ${{ inputs.branch }}
      END
outputs: {head: "${{ tasks.checkout.outputs.head }}"}
"""

WORDS = (
    "run",
    "tasks",
    "depends_on",
    "when",
    "null",
    "true",
    "yes",
    "3.10",
    "1e400",
    "99999999999999999999",
    "*first",
    "&a",
    "<<",
    "!!python/object",
    "${{",
    "}}",
    "${{ 1 / 0 }}",
    "${{ tasks.x.y }}",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "|",
    ">",
    "\t",
    "- ",
    ": ",
    "#",
    "\u0000",
    "\u2028",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "%",
    "@",
    "`",
    "a" * 300,
    "[" * 80,
    "{a: " * 70,
)


def swapped(word: str, chance: random.Random) -> str:
    return chance.choice([word] * 4 + [chance.choice(WORDS)])


def damaged(chance: random.Random) -> bytes:
    """Damage the document once or a few times, by words, lines, or bytes."""
    text = DOCUMENT
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        lines = text.split("\n")
        place = chance.randrange(len(lines))
        kind = chance.randrange(7)
        if kind == 0:
            del lines[place]
        elif kind == 1:
            lines.insert(place, chance.choice(lines))
        elif kind == 2:
            other = chance.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        elif kind == 3:
            lines[place] = re.sub(
                r"\w+", lambda word: chance.choice([word[0]] * 4 + [chance.choice(WORDS)]), lines[place]
            )
        elif kind == 4:
            lines[place] = " " * chance.randrange(9) + lines[place].lstrip()
        else:
            column = chance.randrange(len(lines[place]) + 1)
            lines[place] = lines[place][:column] + chance.choice(WORDS) + lines[place][column + chance.randrange(3) :]
        text = "\n".join(lines)
    data = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.1:
        data = bytearray(data)
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[: chance.randrange(len(data))] if chance.random() < 0.05 else data)


def test_damaged_documents_get_a_code_and_a_place(tmp_path: Path):
    chance = random.Random(20260131)
    for number in range(COUNT):
        (tmp_path / f"{number:04}.yaml").write_bytes(damaged(chance))
    ended = subprocess.run(
        [sys.executable, "-c", CHECKED, str(tmp_path), str(MEMORY)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(ended.stdout)
    assert len(told["results"]) == COUNT
    assert told["peak_mb"] <= 200
    place = re.compile(r"\.yaml:[1-9]\d*:[1-9]\d*: error\[UNS\d{3}\]: \S")
    for name, code, seconds, said in told["results"]:
        assert code in (0, 2, 3), (name, code, said)
        assert "Traceback" not in said, (name, said)
        assert seconds < SECONDS, (name, seconds)
        assert code == 0 or place.search(said), (name, said)
    unparsable = sum(bool(re.search(r"error\[UNS0(0\d|1[0-6])\]", said)) for _, _, _, said in told["results"])
    assert 0.3 <= unparsable / COUNT <= 0.7, f"{unparsable} of {COUNT} do not parse"

"""An engine is killed in the midst of keeping a result: nothing half kept is ever believed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import unspool, write

pytestmark = pytest.mark.slow

KILLED = str(Path(__file__).with_name("killed_cache.py"))
TASKS = {
    "build": {
        "run": "echo ran >> ran; mkdir -p dist; cp in dist/a; rev in > dist/b; head -c 300000 /dev/zero | tr '\\0' x",
        "outputs": {"big": {"type": "string", "from": "stdout"}},
        "cache": {"inputs": ["in"], "files": ["dist"]},
    }
}
STEPS = (1, 2, 3, 5, 8, 11, 14, 16)


def killed(step: int, document: str) -> bool:
    ended = subprocess.run(
        [sys.executable, KILLED, str(step), "run", document], capture_output=True, check=False, timeout=60
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr.decode()
    return ended.returncode != 0


def spoil(project: Path) -> None:
    (project / "dist/a").unlink()
    (project / "dist/b").write_text("spoilt")


@pytest.mark.leaks("the killed engine's guardian goes by itself")
@pytest.mark.parametrize("step", STEPS)
def test_nothing_half_kept_is_believed(project: Path, step: int):
    Path("in").write_text("abc\n")
    document = write("flow.json", TASKS)
    if killed(step, document):
        resumed = unspool("resume", "latest")
        assert resumed.returncode == 0, resumed.stderr
    for _ in range(2):
        spoil(project)
        ended = unspool("run", document)
        assert ended.returncode == 0, ended.stderr
        assert ((project / "dist/a").read_text(), (project / "dist/b").read_text()) == ("abc\n", "cba\n")
    task = json.loads(unspool("show", "latest", "--format", "json").stdout)["tasks"]["build"]
    assert (task["reason"], task["attempts"]) == ("cached", 0)
    assert task["outputs"]["big"]["size"] == 300_000


@pytest.mark.leaks("the killed engine's guardian goes by itself")
def test_the_kills_reach_from_before_the_first_step_to_behind_the_last(project: Path):
    Path("in").write_text("abc\n")
    document = write("flow.json", TASKS)
    assert killed(STEPS[0], document)
    assert killed(STEPS[-2], document)
    assert not killed(100, document)

"""Fifty kills with SIGKILL, half of them while a commit is in flight: nothing lost, nothing done twice."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash import oracle

pytestmark = pytest.mark.slow

SCENARIOS = 17
KILLS = 3  # in each scenario; a task in flight may be begun again three times
SEED = 20260131
ENGINE = [sys.executable, "-m", "unspool"]
KILLER = [sys.executable, str(Path(__file__).parent / "killed_engine.py")]
APPEND = 'dd of="$LEDGER" oflag=append conv=notrunc,fsync status=none'
STEP = f'printf "%s %s\\n" "$UNSPOOL_TASK_KEY" "$UNSPOOL_ATTEMPT_ID" | {APPEND}'


def document() -> str:
    """Write a workflow of 25 tasks: four layers with edges, a failure that is tolerated, a skip, outputs."""
    tasks = {}
    for layer in range(4):
        for place in range(6):
            task = {"run": f"{STEP}\necho {layer}-{place}", "outputs": {"said": {"type": "string", "from": "stdout"}}}
            if layer:
                task["depends_on"] = [f"l{layer - 1}_{place}", f"l{layer - 1}_{(place + layer) % 6}"]
            tasks[f"l{layer}_{place}"] = task
    tasks["l1_0"]["run"] += "\nexit 7"
    tasks["l1_0"]["on_failure"] = "skip"
    del tasks["l1_0"]["outputs"]
    tasks["l2_3"]["when"] = False
    tasks["end"] = {"depends_on": [f"l3_{place}" for place in range(6)], "run": STEP}
    said = "${{ tasks.l3_5.outputs.said }} ${{ tasks.l0_1.outputs.said }}"
    return json.dumps({"unspool": 1, "name": "kills", "tasks": tasks, "outputs": {"said": said}})


class Project:
    """A folder with the workflow, its ledger and its state."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.ledger = folder / "ledger"
        self.file = folder / "kills.json"
        self.file.write_text(document())
        self.mark = f"KILL_TEST={folder}"
        self.environment = {
            **os.environ,
            "LEDGER": str(self.ledger),
            "UNSPOOL_HOME": str(folder / "state"),
            "KILL_TEST": str(folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }

    def popen(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def journals(self) -> list[Path]:
        return sorted((self.folder / "state" / "journals").glob("*/journal.db"))

    def arguments(self) -> list[str]:
        """Give the command that goes on: `run`, unless a run has been committed."""
        runs = [path for path in self.journals() if run_is_recorded(path)]
        return ["resume", runs[-1].parent.name] if runs else ["run", str(self.file)]

    def report(self) -> dict:
        command = [*ENGINE, "show", "latest", "--format", "json"]
        return json.loads(
            subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, check=True).stdout
        )

    def survivors(self) -> list[int]:
        """Give the processes that still run two seconds from now at the latest, the moment there are none."""
        deadline = time.monotonic() + 2
        while (found := oracle.marked_processes(self.mark)) and time.monotonic() < deadline:
            select.select([], [], [], 0.02)
        return found


def run_is_recorded(journal: Path) -> bool:
    """Whether a kill left a run behind that can be resumed."""
    import sqlite3

    database = sqlite3.connect(journal)
    try:
        return database.execute("SELECT count(*) FROM event").fetchone()[0] > 0
    except sqlite3.OperationalError:
        return False
    finally:
        database.close()


def kill_once(project: Project, chance: random.Random, number: int, usual: float) -> bool:
    """Go on with the run and kill it; False when it was through before the kill came."""
    arguments = project.arguments()
    if number % 2:
        commit, seconds = chance.randint(1, 14), chance.uniform(0, 0.0006)
        process = project.popen([*KILLER, str(commit), f"{seconds:.6f}", *arguments])
        code = process.wait(timeout=60)
    else:
        process = project.popen([*ENGINE, *arguments])
        try:
            code = process.wait(timeout=chance.uniform(0.1, 0.9 * usual))
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
    return code == -9


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, float]:
    """Run the workflow once in peace: its verdict and its seconds."""
    project = Project(tmp_path_factory.mktemp("peace") / "project")
    start = time.monotonic()
    assert (
        subprocess.run(
            [*ENGINE, "run", str(project.file)], env=project.environment, capture_output=True, check=False
        ).returncode
        == 0
    )
    return oracle.verdict(project.report()), time.monotonic() - start


@pytest.mark.parametrize("scenario", range(SCENARIOS))
def test_kills_lose_nothing_and_repeat_nothing(scenario: int, tmp_path: Path, undisturbed: tuple[dict, float]) -> None:
    wanted, usual = undisturbed
    chance = random.Random(SEED + scenario)
    kills = tries = 0
    while kills < KILLS:
        # A kill that comes after the end proves nothing; it is made up for in another project.
        project = Project(tmp_path / f"project{tries}")
        before: set[str] = set()
        while kills < KILLS:
            tries += 1
            assert tries < 10 * KILLS, "the kills never come before the end"
            killed, before = kill_and_check(project, chance, scenario + tries, usual, before)
            kills += killed
            if not killed:
                break
        finish(project, before)
        ran = {key.rpartition("/")[2] for key in oracle.ledger_keys(project.ledger)}
        assert ran == {name for name, task in wanted["tasks"].items() if task["state"] in ("completed", "failed")}
        assert oracle.verdict(project.report()) == wanted
        assert project.survivors() == []


def kill_and_check(
    project: Project, chance: random.Random, number: int, usual: float, committed: set[str]
) -> tuple[bool, set[str]]:
    """Kill once; hold the ledger's new lines against what was committed before, give what is committed now."""
    lines = len(oracle.ledger_keys(project.ledger))
    killed = kill_once(project, chance, number, usual)
    assert project.survivors() == [], "a process outlived its engine by two seconds"
    keys = oracle.ledger_keys(project.ledger)
    assert not committed & set(keys[lines:]), "ran again after its success was committed"
    done = {key for journal in project.journals() for key in oracle.committed_successes(journal)}
    assert done <= set(keys), "a success was committed of a task that never ran"
    return killed, done


def finish(project: Project, committed: set[str]) -> None:
    """Let the run come to its end, and hold what it did against what was committed."""
    lines = len(oracle.ledger_keys(project.ledger))
    command = [*ENGINE, *project.arguments()]
    ended = subprocess.run(
        command, env=project.environment, cwd=project.folder, capture_output=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert not committed & set(oracle.ledger_keys(project.ledger)[lines:]), "ran again after its success was committed"

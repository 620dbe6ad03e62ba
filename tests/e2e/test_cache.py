"""Results that are reused, as a user sees it: what runs again and what does not, and what is put back."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.e2e.command import start, unspool, wait_for, write

BUILD = {
    "run": "echo ran >> ran; mkdir -p dist && cat src/* > dist/out && chmod 750 dist/out && wc -c < dist/out",
    "outputs": {"n": {"type": "integer", "from": "stdout"}},
    "cache": {"inputs": ["src"], "files": ["dist"]},
}
AFTER = {"depends_on": ["build"], "run": ["sh", "-c", 'echo "$1" >> after', "x", "${{ tasks.build.outputs.n }}"]}


@pytest.fixture
def document(project: Path) -> str:
    (project / "src").mkdir()
    (project / "src" / "a").write_text("12345")
    return write("flow.json", {"build": BUILD, "after": AFTER})


def run(document: str, *options: str) -> dict:
    """Run it, and give what became of `build`."""
    ended = unspool("run", document, "--format", "json", *options)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)["tasks"]["build"]


def lines(name: str) -> list[str]:
    return Path(name).read_text().split()


def test_a_second_run_reuses_what_the_first_made(document: str):
    first = run(document)
    assert (first["attempts"], first.get("reason"), first["outputs"]) == (1, None, {"n": 5})
    second = run(document)
    assert (second["attempts"], second["reason"], second["outputs"]) == (0, "cached", {"n": 5})
    assert (second["state"], "started_at" in second, second["kind"]) == ("completed", False, "run")
    assert (lines("ran"), lines("after")) == (["ran"], ["5", "5"])


def test_an_input_that_changed_runs_it_again_and_one_that_is_as_before_does_not(document: str):
    run(document)
    Path("src/a").write_text("1234567")
    assert (run(document)["attempts"], run(document)["attempts"]) == (1, 0)
    Path("src/a").write_text("12345")
    assert run(document)["reason"] == "cached"
    assert (lines("ran"), lines("after")) == (["ran", "ran"], ["5", "7", "7", "5"])
    assert Path("dist/out").read_text() == "12345", "the file is that of the result which is reused"


def test_files_that_are_gone_are_put_back(document: str):
    run(document)
    Path("dist/out").unlink()
    Path("dist").rmdir()
    assert run(document)["reason"] == "cached"
    assert (Path("dist/out").read_text(), os.stat("dist/out").st_mode & 0o777) == ("12345", 0o750)


def test_another_command_another_variable_or_another_input_is_another_result(project: Path):
    tasks = {"build": {"run": ["sh", "-c", "echo ran >> ran; echo $1 $TOP $OWN", "x", "${{ inputs.v }}"], "cache": {}}}

    def changed(**more: object) -> str:
        tasks["build"] |= more.pop("task", {})  # type: ignore[arg-type]
        return write("flow.json", tasks, inputs={"v": {"type": "string"}}, **more)

    attempts = [
        run(changed(), "-i", "v=1")["attempts"],
        run(changed(), "-i", "v=1")["attempts"],
        run(changed(), "-i", "v=2")["attempts"],
        run(changed(env={"TOP": "1"}), "-i", "v=2")["attempts"],
        run(changed(env={"TOP": "1"}, task={"env": {"OWN": "${{ inputs.v }}"}}), "-i", "v=2")["attempts"],
        run(changed(env={"TOP": "1"}), "-i", "v=2")["attempts"],
    ]
    assert attempts == [1, 0, 1, 1, 1, 0]


def test_a_key_says_what_cannot_be_seen(project: Path):
    task = {"run": ["true"], "cache": {"key": "v${{ inputs.v }}", "ttl": "1d"}}
    document = write("flow.json", {"build": task}, inputs={"v": {"type": "integer"}})
    assert [run(document, "-i", f"v={v}")["attempts"] for v in (1, 2, 1, 2)] == [1, 1, 0, 0]


def test_no_cache_runs_it_and_keeps_the_new_result(document: str):
    run(document)
    Path("dist/out").write_text("spoilt")
    assert run(document, "--no-cache")["attempts"] == 1
    assert run(document)["reason"] == "cached"
    assert len(lines("ran")) == 2


def test_a_function_is_reused_with_what_it_returned(project: Path):
    Path("steps.py").write_text("def build(n):\n    open('ran', 'a').write('ran ')\n    return {'n': n, 'more': [n]}\n")
    task = {
        "python": "steps:build",
        "with": {"n": 3},
        "outputs": {"n": {"type": "integer"}, "more": {"type": "array", "from": "json", "path": "/more"}},
        "cache": {"inputs": ["steps.py"]},
    }
    document = write("flow.json", {"build": task})
    assert [run(document)["outputs"] for _ in range(2)] == [{"n": 3, "more": [3]}] * 2
    assert lines("ran") == ["ran"]


def test_progress_and_the_table_say_that_it_was_reused(document: str):
    run(document)
    ended = unspool("run", document)
    assert "build: completed (cached)" in ended.stderr
    shown = unspool("show", "latest")
    assert "completed (cached)" in shown.stdout
    assert unspool("logs", "latest", "build").returncode == 0


def test_a_cache_that_cannot_be_written_is_a_warning_at_the_end(document: str, project: Path):
    (project / ".unspool").mkdir()
    (project / ".unspool" / "cache").write_text("in the way")
    ended = unspool("run", document)
    assert ended.returncode == 0
    assert "unspool: the result of build is not kept for reuse: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_pattern_that_leaves_the_folder_is_refused_before_anything_runs(project: Path):
    ended = unspool("check", write("flow.json", {"build": {"run": "x", "cache": {"inputs": ["../x"]}}}))
    assert ended.returncode == 2
    assert "error[UNS151]" in ended.stdout + ended.stderr


def test_many_engines_at_once_agree(document: str, project: Path):
    line = "mkdir -p dist && cat src/* > .tmp.$$ && mv .tmp.$$ dist/out && wc -c < src/a"  # runs share the folder
    document = write(
        "flow.json", {"build": {**BUILD, "run": line, "cache": {"inputs": ["src"], "files": ["dist/out"]}}}
    )
    engines = [start("run", document, "--format", "json") for _ in range(4)]
    tasks = [json.loads(engine.communicate(timeout=60)[0])["tasks"]["build"] for engine in engines]
    assert [engine.returncode for engine in engines] == [0] * 4
    assert all(task["outputs"] == {"n": 5} for task in tasks)
    assert run(document)["reason"] == "cached"
    assert Path("dist/out").read_text() == "12345"
    assert list((project / ".unspool" / "cache").rglob("*.part")) == []


@pytest.mark.leaks("the killed engine's guardian ends its tasks, and then itself")
def test_a_run_that_is_taken_up_again_reuses_too(project: Path):
    tasks = {
        "build": {"run": "echo ran >> ran", "cache": {}},
        "after": {"depends_on": ["build"], "run": "echo x >> begun; test $(wc -l < begun) != 2 || sleep 1000"},
        "last": {"depends_on": ["after"], "run": "echo ran >> ran", "cache": {}, "env": {"WHO": "last"}},
    }
    document = write("flow.json", tasks)
    run(document)
    engine = start("run", document)
    wait_for(lambda: Path("begun").exists() and len(lines("begun")) == 2)
    engine.send_signal(signal.SIGKILL)
    engine.communicate()
    assert unspool("resume", "latest").returncode == 0
    found = json.loads(unspool("show", "latest", "--format", "json").stdout)["tasks"]
    assert [found[name].get("reason") for name in ("build", "after", "last")] == ["cached", None, "cached"]
    assert lines("ran") == ["ran", "ran"]

"""Results on disk: found by all that they depend on, put back with their files, and never believed when spoilt."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool.host import cache as module
from unspool.host import matching as matching_module
from unspool.host.artifacts import FileArtifacts
from unspool.host.cache import FileCache
from unspool.model.plan import Output, Task
from unspool.tasks.attempt import AttemptSpec, Ended

RESULT = {"exit_code": 0, "stdout": {"inline": "built\n"}}


class World:
    """A project with a cache, engines that use it, and a moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.at = 1_700_000_000.0
        self.said: list[str] = []
        self.engines = 0

    def engine(self, **how: Any) -> FileCache:
        """Give the cache as another engine has it, with large values of its own."""
        self.engines += 1
        self.artifacts = FileArtifacts(self.folder / ".unspool" / "journals" / str(self.engines) / "artifacts")
        folder = self.folder / ".unspool" / "cache"
        return FileCache(folder, self.artifacts, lambda: self.at, self.said.append, **how)

    def spec(self, **more: Any) -> AttemptSpec:
        recipe = {"key": None, "inputs": [], "files": [], "ttl": None, "fresh": False, **more.pop("cache", {})}
        task = Task(0, "build", "run", {"argv": ["make"]}, **more.pop("task", {}))
        action = {**task.action, "env": {}, "cwd": None, "cache": recipe}
        spec = AttemptSpec("r1", 1, 1, "r1/build", task, action, {"CI": "1"}, str(self.folder))
        return spec._replace(**more)

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def store(
        self, spec: AttemptSpec, result: dict[str, Any] = RESULT, make: Callable[[], object] = lambda: None
    ) -> None:
        """Let one engine miss, run and keep."""
        engine = self.engine()
        assert engine.look("flow", spec) is None
        make()
        engine.ended(spec.run, spec.attempt, Ended(self.at, self.at - 2.5, None, result))
        engine.keep(spec.run, spec.attempt)
        engine.settle()
        assert engine._pending == {}

    def look(self, spec: AttemptSpec, workflow: str = "flow", **how: Any) -> dict[str, Any] | None:
        """Let another engine look."""
        return self.engine(**how).look(workflow, spec)

    def entries(self) -> list[Path]:
        return sorted((self.folder / ".unspool" / "cache" / "results").rglob("*.json"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_result_is_given_back_with_the_time_it_took(world: World):
    world.store(world.spec())
    assert world.look(world.spec(run="r2", attempt=9, number=3)) == {**RESULT, "duration": 2.5}
    assert world.said == []


def test_only_what_completed_is_kept(world: World):
    engine, spec = world.engine(), world.spec()
    engine.look("flow", spec)
    engine.ended("r1", 1, Ended(world.at, world.at - 1, {"class": "exit_code", "message": "m"}, RESULT))
    engine.settle()
    engine.keep("r1", 1)
    assert world.look(spec) is None
    engine.keep("r1", 77)
    engine.ended("r1", 77, Ended(world.at))


# -- what a result depends on ---------------------------------------------------------------------


def of_task(**fields: Any) -> Callable[[World, AttemptSpec], AttemptSpec]:
    return lambda world, spec: spec._replace(task=replace(spec.task, **fields))


def of_action(**fields: Any) -> Callable[[World, AttemptSpec], AttemptSpec]:
    return lambda world, spec: spec._replace(action={**spec.action, **fields})


def of_recipe(**fields: Any) -> Callable[[World, AttemptSpec], AttemptSpec]:
    return lambda world, spec: spec._replace(action={**spec.action, "cache": {**spec.action["cache"], **fields}})


def of_env(**env: str) -> Callable[[World, AttemptSpec], AttemptSpec]:
    return lambda world, spec: spec._replace(env=env)


def of_files(**contents: str | None) -> Callable[[World, AttemptSpec], AttemptSpec]:
    """Write or remove files; `in_` stands for `in.txt`, `in2` for `in2.txt`."""

    def change(world: World, spec: AttemptSpec) -> AttemptSpec:
        for name, content in contents.items():
            path = world.write(f"{name.rstrip('_')}.txt", content or "")
            if content is None:
                path.unlink()
        return spec

    return change


def other_folder(world: World, spec: AttemptSpec) -> AttemptSpec:
    world.write("sub/in.txt", "one")
    world.write("sub/in2.txt", "two")
    return spec._replace(cwd=str(world.folder / "sub"))


INGREDIENTS: dict[str, Callable[[World, AttemptSpec], AttemptSpec]] = {
    "task": of_task(id="other"),
    "kind": of_task(kind="python"),
    "outputs": of_task(outputs=(Output("n", {"type": "integer"}, "stdout"),)),
    "success_when": of_task(success_when="result.exit_code == 3"),
    "collect": of_task(collect=("stderr",)),
    "action": of_action(argv=["make", "-j"]),
    "with": of_action(**{"with": {"a": 1}}),
    "name of a variable": of_env(CI2="1"),
    "value of a variable": of_env(CI="2"),
    "key": of_recipe(key="v2"),
    "patterns": of_recipe(inputs=["in*.txt", "none"]),
    "files": of_recipe(files=["out"]),
    "folder": other_folder,
}
CONTENTS: dict[str, Callable[[World, AttemptSpec], AttemptSpec]] = {
    "content": of_files(in_="changed"),
    "another file": of_files(in3=""),
    "a file less": of_files(in_=None),
    "another name": of_files(in2=None, in9="two"),
    "contents swapped": of_files(in_="two", in2="one"),
}


def with_inputs(world: World) -> AttemptSpec:
    world.write("in.txt", "one")
    world.write("in2.txt", "two")
    return world.spec(cache={"inputs": ["in*.txt"]})


@pytest.mark.parametrize("ingredient", [*INGREDIENTS, *CONTENTS])
def test_a_change_of_anything_that_counts_is_a_miss(world: World, ingredient: str):
    spec = with_inputs(world)
    world.store(spec)
    assert world.look(spec) is not None
    assert world.look((INGREDIENTS | CONTENTS)[ingredient](world, spec)) is None


def test_another_workflow_is_a_miss(world: World):
    world.store(world.spec())
    assert world.look(world.spec(), "other") is None


CHANGES = st.tuples(st.sets(st.sampled_from(sorted(INGREDIENTS)), max_size=4), st.sampled_from((None, *CONTENTS)))


@given(CHANGES, CHANGES)
@settings(max_examples=150)
def test_two_keys_are_equal_just_where_the_same_was_changed(tmp_path_factory, one, other):
    keys = []
    for changes, content in (one, other):
        world = World(tmp_path_factory.mktemp("w"))
        spec = with_inputs(world)
        # Where two change one thing the last one counts: always in the same order.
        for name in sorted(changes):
            spec = INGREDIENTS[name](world, spec)
        if content is not None and "folder" not in changes:
            CONTENTS[content](world, spec)
        keys.append((world.engine()._key("flow", spec), _seen_by(changes, content)))
    assert (keys[0][0] == keys[1][0]) == (keys[0][1] == keys[1][1])


def _seen_by(changes: set[str], content: str | None) -> tuple[set[str], str | None]:
    """Give the changes that are not undone by others of the same thing."""
    left = set(changes)
    if {"name of a variable", "value of a variable"} <= left:
        left.discard("name of a variable")
    return left, None if "folder" in left else content


def test_what_does_not_count_does_not(world: World):
    world.write("in.txt", "one")
    spec = world.spec(cache={"inputs": ["in.txt"]})
    world.store(spec)
    world.write("beside.txt", "new")
    os.utime(world.folder / "in.txt", (1, 1))
    task = replace(spec.task, timeout=3.0, description="other", priority=0)
    recipe = {**spec.action["cache"], "ttl": 9.0}
    assert world.look(spec._replace(task=task, action={**spec.action, "cache": recipe})) is not None


# -- age, freshness -------------------------------------------------------------------------------


@pytest.mark.parametrize(("later", "found"), [(0.0, True), (59.0, True), (60.0, False), (-3600.0, False)])
def test_a_result_is_reused_for_so_long(world: World, later: float, found: bool):
    spec = world.spec(cache={"ttl": 60.0})
    world.store(spec)
    world.at += later
    assert (world.look(spec) is not None) == found


def test_without_reuse_or_where_it_must_be_fresh_results_are_only_kept_anew(world: World):
    spec = world.spec()
    world.store(spec)
    assert world.look(spec, reuse=False) is None
    fresh = {**spec.action["cache"], "fresh": True}
    world.store(spec._replace(action={**spec.action, "cache": fresh}), {"exit_code": 0, "stdout": {"inline": "new"}})
    assert world.look(spec)["stdout"] == {"inline": "new"}
    assert len(world.entries()) == 1


# -- files ----------------------------------------------------------------------------------------


def test_files_come_back_with_content_and_mode_and_what_stands_is_left_alone(world: World):
    spec = world.spec(cache={"files": ["dist"]})

    def make() -> None:
        world.write("dist/deep/out", "made").chmod(0o750)
        world.write("dist/same", "same")

    world.store(spec, make=make)
    (world.folder / "dist/deep/out").unlink()
    (world.folder / "dist/deep").rmdir()
    os.utime(world.folder / "dist/same", (1, 1))
    world.write("dist/other", "untouched")
    assert world.look(spec) is not None
    out = world.folder / "dist/deep/out"
    assert (out.read_text(), out.stat().st_mode & 0o777) == ("made", 0o750)
    assert (world.folder / "dist/same").stat().st_mtime == 1
    assert sorted(os.listdir(world.folder / "dist")) == ["deep", "other", "same"]


def test_a_file_that_was_changed_is_put_back_as_it_was(world: World):
    spec = world.spec(cache={"files": ["out"]})
    world.store(spec, make=lambda: world.write("out", "made"))
    world.write("out", "spoilt")
    assert world.look(spec) is not None
    assert (world.folder / "out").read_text() == "made"


def test_nothing_is_written_through_a_link_out_of_the_folder(world: World, tmp_path: Path):
    spec = world.spec(cache={"files": ["dist"]})
    world.store(spec, make=lambda: world.write("dist/out", "made"))
    (world.folder / "dist/out").unlink()
    (world.folder / "dist").rmdir()
    (tmp_path / "elsewhere").mkdir()
    (world.folder / "dist").symlink_to(tmp_path / "elsewhere")
    assert world.look(spec) is None
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out"])
def test_an_entry_that_leads_out_of_the_folder_is_a_miss(world: World, path: str):
    spec = world.spec(cache={"files": ["out"]})
    world.store(spec, make=lambda: world.write("out", "made"))
    body = json.loads(world.entries()[0].read_text())["body"]
    body["files"][0][0] = path
    world.entries()[0].write_text(json.dumps({"check": module._check(body), "body": body}))
    assert world.look(spec) is None


def test_a_folder_that_stands_in_the_way_is_a_miss(world: World):
    spec = world.spec(cache={"files": ["out"]})
    world.store(spec, make=lambda: world.write("out", "made"))
    (world.folder / "out").unlink()
    (world.folder / "out").mkdir()
    assert world.look(spec) is None
    assert [name for name in os.listdir(world.folder) if name.endswith(".part")] == []


def test_a_task_that_made_nothing_of_what_it_names_is_not_kept(world: World):
    world.store(world.spec(cache={"files": ["dist/*.whl"]}))
    assert world.entries() == []
    assert world.said == ["the result of build is not kept for reuse: it made no file that fits dist/*.whl"]


def test_a_file_that_another_writes_to_afterwards_is_not_kept(world: World):
    """Another run of the task in the same folder may be in the midst of it."""
    engine, spec = world.engine(), world.spec(cache={"files": ["out"]})
    engine.look("flow", spec)
    engine.ended("r1", 1, Ended(world.at, world.at - 1.0, None, RESULT))
    world.at += 3600.0
    world.write("out", "half")
    engine.keep("r1", 1)
    assert world.entries() == []
    assert world.said == ["the result of build is not kept for reuse: out was written to after the task had ended"]


def test_a_task_whose_inputs_change_while_it_runs_is_not_kept(world: World):
    world.write("in", "one")
    spec = world.spec(cache={"inputs": ["in"]})
    world.store(spec, make=lambda: world.write("in", "two"))
    assert world.entries() == []
    assert "its `cache.inputs` changed while it ran" in world.said[0]


# -- large values ---------------------------------------------------------------------------------


def test_large_values_go_from_engine_to_engine(world: World):
    engine, spec = world.engine(), world.spec()
    refs = {name: world.artifacts.put(name.encode() * 1000) for name in ("stdout", "value", "n", "f")}
    stored = {name: {"ref": ref.sha256, "size": ref.size, "head": ""} for name, ref in refs.items()}
    result = {
        "stdout": stored["stdout"],
        "value": stored["value"],
        "output": {"n": stored["n"]},
        "outputs": {"f": stored["f"]},
    }
    engine.look("flow", spec)
    engine.ended("r1", 1, Ended(world.at, world.at, None, result))
    engine.keep("r1", 1)
    assert world.look(spec) == {**result, "duration": 0.0}
    for name, ref in refs.items():
        assert world.artifacts.get(ref.sha256) == name.encode() * 1000


# -- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-20],
        lambda text: text.replace("built", "spoilt"),
        lambda text: "[]",
        lambda text: "null",
        lambda text: '{"body": 3, "check": ""}',
        lambda text: "[" * 100_000,
        lambda text: text.replace('"key":"', '"key":"0'),
        lambda text: "\x00" * 100,
    ],
)
def test_an_entry_that_was_spoilt_is_a_miss_and_kept_anew(world: World, damage: Callable[[str], str]):
    spec = world.spec()
    world.store(spec)
    (entry,) = world.entries()
    entry.write_text(damage(entry.read_text()))
    assert world.look(spec) is None
    world.store(spec)
    assert world.look(spec) is not None


@pytest.mark.parametrize("how", ["gone", "spoilt", "empty"])
def test_a_file_of_the_cache_that_is_missing_or_spoilt_is_a_miss_and_kept_anew(world: World, how: str):
    spec = world.spec(cache={"files": ["out"]})
    world.store(spec, make=lambda: world.write("out", "made"))
    (world.folder / "out").unlink()
    (kept,) = [path for path in (world.folder / ".unspool/cache/artifacts").rglob("*") if path.is_file()]
    kept.unlink()
    if how != "gone":
        kept.write_text("spoilt" if how == "spoilt" else "")
    assert world.look(spec) is None
    assert not (world.folder / "out").exists()
    world.store(spec, make=lambda: world.write("out", "made"))
    (world.folder / "out").unlink()
    assert world.look(spec) is not None
    assert (world.folder / "out").read_text() == "made"


def test_a_store_that_fails_is_a_warning(world: World):
    spec = world.spec()
    world.write(".unspool/cache", "no folder")
    world.store(spec)
    assert len(world.said) == 1
    assert world.said[0].startswith("the result of build is not kept for reuse: ")


def test_a_disk_that_fills_up_leaves_nothing_that_is_believed(world: World, monkeypatch: pytest.MonkeyPatch):
    spec = world.spec(cache={"files": ["a", "b"]})

    def make() -> None:
        world.write("a", "a")
        world.write("b", "b")

    for calls in range(60):

        def fsync(_: int, left: list[int] = [calls]) -> None:  # noqa: B006 - counts over the calls
            left[0] -= 1
            if left[0] < 0:
                raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            world.store(spec, make=make)
        assert list((world.folder / ".unspool/cache").rglob("*.part")) == []
        if world.entries():
            break
    assert all("No space left on device" in said for said in world.said)
    assert len(world.said) >= 3
    assert world.look(spec) is not None, "what is there at last is whole"


def test_too_much_to_look_at_is_a_run_without_the_cache(world: World, monkeypatch: pytest.MonkeyPatch):
    for name in "abc":
        world.write(f"src/{name}", name * 100)
    spec = world.spec(cache={"inputs": ["src"]})
    monkeypatch.setattr(matching_module, "MAX_FILES", 2)
    assert world.look(spec) is None
    monkeypatch.setattr(matching_module, "MAX_FILES", 3)
    monkeypatch.setattr(module, "MAX_BYTES", 299)
    assert world.look(spec) is None
    assert [said.partition(": ")[0] for said in world.said] == ["build runs without its cache"] * 2
    engine = world.engine()
    engine.look("flow", spec)
    assert engine._pending == {}


def test_a_file_that_cannot_be_read_is_a_run_without_the_cache(world: World, monkeypatch: pytest.MonkeyPatch):
    world.write("in", "x")
    spec = world.spec(cache={"inputs": ["in"]})
    real = os.open

    def refused(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).endswith("/in"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        assert world.look(spec) is None
    assert "Permission denied" in world.said[0]

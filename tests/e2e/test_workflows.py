"""The workflows that are shipped, by the installed command: what they do, undo, reuse, and survive."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.servers import LocalServer
from tests.e2e.command import start, unspool, wait_for

WORKFLOWS = Path(__file__).parents[2] / "workflows"
RELEASE = str(WORKFLOWS / "release.yaml")
BUILD = str(WORKFLOWS / "build-matrix.yaml")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("project")]


def report() -> dict[str, Any]:
    """Give the report of the newest run; an empty one before there is any."""
    shown = unspool("show", "latest", "--format", "json")
    return json.loads(shown.stdout) if shown.returncode == 0 else {"tasks": {}}


def states(found: dict[str, Any]) -> dict[str, str]:
    return {name: task["state"] for name, task in found["tasks"].items()}


def reason(task: str) -> str | None:
    return report()["tasks"].get(task, {}).get("reason")


def asks() -> bool:
    return reason("go") == "waiting_for_person"


# -- release --------------------------------------------------------------------------------------


@pytest.fixture
def place(project: Path) -> Path:
    """A registry and a server on which 1.0.0 is live."""
    place = project / "place"
    old = place / "server/releases/1.0.0"
    for folder in (old, place / "source", place / "registry"):
        folder.mkdir(parents=True)
    for file in (old / "linux", old / "macos", place / "source/app"):
        file.write_text("status: ok\n")
    (place / "server/current").symlink_to("releases/1.0.0")
    return place


def release(place: Path) -> subprocess.Popen[str]:
    return start("run", RELEASE, "-i", f"place={place}", "-i", "version=1.1.0")


def ended(engine: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end; give the exit code and the report."""
    out, err = engine.communicate(timeout=60)
    assert "Traceback" not in err
    return engine.returncode, out


def history(place: Path) -> list[str]:
    return (place / "history").read_text().splitlines() if (place / "history").exists() else []


def is_as_before(place: Path) -> bool:
    """Whether nothing is left of the release."""
    index = place / "registry/index"
    return (
        os.readlink(place / "server/current") == "releases/1.0.0"
        and os.listdir(place / "server/releases") == ["1.0.0"]
        and not (place / "registry/1.1.0").exists()
        and (not index.exists() or "1.1.0" not in index.read_text())
    )


PUBLISHED = {"published linux", "published macos", "listed"}


def test_a_release_that_is_approved_goes_live(place: Path):
    engine = release(place)
    wait_for(asks)
    assert not (place / "server/releases/1.1.0").exists(), "nothing goes live before somebody has said yes"
    assert unspool("approve", "latest", "go", "--note", "looks fine").returncode == 0
    code, out = ended(engine)
    assert code == 0
    assert "live: 1.1.0" in out
    assert os.readlink(place / "server/current") == "releases/1.1.0"
    assert (place / "registry/index").read_text() == "1.1.0\n"
    assert (set(history(place)[:3]), history(place)[3:]) == (PUBLISHED, ["live"])
    assert (place / "releases").read_text() == "1.1.0 completed (all is well)\n"
    assert os.listdir(place / "work") == []


def test_a_release_that_is_rejected_is_withdrawn_newest_first(place: Path):
    engine = release(place)
    wait_for(asks)
    rejected = unspool("approve", "latest", "go", "--reject", "--note", "not on a Friday")
    assert rejected.returncode == 0, rejected.stderr
    code, out = ended(engine)
    assert code == 1
    assert "said no: not on a Friday" in out
    done = history(place)
    assert set(done[:3]) == PUBLISHED
    assert done[3] == "unlisted"
    assert done[4:] == [line.replace("published", "withdrew") for line in done[1::-1]]
    assert is_as_before(place)
    assert (place / "releases").read_text() == "1.1.0 failed (task_failed)\n"
    tasks = report()["tasks"]
    assert {name for name, task in tasks.items() if task.get("compensated")} == {
        "publish.listing",
        "publish.packages[linux]",
        "publish.packages[macos]",
    }
    assert tasks["live"]["state"] == "cancelled"


def test_a_release_that_is_not_healthy_is_taken_back(place: Path):
    (place / "source/app").write_text("status: bad\n")
    engine = release(place)
    wait_for(asks)
    assert unspool("approve", "latest").returncode == 0
    code, out = ended(engine)
    assert code == 1
    assert "live: 1.0.0" in out
    done = history(place)
    assert done[3:6] == ["live", "back to 1.0.0", "unlisted"]
    assert done[6:] == [line.replace("published", "withdrew") for line in done[1::-1]]
    assert is_as_before(place)
    failed = [task for name, task in report()["tasks"].items() if name.startswith("healthy[")]
    assert max(task["attempts"] for task in failed) == 4


def test_what_cannot_be_undone_is_said_and_the_rest_is_undone(place: Path):
    engine = release(place)
    wait_for(asks)
    (place / "registry/index").unlink()  # so that `sed` finds nothing to change
    unspool("approve", "latest", "--reject")
    code, _ = ended(engine)
    found = report()
    assert (code, found["reason"]) == (1, "rollback_failed")
    assert states(found)["publish.listing/compensate"] == "failed"
    assert not (place / "registry/1.1.0").exists()
    assert "compensated" not in found["tasks"]["publish.listing"]
    assert (place / "releases").read_text() == "1.1.0 failed (rollback_failed)\n"


def test_an_interrupt_while_a_person_is_asked_ends_the_release_and_undoes_nothing(place: Path):
    engine = release(place)
    wait_for(asks)
    engine.send_signal(signal.SIGINT)
    code, _ = ended(engine)
    assert code == 130
    assert set(history(place)) == PUBLISHED
    assert (place / "releases").read_text() == "1.1.0 cancelled (interrupted)\n"
    assert os.listdir(place / "work") == []
    late = unspool("approve", "latest", "go")
    assert late.returncode == 2
    assert "does not wait for a person" in late.stderr


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep everybody else from the registry, as another release would."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def withdrawing() -> bool:
    found = states(report())
    return any(found.get(f"publish.packages[{each}]/compensate") == "running" for each in ("linux", "macos"))


@pytest.mark.leaks("the killed engine's guardian ends its tasks, and then itself")
def test_a_rollback_goes_on_where_the_engine_was_killed(place: Path):
    """What was undone stays so and is not undone again; what was being undone at the kill is begun again."""
    (place / "source/app").write_text("status: bad\n")
    engine = release(place)
    wait_for(asks)
    with locked(place / "registry"):
        unspool("approve", "latest")
        wait_for(withdrawing)
        engine.kill()
        engine.communicate()
    before = history(place)
    assert before[3:] == ["live", "back to 1.0.0", "unlisted"]
    resumed = unspool("resume", "latest")
    assert resumed.returncode == 1, resumed.stderr
    done = history(place)
    assert done[: len(before)] == before
    assert done[len(before) :] == [line.replace("published", "withdrew") for line in done[1::-1]]
    assert is_as_before(place)
    assert len((place / "releases").read_text().splitlines()) == 1


def test_an_interrupt_does_not_break_a_rollback_off(place: Path):
    engine = release(place)
    wait_for(asks)
    with locked(place / "registry"):
        unspool("approve", "latest", "--reject")
        wait_for(withdrawing)
        engine.send_signal(signal.SIGINT)
        wait_for(lambda: report()["state"] == "cancelling")
    code, _ = ended(engine)
    assert code == 130
    assert is_as_before(place)
    assert sum(line.startswith("withdrew") for line in history(place)) == 2
    assert len((place / "releases").read_text().splitlines()) == 1


@pytest.mark.leaks("the killed engine's guardian ends its tasks, and then itself")
def test_a_question_outlives_the_engine_that_asked_it(place: Path):
    engine = release(place)
    wait_for(asks)
    engine.kill()
    engine.communicate()
    early = unspool("approve", "latest", "go")
    assert early.returncode == 2
    assert "resume it with" in early.stderr
    second = start("resume", "latest")
    wait_for(lambda: unspool("approve", "latest", "go").returncode == 0)
    code, _ = ended(second)
    assert code == 0
    assert (set(history(place)[:3]), history(place)[3:]) == (PUBLISHED, ["live"])


def test_the_page_about_undoing_says_what_happens(project: Path):
    page = (WORKFLOWS.parent / "docs/how-to/undo-and-finish.md").read_text()
    Path("trip.yaml").write_text(page.partition("<!-- file: trip.yaml -->\n```yaml\n")[2].partition("```")[0])
    assert unspool("run", "trip.yaml").returncode == 1
    assert Path("trip.log").read_text().splitlines() == [
        "booked the hotel",
        "booked the flight",
        "cancelled the flight",
        "cancelled hotel h-1",
    ]


# -- harvest --------------------------------------------------------------------------------------


@pytest.fixture
def api() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


def harvest(api: LocalServer, pages: int, **changes: str) -> list[str]:
    """Give the arguments that harvest so many pages; `changes` are texts of the workflow in place of others."""
    document = (WORKFLOWS / "harvest.yaml").read_text()
    for key, value in {"delay": "20ms", **changes}.items():
        old = next(part for part in document.replace("}", ",").split(",") if part.strip().startswith(f"{key}: "))
        document = document.replace(old.strip(), f"{key}: {value}", 1)
    Path("harvest.yaml").write_text(document)
    return ["run", "harvest.yaml", "-i", f"base={api.url}/book/{pages}", "-i", "into=items.json"]


def harvested() -> list[str]:
    return json.loads(Path("items.json").read_text())


def items(pages: int) -> list[str]:
    return [f"{page}.{number}" for page in range(1, pages + 1) for number in (1, 2)]


def test_a_harvest_keeps_to_the_rate_and_the_pool(api: LocalServer):
    done = unspool(*harvest(api, 16), "--workers", "8")
    assert done.returncode == 0, done.stderr
    assert "items: 32" in done.stdout
    assert harvested() == items(16)
    assert api.at_once <= 2
    arrived = api.arrivals
    assert len(arrived) == 17, "nothing is asked for twice"
    assert arrived[16] - arrived[0] > 0.6, "10 at first, then 10 a second"


def test_a_harvest_waits_as_it_is_asked_to(api: LocalServer):
    api.moods = [(429, {"Retry-After": "1"})]
    done = unspool(*harvest(api, 3))
    assert done.returncode == 0, done.stderr
    assert harvested() == items(3)
    refused = api.seen[1][1]
    first, second = [at for at, (_, path) in zip(api.arrivals, api.seen, strict=True) if path == refused]
    assert second - first >= 0.99


def test_a_breaker_keeps_a_harvest_away_until_the_api_is_well(api: LocalServer):
    api.moods = [(503, {})] * 3
    done = unspool(*harvest(api, 8, reset_after="1s"))
    assert done.returncode == 0, done.stderr
    assert harvested() == items(8)
    waits = [later - earlier for earlier, later in pairwise(api.arrivals)]
    assert max(waits) > 0.9, "it was open, though pages were waiting that nobody had asked for yet"
    opened = waits.index(max(waits)) + 1
    assert opened in (4, 5), "the index and three failures, and what was under way with the last of them"
    assert len(api.arrivals) == 1 + 8 + 3


def test_a_breaker_that_finds_the_api_ill_opens_again(api: LocalServer):
    api.moods = [(503, {})] * 5
    done = unspool(*harvest(api, 4, reset_after="300ms"))
    assert done.returncode == 0, done.stderr
    assert harvested() == items(4)
    long = [later - earlier > 0.27 for earlier, later in pairwise(api.arrivals)]
    assert sum(long) >= 2, "open, one that tries and fails, open again"


def test_a_harvest_with_an_api_that_was_ill_becomes_a_rehearsal(api: LocalServer):
    api.moods = [(503, {}), (429, {"Retry-After": "1"})]
    done = unspool(*harvest(api, 5))
    assert done.returncode == 0, done.stderr
    done = unspool("rehearse", "--record", "latest", "-o", "harvest.rehearsal.yaml")
    assert done.returncode == 0, done.stderr
    api.arrivals.clear()
    played = unspool("rehearse")
    assert played.returncode == 0, played.stdout
    assert api.arrivals == [], "nothing is sent"


def test_a_page_that_is_not_there_fails_the_harvest_and_leaves_no_file(api: LocalServer):
    Path("items.json").write_text('["old"]')
    api.moods = [(404, {})]
    done = unspool(*harvest(api, 3))
    assert done.returncode == 1
    assert "answered 404" in done.stdout
    assert harvested() == ["old"]
    assert sorted(states(report()).values()) == ["cancelled", "completed", "completed", "completed", "failed", "failed"]


@pytest.mark.leaks("the killed engine's guardian ends its tasks, and then itself")
def test_a_harvest_that_was_broken_off_fetches_only_what_it_lacks(api: LocalServer):
    api.held = {"/book/6/pages/5"}
    engine = start(*harvest(api, 6))
    assert api.arrived.wait(20)
    wait_for(lambda: list(states(report()).values()).count("completed") == 6)  # the index and five pages
    engine.kill()
    engine.communicate()
    api.let_go()
    resumed = unspool("resume", "latest")
    assert resumed.returncode == 0, resumed.stderr
    assert harvested() == items(6)
    asked = [path for _, path in api.seen]
    assert [path for path in set(asked) if asked.count(path) > 1] == ["/book/6/pages/5"]


# -- build-matrix ---------------------------------------------------------------------------------


@pytest.fixture
def site(project: Path) -> Path:
    site = project / "site"
    for part in ("css", "pages"):
        (site / part).mkdir(parents=True)
        (site / part / "one").write_text(part)
    (site / "LICENSE").write_text("free\n")
    return site


def build(site: Path, *more: str) -> dict[str, Any]:
    given = {"root": str(site), "parts": '["css", "pages"]', "shared": '["LICENSE"]'}
    inputs = [part for name, value in given.items() for part in ("-i", f"{name}={value}")]
    done = unspool("run", BUILD, *inputs, *more, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def made(found: dict[str, Any]) -> list[str]:
    """Give what was built and not reused, without the task that only looks."""
    own = {name: task for name, task in found["tasks"].items() if name not in ("common", "pack")}
    return [name for name, task in own.items() if task.get("reason") != "cached"]


EVERYTHING = ["pack[css,zip]", "pack[css,tar]", "pack[pages,zip]", "pack[pages,tar]", "list"]


def test_a_second_build_reuses_everything(site: Path):
    first = build(site)
    assert made(first) == EVERYTHING
    sums = (site / "build/packages/SHA256SUMS").read_text()
    again = build(site)
    assert (made(again), again["outputs"]) == ([], {"packages": 4, "made": []})
    assert (site / "build/packages/SHA256SUMS").read_text() == sums


def test_a_changed_source_makes_only_what_holds_it(site: Path):
    build(site)
    (site / "pages/two").write_text("new")
    assert made(build(site)) == ["pack[pages,zip]", "pack[pages,tar]", "list"]
    (site / "LICENSE").write_text("freer\n")
    assert made(build(site)) == EVERYTHING


def test_what_was_lost_or_spoilt_is_put_back(site: Path):
    build(site)
    packages = site / "build/packages"
    whole = {file.name: file.read_bytes() for file in packages.iterdir()}
    (packages / "css.zip").unlink()
    (packages / "pages.tar").write_text("spoilt")
    assert made(build(site)) == []
    assert {file.name: file.read_bytes() for file in packages.iterdir()} == whole
    assert made(build(site, "--no-cache")) == EVERYTHING
    assert {file.name: file.read_bytes() for file in packages.iterdir()} == whole, "the same files, the same bytes"


def test_a_source_that_was_changed_back_is_known(site: Path):
    build(site)
    (site / "css/one").write_text("other")
    build(site)
    (site / "css/one").write_text("css")
    assert made(build(site)) == []


def test_an_empty_part_fails_and_the_others_are_packed(site: Path):
    done = unspool("run", BUILD, "-i", f"root={site}", "-i", 'parts=["css", "none"]', "-i", 'shared=["LICENSE"]')
    assert done.returncode == 1
    assert "there are no files in none" in done.stdout
    found = states(report())
    assert (found["pack[css,zip]"], found["pack[none,zip]"], found["list"]) == ("completed", "failed", "cancelled")

"""Canaries: secrets of many shapes are written in every way, and no byte of them stays in the state or is printed."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import UNSPOOL, unspool, wait_for, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

SHOW = """
import base64, json, os, re, sys, time, urllib.parse
values = {name: os.environ[name] for name in ("SIMPLE", "NASTY", "LETTER", "PIN")}
for name, value in values.items():
    raw = value.encode()
    for text in (
        value, repr(value), json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(json.dumps(values)),
        urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value),
        re.sub("%..", lambda found: found[0].lower(), urllib.parse.quote(value, safe="")),
        base64.b64encode(raw).decode(), base64.b64encode(b"a" + raw).decode(), base64.b64encode(b"ab" + raw).decode(),
        base64.urlsafe_b64encode(b"user:" + raw).decode(), base64.encodebytes(raw).decode(), *value.splitlines(),
    ):
        print("shown:", text)
        print("shown:", text, file=sys.stderr)
    for at in range(0, len(raw), 3):  # cut wherever a write may be cut
        os.write(1, raw[at:at + 3])
        if at % 4 == 0:
            time.sleep(0.001)
    print()
with open(os.environ["UNSPOOL_OUTPUT"], "w") as file:
    file.write(f"simple={values['SIMPLE']}\\nlines<<END\\n{values['LETTER']}\\nEND\\n")
    file.write(f"big={'x' * 70000}{values['NASTY']}\\n")
with open("made.txt", "w") as file:
    file.write("made " + values["NASTY"])
"""

MODULE = """
import asyncio, json, os

def give():
    print(os.environ["TOKEN"])
    return {"given": os.environ["TOKEN"], "all": [dict(os.environ), "x" * 300_000 + os.environ["TOKEN"]],
            "pin": int(os.environ["PIN"])}

def fail():
    raise KeyError(os.environ["TOKEN"])

def steal():
    return open("clear.txt").read()

async def leak():
    text = open("clear.txt").read()
    for character in text:
        print(character, end="")
        await asyncio.sleep(0)
    return {"text": text, "more": [text] * 2}

async def burst():
    raise RuntimeError("cannot: " + open("clear.txt").read())
"""


def canaries() -> dict[str, str]:
    """Make values that nobody has seen before."""
    part = [os.urandom(6).hex() for _ in range(9)]
    return {
        "SIMPLE": f"tok_{part[0]}",
        "NASTY": f'it\'s "{part[1]}" \\ 100%41 +ü/~ <{part[2]}>&',
        "LETTER": f'--{part[3]}--\n{part[4]}+/= {part[5]}\r\n"last" {part[6]}',
        "PIN": str(int.from_bytes(os.urandom(6), "big") + 10**14),
    }


def forms(value: str) -> Iterator[bytes]:
    """Give what to look for: by the book, not by the engine."""
    raw = value.encode()
    yield raw
    yield from re.findall(b"[0-9a-f]{12}", raw)  # what chance gave, however the rest is escaped
    for line in value.splitlines():
        yield line.encode()
    for ascii_only in (True, False):
        yield json.dumps(value, ensure_ascii=ascii_only)[1:-1].encode()
    yield repr(value)[1:-1].encode()
    for quoted in (urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)):
        yield quoted.encode()
        yield re.sub("%..", lambda found: found[0].lower(), quoted).encode()
    for before in range(3):
        text = base64.b64encode(b"a" * before + raw + b"a" * 3)
        inner = text[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))


def sightings(content: bytes, values: dict[str, str]) -> list[tuple[str, bytes]]:
    return [(name, form) for name, value in values.items() for form in forms(value) if form in content]


def search(state: Path, values: dict[str, str]) -> None:
    """Look through every byte of every file, and every name."""
    files = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.name == "journal.db" for path in files)
    for path in files:
        assert sightings(path.read_bytes() + os.fsencode(path), values) == [], path


def reports(run: str, tasks: Iterable[str]) -> Iterator[list[str]]:
    yield ["ls"]
    yield ["ls", "--format", "json"]
    yield ["show", run]
    yield ["show", run, "--events"]
    yield ["show", run, "--format", "json"]
    for task in tasks:
        yield ["logs", run, task]
        yield ["logs", run, task, "--format", "json"]


def heard(ended: subprocess.CompletedProcess[str]) -> bytes:
    return (ended.stdout + ended.stderr).encode()


@pytest.fixture
def temporary(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = project.parent / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def leaky(values: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Write a workflow that does all it can to show its secrets."""
    Path("show.py").write_text(SHOW)
    Path("leaks.py").write_text(MODULE)
    Path("clear.txt").write_text(values["NASTY"])
    given = {name: f"${{{{ secrets.{name} }}}}" for name in values}
    text = {"type": "string"}
    tasks: dict[str, Any] = {
        "show": {
            "run": [sys.executable, "show.py"],
            "env": given,
            "with": {"a": 1},
            "outputs": {
                "simple": text,
                "lines": text,
                "big": text,
                "made": {**text, "from": {"file": "made.txt"}},
                "all": {**text, "from": "stdout"},
            },
        },
        "trace": {"run": 'set -x; : "$T"; T2="$T" sh -c ":"; exit 3', "env": {"T": "Bearer ${{ secrets.NASTY }}"}},
        "faulty": {"run": 'echo "$T" > "$UNSPOOL_OUTPUT"; echo "$T"', "env": {"T": given["LETTER"]}},
        "without": {"run": 'cat clear.txt; echo "[$SIMPLE]"; env'},
        "missing": {"run": ["no-such-program"], "env": {"PATH": "/${{ secrets.SIMPLE }}"}},
        "give": {"python": "leaks:give", "env": {"TOKEN": given["NASTY"], "PIN": given["PIN"]}},
        "fail": {"python": "leaks:fail", "env": {"TOKEN": given["NASTY"]}},
        "steal": {"python": "leaks:steal"},
        "leak": {"python": "leaks:leak", "outputs": {"text": text, "more": {"type": "array"}}},
        "burst": {"python": "leaks:burst"},
        "refused": {"python": "leaks:burst", "env": {"TOKEN": given["NASTY"]}},
        "after": {
            "depends_on": {"show": "completed"},
            "run": ["echo", "${{ tasks.show.outputs.simple }}", "${{ tasks.show.outputs.made }}"],
            "stdin": "${{ tasks.show.outputs.lines }}",
        },
    }
    for task in tasks.values():
        task["on_failure"] = "skip"
    outputs = {"simple": "${{ tasks.show.outputs.simple }}", "made": "${{ tasks.show.outputs.made }}"}
    return write("leaky.json", tasks, secrets=list(values), outputs=outputs), tasks


@pytest.mark.parametrize(
    "options",
    [
        ["--format", "ndjson", "--verbose"],
        pytest.param(["--verbose"], marks=pytest.mark.slow),
        pytest.param(["--format", "json"], marks=pytest.mark.slow),
    ],
)
def test_nothing_of_a_secret_is_kept_or_printed(project: Path, temporary: Path, options: list[str]):
    values = canaries()
    document, tasks = leaky(values)
    assert sightings(heard(unspool("plan", document)) + heard(unspool("check", document)), values) == []
    ended = unspool("run", document, *options, env=values)
    assert ended.returncode == 0, ended.stderr
    assert sightings(heard(ended), values) == []
    search(project / ".unspool", values)
    assert list(temporary.iterdir()) == []
    for command in reports("latest", ("show", "give", "leak")):
        told = unspool(*command)
        assert told.returncode == 0, told.stderr
        assert sightings(heard(told), values) == [], command
    shown = json.loads(unspool("show", "latest", "--format", "json").stdout)
    states = {name: task["state"] for name, task in shown["tasks"].items()}
    assert states == {
        name: "failed" if name in ("trace", "faulty", "missing", "fail", "burst", "refused") else "completed"
        for name in tasks
    }
    assert shown["outputs"] == {"simple": "***", "made": "made ***"}
    assert unspool("logs", "latest", "without").stdout.startswith("***[]\n")
    assert "cannot be given secrets" in shown["tasks"]["refused"]["error"]["message"]


def test_a_kill_leaves_nothing_in_clear_and_a_resume_needs_the_values_again(project: Path, temporary: Path):
    values = canaries()
    script = (
        'printf "%s" "$NASTY"; printf "%s" "$LETTER" >&2; printf "simple=%s\\n" "$SIMPLE" > "$UNSPOOL_OUTPUT"; '
        "if [ -e again ]; then exit 0; fi; : > again; while :; do sleep 0.02; done"
    )
    given = {name: f"${{{{ secrets.{name} }}}}" for name in values}
    first = {"run": script, "env": given, "with": {"a": 1}, "outputs": {"simple": {"type": "string"}}}
    document = write("flow.json", {"first": first}, secrets=list(values))
    engine = subprocess.Popen(
        [*UNSPOOL, "run", document], env={**os.environ, **values}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for(Path("again").exists)
    assert [path.read_text() for path in temporary.glob("*/*.output")] == [f"simple={values['SIMPLE']}\n"]
    assert sightings(Path(f"/proc/{engine.pid}/environ").read_bytes(), values) == []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        assert sightings(_read(line), values) == [], line
    for child in Path(f"/proc/{engine.pid}/task/{engine.pid}/children").read_text().split():
        if b"sweep.py" in _read(Path(f"/proc/{child}/cmdline")):
            assert _read(Path(f"/proc/{child}/environ")) == b""
    engine.send_signal(signal.SIGKILL)
    printed = b"".join(engine.communicate())
    wait_for(lambda: not list(temporary.iterdir()))
    search(project / ".unspool", values)

    unable = unspool("resume", "latest")
    assert unable.returncode == 2
    assert "the secrets SIMPLE, NASTY, LETTER and PIN have no value" in unable.stderr
    Path("values.json").write_text(json.dumps(values))
    Path("values.json").chmod(0o600)
    resumed = unspool("resume", "latest", "--secrets-file", "values.json", "--format", "json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["tasks"]["first"]["outputs"] == {"simple": "***"}
    search(project / ".unspool", values)
    assert sightings(printed + heard(resumed), values) == []
    assert list(temporary.iterdir()) == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_file_of_secrets_gives_values_and_tasks_get_only_theirs(project: Path):
    tasks = {
        "a": {"run": 'echo "${#T} ${TOKEN-unset} ${KEY-unset}"', "env": {"T": "x${{ secrets.TOKEN }}"}},
        "b": {"run": 'echo "${TOKEN-unset} ${KEY-unset} ${#KEY}"', "env": {"KEY": "${{ secrets.KEY }}"}},
    }
    document = write("flow.json", tasks, secrets=["TOKEN", "KEY"])
    Path("s").write_text("TOKEN=1234567890\n")
    Path("s").chmod(0o600)
    ended = unspool("run", document, "--secrets-file", "s", env={"TOKEN": "short", "KEY": "from environment"})
    assert ended.returncode == 0, ended.stderr
    assert unspool("logs", "latest", "a").stdout == "11 unset unset\n"
    assert unspool("logs", "latest", "b").stdout == "unset *** 16\n"


def test_what_is_wrong_with_secrets_is_said_before_a_run_is_there(project: Path):
    document = write("flow.json", {"a": {"run": ["true"], "env": {"T": "${{ secrets.T }}"}}}, secrets=["T"])
    other = write("other.json", {"a": {"run": ["echo", "in-clear"], "env": {"T": "${{ secrets.T }}"}}}, secrets=["T"])
    Path("open").write_text("T=value")
    Path("open").chmod(0o644)
    for arguments, env, said in [
        ([document], {}, "the secret T has no value; set the environment variable"),
        ([document], {"T": ""}, "the secret T, from the environment, is empty"),
        (
            [document, "--secrets-file", "open"],
            {"T": "value"},
            "can be read or changed by others (mode 644); `chmod 600",
        ),
        ([document, "--secrets-file", "none"], {"T": "value"}, "cannot read none"),
        ([other], {"T": "in-clear"}, "the document holds the value of the secret T in clear"),
    ]:
        ended = unspool("run", *arguments, env=env)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert said in ended.stderr
    assert not (project / ".unspool").exists()


def test_a_file_without_need_is_told(project: Path):
    document = write("flow.json", {"a": {"run": ["true"]}})
    ended = unspool("run", document, "--secrets-file", "none")
    assert ended.returncode == 0
    assert "declares no secrets, so none is not read" in ended.stderr

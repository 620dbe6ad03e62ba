"""Calls the installed command as a user does."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

UNSPOOL = [sys.executable, "-m", "unspool"]
PATIENCE = 20.0


def unspool(
    *arguments: str, env: dict[str, str] | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in the current folder to its end."""
    return subprocess.run(
        [*UNSPOOL, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(env or {})},
        input=stdin,
    )


def by_shell(command: str, *, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a line of sh, in which `unspool` is the command."""
    line = f'unspool() {{ {" ".join(UNSPOOL)} "$@"; }}; {command}'
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=60, env=env)


def start(*arguments: str) -> subprocess.Popen[str]:
    """Begin the command in the current folder."""
    return subprocess.Popen(
        [*UNSPOOL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


def write(name: str, tasks: dict[str, Any], **more: Any) -> str:
    """Write a JSON document of these tasks and give its name."""
    Path(name).write_text(json.dumps({"unspool": 1, "name": "test", "tasks": tasks, **more}))
    return name


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        select.select([], [], [], 0.02)


def alive(marker: str) -> list[int]:
    """Give the processes, this one and its parents left out, whose command line holds `marker`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in (os.getpid(), os.getppid()):
            try:
                line = (folder / "cmdline").read_bytes()
                zombie = b") Z" in (folder / "stat").read_bytes()
            except OSError:
                continue
            if marker.encode() in line and not zombie:
                found.append(int(folder.name))
    return found

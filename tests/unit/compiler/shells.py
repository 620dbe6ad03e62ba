"""Runs scripts with the shells of this machine and gives back, byte for byte, the arguments that arrived."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from unspool.compiler.shell import SHELLS, Interpolated, shell_argv

PRESENT = tuple(shell for shell in SHELLS if shutil.which(shell))

# What a value must never be taken for; `pwned` in the current folder is the trace it would leave.
HOSTILE = (
    "",
    "plain",
    " leading and trailing ",
    "two  blanks\tand a tab",
    "it's",
    'say "hi"',
    "'\"'\"'",
    "back\\slash\\",
    "\\n\\t\\0",
    "$(touch pwned)",
    "`touch pwned`",
    "${IFS}touch${IFS}pwned",
    "$HOME ~ ~root $$ $? $1 $@",
    "; touch pwned #",
    "&& touch pwned",
    "| touch pwned",
    "> pwned",
    "x\ntouch pwned\n",
    "EOF\ntouch pwned\nEOF\n",
    "final newlines\n\n",
    "* ? [a-z] {a,b} {1..3} !(x) **/*",
    "-n",
    "--",
    "-e touch pwned",
    "(touch pwned)",
    "a[$(touch pwned)]",
    "path[$(touch pwned)1]",
    "1 + 1",
    "=ls",
    "NAME=value",
    ")",
    "}",
    ";;",
    "esac",
    "!",
    "]]",
    "&",
    "über Straße \u00a0 日本 🐚 \u0081\u0088\u007f",
    "\x01\x02\x03\x1b[31m\r",
    "%s%d%n",
)

# The functions are there before the script; descriptor 3 is beyond the reach of its pipes and substitutions.
# Without NULLCMD=: zsh would print a here-document that no command reads.
_HELPERS = """
NULLCMD=:
show() { printf 'argument\\0' >&3; for _one; do printf '%s\\0' "$_one" >&3; done; }
body() { printf 'argument\\0' >&3; cat >&3; printf '\\0' >&3; }
"""


def run_each(shell: str, cases: Sequence[tuple[str, dict[str, str]]], folder: Path) -> Iterator[list[list[str]]]:
    """Run every script in a subshell of one process; gives the calls of `show` and `body` of each."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/", "LC_ALL": "C.UTF-8"}
    lines = [_HELPERS]
    for number, (script, values) in enumerate(cases):
        environment[f"S{number}"] = script
        settings = []
        for name, value in values.items():
            environment[f"D{number}_{name}"] = value
            settings.append(f'{name}="${{D{number}_{name}}}"; export {name};')
        lines.append(f"printf 'case\\0' >&3; ( {' '.join(settings)} eval \"$S{number}\" )")
    calls = _calls(_run(shell, "\n".join(lines), environment, folder))
    yield from calls


def run_once(shell: str, made: Interpolated, value: str, folder: Path) -> list[list[str]]:
    """Run one script as the engine does: its own process, the values in the environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/", "LC_ALL": "C.UTF-8"}
    environment.update(dict.fromkeys(made.values, value))
    script = f"printf 'case\\0' >&3\n{_HELPERS}\n{made.script}"
    return _calls(_run(shell, script, environment, folder))[0]


def syntax_is_right(shell: str, script: str) -> bool:
    """Whether the shell can read the script; nothing is run."""
    done = subprocess.run([shell, "-n", "-c", script], capture_output=True, check=False)
    return done.returncode == 0


def _run(shell: str, script: str, environment: dict[str, str], folder: Path) -> bytes:
    found = folder / "arguments"
    argv = [part for part in shell_argv(shell, script) if part not in {"-e", "-o", "pipefail"}]
    with found.open("wb") as output:
        subprocess.run(
            ["sh", "-c", 'exec 3>&1 >/dev/null 2>&1 </dev/null; exec "$@"', "sh", *argv],
            env=environment,
            cwd=folder,
            stdout=output,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=60,
        )
    return found.read_bytes()


def _calls(output: bytes) -> list[list[list[str]]]:
    """Take the output apart; the marks are texts that no test uses as a value."""
    cases: list[list[list[str]]] = []
    for item in output.decode("utf-8", "surrogateescape").split("\0")[:-1]:
        if item == "case":
            cases.append([])
        elif item == "argument":
            cases[-1].append([])
        else:
            cases[-1][-1].append(item)
    return cases

"""Secrets before and around a run: where values come from, which are refused, and what is masked of an end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from unspool.core.placeholders import placeholders
from unspool.errors import SecretError
from unspool.host.secrets import MOST_BYTES, RunSecrets, gather, hide, read_file, refuse_recorded
from unspool.model.plan import Plan, Task
from unspool.tasks.attempt import Ended

VALUE = "sesame-open"


def private(path: Path, text: str | bytes, mode: int = 0o600) -> str:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return str(path)


# -- values ---------------------------------------------------------------------------------------


def test_the_file_wins_over_the_environment(tmp_path: Path):
    file = private(tmp_path / "s", "A=from file\nUNUSED=x\n")
    assert gather(("A", "B"), file, {"A": "from environment", "B": "of both"}) == {"A": "from file", "B": "of both"}


def test_who_declares_none_needs_no_file():
    assert gather((), "/no/such/file", {}) == {}


@pytest.mark.parametrize(
    ("names", "file", "said"),
    [
        (("A",), None, "the secret A has no value; set the environment variable, or name a file: --secrets-file FILE"),
        (("A", "B"), None, "the secrets A and B have no value"),
        (("A", "B", "C"), None, "the secrets A, B and C have no value"),
        (("A",), "s", "put it into"),
    ],
)
def test_a_missing_value_is_said_with_where_it_goes(
    tmp_path: Path, names: tuple[str, ...], file: str | None, said: str
):
    path = None if file is None else private(tmp_path / file, "")
    with pytest.raises(SecretError, match=said):
        gather(names, path, {})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        (" \n ", "is empty"),
        ("abc", "fewer than 4 characters"),
        (" abc\n", "fewer than 4 characters"),
        ("x" * (MOST_BYTES + 1), "is larger than"),
        ("ab\udcffcd", "is not UTF-8"),
        ("ab\0cd", "NUL"),
    ],
)
def test_a_value_that_cannot_be_kept_secret_is_refused(value: str, said: str):
    with pytest.raises(SecretError, match=said) as refused:
        gather(("TOKEN",), None, {"TOKEN": value})
    assert "TOKEN, from the environment" in str(refused.value)
    assert value.strip() == "" or value.strip() not in str(refused.value)


# -- the file -------------------------------------------------------------------------------------


def test_lines_are_taken_as_they_are(tmp_path: Path):
    text = "# a comment\n\nTOKEN=a=b #c \r\n  KEY = spaced\nEMPTY=\nQUOTE='\n"
    assert read_file(private(tmp_path / "s", text)) == {
        "TOKEN": "a=b #c ",
        "KEY": " spaced",
        "EMPTY": "",
        "QUOTE": "'",
    }


def test_json_takes_values_of_several_lines(tmp_path: Path):
    text = json.dumps({"KEY": "one\ntwo"})
    assert read_file(private(tmp_path / "s", f"\n {text}\n")) == {"KEY": "one\ntwo"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hidden value\n", "s:1: this is not `NAME=value`"),
        ("A=x\nhidden-value=y\n", "s:2: this is not"),
        ('A="hidden"\n', "s:1: quotes would be part of the value of A"),
        ("A=hidden\nA=hidden\n", "A stands there more than once"),
        ('{"A": "hidden", "A": "hidden"}', "A stands there more than once"),
        ('{"A": 12345}', "the value of A is no text; put it in quotes"),
        ('{"A": {"B": "hidden"}}', "the value of A is no text"),
        ('{"A": "hidden"', r"is not JSON \(line 1\)"),
        ("{" * 100_000, "is not JSON"),
        (b"A=\xff\n", "byte 3 is not UTF-8"),
        ("A=" + "x" * (1 << 20), "is larger than"),
    ],
)
def test_a_faulty_file_is_explained_and_not_shown(tmp_path: Path, text: str | bytes, said: str):
    with pytest.raises(SecretError, match=said) as refused:
        read_file(private(tmp_path / "s", text))
    assert "hidden" not in str(refused.value)
    assert "12345" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int):
    file = private(tmp_path / "s", "A=value", mode)
    with pytest.raises(SecretError, match=f"mode {mode:o}.*`chmod 600 {file}`"):
        read_file(file)


def test_what_is_no_file_is_refused(tmp_path: Path):
    with pytest.raises(SecretError, match=r"cannot read .*: No such file"):
        read_file(str(tmp_path / "none"))
    with pytest.raises(SecretError, match="is no file"):
        read_file(os.devnull)
    with pytest.raises(SecretError, match="is no file"):
        read_file(str(tmp_path))


def test_a_pipe_is_taken_as_a_shell_hands_one_over():
    read, write = os.pipe()
    os.write(write, b"A=from a pipe\n")
    os.close(write)
    assert read_file(f"/dev/fd/{read}") == {"A": "from a pipe"}
    os.close(read)


# -- the environment ------------------------------------------------------------------------------


def test_hidden_variables_are_gone_also_from_proc():
    code = (
        "import os, subprocess; from unspool.host.secrets import hide; hide(('TOKEN', 'NONE'));"
        "print('TOKEN' in os.environ, b'sesame' in open('/proc/self/environ', 'rb').read(), os.environ['OTHER']);"
        "print(subprocess.run(['env'], capture_output=True, text=True).stdout.count('sesame'))"
    )
    env = {**os.environ, "TOKEN": VALUE, "OTHER": "stays"}
    ended = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ended.stdout == "False False stays\n0\n"


def test_only_what_is_named_is_taken_away():
    environ = {"A": "x", "B": "y"}
    hide(("A", "C"), environ)
    assert environ == {"B": "y"}


# -- a run ----------------------------------------------------------------------------------------


def secrets() -> RunSecrets:
    return RunSecrets({"TOKEN": VALUE, "PIN": "4711"}, "/private")


def test_only_tasks_that_are_given_a_secret_get_its_value():
    mark = placeholders(["TOKEN", "PIN"])
    given = Task(0, "t", "run", {}, secrets=("TOKEN",))
    assert secrets().variables(given, {"A": f"x {mark['TOKEN']}", "B": mark["PIN"]}) == {
        "A": f"x {VALUE}",
        "B": mark["PIN"],
    }
    assert secrets().variables(Task(0, "t", "run", {}), {"A": mark["TOKEN"]}) == {"A": mark["TOKEN"]}


def test_the_end_of_an_attempt_is_masked_but_not_its_form():
    digest = "4711" * 16
    end = Ended(
        4711.5,
        4711.25,
        {"class": "exception", "message": f"no {VALUE}"},
        {
            "exit_code": 1,
            "stdout": {"ref": digest, "size": 47110, "head": f"{VALUE}..."},
            "output": {f"a{VALUE}": {"inline": [VALUE, 4711]}},
            "outputs": {"b": {"ref": digest, "size": 1, "head": ""}},
            "value": {"inline": {"ref": VALUE, "size": 4711, "head": VALUE}},
            "output_error": f"no {VALUE}",
        },
        {"cpu_s": 0.4711},
    )
    assert secrets().ended(end) == Ended(
        4711.5,
        4711.25,
        {"class": "exception", "message": "no ***"},
        {
            "exit_code": 1,
            "stdout": {"ref": digest, "size": 47110, "head": "***..."},
            "output": {"a***": {"inline": ["***", "***"]}},
            "outputs": {"b": {"ref": digest, "size": 1, "head": ""}},
            "value": {"inline": {"ref": "***", "size": "***", "head": "***"}},
            "output_error": "no ***",
        },
        {"cpu_s": 0.4711},
    )
    assert secrets().ended(Ended(1.0)) == Ended(1.0)


@pytest.mark.parametrize(
    ("plan", "inputs", "paths", "said"),
    [
        ({}, {"branch": f"x{VALUE}"}, [], "the input 'branch' holds the value of the secret TOKEN"),
        ({}, {"pins": [{"a": 4711}]}, [], "the input 'pins' holds the value of the secret PIN"),
        ({"env": {"A": VALUE}}, {}, [], "the document holds"),
        ({"tasks": (Task(0, "t", "run", {"argv": [VALUE]}),)}, {}, [], "the document holds"),
        ({}, {}, ["/a", f"{VALUE}/flow.yaml"], "the path of the document holds"),
    ],
)
def test_a_run_that_would_be_recorded_with_a_secret_is_refused(plan: dict, inputs: dict, paths: list[str], said: str):
    whole = Plan(**{"name": "p", "tasks": (), "max_tasks": 4711, "secrets": ("TOKEN", "PIN"), **plan})
    with pytest.raises(SecretError, match=said) as refused:
        refuse_recorded({"TOKEN": VALUE, "PIN": "4711"}, whole, inputs, paths)
    assert VALUE not in str(refused.value)


def test_another_run_is_not():
    plan = Plan("p", (Task(0, "t", "run", {"argv": ["x"]}, timeout=4711.0),), hash="4711", secrets=("TOKEN", "PIN"))
    refuse_recorded(
        {"TOKEN": VALUE, "PIN": "4711"}, plan, {"a": "47 11", "b": True, "c": None}, ["/folder", "flow.yaml"]
    )

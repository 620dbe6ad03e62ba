"""Plain functions in worker processes: what they give, how they end, and that nothing of them stays."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.attempts import Ends, make_spec, wait_for_ends
from unspool.errors import SpawnError
from unspool.host.artifacts import MemoryArtifacts
from unspool.host.clock import WallClock
from unspool.host.reactor import EpollReactor
from unspool.model.plan import Output
from unspool.tasks import sweep
from unspool.tasks.attempt import Ended
from unspool.tasks.masking import Mask
from unspool.tasks.python import PythonKind
from unspool.tasks.slots import Slots
from unspool.tasks.workers import Workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs pidfd and memfd")


class Plain:
    """A PythonKind in a folder of its own, with a module `steps` that the test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reactor = EpollReactor()
        self.sink = Ends()
        self.mark = f"test.{os.getpid()}.{folder}"
        self.guards = 0
        self.workers = Workers(self.reactor, self.mark, self.guard, 2)
        self.kind = PythonKind(self.reactor, WallClock().now, Slots(folder, 1), MemoryArtifacts(), self.workers)
        self.attempts = 0

    def guard(self) -> None:
        self.guards += 1

    def start(self, name: str = "f", cwd: Path | None = None, **more: Any) -> dict[str, Any]:
        self.attempts += 1
        action = {"function": name if ":" in name else f"steps:{name}", "with": more.pop("given", {})}
        spec = make_spec(action, cwd or self.folder, self.attempts, kind="python", **more)
        record = self.kind.start(spec, self.sink)
        assert record is not None
        return record

    def run(self, text: str | None = None, name: str = "f", **more: Any) -> Ended:
        if text is not None:
            (self.folder / "steps.py").write_text(text)
        count = len(self.sink.heard)
        self.start(name, **more)
        return wait_for_ends(self.reactor, self.sink, count + 1)[-1]

    def value(self, *text: str, **more: Any) -> Any:
        end = self.run(*text, **more)
        assert end.error is None, end.error
        assert end.result is not None
        return end.result["value"]["inline"]

    def log(self, stream: str = "out") -> str | None:
        file = self.folder / "logs" / "r" / f"a.{self.attempts}.{stream}"
        return file.read_text() if file.exists() else None

    def wait_for(self, file: str) -> None:
        while not (self.folder / file).exists():
            self.reactor.wait(0.01)

    def close(self) -> None:
        self.kind.close()
        self.reactor.close()


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Plain]:
    plain = Plain(tmp_path)
    yield plain
    plain.close()
    assert sweep.find(os.fsencode(plain.mark)) == {}


# -- what comes back ------------------------------------------------------------------------------


def test_what_is_returned_is_the_result_and_its_members_are_outputs(plain: Plain):
    end = plain.run(
        "def f(a, b=2):\n    return {'sum': a + b, 'text': 'ä'}\n",
        given={"a": 1},
        outputs=(Output("sum", {"type": "integer"}, "output"),),
    )
    assert end.error is None
    assert end.result == {"value": {"inline": {"sum": 3, "text": "ä"}}, "output": {"sum": {"inline": 3}}}
    assert end.started_at is not None


def test_none_is_no_result(plain: Plain):
    assert plain.run("def f():\n    pass\n")[2:4] == (None, None)


def test_what_a_call_used_is_counted_for_it_alone(plain: Plain):
    text = "def f(size):\n    x = bytearray(size << 20)\n    return sum(range(size * 10_000))\n"
    large = plain.run(text, given={"size": 200}).usage
    small = plain.run(given={"size": 0}).usage
    assert large is not None
    assert small is not None
    assert large["memory_peak_mb"] > small["memory_peak_mb"] + 150
    assert large["cpu_s"] > small["cpu_s"]


def test_arguments_and_results_may_be_large(plain: Plain):
    text = "x" * 3_000_000
    end = plain.run("def f(text):\n    return text + '!'\n", given={"text": text})
    assert end.result is not None
    assert end.result["value"]["size"] == len(text) + 3  # and its quotes


def test_output_is_captured_for_each_call_however_it_is_written(plain: Plain):
    text = "import os, subprocess, sys\n\ndef f(word):\n    print(word)\n    os.write(1, b'raw\\n')\n"
    text += "    subprocess.run(['echo', 'child'])\n    print('bad', file=sys.stderr)\n"
    plain.run(text, given={"word": "one"})
    assert sorted((plain.log() or "").split()) == ["child", "one", "raw"]
    assert plain.log("err") == "bad\n"
    plain.run(given={"word": "two"})
    assert sorted((plain.log() or "").split()) == ["child", "raw", "two"]


def test_what_is_printed_may_be_an_output(plain: Plain):
    end = plain.run("def f():\n    print('shown')\n", collect=("stdout",))
    assert end.result == {"stdout": {"inline": "shown\n"}}


def test_a_coroutine_that_the_text_did_not_show_is_awaited(plain: Plain):
    text = "def made():\n    async def inner():\n        return 'awaited'\n    return inner\n\nf = made()\n"
    assert plain.value(text) == "awaited"


def test_nothing_comes_on_standard_input(plain: Plain):
    assert plain.value("import sys\n\ndef f():\n    return sys.stdin.read()\n") == ""


# -- failures -------------------------------------------------------------------------------------


def test_an_exception_fails_the_task_and_its_traceback_is_in_the_log(plain: Plain):
    end = plain.run("def f():\n    raise ValueError('no')\n\ndef g():\n    return 1\n")
    assert end.error == {"class": "exception", "message": "ValueError: no"}
    assert "steps.py" in (plain.log("err") or "")
    assert plain.value(name="g") == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (r"'\ud800'", "half of a surrogate pair"),
        ("{1, 2}", "set is not JSON serializable"),
        ("float('nan')", "not JSON compliant"),
        ("object()", "object"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(plain: Plain, value: str, said: str):
    error = plain.run(f"def f():\n    return {value}\n").error
    assert error is not None
    assert error["class"] == "output_invalid"
    assert said in error["message"]


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("import sys\n\ndef f():\n    sys.exit(3)\n", "exception", "SystemExit: 3"),
        ("import os\n\ndef f():\n    os._exit(3)\n", "exit_code", "exit code 3"),
        ("import os\n\ndef f():\n    os._exit(0)\n", "exit_code", "exit code 0"),
        ("import os\n\ndef f():\n    os.abort()\n", "signal", "SIGABRT"),
        ("import os, signal\n\ndef f():\n    os.kill(os.getpid(), signal.SIGKILL)\n", "signal", "SIGKILL"),
        ("def f(x):\n    pass\n", "exception", "missing 1 required positional argument"),
        ("raise RuntimeError('at import')\n\ndef f():\n    pass\n", "spawn_failed", "RuntimeError: at import"),
        ("import sys\nsys.exit()\n\ndef f():\n    pass\n", "spawn_failed", "SystemExit"),
        ("from os import nothing as f\n", "spawn_failed", "cannot import name 'nothing'"),
    ],
)
def test_whatever_a_function_does_is_its_tasks_failure_only(plain: Plain, text: str, kind: str, said: str):
    error = plain.run(text).error
    assert error is not None
    assert error["class"] == kind
    assert said in error["message"]
    (plain.folder / "others.py").write_text("def g():\n    return 1\n")
    assert plain.value(name="others:g") == 1


def test_what_a_worker_says_when_it_cannot_begin_is_in_the_log(plain: Plain, monkeypatch: pytest.MonkeyPatch):
    (plain.folder / "steps.py").write_text("def f():\n    pass\n")
    monkeypatch.setattr("unspool.tasks.workers._COMMAND", [sys.executable, "-c", "raise SystemExit('no way')"])
    error = plain.run().error
    assert error is not None
    assert error["class"] == "exit_code"
    assert plain.log("err") == "no way\n"


def test_without_descriptors_a_call_is_refused_and_none_is_lost(plain: Plain, monkeypatch: pytest.MonkeyPatch):
    (plain.folder / "steps.py").write_text("def f():\n    return 1\n")

    def refuse(*_: object) -> int:
        raise OSError(24, "Too many open files")

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "memfd_create", refuse)
        with pytest.raises(SpawnError, match="cannot give r/a to a worker: Too many open files"):
            plain.start()
    assert len(os.listdir("/proc/self/fd")) == before + 2  # the slot, which serves the next
    assert plain.value() == 1


# -- warmth ---------------------------------------------------------------------------------------

PID = "import os\n\ndef f():\n    return os.getpid()\n"


def test_a_worker_serves_again(plain: Plain):
    first = plain.value(PID)
    assert [plain.value() for _ in range(5)] == [first] * 5
    assert plain.guards == 1


def test_calls_at_once_have_workers_of_their_own(plain: Plain):
    (plain.folder / "steps.py").write_text(
        "import os, time\n\ndef f():\n    time.sleep(0.05)\n    return os.getpid()\n"
    )
    pids = {plain.start()["pid"] for _ in range(3)}
    ends = wait_for_ends(plain.reactor, plain.sink, 3)
    assert {end.result["value"]["inline"] for end in ends if end.result} == pids
    assert len(pids) == 3


def test_another_folder_has_workers_of_its_own(plain: Plain):
    other = plain.folder / "other"
    other.mkdir()
    (other / "steps.py").write_text("def f():\n    return 'other'\n")
    assert plain.value("def f():\n    return 'own'\n") == "own"
    assert plain.value(cwd=other) == "other"
    assert plain.value() == "own"


@pytest.mark.parametrize("name", ["worker", "unspool_worker", "tasks", "core", "host", "model", "errors"])
def test_no_name_of_ours_is_in_the_way_of_the_users(plain: Plain, name: str):
    (plain.folder / f"{name}.py").write_text("def f():\n    return __name__\n")
    assert plain.value(name=f"{name}:f") == name


def test_a_module_that_hides_behind_one_of_python_is_refused(plain: Plain):
    (plain.folder / "json.py").write_text("def dumps(value):\n    return 'mine'\n")
    error = plain.run(name="json:dumps", given={"value": 1}).error
    assert error is not None
    assert error["class"] == "spawn_failed"
    assert f"rename {plain.folder / 'json.py'}" in error["message"]


def test_environment_and_folder_are_the_tasks_and_last_for_the_call(plain: Plain):
    text = "import os\n\ndef f():\n    found = dict(os.environ), os.getcwd()\n    os.environ['LEFT'] = 'x'\n"
    text += "    os.chdir('/')\n    return found\n"
    first, folder = plain.value(text, env={"OWN": "1", "UNSPOOL_OWNER": "x"}, number=2)
    assert (first["OWN"], first["UNSPOOL_TASK"], first["UNSPOOL_ATTEMPT"]) == ("1", "a", "2")
    assert first["UNSPOOL_TASK_KEY"] == "r/a"
    assert first["UNSPOOL_OWNER"] == plain.mark
    assert folder == str(plain.folder)
    second, folder = plain.value()
    assert not {"OWN", "LEFT"} & second.keys()
    assert folder == str(plain.folder)


@pytest.mark.parametrize(
    "leave",
    [
        "subprocess.Popen(['sleep', '1000'], stdout=-3)",
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
    ],
)
def test_a_worker_with_something_left_in_it_is_not_used_again(plain: Plain, leave: str):
    head = "import os, subprocess, threading, time\n\ndef f():\n"
    first = plain.value(f"{head}    {leave}\n    return os.getpid()\n")
    assert plain.value() != first
    while os.path.exists(f"/proc/{first}"):
        plain.reactor.wait(0.01)


def test_only_so_many_workers_wait(plain: Plain):
    (plain.folder / "steps.py").write_text("import time\n\ndef f():\n    time.sleep(0.02)\n")
    for _ in range(5):
        plain.start()
    wait_for_ends(plain.reactor, plain.sink, 5)
    while len(sweep.find(os.fsencode(plain.mark))) > 2:
        plain.reactor.wait(0.01)
    assert plain.run().error is None


# -- secrets --------------------------------------------------------------------------------------

MASK = Mask({"TOKEN": "sesame-open", "PIN": "471147"})


def masked(plain: Plain, token: str | None = "sesame-open") -> dict[str, Any]:
    given = {} if token is None else {"env": {"T": token}, "secrets": ("TOKEN",)}
    return {"mask": MASK, "private": str(plain.folder), **given}


def test_what_a_function_gives_prints_and_raises_is_masked(plain: Plain):
    text = "import os\n\ndef f():\n    print(os.environ['T'])\n    return {'a': os.environ['T'], 'n': 471147}\n"
    text += "\ndef g():\n    raise ValueError(os.environ['T'])\n"
    end = plain.run(text, **masked(plain), outputs=(Output("a", {"type": "string"}),))
    assert end.result is not None
    assert end.result["value"] == {"inline": {"a": "***", "n": "***"}}
    assert end.result["output"] == {"a": {"inline": "***"}}
    assert plain.log() == "***\n"
    plain.run(name="g", **masked(plain))
    assert "ValueError: ***" in (plain.log("err") or "")


def test_a_large_value_is_masked_before_it_is_kept(plain: Plain):
    end = plain.run("import os\n\ndef f():\n    return 'x' * 300_000 + os.environ['T']\n", **masked(plain))
    assert end.result is not None
    assert plain.kind._store.get(end.result["value"]["ref"]).endswith(b'xxx***"')


def test_a_worker_that_was_given_a_secret_serves_only_who_is_given_it_too(plain: Plain):
    text = "import os\n\ndef f():\n    return [os.getpid(), os.environ.get('T'), os.environ.get('TOKEN')]\n"
    first = plain.value(text, **masked(plain))[0]
    assert plain.value(**masked(plain))[0] == first
    other = plain.value(**masked(plain, None))
    assert other[0] != first
    assert other[1:] == [None, None]
    assert plain.value(**masked(plain))[0] == first
    assert plain.value(**masked(plain, None))[0] == other[0]


def test_a_worker_does_not_inherit_the_variable_of_a_secret(plain: Plain, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOKEN", "from the engine")
    text = "import os\n\ndef f():\n    return [os.environ.get('TOKEN')]\n"
    assert plain.value(text) == ["from the engine"]
    assert plain.value(**masked(plain, None)) == [None]


# -- ends -----------------------------------------------------------------------------------------

SLOW = """
import time, pathlib

def f():
    pathlib.Path("ready").touch()
    try:
        time.sleep(1000)
    finally:
        pathlib.Path("cleaned").touch()
"""


def test_a_polite_stop_lets_a_function_clean_up(plain: Plain):
    (plain.folder / "steps.py").write_text(SLOW)
    plain.start()
    plain.wait_for("ready")
    plain.kind.stop("r", 1, "polite")
    end = wait_for_ends(plain.reactor, plain.sink)[0]
    assert end.error == {"class": "cancelled", "message": "the function was stopped"}
    assert (plain.folder / "cleaned").exists()


def test_a_forced_stop_waits_for_nothing(plain: Plain):
    (plain.folder / "steps.py").write_text(SLOW.replace("finally", "except BaseException"))
    plain.start()
    plain.wait_for("ready")
    plain.kind.stop("r", 1, "forced")
    end = wait_for_ends(plain.reactor, plain.sink)[0]
    assert end.error == {"class": "signal", "message": "the worker that ran the function ended: ended by SIGKILL"}
    assert not (plain.folder / "cleaned").exists()


def test_a_stop_of_one_that_is_over_does_nothing(plain: Plain):
    first = plain.value(PID)
    plain.kind.stop("r", 1, "forced")
    assert plain.value() == first


def test_what_a_stopped_function_began_ends_with_it(plain: Plain):
    text = (
        "import subprocess, pathlib\n\ndef f():\n    subprocess.run(['setsid', 'sh', '-c', ': > ready; sleep 1000'])\n"
    )
    (plain.folder / "steps.py").write_text(text)
    plain.start()
    plain.wait_for("ready")
    plain.kind.stop("r", 1, "forced")
    wait_for_ends(plain.reactor, plain.sink)
    assert sweep.find(os.fsencode(plain.mark)) == {}


def test_closing_ends_workers_at_work_and_files(plain: Plain):
    (plain.folder / "steps.py").write_text(SLOW)
    plain.start()
    plain.wait_for("ready")
    plain.close()
    assert plain.sink.heard == []
    assert sweep.find(os.fsencode(plain.mark)) == {}
    assert list((plain.folder / "slots").iterdir()) == []
    plain.reactor = EpollReactor()  # for the fixture to close


def test_a_worker_ends_when_its_engine_hangs_up(plain: Plain):
    pid = plain.value(PID)
    worker = plain.workers._idle[0]
    worker.channel.shutdown(2)
    while os.path.exists(f"/proc/{pid}"):
        plain.reactor.wait(0.01)
    assert plain.value() != pid


def test_a_worker_that_died_while_it_waited_is_passed_over(plain: Plain):
    pid = plain.value(PID)
    os.kill(pid, 9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody has heard of it yet
    assert plain.value() != pid


def test_an_answer_that_a_function_spoils_is_its_failure(plain: Plain):
    text = "import os\n\ndef f():\n    for name in os.listdir('/proc/self/fd'):\n        try:\n"
    text += "            if 'memfd' in os.readlink(f'/proc/self/fd/{name}'):\n                os.dup2(1, int(name))\n"
    text += "        except OSError:\n            pass\n\ndef g():\n    return 1\n"
    assert plain.run(text).error == {"class": "exception", "message": "what the worker answered cannot be read"}
    assert plain.value(name="g") == 1


def test_no_descriptor_stays(plain: Plain):
    plain.value(PID)
    before = len(os.listdir("/proc/self/fd"))
    inside = plain.value("import os\n\ndef f():\n    return os.listdir('/proc/self/fd')\n", name="steps:f")
    for _ in range(10):
        plain.value()
    assert len(os.listdir("/proc/self/fd")) == before
    assert inside is not None

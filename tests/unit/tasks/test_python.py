"""The kind `python`: what a coroutine may do, and what becomes of it."""

from __future__ import annotations

import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.attempts import Ends, make_spec, wait_for_ends
from unspool.errors import JournalError, SpawnError
from unspool.host.artifacts import MemoryArtifacts
from unspool.host.clock import WallClock
from unspool.host.reactor import EpollReactor
from unspool.model.plan import Output
from unspool.tasks.attempt import Ended
from unspool.tasks.masking import Mask
from unspool.tasks.python import PythonKind
from unspool.tasks.slots import MAX_INLINE, Slots
from unspool.tasks.workers import Workers

_numbers = itertools.count()


class Python:
    """A PythonKind in a folder of its own, and a module that the test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.module = f"module_of_test_{next(_numbers)}"
        self.reactor = EpollReactor()
        self.sink = Ends()
        self.store = MemoryArtifacts()
        self.mark = f"test.{os.getpid()}.{folder}"
        self.guards = 0
        workers = Workers(self.reactor, self.mark, self.guard, 2)
        self.kind = PythonKind(self.reactor, WallClock().now, Slots(folder, 1), self.store, workers)
        self.attempts = 0

    def write(self, text: str, name: str | None = None) -> None:
        (self.folder / f"{name or self.module}.py").write_text(text)

    def start(self, function: str = "f", cwd: Path | None = None, **more: Any) -> None:
        self.attempts += 1
        action = {"function": f"{self.module}:{function}" if ":" not in function else function}
        if "arguments" in more:
            action["with"] = more.pop("arguments")
        spec = make_spec(action, cwd or self.folder, self.attempts, kind="python", **more)
        self.record = self.kind.start(spec, self.sink)

    def run(self, text: str, function: str = "f", **more: Any) -> Ended:
        self.write(text)
        self.start(function, **more)
        return wait_for_ends(self.reactor, self.sink)[0]

    def guard(self) -> None:
        self.guards += 1

    def log(self, stream: str = "err") -> str | None:
        file = self.folder / "logs" / "r" / f"a.{self.attempts}.{stream}"
        return file.read_text() if file.exists() else None

    def close(self) -> None:
        self.kind.close()
        self.reactor.close()


@pytest.fixture
def python(tmp_path: Path) -> Iterator[Python]:
    path, modules = list(sys.path), set(sys.modules)
    python = Python(tmp_path)
    yield python
    python.close()
    sys.path[:] = path
    for name in [name for name in sys.modules if name not in modules and name.startswith("module_of_test")]:
        del sys.modules[name]


# -- what it returns ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["{'a': [1, 2.5, None, True, 'ä']}", "[]", "0", "'text'", "False", "''"])
def test_what_is_returned_is_the_result(python: Python, value: str):
    end = python.run(f"async def f():\n    return {value}\n")
    assert end.error is None
    assert end.result == {"value": {"inline": eval(value)}} | ({"output": {}} if value.startswith("{") else {})


def test_none_is_no_result(python: Python):
    end = python.run("async def f():\n    pass\n")
    assert (end.error, end.result) == (None, None)
    assert python.log() is None


@pytest.mark.parametrize(
    "value",
    ["object()", "{1, 2}", "b'bytes'", "float('nan')", "float('inf')", "{'a': object()}", "{(1, 2): 3}", "f", "1j"],
)
def test_what_is_no_json_is_refused_with_the_reason(python: Python, value: str):
    end = python.run(f"async def f():\n    return {value}\n")
    assert end.error is not None
    assert end.error["class"] == "output_invalid"
    assert end.error["message"].startswith("what the function returned is no plain JSON: ")
    assert end.result is None


def test_what_refers_to_itself_is_refused(python: Python):
    end = python.run("async def f():\n    a = []\n    a.append(a)\n    return a\n")
    assert end.error is not None
    assert end.error["class"] == "output_invalid"
    end_of_depth = "async def g():\n    a = []\n    for _ in range(100_000):\n        a = [a]\n    return a\n"
    python.write(end_of_depth, f"{python.module}_deep")
    python.start(f"{python.module}_deep:g")
    deep = wait_for_ends(python.reactor, python.sink, 2)[1]
    assert deep.error is not None
    assert deep.error["class"] == "output_invalid"


def test_arguments_come_by_name(python: Python):
    text = "async def f(*, name, count=1, **more):\n    return [name, count, more]\n"
    end = python.run(text, arguments={"name": "ä", "extra": [1]})
    assert end.result == {"value": {"inline": ["ä", 1, {"extra": [1]}]}}


@pytest.mark.parametrize("arguments", [{}, {"a": 1, "b": 2}])
def test_wrong_arguments_fail_the_task(python: Python, arguments: dict[str, Any]):
    end = python.run("async def f(a):\n    pass\n", arguments=arguments)
    assert end.error is not None
    assert end.error["class"] == "exception"
    assert "TypeError: f()" in end.error["message"]


def test_members_of_a_map_are_the_declared_outputs(python: Python):
    outputs = (Output("sum", {"type": "integer"}), Output("absent", {"type": "string"}))
    end = python.run("async def f():\n    return {'sum': 3, 'other': 4}\n", outputs=outputs)
    assert end.result == {"value": {"inline": {"sum": 3, "other": 4}}, "output": {"sum": {"inline": 3}}}


def test_a_large_result_travels_by_reference(python: Python):
    end = python.run(f"async def f():\n    return 'x' * {MAX_INLINE}\n")
    assert end.result is not None
    value = end.result["value"]
    assert value["size"] == MAX_INLINE + 2
    assert python.store.get(value["ref"]) == b'"' + b"x" * MAX_INLINE + b'"'


def test_an_output_above_its_cap_travels_by_reference(python: Python):
    outputs = (
        Output("text", {"type": "string"}, max_bytes=10),
        Output("list", {"type": "array"}, max_bytes=10),
        Output("small", {"type": "string"}, max_bytes=10),
    )
    text = "async def f():\n    return {'text': 'ä' * 6, 'list': [1] * 10, 'small': 'x' * 10}\n"
    end = python.run(text, outputs=outputs)
    assert end.result is not None
    found = end.result["output"]
    assert found["small"] == {"inline": "x" * 10}
    assert found["text"]["size"] == 12
    assert python.store.get(found["text"]["ref"]) == ("ä" * 6).encode()
    assert python.store.get(found["list"]["ref"]) == b"[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"


# -- how it ends ----------------------------------------------------------------------------------


def test_an_exception_fails_the_task_and_its_traceback_is_in_the_log(python: Python):
    end = python.run("async def f():\n    raise ValueError('nö')\n")
    assert end.error == {"class": "exception", "message": "ValueError: nö"}
    assert end.result is None
    log = python.log()
    assert log is not None
    assert log.startswith("Traceback (most recent call last):\n")
    assert f"{python.module}.py" in log
    assert log.endswith("ValueError: nö\n")


def test_what_coroutines_print_goes_to_the_output_of_each(python: Python, capsys: pytest.CaptureFixture[str]):
    python.write(
        "import asyncio, sys\n\nasync def f(word):\n    print(word, 1)\n    await asyncio.sleep(0)\n"
        "    print(word, 2)\n    sys.stderr.writelines([word])\n    await asyncio.gather(also(word))\n\n"
        "async def also(word):\n    print(word, 'also')\n"
    )
    for word in ("a", "b"):
        python.start(arguments={"word": word})
    wait_for_ends(python.reactor, python.sink, 2)
    sys.stdout.write("outside\n")
    for attempt, word in ((1, "a"), (2, "b")):
        python.attempts = attempt
        assert python.log("out") == f"{word} 1\n{word} 2\n{word} also\n"
        assert python.log("err") == word
    assert capsys.readouterr() == ("outside\n", "")


def test_what_a_coroutine_prints_may_be_an_output(python: Python):
    assert python.run("async def f():\n    print('shown')\n", collect=("stdout",)).result == {
        "stdout": {"inline": "shown\n"}
    }
    python.write("async def g():\n    pass\n", "quiet")
    python.start("quiet:g", collect=("stdout",))
    assert wait_for_ends(python.reactor, python.sink, 2)[1].result == {"stdout": {"inline": ""}}


@pytest.mark.parametrize("value", [r"'\ud800'", r"{'a': ['x\udfff']}", r"{'\ud900': 1}"])
def test_half_a_character_is_refused(python: Python, value: str):
    end = python.run(f"async def f():\n    return {value}\n")
    assert end.error is not None
    assert end.error["class"] == "output_invalid"
    assert "half of a surrogate pair" in end.error["message"]


def test_a_log_is_for_its_owner_only(python: Python):
    python.run("async def f():\n    raise ValueError\n")
    assert (python.folder / "logs" / "r").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("leave", ["KeyboardInterrupt()", "SystemExit(3)", "GeneratorExit()"])
def test_leaving_the_interpreter_fails_the_task_only(python: Python, leave: str):
    end = python.run(f"async def f():\n    raise {leave}\n")
    assert end.error is not None
    assert end.error["class"] == "exception"
    assert leave.partition("(")[0] in end.error["message"]


def test_an_exception_that_cannot_be_shown_fails_the_task_only(python: Python):
    text = (
        "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\n\nasync def f():\n    raise Odd\n"
    )
    end = python.run(text)
    assert end.error is not None
    assert end.error["class"] == "exception"
    assert "Odd" in end.error["message"]


LASTING = "import asyncio\n\nasync def f():\n    {}\n"


def test_a_polite_stop_cancels(python: Python):
    python.write(LASTING.format("await asyncio.sleep(1000)"))
    python.start()
    python.reactor.wait(0)
    python.kind.stop("r", 1, "polite")
    end = wait_for_ends(python.reactor, python.sink)[0]
    assert end.error == {"class": "cancelled", "message": "the coroutine was cancelled"}


def test_a_cancelled_coroutine_may_clean_up_and_even_succeed(python: Python):
    text = "try:\n        await asyncio.sleep(1000)\n    except asyncio.CancelledError:\n        return 'saved'\n"
    python.write(LASTING.format(text))
    python.start()
    python.reactor.wait(0)
    python.kind.stop("r", 1, "polite")
    end = wait_for_ends(python.reactor, python.sink)[0]
    assert (end.error, end.result) == (None, {"value": {"inline": "saved"}})


def test_one_that_is_stopped_before_it_began_never_begins(python: Python):
    python.write(LASTING.format("open('begun', 'w').close()"))
    python.start(cwd=python.folder)
    python.kind.stop("r", 1, "polite")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        end = wait_for_ends(python.reactor, python.sink)[0]
        python.reactor.wait(0)
    assert end.error is not None
    assert end.error["class"] == "cancelled"
    assert not Path("begun").exists()


def test_one_that_ignores_a_cancel_is_let_go_at_the_forced_stop(python: Python):
    ignoring = (
        "for _ in range(2):\n        try:\n            await asyncio.sleep(1000)\n"
        "        except asyncio.CancelledError:\n            pass\n    raise ValueError('late')\n"
    )
    python.write(LASTING.format(ignoring))
    python.start()
    python.reactor.wait(0)
    python.kind.stop("r", 1, "polite")
    for _ in range(5):
        python.reactor.wait(0)
    assert python.sink.heard == []
    python.kind.stop("r", 1, "forced")
    end = wait_for_ends(python.reactor, python.sink)[0]
    assert end.error == {"class": "cancelled", "message": "it did not end when it was cancelled"}
    for _ in range(5):
        python.reactor.wait(0)
    assert len(python.sink.heard) == 1, "its late end is nobody's business"
    assert python.log() is None


def test_coroutines_run_side_by_side(python: Python):
    text = (
        "import asyncio\n\nevent = asyncio.Event()\n\n"
        "async def wait():\n    await event.wait()\n    return 'waited'\n\n"
        "async def set():\n    event.set()\n    return 'set'\n"
    )
    python.write(text)
    python.start("wait")
    python.start("set")
    wait_for_ends(python.reactor, python.sink, 2)
    assert python.sink.keys == [("r", 2), ("r", 1)]


# -- where it is looked for -----------------------------------------------------------------------


def refused(python: Python, function: str, cwd: Path | None = None) -> str:
    with pytest.raises(SpawnError) as problem:
        python.start(function, cwd)
    return str(problem.value)


def test_no_such_module_or_function_is_refused_by_name(python: Python):
    assert f"cannot load 'no_such:f' from {python.folder}: there is no module 'no_such'" in refused(python, "no_such:f")
    python.write("def total():\n    pass\n")
    assert "has no 'totl'; did you mean 'total'?" in refused(python, "totl")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("async def f(): pass\nraise RuntimeError('at import')", "RuntimeError: at import"),
        ("async def f(): pass\nimport sys; sys.exit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError"),
        ("\0", "null bytes"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_with_the_reason(python: Python, text: str, said: str):
    python.write(text)
    assert said in refused(python, "f")


@pytest.mark.parametrize("function", [":f", "..:f", "a b:f"])
def test_what_is_no_module_name_is_refused(python: Python, function: str):
    assert "cannot load" in refused(python, function)


def test_the_folder_of_the_task_comes_first(python: Python):
    (python.folder / "sub").mkdir()
    python.write("async def f():\n    return 'here'\n")
    python.write("async def f():\n    return 'elsewhere'\n", f"sub/{python.module}")
    python.start()
    first = wait_for_ends(python.reactor, python.sink)[0]
    assert first.result == {"value": {"inline": "here"}}
    said = refused(python, "f", python.folder / "sub")
    assert str(python.folder / f"{python.module}.py") in said, "never another folder's function"
    assert "rename" in said


def test_a_module_that_hides_behind_a_known_one_is_refused(python: Python):
    python.write("async def f():\n    pass\n", "json")
    assert "already loaded from" in refused(python, "json:f")


def test_modules_of_packages_are_found(python: Python):
    package = python.folder / python.module
    package.mkdir()
    (package / "steps.py").write_text("async def f():\n    return 1\n")
    python.start(f"{python.module}.steps:f")
    assert wait_for_ends(python.reactor, python.sink)[0].result == {"value": {"inline": 1}}


def test_a_function_is_looked_for_once(python: Python, monkeypatch: pytest.MonkeyPatch):
    python.run("async def f():\n    return 1\n")
    look: Callable[[str], Any] = pytest.fail
    monkeypatch.setattr("importlib.import_module", look)
    python.start()
    wait_for_ends(python.reactor, python.sink, 2)


# -- secrets --------------------------------------------------------------------------------------

MASK = Mask({"TOKEN": "sesame-open"})


def test_what_a_coroutine_prints_and_returns_is_masked_however_it_is_cut(python: Python):
    text = "async def f():\n    for part in ('a sesa', 'me-o', 'pen b'):\n        print(part, end='')\n"
    end = python.run(text + "    return {'sesame-open': ['sesame-open']}\n", mask=MASK)
    assert end.result is not None
    assert end.result["value"] == {"inline": {"***": ["***"]}}
    assert python.log("out") == "a *** b"


def test_what_a_mask_keeps_back_is_printed_at_the_end(python: Python):
    end = python.run("async def f():\n    print('to sesame', end='')\n", mask=MASK, collect=("stdout",))
    assert end.result is not None
    assert end.result["stdout"] == {"inline": "to sesame"}
    assert python.log("out") == "to sesame"


def test_the_traceback_of_a_coroutine_is_masked(python: Python):
    python.run("async def f():\n    raise ValueError('sesame' + '-open')\n", mask=MASK)
    assert (python.log() or "").endswith("ValueError: ***\n")


def test_a_coroutine_cannot_be_given_secrets(python: Python):
    with pytest.raises(SpawnError, match="cannot be given secrets; make it a plain `def`"):
        python.run("async def f():\n    pass\n", mask=MASK, secrets=("TOKEN",))


def test_a_full_disk_is_told_also_of_what_a_mask_kept_back(python: Python, monkeypatch: pytest.MonkeyPatch):
    def full(_printed: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unspool.tasks.printed.Printed.finish", full)
    with pytest.raises(JournalError, match="No space left"):
        python.run("async def f():\n    print('x')\n", mask=MASK)

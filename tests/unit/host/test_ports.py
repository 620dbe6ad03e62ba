"""Every port has a real implementation and a shipped twin, and both are called alike."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from unspool.host import ports
from unspool.host.artifacts import FileArtifacts, MemoryArtifacts
from unspool.host.cache import FileCache
from unspool.host.clock import VirtualClock, WallClock
from unspool.host.reactor import EpollReactor
from unspool.host.simulate import StubKind, VirtualReactor
from unspool.host.spool import FileSpool, MemorySpool
from unspool.journal.memory import MemoryJournal
from unspool.journal.sqlite import SqliteJournal
from unspool.observe.console import JsonLines, PlainProgress
from unspool.observe.live import LiveView
from unspool.tasks.guardian import NoGuardian, ProcessGuardian
from unspool.tasks.python import PythonKind
from unspool.tasks.run import RunKind

IMPLEMENTATIONS: dict[type, list[type]] = {
    ports.TaskKind: [RunKind, PythonKind, StubKind],
    ports.TellsOutput: [RunKind, PythonKind, StubKind],
    ports.Journal: [SqliteJournal, MemoryJournal],
    ports.Clock: [WallClock, VirtualClock],
    ports.Reactor: [EpollReactor, VirtualReactor],
    ports.RequestSpool: [FileSpool, MemorySpool],
    ports.Artifacts: [FileArtifacts, MemoryArtifacts],
    ports.ResultCache: [FileCache],
    ports.Guardian: [ProcessGuardian, NoGuardian],
    ports.Listener: [PlainProgress, JsonLines, LiveView],
    ports.View: [LiveView],
}
PAIRS = [(port, made) for port, all_of_it in IMPLEMENTATIONS.items() for made in all_of_it]


def methods(port: type) -> dict[str, Any]:
    return {name: value for name, value in vars(port).items() if inspect.isfunction(value) and not name.startswith("_")}


def test_no_port_is_forgotten():
    declared = {
        value for value in vars(ports).values() if isinstance(value, type) and getattr(value, "_is_protocol", False)
    }
    assert {port for port in declared if port.__module__ == ports.__name__} == set(IMPLEMENTATIONS)


@pytest.mark.parametrize(("port", "made"), PAIRS, ids=lambda value: value.__name__)
def test_it_is_called_as_the_port_says(port: type, made: type):
    wanted = methods(port)
    assert wanted
    for name, method in wanted.items():
        parameters = list(inspect.signature(method).parameters.values())
        found = list(inspect.signature(getattr(made, name)).parameters.values())
        assert [parameter.name for parameter in found[: len(parameters)]] == [
            parameter.name for parameter in parameters
        ]
        assert all(parameter.default is not inspect.Parameter.empty for parameter in found[len(parameters) :])
        for mine, theirs in zip(found, parameters, strict=False):
            assert (mine.default is inspect.Parameter.empty) == (theirs.default is inspect.Parameter.empty), name


@pytest.mark.parametrize(("port", "made"), PAIRS, ids=lambda value: value.__name__)
def test_it_says_what_it_gives_as_the_port_does(port: type, made: type):
    for name, method in methods(port).items():
        assert getattr(made, name).__annotations__.get("return") == method.__annotations__["return"], name


def test_a_request_needs_no_more_than_its_id_its_run_and_an_action():
    request = ports.Request("id", "run", "cancel")
    assert (request.task, request.by) == (None, "person")
    assert request == ports.Request(**request._asdict())

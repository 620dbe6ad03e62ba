"""Requests to a real server on this machine: what is sent, what is told, and what goes wrong."""

from __future__ import annotations

import json
import resource
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from tests.conformance.attempts import Ends, make_spec, wait_for_ends
from tests.conformance.servers import LocalServer, request
from unspool.errors import SpawnError
from unspool.host.artifacts import FileArtifacts
from unspool.host.clock import WallClock
from unspool.host.reactor import EpollReactor
from unspool.model.plan import Output
from unspool.tasks.attempt import Ended
from unspool.tasks.http import HttpKind, retry_after
from unspool.tasks.http_client import _may_see
from unspool.tasks.slots import Slots

ALL = ("stdout", "json", "headers")


class Requests:
    """An HttpKind of its own in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reactor = EpollReactor()
        self.artifacts = FileArtifacts(folder / "artifacts")
        self.kind = HttpKind(self.reactor, WallClock().now, Slots(folder, 1), self.artifacts)
        self.sink = Ends()
        self.attempts = 0

    def start(self, url: str, method: str = "GET", collect: tuple[str, ...] = ALL, **more: Any) -> dict[str, Any]:
        fields = {"outputs": more.pop("outputs", ()), "collect": collect, "kind": "http"}
        self.attempts += 1
        spec = make_spec(request(url, method, **more), self.folder, self.attempts, **fields)
        record = self.kind.start(spec, self.sink)
        assert record is not None
        return record

    def ask(self, url: str, method: str = "GET", **more: Any) -> Ended:
        count = len(self.sink.heard)
        self.start(url, method, **more)
        return wait_for_ends(self.reactor, self.sink, count + 1)[-1]

    def log(self, attempt: int | None = None) -> bytes | None:
        file = self.folder / "logs" / "r" / f"a.{attempt or self.attempts}.out"
        return file.read_bytes() if file.exists() else None

    def wait_until(self, event: threading.Event) -> None:
        for _ in range(1000):
            if event.is_set():
                return
            self.reactor.wait(0.01)
        raise AssertionError("it did not come about")

    def close(self) -> None:
        self.kind.close()
        self.reactor.close()


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def requests(tmp_path: Path) -> Iterator[Requests]:
    requests = Requests(tmp_path)
    yield requests
    requests.close()


def told(end: Ended) -> dict[str, Any]:
    """Give what the server says that it was sent."""
    assert end.error is None
    assert end.result is not None
    found: dict[str, Any] = json.loads(end.result["stdout"]["inline"])
    return found


# -- what is sent ---------------------------------------------------------------------------------


def test_an_answer_has_a_status_headers_and_a_body(requests: Requests, server: LocalServer):
    end = requests.ask(f"{server.url}/json")
    assert end.error is None
    assert end.result is not None
    assert end.result["status_code"] == 200
    assert end.result["headers"]["content-type"] == "application/json"
    assert json.loads(end.result["stdout"]["inline"]) == {"items": [1, 2], "name": "n"}
    assert requests.log() == b'{"items": [1, 2], "name": "n"}'


def test_only_what_is_asked_for_travels(requests: Requests, server: LocalServer):
    assert requests.ask(f"{server.url}/json", collect=()).result == {"status_code": 200}
    assert requests.log() is not None


def test_a_request_says_who_it_is_and_nothing_else_unasked(requests: Requests, server: LocalServer):
    headers = told(requests.ask(f"{server.url}/echo"))["headers"]
    assert headers.pop("user-agent").startswith("unspool/")
    assert set(headers) == {"host", "accept", "accept-encoding"}


def test_json_is_sent_with_its_type(requests: Requests, server: LocalServer):
    sent = told(requests.ask(f"{server.url}/echo", "POST", json={"a": ["ü", None]}))
    assert json.loads(sent["body"]) == {"a": ["ü", None]}
    assert sent["headers"]["content-type"] == "application/json"
    assert told(requests.ask(f"{server.url}/echo", "POST", json=None))["body"] == "null"


def test_text_is_sent_with_the_type_that_the_author_gives(requests: Requests, server: LocalServer):
    sent = told(requests.ask(f"{server.url}/echo", "PUT", body="<a/>", headers={"content-type": "text/xml"}))
    assert (sent["method"], sent["body"], sent["headers"]["content-type"]) == ("PUT", "<a/>", "text/xml")
    plain = told(requests.ask(f"{server.url}/echo", "POST", body="ü"))
    assert (plain["body"], plain["headers"]["content-type"]) == ("ü", "text/plain; charset=utf-8")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods(requests: Requests, server: LocalServer, method: str):
    assert told(requests.ask(f"{server.url}/echo", method))["method"] == method


def test_the_answer_to_head_has_no_body(requests: Requests, server: LocalServer):
    end = requests.ask(f"{server.url}/ok", "HEAD")
    assert end.result is not None
    assert (end.error, end.result["stdout"], requests.log()) == (None, {"inline": ""}, None)


def test_an_address_is_sent_as_it_is_written(requests: Requests, server: LocalServer):
    assert (
        told(requests.ask(f"{server.url}/echo/a%2Fb%7E?q=a+b%20c&sig=%2B"))["path"]
        == "/echo/a%2Fb%7E?q=a+b%20c&sig=%2B"
    )
    assert told(requests.ask(f"{server.url}/echo/ü#part"))["path"] == "/echo/%C3%BC"


# -- what is told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "auth"),
        (403, "auth"),
        (402, "quota"),
        (429, "rate_limit"),
        (400, "bad_request"),
        (404, "bad_request"),
        (500, "server"),
        (503, "server"),
        (304, "server"),
    ],
)
def test_a_status_outside_of_success_is_a_class_of_errors(
    requests: Requests, server: LocalServer, status: int, kind: str
):
    end = requests.ask(f"{server.url}/status/{status}?secret=x")
    assert end.error is not None
    assert end.error["class"] == kind
    assert end.error["message"].startswith(f"GET {server.url}/status/{status} answered {status} ")
    assert end.result is not None
    assert end.result["status_code"] == status


def test_the_statuses_that_are_expected_are_successes_and_no_others(requests: Requests, server: LocalServer):
    assert requests.ask(f"{server.url}/status/404", expect=[200, 404]).error is None
    refused = requests.ask(f"{server.url}/ok", expect=[201]).error
    assert refused is not None
    assert refused["class"] == "server"
    assert refused["message"].endswith("answered 200 OK; `expect` does not list it")


@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)])
def test_a_server_may_ask_to_be_left_alone(requests: Requests, server: LocalServer, header: str, wait: float | None):
    end = requests.ask(f"{server.url}/status/429?Retry-After={header.replace(' ', '%20')}")
    assert end.result is not None
    assert end.result.get("retry_after") == wait


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("-1", None),
        ("1.5", None),
        ("9" * 30, None),
        ("Thu, 01 Jan 1970 00:17:10 GMT", 30.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Thu, 99 Jan 1970 00:00:00 GMT", None),
        ("Thu, 01 Jan 99999 00:00:00 GMT", None),
        ("٣", None),
    ],
)
def test_how_long_is_a_number_or_a_date(header: str | None, wait: float | None):
    assert retry_after(header, 1000.0) == wait


def test_headers_are_told_within_bounds_and_as_plain_text(requests: Requests, server: LocalServer):
    many = requests.ask(f"{server.url}/headers").result
    assert many is not None
    assert 20 < len(many["headers"]) < 40
    odd = requests.ask(f"{server.url}/odd").result
    assert odd is not None
    assert (odd["headers"]["x-odd"], odd["headers"]["x-two"]) == ("\ufffd", "a, b")


def test_bytes_that_are_no_text_are_kept_as_they_are(requests: Requests, server: LocalServer):
    end = requests.ask(f"{server.url}/binary")
    assert requests.log() == bytes(range(256))
    assert end.result is not None
    assert end.result["stdout"]["inline"].startswith("\0\x01")
    assert "\ufffd" in end.result["stdout"]["inline"]


def test_a_packed_body_is_unpacked(requests: Requests, server: LocalServer):
    requests.ask(f"{server.url}/gzip")
    assert requests.log() == b"unpacked"


@pytest.mark.parametrize("collect", [(), ("stdout",)])
def test_a_large_body_goes_to_a_file_and_not_through_memory(
    requests: Requests, server: LocalServer, collect: tuple[str, ...]
):
    requests.ask(f"{server.url}/ok")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = requests.ask(f"{server.url}/big/96", collect=collect)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 48 * 1024  # KiB
    assert (requests.folder / "logs" / "r" / "a.2.out").stat().st_size == 96 << 20
    assert end.error is None
    assert end.result is not None
    if collect:
        assert end.result["stdout"]["size"] == 96 << 20
        assert end.result["stdout"]["head"] == "x" * 1024
        assert len(requests.artifacts.get(end.result["stdout"]["ref"])) == 96 << 20


def test_an_output_is_cut_off_at_its_own_bound(requests: Requests, server: LocalServer):
    output = Output("text", {"type": "string"}, "stdout", max_bytes=2)
    end = requests.ask(f"{server.url}/ok", outputs=(output,))
    assert end.result is not None
    assert end.result["outputs"]["text"]["size"] == 5


def test_a_body_above_the_bound_is_refused(requests: Requests, server: LocalServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("unspool.tasks.http_client.MAX_BODY", 1 << 20)
    refused = requests.ask(f"{server.url}/big/2").error
    assert refused is not None
    assert refused["class"] == "output_invalid"
    assert "larger than 1 MiB" in refused["message"]


# -- what goes wrong ------------------------------------------------------------------------------


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/drop", "it closed the connection before it answered"),
        ("/half", "the answer broke off"),
        ("/garbage", "what it sent is no HTTP"),
    ],
)
def test_a_connection_that_breaks(requests: Requests, server: LocalServer, place: str, said: str):
    end = requests.ask(server.url + place, "POST")
    assert end.error is not None
    assert end.error["class"] == "connection"
    assert said in end.error["message"]
    assert "status_code" not in (end.result or {})


def test_nobody_listens(requests: Requests):
    refused = requests.ask(f"http://127.0.0.1:{closed_port()}/a?token=secret").error
    assert refused is not None
    assert refused["class"] == "connection"
    assert "refused" in refused["message"].lower()
    assert "secret" not in refused["message"]


def test_a_name_that_nobody_has(requests: Requests, monkeypatch: pytest.MonkeyPatch):
    def unknown(*_: object, **__: object):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    refused = requests.ask("http://nowhere.invalid/").error
    assert refused == {
        "class": "connection",
        "message": "GET http://nowhere.invalid/: no whole answer: Name or service not known",
    }


def test_a_name_is_looked_up(requests: Requests, server: LocalServer):
    assert requests.ask(f"http://localhost:{server.port}/ok").error is None


def test_nobody_waits_for_a_name_server(requests: Requests, monkeypatch: pytest.MonkeyPatch):
    asked, go_on = threading.Event(), threading.Event()

    def silent(*_: object, **__: object):
        asked.set()
        go_on.wait(20)
        raise OSError("too late")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    requests.start("http://nowhere.invalid/")
    requests.wait_until(asked)
    requests.kind.stop("r", 1, "polite")
    (end,) = wait_for_ends(requests.reactor, requests.sink)
    assert end.error is not None
    assert end.error["class"] == "cancelled"
    (thread,) = [thread for thread in threading.enumerate() if thread.name.startswith("look up")]
    assert thread.daemon
    requests.close()
    go_on.set()
    thread.join(20)


def test_a_server_without_a_certificate(requests: Requests, server: LocalServer):
    refused = requests.ask(f"https://127.0.0.1:{server.port}/ok").error
    assert refused is not None
    assert refused["class"] == "connection"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "gopher://127.0.0.1/", "127.0.0.1", "http://", "http://a b/"])
def test_an_address_of_another_kind_is_refused_before_anything_is_sent(requests: Requests, url: str):
    with pytest.raises(SpawnError, match="cannot send a request"):
        requests.start(url)


def test_what_cannot_be_sent_is_no_fault_of_the_server(requests: Requests, server: LocalServer):
    refused = requests.ask(f"{server.url}/ok", headers={"X": "a\nInjected: b"}).error
    assert refused is not None
    assert refused["class"] == "bad_request"
    assert server.seen == []


def test_a_missing_library_is_said_with_the_way_out(requests: Requests, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "unspool.tasks.http_client", None)
    with pytest.raises(SpawnError, match=r"pip install 'unspool\[http\]'"):
        requests.start("http://127.0.0.1/")


def test_a_request_in_flight_is_cancelled(requests: Requests, server: LocalServer):
    requests.start(f"{server.url}/slow")
    requests.wait_until(server.arrived)
    requests.kind.stop("r", 1, "polite")
    (end,) = wait_for_ends(requests.reactor, requests.sink)
    assert end.error == {"class": "cancelled", "message": "the request was cancelled"}


@pytest.mark.slow
def test_what_came_of_a_body_before_a_cancel_is_kept(requests: Requests, server: LocalServer):
    requests.start(f"{server.url}/big/4000")
    while not Path(requests.folder / "slots" / "1-1.out").stat().st_size:
        requests.reactor.wait(1.0)
    requests.kind.stop("r", 1, "forced")
    assert len(requests.sink.heard) == 1
    for _ in range(100):
        requests.reactor.wait(0.01)
        if requests.log() is not None:
            break
    assert requests.log()


# -- connections ----------------------------------------------------------------------------------


def test_a_connection_serves_one_request_after_another(requests: Requests, server: LocalServer):
    for _ in range(5):
        assert requests.ask(f"{server.url}/ok").error is None
    assert server.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_not_taken_again(requests: Requests, server: LocalServer):
    for method in ("POST", "POST", "POST"):  # none that could be sent twice without asking
        assert requests.ask(f"{server.url}/ok", method).error is None
        server.hang_up()
        while server.open:
            requests.reactor.wait(0.005)
    assert server.connections == 3


def test_tasks_share_no_cookies(requests: Requests, server: LocalServer):
    requests.ask(f"{server.url}/status/200?Set-Cookie=a=b")
    assert "cookie" not in told(requests.ask(f"{server.url}/echo"))["headers"]


def test_a_proxy_of_the_environment_is_used(requests: Requests, server: LocalServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", server.url)
    assert requests.ask("http://nowhere.invalid/ok").error is None
    assert server.seen == [("GET", "http://nowhere.invalid/ok")]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert requests.ask(f"{server.url}/ok").error is None


# -- redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "GET", "GET"),
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (302, "PUT", "PUT"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
def test_a_redirect_is_followed(requests: Requests, server: LocalServer, status: int, method: str, then: str):
    body = {"body": "text"} if method in ("POST", "PUT") else {}
    end = requests.ask(f"{server.url}/redirect/{status}?to=/echo", method, **body)
    assert end.error is None
    assert server.seen[-1] == (then, "/echo")
    if then != "HEAD":
        sent = told(end)
        assert sent["body"] == ("text" if body and then != "GET" else "")
        assert ("content-type" in sent["headers"]) is bool(sent["body"])
        assert requests.log() == json.dumps(sent).encode(), "only the last answer's body is kept"


def test_credentials_stay_with_their_host(requests: Requests, server: LocalServer):
    headers = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Own": "stays"}
    same = told(requests.ask(f"{server.url}/redirect/302?to=/echo", headers=headers))["headers"]
    assert (same["authorization"], same["cookie"]) == ("Bearer x", "a=b")
    with LocalServer() as other:
        sent = told(requests.ask(f"{server.url}/redirect/302?to={other.url}/echo", headers=headers))["headers"]
        named = f"http://localhost:{server.port}/echo"
        renamed = told(requests.ask(f"{server.url}/redirect/302?to={named}", headers=headers))["headers"]
    for found in (sent, renamed):
        assert "authorization" not in found
        assert "cookie" not in found
        assert found["x-own"] == "stays"


def test_redirects_come_to_an_end(requests: Requests, server: LocalServer):
    end = requests.ask(f"{server.url}/loop")
    assert end.error is not None
    assert end.error["class"] == "server"
    assert end.error["message"].endswith("answered 302 Found; it is the redirect after 5 others")
    assert len(server.seen) == 6


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/", "gopher://127.0.0.1/", "http://[::1"])
def test_a_redirect_to_elsewhere_is_not_followed(requests: Requests, server: LocalServer, to: str):
    end = requests.ask(f"{server.url}/redirect/302?to={to}")
    assert end.error is not None
    assert "which is no address" in end.error["message"]
    assert len(server.seen) == 1


def test_a_redirect_that_is_expected_is_an_answer(requests: Requests, server: LocalServer):
    end = requests.ask(f"{server.url}/redirect/302?to=/ok", expect=[302])
    assert end.error is None
    assert end.result is not None
    assert (end.result["status_code"], end.result["headers"]["location"]) == (302, "/ok")


@pytest.mark.parametrize(
    ("url", "target", "may"),
    [
        ("http://a/x", "http://a/y", True),
        ("https://a/", "https://a:443/", True),
        ("http://a/", "https://a/", True),  # a server that asks for its better door
        ("https://a/", "http://a/", False),
        ("http://a/", "https://b/", False),
        ("http://a/", "http://a:8080/", False),
        ("https://a/", "https://b.a/", False),
    ],
)
def test_who_may_see_credentials(url: str, target: str, may: bool):
    assert _may_see(URL(url), URL(target)) is may

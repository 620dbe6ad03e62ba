"""A real server of HTTP on this machine, which answers as the address asks it to."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from unspool.model.urls import METHODS

PATIENCE = 20.0


def request(url: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    """Build the action of an `http` task, as a plan has it."""
    return {"method": method, "url": url, "headers": {}, "expect": None, **more}


class LocalServer:
    """Listens on 127.0.0.1 until it is closed.

    Attributes:
        connections: how many were made so far.
        seen: method and path of each request, in order.
        arrivals: the moment of each, on a clock that only goes forward.
        moods: statuses (with headers) with which the pages of a book answer first, one a request.
        held: paths that are answered only when the server is told to `let_go`.
        at_once: how many requests were being answered at one time, at most.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.seen: list[tuple[str, str]] = []
        self.arrivals: list[float] = []
        self.moods: list[tuple[int, dict[str, str]]] = []
        self.held: set[str] = set()
        self.at_once = 0
        self._answering = 0
        self._counting = threading.Lock()
        self._may_go = threading.Event()
        self.closing = threading.Event()
        self.arrived = threading.Event()  # a request that is not answered at once is here
        self.open: list[socket.socket] = []
        self._server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"owner": self}))
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        """Close all connections."""
        for connection in list(self.open):  # each leaves the list by itself
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Answer those that were held back."""
        self.held.clear()
        self._may_go.set()

    def hold_back(self) -> None:
        """Let a request wait until the server is told to let go, or closed."""
        self.arrived.set()
        self._may_go.wait(PATIENCE)

    def count(self, more: int) -> None:
        """Note that a request begins or ends to be answered."""
        with self._counting:
            if more > 0:
                self.arrivals.append(time.monotonic())
            self._answering += more
            self.at_once = max(self.at_once, self._answering)

    def close(self) -> None:
        """Answer nobody any more."""
        self.closing.set()
        self._may_go.set()
        self._server.shutdown()
        self._thread.join()
        self.hang_up()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    owner: LocalServer

    def process_request(self, request: Any, client_address: Any) -> None:
        self.owner.connections += 1
        self.owner.open.append(request)  # before its thread begins: whoever closes the server knows of it
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: LocalServer

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked may be gone
            super().handle()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.owner.open.remove(self.request)

    def answer(self) -> None:
        self.owner.count(1)
        try:
            self._answer()
        finally:
            self.owner.count(-1)

    def _answer(self) -> None:
        self.owner.seen.append((self.command, self.path))
        length = int(self.headers.get("Content-Length", 0))
        self.content = self.rfile.read(length)
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name, _, self.rest = parts.path[1:].partition("/")
        getattr(self, f"say_{name}", self.say_nothing)()

    def send(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(content)

    def say_nothing(self) -> None:
        self.send(b"nothing here", 404)

    def say_ok(self) -> None:
        self.send(b"fine\n")

    def say_json(self) -> None:
        self.send(json.dumps({"items": [1, 2], "name": "n"}).encode(), Content_Type="application/json")

    def say_echo(self) -> None:
        told = {
            "method": self.command,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": self.content.decode("utf-8", "replace"),
        }
        self.send(json.dumps(told).encode(), X_Twice="a")

    def say_status(self) -> None:
        """/status/503?Retry-After=3"""
        self.send(f"status {self.rest}".encode(), int(self.rest), **self.query)

    def say_flaky(self) -> None:
        """/flaky/2?Retry-After=0 refuses two requests."""
        refused = sum(path == self.path for _, path in self.owner.seen) <= int(self.rest)
        self.send(b"busy" if refused else b"fine\n", 503 if refused else 200, **self.query)

    def say_book(self) -> None:
        """/book/3/pages lists three pages, /book/3/pages/2 is one of them: an API with limits and moods."""
        count, _, page = self.rest.partition("/pages")
        if page and self.path in self.owner.held:
            self.owner.hold_back()
        if page and self.owner.moods:
            status, headers = self.owner.moods.pop(0)
            self.send(b"not now", status, **headers)
            return
        told = {"items": [f"{page[1:]}.{n}" for n in (1, 2)]} if page else {"pages": list(range(1, int(count) + 1))}
        self.send(json.dumps(told).encode(), Content_Type="application/json")

    def say_slow(self) -> None:
        self.owner.arrived.set()
        self.owner.closing.wait(PATIENCE)
        self.close_connection = True

    def say_talk(self) -> None:
        """Says something again and again until the server is closed or nobody listens."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while not self.owner.closing.wait(0.05):
            self.wfile.write(b"a\r\nhere I am\n\r\n")

    def say_big(self) -> None:
        """/big/MEBIBYTES"""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        part = b"%x\r\n" % (1 << 20) + b"x" * (1 << 20) + b"\r\n"
        for _ in range(int(self.rest)):
            self.wfile.write(part)
        self.wfile.write(b"0\r\n\r\n")

    def say_binary(self) -> None:
        self.send(bytes(range(256)))

    def say_gzip(self) -> None:
        self.send(gzip.compress(b"unpacked"), Content_Encoding="gzip")

    def say_headers(self) -> None:
        self.send_response(200)
        for number in range(90):
            self.send_header(f"X-Many-{number}", "v" * 1000)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def say_odd(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Odd: \xff\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 0\r\n\r\n")

    def say_drop(self) -> None:
        self.close_connection = True

    def say_half(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def say_garbage(self) -> None:
        self.wfile.write(b"this is no HTTP\r\n\r\n")
        self.close_connection = True

    def say_redirect(self) -> None:
        """/redirect/302?to=URL"""
        to = {"Location": unquote(self.query["to"])} if "to" in self.query else {}
        self.send(b"elsewhere", int(self.rest), **to)

    def say_loop(self) -> None:
        self.send(b"", 302, Location=self.path)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


for _method in METHODS:
    setattr(_Handler, f"do_{_method}", _Handler.answer)

"""Sends requests over connections that are kept for the next one. Loaded by the first `http` task only."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from unspool import __version__

MAX_REDIRECTS = 5
MAX_BODY = 1 << 30  # bytes
MAX_HEADERS = 32 * 1024  # characters of names and values that are told of
_TO_GET = (301, 302, 303)  # such an answer to a POST is followed by a GET, as browsers do it
_REDIRECTS = (*_TO_GET, 307, 308)
_PRIVATE = ("authorization", "cookie", "proxy-authorization")
_CONTENT = ("content-type", "content-encoding", "content-language")
_ROUNDS = 3  # of the loop, in which connections that were closed say goodbye


class BodyTooLarge(Exception):
    """The body of an answer is larger than what is kept."""


class Answer(NamedTuple):
    """The head of an answer, whose body has been written.

    `note` says why a redirect was not followed. The names of `headers` are in lower case.
    """

    status: int
    reason: str
    headers: dict[str, str]
    note: str = ""


class Client:
    """All connections of one engine."""

    _session: aiohttp.ClientSession

    async def keep(self) -> None:
        """Hold the connections open until this is cancelled. It must have begun before the first request does."""
        timeout = aiohttp.ClientTimeout(total=None, connect=None, sock_read=None, sock_connect=None)
        connector = aiohttp.TCPConnector(limit=0, resolver=_Resolver())
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=timeout,  # a task's `timeout` is the core's business
            cookie_jar=aiohttp.DummyCookieJar(),  # tasks share connections and nothing else
            headers={"User-Agent": f"unspool/{__version__}"},
        )
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            try:
                await self._session.close()
            finally:
                for _ in range(_ROUNDS):  # who closes the loop cancels this in each of them
                    with suppress(asyncio.CancelledError):
                        await asyncio.sleep(0)

    async def send(self, action: dict[str, Any], write: Callable[[bytes], None]) -> Answer:
        """Send a request and give its answer, whose body goes to `write` part by part.

        Raises:
            aiohttp.ClientError, OSError, ValueError: nobody answered, or the answer broke off.
            BodyTooLarge: the body is longer than MAX_BODY.
        """
        # Connections that were closed while nobody looked are found out before one of them is taken.
        await asyncio.sleep(0)
        method, url = action["method"], _address(action["url"])
        headers, content = _message(action)
        expect = action["expect"] or ()
        for left in range(MAX_REDIRECTS, -1, -1):
            async with self._session.request(
                method,
                url,
                data=content,
                headers=headers,
                allow_redirects=False,
                proxy=_proxy(url),
                skip_auto_headers=("Content-Type",),
            ) as answer:
                target, note = None, ""
                if answer.status in _REDIRECTS and answer.status not in expect:
                    target, note = _target(url, answer.headers.get("Location"), left)
                if target is None:
                    await _take_body(answer, write)
                    return Answer(answer.status, answer.reason or "", _told(answer.headers.items()), note)
            if answer.status == 303 or (answer.status in _TO_GET and method == "POST"):
                method, content = method if method == "HEAD" else "GET", None
                headers = _without(headers, _CONTENT)
            if not _may_see(url, target):
                headers = _without(headers, _PRIVATE)
            url = target
        raise AssertionError("the last redirect is not followed")


class _Resolver(AbstractResolver):
    """Looks names up in threads that nobody waits for.

    Those of asyncio's pool are waited for when Python ends: a name server that does not answer would hold up a cancel.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[Any]] = loop.create_future()

        def tell(result: list[Any] | None, problem: OSError | None) -> None:
            if found.done():
                return
            if problem is not None:
                found.set_exception(problem)
            else:
                found.set_result(result or [])

        def look() -> None:
            result, problem = None, None
            try:
                result = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            except UnicodeError as refused:  # a label that is empty or too long
                problem = OSError(f"{host!r} is no name: {refused}")
            except OSError as refused:
                problem = refused
            with suppress(RuntimeError):  # the loop may be closed by now
                loop.call_soon_threadsafe(tell, result, problem)

        threading.Thread(target=look, name=f"look up {host}", daemon=True).start()
        return [_resolved(host, info) for info in await found]

    async def close(self) -> None:
        """Nothing is held."""


def _resolved(host: str, info: Any) -> ResolveResult:
    family, _, proto, _, address = info
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    numeric = address[0]
    if family == socket.AF_INET6 and address[3] and "%" not in numeric:
        numeric = f"{numeric}%{address[3]}"
    return ResolveResult(hostname=host, host=numeric, port=address[1], family=family, proto=proto, flags=flags)


def _address(url: str) -> URL:
    """Read an address; one of plain characters is sent just as it is written."""
    return URL(url, encoded=url.isascii())


def _message(action: dict[str, Any]) -> tuple[dict[str, str], bytes | None]:
    """Give the headers and the content of a request."""
    headers: dict[str, str] = action["headers"]
    if "json" in action:
        content, kind = json.dumps(action["json"], ensure_ascii=False).encode(), "application/json"
    elif "body" in action:
        content, kind = action["body"].encode("utf-8", "surrogateescape"), "text/plain; charset=utf-8"
    else:
        return headers, None
    if "content-type" not in map(str.lower, headers):
        headers = {**headers, "Content-Type": kind}
    return headers, content


def _proxy(url: URL) -> str | None:
    """Give the proxy that the engine's environment names for an address."""
    proxy = getproxies().get(url.scheme)
    if proxy is None or proxy_bypass(url.host or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _target(url: URL, location: str | None, left: int) -> tuple[URL | None, str]:
    """Give where a redirect leads; where it is not followed, why."""
    if location is None:
        return None, "it redirects, and does not say where to"
    try:
        target = url.join(_address(location))
    except ValueError:
        return None, f"it redirects to {location[:100]!r}, which is no address"
    if target.scheme not in ("http", "https") or not target.host:
        return None, f"it redirects to {location[:100]!r}, which is no address of HTTP"
    if not left:
        return None, f"it is the redirect after {MAX_REDIRECTS} others"
    return target.with_user(None), ""


def _may_see(url: URL, target: URL) -> bool:
    """Whether the server that a redirect leads to may be sent the credentials that were meant for this one."""
    if (url.scheme, url.host, url.port) == (target.scheme, target.host, target.port):
        return True
    is_upgrade = (url.scheme, target.scheme) == ("http", "https") and (url.port, target.port) == (80, 443)
    return is_upgrade and url.host == target.host


def _without(headers: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in names}


async def _take_body(answer: aiohttp.ClientResponse, write: Callable[[bytes], None]) -> None:
    size = 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > MAX_BODY:
            raise BodyTooLarge
        write(part)


def _told(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give headers as far as they are told of: as plain text, those of one name joined, within bounds."""
    told: dict[str, str] = {}
    size = 0
    for name, value in headers:
        text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        size += len(name) + len(text)
        if size > MAX_HEADERS:
            break
        key = name.lower()
        told[key] = f"{told[key]}, {text}" if key in told else text
    return told


def reason_of(problem: BaseException) -> str:
    """Say in words why no answer came."""
    match problem:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {problem.certificate_error}"
        case aiohttp.ClientConnectorError():
            return reason_of(problem.os_error)
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection before it answered"
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case aiohttp.ClientResponseError():
            return f"what it sent is no HTTP: {problem.message}"
        case OSError(errno=int(number)) if number > 0 and not isinstance(problem, ssl.SSLError):
            return os.strerror(number)  # the text of asyncio's own is "Connect call failed"
        case OSError(strerror=str(text)):
            return text
    return str(problem) or type(problem).__name__

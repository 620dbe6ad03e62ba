"""Compare clients for the kind `http`: time to be ready, and requests a second against a small server on this machine.

Run it in an environment that has a client: `python benchmarks/http_clients.py aiohttp`, or `httpx`.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

REQUESTS = 3000
WIDTHS = (1, 16, 64)
ROUNDS = 3
IMPORTS = 9

Get = Callable[[], Awaitable[Any]]

SERVER = """
import asyncio

BODY = b'{"ok": true, "text": "' + b"x" * 400 + b'"}'
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(BODY) + BODY

async def serve(reader, writer):
    try:
        while True:
            await reader.readuntil(b"\\r\\n\\r\\n")
            writer.write(ANSWER)
    except asyncio.IncompleteReadError:
        writer.close()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""


async def with_aiohttp(url: str, use: Callable[[Get], Awaitable[None]]) -> None:
    """Ask by one session."""
    import aiohttp

    async with aiohttp.ClientSession() as session:

        async def get() -> bytes:
            async with session.get(url) as answer:
                return await answer.read()

        await use(get)


async def with_httpx(url: str, use: Callable[[Get], Awaitable[None]]) -> None:
    """Ask by one client."""
    import httpx

    async with httpx.AsyncClient() as client:

        async def get() -> bytes:
            async with client.stream("GET", url) as answer:
                return await answer.aread()

        await use(get)


async def measure(get: Get) -> None:
    """Print requests a second for each number of requests at once."""
    for width in WIDTHS:
        rates = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            await asyncio.gather(*(several(get, REQUESTS // width) for _ in range(width)))
            rates.append(REQUESTS // width * width / (time.perf_counter() - begun))
        print(f"{width:3} at once: {statistics.median(rates):7.0f} requests/s")


async def several(get: Get, count: int) -> None:
    """Ask again and again."""
    for _ in range(count):
        await get()


READY = """
import asyncio, time
async def make():
    async with {client}():
        print(time.perf_counter() - begun)
begun = time.perf_counter()
import {name}
asyncio.run(make())
"""


def time_to_be_ready(name: str) -> float:
    """Give the seconds that importing and a first client take in an interpreter that has asyncio already."""
    code = READY.format(name=name, client={"aiohttp": "aiohttp.ClientSession", "httpx": "httpx.AsyncClient"}[name])
    found = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(IMPORTS)
    ]
    return statistics.median(found)


def main() -> None:
    """Measure the client that is named."""
    name = sys.argv[1]
    print(f"{name} is ready after {time_to_be_ready(name) * 1000:.0f} ms")
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            port = int(server.stdout.readline()) if server.stdout else 0
            client = {"aiohttp": with_aiohttp, "httpx": with_httpx}[name]
            asyncio.run(client(f"http://127.0.0.1:{port}/", measure))
        finally:
            server.terminate()


if __name__ == "__main__":
    main()

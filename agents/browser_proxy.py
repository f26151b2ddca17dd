"""The only way out of a browser tab: a proxy that knows one name and counts the bytes.

Chromium asks it for everything, http, https and websockets alike; it resolves no names itself.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

HEAD_BYTES, HEAD_SECONDS = 65_536, 15
# What one look may bring in, all files together. The largest template's dev server sends 12 MB.
TOTAL_BYTES = 64 * 2**20
PIECE = 65_536
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# Of a connection: cut, silent, or no HTTP.
ENDS = (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
OPEN = b"HTTP/1.1 200 OK\r\n\r\n"


@dataclass
class Way:
    """What may be asked for (`authority`: the preview's name, with its port if it has one) and who answers for it."""

    authority: str
    host: str
    port: int
    tls: bool
    left: int = TOTAL_BYTES

    def allows(self, authority: str) -> bool:
        """Whether a request may go to this name. A CONNECT always has a port; an address only an unusual one."""
        default = ":443" if self.tls else ":80"
        return authority.lower().removesuffix(default) == self.authority.removesuffix(default)


@asynccontextmanager
async def serve(way: Way) -> AsyncIterator[int]:
    """The proxy's port on 127.0.0.1, for as long as the block runs; then every connection is cut."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        with contextlib.suppress(asyncio.CancelledError, *ENDS):
            await _answer(way, reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=HEAD_BYTES)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _answer(way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    method, target, lines = await _head(reader)
    tunnel = method == "CONNECT"
    address = urlsplit(target)
    if not way.allows(target if tunnel else address.netloc) or (way.tls and not tunnel):
        writer.write(REFUSED)
        return
    if tunnel:
        writer.write(OPEN)
    if way.tls:
        await _carry_both(way, reader, writer, b"")
        return
    if tunnel:  # a websocket: its request comes inside
        method, target, lines = await _head(reader)
        address = urlsplit(target)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    await _carry_both(way, reader, writer, _request(way, method, path, lines))


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, list[str]]:
    """Method, target and header lines of the next request."""
    async with asyncio.timeout(HEAD_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    return method, target, lines


def _request(way: Way, method: str, path: str, lines: list[str]) -> bytes:
    """The request for the app: the one name, whatever the browser said, and one request a connection."""
    names = [line.partition(":")[0].lower() for line in lines]
    upgrade = "upgrade" in names
    kept = [
        line
        for name, line in zip(names, lines, strict=True)
        if name not in ("host", "connection") and not name.startswith("proxy-")
    ]
    first = [f"{method} {path} HTTP/1.1", f"Host: {way.authority}", f"Connection: {'Upgrade' if upgrade else 'close'}"]
    return "\r\n".join([*first, *kept, "", ""]).encode("latin-1")


async def _carry_both(way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes) -> None:
    upstream_reader, upstream = await asyncio.open_connection(way.host, way.port)
    there = asyncio.ensure_future(_carry(way, reader, upstream))
    try:
        upstream.write(first)
        await _carry(way, upstream_reader, writer)
    finally:
        there.cancel()
        upstream.close()  # before any wait, which may be cut
        await asyncio.gather(there, return_exceptions=True)


async def _carry(way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while piece := await source.read(PIECE):
        way.left -= len(piece)
        if way.left < 0:
            return
        sink.write(piece)
        await sink.drain()

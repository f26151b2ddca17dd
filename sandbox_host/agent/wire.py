"""One connection from the host: a JSON line that names the operation, then frames of type, length and bytes in both
directions.
"""

from __future__ import annotations

import _json
import os
import struct

from sandbox_host.agent import loop

TYPE_CHECKING = False  # as mypy reads it; importing typing would cost 6 ms at each start
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable
    from typing import Any

HEADER = struct.Struct("!cI")
CHUNK = 256 * 1024
LINE_LIMIT = 8 * 1024 * 1024


class OperationError(Exception):
    """Told to the caller. `code` is a Connect error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class _ScannerContext:
    """What the C scanner asks of a JSONDecoder; the json package costs 10 ms to import (it needs `re`)."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int = float, int
    memo: dict[str, str] = {}

    @staticmethod
    def parse_constant(name: str) -> float:
        return float(name.replace("Infinity", "inf"))


_scan = _json.make_scanner(_ScannerContext)  # type: ignore[arg-type] # any object with these attributes


def loads(text: str) -> Any:
    try:
        return _scan(text, 0)[0]
    except StopIteration:
        raise OperationError("invalid_argument", "the request is not JSON") from None


def dumps(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _json.encode_basestring_ascii(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dumps(str(k))}:{dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dumps, value)) + "]"
    return repr(value)


class Connection:
    """Buffered reads and framed writes on one accepted socket; OSError when the host has gone."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.buffer = bytearray()
        self.open = True
        self.turn = loop.Turn()  # a command's two outputs come from two tasks

    async def read(self) -> bytes:
        """What is there, b"" at the end."""
        if self.buffer:
            data, self.buffer = bytes(self.buffer), bytearray()
            return data
        return await read_some(self.fd)

    async def line(self) -> str:
        while b"\n" not in self.buffer:
            await self._more()
            if len(self.buffer) > LINE_LIMIT:
                raise OperationError("invalid_argument", f"the request is longer than {LINE_LIMIT} bytes")
        line, _, rest = self.buffer.partition(b"\n")
        self.buffer = rest
        return line.decode("utf-8", "surrogateescape")

    async def frame(self) -> tuple[bytes, bytes]:
        while len(self.buffer) < HEADER.size:
            await self._more()
        kind, length = HEADER.unpack_from(self.buffer)
        end = HEADER.size + length
        while len(self.buffer) < end:
            await self._more()
        payload = bytes(self.buffer[HEADER.size : end])
        del self.buffer[:end]
        return kind, payload

    async def _more(self) -> None:
        data = await read_some(self.fd)
        if not data:
            raise loop.Closed("the host closed the connection")
        self.buffer += data

    async def send(self, kind: bytes, payload: bytes = b"") -> None:
        if not self.open:  # its number may have a new owner
            raise loop.Closed("closed")
        async with self.turn:
            if not self.open:
                raise loop.Closed("closed")
            await write_all(self.fd, HEADER.pack(kind, len(payload)) + payload)

    async def reply(self, value: Any) -> None:
        await self.send(b"J", dumps(value).encode("utf-8", "surrogateescape"))

    async def refuse(self, error: OperationError) -> None:
        text = dumps({"code": error.code, "message": error.message})
        await self.send(b"X", text.encode("utf-8", "surrogateescape"))

    def close(self) -> None:
        if self.open:
            self.open = False
            close(self.fd)


async def accept(server: _socket.socket, serve: Callable[[Connection], loop.Job]) -> None:
    """Serve each connection to `server`, which does not block, in a task of its own; for ever."""
    while True:
        try:
            fd, _ = server._accept()  # type: ignore[attr-defined] # the part of accept() that makes no Python socket
        except BlockingIOError:
            await loop.readable(server.fileno())
            continue
        except OSError:  # out of descriptors: leave the caller in the queue
            await loop.sleep(0.05)
            continue
        os.set_blocking(fd, False)
        loop.spawn(serve(Connection(fd)))


def close(fd: int) -> None:
    loop.forget(fd)
    os.close(fd)


async def read_some(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, CHUNK)
        except BlockingIOError:
            await loop.readable(fd)


async def write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            await loop.writable(fd)

"""Bytes between two descriptors: previews (host to a port in here) and egress (a port in here to the host's proxy
socket).
"""

# pathlib, contextlib and asyncio would double the time an agent takes to start.
# ruff: noqa: ASYNC240, PTH110

from __future__ import annotations

import _socket
import errno
import os
import time

from sandbox_host.agent import loop, wire

EGRESS_PORT = 3128
EGRESS_SOCKET = "/run/egress.sock"
PATIENCE = 20.0  # seconds to wait for a server whose queue of connections is full
_PAUSE = 0.02
_LOOPBACKS = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))


async def dial(conn: wire.Connection, request: dict[str, int]) -> None:
    """Connect the host to a server that listens on loopback in here; it may listen on IPv4 or IPv6 alone."""
    for family, address in _LOOPBACKS:
        try:
            sock = await _connect(family, (address, request["port"]))
        except OSError:
            continue
        await conn.reply({})
        await both_ways(conn, sock, patient=False)
        return
    raise wire.OperationError("unavailable", f"port {request['port']} is not open")


async def _connect(family: int, address: tuple[str, int] | str) -> _socket.socket:
    """Never waits inside the kernel, where everything else in here would wait too. Raises OSError.

    A local server answers at once, yes or no, unless its queue is full; then it is asked again and again, because
    the kernel itself would ask only after a second.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        sock = _socket.socket(family, _socket.SOCK_STREAM)
        sock.setblocking(False)
        error = sock.connect_ex(address)
        if error == errno.EINPROGRESS:
            error = sock.connect_ex(address)
        if error in (0, errno.EISCONN):
            return sock
        sock.close()
        if error not in (errno.EALREADY, errno.EAGAIN, errno.EINPROGRESS):
            raise OSError(error, os.strerror(error))
        await loop.sleep(_PAUSE)
    raise OSError(errno.ETIMEDOUT, "its queue of connections is full")


async def serve_egress() -> None:
    """Listen where HTTP_PROXY points and carry each connection to the host's proxy."""
    if not os.path.exists(EGRESS_SOCKET):
        return
    server = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    server.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", EGRESS_PORT))
    server.listen(128)
    server.setblocking(False)
    await wire.accept(server, _egress)


async def _egress(conn: wire.Connection) -> None:
    try:
        await both_ways(conn, await _connect(_socket.AF_UNIX, EGRESS_SOCKET))
    except OSError:
        pass
    finally:
        conn.close()


async def both_ways(conn: wire.Connection, other: _socket.socket, *, patient: bool = True) -> None:
    """Copy until both sides have ended, or if not `patient` until `conn` has; each side's end is passed on as a
    half-close.
    """
    other.setblocking(False)
    there = wire.Connection(other.detach())
    done = loop.Event()
    loop.spawn(_copy(there, conn, done))
    try:
        await _copy(conn, there, loop.Event())
        if patient:
            await done.wait()
    finally:
        there.close()


async def _copy(source: wire.Connection, target: wire.Connection, done: loop.Event) -> None:
    """A side that was closed meanwhile is left alone: its number may have a new owner."""
    try:
        while source.open and (data := await source.read()) and target.open:
            await wire.write_all(target.fd, data)
    except OSError:
        pass
    finally:
        if target.open:
            _half_close(target.fd)
        done.set()


def _half_close(fd: int) -> None:
    try:
        copy = _socket.socket(fileno=os.dup(fd))
    except OSError:
        return
    try:
        copy.shutdown(_socket.SHUT_WR)
    except OSError:
        pass
    finally:
        copy.close()

"""Start of the agent: take the limits, listen on the inherited socket, run one operation per connection."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # `signal` imports enum
import _socket
import os
import resource
import sys

from sandbox_host.agent import files, loop, process, relay, wire

TYPE_CHECKING = False  # as mypy reads it; importing typing would cost 6 ms at each start
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    Operation = Callable[[wire.Connection, dict[str, Any]], Awaitable[None]]


async def ping(conn: wire.Connection, request: dict[str, Any]) -> None:
    await conn.reply({})


def _watch(name: str) -> Operation:
    async def operation(conn: wire.Connection, request: dict[str, Any]) -> None:
        from sandbox_host.agent import watch  # ctypes costs 5 ms at start, and few sandboxes watch

        await getattr(watch, name)(conn, request)

    return operation


OPERATIONS: dict[str, Operation] = {
    "ping": ping,
    "start": process.start,
    "connect": process.connect,
    "list": process.list_all,
    "signal": process.signal,
    "input": process.feed,
    "closeStdin": process.close_stdin,
    "resize": process.resize,
    "stat": files.stat,
    "listing": files.listing,
    "mkdir": files.make_directory,
    "move": files.move,
    "remove": files.remove,
    "read": files.read,
    "write": files.write,
    "watch": _watch("stream"),
    "createWatcher": _watch("create"),
    "watcherEvents": _watch("events"),
    "removeWatcher": _watch("delete"),
    "dial": relay.dial,
}


def main() -> None:
    """argv: the number of the listening socket, then limits as NAME=VALUE (names of resource.RLIMIT_*)."""
    server = int(sys.argv[1])
    os.set_inheritable(server, False)
    os.set_blocking(server, False)
    for pair in sys.argv[2:]:
        name, _, value = pair.partition("=")
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (int(value), int(value)))
    os.nice(5)  # hostile loops must not slow the host
    os.umask(0o022)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_IGN)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    loop.spawn(wire.accept(_socket.socket(fileno=server), _serve))
    loop.spawn(relay.serve_egress())
    loop.run()


async def _serve(conn: wire.Connection) -> None:
    try:
        request = wire.loads(await conn.line())
        await OPERATIONS[request["op"]](conn, request)
    except wire.OperationError as error:
        await _refuse(conn, error)
    except OSError:
        pass  # the host has gone
    except RecursionError:  # os.makedirs, a thousand folders deep
        await _refuse(conn, wire.OperationError("invalid_argument", "the path or the request is too deep"))
    except Exception as error:  # noqa: BLE001 - one operation's fault must not end the sandbox
        await _refuse(conn, wire.OperationError("internal", f"{type(error).__name__}: {error}"))
    finally:
        conn.close()


async def _refuse(conn: wire.Connection, error: wire.OperationError) -> None:
    """Tell the host, then take what it still sends until it closes: closing first would lose the refusal."""
    try:
        await conn.refuse(error)
        while await conn.read():
            pass
    except OSError:
        pass

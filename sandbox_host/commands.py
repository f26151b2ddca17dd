"""envd's process service: start, follow, feed and signal commands."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from sandbox_host import connect
from sandbox_host.bodies import number
from sandbox_host.connect import RpcError, Stream
from sandbox_host.isolation import HOME, MIB
from sandbox_host.launch import AgentError, AgentGone, Channel, decode
from sandbox_host.output import Budget
from sandbox_host.sandbox import Sandbox

_NAMES = {b"O": b"stdout", b"E": b"stderr", b"P": b"pty"}
_KEEPALIVE = b'{"event":{"keepalive":{}}}'


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise RpcError("invalid_argument", f"{name} must be a string without null bytes")
    return value


def _map(message: dict[str, Any], name: str) -> dict[str, Any]:
    value = message.get(name) or {}
    if not isinstance(value, dict):
        raise RpcError("invalid_argument", f"{name} must be an object")
    return value


def path_inside(value: object) -> str:
    """A path as E2B reads it: relative ones and ~ start at the home."""
    path = _text(value, "path")
    if path.startswith("/"):
        return path
    return f"{HOME}/{path.removeprefix('~').lstrip('/')}".rstrip("/")


def _selector(message: dict[str, Any]) -> dict[str, Any]:
    selector = message.get("process")
    if not isinstance(selector, dict) or not ("pid" in selector or "tag" in selector):
        raise RpcError("invalid_argument", "process selector is missing")
    return selector


def _command(message: dict[str, Any], sandbox: Sandbox, user: str) -> dict[str, Any]:
    process, pty = _map(message, "process"), _map(message, "pty")
    args, envs = process.get("args") or [], process.get("envs") or {}
    if not isinstance(args, list) or not isinstance(envs, dict):
        raise RpcError("invalid_argument", "args must be a list and envs a map")
    extra = {_text(k, "envs"): _text(v, "envs") for k, v in envs.items()}
    return {
        "op": "start",
        "cmd": _text(process.get("cmd"), "cmd"),
        "args": [_text(arg, "args") for arg in args],
        "envs": sandbox.environment(extra, user or "user"),
        "shown": extra,
        "cwd": path_inside(process.get("cwd") or HOME),
        "tag": message.get("tag"),
        "stdin": message.get("stdin", True),
        "pty": _size(pty) if "pty" in message else None,
    }


def _size(pty: dict[str, Any]) -> dict[str, int]:
    size = {name: value for name, value in _map(pty, "size").items() if isinstance(value, int)}
    return {name: max(0, min(size.get(name, 0), 65535)) for name in ("rows", "cols")}


def seconds(request: web.Request) -> float | None:
    """What the caller gives the call in all, None if it sets no end."""
    return number(request.headers.get("Connect-Timeout-Ms", ""), 0) / 1000 or None


async def start(request: web.Request, sandbox: Sandbox) -> web.StreamResponse:
    """Start a command and stream its output. The deadline kills the command; the caller hanging up does not."""
    command = _command(await connect.first_message(request), sandbox, connect.user_of(request))
    return await _stream(request, sandbox, dict(command, timeout=seconds(request)), None)


async def follow(request: web.Request, sandbox: Sandbox) -> web.StreamResponse:
    message = await connect.first_message(request)
    return await _stream(request, sandbox, {"op": "connect", "process": _selector(message)}, seconds(request))


async def _stream(
    request: web.Request, sandbox: Sandbox, operation: dict[str, Any], deadline: float | None
) -> web.StreamResponse:
    kills = sandbox.usage.kills(sandbox.launch)
    async with sandbox.operation(operation) as channel:
        started = await channel.frame()  # a refusal is answered before the stream opens
        stream = await Stream(request).open()
        await stream.send(b'{"event":' + started[1] + b"}")
        try:
            async with asyncio.timeout(deadline), keepalive(request, stream, _KEEPALIVE):
                end = await _pass_on(channel, stream, sandbox)
        except TimeoutError:
            return await stream.end(RpcError("deadline_exceeded", "the connection's time is over"))
        except AgentError as refusal:
            return await stream.end(RpcError(refusal.code, refusal.message))
        except AgentGone:
            return stream.abort()
        if end.pop("timedOut", False):
            after = f"it ran for the {operation.get('timeout', 0):g} s that were asked for"
            return await stream.end(RpcError("deadline_exceeded", f"the command was killed: {after}"))
        end.pop("signal", None)
        if end.get("error") and (reason := sandbox.usage.reason(kills, sandbox.launch)):
            end["error"] += f" ({reason})"
            # A shell tells only that its child was killed, and callers look at what a command wrote.
            await _send_data(stream, b"P" if operation.get("pty") else b"E", f"{reason}\n".encode())
        await stream.send(connect.encode({"event": {"end": end}}))
        return await stream.end()


async def _pass_on(channel: Channel, stream: Stream, sandbox: Sandbox) -> dict[str, Any]:
    """Output frames to the stream until the command ends; gives the end event."""
    limit = sandbox.place.machine.limits.output * MIB
    budgets = {kind: Budget(limit) for kind in (b"O", b"E")}
    while True:
        kind, payload = await channel.frame()
        if kind == b"J":
            break
        if kind not in _NAMES:
            raise AgentGone("the agent sent an unknown frame")
        if kind in budgets:
            payload = budgets[kind].admit(payload)
        if payload:
            await _send_data(stream, kind, payload)
    for kind, budget in budgets.items():
        if rest := budget.rest():
            await _send_data(stream, kind, rest)
    return end_event(payload)


async def _send_data(stream: Stream, kind: bytes, payload: bytes) -> None:
    await stream.send(b'{"event":{"data":{"' + _NAMES[kind] + b'":"' + base64.b64encode(payload) + b'"}}}')


def end_event(payload: bytes) -> dict[str, Any]:
    """The agent's end event, believed only in form."""
    value = decode(payload).get("end")
    if not isinstance(value, dict) or not isinstance(value.get("exitCode"), int):
        raise AgentGone("the agent sent no end event")
    known = {"exitCode": int, "exited": bool, "status": str, "error": str, "timedOut": bool, "signal": int}
    return {name: value[name] for name, kind in known.items() if isinstance(value.get(name), kind)}


@asynccontextmanager
async def keepalive(request: web.Request, stream: Stream, message: bytes) -> AsyncIterator[None]:
    """Send `message` as often as the caller asked, so that nothing between takes the stream for dead."""
    seconds = number(request.headers.get("Keepalive-Ping-Interval", ""), 0) or 90

    async def ping() -> None:
        while True:
            await asyncio.sleep(seconds)
            await stream.send(message)

    task = asyncio.create_task(ping())
    try:
        yield
    finally:
        task.cancel()


async def list_all(request: web.Request, sandbox: Sandbox) -> web.Response:
    processes = await sandbox.call({"op": "list"})
    found = []
    for process in processes:
        config = {name: process[name] for name in ("cmd", "args", "envs", "cwd") if name in process}
        found.append({"config": config, "pid": process["pid"], **({"tag": process["tag"]} if "tag" in process else {})})
    return web.json_response({"processes": found})


def _simple(
    build: Callable[[dict[str, Any]], dict[str, Any]],
) -> Callable[[web.Request, Sandbox], Awaitable[web.Response]]:
    """A unary call with an empty answer."""

    async def operation(request: web.Request, sandbox: Sandbox) -> web.Response:
        message = await connect.unary(request)
        await sandbox.call(dict(build(message), process=_selector(message)))
        return web.json_response({})

    return operation


def _input(message: dict[str, Any]) -> tuple[bytes, bytes]:
    """The kind of frame and the bytes of a ProcessInput."""
    value = _map(message, "input")
    name = "pty" if "pty" in value else "stdin"
    try:
        return (b"P" if name == "pty" else b"I"), base64.b64decode(value.get(name, ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise RpcError("invalid_argument", "the input is not base64") from None


async def send_input(request: web.Request, sandbox: Sandbox) -> web.Response:
    message = await connect.unary(request)
    async with sandbox.operation({"op": "input", "process": _selector(message)}) as channel:
        await channel.send(*_input(message))
        await channel.send(b"Z")
        await channel.reply()
    return web.json_response({})


async def stream_input(request: web.Request, sandbox: Sandbox) -> web.StreamResponse:
    first = await connect.first_message(request)
    async with sandbox.operation({"op": "input", "process": _selector(_map(first, "start"))}) as channel:
        while (message := await connect.next_message(request)) is not None:
            if "data" in message:
                await channel.send(*_input(_map(message, "data")))
        await channel.send(b"Z")
        await channel.reply()
    stream = await Stream(request).open()
    await stream.send(b"{}")
    return await stream.end()


OPERATIONS = {
    "/process.Process/Start": start,
    "/process.Process/Connect": follow,
    "/process.Process/List": list_all,
    "/process.Process/SendInput": send_input,
    "/process.Process/StreamInput": stream_input,
    "/process.Process/SendSignal": _simple(lambda message: {"op": "signal", "signal": message.get("signal")}),
    "/process.Process/CloseStdin": _simple(lambda message: {"op": "closeStdin"}),
    "/process.Process/Update": _simple(lambda message: {"op": "resize", "size": _size(_map(message, "pty"))}),
}

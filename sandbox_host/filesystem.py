"""envd's filesystem service: entries, directories, moves, removals and watchers."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from sandbox_host import commands, connect
from sandbox_host.connect import RpcError, Stream
from sandbox_host.launch import AgentError, AgentGone
from sandbox_host.sandbox import Sandbox

Operation = Callable[[web.Request, Sandbox], Awaitable[web.StreamResponse]]


def _entry(value: Any) -> dict[str, Any]:
    """An entry from the agent as E2B's EntryInfo; its time comes as [seconds, nanoseconds]."""
    if not isinstance(value, dict):
        raise AgentGone("the agent sent no entry")
    seconds, nanos = value.pop("modifiedTime", (0, 0))
    moment = datetime.fromtimestamp(min(max(int(seconds), 0), 253402300799), UTC)
    return {**value, "modifiedTime": f"{moment:%Y-%m-%dT%H:%M:%S}.{int(nanos):09d}Z"}


def _one_entry(op: str, *paths: str, writes: bool = False) -> Operation:
    """A unary call on paths that answers with an entry."""

    async def operation(request: web.Request, sandbox: Sandbox) -> web.Response:
        message = await connect.unary(request)
        if writes:
            sandbox.usage.require_space()
        found = await sandbox.call({"op": op, **{name: commands.path_inside(message.get(name)) for name in paths}})
        return web.json_response({"entry": _entry(found)})

    return operation


async def listing(request: web.Request, sandbox: Sandbox) -> web.Response:
    message = await connect.unary(request)
    depth = message.get("depth") or 1
    if not isinstance(depth, int):
        raise RpcError("invalid_argument", "depth must be a number")
    found = await sandbox.call({"op": "listing", "path": commands.path_inside(message.get("path")), "depth": depth})
    return web.json_response({"entries": [_entry(entry) for entry in found]})


async def remove(request: web.Request, sandbox: Sandbox) -> web.Response:
    message = await connect.unary(request)
    await sandbox.call({"op": "remove", "path": commands.path_inside(message.get("path"))})
    return web.json_response({})


def _watch_request(op: str, message: dict[str, Any]) -> dict[str, Any]:
    flags = {name: bool(message.get(name)) for name in ("recursive", "includeEntry")}
    return {"op": op, "path": commands.path_inside(message.get("path")), **flags}


async def watch(request: web.Request, sandbox: Sandbox) -> web.StreamResponse:
    """Stream what happens in a directory until the caller hangs up."""
    message = await connect.first_message(request)
    async with sandbox.operation(_watch_request("watch", message)) as channel:
        await channel.reply()
        stream = await Stream(request).open()
        await stream.send(b'{"start":{}}')
        try:
            async with (
                asyncio.timeout(commands.seconds(request)),
                commands.keepalive(request, stream, b'{"keepalive":{}}'),
            ):
                while True:
                    event = (await channel.reply())["filesystem"]
                    await stream.send(connect.encode({"filesystem": _event(event)}))
        except TimeoutError:
            return await stream.end(RpcError("deadline_exceeded", "the watch's time is over"))
        except (AgentGone, AgentError, KeyError, TypeError):
            return stream.abort()


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "entry": _entry(event["entry"])} if "entry" in event else event


async def create_watcher(request: web.Request, sandbox: Sandbox) -> web.Response:
    found = await sandbox.call(_watch_request("createWatcher", await connect.unary(request)))
    return web.json_response({"watcherId": found["watcherId"]})


async def watcher_events(request: web.Request, sandbox: Sandbox) -> web.Response:
    message = await connect.unary(request)
    found = await sandbox.call({"op": "watcherEvents", "watcherId": str(message.get("watcherId"))})
    return web.json_response({"events": [_event(event) for event in found["events"]]})


async def remove_watcher(request: web.Request, sandbox: Sandbox) -> web.Response:
    message = await connect.unary(request)
    await sandbox.call({"op": "removeWatcher", "watcherId": str(message.get("watcherId"))})
    return web.json_response({})


OPERATIONS: dict[str, Operation] = {
    "/filesystem.Filesystem/Stat": _one_entry("stat", "path"),
    "/filesystem.Filesystem/MakeDir": _one_entry("mkdir", "path", writes=True),
    "/filesystem.Filesystem/Move": _one_entry("move", "source", "destination"),
    "/filesystem.Filesystem/ListDir": listing,
    "/filesystem.Filesystem/Remove": remove,
    "/filesystem.Filesystem/WatchDir": watch,
    "/filesystem.Filesystem/CreateWatcher": create_watcher,
    "/filesystem.Filesystem/GetWatcherEvents": watcher_events,
    "/filesystem.Filesystem/RemoveWatcher": remove_watcher,
}

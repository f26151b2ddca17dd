"""One running set of a sandbox's processes, as the host sees it: spoken to through the agent's socket, and started,
stopped, continued and ended by who may.
"""

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sandbox_host.cgroup import Group
from sandbox_host.root import Root
from sandbox_host.spawn import START_TIMEOUT, inside
from sandbox_host.storage import Disk

HEADER = struct.Struct("!cI")
FRAME_LIMIT = 64 * 1024 * 1024  # of one frame from an agent that may have been taken over


class AgentError(Exception):
    """An operation inside was refused; `code` is a Connect error code (or "no_space")."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class AgentGone(Exception):
    """The sandbox's processes ended while we spoke to it."""


class Channel:
    """One operation's connection to the agent: frames both ways."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def frame(self) -> tuple[bytes, bytes]:
        """The next frame; raises AgentError for a refusal and AgentGone at the end of the stream."""
        try:
            kind, length = HEADER.unpack(await self.reader.readexactly(HEADER.size))
            if length > FRAME_LIMIT:
                raise AgentGone("the agent sent a frame over the limit")
            payload = await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise AgentGone("the sandbox stopped") from error
        if kind == b"X":
            refusal = decode(payload)
            raise AgentError(str(refusal.get("code")), str(refusal.get("message")))
        return kind, payload

    async def reply(self) -> Any:
        _, payload = await self.frame()
        return decode(payload)

    async def send(self, kind: bytes, payload: bytes | memoryview = b"") -> None:
        try:
            self.writer.write(HEADER.pack(kind, len(payload)))
            self.writer.write(payload)
            await self.writer.drain()
        except OSError as error:
            raise AgentGone("the sandbox stopped") from error

    def close(self) -> None:
        self.writer.close()


def decode(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise AgentGone("the agent sent something that is not JSON") from error


class Launch:
    """The processes of one sandbox, from `start` to `end`."""

    def __init__(self, root: Root, name: str, socket_path: str, bwrap: int, pidfd: int, group: Group | None) -> None:
        self.root, self.name, self.socket_path, self.bwrap, self.group = root, name, socket_path, bwrap, group
        self.writers: WeakSet[asyncio.StreamWriter] = WeakSet()  # of the connections in use
        self.own: set[int] = set()  # bwrap's init and the agent: what is there before any command
        self._egress: int | None = None
        self.ended = _gone(pidfd)

    @classmethod
    async def start(
        cls, root: Root, sockets: Path, name: str, uid: int, disk: Disk, *, spare: bool = False, internet: bool = False
    ) -> "Launch":
        """Start a sandbox's processes as `uid` and wait until the agent answers. Raises AgentGone with what went wrong.
        A `spare` one's disk may get a template later.
        """
        try:
            started = await root("start", name, uid, disk.kind, disk.lower, spare, internet)
        except BaseException:  # the caller may have gone, in the middle
            await asyncio.shield(root("end", name))
            raise
        group = Group([Path(path) for path in started["group"]]) if started["group"] else None
        launch = cls(root, name, f"{sockets}/{name}.agent", started["bwrap"], started["pidfd"], group)
        launch._egress = started.get("egress")
        try:
            await asyncio.wait_for(launch.call({"op": "ping"}), START_TIMEOUT)
        except (AgentGone, TimeoutError) as error:
            raise AgentGone(f"the sandbox did not start: {await launch.end() or error}") from None
        except BaseException:
            await asyncio.shield(launch.end())
            raise
        launch.own = launch.processes()
        return launch

    @property
    def alive(self) -> bool:
        return not self.ended.done()

    async def open(self, request: dict[str, Any]) -> Channel:
        """Begin an operation; the caller closes the channel."""
        try:
            reader, writer = await asyncio.open_unix_connection(self.socket_path, limit=1024 * 1024)
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
        except OSError as error:
            raise AgentGone("the sandbox stopped") from error
        self.writers.add(writer)
        return Channel(reader, writer)

    @asynccontextmanager
    async def operation(self, request: dict[str, Any]) -> AsyncIterator[Channel]:
        channel = await self.open(request)
        try:
            yield channel
        finally:
            channel.close()

    async def call(self, request: dict[str, Any]) -> Any:
        """An operation with one answer."""
        async with self.operation(request) as channel:
            return await channel.reply()

    def processes(self) -> set[int]:
        """Host pids of everything inside."""
        return inside(self.bwrap, self.group)

    def take_way_out(self) -> socket.socket | None:
        """The listening socket that the sandbox's programs reach outside by, once; None if it has none."""
        fd, self._egress = self._egress, None
        return socket.socket(fileno=fd) if fd is not None else None

    async def freeze(self) -> None:
        """Cut all connections and stop every process."""
        for writer in list(self.writers):
            writer.transport.abort()
        await self.root("stop", self.name)

    async def thaw(self) -> None:
        await self.root("thaw", self.name)

    async def kill(self, pids: set[int]) -> None:
        """Those of these processes that are the sandbox's."""
        await self.root("kill", self.name, sorted(pids))

    async def kill_commands(self) -> None:
        """End every command, but not the agent."""
        await self.kill(self.processes() - self.own)

    async def end(self) -> str:
        """Kill everything and wait until it is gone; what bwrap said."""
        if (way_out := self.take_way_out()) is not None:
            way_out.close()
        text: str = await self.root("end", self.name)
        await asyncio.shield(self.ended)
        return text


def _gone(pidfd: int) -> "asyncio.Future[None]":
    """Done when the process of a pidfd, which is closed then, has ended."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def take() -> None:
        loop.remove_reader(pidfd)
        os.close(pidfd)
        if not ended.done():
            ended.set_result(None)

    loop.add_reader(pidfd, take)
    return ended

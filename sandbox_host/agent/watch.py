"""Directory watching with inotify, streamed or collected for polling."""

# pathlib, contextlib and asyncio would double the time an agent takes to start.
# ruff: noqa: PTH112, PTH118, SIM105

from __future__ import annotations

import ctypes
import os
import struct

from sandbox_host.agent import files, loop, wire

TYPE_CHECKING = False  # as mypy reads it; importing typing would cost 6 ms at each start
if TYPE_CHECKING:
    from typing import Any

_IN = {0x2: "WRITE", 0x4: "CHMOD", 0x40: "RENAME", 0x80: "CREATE", 0x100: "CREATE", 0x200: "REMOVE"}
_MASK = sum(_IN)
_ISDIR, _MOVED_TO, _CREATE, _ONLYDIR = 0x40000000, 0x80, 0x100, 0x01000000
_HEADER = struct.Struct("iIII")
_EVENT_LIMIT = 10_000  # kept for one poller; the oldest go first
_libc = ctypes.CDLL(None, use_errno=True)
_watchers: dict[str, Watcher] = {}


class Watcher:
    """One inotify instance on a directory, and below it when recursive."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.root = files.resolve(request["path"])
        if not os.path.lexists(self.root):
            raise wire.OperationError("not_found", f"path {self.root} not found")
        if not os.path.isdir(self.root):
            raise wire.OperationError("invalid_argument", f"path {self.root} is not a directory")
        self.recursive, self.include_entry = bool(request.get("recursive")), bool(request.get("includeEntry"))
        self.events: list[dict[str, Any]] = []
        self.names: dict[int, str] = {}
        self.closed = False
        self.fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0:
            raise wire.OperationError("resource_exhausted", "too many watchers")
        self._add("")

    def _add(self, relative: str) -> None:
        path = os.path.join(self.root, relative)
        watch = _libc.inotify_add_watch(self.fd, os.fsencode(path), _MASK | _ONLYDIR)
        if watch < 0:
            return  # gone in the meantime, or the user's limit of watches
        self.names[watch] = relative
        if self.recursive:
            try:
                below = [item.name for item in os.scandir(path) if item.is_dir(follow_symlinks=False)]
            except OSError:
                return
            for name in below:
                self._add(os.path.join(relative, name))

    def drain(self) -> list[dict[str, Any]]:
        """Everything the kernel has queued, as E2B's FilesystemEvents."""
        found: list[dict[str, Any]] = []
        while True:
            try:
                data = os.read(self.fd, 65536)
            except BlockingIOError:
                return found
            offset = 0
            while offset < len(data):
                watch, mask, _, length = _HEADER.unpack_from(data, offset)
                name = os.fsdecode(data[offset + _HEADER.size : offset + _HEADER.size + length].rstrip(b"\0"))
                offset += _HEADER.size + length
                found += self._event(watch, mask, name)

    def _event(self, watch: int, mask: int, name: str) -> list[dict[str, Any]]:
        kind = next((label for bit, label in _IN.items() if mask & bit), None)
        if kind is None or watch not in self.names or not name:
            return []
        relative = os.path.join(self.names[watch], name)
        if self.recursive and mask & _ISDIR and mask & (_CREATE | _MOVED_TO):
            self._add(relative)
        event: dict[str, Any] = {"name": relative, "type": f"EVENT_TYPE_{kind}"}
        if self.include_entry:
            try:
                event["entry"] = files.entry(os.path.join(self.root, relative))
            except OSError:
                pass
        return [event]

    def close(self) -> None:
        self.closed = True
        wire.close(self.fd)


async def stream(conn: wire.Connection, request: dict[str, Any]) -> None:
    watcher = Watcher(request)
    try:
        await conn.reply({"start": {}})
        loop.spawn(_close_with(conn, watcher))
        while True:
            for event in watcher.drain():
                await conn.reply({"filesystem": event})
            await loop.readable(watcher.fd)
    finally:
        watcher.close()


async def _close_with(conn: wire.Connection, watcher: Watcher) -> None:
    try:
        while await wire.read_some(conn.fd):
            pass
    except OSError:
        pass
    if not watcher.closed:
        loop.forget(watcher.fd)


async def create(conn: wire.Connection, request: dict[str, Any]) -> None:
    if len(_watchers) >= 100:
        raise wire.OperationError("resource_exhausted", "more than 100 watchers are open")
    name = os.urandom(8).hex()
    _watchers[name] = watcher = Watcher(request)
    loop.spawn(_collect(watcher))
    await conn.reply({"watcherId": name})


async def _collect(watcher: Watcher) -> None:
    """Empty the kernel's queue as it fills, so that a poller that comes rarely misses nothing."""
    while True:
        await loop.readable(watcher.fd)
        watcher.events += watcher.drain()
        del watcher.events[:-_EVENT_LIMIT]


def _find(request: dict[str, Any]) -> Watcher:
    watcher = _watchers.get(request["watcherId"])
    if watcher is None:
        raise wire.OperationError("not_found", f"watcher with id {request['watcherId']} not found")
    return watcher


async def events(conn: wire.Connection, request: dict[str, Any]) -> None:
    watcher = _find(request)
    found, watcher.events = watcher.events + watcher.drain(), []
    await conn.reply({"events": found})


async def delete(conn: wire.Connection, request: dict[str, Any]) -> None:
    _find(request).close()
    del _watchers[request["watcherId"]]
    await conn.reply({})

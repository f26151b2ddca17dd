"""The one way out of a sandbox: an HTTP proxy on a unix socket that lets through only allow-listed hosts.

CONNECT tunnels must be TLS for the very name that was asked for, and stay opaque; plain HTTP requests are rewritten.
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sandbox_host import registries
from sandbox_host.egress_http import HOP_BY_HOP, MAX_HEAD, answer, content_length, read_head, read_hello, split_url
from sandbox_host.egress_route import Stream, connect
from sandbox_host.egress_rules import Refused, check, parse_authority

MAX_LOG = 4 << 20
CHUNK = 65536
IDLE_SECONDS = 120
PORT_INSIDE = 3128
CA_INSIDE = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True)
class Limits:
    """What one sandbox may use: connections at once, new ones in a minute, bytes out and in over its life."""

    at_once: int = 128
    a_minute: int = 1200
    sent: int = 256 << 20
    received: int = 4 << 30


@dataclass
class _Call:
    """One connection, as the log line will tell it."""

    started: float = field(default_factory=time.monotonic)
    method: str = ""
    host: str = ""
    port: int = 0
    address: str = ""
    sent: int = 0
    received: int = 0
    refused: str = ""


class EgressProxy:
    """One sandbox's proxy. `allow` is read anew for each connection, so it may be replaced while running."""

    def __init__(
        self, listener: socket.socket, allow: frozenset[str], log_path: Path, *, uid: int | None = None,
        limits: Limits = Limits(), trusted: frozenset[tuple[str, int]] | None = None,
    ) -> None:  # fmt: skip
        """`listener`: what the sandbox connects to; `uid`: the only peer served (None: any); `trusted`: registries as
        `egress_rules.check` takes them.
        """
        self.listener, self.allow, self.log_path = listener, allow, log_path
        self.uid, self.limits = uid, limits
        self.deny: frozenset[str] = frozenset()  # names that `allow` does not reach, in the same form
        self.trusted = registries.addresses() if trusted is None else trusted
        self.sent = self.received = 0
        self._recent: list[float] = []
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self.listener, limit=MAX_HEAD)

    async def stop(self) -> None:
        """Stop listening, cut every open tunnel."""
        if self._server:
            self._server.close()
        for task, writer in self._open.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)
        await asyncio.sleep(0)  # let the transports close

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= self.limits.at_once:
            # Before anything is read, and without a line in the log: a flood of silent ones must cost us nothing.
            await answer(writer, Refused("too many connections at once; try again in a minute", 429))
            writer.close()
            return
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._open[task] = writer
        call = _Call()
        try:
            await self._serve(reader, writer, call)
        except Refused as error:
            call.refused = str(error)
            await answer(writer, error)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            call.refused = call.refused or f"broken off: {str(error) or type(error).__name__}"
        except asyncio.CancelledError:  # only `stop` cancels, and it waits for this task to end
            call.refused = "broken off: the sandbox ended"
        finally:
            del self._open[task]
            writer.close()
            self._log(call)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: _Call) -> None:
        method, target, headers = await read_head(reader)
        call.method = method
        self._admit(writer)
        if method == "CONNECT":
            call.host, call.port = parse_authority(target)
            await self._tunnel((reader, writer), call)
        else:
            call.host, call.port, path = split_url(method, target)
            await self._request((reader, writer), call, path, headers)

    def _admit(self, writer: asyncio.StreamWriter) -> None:
        """Raise Refused unless the peer is this sandbox and has not made too many or sent too much."""
        if self.uid is not None and _peer_uid(writer) not in (self.uid, os.geteuid()):
            raise Refused("this is another sandbox's way out")
        now = time.monotonic()
        self._recent = [moment for moment in self._recent if moment > now - 60]
        if len(self._recent) >= self.limits.a_minute:
            raise Refused("too many connections; try again in a minute", 429)
        if self.sent >= self.limits.sent or self.received >= self.limits.received:
            raise Refused("this sandbox has used up its network traffic", 429)
        self._recent.append(now)

    async def _dial(self, call: _Call) -> Stream:
        check(call.host, call.port, self.allow, self.trusted, self.deny)
        stream, call.address = await connect(call.host, call.port, (call.host, call.port) in self.trusted)
        return stream

    async def _tunnel(self, inner: Stream, call: _Call) -> None:
        outer = await self._dial(call)
        try:
            inner[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            hello = await read_hello(inner[0], call.host)
            self._count(call, sent=len(hello))
            outer[1].write(hello)
            await self._both_ways(inner, outer, call)
        finally:
            outer[1].close()

    async def _request(self, inner: Stream, call: _Call, path: str, headers: list[tuple[str, str]]) -> None:
        length = content_length(headers)
        outer = await self._dial(call)
        try:
            host = f"[{call.host}]" if ":" in call.host else call.host
            lines = [f"{call.method} {path} HTTP/1.1", f"Host: {host}" + (f":{call.port}" if call.port != 80 else "")]
            lines += [f"{name}: {value}" for name, value in headers if name.lower() not in HOP_BY_HOP]
            outer[1].write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1"))
            while length > 0:
                piece = await asyncio.wait_for(inner[0].read(min(CHUNK, length)), IDLE_SECONDS)
                if not piece:
                    return
                length -= len(piece)
                self._count(call, sent=len(piece))
                outer[1].write(piece)
                await outer[1].drain()
            while piece := await asyncio.wait_for(outer[0].read(CHUNK), IDLE_SECONDS):
                self._count(call, received=len(piece))
                inner[1].write(piece)
                await inner[1].drain()
        finally:
            outer[1].close()

    async def _both_ways(self, inner: Stream, outer: Stream, call: _Call) -> None:
        """Carry bytes until both sides have ended, one breaks off, or nothing has moved for IDLE_SECONDS."""
        up = asyncio.create_task(self._pump(inner[0], outer[1], lambda size: self._count(call, sent=size)))
        down = asyncio.create_task(self._pump(outer[0], inner[1], lambda size: self._count(call, received=size)))
        moved = -1
        try:
            while moved != call.sent + call.received:
                moved = call.sent + call.received
                ended, open_ = await asyncio.wait((up, down), timeout=IDLE_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
                for task in ended:
                    task.result()
                if not open_:
                    return
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: Callable[[int], None]
    ) -> None:
        while piece := await source.read(CHUNK):
            count(len(piece))
            sink.write(piece)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()

    def _count(self, call: _Call, sent: int = 0, received: int = 0) -> None:
        call.sent, call.received = call.sent + sent, call.received + received
        self.sent, self.received = self.sent + sent, self.received + received
        if self.sent > self.limits.sent or self.received > self.limits.received:
            call.refused = "this sandbox has used up its network traffic"
            raise ConnectionAbortedError(call.refused)

    def _log(self, call: _Call) -> None:
        line: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"), "verdict": "refused" if call.refused else "ok",
            "method": call.method, "host": call.host, "port": call.port, "address": call.address,
            "reason": call.refused, "sent": call.sent, "received": call.received,
            "seconds": round(time.monotonic() - call.started, 3),
        }  # fmt: skip
        with contextlib.suppress(OSError):  # a full disk must not cut the sandbox off
            with self.log_path.open("a") as log:
                log.write(json.dumps(line) + "\n")
                full = log.tell() > MAX_LOG
            if full:  # one older file is kept, so that a flood of requests cannot fill the disk
                self.log_path.replace(self.log_path.with_suffix(".1" + self.log_path.suffix))


def default_allow() -> frozenset[str]:
    """The package registries: npm's and PyPI's public ones, and those that this machine's npm and pip use. Exactly
    these: what is below pypi.org takes uploads.
    """
    return frozenset(f"{host}:{port}" for host, port in registries.addresses())


def sandbox_env() -> dict[str, str]:
    """Variables for programs inside a sandbox, so that npm, pip, git, curl and Node find the proxy. No credentials.

    The machine's CA bundle, if it has one at the usual place, is expected at the same path inside.
    """
    proxy = f"http://127.0.0.1:{PORT_INSIDE}"
    env = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    env |= dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1")
    env["NODE_USE_ENV_PROXY"] = "1"  # Node's own fetch and http otherwise ignore the proxy
    if Path(CA_INSIDE).exists():
        names = (
            "SSL_CERT_FILE",
            "NODE_EXTRA_CA_CERTS",
            "PIP_CERT",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "GIT_SSL_CAINFO",
        )
        env |= dict.fromkeys(names, CA_INSIDE)
    index, *extra = registries.pip_indexes()
    env |= {"PIP_INDEX_URL": index, "PIP_EXTRA_INDEX_URL": " ".join(extra), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return env | {
        "NPM_CONFIG_REGISTRY": registries.npm_registry(),
        "NPM_CONFIG_IGNORE_SCRIPTS": "true",  # a package's install script is the usual way a bad package acts
        "NPM_CONFIG_OMIT_LOCKFILE_REGISTRY_RESOLVED": "true",
        "NPM_CONFIG_AUDIT": "false",
        "NPM_CONFIG_FUND": "false",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    }


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", peer)[1])

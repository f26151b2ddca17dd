"""What a sandbox says to its egress proxy, read strictly: request head, body length, the first bytes of a tunnel."""

import asyncio
import contextlib

from sandbox_host import tls_hello
from sandbox_host.egress_rules import Refused, is_literal, parse_authority

MAX_HEAD = 32768
HEAD_SECONDS = 30
CHUNK = 65536
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
HOP_BY_HOP = frozenset({
    "connection", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
    "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip


async def read_head(reader: asyncio.StreamReader) -> tuple[str, str, list[tuple[str, str]]]:
    """Method, target and headers of a request. Raises Refused (400) if they are not strictly HTTP/1."""
    try:
        async with asyncio.timeout(HEAD_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        raise Refused("the request head is too long", 400) from None
    first, *rest = head[:-4].split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[0].isalpha():
        raise Refused("that is not an HTTP request", 400)
    headers = []
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise Refused("that is not an HTTP header", 400)
        headers.append((name, value.strip()))
    if any(ord(character) < 32 and character != "\t" for character in head.replace("\r\n", "")):
        raise Refused("control characters are not allowed", 400)
    return parts[0].upper(), parts[1], headers


def split_url(method: str, target: str) -> tuple[str, int, str]:
    """`http://host[:port]/path` → host, port, path."""
    if method not in _METHODS:
        raise Refused(f"{method[:20]} is not allowed here", 405)
    scheme, found, rest = target.partition("://")
    if not found or scheme.lower() != "http":
        raise Refused("ask for an http:// address, or CONNECT for https", 400)
    authority, slash, path = rest.partition("/")
    return *parse_authority(authority, 80), slash + path if slash else "/"


def content_length(headers: list[tuple[str, str]]) -> int:
    """How many body bytes follow. Raises Refused when two readers could see two different ends."""
    if any(name.lower() == "transfer-encoding" for name, _ in headers):
        raise Refused("send a Content-Length", 411)
    values = {value for name, value in headers if name.lower() == "content-length"}
    if len(values) > 1 or not all(value.isascii() and value.isdigit() and len(value) < 16 for value in values):
        raise Refused("that is not a Content-Length", 400)
    return int(values.pop()) if values else 0


async def read_hello(reader: asyncio.StreamReader, host: str) -> bytes:
    """The first bytes of a tunnel, once they are TLS for `host`; so one allowed name cannot carry another's traffic."""
    data = b""
    async with asyncio.timeout(HEAD_SECONDS):
        while piece := await reader.read(CHUNK):
            data += piece
            try:
                name = tls_hello.server_name(data)
            except tls_hello.NeedMore:
                if len(data) > tls_hello.MAX_HELLO:
                    raise ConnectionAbortedError("the TLS hello is too long") from None
                continue
            except tls_hello.NotTls as error:
                raise ConnectionAbortedError(f"only TLS may go through CONNECT: {error}") from None
            if name != host and not (name is None and is_literal(host)):
                raise ConnectionAbortedError(f"CONNECT asked for {host}, TLS for {name}")
            return data
    raise ConnectionAbortedError("closed before anything was sent")


async def answer(writer: asyncio.StreamWriter, error: Refused) -> None:
    body = f"Sandbox network: {error}.\n".encode()
    head = f"HTTP/1.1 {error.status} Refused\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}"
    with contextlib.suppress(OSError):
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

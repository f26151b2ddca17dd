"""The Connect protocol with JSON, as envd speaks it: unary answers, framed streams, and errors by code."""

import base64
import binascii
import json
import struct
from typing import Any

from aiohttp import web

from sandbox_host import closing

HEADER = struct.Struct(">BI")
END = 0x02
MESSAGE_LIMIT = 8 * 1024 * 1024
STATUS = {
    "canceled": 499,
    "unknown": 500,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "unauthenticated": 401,
}


class RpcError(Exception):
    """Told to the SDK by its code (a key of STATUS)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code if code in STATUS else ("resource_exhausted" if code == "no_space" else "internal")
        self.message = message

    def response(self) -> web.Response:
        return web.json_response({"code": self.code, "message": self.message}, status=STATUS[self.code])


def encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def user_of(request: web.Request) -> str:
    """The user of `Authorization: Basic base64("user:")`, "" if none is named."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        raise RpcError("unauthenticated", "the Authorization header cannot be read") from None


async def unary(request: web.Request) -> dict[str, Any]:
    return _object(await request.read())


async def first_message(request: web.Request) -> dict[str, Any]:
    """The one message of a server stream's request."""
    return await next_message(request) or {}


async def next_message(request: web.Request) -> dict[str, Any] | None:
    """The next message of a client stream, None at its end."""
    try:
        flags, length = HEADER.unpack(await request.content.readexactly(HEADER.size))
        if length > MESSAGE_LIMIT:
            raise RpcError("resource_exhausted", f"a message may not be longer than {MESSAGE_LIMIT} bytes")
        payload = await request.content.readexactly(length)
    except EOFError:  # asyncio.IncompleteReadError is one
        return None
    if flags & END:
        return None
    if flags:
        raise RpcError("unimplemented", "compressed messages are not supported")
    return _object(payload)


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        raise RpcError("invalid_argument", "the message is not JSON") from None
    if not isinstance(value, dict):
        raise RpcError("invalid_argument", "the message is not an object")
    return value


class Stream:
    """A server stream's answer: messages, then an end with or without an error."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.response = web.StreamResponse(headers={"Content-Type": "application/connect+json"})
        self.over = False

    async def open(self) -> "Stream":
        await self.response.prepare(self.request)
        closing.keep(self.request, self)
        return self

    async def send(self, message: bytes) -> None:
        if not self.over:
            await self.response.write(HEADER.pack(0, len(message)) + message)

    async def end(self, error: RpcError | None = None) -> web.StreamResponse:
        if self.over:
            return self.response
        self.over = True
        trailer = json.dumps({"error": {"code": error.code, "message": error.message}} if error else {}).encode()
        await self.response.write(HEADER.pack(END, len(trailer)) + trailer)
        await self.response.write_eof()
        return self.response

    async def leave(self) -> None:
        await self.end(RpcError("unavailable", closing.STOPPING))

    def abort(self) -> web.StreamResponse:
        """Drop the connection: the SDK then asks whether the sandbox still lives."""
        if self.request.transport is not None:
            self.request.transport.abort()
        return self.response

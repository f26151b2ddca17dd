"""envd's /files: download as a stream; upload as a form of files or as plain bytes."""

import json
import re
import zlib
from collections.abc import AsyncIterator
from email.message import Message
from typing import Any
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from sandbox_host.answers import error
from sandbox_host.commands import path_inside
from sandbox_host.launch import AgentError, AgentGone, Channel
from sandbox_host.sandbox import Sandbox
from sandbox_host.usage import DiskFull

CHUNK = 256 * 1024
_STATUS = {
    "not_found": 404,
    "invalid_argument": 400,
    "already_exists": 400,  # something that is no folder lies on the way
    "permission_denied": 403,
    "no_space": 507,
    "resource_exhausted": 429,
}
_METADATA = re.compile(r"X-Metadata-(.+)", re.IGNORECASE)


async def handle(request: web.Request, sandbox: Sandbox) -> web.StreamResponse:
    """GET or POST /files; who may was checked before."""
    try:
        if request.method == "GET":
            return await _download(request, sandbox)
        if request.method == "POST":
            return await _upload(request, sandbox)
        return error(405, "method not allowed")
    except DiskFull as full:
        return error(507, str(full))
    except AgentError as refusal:
        return error(_STATUS.get(refusal.code, 500), refusal.message)


async def _download(request: web.Request, sandbox: Sandbox) -> web.StreamResponse:
    path = path_inside(request.query.get("path", ""))
    async with sandbox.operation({"op": "read", "path": path}) as channel:
        named = await channel.reply()
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.headers["Content-Disposition"] = f"inline; filename*=utf-8''{quote(str(named.get('name')))}"
        # Clients that list gzip among others do so by habit; packing costs more than it saves on one machine.
        packer = zlib.compressobj(1, wbits=31) if request.headers.get("Accept-Encoding", "").strip() == "gzip" else None
        if packer:
            response.headers["Content-Encoding"] = "gzip"
        await response.prepare(request)
        try:
            while (frame := await channel.frame())[0] == b"D":
                await response.write(packer.compress(frame[1]) if packer else frame[1])
        except (AgentGone, AgentError):
            if request.transport is not None:
                request.transport.abort()  # a cut download must not look whole
            return response
        if packer:
            await response.write(packer.flush())
        await response.write_eof()
        return response


async def _upload(request: web.Request, sandbox: Sandbox) -> web.Response:
    sandbox.usage.require_space(request.content_length or 0)
    metadata = {m[1].lower(): value for name, value in request.headers.items() if (m := _METADATA.fullmatch(name))}
    path = request.query.get("path", "")
    async with sandbox.operation({"op": "write"}) as channel:
        if request.content_type.startswith("multipart/"):
            try:
                written = await _form(request, channel, path, metadata)
            except ValueError as wrong:  # aiohttp's word for a form that is none
                raise AgentError("invalid_argument", f"the form cannot be read: {wrong}") from None
        else:
            if not path:
                return error(400, "path is missing")
            written = [await _write(channel, path, metadata, request.content.iter_chunked(CHUNK))]
    return web.json_response(written)


async def _form(request: web.Request, channel: Channel, path: str, metadata: dict[str, str]) -> list[dict[str, Any]]:
    """Each part named `file`; its filename is its path, unless the query names one (then there must be one part)."""
    written: list[dict[str, Any]] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name != "file":
            continue
        if path and written:
            raise AgentError("invalid_argument", "you can only upload one file when the path is given")
        written.append(await _write(channel, path or _filename(part), metadata, _chunks(part)))
    if not written:
        raise AgentError("invalid_argument", "the form holds no file")
    return written


def _filename(part: BodyPartReader) -> str:
    """The whole path as sent: aiohttp's own `filename` drops a leading slash, which would move the file."""
    header = Message()
    header["Content-Disposition"] = part.headers.get("Content-Disposition", "")
    return header.get_filename() or ""


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


async def _write(channel: Channel, path: str, metadata: dict[str, str], data: AsyncIterator[bytes]) -> dict[str, Any]:
    named = {"path": path_inside(path), **({"metadata": metadata} if metadata else {})}
    await channel.send(b"F", json.dumps(named).encode())
    async for chunk in data:
        await channel.send(b"D", chunk)
    await channel.send(b"Z")
    answer = await channel.reply()
    found = {name: str(answer.get(name)) for name in ("path", "name", "type")}
    return {**found, "metadata": metadata} if metadata else found

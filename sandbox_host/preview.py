"""Show what listens on a sandbox's port at its own host name: HTTP and websockets, streamed both ways.

Each request gets a connection of its own, so that nothing of one sandbox is ever pooled with another's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from sandbox_host import closing, preview_headers, preview_pages
from sandbox_host.launch import AgentGone
from sandbox_host.sandbox import NotRunning, PortClosed

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

RESERVED_PORTS = frozenset({3128, 49983, 49999})  # the way out, E2B's agent, E2B's code interpreter
GONE_CHECK_SECONDS = 15
HEAD_BYTES = 65536  # of a request's first line and of each header; a path of 4095 bytes may fill 12 KB
MESSAGE_BYTES = 32 << 20
_ENDS = frozenset({web.WSMsgType.CLOSE, web.WSMsgType.CLOSING, web.WSMsgType.CLOSED, web.WSMsgType.ERROR})
_WebSocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


class Target(Protocol):
    """What a preview needs of a sandbox: a name, a state ("running", "paused", …) and a way to its ports."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    async def dial(self, port: int) -> Stream: ...


async def handle(request: web.Request, sandbox: Target, port: int, mask: str = "") -> web.StreamResponse:
    """Answer a visit to `{port}-{id}.<preview domain>`: what the app says, or a page that says why it says nothing.
    `mask`: the Host to ask the app as, with ${PORT} for the port.
    """
    if port in RESERVED_PORTS or not 0 < port < 65536:
        return preview_pages.answer(request, preview_pages.RESERVED, sandbox.id, port)
    if sandbox.state == "paused":
        return preview_pages.answer(request, preview_pages.PAUSED, sandbox.id, port)
    try:
        stream = await sandbox.dial(port)
    except PortClosed:
        return preview_pages.answer(request, preview_pages.CLOSED, sandbox.id, port)
    except (NotRunning, AgentGone):  # paused, killed or broken down since we looked
        return preview_pages.answer(request, preview_pages.STARTING, sandbox.id, port)
    headers = preview_headers.towards_app(request)
    if mask:
        headers[hdrs.HOST] = mask.replace("${PORT}", str(port))
    try:
        async with client(stream) as session:
            if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
                return await _websocket(request, session, headers)
            return await _http(request, session, headers)
    except (aiohttp.ClientError, ValueError):
        return preview_pages.answer(request, preview_pages.BROKEN, sandbox.id, port)
    finally:
        stream[1].close()  # no request may have come to use it


def gone(request: web.Request, sandbox_id: str, port: int) -> web.Response:
    """The answer for a sandbox that does not exist (any more)."""
    return preview_pages.answer(request, preview_pages.GONE, sandbox_id, port)


async def _http(request: web.Request, session: aiohttp.ClientSession, headers: CIMultiDict[str]) -> web.StreamResponse:
    async with session.request(
        request.method,
        _url(request),
        headers=headers,
        data=request.content if request.body_exists else None,
        allow_redirects=False,
    ) as answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        response.headers.extend(preview_headers.towards_browser(answer.headers))
        await response.prepare(request)
        try:
            async for piece in _pieces(request, answer.content):
                await response.write(piece)
            await response.write_eof()
        except (aiohttp.ClientError, ConnectionResetError):
            # Half an answer must not look whole: cut the line instead of ending the body.
            if request.transport:
                request.transport.abort()
        return response


async def _pieces(request: web.Request, content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The body as it comes. A stream that is silent is ended when nobody listens any more."""
    while True:
        try:
            piece = await asyncio.wait_for(content.readany(), GONE_CHECK_SECONDS)
        except TimeoutError:
            if request.transport is None or request.transport.is_closing():
                return
            continue
        if not piece:
            return
        yield piece


async def _websocket(
    request: web.Request, session: aiohttp.ClientSession, headers: CIMultiDict[str]
) -> web.StreamResponse:
    protocols = [
        name.strip() for name in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",") if name.strip()
    ]
    try:
        app = await session.ws_connect(
            _url(request), headers=headers, protocols=protocols, max_msg_size=MESSAGE_BYTES, autoclose=False
        )
    except aiohttp.WSServerHandshakeError as error:
        return web.Response(
            status=error.status if error.status >= 400 else 502, text="The app refused the websocket.\n"
        )
    chosen = [app.protocol] if app.protocol else []
    browser = web.WebSocketResponse(protocols=chosen, max_msg_size=MESSAGE_BYTES, compress=False, autoclose=False)
    await browser.prepare(request)
    visit = _Visit(browser)
    closing.keep(request, visit)
    ways = [asyncio.create_task(_carry(browser, app)), asyncio.create_task(_carry(app, browser))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await asyncio.gather(browser.close(), app.close(), return_exceptions=True)
    return browser


class _Visit:
    """A browser's websocket, to be closed as by a server that goes away."""

    def __init__(self, browser: web.WebSocketResponse) -> None:
        self.browser = browser

    async def leave(self) -> None:
        await self.browser.close(code=aiohttp.WSCloseCode.GOING_AWAY)


async def _carry(source: _WebSocket, sink: _WebSocket) -> None:
    """Messages from one side to the other, at last the close code."""
    while True:
        message = await source.receive()
        if message.type is web.WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is web.WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type in _ENDS:
            code = source.close_code or 1001
            await sink.close(code=code if code not in (1005, 1006, 1015) else 1001)
            return


def _url(request: web.Request) -> URL:
    """The path exactly as the browser sent it. Raises ValueError for a target that is no path."""
    if not request.raw_path.startswith("/"):
        raise ValueError("not a path")
    return URL(f"http://app{request.raw_path}", encoded=True)


@asynccontextmanager
async def client(stream: Stream) -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client whose one connection is a stream that is open already."""
    async with aiohttp.ClientSession(
        connector=_OneStream(stream),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # a dev server may take its time; GONE_CHECK_SECONDS ends the rest
        auto_decompress=False,
        skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
        max_line_size=HEAD_BYTES,
        max_field_size=HEAD_BYTES,
    ) as session:
        yield session


class _OneStream(aiohttp.BaseConnector):
    """Hands out one connection that somebody else has opened."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(force_close=True)
        self._stream = stream  # kept as long as it is in use: a StreamWriter closes when it is forgotten

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: object,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the base's
    ) -> aiohttp.client_proto.ResponseHandler:
        reader, writer = self._stream
        if reader.at_eof() or writer.is_closing():
            raise aiohttp.ClientConnectionError("the app closed the connection")
        handler = self._factory()
        writer.transport.set_protocol(handler)
        handler.connection_made(writer.transport)
        return handler

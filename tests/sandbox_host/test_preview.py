"""The preview proxy in front of real servers: HTTP, streams, websockets, headers, pages when there is no app."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from sandbox_host import preview
from sandbox_host.sandbox import PortClosed

pytestmark = pytest.mark.asyncio
App = Callable[[web.Request], Awaitable[web.StreamResponse]]
HTML = {"Accept": "text/html"}


@dataclass
class Machine:
    """A preview target whose ports are this machine's own."""

    id: str = "abc123"
    state: str = "running"

    async def dial(self, port: int) -> preview.Stream:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except OSError as error:
            raise PortClosed(port) from error


@asynccontextmanager
async def listening(handler: App) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@asynccontextmanager
async def previewing(port: int, **target: Any) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A client and the address under which it sees the port through the preview."""
    machine = Machine(**target)

    async def front(request: web.Request) -> web.StreamResponse:
        return await preview.handle(request, machine, port)

    async with (
        listening(front) as address,
        aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        yield client, f"http://127.0.0.1:{address}"


@asynccontextmanager
async def raw_server(answer: bytes) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_it_passes_method_path_and_body_unchanged() -> None:
    async def app(request: web.Request) -> web.Response:
        return web.json_response([request.method, request.raw_path, (await request.read()).decode()])

    async with listening(app) as port, previewing(port) as (client, url):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            path = "/a%2Fb/..;/%7Ec//d?x=%20&y=ü"
            target = URL(url + path.replace("ü", "%C3%BC"), encoded=True)
            async with client.request(method, target, data=None if method == "GET" else "body") as answer:
                said = await answer.json()
            assert said == [method, "/a%2Fb/..;/%7Ec//d?x=%20&y=%C3%BC", "" if method == "GET" else "body"]


@pytest.mark.parametrize("own", ["", "no-referrer", "unsafe-url"])
async def test_it_tells_nobody_else_the_address_unless_the_app_wants_it(own: str) -> None:
    async def app(request: web.Request) -> web.Response:
        return web.Response(headers={"Referrer-Policy": own} if own else {})

    async with listening(app) as port, previewing(port) as (client, url), client.get(url) as answer:
        assert answer.headers.getall("Referrer-Policy") == [own or "same-origin"]


async def test_it_never_forwards_our_credentials_or_the_connections_own_headers() -> None:
    async def app(request: web.Request) -> web.Response:
        return web.json_response(dict(request.headers))

    sent = {
        "X-API-KEY": "e2b_1", "X-Access-Token": "t", "E2b-Sandbox-Id": "abc123", "E2B-Traffic-Access-Token": "t",
        "Connection": "keep-alive, X-Secret-Hop", "X-Secret-Hop": "1", "Proxy-Authorization": "Basic eA==",
        "TE": "trailers",
        "Keep-Alive": "5", "Cookie": "mine=1", "Authorization": "Bearer app", "Host": "3000-abc123.localhost:8001",
        "X-Kept": "yes",
    }  # fmt: skip
    async with listening(app) as port, previewing(port) as (client, url), client.get(url, headers=sent) as answer:
        got = {name.lower(): value for name, value in (await answer.json()).items()}
    assert not {
        "x-api-key", "x-access-token", "e2b-sandbox-id", "e2b-traffic-access-token", "x-secret-hop",
        "proxy-authorization", "te", "keep-alive",
    } & set(got)  # fmt: skip
    assert (got["cookie"], got["authorization"], got["x-kept"]) == ("mine=1", "Bearer app", "yes")
    assert got["host"] == got["x-forwarded-host"] == "3000-abc123.localhost:8001"
    assert (got["x-forwarded-proto"], got["x-forwarded-for"]) == ("http", "127.0.0.1")


async def test_it_keeps_the_connections_own_headers_from_the_browser() -> None:
    sent = {"Keep-Alive": "timeout=5", "Proxy-Authenticate": "Basic", "Trailer": "X-Sum", "X-Hop": "1", "X-Kept": "yes"}

    async def app(request: web.Request) -> web.Response:
        return web.Response(headers={**sent, "Connection": "close, X-Hop"})

    async with listening(app) as port, previewing(port) as (client, url), client.get(url) as answer:
        assert {name for name in sent if name in answer.headers} == {"X-Kept"}


async def test_it_keeps_cookies_on_the_host_that_set_them() -> None:
    async def app(request: web.Request) -> web.Response:
        response = web.Response()
        response.headers.add("Set-Cookie", "a=1; Domain=.localhost; Path=/; HttpOnly")
        response.headers.add("Set-Cookie", "b=2; Path=/; DOMAIN = localhost")
        response.headers.add("Set-Cookie", "c=domain=x")
        return response

    async with listening(app) as port, previewing(port) as (client, url), client.get(url) as answer:
        cookies = answer.headers.getall("Set-Cookie")
    assert cookies == ["a=1; Path=/; HttpOnly", "b=2; Path=/", "c=domain=x"]


async def test_it_leaves_redirects_encodings_and_empty_answers_alone() -> None:
    async def app(request: web.Request) -> web.Response:
        if request.path == "/redirect":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        if request.path == "/gzip":
            return web.Response(body=b"\x1f\x8bnot really", headers={"Content-Encoding": "gzip"})
        return web.Response(status=304, headers={"ETag": '"1"'})

    async with listening(app) as port, previewing(port) as (client, url):
        async with client.get(url + "/redirect", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")
        async with client.get(url + "/gzip") as answer:
            assert (await answer.read(), answer.headers["Content-Encoding"]) == (b"\x1f\x8bnot really", "gzip")
        async with client.get(url + "/same") as answer:
            assert (answer.status, answer.headers["ETag"], await answer.read()) == (304, '"1"', b"")


async def test_it_answers_head_with_the_length_and_no_body() -> None:
    async def app(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1234)

    async with listening(app) as port, previewing(port) as (client, url):
        async with client.head(url) as answer:
            assert (answer.headers["Content-Length"], await answer.read()) == ("1234", b"")
        async with client.get(url) as answer:
            assert len(await answer.read()) == 1234


async def test_it_streams_large_bodies_both_ways() -> None:
    size = 48 << 20

    async def app(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece)
        return response

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size >> 16):
            yield b"y" * 65536

    async with listening(app) as port, previewing(port) as (client, url):
        received = 0
        async with client.post(url, data=body()) as answer:
            async for piece in answer.content.iter_any():
                received += len(piece)
    assert received == size


async def test_it_passes_server_sent_events_as_they_come() -> None:
    go_on = asyncio.Event()

    async def app(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: 1\n\n")
        await go_on.wait()
        await response.write(b"data: 2\n\n")
        return response

    async with listening(app) as port, previewing(port) as (client, url), client.get(url) as answer:
        assert await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 5) == b"data: 1\n\n"
        go_on.set()
        assert await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 5) == b"data: 2\n\n"


async def test_it_relays_websockets_with_protocol_messages_and_close_code() -> None:
    async def app(request: web.Request) -> web.WebSocketResponse:
        socket_ = web.WebSocketResponse(protocols=["vite-hmr"])
        await socket_.prepare(request)
        await socket_.send_str(request.headers["Origin"])
        async for message in socket_:
            if message.data == "bye":
                await socket_.close(code=4001)
            elif message.type is web.WSMsgType.TEXT:
                await socket_.send_str(message.data.upper())
            else:
                await socket_.send_bytes(message.data[::-1])
        return socket_

    async with (
        listening(app) as port,
        previewing(port) as (client, url),
        client.ws_connect(url, protocols=["vite-hmr"], origin="http://3000-abc123.localhost") as ws,
    ):
        assert ws.protocol == "vite-hmr"
        assert await ws.receive_str(timeout=5) == "http://3000-abc123.localhost"
        await ws.send_str("hello")
        assert await ws.receive_str(timeout=5) == "HELLO"
        await ws.send_bytes(b"\x00" * 100_000 + b"\x01")
        assert await ws.receive_bytes(timeout=5) == b"\x01" + b"\x00" * 100_000
        await ws.send_str("bye")
        closing = await ws.receive(timeout=5)
        assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 4001)


async def test_it_tells_the_app_when_the_browser_leaves_a_websocket() -> None:
    left: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def app(request: web.Request) -> web.WebSocketResponse:
        socket_ = web.WebSocketResponse()
        await socket_.prepare(request)
        async for _ in socket_:
            pass
        left.set_result(socket_.close_code)
        return socket_

    async with listening(app) as port, previewing(port) as (client, url):
        ws = await client.ws_connect(url)
        await ws.close(code=1000)
        assert await asyncio.wait_for(left, 5) == 1000


async def test_it_says_when_the_app_refuses_a_websocket() -> None:
    async def app(request: web.Request) -> web.Response:
        return web.Response(status=403)

    async with listening(app) as port, previewing(port) as (client, url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(url)
        assert refused.value.status == 403


async def test_a_closed_port_is_a_page_for_people_and_e2bs_json_for_programs() -> None:
    port = free_port()
    async with previewing(port) as (client, url):
        async with client.get(url, headers=HTML) as answer:
            page = await answer.text()
            assert (answer.status, answer.headers["X-Preview-State"]) == (502, "closed")
            assert f"Nothing listens on port {port} yet" in page and "location.reload()" in page
            assert answer.headers["Cache-Control"] == "no-store"
            assert "src=" not in page and "http://" not in page and "https://" not in page
        async with client.get(url) as answer:
            message = "The sandbox is running but port is not open"
            assert await answer.json() == {"sandboxId": "abc123", "message": message, "port": port, "code": 502}


async def test_a_paused_sandbox_says_so() -> None:
    async with previewing(free_port(), state="paused") as (client, url), client.get(url, headers=HTML) as answer:
        assert (answer.status, answer.headers["X-Preview-State"]) == (502, "paused")
        assert "asleep" in await answer.text()


async def test_a_sandbox_that_is_gone_says_so_and_does_not_reload() -> None:
    async def front(request: web.Request) -> web.Response:
        return preview.gone(request, "<b>gone", 3000)

    async with listening(front) as port, aiohttp.ClientSession() as client:
        async with client.get(f"http://127.0.0.1:{port}", headers=HTML) as answer:
            page = await answer.text()
            assert (answer.status, answer.headers["X-Preview-State"]) == (502, "gone")
            assert "&lt;b&gt;gone" in page and "reload()" not in page
        async with client.get(f"http://127.0.0.1:{port}") as answer:
            assert (await answer.json())["message"] == "The sandbox was not found"


@pytest.mark.parametrize("port", [3128, 49983, 49999, 0, 65536])
async def test_it_refuses_reserved_ports(port: int) -> None:
    async with previewing(port) as (client, url), client.get(url, headers=HTML) as answer:
        assert (answer.status, answer.headers["X-Preview-State"]) == (403, "reserved")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000 + b"\r\n\r\n",
        b"\0\1\2\3\r\n\r\n",
    ],
)
async def test_it_survives_an_app_that_does_not_speak_http(answer: bytes) -> None:
    async with raw_server(answer) as port, previewing(port) as (client, url), client.get(url, headers=HTML) as said:
        assert (said.status, said.headers["X-Preview-State"]) == (502, "broken")


async def test_it_does_not_pass_off_half_an_answer_as_a_whole_one() -> None:
    async with (
        raw_server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n") as port,
        previewing(port) as (client, url),
    ):
        with pytest.raises(aiohttp.ClientError):
            async with client.get(url) as answer:
                await answer.read()
